#include "expr/print.h"

#include <charconv>
#include <cmath>

#include "expr/cell.h"
#include "expr/coerce.h"

namespace clew::expr {
namespace {

using model::Type;
using model::Value;

void append_padded(int64_t value, int digits, std::string& out) {
  char buffer[24];
  char* end = std::to_chars(buffer, buffer + sizeof buffer, value).ptr;
  for (int64_t length = end - buffer; length < digits; ++length) out += '0';
  out.append(buffer, end);
}

void append_integer(int64_t value, std::string& out) {
  char buffer[24];
  out.append(buffer, std::to_chars(buffer, buffer + sizeof buffer, value).ptr);
}

void append_unsigned(uint64_t value, std::string& out) {
  char buffer[24];
  out.append(buffer, std::to_chars(buffer, buffer + sizeof buffer, value).ptr);
}

// .5, .123456, .123456789: without zeros at the end; nothing for zero.
void append_fraction(int64_t nanos, std::string& out) {
  if (nanos == 0) return;
  out += '.';
  append_padded(nanos, 9, out);
  while (out.back() == '0') out.pop_back();
}

void append_date(int64_t days, std::string& out) {
  CivilDate date = civil_of(days);
  if (date.year < 0) out += '-';
  append_padded(std::abs(date.year), 4, out);
  out += '-';
  append_padded(date.month, 2, out);
  out += '-';
  append_padded(date.day, 2, out);
}

void append_time(int64_t nanos, std::string& out) {
  if (nanos < 0) {
    out += '-';
    nanos = -nanos;
  }
  int64_t seconds = nanos / kNanosPerSecond;
  append_padded(seconds / 3600, 2, out);
  out += ':';
  append_padded(seconds / 60 % 60, 2, out);
  out += ':';
  append_padded(seconds % 60, 2, out);
  append_fraction(nanos % kNanosPerSecond, out);
}

// Java's Double.toString: decimal from 1e-3 below 1e7, else `d.dddE±n`, always with a digit behind the point.
template <class Real>
void append_real_text(Real value, std::string& out) {
  if (std::isnan(value)) {
    out += "NaN";
    return;
  }
  if (std::isinf(value)) {
    out += value < 0 ? "-Infinity" : "Infinity";
    return;
  }
  Real magnitude = std::fabs(value);
  bool plain = value == 0 || (magnitude >= Real(1e-3) && magnitude < Real(1e7));
  char buffer[64];
  std::chars_format format = plain ? std::chars_format::fixed : std::chars_format::scientific;
  std::string_view text(buffer, std::to_chars(buffer, buffer + sizeof buffer, value, format).ptr);
  size_t e = text.find('e');
  std::string_view mantissa = text.substr(0, e);
  out += mantissa;
  if (mantissa.find('.') == std::string_view::npos) out += ".0";
  if (e == std::string_view::npos) return;
  std::string_view exponent = text.substr(e + 1);
  out += 'E';
  if (exponent[0] == '-') out += '-';
  exponent.remove_prefix(1);
  while (exponent.size() > 1 && exponent[0] == '0') exponent.remove_prefix(1);
  out += exponent;
}

void append_interval(const Cell& cell, std::string& out) {
  if (cell.scale == 1) {
    append_integer(cell.i64, out);
    out += " months";
  } else {
    append_decimal(cell.i64, 9, out);
    out += " seconds";
  }
}

// A scalar as text; false for null, arrays and structs.
bool append_scalar(const Cell& cell, std::string& out) {
  switch (cell.type) {
    case Type::kNull:
    case Type::kArray:
    case Type::kStruct:
    case Type::kMixed: return false;
    case Type::kBool: out += cell.i64 != 0 ? "TRUE" : "FALSE"; break;
    case Type::kInt:
    case Type::kLong: append_integer(cell.i64, out); break;
    case Type::kULong: append_unsigned(static_cast<uint64_t>(cell.i64), out); break;
    case Type::kDouble: append_real_text(cell.f64, out); break;
    case Type::kFloat: append_real_text(static_cast<float>(cell.f64), out); break;
    case Type::kDecimal: append_decimal(cell.i64, cell.scale, out); break;
    case Type::kString:
    case Type::kIp: out += cell.text; break;
    case Type::kTimestamp: append_timestamp(cell.i64, out); break;
    case Type::kDate: append_date(cell.i64, out); break;
    case Type::kTime: append_time(cell.i64, out); break;
    case Type::kInterval: append_interval(cell, out); break;
  }
  return true;
}

void append_json_cell(const Cell& cell, std::string& out) {
  switch (cell.type) {
    case Type::kNull:
    case Type::kMixed: out += "null"; break;
    case Type::kBool: out += cell.i64 != 0 ? "true" : "false"; break;
    case Type::kInt:
    case Type::kLong: append_integer(cell.i64, out); break;
    case Type::kULong: append_unsigned(static_cast<uint64_t>(cell.i64), out); break;
    case Type::kDouble:
    case Type::kFloat:
      if (std::isfinite(cell.f64)) {
        append_scalar(cell, out);
      } else {
        out += "null";
      }
      break;
    case Type::kDecimal: append_decimal(cell.i64, cell.scale, out); break;
    case Type::kString:
    case Type::kIp: append_json_string(cell.text, out); break;
    case Type::kTimestamp:
    case Type::kDate:
    case Type::kTime:
    case Type::kInterval:
      out += '"';
      append_scalar(cell, out);
      out += '"';
      break;
    case Type::kArray: {
      out += '[';
      bool first = true;
      for (const Value& item : cell.value->items()) {
        if (!first) out += ',';
        first = false;
        append_json_cell(cell_of(item), out);
      }
      out += ']';
      break;
    }
    case Type::kStruct: {
      out += '{';
      bool first = true;
      for (const auto& [name, item] : cell.value->members()) {
        if (!first) out += ',';
        first = false;
        append_json_string(name, out);
        out += ':';
        append_json_cell(cell_of(item), out);
      }
      out += '}';
      break;
    }
  }
}

}  // namespace

std::string print_value(const Value& value) {
  std::string out;
  Cell cell = cell_of(value);
  if (cell.is_null()) return "null";
  if (!append_scalar(cell, out)) append_json_cell(cell, out);
  return out;
}

void append_json(const Value& value, std::string& out) { append_json_cell(cell_of(value), out); }

void append_json(const model::Vector& vector, uint32_t row, std::string& out) {
  append_json_cell(cell_of(vector, row), out);
}

void append_json_string(std::string_view text, std::string& out) {
  out += '"';
  size_t done = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    auto c = static_cast<uint8_t>(text[i]);
    if (c >= 0x20 && c != '"' && c != '\\') continue;
    out.append(text.substr(done, i - done));
    done = i + 1;
    switch (c) {
      case '"': out += "\\\""; break;
      case '\\': out += "\\\\"; break;
      case '\n': out += "\\n"; break;
      case '\r': out += "\\r"; break;
      case '\t': out += "\\t"; break;
      default: {
        constexpr char kHex[] = "0123456789abcdef";
        out += "\\u00";
        out += kHex[c >> 4];
        out += kHex[c & 15];
      }
    }
  }
  out.append(text.substr(done));
  out += '"';
}

void append_timestamp(int64_t unix_nanos, std::string& out) {
  int64_t days = floor_div(unix_nanos, kNanosPerDay);
  append_date(days, out);
  out += ' ';
  append_time(nanos_of_day(unix_nanos), out);
}

std::string print_timestamp(int64_t unix_nanos) {
  std::string out;
  append_timestamp(unix_nanos, out);
  return out;
}

std::string print_date(int64_t days) {
  std::string out;
  append_date(days, out);
  return out;
}

std::string print_time(int64_t nanos_of_day) {
  std::string out;
  append_time(nanos_of_day, out);
  return out;
}

void append_double(double value, std::string& out) { append_real_text(value, out); }

void append_decimal(int64_t mantissa, uint8_t scale, std::string& out) {
  if (mantissa < 0) out += '-';
  uint64_t magnitude = mantissa < 0 ? 0 - static_cast<uint64_t>(mantissa) : static_cast<uint64_t>(mantissa);
  std::string digits;
  append_unsigned(magnitude, digits);
  if (digits.size() <= scale) digits.insert(0, scale + 1u - digits.size(), '0');
  out.append(digits, 0, digits.size() - scale);
  if (scale == 0) return;
  out += '.';
  out.append(digits, digits.size() - scale);
}

}  // namespace clew::expr
