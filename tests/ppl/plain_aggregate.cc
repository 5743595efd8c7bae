#include "plain_aggregate.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "expr/coerce.h"
#include "expr/print.h"

namespace clew::query::testing {

using model::Type;
using model::Value;

namespace {

constexpr double kAddable = 1e6;  // sums of greater numbers lose digits that a test could see

bool is_array(const Value& v) { return v.type() == Type::kArray; }

// Of arrays every element.
std::vector<Value> elements(const std::vector<Value>& values) {
  std::vector<Value> out;
  for (const Value& v : values) {
    if (!is_array(v)) {
      if (!v.is_null()) out.push_back(v);
      continue;
    }
    for (const Value& item : v.items()) {
      if (!item.is_null()) out.push_back(item);
    }
  }
  return out;
}

std::string printed(const Value& v) { return v.type() == Type::kString ? v.text() : expr::print_value(v); }

std::optional<Value> extreme(const std::vector<Value>& values, bool greatest) {
  Value best;
  for (const Value& v : elements(values)) {
    if (v.type() == Type::kDouble && std::isnan(v.f64())) continue;
    int order = best.is_null() ? 0 : plain_order(v, best);
    if (best.is_null() || (greatest ? order > 0 : order < 0)) best = v;
  }
  return best;
}

std::optional<Value> added(const std::string& name, const std::vector<Value>& values, bool& inexact) {
  double sum = 0;
  int64_t whole = 0;
  int64_t count = 0;
  bool integers = true;
  for (const Value& v : elements(values)) {
    bool integer = v.type() == Type::kLong || v.type() == Type::kInt || v.type() == Type::kBool;
    std::optional<double> x = expr::to_double(expr::cell_of(v));
    if (!x) continue;
    if (!(std::fabs(*x) <= kAddable)) return std::nullopt;
    integers = integers && integer;
    if (integer) whole += v.i64();
    sum += *x;
    ++count;
  }
  if (count == 0) return Value();
  if (name == "sum" && integers) return Value::bigint(whole);
  inexact = inexact || !integers;
  return Value::real(name == "sum" ? sum : sum / static_cast<double>(count));
}

std::optional<Value> spread(const std::string& name, const std::vector<Value>& values, bool& inexact) {
  std::vector<double> numbers;
  for (const Value& v : values) {
    if (is_array(v)) return std::nullopt;
    std::optional<double> x = expr::to_double(expr::cell_of(v));
    if (!x) continue;
    if (!(std::fabs(*x) <= kAddable)) return std::nullopt;
    numbers.push_back(*x);
  }
  inexact = true;
  bool sample = name == "var_samp" || name == "stddev_samp";
  double n = static_cast<double>(numbers.size());
  if (numbers.size() < (sample ? 2u : 1u)) return Value();
  double mean = 0;
  for (double x : numbers) mean += x / n;
  double squares = 0;
  for (double x : numbers) squares += (x - mean) * (x - mean);
  double variance = squares / (sample ? n - 1 : n);
  return Value::real(name.substr(0, 3) == "std" ? std::sqrt(variance) : variance);
}

// Of equal numbers -0.0 comes first, then the integer.
bool percentile_before(const Value& a, const Value& b) {
  if (int order = plain_order(a, b); order != 0) return order < 0;
  auto place = [](const Value& v) {
    if (v.type() != Type::kDouble) return 1;
    return v.f64() == 0 && std::signbit(v.f64()) ? 0 : 2;
  };
  return place(a) < place(b);
}

std::optional<Value> percentile(const std::vector<Value>& values, double share) {
  std::vector<Value> sorted;
  for (const Value& v : values) {
    bool whole = v.type() == Type::kLong || v.type() == Type::kInt || v.type() == Type::kULong ||
                 v.type() == Type::kTimestamp || v.type() == Type::kDate || v.type() == Type::kTime;
    std::optional<double> x = expr::to_double(expr::cell_of(v));
    if (whole) {
      sorted.push_back(v);
    } else if (x && !std::isnan(*x)) {
      sorted.push_back(Value::real(*x));
    }
  }
  if (sorted.empty()) return Value();
  std::stable_sort(sorted.begin(), sorted.end(), percentile_before);
  auto n = static_cast<double>(sorted.size());
  return sorted[static_cast<size_t>(std::min(n - 1, std::floor(share * n)))];
}

std::optional<Value> distinct(const std::vector<Value>& values) {
  auto less = [](const Value& a, const Value& b) { return plain_order(a, b) < 0; };
  std::set<Value, decltype(less)> seen(less);
  for (const Value& v : elements(values)) seen.insert(v);
  return Value::bigint(static_cast<int64_t>(seen.size()));
}

// list() gives texts, but for addresses and objects.
bool stays(Type type) { return type == Type::kStruct || type == Type::kIp || type == Type::kString; }

Value list_of(const std::vector<Value>& values, size_t limit, bool texts) {
  model::Values items;
  for (const Value& v : elements(values)) {
    if (items.size() < limit) items.push_back(texts && !stays(v.type()) ? Value::string(printed(v)) : v);
  }
  return Value::array(std::move(items));
}

Value sorted_texts(const std::vector<Value>& values) {
  std::set<std::string> texts;
  for (const Value& v : elements(values)) texts.insert(printed(v));
  model::Values items;
  for (const std::string& text : texts) items.push_back(Value::string(text));
  return Value::array(std::move(items));
}

Value first_of(const std::vector<Value>& values, bool last) {
  Value found;
  for (const Value& v : values) {
    if (v.is_null()) continue;
    found = v;
    if (!last) break;
  }
  return found;
}

}  // namespace

std::optional<Value> plain_aggregate(const AggregateText& aggregate, const std::vector<Value>& values, bool& inexact) {
  const std::string& name = aggregate.name;
  if (name == "count") {
    if (aggregate.argument.empty()) return Value::bigint(static_cast<int64_t>(values.size()));
    return Value::bigint(std::count_if(values.begin(), values.end(), [](const Value& v) { return !v.is_null(); }));
  }
  if (name == "count_if") {
    return Value::bigint(std::count_if(values.begin(), values.end(),
                                       [](const Value& v) { return v.type() == Type::kBool && v.i64() != 0; }));
  }
  if (name == "sum" || name == "avg") return added(name, values, inexact);
  if (name == "min" || name == "max") return extreme(values, name == "max");
  if (name == "dc") return distinct(values);
  if (name == "percentile") return percentile(values, std::stod(aggregate.parameter) / 100);
  if (name == "median") return percentile(values, 0.5);
  if (name == "values") return sorted_texts(values);
  if (name == "list") return list_of(values, SIZE_MAX, true);
  if (name == "take") return list_of(values, std::stoul(aggregate.parameter), false);
  if (name == "first" || name == "last") return first_of(values, name == "last");
  return spread(name, values, inexact);
}

}  // namespace clew::query::testing
