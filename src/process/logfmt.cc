#include "process/logfmt.h"

namespace clew::process {
namespace {

constexpr size_t kPairsMax = 10'000;
constexpr size_t kKeyBytesMax = 512;

bool is_key_char(char c) {
  char l = static_cast<char>(c | 0x20);
  return (l >= 'a' && l <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '.' || c == '-' || c == '/' || c == '@' ||
         static_cast<unsigned char>(c) >= 0x80;
}

// The value behind `=`; moves `at` behind it.
bool take_value(std::string_view line, size_t& at, LogfmtPair& pair) {
  if (at >= line.size() || line[at] != '"') {
    size_t value = at;
    while (at < line.size() && line[at] != ' ') ++at;
    pair.value = line.substr(value, at - value);
    return true;
  }
  size_t value = ++at;
  while (at < line.size() && line[at] != '"') {
    if (line[at] == '\\') pair.escaped = true, ++at;
    ++at;
  }
  if (at >= line.size()) return false;
  pair.value = line.substr(value, at - value);
  pair.quoted = true;
  ++at;
  return at >= line.size() || line[at] == ' ';
}

}  // namespace

bool parse_logfmt(std::string_view line, size_t pairs_min, std::vector<LogfmtPair>& pairs) {
  pairs.clear();
  size_t with_value = 0;
  size_t at = 0;
  for (;;) {
    while (at < line.size() && (line[at] == ' ' || line[at] == '\t')) ++at;
    if (at >= line.size()) break;
    size_t begin = at;
    while (at < line.size() && is_key_char(line[at])) ++at;
    LogfmtPair pair;
    pair.key = line.substr(begin, at - begin);
    if (pair.key.empty() || pair.key.size() > kKeyBytesMax || pairs.size() >= kPairsMax) return false;
    if (at >= line.size() || line[at] == ' ') {
      pair.bare = true;
    } else {
      if (line[at++] != '=' || !take_value(line, at, pair)) return false;
      ++with_value;
    }
    pairs.push_back(pair);
  }
  return with_value >= pairs_min && with_value * 2 > pairs.size();
}

void append_logfmt_unescaped(std::string_view value, std::string& out) {
  for (size_t i = 0; i < value.size(); ++i) {
    if (value[i] != '\\' || i + 1 == value.size()) {
      out.push_back(value[i]);
      continue;
    }
    char c = value[++i];
    out.push_back(c == 'n' ? '\n' : c == 't' ? '\t' : c == 'r' ? '\r' : c);
  }
}

}  // namespace clew::process
