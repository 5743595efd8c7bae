#include "wire/graphite.h"

#include <charconv>
#include <cmath>
#include <string>

namespace clew::wire {
namespace {

constexpr double kSecondsMost = 1e11;

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\r'; }

// The next word; what is behind it stays in `rest`.
std::string_view next_word(std::string_view& rest) {
  while (!rest.empty() && is_blank(rest.front())) rest.remove_prefix(1);
  size_t n = 0;
  while (n < rest.size() && !is_blank(rest[n])) ++n;
  std::string_view word = rest.substr(0, n);
  rest.remove_prefix(n);
  return word;
}

Error expected(std::string_view line, std::string_view at, std::string_view what) {
  return Error(Code::kInvalid, "column " + std::to_string(at.data() - line.data() + 1) + ": expected " +
                                   std::string(what) + ", not " + quoted(at));
}

bool read_real(std::string_view text, double& v) {
  if (text.starts_with('+')) text.remove_prefix(1);
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), v);
  return error == std::errc() && end == text.data() + text.size();
}

}  // namespace

Status read_graphite_line(std::string_view line, GraphiteLine& out) {
  std::string_view rest = line;
  std::string_view path = next_word(rest);
  std::string_view value = next_word(rest);
  std::string_view time = next_word(rest);
  std::string_view more = next_word(rest);
  if (!more.empty()) return expected(line, more, "the end of the line");
  out.tags.clear();
  size_t semicolon = path.find(';');
  out.path = path.substr(0, semicolon);
  if (out.path.empty()) return expected(line, path, "a path");
  while (semicolon != std::string_view::npos) {
    path.remove_prefix(semicolon + 1);
    semicolon = path.find(';');
    std::string_view tag = path.substr(0, semicolon);
    size_t equals = tag.find('=');
    if (equals == std::string_view::npos || equals == 0) return expected(line, tag, "a tag NAME=VALUE");
    if (out.tags.size() >= kGraphiteTagsMax) return expected(line, tag, "at most 128 tags");
    if (equals + 1 < tag.size()) out.tags.emplace_back(tag.substr(0, equals), tag.substr(equals + 1));
  }
  if (!read_real(value, out.value)) return expected(line, value.data() != nullptr ? value : rest, "a number");
  out.millis = 0;
  if (time.empty() || time == "-1" || time == "N" || time == "n") return {};
  double seconds = 0;
  if (!read_real(time, seconds) || !(seconds >= 0) || seconds > kSecondsMost)
    return expected(line, time, "seconds since 1970");
  out.millis = std::llround(seconds * 1000);
  return {};
}

}  // namespace clew::wire
