#include "wire/metric_names.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <vector>

namespace clew::wire {
namespace {

struct Word {
  std::string_view unit;  // UCUM, with OpenTelemetry's case
  std::string_view word;
};
constexpr Word kUnits[] = {
    {"d", "days"},          {"h", "hours"},        {"min", "minutes"},   {"s", "seconds"},      {"ms", "milliseconds"},
    {"us", "microseconds"}, {"ns", "nanoseconds"}, {"By", "bytes"},      {"KiBy", "kibibytes"}, {"MiBy", "mebibytes"},
    {"GiBy", "gibibytes"},  {"TiBy", "tibibytes"}, {"KBy", "kilobytes"}, {"MBy", "megabytes"},  {"GBy", "gigabytes"},
    {"TBy", "terabytes"},   {"m", "meters"},       {"V", "volts"},       {"A", "amperes"},      {"J", "joules"},
    {"W", "watts"},         {"g", "grams"},        {"Cel", "celsius"},   {"Hz", "hertz"},       {"1", ""},
    {"%", "percent"},
};
constexpr Word kPerUnits[] = {{"s", "second"}, {"m", "minute"}, {"h", "hour"}, {"d", "day"},
                              {"w", "week"},   {"mo", "month"}, {"y", "year"}};

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter_or_digit(char c) { return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

template <size_t N>
std::string_view word_of(const Word (&words)[N], std::string_view unit) {
  for (const Word& known : words) {
    if (known.unit == unit) return known.word;
  }
  return unit;
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

// Runs of what cannot stand in a name become one "_", none at the ends.
std::string cleaned(std::string_view text) {
  std::string out;
  for (char c : text) {
    if (is_letter_or_digit(c) || c == ':')
      out.push_back(c);
    else if (!out.empty() && out.back() != '_')
      out.push_back('_');
  }
  if (!out.empty() && out.back() == '_') out.pop_back();
  return out;
}

struct UnitWords {
  std::string main;
  std::string per;
};

// "By/s" is bytes and second; annotations in braces say nothing of the unit.
UnitWords words_of(std::string_view unit) {
  UnitWords out;
  size_t slash = unit.find('/');
  std::string_view main = trimmed(unit.substr(0, slash));
  if (main.find_first_of("{}") == std::string_view::npos) out.main = cleaned(word_of(kUnits, main));
  if (slash == std::string_view::npos) return out;
  std::string_view per = trimmed(unit.substr(slash + 1));
  if (per.find_first_of("{}") == std::string_view::npos) out.per = cleaned(word_of(kPerUnits, per));
  return out;
}

using Tokens = std::vector<std::string>;

void move_to_end(Tokens& tokens, std::string_view token) {
  std::erase(tokens, token);
  tokens.emplace_back(token);
}

bool has(const Tokens& tokens, std::string_view token) {
  return std::find(tokens.begin(), tokens.end(), token) != tokens.end();
}

Tokens tokens_of(std::string_view name) {
  Tokens out;
  bool inside = false;
  for (char c : name) {
    bool part = is_letter_or_digit(c) || c == ':';
    if (part && !inside) out.emplace_back();
    if (part) out.back().push_back(c);
    inside = part;
  }
  return out;
}

std::string joined(const Tokens& tokens) {
  std::string out;
  for (const std::string& token : tokens) {
    if (!out.empty()) out.push_back('_');
    out += token;
  }
  if (!out.empty() && is_digit(out.front())) out.insert(out.begin(), '_');
  return out;
}

std::string with_suffixes(std::string_view name, std::string_view unit, NamedKind kind) {
  Tokens tokens = tokens_of(name);
  if (tokens.empty()) return {};
  UnitWords words = words_of(unit);
  bool needs_main = !words.main.empty() && !has(tokens, words.main);
  bool needs_per = !words.per.empty() && !has(tokens, words.per);
  if (needs_main) tokens.push_back(words.main);
  if (needs_per) tokens.insert(tokens.end(), {"per", words.per});
  if (kind == NamedKind::kCounter) move_to_end(tokens, "total");
  // Counters of things are often given the unit 1: only of gauges it says that they are ratios.
  if (kind == NamedKind::kGauge && unit == "1") move_to_end(tokens, "ratio");
  return joined(tokens);
}

// Without `suffix` at its end, and what joins the two.
std::string_view without(std::string_view name, std::string_view suffix) {
  if (!name.ends_with(suffix)) return name;
  std::string_view rest = name.substr(0, name.size() - suffix.size());
  if (rest.empty() || is_letter_or_digit(rest.back())) return name;
  rest.remove_suffix(1);
  return rest;
}

std::string utf8_with_suffixes(std::string_view name, std::string_view unit, NamedKind kind) {
  UnitWords words = words_of(unit);
  std::string_view last;
  if (kind == NamedKind::kCounter) last = "total";
  if (kind == NamedKind::kGauge && unit == "1") last = "ratio";
  if (!last.empty()) name = without(name, last);
  std::string per = words.per.empty() ? std::string() : "per_" + words.per;
  if (!per.empty()) name = without(name, per);
  std::string out(name);
  auto add = [&out](std::string_view suffix) {
    if (!suffix.empty()) out.append("_").append(suffix);
  };
  if (!out.ends_with(words.main)) add(words.main);
  add(per);
  add(last);
  return out;
}

}  // namespace

bool name_style_of(std::string_view text, NameStyle& style) {
  constexpr std::string_view kNames[] = {"suffixes", "underscores", "utf8-suffixes", "unchanged"};
  for (size_t i = 0; i < std::size(kNames); ++i) {
    if (kNames[i] != text) continue;
    style = static_cast<NameStyle>(i);
    return true;
  }
  return false;
}

std::string metric_name_of(NameStyle style, std::string_view name, std::string_view unit, NamedKind kind) {
  switch (style) {
    case NameStyle::kSuffixes: return with_suffixes(name, unit, kind);
    case NameStyle::kUtf8Suffixes: return name.empty() ? std::string() : utf8_with_suffixes(name, unit, kind);
    case NameStyle::kUnderscores: return plain_metric_name(name);
    case NameStyle::kUnchanged: break;
  }
  return std::string(name);
}

std::string metric_unit_of(NameStyle style, std::string_view unit) {
  if (style == NameStyle::kUnchanged) return std::string(unit);
  UnitWords words = words_of(unit);
  if (words.per.empty()) return words.main;
  return words.main + (words.main.empty() ? "per_" : "_per_") + words.per;
}

std::string label_name_of(NameStyle style, std::string_view name) {
  return keeps_utf8(style) ? std::string(name) : plain_label_name(name);
}

std::string plain_metric_name(std::string_view name) {
  std::string out;
  for (char c : name) {
    bool good = is_letter_or_digit(c) || c == ':' || c == '_';
    if (good)
      out.push_back(c);
    else if (out.empty() || out.back() != '_')
      out.push_back('_');
  }
  if (out.find_first_not_of('_') == std::string::npos) return {};
  if (is_digit(out.front())) out.insert(out.begin(), '_');
  return out;
}

std::string plain_label_name(std::string_view name) {
  if (name.empty()) return {};
  std::string out;
  for (char c : name) out.push_back(is_letter_or_digit(c) ? c : '_');
  if (is_digit(out.front())) return "key_" + out;
  if (out.front() == '_' && !out.starts_with("__")) return "key" + out;
  return out;
}

std::string bound_text(double bound) {
  if (std::isinf(bound)) return bound > 0 ? "+Inf" : "-Inf";
  if (std::isnan(bound)) return "NaN";
  std::array<char, 400> text{};  // the least double has 325 digits behind its point
  auto [end, error] = std::to_chars(text.data(), text.data() + text.size(), bound, std::chars_format::fixed);
  return std::string(text.data(), error == std::errc() ? end : text.data());
}

}  // namespace clew::wire
