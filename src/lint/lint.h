// Lint: which rules of a good log format the lines of files break, and how many of them.
//
// Rules of an event (a line that goes on with the one before, as those of a stack trace do, begins none) look at what
// the parser of process/ finds in it; rules of a line look at its bytes.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.h"
#include "process/line_parser.h"
#include "process/redact.h"
#include "text/time_format.h"

namespace clew::lint {

enum class Rule : uint8_t {
  kTime,
  kYear,
  kZone,
  kPrecision,
  kLevel,
  kId,
  kContext,
  kPrint,
  kFormat,
  kMultiLine,
  kBinary,
  kBlob,
  kColor,
  kLong,
  kSecret,
  kTemplate,
};
constexpr size_t kRules = 16;

struct RuleInfo {
  Rule rule;
  std::string_view name;
  double limit_percent;  // of its lines that may break it, where nobody says otherwise
  std::string_view broken_by;
  std::string_view instead;  // what to write
};
// In the order of the enum.
std::span<const RuleInfo> rules();
const RuleInfo& info_of(Rule rule);
// Null where there is none of that name.
const RuleInfo* rule_by_name(std::string_view name);

// The log format that the rules ask for, as JSON Schema (2020-12) of one line.
std::string_view format_schema();

constexpr size_t kLongLineBytes = 16 << 10;
constexpr size_t kBlobBytesMin = 1 << 10;     // of base64 or hex in one piece
constexpr uint64_t kTemplateEventsMin = 100;  // of fewer events any template is a large share
constexpr size_t kTemplatesMax = 20'000;      // counted at a time; a count may be too low by events / kTemplatesMax
constexpr size_t kExamplesMax = 3;            // of a rule
constexpr size_t kExampleBytesMax = 200;
constexpr size_t kPlacesMax = 1'000;  // file and service, of a rule; what breaks it elsewhere counts in total only

struct Example {
  std::string file;
  uint64_t line = 0;  // from 1
  std::string text;   // its begin, without secrets
};

struct Place {
  std::string file;
  std::string service;  // empty where events do not say it
  uint64_t broken = 0;
};

struct RuleResult {
  uint64_t broken = 0;
  uint64_t of = 0;  // events, or lines
  std::vector<Example> examples;
  std::vector<Place> places;  // most first

  double percent() const { return of == 0 ? 0 : 100.0 * static_cast<double>(broken) / static_cast<double>(of); }
};

struct TemplateCount {
  std::string text;  // a message without its variables
  uint64_t events = 0;
  Example example;
};

struct Report {
  uint64_t files = 0;
  uint64_t lines = 0;  // that are not blank; of a file of JSON objects over several lines, the objects
  uint64_t events = 0;
  uint64_t bytes = 0;
  std::array<RuleResult, kRules> rules;
  std::vector<TemplateCount> templates;        // the most frequent, most first, at most ten
  std::map<std::string, uint64_t> secrets;     // lines by rule of redaction
  std::map<std::string, std::string> formats;  // of files

  const RuleResult& of(Rule rule) const { return rules[static_cast<size_t>(rule)]; }
};

struct LintOptions {
  std::optional<process::Format> format;  // none: detected from each file's first bytes
  text::Zone zone;
};

// Of kTemplate `of` counts the events with a message, `broken` is how often the most frequent template came, and 0 of
// fewer than kTemplateEventsMin events.
//
// Threads: one.
class Linter {
 public:
  // `now` stands for the time of events before any that has one.
  Linter(LintOptions options, std::shared_ptr<const process::Redactor> redactor, UnixNanos now);
  ~Linter();

  void begin_file(std::string name);
  void feed(std::string_view bytes);
  // The last line needs no newline.
  void end_file();

  Report report() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace clew::lint
