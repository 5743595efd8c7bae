#include "lint/line_text.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "lint/lint.h"
#include "text/utf8.h"

namespace clew::lint {
namespace {

constexpr int64_t kSecond = 1'000'000'000;
constexpr int64_t kDay = 86'400 * kSecond;
constexpr int64_t kZoneMost = 14 * 3'600 * kSecond;  // that a clock on a wall is off UTC
constexpr size_t kUuidBytes = 36;

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_upper(char c) { return c >= 'A' && c <= 'Z'; }
bool is_lower(char c) { return c >= 'a' && c <= 'z'; }
char lower(char c) { return is_upper(c) ? static_cast<char>(c - 'A' + 'a') : c; }
bool is_hex(char c) { return is_digit(c) || (lower(c) >= 'a' && lower(c) <= 'f'); }
constexpr std::array<bool, 256> name_bytes() {
  std::array<bool, 256> in{};
  for (char c = '0'; c <= '9'; ++c) in[static_cast<size_t>(c)] = true;
  for (char c = 'a'; c <= 'z'; ++c) in[static_cast<size_t>(c)] = in[static_cast<size_t>(c - 'a' + 'A')] = true;
  for (char c : std::string_view("_-.")) in[static_cast<size_t>(c)] = true;
  return in;
}
constexpr std::array<bool, 256> kInName = name_bytes();
bool is_name(char c) { return kInName[static_cast<uint8_t>(c)]; }
bool is_base64(char c) {
  return is_digit(c) || is_upper(c) || is_lower(c) || c == '+' || c == '/' || c == '=' || c == '-' || c == '_';
}

bool same(std::string_view text, std::string_view lower_case) {
  return std::equal(text.begin(), text.end(), lower_case.begin(), lower_case.end(),
                    [](char a, char b) { return lower(a) == b; });
}

// A run of letters from those of base64 is a blob when it is no word and no path: it has capitals, small letters and
// digits, or is hex all through.
bool is_blob(std::string_view run) {
  if (run.size() < kBlobBytesMin) return false;
  if (std::all_of(run.begin(), run.end(), is_hex)) return std::any_of(run.begin(), run.end(), is_digit);
  return std::any_of(run.begin(), run.end(), is_digit) && std::any_of(run.begin(), run.end(), is_upper) &&
         std::any_of(run.begin(), run.end(), is_lower);
}

bool is_uuid(std::string_view word) {
  if (word.size() != kUuidBytes) return false;
  for (size_t i = 0; i < word.size(); ++i) {
    bool dash = i == 8 || i == 13 || i == 18 || i == 23;
    if (dash ? word[i] != '-' : !is_hex(word[i])) return false;
  }
  return true;
}

// A span or trace id: neither a number nor a word.
bool is_hex_id(std::string_view word) {
  if (word.size() != 16 && word.size() != 32) return false;
  return std::all_of(word.begin(), word.end(), is_hex) && std::any_of(word.begin(), word.end(), is_digit) &&
         !std::all_of(word.begin(), word.end(), is_digit);
}

// The year of a time in UTC.
int64_t year_of(int64_t unix_nanos) {
  int64_t days = unix_nanos / kDay - (unix_nanos % kDay < 0 ? 1 : 0);
  int64_t year = 1970 + days / 366;
  while (text::days_of_civil(year + 1, 1, 1) <= days) ++year;
  while (text::days_of_civil(year, 1, 1) > days) --year;
  return year;
}

bool holds_number(std::string_view text, int64_t year) {
  if (year < 1000 || year > 9999) return false;
  std::array<char, 4> digits{};
  for (size_t i = 4; i-- > 0; year /= 10) digits[i] = static_cast<char>('0' + year % 10);
  return text.find(std::string_view(digits.data(), digits.size())) != std::string_view::npos;
}

}  // namespace

bool holds_binary(std::string_view line) {
  // Eight bytes at a time while they are all printable ASCII, as most are.
  constexpr uint64_t kTops = 0x8080808080808080;
  constexpr uint64_t kSpaces = 0x2020202020202020;
  constexpr uint64_t kOnes = 0x0101010101010101;
  size_t at = 0;
  for (; at + 8 <= line.size(); at += 8) {
    uint64_t bytes = 0;
    std::memcpy(&bytes, line.data() + at, 8);
    if (((bytes | (bytes - kSpaces) | (bytes + kOnes)) & kTops) != 0) break;
  }
  line.remove_prefix(at);
  bool control = false;
  for (char c : line) {
    auto byte = static_cast<uint8_t>(c);
    control |= (byte < 0x20 && byte != '\t' && byte != 0x1b && byte != '\r' && byte != '\n') || byte == 0x7f;
  }
  return control || !text::is_valid_utf8(line);
}

bool holds_color(std::string_view line) { return line.find("\x1b[") != std::string_view::npos; }

bool holds_blob(std::string_view line) {
  // A run of kBlobBytesMin bytes covers a byte of every so many: only around such is it looked for.
  for (size_t at = kBlobBytesMin - 1; at < line.size(); at += kBlobBytesMin) {
    if (!is_base64(line[at])) continue;
    size_t begin = at;
    while (begin > 0 && is_base64(line[begin - 1])) --begin;
    while (at + 1 < line.size() && is_base64(line[at + 1])) ++at;
    if (is_blob(line.substr(begin, at + 1 - begin))) return true;
  }
  return false;
}

bool names_id(std::string_view name) {
  size_t dot = name.rfind('.');
  std::string_view last = dot == std::string_view::npos ? name : name.substr(dot + 1);
  for (std::string_view word : {"user", "username", "request", "req", "trace", "span", "session", "order", "txn"}) {
    if (same(last, word)) return true;
  }
  if (last.size() < 2) return false;
  if (last.size() >= 4 && same(last.substr(last.size() - 4), "uuid")) return true;
  if (!same(last.substr(last.size() - 2), "id")) return false;
  std::string_view owner = last.substr(0, last.size() - 2);
  if (owner.empty()) {  // trace.id
    owner = dot == std::string_view::npos ? std::string_view("event") : name.substr(0, dot);
    owner = owner.substr(owner.rfind('.') + 1);
  } else if (owner.back() == '_' || owner.back() == '-') {
    owner.remove_suffix(1);
  } else if (!is_lower(last[last.size() - 2]) || owner.size() < 2) {
    // userId, UserID; of `pid` and `tid` the owner is one letter
    if (owner.size() < 2) return false;
  } else {
    // small letters alone: `userid` is one, `valid` and `paid` are words
    return same(owner, "user") || same(owner, "request") || same(owner, "trace") || same(owner, "span") ||
           same(owner, "session") || same(owner, "order") || same(owner, "req") || same(owner, "correlation");
  }
  for (std::string_view of_all : {"process", "thread", "host", "p", "t", "pp", "os", "agent", "container", "pod"}) {
    if (same(owner, of_all)) return false;
  }
  return !owner.empty();
}

Marks marks_of(std::string_view text) {
  Marks marks;
  for (size_t at = 0; at < text.size();) {
    if (!is_name(text[at])) {
      ++at;
      continue;
    }
    size_t end = at;
    while (end < text.size() && is_name(text[end])) ++end;
    std::string_view word = text.substr(at, end - at);
    char next = end < text.size() ? text[end] : ' ';
    bool value = end + 1 < text.size() && text[end + 1] != '=' && text[end + 1] != '\n';
    bool named = !is_digit(word.front());
    if (next == '=' && value && named && text[end + 1] != ' ') {
      marks.pair = true;
      marks.id = marks.id || names_id(word);
    } else if (next == ':' && value && named) {
      marks.id = marks.id || names_id(word);
    } else if (is_uuid(word) || is_hex_id(word)) {
      marks.id = true;
    }
    if (marks.id && marks.pair) return marks;
    at = end;
  }
  return marks;
}

bool says_year(std::string_view text, int64_t unix_nanos) {
  int64_t first = year_of(unix_nanos - kZoneMost);
  int64_t last = year_of(unix_nanos + kZoneMost);
  return holds_number(text, first) || (last != first && holds_number(text, last));
}

bool begins_short_year(std::string_view text) {
  if (text.starts_with('[')) text.remove_prefix(1);
  constexpr std::string_view kLayout = "dd-dd-dd dd:dd";
  if (text.size() < kLayout.size()) return false;
  for (size_t i = 0; i < kLayout.size(); ++i) {
    bool fits = kLayout[i] == 'd'   ? is_digit(text[i])
                : kLayout[i] == '-' ? text[i] == '-' || text[i] == '/' || text[i] == '.'
                : kLayout[i] == ' ' ? text[i] == ' ' || text[i] == 'T'
                                    : text[i] == kLayout[i];
    if (!fits) return false;
  }
  return true;
}

bool says_fraction(std::string_view text, int64_t unix_nanos) {
  int64_t second = (unix_nanos / kSecond) % 60;
  if (second < 0) second += 60;
  const std::array<char, 3> needle = {':', static_cast<char>('0' + second / 10), static_cast<char>('0' + second % 10)};
  const std::string_view wanted(needle.data(), needle.size());
  for (size_t at = text.find(wanted); at != std::string_view::npos && at + 4 < text.size();
       at = text.find(wanted, at + 1)) {
    bool point = text[at + 3] == '.' || text[at + 3] == ',';
    if (point && is_digit(text[at + 4])) return true;
  }
  return false;
}

}  // namespace clew::lint
