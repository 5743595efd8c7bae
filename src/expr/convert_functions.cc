// Conversions: cast, tostring, tonumber, typeof.
#include <algorithm>
#include <charconv>
#include <cmath>

#include "expr/coerce.h"
#include "expr/functions.h"
#include "expr/lexer.h"
#include "expr/print.h"

namespace clew::expr {
namespace {

using model::Type;
using model::Value;

struct TypeName {
  std::string_view name;
  Type type;
};
constexpr TypeName kCastTypes[] = {
    {"BOOLEAN", Type::kBool},
    {"BOOL", Type::kBool},
    {"TINYINT", Type::kInt},
    {"SMALLINT", Type::kInt},
    {"BYTE", Type::kInt},
    {"SHORT", Type::kInt},
    {"INT", Type::kInt},
    {"INTEGER", Type::kInt},
    {"LONG", Type::kLong},
    {"BIGINT", Type::kLong},
    {"FLOAT", Type::kFloat},
    {"DOUBLE", Type::kDouble},
    {"STRING", Type::kString},
    {"TIMESTAMP", Type::kTimestamp},
    {"DATETIME", Type::kTimestamp},
    {"DATE", Type::kDate},
    {"TIME", Type::kTime},
    {"IP", Type::kIp},
    {"JSON", Type::kString},
};

std::optional<Type> cast_type(std::string_view name) {
  for (const TypeName& known : kCastTypes) {
    if (equals_ignore_case(known.name, name)) return known.type;
  }
  return std::nullopt;
}

Type type_of_cast(std::span<const BoundPtr> args) {
  if (!is_constant(*args[1]) || args[1]->type != Type::kString) return Type::kMixed;
  return cast_type(args[1]->constant.text()).value_or(Type::kMixed);
}

Result<std::shared_ptr<const void>> prepare_cast(Binder& binder, std::span<const BoundPtr> args, SourceSpan span) {
  bool known = is_constant(*args[1]) && args[1]->type == Type::kString && cast_type(args[1]->constant.text());
  if (known) return std::shared_ptr<const void>();
  std::vector<std::string_view> names;
  for (const TypeName& type : kCastTypes) names.push_back(type.name);
  std::string name = is_constant(*args[1]) ? print_value(args[1]->constant) : "";
  std::string closest = closest_name(name, names);
  return binder.fail(span, kSemanticError, "cast() knows no type " + quoted(name),
                     closest.empty() ? "" : "did you mean " + closest + "?");
}

void cast_to_bool(const Cell& x, VectorBuilder& out) {
  if (x.type == Type::kBool) return out.add(x);
  if (is_number(x.type)) return out.add_bool(*to_double(x) != 0);
  if (x.type == Type::kString) {
    if (equals_ignore_case(x.text, "true") || x.text == "1") return out.add_bool(true);
    if (equals_ignore_case(x.text, "false") || x.text == "0") return out.add_bool(false);
  }
  out.add_null();
}

void cast_to_integer(const Cell& x, Type type, VectorBuilder& out) {
  std::optional<int64_t> v = to_integer(x);
  bool fits = v && (type == Type::kLong || *v == static_cast<int32_t>(*v));
  if (fits) {
    out.add_lane(type, *v);
  } else {
    out.add_null();
  }
}

void cast_to_real(const Cell& x, Type type, VectorBuilder& out) {
  std::optional<double> v = to_double(x);
  if (!v) return out.add_null();
  out.add_real(type == Type::kFloat ? static_cast<double>(static_cast<float>(*v)) : *v, type);
}

void put_lane(Type type, std::optional<int64_t> v, VectorBuilder& out) {
  if (v) {
    out.add_lane(type, *v);
  } else {
    out.add_null();
  }
}

void cast_to_ip(const Cell& x, VectorBuilder& out) {
  std::optional<IpAddress> ip = is_text(x.type) ? parse_ip(x.text) : std::nullopt;
  if (ip) {
    out.add_text(Type::kIp, print_ip(*ip));
  } else {
    out.add_null();
  }
}

std::optional<int64_t> date_of(const Cell& x) {
  if (x.type == Type::kDate) return x.i64;
  if (x.type == Type::kTimestamp) return floor_div(x.i64, kNanosPerDay);
  if (x.type == Type::kString) return parse_date(x.text);
  return std::nullopt;
}

std::optional<int64_t> time_of(const Cell& x) {
  if (x.type == Type::kTime) return x.i64;
  if (x.type == Type::kTimestamp) return nanos_of_day(x.i64);
  if (x.type == Type::kDate) return 0;
  if (x.type == Type::kString) return parse_time(x.text);
  return std::nullopt;
}

Status cast(const Bound& call, std::span<const Cell> args, VectorBuilder& out) {
  const Cell& x = args[0];
  switch (*cast_type(args[1].text)) {
    case Type::kBool: cast_to_bool(x, out); break;
    case Type::kInt: cast_to_integer(x, Type::kInt, out); break;
    case Type::kLong: cast_to_integer(x, Type::kLong, out); break;
    case Type::kFloat: cast_to_real(x, Type::kFloat, out); break;
    case Type::kDouble: cast_to_real(x, Type::kDouble, out); break;
    case Type::kTimestamp: put_lane(Type::kTimestamp, to_timestamp(x, call.now), out); break;
    case Type::kDate: put_lane(Type::kDate, date_of(x), out); break;
    case Type::kTime: put_lane(Type::kTime, time_of(x), out); break;
    case Type::kIp: cast_to_ip(x, out); break;
    default: {
      std::string buffer;
      out.add_string(text_of(x, buffer));
    }
  }
  return {};
}

std::string with_commas(double value) {
  std::string digits;
  double rounded = std::round(value * 100) / 100;
  char buffer[400];
  bool whole = rounded == std::trunc(rounded);
  auto end =
      std::to_chars(buffer, buffer + sizeof buffer, std::fabs(rounded), std::chars_format::fixed, whole ? 0 : 2).ptr;
  digits.assign(buffer, end);
  size_t point = std::min(digits.find('.'), digits.size());
  for (size_t at = point; at > 3;) {
    at -= 3;
    digits.insert(at, 1, ',');
  }
  if (point < digits.size() && digits.back() == '0') digits.pop_back();
  return rounded < 0 ? "-" + digits : digits;
}

std::string as_duration(double seconds) {
  auto total = static_cast<int64_t>(std::fabs(seconds));
  std::string hours = std::to_string(total / 3600);
  if (hours.size() < 2) hours.insert(0, 1, '0');
  std::string rest = print_time(total % 3600 * kNanosPerSecond);  // 00:MM:SS
  return (seconds < 0 ? "-" : "") + hours + rest.substr(2);
}

std::string in_digits(int64_t value, int base) {
  char buffer[72];
  auto end = std::to_chars(buffer, buffer + sizeof buffer, value, base).ptr;
  return {buffer, end};
}

// tostring(x [, format]); the format matters for numbers only.
Status to_string(const Bound&, std::span<const Cell> args, VectorBuilder& out) {
  std::string buffer;
  std::optional<double> v;
  if (args.size() > 1 && args[0].type != Type::kBool) v = to_double(args[0]);
  std::string format = args.size() > 1 ? to_lower_ascii(args[1].text) : "";
  constexpr double kIntegerMax = 9.2e18;
  bool integral = v && std::fabs(*v) < kIntegerMax;
  if (integral && format == "binary") {
    out.add_string(in_digits(static_cast<int64_t>(*v), 2));
  } else if (integral && format == "hex") {
    out.add_string(in_digits(static_cast<int64_t>(*v), 16));
  } else if (v && std::isfinite(*v) && format == "commas") {
    out.add_string(with_commas(*v));
  } else if (integral && format == "duration") {
    out.add_string(as_duration(*v));
  } else if (integral && format == "duration_millis") {
    out.add_string(as_duration(*v / 1000));
  } else {
    out.add_string(text_of(args[0], buffer));
  }
  return {};
}

Status to_number(const Bound&, std::span<const Cell> args, VectorBuilder& out) {
  std::string buffer;
  std::string_view text = text_of(args[0], buffer);
  std::optional<int64_t> base = args.size() > 1 ? to_integer(args[1]) : 10;
  if (!base || *base < 2 || *base > 36) {
    out.add_null();
    return {};
  }
  std::optional<double> v;
  if (*base == 10) {
    v = parse_double(text);
  } else {
    int64_t digits = 0;
    auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), digits, static_cast<int>(*base));
    bool whole = !text.empty() && failed == std::errc() && end == text.data() + text.size();
    if (whole) v = static_cast<double>(digits);
  }
  if (v) {
    out.add_real(*v);
  } else {
    out.add_null();
  }
  return {};
}

// The declared type where there is one, else that of the value.
Status type_of(const Bound& call, std::span<const Cell> args, VectorBuilder& out) {
  Type type = call.args[0]->type;
  if (type == Type::kMixed || type == Type::kNull) type = args[0].type;
  std::string name(model::type_name(type));
  std::transform(name.begin(), name.end(), name.begin(),
                 [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; });
  out.add_string(name);
  return {};
}

constexpr FunctionDef kTable[] = {
    {"cast", 2, 2, type_of_cast, cast, kKeywords, nullptr, prepare_cast},
    {"tostring", 1, 2, always<Type::kString>, to_string},
    {"tonumber", 1, 2, always<Type::kDouble>, to_number},
    {"typeof", 1, 1, always<Type::kString>, type_of, kNullsToo},
};

}  // namespace

std::span<const FunctionDef> convert_functions() { return kTable; }

}  // namespace clew::expr
