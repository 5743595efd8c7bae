// Syslog lines: RFC 5424, RFC 3164, and what syslog daemons write to files (without the priority, with either time).
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "text/time_format.h"

namespace clew::process {

constexpr size_t kParametersMax = 256;  // further ones are left out

struct SyslogParameter {
  std::string_view id;     // of the element
  std::string_view name;   // empty for an element without any
  std::string_view value;  // with its backslashes
};

// Views into the line; empty where it has `-` or nothing.
struct SyslogLine {
  int priority = -1;  // facility * 8 + severity
  std::optional<text::Time> time;
  std::string_view host, program, pid, message_id, message;
  std::vector<SyslogParameter> parameters;

  void clear() {
    priority = -1;
    time.reset();
    host = program = pid = message_id = message = {};
    parameters.clear();
  }
};

std::optional<SyslogLine> parse_syslog_line(std::string_view line, text::TimeReader& times,
                                            const text::TimeContext& context);

// Whether a message without a name may begin with the host that sent it; what programs write to a socket of their own
// machine does not.
enum class SyslogHost : uint8_t { kNamed, kNone };

// As parse_syslog_line for what a peer sends as syslog, which never fails: with a priority everything is a message, and
// of one that is neither RFC 5424 nor 3164 the parts are told apart as far as they can be. `out` keeps its memory.
// False when the message kept to neither.
bool read_syslog_message(std::string_view bytes, SyslogHost host, text::TimeReader& times,
                         const text::TimeContext& context, SyslogLine& out);

// kern ... local7.  Requires: a priority from 0 to 191.
std::string_view syslog_facility(int priority);
// emerg ... debug
std::string_view syslog_severity(int priority);

}  // namespace clew::process
