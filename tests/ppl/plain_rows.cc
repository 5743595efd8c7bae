#include <algorithm>

#include "expr/parse.h"
#include "plain_row.h"
#include "plain_run.h"

namespace clew::query::testing {

using expr::ExprPtr;
using model::Type;
using model::Value;

bool PlainRun::all(const std::vector<Step>& steps) {
  return std::all_of(steps.begin(), steps.end(), [&](const Step& step) { return apply(step); });
}

bool PlainRun::apply(const Step& step) {
  switch (step.kind) {
    case Step::Kind::kWhere: return where(step);
    case Step::Kind::kEval: return eval(step);
    case Step::Kind::kFields: return keep(step.names);
    case Step::Kind::kDrop: return drop(step);
    case Step::Kind::kSort: return sort(step);
    case Step::Kind::kHead: return head(step);
    case Step::Kind::kDedup: return dedup(step);
    case Step::Kind::kStats: return stats(step);
    case Step::Kind::kEventstats: return eventstats(step);
    case Step::Kind::kStreamstats: return streamstats(step);
    case Step::Kind::kTop:
    case Step::Kind::kRare: return top(step);
    case Step::Kind::kFillnull: return fillnull(step);
    case Step::Kind::kRename: return rename(step);
    case Step::Kind::kReverse: std::reverse(table_.rows.begin(), table_.rows.end()); return true;
    case Step::Kind::kAppend: return append(step);
    case Step::Kind::kJoin: return join(step);
    case Step::Kind::kIn: return in(step);
  }
  return false;
}

std::optional<PlainRun::Computed> PlainRun::computed(const std::string& text) {
  Result<ExprPtr> expr = expr::parse_expression_text(text);
  if (!expr.ok()) {
    fail("parse: " + expr.error().message());
    return std::nullopt;
  }
  Result<Type> type = plain_type(table_, **expr, now_);
  if (!type.ok()) {
    refuse(type.error().message());
    return std::nullopt;
  }
  Computed out{{}, *type, 0};
  for (const std::string& name : expr::fields_of(**expr)) {
    size_t at = table_.column(name);
    if (at == table_.names.size() || table_.slacks[at] == 0) continue;
    out.slack = table_.slacks[at];
    if ((*expr)->kind == expr::ExprKind::kField) continue;
    fail("made of numbers whose last digits depend on the order of additions");
    return std::nullopt;
  }
  for (const PlainValues& values : table_.rows) {
    PlainRow row(table_, values, now_);
    std::optional<Value> v = row.value(**expr);
    if (!v) {
      fail(row.why());
      return std::nullopt;
    }
    out.values.push_back(std::move(*v));
  }
  return out;
}

std::optional<size_t> PlainRun::column(const std::string& name) {
  size_t at = table_.column(name);
  if (at != table_.names.size()) return at;
  refuse("Field [" + name + "] not found.");
  return std::nullopt;
}

std::optional<std::vector<size_t>> PlainRun::columns(const std::vector<std::string>& names) {
  std::vector<size_t> out;
  for (const std::string& name : names) {
    std::optional<size_t> at = column(name);
    if (!at) return std::nullopt;
    if (table_.slacks[*at] != 0) {
      fail("a key of numbers whose last digits depend on the order of additions");
      return std::nullopt;
    }
    out.push_back(*at);
  }
  return out;
}

void PlainRun::set_column(const std::string& name, Computed column) {
  size_t at = table_.column(name);
  bool fresh = at == table_.names.size();
  if (fresh) table_.add_name(name, column.type);
  table_.types[at] = column.type;
  table_.slacks[at] = column.slack;
  for (size_t i = 0; i < table_.rows.size(); ++i) {
    if (fresh) table_.rows[i].emplace_back();
    table_.rows[i][at] = std::move(column.values[i]);
  }
}

PlainValues PlainRun::key_of(const PlainValues& row, const std::vector<size_t>& columns) {
  PlainValues key;
  for (size_t c : columns) key.push_back(row[c]);
  return key;
}

bool PlainRun::where(const Step& step) {
  std::optional<Computed> holds = computed(step.exprs[0]);
  if (!holds) return false;
  bool condition = holds->type == Type::kBool || holds->type == Type::kNull || holds->type == Type::kMixed;
  if (!condition) return refuse("a condition must be true or false");
  std::vector<PlainValues> kept;
  for (size_t i = 0; i < table_.rows.size(); ++i) {
    const Value& v = holds->values[i];
    if (v.type() == Type::kBool && v.i64() != 0) kept.push_back(std::move(table_.rows[i]));
  }
  table_.rows = std::move(kept);
  return true;
}

bool PlainRun::eval(const Step& step) {
  std::optional<Computed> column = computed(step.exprs[0]);
  if (column) set_column(step.names[0], std::move(*column));
  return column.has_value();
}

bool PlainRun::keep(const std::vector<std::string>& names) {
  PlainColumns kept;
  std::vector<size_t> places;
  for (const std::string& name : names) {
    std::optional<size_t> at = column(name);
    if (!at) return false;
    places.push_back(*at);
    kept.add_name(name, table_.types[*at], table_.slacks[*at]);
  }
  for (PlainValues& row : table_.rows) row = key_of(row, places);
  static_cast<PlainColumns&>(table_) = std::move(kept);
  return true;
}

bool PlainRun::drop(const Step& step) {
  std::vector<std::string> rest;
  for (const std::string& name : table_.names) {
    if (std::find(step.names.begin(), step.names.end(), name) == step.names.end()) rest.push_back(name);
  }
  return keep(rest);
}

bool PlainRun::sort(const Step& step) {
  std::vector<std::pair<size_t, bool>> keys;
  for (const std::string& name : step.names) {
    bool down = name[0] == '-';
    std::optional<std::vector<size_t>> at = columns({name.substr(down ? 1 : 0)});
    if (!at) return false;
    keys.emplace_back(at->front(), down);
  }
  std::stable_sort(table_.rows.begin(), table_.rows.end(), [&](const PlainValues& a, const PlainValues& b) {
    for (auto [at, down] : keys) {
      int order = plain_order(a[at], b[at]);
      if (order != 0) return down ? order > 0 : order < 0;
    }
    return false;
  });
  return true;
}

bool PlainRun::head(const Step& step) {
  auto& rows = table_.rows;
  auto from = std::min<size_t>(static_cast<size_t>(step.numbers[1]), rows.size());
  rows.erase(rows.begin(), rows.begin() + static_cast<ptrdiff_t>(from));
  if (rows.size() > static_cast<size_t>(step.numbers[0])) rows.resize(static_cast<size_t>(step.numbers[0]));
  return true;
}

bool PlainRun::dedup(const Step& step) {
  std::optional<std::vector<size_t>> at = columns(step.names);
  if (!at) return false;
  std::map<PlainValues, int64_t, PlainLess> seen;
  std::vector<PlainValues> kept;
  for (PlainValues& row : table_.rows) {
    PlainValues key = key_of(row, *at);
    bool null = std::any_of(key.begin(), key.end(), [](const Value& v) { return v.is_null(); });
    bool keeps = null ? has(step, "keepempty=true") : ++seen[key] <= step.numbers[0];
    if (keeps) kept.push_back(std::move(row));
  }
  table_.rows = std::move(kept);
  return true;
}

// As ifnull() does it.
bool PlainRun::fillnull(const Step& step) {
  for (const std::string& name : step.names) {
    if (!column(name)) return false;
    std::optional<Computed> filled = computed("ifnull(" + expr::print_name(name) + ", " + step.exprs[0] + ")");
    if (!filled) return false;
    set_column(name, std::move(*filled));
  }
  return true;
}

// A field that is not there stays not there; another of the new name goes.
bool PlainRun::rename(const Step& step) {
  if (table_.column(step.names[0]) == table_.names.size()) return true;
  std::vector<std::string> rest = table_.names;
  std::erase(rest, step.names[1]);
  if (!keep(rest)) return false;
  table_.names[table_.column(step.names[0])] = step.names[1];
  return true;
}

std::optional<Table> PlainRun::other(const Step& step) {
  PlainRun run(events_, now_);
  if (!run.all(step.inner)) {
    run.refuses() ? refuse(run.why()) : fail(run.why());
    return std::nullopt;
  }
  return run.table();
}

bool PlainRun::append(const Step& step) {
  std::optional<Table> below = other(step);
  if (!below) return false;
  for (size_t i = 0; i < below->names.size(); ++i) {
    size_t at = table_.column(below->names[i]);
    if (at == table_.names.size()) {
      set_column(below->names[i], {PlainValues(table_.rows.size()), below->types[i], below->slacks[i]});
    } else {
      if (table_.types[at] != below->types[i]) table_.types[at] = Type::kMixed;
      table_.slacks[at] = std::max(table_.slacks[at], below->slacks[i]);
    }
  }
  for (const PlainValues& row : below->rows) {
    PlainValues made(table_.names.size());
    for (size_t i = 0; i < row.size(); ++i) made[table_.column(below->names[i])] = row[i];
    table_.rows.push_back(std::move(made));
  }
  return true;
}

bool PlainRun::join(const Step& step) {
  std::optional<Table> right = other(step);
  if (!right) return false;
  std::optional<std::vector<size_t>> left = columns({step.names[0]});
  if (!left) return false;
  size_t a = left->front();
  size_t b = right->column(step.names[1]);
  bool pairs = step.words[0] == "inner" || step.words[0] == "left";
  std::vector<PlainValues> out;
  for (const PlainValues& row : table_.rows) {
    bool found = false;
    for (const PlainValues& beside : right->rows) {
      if (!plain_equal(row[a], beside[b], now_).value_or(false)) continue;
      found = true;
      if (!pairs) break;
      out.push_back(row);
      out.back().insert(out.back().end(), beside.begin(), beside.end());
    }
    if (!found && step.words[0] == "left") {
      out.push_back(row);
      out.back().resize(row.size() + right->names.size());
    }
    if (!pairs && found == (step.words[0] == "semi")) out.push_back(row);
  }
  for (size_t i = 0; pairs && i < right->names.size(); ++i)
    table_.add_name(right->names[i], right->types[i], right->slacks[i]);
  table_.rows = std::move(out);
  return true;
}

bool PlainRun::in(const Step& step) {
  std::optional<Table> list = other(step);
  if (!list) return false;
  std::optional<std::vector<size_t>> key = columns({step.names[0]});
  if (!key) return false;
  size_t at = key->front();
  bool negated = has(step, "not");
  std::vector<PlainValues> kept;
  PlainValues items;
  for (const PlainValues& item : list->rows) items.push_back(item[0]);
  for (const PlainValues& row : table_.rows) {
    std::optional<bool> in = plain_in(row[at], items, now_);
    if (in && *in != negated) kept.push_back(row);
  }
  table_.rows = std::move(kept);
  return true;
}

}  // namespace clew::query::testing
