// Numbers as people read them, to four digits: 1.234k, 2.3Mi, 1h 2m 3s, 12.34%.
#include <fmt/format.h>

#include <cmath>
#include <span>

#include "alert/template_functions.h"
#include "query/promql/duration.h"

namespace clew::alert {
namespace {

constexpr double kNanosMost = 9.2e18;

Result<double> number_of(const Value& value) {
  switch (value.kind) {
    case Value::Kind::kFloat: return value.real;
    case Value::Kind::kInt: return static_cast<double>(value.integer);
    case Value::Kind::kDuration: return static_cast<double>(value.integer) / 1e9;
    case Value::Kind::kText:
      if (std::optional<double> number = query::promql::parse_number(value.text)) return *number;
      return Error(Code::kInvalid, quoted(value.text) + " is no number");
    default: return Error(Code::kInvalid, "can't convert " + std::string(value.type_text()) + " to float");
  }
}

std::string four_digits(double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value < 0 ? "-Inf" : "+Inf";
  return general_text(value, 4);
}

constexpr std::string_view kGreater[] = {"k", "M", "G", "T", "P", "E", "Z", "Y"};
constexpr std::string_view kLess[] = {"m", "u", "n", "p", "f", "a", "z", "y"};
constexpr std::string_view kBinary[] = {"ki", "Mi", "Gi", "Ti", "Pi", "Ei", "Zi", "Yi"};

// Divides by `base` while the value is that great.
std::string with_prefix(double value, double base, std::span<const std::string_view> prefixes, std::string_view unit) {
  std::string_view prefix;
  for (std::string_view one : prefixes) {
    if (std::fabs(value) < base) break;
    prefix = one;
    value /= base;
  }
  return four_digits(value) + std::string(prefix) + std::string(unit);
}

std::string small_with_prefix(double value, std::string_view unit) {
  std::string_view prefix;
  for (std::string_view one : kLess) {
    if (std::fabs(value) >= 1) break;
    prefix = one;
    value *= 1000;
  }
  return four_digits(value) + std::string(prefix) + std::string(unit);
}

std::string long_duration(double value) {
  std::string_view sign = value < 0 ? "-" : "";
  value = std::fabs(value);
  if (value >= kNanosMost) return std::string(sign) + four_digits(value) + "s";
  auto whole = static_cast<int64_t>(value);
  int64_t seconds = whole % 60, minutes = whole / 60 % 60, hours = whole / 3600 % 24, days = whole / 86'400;
  if (days != 0) return fmt::format("{}{}d {}h {}m {}s", sign, days, hours, minutes, seconds);
  if (hours != 0) return fmt::format("{}{}h {}m {}s", sign, hours, minutes, seconds);
  if (minutes != 0) return fmt::format("{}{}m {}s", sign, minutes, seconds);
  return std::string(sign) + four_digits(value) + "s";
}

}  // namespace

Result<Value> humanize(const TemplateDoor&, const ValueList& args) {
  double value = CLEW_TRY(number_of(args[0]));
  if (value == 0 || !std::isfinite(value)) return Value::of(four_digits(value));
  if (std::fabs(value) >= 1) return Value::of(with_prefix(value, 1000, kGreater, ""));
  return Value::of(small_with_prefix(value, ""));
}

Result<Value> humanize1024(const TemplateDoor&, const ValueList& args) {
  double value = CLEW_TRY(number_of(args[0]));
  if (std::fabs(value) <= 1 || !std::isfinite(value)) return Value::of(four_digits(value));
  return Value::of(with_prefix(value, 1024, kBinary, ""));
}

Result<Value> humanize_duration(const TemplateDoor&, const ValueList& args) {
  double value = CLEW_TRY(number_of(args[0]));
  if (!std::isfinite(value)) return Value::of(four_digits(value));
  if (value == 0) return Value::of(std::string("0s"));
  if (std::fabs(value) >= 1) return Value::of(long_duration(value));
  return Value::of(small_with_prefix(value, "s"));
}

Result<Value> humanize_percentage(const TemplateDoor&, const ValueList& args) {
  double value = CLEW_TRY(number_of(args[0]));
  return Value::of(four_digits(value * 100) + "%");
}

Result<Value> humanize_timestamp(const TemplateDoor& door, const ValueList& args) {
  double value = CLEW_TRY(number_of(args[0]));
  if (!std::isfinite(value)) return Value::of(four_digits(value));
  Value time = CLEW_TRY(to_time(door, args));
  return Value::of(time_value_text(time.integer));
}

Result<Value> to_time(const TemplateDoor&, const ValueList& args) {
  double value = CLEW_TRY(number_of(args[0]));
  if (!std::isfinite(value) || std::fabs(value) * 1e9 > kNanosMost) {
    return Error(Code::kInvalid, four_digits(value) + " is no time between the years 1678 and 2262");
  }
  Value out;
  out.kind = Value::Kind::kTime;
  out.integer = static_cast<int64_t>(std::floor(value)) * 1'000'000'000 +
                static_cast<int64_t>(std::round((value - std::floor(value)) * 1e3)) * 1'000'000;
  return out;
}

Result<Value> to_duration(const TemplateDoor&, const ValueList& args) {
  double value = CLEW_TRY(number_of(args[0]));
  if (!std::isfinite(value) || std::fabs(value) * 1e9 > kNanosMost) {
    return Error(Code::kInvalid, four_digits(value) + " is no duration below 292 years");
  }
  Value out;
  out.kind = Value::Kind::kDuration;
  out.integer = static_cast<int64_t>(value * 1e9);
  return out;
}

}  // namespace clew::alert
