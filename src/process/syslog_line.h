// Syslog lines: RFC 5424, RFC 3164, and what syslog daemons write to files (without the priority, with either time).
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "text/time_format.h"

namespace clew::process {

struct SyslogParameter {
  std::string_view id;  // of the element
  std::string_view name;
  std::string_view value;  // with its backslashes
};

// Views into the line; empty where it has `-` or nothing.
struct SyslogLine {
  int priority = -1;  // facility * 8 + severity
  std::optional<text::Time> time;
  std::string_view host, program, pid, message_id, message;
  std::vector<SyslogParameter> parameters;
};

std::optional<SyslogLine> parse_syslog_line(std::string_view line, text::TimeReader& times,
                                            const text::TimeContext& context);

// kern ... local7.  Requires: a priority from 0 to 191.
std::string_view syslog_facility(int priority);
// emerg ... debug
std::string_view syslog_severity(int priority);

}  // namespace clew::process
