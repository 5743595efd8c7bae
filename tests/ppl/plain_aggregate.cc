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

// And of arrays in arrays.
std::vector<Value> leaves(const std::vector<Value>& values) {
  std::vector<Value> out = elements(values);
  while (std::any_of(out.begin(), out.end(), is_array)) out = elements(out);
  return out;
}

Value extreme(const std::vector<Value>& values, bool greatest) {
  Value best;
  for (const Value& v : leaves(values)) {
    if (v.type() == Type::kDouble && std::isnan(v.f64())) continue;
    int order = best.is_null() ? 0 : plain_order(v, best);
    if (best.is_null() || (greatest ? order > 0 : order < 0)) best = v;
  }
  return best;
}

// Sums of such numbers are the same in any order.
bool adds_exactly(double x) {
  constexpr double kUnit = 1 << 20;
  return std::fabs(x) < (1 << 30) && x * kUnit == std::floor(x * kUnit);
}

PlainResult added(const std::string& name, const std::vector<Value>& values) {
  __extension__ using Wide = __int128;
  Wide whole = 0;
  double reals = 0;
  double size = 0;
  int64_t count = 0;
  bool integers = true;
  bool exact = true;
  for (const Value& v : leaves(values)) {
    std::optional<double> x = expr::to_double(expr::cell_of(v));
    if (!x) continue;
    ++count;
    if (v.type() == Type::kULong) {
      whole += static_cast<uint64_t>(v.i64());
    } else if (v.type() == Type::kLong || v.type() == Type::kInt || v.type() == Type::kBool) {
      whole += v.i64();
    } else {
      integers = false;
      reals += *x;
    }
    exact = exact && adds_exactly(*x);
    size += std::fabs(*x);
  }
  if (count == 0) return {};
  if (name == "sum" && integers) {
    if (whole > INT64_MAX || whole < INT64_MIN) return {{}, 0, "the sum of integers is beyond 64 bits"};
    return {Value::bigint(static_cast<int64_t>(whole)), 0, ""};
  }
  if (!(size < 1e300)) return {{}, 0, "a sum of numbers too large to tell"};
  double sum = static_cast<double>(whole) + reals;
  double slack = exact || integers ? 0 : size * 1e-12;
  return {Value::real(name == "sum" ? sum : sum / static_cast<double>(count)), slack, ""};
}

PlainResult spread(const std::string& name, const std::vector<Value>& values) {
  std::vector<double> numbers;
  double greatest = 0;
  for (const Value& v : leaves(values)) {
    std::optional<double> x = expr::to_double(expr::cell_of(v));
    if (!x) continue;
    numbers.push_back(*x);
    if (!(std::fabs(*x) < 1e150)) return {{}, 0, "a variance of numbers too large to tell"};
    greatest = std::max(greatest, std::fabs(*x));
  }
  bool sample = name == "var_samp" || name == "stddev_samp";
  double n = static_cast<double>(numbers.size());
  if (numbers.size() < (sample ? 2u : 1u)) return {};
  double mean = 0;
  for (double x : numbers) mean += x / n;
  double squares = 0;
  for (double x : numbers) squares += (x - mean) * (x - mean);
  double variance = squares / (sample ? n - 1 : n);
  if (name.substr(0, 3) == "std") return {Value::real(std::sqrt(variance)), greatest * 1e-6 + 1e-12, ""};
  return {Value::real(variance), greatest * greatest * 1e-12 + 1e-12, ""};
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

Value percentile(const std::vector<Value>& values, double share) {
  std::vector<Value> sorted;
  for (const Value& v : leaves(values)) {
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

Value distinct(const std::vector<Value>& values) {
  auto less = [](const Value& a, const Value& b) { return plain_order(a, b) < 0; };
  std::set<Value, decltype(less)> seen(less);
  for (const Value& v : leaves(values)) seen.insert(v);
  return Value::bigint(static_cast<int64_t>(seen.size()));
}

// list() gives texts, but for addresses, objects and arrays in arrays.
bool stays(Type type) {
  return type == Type::kStruct || type == Type::kArray || type == Type::kIp || type == Type::kString;
}

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

int64_t count_if(const std::vector<Value>& values, bool truth) {
  return std::count_if(values.begin(), values.end(),
                       [&](const Value& v) { return truth ? v.type() == Type::kBool && v.i64() != 0 : !v.is_null(); });
}

// The value beside the first of the least times, or the last of the greatest.
Value by_time(const std::vector<Value>& values, const std::vector<Value>& times, bool latest) {
  Value found;
  Value when;
  for (size_t i = 0; i < values.size(); ++i) {
    if (values[i].is_null() || times[i].is_null()) continue;
    int order = when.is_null() ? 0 : plain_order(times[i], when);
    if (!when.is_null() && (latest ? order < 0 : order >= 0)) continue;
    found = values[i];
    when = times[i];
  }
  return found;
}

// The most frequent; of several the least.
Value mode(const std::vector<Value>& values) {
  Value best;
  int64_t most = 0;
  std::vector<Value> all = elements(values);
  for (const Value& v : all) {
    int64_t count = std::count_if(all.begin(), all.end(), [&](const Value& w) { return plain_order(v, w) == 0; });
    if (count < most || (count == most && plain_order(v, best) >= 0)) continue;
    best = v;
    most = count;
  }
  return best;
}

// Aggregates that add nothing.
Value told(const AggregateText& aggregate, const std::vector<Value>& values, const std::vector<Value>& times) {
  const std::string& name = aggregate.name;
  if (name == "count" && aggregate.argument.empty()) return Value::bigint(static_cast<int64_t>(values.size()));
  if (name == "count" || name == "count_if") return Value::bigint(count_if(values, name == "count_if"));
  if (name == "min" || name == "max") return extreme(values, name == "max");
  if (name == "dc") return distinct(values);
  if (name == "percentile") return percentile(values, std::stod(aggregate.parameter) / 100);
  if (name == "median") return percentile(values, 0.5);
  if (name == "values") return sorted_texts(values);
  if (name == "mode") return mode(values);
  if (name == "earliest" || name == "latest") return by_time(values, times, name == "latest");
  if (name == "list") return list_of(values, SIZE_MAX, true);
  if (name == "take") return list_of(values, std::stoul(aggregate.parameter), false);
  return first_of(values, name == "last");
}

}  // namespace

std::string printed(const Value& v) { return v.type() == Type::kString ? v.text() : expr::print_value(v); }

PlainResult plain_aggregate(const AggregateText& aggregate, const std::vector<Value>& values,
                            const std::vector<Value>& times) {
  const std::string& name = aggregate.name;
  auto is = [&](auto... names) { return ((name == names) || ...); };
  if (is("sum", "avg")) return added(name, values);
  if (is("var_samp", "var_pop", "stddev_samp", "stddev_pop")) return spread(name, values);
  return {told(aggregate, values, times), 0, ""};
}

}  // namespace clew::query::testing
