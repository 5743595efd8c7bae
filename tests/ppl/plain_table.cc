#include "plain_table.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "base/check.h"
#include "expr/parse.h"
#include "plain_aggregate.h"
#include "plain_row.h"

namespace clew::query::testing {

using expr::ExprPtr;
using model::Type;
using model::Value;
using Row = std::vector<Value>;

namespace {

int rank(Type type) {
  switch (type) {
    case Type::kNull: return 0;
    case Type::kBool: return 1;
    case Type::kTimestamp:
    case Type::kDate:
    case Type::kTime:
    case Type::kInterval: return 3;
    case Type::kString:
    case Type::kIp: return 4;
    case Type::kArray: return 5;
    case Type::kStruct: return 6;
    default: return 2;
  }
}

// 64 bits of mantissa: every integer and double there is.
long double number(const Value& v) {
  switch (v.type()) {
    case Type::kDouble:
    case Type::kFloat: return v.f64();
    case Type::kULong: return static_cast<uint64_t>(v.i64());
    case Type::kDecimal: return static_cast<long double>(v.i64()) / std::pow(10.0L, v.scale());
    default: return v.i64();
  }
}

int three_way(long double x, long double y) {
  if (std::isnan(x) || std::isnan(y)) return std::isnan(x) == std::isnan(y) ? 0 : std::isnan(x) ? 1 : -1;
  return x < y ? -1 : x > y ? 1 : 0;
}

int order_of_lists(const model::Values& a, const model::Values& b) {
  for (size_t i = 0; i < std::min(a.size(), b.size()); ++i) {
    int order = plain_order(a[i], b[i]);
    if (order != 0) return order;
  }
  return a.size() < b.size() ? -1 : a.size() > b.size() ? 1 : 0;
}

struct KeyLess {
  bool operator()(const Row& a, const Row& b) const {
    for (size_t i = 0; i < a.size(); ++i) {
      int order = plain_order(a[i], b[i]);
      if (order != 0) return order < 0;
    }
    return false;
  }
};

bool has(const Step& step, std::string_view word) {
  return std::find(step.words.begin(), step.words.end(), word) != step.words.end();
}

std::string joined(const std::vector<std::string>& names) {
  std::string out;
  for (const std::string& name : names) {
    bool down = name[0] == '-';
    out += (out.empty() ? "" : ", ") + std::string(down ? "-" : "") + expr::print_name(name.substr(down ? 1 : 0));
  }
  return out;
}

std::string text_of(const std::vector<AggregateText>& aggregates) {
  std::string out;
  for (const AggregateText& a : aggregates) {
    if (!out.empty()) out += ", ";
    if (a.name == "count_if") {
      out += "count(eval(" + a.argument + "))";
    } else {
      out += a.name + "(" + a.argument + (a.parameter.empty() ? "" : ", " + a.parameter) + ")";
    }
    out += " as " + a.as;
  }
  return out;
}

std::string by(const Step& step) {
  std::string keys;
  if (!step.exprs.empty()) keys = step.exprs[0] + " as slot";
  std::string names = joined(step.names);
  if (!names.empty()) keys += (keys.empty() ? "" : ", ") + names;
  return keys.empty() ? "" : " by " + keys;
}

std::string number_of(const Step& step, size_t i) { return std::to_string(step.numbers.at(i)); }

// One step after another over one table.
class Run {
 public:
  Run(const Table& events, int64_t now) : events_(events), table_(events), now_(now) {}

  bool all(const std::vector<Step>& steps) {
    return std::all_of(steps.begin(), steps.end(), [&](const Step& step) { return apply(step); });
  }
  Table& table() { return table_; }

 private:
  bool apply(const Step& step) {
    // What is made of numbers whose last digits nobody knows cannot be compared.
    bool harmless = step.kind == Step::Kind::kFields || step.kind == Step::Kind::kDrop ||
                    step.kind == Step::Kind::kHead || step.kind == Step::Kind::kRename ||
                    step.kind == Step::Kind::kReverse;
    if (table_.inexact && !harmless) return false;
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

  std::optional<Row> values_of(const std::string& text) {
    Result<ExprPtr> expr = expr::parse_expression_text(text);
    if (!expr.ok()) return std::nullopt;
    Row out;
    for (const Row& row : table_.rows) {
      std::optional<Value> v = PlainRow(table_.names, row, now_).value(**expr);
      if (!v) return std::nullopt;
      out.push_back(std::move(*v));
    }
    return out;
  }

  std::optional<std::vector<size_t>> columns(const std::vector<std::string>& names) {
    std::vector<size_t> out;
    for (const std::string& name : names) {
      out.push_back(table_.column(name));
      if (out.back() == table_.names.size()) return std::nullopt;
    }
    return out;
  }

  static Row key_of(const Row& row, const std::vector<size_t>& columns) {
    Row key;
    for (size_t c : columns) key.push_back(row[c]);
    return key;
  }

  bool where(const Step& step) {
    std::optional<Row> holds = values_of(step.exprs[0]);
    if (!holds) return false;
    std::vector<Row> kept;
    for (size_t i = 0; i < table_.rows.size(); ++i) {
      const Value& v = (*holds)[i];
      if (v.type() == Type::kBool && v.i64() != 0) kept.push_back(std::move(table_.rows[i]));
    }
    table_.rows = std::move(kept);
    return true;
  }

  void add_column(const std::string& name, Row values) {
    size_t at = table_.column(name);
    bool fresh = at == table_.names.size();
    if (fresh) table_.names.push_back(name);
    for (size_t i = 0; i < table_.rows.size(); ++i) {
      if (fresh) table_.rows[i].emplace_back();
      table_.rows[i][at] = std::move(values[i]);
    }
  }

  bool eval(const Step& step) {
    std::optional<Row> values = values_of(step.exprs[0]);
    if (values) add_column(step.names[0], std::move(*values));
    return values.has_value();
  }

  bool keep(const std::vector<std::string>& names) {
    std::optional<std::vector<size_t>> at = columns(names);
    if (!at) return false;
    for (Row& row : table_.rows) row = key_of(row, *at);
    table_.names = names;
    return true;
  }

  bool drop(const Step& step) {
    std::vector<std::string> rest;
    for (const std::string& name : table_.names) {
      if (std::find(step.names.begin(), step.names.end(), name) == step.names.end()) rest.push_back(name);
    }
    return columns(step.names).has_value() && keep(rest);
  }

  bool sort(const Step& step) {
    std::vector<std::pair<size_t, bool>> keys;
    for (const std::string& name : step.names) {
      bool down = name[0] == '-';
      size_t at = table_.column(name.substr(down ? 1 : 0));
      if (at == table_.names.size()) return false;
      keys.emplace_back(at, down);
    }
    std::stable_sort(table_.rows.begin(), table_.rows.end(), [&](const Row& a, const Row& b) {
      for (auto [at, down] : keys) {
        int order = plain_order(a[at], b[at]);
        if (order != 0) return down ? order > 0 : order < 0;
      }
      return false;
    });
    return true;
  }

  bool head(const Step& step) {
    auto& rows = table_.rows;
    auto from = std::min<size_t>(static_cast<size_t>(step.numbers[1]), rows.size());
    rows.erase(rows.begin(), rows.begin() + static_cast<ptrdiff_t>(from));
    if (rows.size() > static_cast<size_t>(step.numbers[0])) rows.resize(static_cast<size_t>(step.numbers[0]));
    return true;
  }

  bool dedup(const Step& step) {
    std::optional<std::vector<size_t>> at = columns(step.names);
    if (!at) return false;
    std::map<Row, int64_t, KeyLess> seen;
    std::vector<Row> kept;
    for (Row& row : table_.rows) {
      Row key = key_of(row, *at);
      bool null = std::any_of(key.begin(), key.end(), [](const Value& v) { return v.is_null(); });
      bool keeps = null ? has(step, "keepempty=true") : ++seen[key] <= step.numbers[0];
      if (keeps) kept.push_back(std::move(row));
    }
    table_.rows = std::move(kept);
    return true;
  }

  struct Groups {
    std::vector<Row> keys;                  // in order
    std::vector<std::vector<size_t>> rows;  // of each group
  };
  static Groups grouped(const std::vector<Row>& keys) {
    std::map<Row, std::vector<size_t>, KeyLess> groups;
    for (size_t i = 0; i < keys.size(); ++i) groups[keys[i]].push_back(i);
    Groups out;
    for (auto& [key, rows] : groups) {
      out.keys.push_back(key);
      out.rows.push_back(std::move(rows));
    }
    return out;
  }

  // Arguments of the aggregates, row by row.
  std::optional<std::vector<Row>> arguments(const Step& step) {
    std::vector<Row> out;
    for (const AggregateText& a : step.aggregates) {
      std::optional<Row> values = a.argument.empty() ? Row(table_.rows.size()) : values_of(a.argument);
      if (!values) return std::nullopt;
      out.push_back(std::move(*values));
    }
    return out;
  }

  std::optional<Row> aggregate(const Step& step, const std::vector<Row>& arguments, const std::vector<size_t>& rows) {
    Row out;
    for (size_t a = 0; a < arguments.size(); ++a) {
      Row values;
      for (size_t row : rows) values.push_back(arguments[a][row]);
      std::optional<Value> v = plain_aggregate(step.aggregates[a], values, table_.inexact);
      if (!v) return std::nullopt;
      out.push_back(std::move(*v));
    }
    return out;
  }

  std::optional<std::vector<Row>> keys_of_rows(const Step& step) {
    std::optional<std::vector<size_t>> at = columns(step.names);
    if (!at) return std::nullopt;
    std::vector<Row> keys;
    for (const Row& row : table_.rows) keys.push_back(key_of(row, *at));
    if (step.exprs.empty()) return keys;
    std::optional<Row> spans = values_of(step.exprs[0]);
    if (!spans) return std::nullopt;
    for (size_t i = 0; i < keys.size(); ++i) keys[i].insert(keys[i].begin(), (*spans)[i]);
    return keys;
  }

  // A row without a time is in no span of time. Null is the least key.
  static void drop_null_spans(Groups& groups) {
    while (!groups.keys.empty() && groups.keys[0][0].is_null()) {
      groups.keys.erase(groups.keys.begin());
      groups.rows.erase(groups.rows.begin());
    }
  }

  bool stats(const Step& step) {
    std::optional<std::vector<Row>> keys = keys_of_rows(step);
    std::optional<std::vector<Row>> values = arguments(step);
    if (!keys || !values) return false;
    Groups groups = grouped(*keys);
    if (!step.exprs.empty()) drop_null_spans(groups);
    bool one = step.names.empty() && step.exprs.empty();
    if (one && groups.keys.empty()) {
      groups.keys.emplace_back();
      groups.rows.emplace_back();
    }
    Table out;
    out.inexact = table_.inexact;
    for (const AggregateText& a : step.aggregates) out.names.push_back(a.as);
    if (!step.exprs.empty()) out.names.push_back("slot");
    out.names.insert(out.names.end(), step.names.begin(), step.names.end());
    for (size_t g = 0; g < groups.keys.size(); ++g) {
      std::optional<Row> row = aggregate(step, *values, groups.rows[g]);
      if (!row) return false;
      row->insert(row->end(), groups.keys[g].begin(), groups.keys[g].end());
      out.rows.push_back(std::move(*row));
    }
    out.inexact = out.inexact || table_.inexact;
    table_ = std::move(out);
    return true;
  }

  void add_results(const Step& step, std::vector<Row> results) {
    for (size_t a = 0; a < step.aggregates.size(); ++a) {
      Row column;
      for (Row& result : results) column.push_back(result[a]);
      add_column(step.aggregates[a].as, std::move(column));
    }
  }

  bool eventstats(const Step& step) {
    std::optional<std::vector<Row>> keys = keys_of_rows(step);
    std::optional<std::vector<Row>> values = arguments(step);
    if (!keys || !values) return false;
    Groups groups = grouped(*keys);
    std::vector<Row> results(table_.rows.size());
    for (const std::vector<size_t>& rows : groups.rows) {
      std::optional<Row> result = aggregate(step, *values, rows);
      if (!result) return false;
      for (size_t row : rows) results[row] = *result;
    }
    add_results(step, std::move(results));
    return true;
  }

  bool streamstats(const Step& step) {
    std::optional<std::vector<Row>> keys = keys_of_rows(step);
    std::optional<std::vector<Row>> values = arguments(step);
    if (!keys || !values) return false;
    bool current = !has(step, "current=false");
    bool by_group = has(step, "global=false");
    auto window = static_cast<size_t>(step.numbers[0]);
    std::vector<Row> results;
    for (size_t i = 0; i < keys->size(); ++i) {
      std::vector<size_t> rows;
      size_t end = current ? i + 1 : i;
      size_t begin = window != 0 && !by_group && end > window ? end - window : 0;
      for (size_t j = begin; j < end; ++j) {
        if (!KeyLess()((*keys)[i], (*keys)[j]) && !KeyLess()((*keys)[j], (*keys)[i])) rows.push_back(j);
      }
      if (window != 0 && rows.size() > window) rows.erase(rows.begin(), rows.end() - static_cast<ptrdiff_t>(window));
      std::optional<Row> result = aggregate(step, *values, rows);
      if (!result) return false;
      results.push_back(std::move(*result));
    }
    add_results(step, std::move(results));
    return true;
  }

  bool top(const Step& step) {
    std::optional<std::vector<Row>> keys = keys_of_rows(step);
    if (!keys) return false;
    Groups groups = grouped(*keys);
    std::vector<size_t> order;
    for (size_t g = 0; g < groups.keys.size(); ++g) order.push_back(g);
    bool rare = step.kind == Step::Kind::kRare;
    std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) {
      size_t x = groups.rows[a].size();
      size_t y = groups.rows[b].size();
      return rare ? x < y : x > y;
    });
    Table out;
    out.inexact = table_.inexact;
    out.names = step.names;
    out.names.push_back("count");
    for (size_t i = 0; i < order.size() && i < static_cast<size_t>(step.numbers[0]); ++i) {
      Row row = groups.keys[order[i]];
      row.push_back(Value::bigint(static_cast<int64_t>(groups.rows[order[i]].size())));
      out.rows.push_back(std::move(row));
    }
    table_ = std::move(out);
    return true;
  }

  bool fillnull(const Step& step) {
    std::optional<std::vector<size_t>> at = columns(step.names);
    std::optional<Row> values = values_of(step.exprs[0]);
    if (!at || !values) return false;
    for (size_t i = 0; i < table_.rows.size(); ++i) {
      for (size_t c : *at) {
        if (table_.rows[i][c].is_null()) table_.rows[i][c] = (*values)[i];
      }
    }
    return true;
  }

  bool rename(const Step& step) {
    size_t at = table_.column(step.names[0]);
    if (at == table_.names.size() || table_.column(step.names[1]) != table_.names.size()) return false;
    table_.names[at] = step.names[1];
    return true;
  }

  std::optional<Table> other(const Step& step) {
    Run run(events_, now_);
    if (!run.all(step.inner)) return std::nullopt;
    table_.inexact = table_.inexact || run.table().inexact;
    return run.table();
  }

  bool append(const Step& step) {
    std::optional<Table> below = other(step);
    if (!below) return false;
    for (const std::string& name : below->names) {
      if (table_.column(name) == table_.names.size()) add_column(name, Row(table_.rows.size()));
    }
    for (const Row& row : below->rows) {
      Row made(table_.names.size());
      for (size_t i = 0; i < row.size(); ++i) made[table_.column(below->names[i])] = row[i];
      table_.rows.push_back(std::move(made));
    }
    return true;
  }

  // names: the left key, the right key.
  bool join(const Step& step) {
    std::optional<Table> right = other(step);
    if (!right) return false;
    size_t a = table_.column(step.names[0]);
    size_t b = right->column(step.names[1]);
    if (a == table_.names.size() || b == right->names.size()) return false;
    bool pairs = step.words[0] == "inner" || step.words[0] == "left";
    std::vector<Row> out;
    for (const Row& row : table_.rows) {
      bool found = false;
      for (const Row& beside : right->rows) {
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
    if (pairs) table_.names.insert(table_.names.end(), right->names.begin(), right->names.end());
    table_.rows = std::move(out);
    return true;
  }

  // Three values: nothing is known of null, unless the list is empty.
  bool in(const Step& step) {
    std::optional<Table> list = other(step);
    size_t at = table_.column(step.names[0]);
    if (!list || at == table_.names.size()) return false;
    bool negated = has(step, "not");
    std::vector<Row> kept;
    Row items;
    for (const Row& item : list->rows) items.push_back(item[0]);
    for (const Row& row : table_.rows) {
      std::optional<bool> in = plain_in(row[at], items, now_);
      if (in && *in != negated) kept.push_back(row);
    }
    table_.rows = std::move(kept);
    return true;
  }

  const Table& events_;
  Table table_;
  int64_t now_;
};

}  // namespace

size_t Table::column(const std::string& name) const {
  return static_cast<size_t>(std::find(names.begin(), names.end(), name) - names.begin());
}

int plain_order(const Value& a, const Value& b) {
  int x = rank(a.type());
  int y = rank(b.type());
  if (x != y) return x < y ? -1 : 1;
  switch (x) {
    case 0: return 0;
    case 4: return std::clamp(a.text().compare(b.text()), -1, 1);
    case 5: return order_of_lists(a.items(), b.items());
    case 6: {
      model::Values left;
      model::Values right;
      for (const auto& [name, item] : a.members()) left.insert(left.end(), {Value::string(name), item});
      for (const auto& [name, item] : b.members()) right.insert(right.end(), {Value::string(name), item});
      return order_of_lists(left, right);
    }
    case 3: {
      auto nanos = [](const Value& v) { return v.type() == Type::kDate ? v.i64() * 86400.0L * 1e9L : v.i64(); };
      bool time = a.type() == Type::kTime;
      if (time != (b.type() == Type::kTime)) return time ? -1 : 1;
      return three_way(nanos(a), nanos(b));
    }
    default: return three_way(number(a), number(b));
  }
}

std::string text_of(const Step& step) {
  std::string names = joined(step.names);
  switch (step.kind) {
    case Step::Kind::kWhere: return "where " + step.exprs[0];
    case Step::Kind::kEval: return "eval " + names + " = " + step.exprs[0];
    case Step::Kind::kFields: return "fields " + names;
    case Step::Kind::kDrop: return "fields - " + names;
    case Step::Kind::kSort: return "sort " + names;
    case Step::Kind::kHead: return "head " + number_of(step, 0) + " from " + number_of(step, 1);
    case Step::Kind::kDedup:
      return "dedup " + number_of(step, 0) + " " + names + (step.words.empty() ? "" : " " + step.words[0]);
    case Step::Kind::kStats: return "stats " + text_of(step.aggregates) + by(step);
    case Step::Kind::kEventstats: return "eventstats " + text_of(step.aggregates) + by(step);
    case Step::Kind::kStreamstats: {
      std::string out = "streamstats ";
      for (const std::string& word : step.words) out += word + " ";
      if (step.numbers[0] != 0) out += "window=" + number_of(step, 0) + " ";
      return out + text_of(step.aggregates) + by(step);
    }
    case Step::Kind::kTop: return "top " + number_of(step, 0) + " " + names;
    case Step::Kind::kRare: return "rare " + number_of(step, 0) + " " + names;
    case Step::Kind::kFillnull: return "fillnull with " + step.exprs[0] + " in " + names;
    case Step::Kind::kRename:
      return "rename " + expr::print_name(step.names[0]) + " as " + expr::print_name(step.names[1]);
    case Step::Kind::kReverse: return "reverse";
    case Step::Kind::kAppend: return "append [ " + text_of(step.inner) + " ]";
    case Step::Kind::kJoin:
      return "join type=" + step.words[0] + " left=l right=r on l." + expr::print_name(step.names[0]) + " = r." +
             expr::print_name(step.names[1]) + " [ " + text_of(step.inner) + " ]";
    case Step::Kind::kIn:
      return "where " + expr::print_name(step.names[0]) + (has(step, "not") ? " not in [ " : " in [ ") +
             text_of(step.inner) + " ]";
  }
  return "";
}

std::string text_of(const std::vector<Step>& steps) {
  std::string out = "source=logs";
  for (const Step& step : steps) out += " | " + text_of(step);
  return out;
}

std::optional<Table> evaluate(const Table& events, const std::vector<Step>& steps, int64_t now) {
  Run run(events, now);
  if (!run.all(steps)) return std::nullopt;
  return run.table();
}

}  // namespace clew::query::testing
