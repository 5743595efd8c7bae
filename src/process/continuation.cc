#include "process/continuation.h"

#include <algorithm>
#include <array>

#include <re2/re2.h>

#include "process/mysql_slow.h"

namespace clew::process {
namespace {

bool is_blank(std::string_view line) { return line.find_first_not_of(" \t\r") == std::string_view::npos; }
bool is_indented(std::string_view line) { return !line.empty() && (line[0] == ' ' || line[0] == '\t'); }
bool is_word(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '$';
}

template <size_t N>
bool starts_with_any(std::string_view line, const std::array<std::string_view, N>& begins) {
  return std::any_of(begins.begin(), begins.end(), [&](std::string_view b) { return line.starts_with(b); });
}

// What stands in the first column within traces, and nowhere else.
constexpr std::array<std::string_view, 7> kTraceLines = {
    "Caused by: ", "Suppressed: ", "--- End of ", "---> ", "Stack trace:", "Traceback (most recent call last)", "... "};
constexpr std::array<std::string_view, 2> kPythonLinks = {"During handling of the above exception",
                                                          "The above exception was the direct cause"};
constexpr std::array<std::string_view, 6> kGoLines = {"goroutine ",  "created by ",    "[signal ",
                                                      "exit status", "runtime stack:", "panic: "};

// The class of an error and what follows it: java.io.IOException: text, ValueError, app.errors.Declined: text.
std::string_view class_name(std::string_view line) {
  size_t end = 0;
  while (end < line.size() && (is_word(line[end]) || line[end] == '.')) ++end;
  if (end == 0 || line[0] == '.' || line[end - 1] == '.' || (line[0] >= '0' && line[0] <= '9')) return {};
  if (end < line.size() && line[end] != ':' && line[end] != '\r') return {};
  return line.substr(0, end);
}

// A class with its package, of a kind that is thrown: the first line of a trace under the line that was logged.
bool is_thrown(std::string_view line) {
  std::string_view name = class_name(line);
  bool thrown = name.ends_with("Exception") || name.ends_with("Error") || name.ends_with("Throwable");
  return thrown && name.find('.') != std::string_view::npos;
}

// main.(*Server).handle(0xc000010000, {0x1, 0x2}), as between a goroutine's file names.
bool is_go_call(std::string_view line) {
  size_t open = line.find('(');
  size_t blank = line.find(' ');
  return open != std::string_view::npos && open > 0 && (blank == std::string_view::npos || blank > open) &&
         line.ends_with(')') && line.find('.') < open;
}

}  // namespace

Result<JoinRule> own_join_rule(JoinRule::How how, const std::string& regex) {
  re2::RE2::Options options;
  options.set_log_errors(false);
  auto compiled = std::make_shared<re2::RE2>(regex, options);
  if (!compiled->ok()) return Error(Code::kInvalid, quoted(regex) + " is no regular expression: " + compiled->error());
  return JoinRule{how, std::move(compiled)};
}

void Continuation::reset() { *this = Continuation(std::move(rule_)); }

// By the rule, whatever the limits.
bool Continuation::follows(std::string_view line) {
  switch (rule_.how) {
    case JoinRule::How::kNone: return false;
    case JoinRule::How::kTraces: return decide(line);
    case JoinRule::How::kBegins: return !re2::RE2::PartialMatch(line, *rule_.regex);
    case JoinRule::How::kContinues: return re2::RE2::PartialMatch(line, *rule_.regex);
    case JoinRule::How::kQuotes: return open_quotes_;
    // What stands above the first entry, as the server's version, belongs to it.
    case JoinRule::How::kSlowQueries:
      return head_ || !begins_slow_query(line, after_time_ ? std::string_view("# Time:") : std::string_view());
  }
  return false;
}

bool Continuation::continues(std::string_view line) {
  bool full = lines_ >= kEventLinesMax || bytes_ >= kEventBytesMax;
  bool goes_on = any_ && !full && follows(line);
  if (!goes_on) {
    in_ = line.starts_with("panic: ") || line.starts_with("fatal error: ") ? In::kGo
          : line.starts_with("Traceback (most recent call last)")          ? In::kPython
                                                                           : In::kEvent;
    indented_event_ = !full && is_indented(line);
    lines_ = 0;
    bytes_ = 0;
  }
  if (rule_.how == JoinRule::How::kQuotes) {
    if (!goes_on) open_quotes_ = false;
    if (std::count(line.begin(), line.end(), '"') % 2 != 0) open_quotes_ = !open_quotes_;
  }
  if (rule_.how == JoinRule::How::kSlowQueries) {
    after_time_ = line.starts_with("# Time:") && line.find("# User@Host:") == std::string_view::npos;
    bool header = line.find(", Version: ") != std::string_view::npos;
    if (!goes_on) head_ = header;
    if (line.starts_with("# ")) head_ = false;
  }
  any_ = true;
  blank_ = is_blank(line);
  ++lines_;
  bytes_ += line.size() + 1;
  return goes_on;
}

bool Continuation::decide(std::string_view line) {
  // Most lines begin with their time, and no line of a trace with a digit.
  bool digit = !line.empty() && line[0] >= '0' && line[0] <= '9';
  if (digit && (in_ == In::kEvent || in_ == In::kTrace)) return false;
  if (is_blank(line)) return in_ == In::kGo || in_ == In::kPythonEnd;
  if (is_indented(line)) {
    if (indented_event_) return false;
    if (in_ == In::kEvent) in_ = In::kTrace;
    return true;
  }
  if (line.starts_with("Traceback (most recent call last)")) {
    in_ = In::kPython;
    return true;
  }
  if (in_ == In::kPython || in_ == In::kPythonEnd) return python(line);
  if (line.starts_with("goroutine ") && line.find(" [") != std::string_view::npos) {
    in_ = In::kGo;
    return true;
  }
  if (in_ == In::kGo) return starts_with_any(line, kGoLines) || is_go_call(line);
  if (starts_with_any(line, kTraceLines)) {
    in_ = In::kTrace;
    return true;
  }
  return is_thrown(line) && !blank_;
}

// The last line of a trace names the error; others may follow that led to it.
bool Continuation::python(std::string_view line) {
  if (starts_with_any(line, kPythonLinks)) return true;
  if (in_ == In::kPythonEnd || class_name(line).empty()) return false;
  in_ = In::kPythonEnd;
  return true;
}

}  // namespace clew::process
