#include "collect/source_counts.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace clew::collect {
namespace {

// No place of a source begins so (file_source.cc, journal_source.cc).
constexpr std::string_view kPrefix = "source/";

// Takes a number and the byte behind it away; 0 when there is none.
uint64_t take_number(std::string_view& text) {
  uint64_t number = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc()) end = text.data();
  text.remove_prefix(static_cast<size_t>(end - text.data()));
  if (!text.empty()) text.remove_prefix(1);
  return number;
}

}  // namespace

std::string counts_key(std::string_view source) { return std::string(kPrefix) + std::string(source); }

std::string_view source_of_key(std::string_view key) {
  return key.starts_with(kPrefix) ? key.substr(kPrefix.size()) : std::string_view();
}

// "READ QUEUED", and a line "EVENTS RULE" for each rule.
std::string print_counts(const SourceCounts& counts) {
  std::string out = fmt::format("{} {}", counts.read, counts.queued);
  for (const auto& [rule, events] : counts.dropped) out += fmt::format("\n{} {}", events, rule);
  return out;
}

SourceCounts parse_counts(std::string_view text) {
  SourceCounts counts;
  counts.read = take_number(text);
  counts.queued = take_number(text);
  while (!text.empty()) {
    std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    uint64_t events = take_number(line);
    if (events > 0) counts.dropped[std::string(line)] += events;
  }
  return counts;
}

SourceCounts kept_counts(const contract::Queue& queue, std::string_view source) {
  std::map<std::string, std::string> places = queue.places();
  auto kept = places.find(counts_key(source));
  return kept == places.end() ? SourceCounts() : parse_counts(kept->second);
}

std::map<std::string, SourceCounts> all_kept_counts(const contract::Queue& queue) {
  std::map<std::string, SourceCounts> out;
  std::map<std::string, std::string> places = queue.places();
  for (auto it = places.lower_bound(std::string(kPrefix)); it != places.end() && it->first.starts_with(kPrefix); ++it) {
    out[it->first.substr(kPrefix.size())] = parse_counts(it->second);
  }
  return out;
}

}  // namespace clew::collect
