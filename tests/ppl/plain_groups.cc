#include <algorithm>

#include "plain_aggregate.h"
#include "plain_run.h"

namespace clew::query::testing {

using model::Type;
using model::Value;

PlainRun::Groups PlainRun::grouped(const std::vector<PlainValues>& keys) {
  std::map<PlainValues, std::vector<size_t>, PlainLess> groups;
  for (size_t i = 0; i < keys.size(); ++i) groups[keys[i]].push_back(i);
  Groups out;
  for (auto& [key, rows] : groups) {
    out.keys.push_back(key);
    out.rows.push_back(std::move(rows));
  }
  return out;
}

std::optional<std::vector<PlainValues>> PlainRun::arguments(const Step& step) {
  std::vector<PlainValues> out;
  for (const AggregateText& a : step.aggregates) {
    std::optional<PlainValues> values = a.argument.empty() ? PlainValues(table_.rows.size()) : values_of(a.argument);
    if (!values) return std::nullopt;
    out.push_back(std::move(*values));
  }
  return out;
}

std::optional<PlainValues> PlainRun::aggregate(const Step& step, const std::vector<PlainValues>& arguments,
                                               const std::vector<size_t>& rows) {
  PlainValues out;
  for (size_t a = 0; a < arguments.size(); ++a) {
    PlainValues values;
    for (size_t row : rows) values.push_back(arguments[a][row]);
    std::optional<Value> v = plain_aggregate(step.aggregates[a], values, table_.inexact);
    if (!v) {
      fail("the aggregate " + step.aggregates[a].name);
      return std::nullopt;
    }
    out.push_back(std::move(*v));
  }
  return out;
}

std::optional<std::vector<PlainValues>> PlainRun::keys_of_rows(const Step& step) {
  std::optional<std::vector<size_t>> at = columns(step.names);
  if (!at) return std::nullopt;
  std::vector<PlainValues> keys;
  for (const PlainValues& row : table_.rows) keys.push_back(key_of(row, *at));
  if (step.exprs.empty()) return keys;
  std::optional<PlainValues> spans = values_of(step.exprs[0]);
  if (!spans) return std::nullopt;
  for (size_t i = 0; i < keys.size(); ++i) keys[i].insert(keys[i].begin(), (*spans)[i]);
  return keys;
}

// A row without a time is in no span of time. Null is the least key.
void PlainRun::drop_null_spans(Groups& groups) {
  while (!groups.keys.empty() && groups.keys[0][0].is_null()) {
    groups.keys.erase(groups.keys.begin());
    groups.rows.erase(groups.rows.begin());
  }
}

bool PlainRun::stats(const Step& step) {
  std::optional<std::vector<PlainValues>> keys = keys_of_rows(step);
  std::optional<std::vector<PlainValues>> values = arguments(step);
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
  for (const AggregateText& a : step.aggregates) out.add_name(a.as, result_type(a));
  if (!step.exprs.empty()) out.add_name("slot", type_of(step.exprs[0]));
  for (const std::string& name : step.names) out.add_name(name, table_.types[table_.column(name)]);
  for (size_t g = 0; g < groups.keys.size(); ++g) {
    std::optional<PlainValues> row = aggregate(step, *values, groups.rows[g]);
    if (!row) return false;
    row->insert(row->end(), groups.keys[g].begin(), groups.keys[g].end());
    out.rows.push_back(std::move(*row));
  }
  out.inexact = out.inexact || table_.inexact;
  table_ = std::move(out);
  return true;
}

void PlainRun::add_results(const Step& step, const std::vector<PlainValues>& results) {
  std::vector<Type> types;
  for (const AggregateText& a : step.aggregates) types.push_back(result_type(a));
  for (size_t a = 0; a < step.aggregates.size(); ++a) {
    PlainValues column;
    for (const PlainValues& result : results) column.push_back(result[a]);
    set_column(step.aggregates[a].as, std::move(column), types[a]);
  }
}

Type PlainRun::result_type(const AggregateText& aggregate) const {
  return plain_type_of_aggregate(table_, text_of(aggregate), now_);
}

bool PlainRun::eventstats(const Step& step) {
  std::optional<std::vector<PlainValues>> keys = keys_of_rows(step);
  std::optional<std::vector<PlainValues>> values = arguments(step);
  if (!keys || !values) return false;
  Groups groups = grouped(*keys);
  std::vector<PlainValues> results(table_.rows.size());
  for (const std::vector<size_t>& rows : groups.rows) {
    std::optional<PlainValues> result = aggregate(step, *values, rows);
    if (!result) return false;
    for (size_t row : rows) results[row] = *result;
  }
  add_results(step, results);
  return true;
}

bool PlainRun::streamstats(const Step& step) {
  std::optional<std::vector<PlainValues>> keys = keys_of_rows(step);
  std::optional<std::vector<PlainValues>> values = arguments(step);
  if (!keys || !values) return false;
  bool current = !has(step, "current=false");
  bool by_group = has(step, "global=false");
  auto window = static_cast<size_t>(step.numbers[0]);
  std::vector<PlainValues> results;
  for (size_t i = 0; i < keys->size(); ++i) {
    std::vector<size_t> rows;
    size_t end = current ? i + 1 : i;
    size_t begin = window != 0 && !by_group && end > window ? end - window : 0;
    for (size_t j = begin; j < end; ++j) {
      if (!PlainLess()((*keys)[i], (*keys)[j]) && !PlainLess()((*keys)[j], (*keys)[i])) rows.push_back(j);
    }
    if (window != 0 && rows.size() > window) rows.erase(rows.begin(), rows.end() - static_cast<ptrdiff_t>(window));
    std::optional<PlainValues> result = aggregate(step, *values, rows);
    if (!result) return false;
    results.push_back(std::move(*result));
  }
  add_results(step, results);
  return true;
}

bool PlainRun::top(const Step& step) {
  std::optional<std::vector<PlainValues>> keys = keys_of_rows(step);
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
  for (const std::string& name : step.names) out.add_name(name, table_.types[table_.column(name)]);
  out.add_name("count", Type::kLong);
  for (size_t i = 0; i < order.size() && i < static_cast<size_t>(step.numbers[0]); ++i) {
    PlainValues row = groups.keys[order[i]];
    row.push_back(Value::bigint(static_cast<int64_t>(groups.rows[order[i]].size())));
    out.rows.push_back(std::move(row));
  }
  table_ = std::move(out);
  return true;
}

}  // namespace clew::query::testing
