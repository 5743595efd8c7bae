#include "notify/matcher.h"

#include <re2/re2.h>

#include <algorithm>
#include <tuple>

namespace clew::notify {
namespace {

constexpr size_t kMatcherBytesMax = 16u << 10;

std::string_view kind_text(MatchKind kind) {
  switch (kind) {
    case MatchKind::kEqual: return "=";
    case MatchKind::kNotEqual: return "!=";
    case MatchKind::kRegex: return "=~";
    case MatchKind::kNotRegex: return "!~";
  }
  return "=";
}

std::string_view trimmed(std::string_view text) {
  auto blank = [](char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; };
  while (!text.empty() && blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && blank(text.back())) text.remove_suffix(1);
  return text;
}

// Undoes \" \\ and \n; other backslashes stay as they are.
Result<std::string> unquoted(std::string_view text, std::string_view whole) {
  Error wrong(Code::kInvalid,
              "bad matcher " + clew::quoted(whole) + ": a quote in the value is not closed or not escaped");
  bool in_quotes = !text.empty() && text.front() == '"';
  if (in_quotes) {
    if (text.size() < 2 || text.back() != '"') return wrong;
    text = text.substr(1, text.size() - 2);
  }
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '"') return wrong;
    if (text[i] != '\\') {
      out += text[i];
      continue;
    }
    if (++i == text.size()) {
      if (in_quotes) return wrong;
      out += '\\';
    } else if (text[i] == 'n') {
      out += '\n';
    } else if (text[i] == '"' || text[i] == '\\') {
      out += text[i];
    } else {
      (out += '\\') += text[i];
    }
  }
  return out;
}

}  // namespace

Result<Matcher> Matcher::make(std::string name, MatchKind kind, std::string value) {
  if (!is_label_name(name)) return Error(Code::kInvalid, clew::quoted(name) + " is no name of a label");
  if (value.size() > kMatcherBytesMax) return Error(Code::kTooLarge, "the value for " + name + " is too long");
  Matcher made;
  made.name_ = std::move(name);
  made.kind_ = kind;
  made.value_ = std::move(value);
  if (made.is_regex()) {
    re2::RE2::Options options;
    options.set_log_errors(false);
    auto regex = std::make_shared<re2::RE2>("^(?s:" + made.value_ + ")$", options);
    if (!regex->ok()) return Error(Code::kInvalid, "bad regular expression for " + made.name_ + ": " + regex->error());
    made.regex_ = std::move(regex);
  }
  return made;
}

bool Matcher::matches_value(const std::string& value) const {
  switch (kind_) {
    case MatchKind::kEqual: return value == value_;
    case MatchKind::kNotEqual: return value != value_;
    case MatchKind::kRegex: return re2::RE2::FullMatch(value, *regex_);
    case MatchKind::kNotRegex: return !re2::RE2::FullMatch(value, *regex_);
  }
  return false;
}

std::string Matcher::text() const {
  std::string out = name_ + std::string(kind_text(kind_)) + "\"";
  for (char c : value_) {
    if (c == '\\')
      out += "\\\\";
    else if (c == '\n')
      out += "\\n";
    else if (c == '"')
      out += "\\\"";
    else
      out += c;
  }
  return out + '"';
}

bool all_match(const Matchers& matchers, const Labels& labels) {
  return std::all_of(matchers.begin(), matchers.end(), [&](const Matcher& m) { return m.matches(labels); });
}

std::string matchers_text(const Matchers& matchers) {
  std::string out = "{";
  for (const Matcher& m : matchers) {
    if (out.size() > 1) out += ',';
    out += m.text();
  }
  return out + '}';
}

void sort_matchers(Matchers& matchers) {
  std::stable_sort(matchers.begin(), matchers.end(), [](const Matcher& a, const Matcher& b) {
    return std::forward_as_tuple(a.name(), a.value(), a.kind()) < std::forward_as_tuple(b.name(), b.value(), b.kind());
  });
}

Result<Matcher> parse_matcher(std::string_view text) {
  std::string_view rest = trimmed(text);
  size_t name_end = rest.find_first_of("=!~");
  if (name_end == std::string_view::npos || name_end == 0) {
    return Error(Code::kInvalid,
                 "bad matcher " + clew::quoted(text) + ": write name=\"value\", name!=, name=~ or name!~");
  }
  std::string name(trimmed(rest.substr(0, name_end)));
  rest.remove_prefix(name_end);
  MatchKind kind = MatchKind::kEqual;
  if (rest.starts_with("=~"))
    kind = MatchKind::kRegex;
  else if (rest.starts_with("!="))
    kind = MatchKind::kNotEqual;
  else if (rest.starts_with("!~"))
    kind = MatchKind::kNotRegex;
  else if (!rest.starts_with("="))
    return Error(Code::kInvalid, "bad matcher " + clew::quoted(text) + ": no = != =~ or !~");
  rest.remove_prefix(kind_text(kind).size());
  std::string value = CLEW_TRY(unquoted(trimmed(rest), text));
  return Matcher::make(std::move(name), kind, std::move(value));
}

Result<Matchers> parse_matchers(std::string_view text) {
  std::string_view rest = trimmed(text);
  if (rest.starts_with('{')) {
    rest.remove_prefix(1);
    if (!rest.ends_with('}')) return Error(Code::kInvalid, "bad matcher " + clew::quoted(text) + ": no closing }");
    rest.remove_suffix(1);
  }
  Matchers out;
  std::string piece;
  bool in_quotes = false;
  auto take = [&]() -> Status {
    if (trimmed(piece).empty()) return {};
    Matcher one = CLEW_TRY(parse_matcher(piece));
    out.push_back(std::move(one));
    piece.clear();
    return {};
  };
  for (size_t i = 0; i < rest.size(); ++i) {
    if (rest[i] == '\\' && in_quotes && i + 1 < rest.size()) {
      piece.append(rest.substr(i++, 2));
      continue;
    }
    if (rest[i] == '"') in_quotes = !in_quotes;
    if (rest[i] == ',' && !in_quotes) {
      CLEW_TRY(take());
      continue;
    }
    piece += rest[i];
  }
  CLEW_TRY(take());
  return out;
}

}  // namespace clew::notify
