#include <algorithm>

#include "expr/coerce.h"
#include "expr/parse.h"
#include "plain_aggregate.h"
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
    case Step::Kind::kTimechart:
    case Step::Kind::kChart: return series(step);
    case Step::Kind::kBin: return bin(step);
    case Step::Kind::kParse:
    case Step::Kind::kRex: return parse(step);
    case Step::Kind::kRegex: return regex(step);
    case Step::Kind::kReplace: return replace(step);
    case Step::Kind::kExpand: return expand(step);
    case Step::Kind::kTrendline: return trendline(step);
    case Step::Kind::kLookup: return lookup(step);
    case Step::Kind::kAppendpipe: return appendpipe(step);
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
  bool consecutive = has(step, "consecutive=true");
  std::map<PlainValues, int64_t, PlainLess> seen;
  std::vector<PlainValues> kept;
  for (PlainValues& row : table_.rows) {
    PlainValues key = key_of(row, *at);
    bool null = std::any_of(key.begin(), key.end(), [](const Value& v) { return v.is_null(); });
    if (!null && consecutive && !seen.contains(key)) seen.clear();
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

void PlainRun::add_rows(const Table& below) {
  for (size_t i = 0; i < below.names.size(); ++i) {
    size_t at = table_.column(below.names[i]);
    if (at == table_.names.size()) {
      set_column(below.names[i], {PlainValues(table_.rows.size()), below.types[i], below.slacks[i]});
    } else {
      if (table_.types[at] != below.types[i]) table_.types[at] = Type::kMixed;
      table_.slacks[at] = std::max(table_.slacks[at], below.slacks[i]);
    }
  }
  for (const PlainValues& row : below.rows) {
    PlainValues made(table_.names.size());
    for (size_t i = 0; i < row.size(); ++i) made[table_.column(below.names[i])] = row[i];
    table_.rows.push_back(std::move(made));
  }
}

bool PlainRun::append(const Step& step) {
  std::optional<Table> below = other(step);
  if (below) add_rows(*below);
  return below.has_value();
}

bool PlainRun::appendpipe(const Step& step) {
  PlainRun run(table_, now_);
  if (!run.all(step.inner)) return run.refuses() ? refuse(run.why()) : fail(run.why());
  add_rows(run.table());
  return true;
}

bool PlainRun::expand(const Step& step) {
  std::optional<size_t> at = column(step.names[0]);
  if (!at) return false;
  bool drops = step.words[0] == "mvexpand";
  size_t limit = step.numbers.empty() ? SIZE_MAX : static_cast<size_t>(step.numbers[0]);
  std::vector<PlainValues> rows;
  Computed elements{{}, Type::kMixed, table_.slacks[*at]};
  for (const PlainValues& row : table_.rows) {
    const Value& v = row[*at];
    if (v.is_null() && drops) continue;
    model::Values items = v.type() == Type::kArray ? v.items() : model::Values{v};
    for (size_t i = 0; i < items.size() && i < limit; ++i) {
      rows.push_back(row);
      elements.values.push_back(items[i]);
    }
  }
  table_.rows = std::move(rows);
  set_column(step.made[0], std::move(elements));
  return true;
}

// A row without a number has no average and is in nobody's window.
bool PlainRun::trendline(const Step& step) {
  std::optional<std::vector<size_t>> at = columns(step.names);
  if (!at) return false;
  auto window = static_cast<size_t>(step.numbers[0]);
  bool weighted = step.words[0] == "wma";
  std::vector<double> seen;
  Computed out{{}, Type::kDouble, 0};
  for (const PlainValues& row : table_.rows) {
    const Value& v = row[at->front()];
    out.values.emplace_back();
    if (!expr::is_number(v.type())) continue;
    seen.push_back(*expr::to_double(expr::cell_of(v)));
    if (seen.size() < window) continue;
    double sum = 0;
    double weights = 0;
    for (size_t i = 0; i < window; ++i) {
      double weight = weighted ? static_cast<double>(i + 1) : 1;
      sum += weight * seen[seen.size() - window + i];
      weights += weight;
    }
    out.values.back() = Value::real(sum / weights);
  }
  set_column(step.made[0], std::move(out));
  return true;
}

// names: the own key, the key and the value of the events looked up. Keys of different types meet as texts.
bool PlainRun::lookup(const Step& step) {
  std::optional<std::vector<size_t>> own = columns({step.names[0]});
  if (!own) return false;
  size_t key = events_.column(step.names[1]);
  size_t value = events_.column(step.names[2]);
  if (key == events_.names.size() || value == events_.names.size()) return refuse("not in the lookup dataset");
  bool fills = step.words[0] == "append";
  size_t filled = table_.column(step.made[0]);
  if (fills && filled == table_.names.size()) return refuse("append fills a field that is there");
  Type left = table_.types[own->front()];
  Type right = events_.types[key];
  auto loose = [](Type type) { return type == Type::kString || type == Type::kMixed; };
  bool texts = left != right && (loose(left) || loose(right));
  auto shown = [&](const Value& v) { return texts && !v.is_null() ? Value::string(printed(v)) : v; };
  std::vector<PlainValues> rows;
  Computed out{{},
               fills && table_.types[filled] != events_.types[value] ? Type::kMixed : events_.types[value],
               fills ? table_.slacks[filled] : 0};
  for (const PlainValues& row : table_.rows) {
    size_t before = rows.size();
    auto take = [&](const Value& found) {
      rows.push_back(row);
      out.values.push_back(fills && !row[filled].is_null() ? row[filled] : found);
    };
    for (const PlainValues& event : events_.rows) {
      Value a = shown(row[own->front()]);
      if (!a.is_null() && plain_order(a, shown(event[key])) == 0) take(event[value]);
    }
    if (rows.size() == before) take(Value());
  }
  table_.rows = std::move(rows);
  set_column(step.made[0], std::move(out));
  return true;
}

bool PlainRun::join(const Step& step) {
  std::optional<Table> right = other(step);
  if (!right) return false;
  const std::string& kind = step.words[0];
  bool cross = kind == "cross";
  size_t a = 0;
  size_t b = 0;
  if (!cross) {
    std::optional<std::vector<size_t>> left = columns({step.names[0]});
    if (!left) return false;
    a = left->front();
    b = right->column(step.names[1]);
  }
  bool pairs = kind != "semi" && kind != "anti";
  size_t most = step.numbers.empty() ? SIZE_MAX : static_cast<size_t>(step.numbers[0]);
  std::vector<bool> used(right->rows.size());
  std::vector<PlainValues> out;
  for (const PlainValues& row : table_.rows) {
    size_t found = 0;
    for (size_t i = 0; i < right->rows.size() && found < most; ++i) {
      const PlainValues& beside = right->rows[i];
      if (!cross && !plain_equal(row[a], beside[b], now_).value_or(false)) continue;
      ++found;
      used[i] = true;
      if (!pairs) break;
      out.push_back(row);
      out.back().insert(out.back().end(), beside.begin(), beside.end());
    }
    if (found == 0 && (kind == "left" || kind == "full")) {
      out.push_back(row);
      out.back().resize(row.size() + right->names.size());
    }
    if (!pairs && (found != 0) == (kind == "semi")) out.push_back(row);
  }
  for (size_t i = 0; i < used.size(); ++i) {
    if (used[i] || (kind != "right" && kind != "full")) continue;
    out.emplace_back(table_.names.size());
    out.back().insert(out.back().end(), right->rows[i].begin(), right->rows[i].end());
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
