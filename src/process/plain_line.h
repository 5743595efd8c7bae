// Prose lines: finds the time, the level and a few more things that programs put before the text.
#pragma once

#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "text/time_format.h"

namespace clew::process {

// Views into the line.
struct PlainLine {
  std::optional<text::Time> time;
  std::string_view level;
  std::string_view logger;
  std::string_view thread;
  std::string_view pid;
  std::string_view file;                                             // of the source that wrote the line
  std::string_view file_line;                                        // digits
  std::string_view message;                                          // empty: the whole line is the message
  bool database = false;                                             // PostgreSQL's or MySQL's layout
  std::string_view duration_ms;                                      // of a statement, a number
  std::string_view db_thread;                                        // MySQL's number of a connection
  std::string_view code;                                             // MySQL's MY-010453
  std::string_view subsystem;                                        // MySQL's Server, InnoDB, Repl
  std::vector<std::pair<std::string_view, std::string_view>> pairs;  // of PostgreSQL's prefix
};

PlainLine parse_plain_line(std::string_view line, text::TimeReader& times, const text::TimeContext& context);

}  // namespace clew::process
