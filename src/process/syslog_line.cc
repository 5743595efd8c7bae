#include "process/syslog_line.h"

#include <algorithm>

namespace clew::process {
namespace {

constexpr int kPriorityMax = 191;
constexpr size_t kHostBytesMax = 255;
constexpr size_t kTagBytesMax = 128;

bool is_digit(char c) { return c >= '0' && c <= '9'; }

std::string_view unless_dash(std::string_view s) { return s == "-" ? std::string_view() : s; }

bool is_name(std::string_view s, std::string_view extra) {
  auto good = [&](char c) {
    char l = static_cast<char>(c | 0x20);
    return (l >= 'a' && l <= 'z') || is_digit(c) || extra.find(c) != std::string_view::npos;
  };
  return !s.empty() && std::all_of(s.begin(), s.end(), good);
}

// <PRI> at the start; gives -1 and takes nothing when there is none.
int take_priority(std::string_view& rest) {
  if (rest.size() < 3 || rest[0] != '<') return -1;
  int value = 0;
  size_t at = 1;
  while (at < rest.size() && at < 4 && is_digit(rest[at])) value = value * 10 + (rest[at++] - '0');
  if (at == 1 || at >= rest.size() || rest[at] != '>' || value > kPriorityMax) return -1;
  rest.remove_prefix(at + 1);
  return value;
}

bool take_word(std::string_view& rest, std::string_view& out) {
  out = rest.substr(0, rest.find(' '));
  if (out.empty()) return false;
  rest.remove_prefix(std::min(rest.size(), out.size() + 1));
  return true;
}

// [id name="value" ...]; moves `rest` behind it.
bool take_element(std::string_view& rest, std::vector<SyslogParameter>& out) {
  size_t at = 1;
  while (at < rest.size() && rest[at] != ' ' && rest[at] != ']') ++at;
  std::string_view id = rest.substr(1, at - 1);
  size_t before = out.size();
  while (at < rest.size() && rest[at] == ' ') {
    size_t name = ++at;
    while (at < rest.size() && rest[at] != '=' && rest[at] != ']') ++at;
    if (at + 1 >= rest.size() || rest[at] != '=' || rest[at + 1] != '"') return false;
    size_t value = at + 2;
    at = value;
    while (at < rest.size() && rest[at] != '"') at += rest[at] == '\\' ? 2 : 1;
    if (at >= rest.size()) return false;
    if (out.size() < kParametersMax) {
      out.push_back({id, rest.substr(name, value - 2 - name), rest.substr(value, at - value)});
    }
    ++at;
  }
  if (at >= rest.size() || rest[at] != ']') return false;
  if (out.size() == before && before < kParametersMax) out.push_back({id, {}, {}});
  rest.remove_prefix(at + 1);
  return true;
}

bool take_elements(std::string_view& rest, std::vector<SyslogParameter>& out) {
  if (rest.substr(0, 1) == "-") {
    rest.remove_prefix(1);
    return true;
  }
  if (rest.empty() || rest[0] != '[') return false;
  while (!rest.empty() && rest[0] == '[') {
    if (!take_element(rest, out)) return false;
  }
  return true;
}

// RFC 5424 after "<PRI>1 ".
bool parse_5424(std::string_view rest, SyslogLine& out, text::TimeReader& times, const text::TimeContext& context) {
  std::string_view time;
  if (!take_word(rest, time) || !take_word(rest, out.host) || !take_word(rest, out.program)) return false;
  if (!take_word(rest, out.pid) || !take_word(rest, out.message_id)) return false;
  if (time != "-") {
    out.time = times.parse(time, context);
    if (!out.time) return false;
  }
  if (!take_elements(rest, out.parameters)) return false;
  out.host = unless_dash(out.host);
  out.program = unless_dash(out.program);
  out.pid = unless_dash(out.pid);
  out.message_id = unless_dash(out.message_id);
  if (!rest.empty() && rest[0] == ' ') rest.remove_prefix(1);
  if (rest.substr(0, 3) == "\xef\xbb\xbf") rest.remove_prefix(3);
  out.message = rest;
  return true;
}

// program[pid]: message
bool take_tag(std::string_view& rest, SyslogLine& out) {
  size_t end = 0;
  while (end < rest.size() && end < kTagBytesMax && rest[end] != ':' && rest[end] != '[' && rest[end] != ' ') ++end;
  if (end == 0 || end >= rest.size() || end == kTagBytesMax) return false;
  std::string_view program = rest.substr(0, end);
  if (!is_name(program, "_-./@()")) return false;
  std::string_view pid;
  size_t at = end;
  if (rest[at] == '[') {
    size_t close = rest.find(']', at);
    if (close == std::string_view::npos || close - at > kTagBytesMax) return false;
    pid = rest.substr(at + 1, close - at - 1);
    at = close + 1;
  }
  if (at >= rest.size() || rest[at] != ':') return false;
  out.program = program;
  out.pid = pid;
  rest.remove_prefix(at + 1);
  if (!rest.empty() && rest[0] == ' ') rest.remove_prefix(1);
  return true;
}

// The version after the priority: 1 to 999 and a blank.
bool take_version(std::string_view& rest) {
  size_t at = 0;
  while (at < rest.size() && at < 3 && is_digit(rest[at])) ++at;
  if (at == 0 || rest[0] == '0' || at >= rest.size() || rest[at] != ' ') return false;
  rest.remove_prefix(at + 1);
  return true;
}

// [TIME] [HOST] [TAG:] MESSAGE after a priority; true when the time was there.
bool read_loosely(std::string_view rest, SyslogHost host, SyslogLine& out, text::TimeReader& times,
                  const text::TimeContext& context) {
  size_t used = 0;
  out.time = times.parse_prefix(rest, context, used);
  bool timed = out.time && (used == rest.size() || rest[used] == ' ' || rest[used] == ':');
  if (timed) {
    rest.remove_prefix(used);
    while (!rest.empty() && (rest[0] == ' ' || rest[0] == ':')) rest.remove_prefix(1);
  } else {
    out.time.reset();
  }
  std::string_view after = rest;
  std::string_view name;
  bool may_be_host = timed && host == SyslogHost::kNamed && take_word(after, name) && name.back() != ':' &&
                     name.size() <= kHostBytesMax && is_name(name, "._-:%/");
  if (may_be_host) {
    out.host = name;
    rest = after;
  }
  (void)take_tag(rest, out);
  out.message = rest;
  return timed;
}

// TIME HOST TAG: MESSAGE; without a priority the tag must be there, else any line with a time would be syslog.
bool parse_3164(std::string_view rest, SyslogLine& out, text::TimeReader& times, const text::TimeContext& context) {
  size_t used = 0;
  out.time = times.parse_prefix(rest, context, used);
  if (!out.time || used >= rest.size() || rest[used] != ' ') return false;
  // Of the layouts that begin with a digit only RFC 3339 is written by syslog daemons.
  if (is_digit(rest[0]) && (used < 19 || rest[10] != 'T')) return false;
  rest.remove_prefix(used + 1);
  std::string_view host;
  if (!take_word(rest, host) || host.size() > kHostBytesMax || !is_name(host, "._-:%/")) return false;
  bool tag = take_tag(rest, out);
  if (!tag && (out.priority < 0 || host.back() == ':')) return false;
  out.host = host;
  out.message = rest;
  return true;
}

}  // namespace

std::optional<SyslogLine> parse_syslog_line(std::string_view line, text::TimeReader& times,
                                            const text::TimeContext& context) {
  SyslogLine out;
  while (!line.empty() && line[0] == ' ') line.remove_prefix(1);
  out.priority = take_priority(line);
  bool taken = out.priority >= 0 && line.substr(0, 2) == "1 " ? parse_5424(line.substr(2), out, times, context)
                                                              : parse_3164(line, out, times, context);
  if (!taken) return std::nullopt;
  return out;
}

bool read_syslog_message(std::string_view bytes, SyslogHost host, text::TimeReader& times,
                         const text::TimeContext& context, SyslogLine& out) {
  out.clear();
  std::string_view rest = bytes;
  int priority = take_priority(rest);
  if (priority < 0) {
    std::optional<SyslogLine> line = parse_syslog_line(bytes, times, context);
    if (line)
      out = *std::move(line);
    else
      out.message = bytes;
    return line.has_value();
  }
  out.priority = priority;
  std::string_view versioned = rest;
  bool named = take_version(versioned);
  if (named && parse_5424(versioned, out, times, context)) return true;
  out.clear();
  out.priority = priority;
  return read_loosely(rest, host, out, times, context) && !named;
}

std::string_view syslog_facility(int priority) {
  constexpr std::string_view kNames[] = {"kern",   "user",   "mail",   "daemon", "auth",     "syslog",
                                         "lpr",    "news",   "uucp",   "cron",   "authpriv", "ftp",
                                         "ntp",    "audit",  "alert",  "clock",  "local0",   "local1",
                                         "local2", "local3", "local4", "local5", "local6",   "local7"};
  return kNames[priority / 8];
}

std::string_view syslog_severity(int priority) {
  constexpr std::string_view kNames[] = {"emerg", "alert", "crit", "err", "warning", "notice", "info", "debug"};
  return kNames[priority % 8];
}

}  // namespace clew::process
