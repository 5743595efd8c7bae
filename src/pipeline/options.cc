#include "pipeline/options.h"

#include <fmt/format.h>

#include <charconv>

#include "expr/diagnostic.h"

namespace clew::pipeline {

std::optional<uint64_t> parse_duration(std::string_view text) {
  uint64_t value = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc()) return std::nullopt;
  std::string_view unit = text.substr(static_cast<size_t>(end - text.data()));
  struct Unit {
    std::string_view name;
    uint64_t nanos;
  };
  constexpr Unit kUnits[] = {{"ms", 1'000'000},
                             {"s", 1'000'000'000},
                             {"m", 60'000'000'000},
                             {"h", 3'600'000'000'000},
                             {"d", 86'400'000'000'000}};
  for (const Unit& known : kUnits) {
    if (unit == known.name && value <= UINT64_MAX / known.nanos) return value * known.nanos;
  }
  return std::nullopt;
}

void Options::blame(uint32_t line, std::string message) {
  mistakes_.push_back({line, fmt::format("{}: {}", step_, message)});
}

void Options::wrong(const Tree& at, std::string_view key, std::string_view expected) {
  std::string found = at.is_text()   ? clew::quoted(at.text)
                      : at.is_list() ? "a list"
                      : at.is_map()  ? "a map"
                                     : "nothing";
  blame(at.line, fmt::format("{} is {}, expected {}; {}", key, found, expected, example_));
}

const Tree* Options::find(std::string_view key) {
  asked_.insert(std::string(key));
  if (!tree_.is_map()) return nullptr;
  const Tree* found = tree_.find(key);
  return found == nullptr || found->is_null() ? nullptr : found;
}

std::string Options::text(std::string_view key, std::string_view otherwise) {
  const Tree* found = find(key);
  if (found == nullptr) return std::string(otherwise);
  if (found->is_text()) return found->text;
  wrong(*found, key, "a text");
  return std::string(otherwise);
}

std::string Options::required(std::string_view key) {
  const Tree* found = find(key);
  if (found == nullptr || (found->is_text() && found->text.empty())) {
    blame(fmt::format("lacks {}; {}", key, example_));
    return {};
  }
  return text(key);
}

bool Options::yes(std::string_view key, bool otherwise) {
  const Tree* found = find(key);
  if (found == nullptr) return otherwise;
  if (found->text == "yes" || found->text == "true" || found->text == "on") return true;
  if (found->text != "no" && found->text != "false" && found->text != "off") wrong(*found, key, "yes or no");
  return false;
}

std::optional<double> Options::number(std::string_view key, double min, double max) {
  const Tree* found = find(key);
  if (found == nullptr) return std::nullopt;
  double value = 0;
  const char* end = found->text.data() + found->text.size();
  auto [stop, error] = std::from_chars(found->text.data(), end, value);
  if (found->is_text() && error == std::errc() && stop == end && value >= min && value <= max) return value;
  wrong(*found, key, fmt::format("a number from {} to {}", min, max));
  return std::nullopt;
}

std::optional<uint64_t> Options::count(std::string_view key, uint64_t min, uint64_t max) {
  const Tree* found = find(key);
  if (found == nullptr) return std::nullopt;
  uint64_t value = 0;
  const char* end = found->text.data() + found->text.size();
  auto [stop, error] = std::from_chars(found->text.data(), end, value);
  if (found->is_text() && error == std::errc() && stop == end && value >= min && value <= max) return value;
  wrong(*found, key, fmt::format("a whole number from {} to {}", min, max));
  return std::nullopt;
}

std::optional<uint64_t> Options::duration_ns(std::string_view key) {
  const Tree* found = find(key);
  if (found == nullptr) return std::nullopt;
  std::optional<uint64_t> value = parse_duration(found->text);
  if (!value || *value == 0) wrong(*found, key, "a duration such as 30s or 5m");
  return value;
}

std::vector<std::string> Options::list(std::string_view key) {
  const Tree* found = find(key);
  std::vector<std::string> out;
  if (found == nullptr) return out;
  if (found->is_text()) return {found->text};
  if (!found->is_list()) {
    wrong(*found, key, "a text or a list of texts");
    return out;
  }
  for (const Tree& item : found->items) {
    if (item.is_text())
      out.push_back(item.text);
    else
      wrong(item, key, "texts");
  }
  return out;
}

std::vector<std::pair<std::string, Tree>> Options::map(std::string_view key) {
  const Tree* found = find(key);
  std::vector<std::pair<std::string, Tree>> out;
  if (found == nullptr) return out;
  if (!found->is_map()) {
    wrong(*found, key, "keys with values");
    return out;
  }
  for (const auto& [name, value] : found->members) out.emplace_back(name.text, value);
  return out;
}

const Tree* Options::sub(std::string_view key) { return find(key); }

std::vector<std::pair<std::string, Tree>> Options::members(std::set<std::string> but) {
  std::vector<std::pair<std::string, Tree>> out;
  whole_ = true;
  if (!tree_.is_map() || tree_.members.empty()) {
    blame(fmt::format("expected keys with values; {}", example_));
    return out;
  }
  for (const auto& [name, value] : tree_.members) {
    if (!but.contains(name.text)) out.emplace_back(name.text, value);
  }
  return out;
}

std::vector<std::string> Options::whole_list(std::string_view key) {
  if (tree_.is_map()) return list(key);
  if (tree_.is_text()) return {tree_.text};
  std::vector<std::string> out;
  if (!tree_.is_list()) blame(fmt::format("expected a list; {}", example_));
  for (const Tree& item : tree_.items) {
    if (item.is_text())
      out.push_back(item.text);
    else
      blame(item.line, fmt::format("expected a text; {}", example_));
  }
  return out;
}

std::string Options::whole_text(std::string_view key) {
  if (tree_.is_text()) return tree_.text;
  if (tree_.is_map()) return required(key);
  blame(fmt::format("expected a text; {}", example_));
  return {};
}

void Options::finish() {
  if (whole_ || !tree_.is_map()) {
    if (tree_.is_list() && asked_.empty()) return;
    return;
  }
  for (const auto& [name, value] : tree_.members) {
    if (asked_.contains(name.text)) continue;
    std::string near = expr::closest_name(name.text, asked_);
    std::string known = fmt::format("known here: {}", fmt::join(asked_, ", "));
    blame(name.line, fmt::format("no key {}; {}", name.text, near.empty() ? known : "did you mean " + near + "?"));
  }
}

}  // namespace clew::pipeline
