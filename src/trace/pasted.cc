#include "trace/pasted.h"

#include <algorithm>
#include <cctype>
#include <cstdlib>

#include "model/canonical.h"
#include "text/time_format.h"
#include "text/words.h"

namespace clew::trace {
namespace {

constexpr int64_t kSecond = 1'000'000'000;
constexpr int64_t kDay = 86'400 * kSecond;
constexpr size_t kHeadsMax = 2;  // that are tried to be taken off a line
constexpr size_t kWordsMin = 3;  // of what is left then

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// The text without the lines of a tree that was drawn before it: U+2500 to U+257F, and blanks.
std::string_view without_lines(std::string_view text) {
  for (;;) {
    if (!text.empty() && (text.front() == ' ' || text.front() == '\t'))
      text.remove_prefix(1);
    else if (text.starts_with("\xe2\x94") || text.starts_with("\xe2\x95"))
      text.remove_prefix(std::min<size_t>(3, text.size()));
    else
      return text;
  }
}

// HH:MM:SS and what follows a point or comma, in nanoseconds; the text goes on behind it.
std::optional<int64_t> take_clock(std::string_view& text) {
  constexpr int64_t kNanosOf[] = {3600 * kSecond, 60 * kSecond, kSecond};
  int64_t nanos = 0;
  size_t at = 0;
  for (int64_t unit : kNanosOf) {
    if (at > 0 && (at >= text.size() || text[at++] != ':')) return std::nullopt;
    if (at + 2 > text.size() || !is_digit(text[at]) || !is_digit(text[at + 1])) return std::nullopt;
    nanos += unit * ((text[at] - '0') * 10 + (text[at + 1] - '0'));
    at += 2;
  }
  if (at < text.size() && (text[at] == '.' || text[at] == ',')) {
    int64_t unit = kSecond / 10;
    for (++at; at < text.size() && is_digit(text[at]); ++at, unit /= 10) nanos += unit * (text[at] - '0');
  }
  if (at < text.size() && text[at] != ' ' && text[at] != '\t') return std::nullopt;
  text.remove_prefix(at);
  return nanos;
}

// The text without a time and a level at its head.
std::string_view without_head(std::string_view text, Pasted& out) {
  const std::string_view whole = text;
  text::TimeReader reader;
  size_t used = 0;
  if (std::optional<text::Time> time = reader.parse_prefix(text, {}, used)) {
    out.time = time->unix_nanos;
    text.remove_prefix(std::min(used, text.size()));
  } else {
    out.clock = take_clock(text);
  }
  std::string_view written = whole.substr(0, whole.size() - text.size());
  if (written.find_first_of(".,") == written.npos) out.span = kSecond;
  auto blank = [](char c) { return c == ' ' || c == '\t' || c == '-' || c == '[' || c == ']' || c == ':'; };
  while (!text.empty() && blank(text.front())) text.remove_prefix(1);
  size_t end = text.find_first_of(" \t]");
  std::string_view word = text.substr(0, end);
  bool letters = !word.empty() && std::all_of(word.begin(), word.end(),
                                              [](char c) { return std::isalpha(static_cast<unsigned char>(c)); });
  if (letters && end != text.npos && model::level_rank(word) != 0 && word.size() > 1) text.remove_prefix(end);
  while (!text.empty() && blank(text.front())) text.remove_prefix(1);
  return text;
}

// The text without `key=value` words at its end.
std::string_view without_pairs(std::string_view text) {
  for (;;) {
    while (!text.empty() && std::isspace(static_cast<unsigned char>(text.back()))) text.remove_suffix(1);
    size_t blank = text.find_last_of(" \t");
    if (blank == text.npos || text.substr(blank).find('=') == text.npos) return text;
    text = text.substr(0, blank);
  }
}

}  // namespace

int64_t Pasted::distance(int64_t unix_nanos) const {
  int64_t after = time ? unix_nanos - *time : (unix_nanos % kDay + kDay - clock.value_or(0)) % kDay;
  if (after >= 0 && after < span) return 0;
  int64_t apart = after < 0 ? -after : after - span + 1;
  return time ? apart : std::min(apart, kDay - after);
}

Pasted read_pasted(std::string_view text) {
  Pasted out;
  auto add = [&](std::string_view t) {
    bool useful = !text::words_of(t).empty();
    if (useful && std::find(out.phrases.begin(), out.phrases.end(), t) == out.phrases.end())
      out.phrases.emplace_back(t);
  };
  text = without_lines(text);
  if (!text.empty() && text.front() == '{') {
    for (std::string_view key : {"message", "msg", "event", "log", "body"}) {
      size_t at = text.find("\"" + std::string(key) + "\"");
      if (at == text.npos) continue;
      size_t begin = text.find('"', at + key.size() + 2);
      size_t end = begin == text.npos ? begin : text.find('"', begin + 1);
      if (end != text.npos) add(text.substr(begin + 1, end - begin - 1));
    }
    return out;
  }
  add(text);
  std::string_view body = without_head(text, out);
  add(body);
  add(without_pairs(body));
  // A table puts columns apart by two blanks.
  size_t wide = body.find("  ");
  if (wide != body.npos) add(body.substr(0, wide));
  // A host and a program come before the message of syslog: `web1 sshd[17]: message`.
  std::string_view rest = body;
  for (size_t heads = 0; heads < kHeadsMax; ++heads) {
    size_t colon = rest.find(": ");
    if (colon == rest.npos) break;
    rest.remove_prefix(colon + 2);
    if (text::words_of(rest).size() >= kWordsMin) add(rest);
  }
  return out;
}

}  // namespace clew::trace
