#include "model/json_text.h"

#include <algorithm>
#include <cstdio>

namespace clew::model {
namespace {

constexpr char kHexDigits[] = "0123456789abcdef";

void append_escaped(char c, std::string& out) {
  out.push_back('\\');
  switch (c) {
    case '"': out.push_back('"'); return;
    case '\\': out.push_back('\\'); return;
    case '\n': out.push_back('n'); return;
    case '\r': out.push_back('r'); return;
    case '\t': out.push_back('t'); return;
    case '\b': out.push_back('b'); return;
    case '\f': out.push_back('f'); return;
    default:
      out.append("u00");
      out.push_back(kHexDigits[(c >> 4) & 0xF]);
      out.push_back(kHexDigits[c & 0xF]);
  }
}

bool must_escape(char c) { return static_cast<unsigned char>(c) < 0x20 || c == '"' || c == '\\'; }

void append_padded(int64_t v, int width, std::string& out) {
  char digits[20];
  for (int i = width - 1; i >= 0; --i, v /= 10) digits[i] = static_cast<char>('0' + v % 10);
  out.append(digits, static_cast<size_t>(width));
}

struct Civil {
  int64_t year;
  int64_t month;
  int64_t day;
};

// Days since 1970-01-01 to a date of the proleptic Gregorian calendar, by eras of 400 years.
Civil civil_of_days(int64_t days) {
  days += 719468;
  int64_t era = (days >= 0 ? days : days - 146096) / 146097;
  int64_t day_of_era = days - era * 146097;
  int64_t year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
  int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  int64_t shifted_month = (5 * day_of_year + 2) / 153;
  int64_t day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
  int64_t month = shifted_month < 10 ? shifted_month + 3 : shifted_month - 9;
  return {year_of_era + era * 400 + (month <= 2 ? 1 : 0), month, day};
}

}  // namespace

void append_json_string(std::string_view text, std::string& out) {
  out.push_back('"');
  size_t from = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    if (!must_escape(text[i])) continue;
    out.append(text.substr(from, i - from));
    append_escaped(text[i], out);
    from = i + 1;
  }
  out.append(text.substr(from));
  out.push_back('"');
}

void append_json_value(const RestField& value, std::string& out) {
  switch (value.kind) {
    case Kind::kNull: out.append("null"); return;
    case Kind::kEmptyObject: out.append("{}"); return;
    case Kind::kBool: out.append(value.lane != 0 ? "true" : "false"); return;
    case Kind::kInt:
    case Kind::kUint:
    case Kind::kDecimal:
    case Kind::kFloat: print_number(value.kind, value.lane, value.scale, out); return;
    case Kind::kNumberText:
    case Kind::kArray: out.append(value.text); return;
    case Kind::kString: append_json_string(value.text, out); return;
    case Kind::kTime:
      out.push_back('"');
      append_rfc3339(value.lane, out);
      out.push_back('"');
      return;
    case Kind::kBytes:
      out.push_back('"');
      append_base64(value.text, out);
      out.push_back('"');
      return;
  }
}

void append_rfc3339(int64_t unix_nanos, std::string& out) {
  constexpr int64_t kSecond = 1'000'000'000;
  constexpr int64_t kDaySeconds = 86'400;
  int64_t seconds = unix_nanos / kSecond;
  int64_t nanos = unix_nanos % kSecond;
  if (nanos < 0) nanos += kSecond, --seconds;
  int64_t days = seconds / kDaySeconds;
  int64_t rest = seconds % kDaySeconds;
  if (rest < 0) rest += kDaySeconds, --days;
  Civil c = civil_of_days(days);
  append_padded(c.year, 4, out);
  out.push_back('-');
  append_padded(c.month, 2, out);
  out.push_back('-');
  append_padded(c.day, 2, out);
  out.push_back('T');
  append_padded(rest / 3600, 2, out);
  out.push_back(':');
  append_padded(rest / 60 % 60, 2, out);
  out.push_back(':');
  append_padded(rest % 60, 2, out);
  if (nanos != 0) {
    out.push_back('.');
    if (nanos % 1'000'000 == 0)
      append_padded(nanos / 1'000'000, 3, out);
    else if (nanos % 1'000 == 0)
      append_padded(nanos / 1'000, 6, out);
    else
      append_padded(nanos, 9, out);
  }
  out.push_back('Z');
}

void append_base64(std::string_view bytes, std::string& out) {
  constexpr char kAlphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  for (size_t at = 0; at < bytes.size(); at += 3) {
    size_t n = std::min<size_t>(3, bytes.size() - at);
    uint32_t v = 0;
    for (size_t i = 0; i < 3; ++i) v = v << 8 | (i < n ? static_cast<uint8_t>(bytes[at + i]) : 0u);
    for (size_t i = 0; i < 4; ++i) out.push_back(i <= n ? kAlphabet[(v >> (18 - 6 * i)) & 63] : '=');
  }
}

std::vector<std::string_view> split_array(std::string_view array) {
  std::vector<std::string_view> out;
  if (array.size() < 2 || array.front() != '[' || array.back() != ']') return {array};
  std::string_view inner = array.substr(1, array.size() - 2);
  if (inner.empty()) return out;
  size_t from = 0;
  int depth = 0;
  bool quoted = false;
  for (size_t i = 0; i < inner.size(); ++i) {
    char c = inner[i];
    if (quoted) {
      if (c == '\\')
        ++i;
      else if (c == '"')
        quoted = false;
      continue;
    }
    if (c == '"')
      quoted = true;
    else if (c == '[' || c == '{')
      ++depth;
    else if (c == ']' || c == '}')
      --depth;
    else if (c == ',' && depth == 0) {
      out.push_back(inner.substr(from, i - from));
      from = i + 1;
    }
  }
  out.push_back(inner.substr(from));
  return out;
}

}  // namespace clew::model
