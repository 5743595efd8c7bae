#include <algorithm>
#include <cmath>

#include "expr/coerce.h"
#include "plain_aggregate.h"
#include "plain_run.h"

namespace clew::query::testing {

using model::Type;
using model::Value;

PlainRun::Groups PlainRun::grouped(const std::vector<PlainValues>& keys) {
  std::map<PlainValues, std::vector<size_t>, PlainLess> groups;
  for (size_t i = 0; i < keys.size(); ++i) groups[keys[i]].push_back(i);
  Groups out;
  // Equal numbers in a key are shown as one: an integer if there is one, else 0.0 rather than -0.0.
  auto place = [](const Value& v) {
    if (!expr::is_number(v.type())) return 0;
    if (expr::is_integer(v.type()) || v.type() == Type::kULong) return 1;
    return v.type() == Type::kDouble && v.f64() == 0 && std::signbit(v.f64()) ? 3 : 2;
  };
  std::vector<std::map<PlainValues, Value, PlainLess>> shown(keys.empty() ? 0 : keys[0].size());
  for (const PlainValues& key : keys) {
    for (size_t i = 0; i < key.size(); ++i) {
      Value& best = shown[i].try_emplace({key[i]}, key[i]).first->second;
      if (place(key[i]) < place(best)) best = key[i];
    }
  }
  for (auto& [key, rows] : groups) {
    out.keys.emplace_back();
    for (size_t i = 0; i < key.size(); ++i) out.keys.back().push_back(shown[i].at({key[i]}));
    out.rows.push_back(std::move(rows));
  }
  return out;
}

std::optional<PlainRun::Calls> PlainRun::calls(const Step& step) {
  Calls out;
  for (const AggregateText& a : step.aggregates) {
    Result<Type> type = plain_type_of_aggregate(table_, text_of(a), now_);
    if (!type.ok()) {
      refuse(type.error().message());
      return std::nullopt;
    }
    out.results.add_name(a.as, *type);
    std::optional<Computed> column = Computed{PlainValues(table_.rows.size())};
    if (!a.argument.empty()) column = computed(a.argument);
    if (!column) return std::nullopt;
    if (column->slack != 0 && a.name != "count") {
      fail("an aggregate of numbers whose last digits depend on the order of additions");
      return std::nullopt;
    }
    out.arguments.push_back(std::move(column->values));
  }
  return out;
}

std::optional<PlainValues> PlainRun::aggregate(const Step& step, Calls& calls, const std::vector<size_t>& rows) {
  PlainValues out;
  for (size_t a = 0; a < calls.arguments.size(); ++a) {
    PlainValues values;
    PlainValues times;
    size_t time = table_.column("@timestamp");
    for (size_t row : rows) {
      values.push_back(calls.arguments[a][row]);
      times.push_back(time == table_.names.size() ? Value() : table_.rows[row][time]);
    }
    PlainResult result = plain_aggregate(step.aggregates[a], values, times);
    if (!result.why.empty()) {
      fail(result.why);
      return std::nullopt;
    }
    calls.results.slacks[a] = std::max(calls.results.slacks[a], result.slack);
    out.push_back(std::move(result.value));
  }
  return out;
}

std::optional<std::vector<PlainValues>> PlainRun::keys_of_rows(const Step& step) {
  std::optional<std::vector<size_t>> at = columns(step.names);
  if (!at) return std::nullopt;
  std::vector<PlainValues> keys;
  for (const PlainValues& row : table_.rows) keys.push_back(key_of(row, *at));
  if (step.exprs.empty()) return keys;
  std::optional<Computed> spans = computed(step.exprs[0]);
  if (!spans) return std::nullopt;
  for (size_t i = 0; i < keys.size(); ++i) keys[i].insert(keys[i].begin(), spans->values[i]);
  return keys;
}

namespace {

// A row without a time is in no span of time. Null is the least key.
template <class Groups>
void drop_null_spans(Groups& groups) {
  while (!groups.keys.empty() && groups.keys[0][0].is_null()) {
    groups.keys.erase(groups.keys.begin());
    groups.rows.erase(groups.rows.begin());
  }
}

}  // namespace

bool PlainRun::stats(const Step& step) {
  std::optional<std::vector<PlainValues>> keys = keys_of_rows(step);
  if (!keys) return false;
  std::optional<Calls> calls = this->calls(step);
  if (!calls) return false;
  Groups groups = grouped(*keys);
  if (!step.exprs.empty()) drop_null_spans(groups);
  bool one = step.names.empty() && step.exprs.empty();
  if (one && groups.keys.empty()) {
    groups.keys.emplace_back();
    groups.rows.emplace_back();
  }
  std::vector<PlainValues> rows;
  for (size_t g = 0; g < groups.keys.size(); ++g) {
    std::optional<PlainValues> row = aggregate(step, *calls, groups.rows[g]);
    if (!row) return false;
    row->insert(row->end(), groups.keys[g].begin(), groups.keys[g].end());
    rows.push_back(std::move(*row));
  }
  Table out = std::move(calls->results);
  if (!step.exprs.empty()) out.add_name("slot", Type::kTimestamp);
  for (const std::string& name : step.names) out.add_name(name, table_.types[table_.column(name)]);
  out.rows = std::move(rows);
  table_ = std::move(out);
  return true;
}

void PlainRun::add_results(const Calls& calls) {
  for (size_t a = 0; a < calls.results.names.size(); ++a) {
    Computed column{{}, calls.results.types[a], calls.results.slacks[a]};
    for (const PlainValues& result : calls.results.rows) column.values.push_back(result[a]);
    set_column(calls.results.names[a], std::move(column));
  }
}

bool PlainRun::eventstats(const Step& step) {
  std::optional<std::vector<PlainValues>> keys = keys_of_rows(step);
  if (!keys) return false;
  std::optional<Calls> calls = this->calls(step);
  if (!calls) return false;
  calls->results.rows.resize(table_.rows.size());
  for (const std::vector<size_t>& rows : grouped(*keys).rows) {
    std::optional<PlainValues> result = aggregate(step, *calls, rows);
    if (!result) return false;
    for (size_t row : rows) calls->results.rows[row] = *result;
  }
  add_results(*calls);
  return true;
}

bool PlainRun::streamstats(const Step& step) {
  std::optional<std::vector<PlainValues>> keys = keys_of_rows(step);
  if (!keys) return false;
  std::optional<Calls> calls = this->calls(step);
  if (!calls) return false;
  bool current = !has(step, "current=false");
  bool by_group = has(step, "global=false");
  auto window = static_cast<size_t>(step.numbers[0]);
  for (size_t i = 0; i < keys->size(); ++i) {
    std::vector<size_t> rows;
    size_t end = current ? i + 1 : i;
    size_t begin = window != 0 && !by_group && end > window ? end - window : 0;
    for (size_t j = begin; j < end; ++j) {
      if (!PlainLess()((*keys)[i], (*keys)[j]) && !PlainLess()((*keys)[j], (*keys)[i])) rows.push_back(j);
    }
    if (window != 0 && rows.size() > window) rows.erase(rows.begin(), rows.end() - static_cast<ptrdiff_t>(window));
    std::optional<PlainValues> result = aggregate(step, *calls, rows);
    if (!result) return false;
    calls->results.rows.push_back(std::move(*result));
  }
  add_results(*calls);
  return true;
}

bool PlainRun::top(const Step& step) {
  std::vector<std::string> names = step.exprs;
  names.insert(names.end(), step.names.begin(), step.names.end());
  std::optional<std::vector<size_t>> at = columns(names);
  if (!at) return false;
  std::vector<PlainValues> keys;
  size_t outer = step.exprs.size();
  for (const PlainValues& row : table_.rows) {
    keys.push_back(key_of(row, *at));
    bool null = std::any_of(keys.back().begin() + static_cast<ptrdiff_t>(outer), keys.back().end(),
                            [](const Value& v) { return v.is_null(); });
    if (null && has(step, "usenull=false")) keys.pop_back();
  }
  Groups groups = grouped(keys);
  std::vector<size_t> order;
  for (size_t g = 0; g < groups.keys.size(); ++g) order.push_back(g);
  auto group_of = [&](size_t g) {
    return PlainValues(groups.keys[g].begin(), groups.keys[g].begin() + static_cast<ptrdiff_t>(outer));
  };
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) {
    if (PlainLess()(group_of(a), group_of(b))) return true;
    if (PlainLess()(group_of(b), group_of(a))) return false;
    size_t x = groups.rows[a].size();
    size_t y = groups.rows[b].size();
    return step.kind == Step::Kind::kRare ? x < y : x > y;
  });
  Table out;
  for (size_t i = 0; i < names.size(); ++i) out.add_name(names[i], table_.types[at->at(i)]);
  out.add_name("count", Type::kLong);
  std::map<PlainValues, int64_t, PlainLess> shown;
  for (size_t g : order) {
    if (++shown[group_of(g)] > step.numbers[0]) continue;
    PlainValues row = groups.keys[g];
    row.push_back(Value::bigint(static_cast<int64_t>(groups.rows[g].size())));
    out.rows.push_back(std::move(row));
  }
  table_ = std::move(out);
  return true;
}

// How great each series is: the sum of its results.
std::optional<std::map<PlainValues, double, PlainLess>> PlainRun::greatness(const Step& step, Calls& calls,
                                                                            const std::vector<PlainValues>& keys) {
  std::map<PlainValues, double, PlainLess> out;
  Groups groups = grouped(keys);
  for (size_t g = 0; g < groups.keys.size(); ++g) {
    const Value& series = groups.keys[g][1];
    if (groups.keys[g][0].is_null() || series.is_null()) continue;
    std::optional<PlainValues> result = aggregate(step, calls, groups.rows[g]);
    if (!result) return std::nullopt;
    const Value& v = result->front();
    bool number = expr::is_number(v.type());
    double size = number ? *expr::to_double(expr::cell_of(v)) : 0;
    double& sum = out[{series}];
    bool told = calls.results.slacks[0] == 0 && std::fabs(size) < 1e9 && size == std::floor(size);
    if (!told || (!number && !v.is_null() && v.type() != Type::kString && v.type() != Type::kArray)) {
      fail("series whose sums depend on the order of additions");
      return std::nullopt;
    }
    sum += size;
  }
  return out;
}

// Series beyond the limit become one.
bool PlainRun::fold_series(const Step& step, Calls& calls, std::vector<PlainValues>& keys) {
  auto sizes = greatness(step, calls, keys);
  if (!sizes) return false;
  std::vector<std::pair<double, PlainValues>> ranked;
  for (const auto& [series, size] : *sizes) ranked.emplace_back(-size, series);
  std::stable_sort(ranked.begin(), ranked.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  auto limit = static_cast<size_t>(step.numbers[0]);
  if (limit != 0 && ranked.size() > limit) ranked.resize(limit);
  for (PlainValues& key : keys) {
    bool stays =
        std::any_of(ranked.begin(), ranked.end(), [&](const auto& r) { return plain_order(r.second[0], key[1]) == 0; });
    if (key[1].is_null()) {
      key[1] = Value::string("NULL");
      if (has(step, "usenull=false")) key[0] = Value();
    } else if (!stays) {
      key[1] = Value::string("OTHER");
      if (has(step, "useother=false")) key[0] = Value();
    }
  }
  return true;
}

// timechart and chart: one or two keys, the second a series. Rows with no first key go.
bool PlainRun::series(const Step& step) {
  std::vector<std::string> names = step.names;
  bool time = step.kind == Step::Kind::kTimechart;
  std::optional<std::vector<size_t>> at = columns(names);
  if (!at) return false;
  std::vector<PlainValues> keys;
  for (const PlainValues& row : table_.rows) keys.push_back(key_of(row, *at));
  if (time) {
    std::optional<Computed> spans = computed("span(@timestamp, " + step.exprs[0] + ")");
    if (!spans) return false;
    for (size_t i = 0; i < keys.size(); ++i) keys[i].insert(keys[i].begin(), spans->values[i]);
  }
  std::optional<Calls> calls = this->calls(step);
  if (!calls) return false;
  bool split = names.size() + (time ? 1 : 0) == 2;
  if (split && !fold_series(step, *calls, keys)) return false;
  Groups groups = grouped(keys);
  drop_null_spans(groups);
  Table out;
  out.add_name(time ? "@timestamp" : step.made[0], time ? Type::kTimestamp : table_.types[at->at(0)]);
  if (split) out.add_name(time ? names[0] : step.made[1], Type::kString);
  for (size_t g = 0; g < groups.keys.size(); ++g) {
    std::optional<PlainValues> row = aggregate(step, *calls, groups.rows[g]);
    if (!row) return false;
    row->insert(row->begin(), groups.keys[g].begin(), groups.keys[g].end());
    out.rows.push_back(std::move(*row));
  }
  for (size_t a = 0; a < step.aggregates.size(); ++a)
    out.add_name(step.aggregates[a].as, calls->results.types[a], calls->results.slacks[a]);
  table_ = std::move(out);
  return true;
}

}  // namespace clew::query::testing
