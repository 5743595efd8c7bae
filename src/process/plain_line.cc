#include "process/plain_line.h"

#include <algorithm>

#include "model/canonical.h"
#include "process/database_line.h"

namespace clew::process {
namespace {

constexpr size_t kTokensBeforeLevel = 5;  // how far the level may stand behind the time
constexpr size_t kLoggerBytesMax = 200;

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_upper(char c) { return c >= 'A' && c <= 'Z'; }
bool is_lower(char c) { return c >= 'a' && c <= 'z'; }
bool is_alpha(char c) { return is_upper(c) || is_lower(c); }
bool all_digits(std::string_view s) { return !s.empty() && std::all_of(s.begin(), s.end(), is_digit); }

// What stands between the parts of a line's head.
bool is_divider(char c) { return c == ' ' || c == '\t' || c == '-' || c == '|' || c == ':' || c == ',' || c == ';'; }

std::string_view skip_dividers(std::string_view s) {
  size_t n = 0;
  while (n < s.size() && is_divider(s[n])) ++n;
  return s.substr(n);
}

char closing(char open) {
  switch (open) {
    case '[': return ']';
    case '(': return ')';
    case '<': return '>';
    case '"': return '"';
    default: return '\0';
  }
}

// The time at the line's start, perhaps in brackets or quotes, and what follows it.
std::optional<text::Time> take_time(std::string_view& rest, text::TimeReader& times, const text::TimeContext& context) {
  std::string_view s = rest;
  while (!s.empty() && (s[0] == ' ' || s[0] == '\t')) s.remove_prefix(1);
  char close = s.empty() ? '\0' : closing(s[0]);
  if (close != '\0') s.remove_prefix(1);
  size_t used = 0;
  std::optional<text::Time> time = times.parse_prefix(s, context, used);
  if (!time) return std::nullopt;
  s.remove_prefix(used);
  if (close != '\0' && !s.empty() && s[0] == close) s.remove_prefix(1);
  rest = s;
  return time;
}

struct Token {
  std::string_view text;  // without brackets
  bool bracketed = false;
  char after = '\0';  // what follows it
  size_t bytes = 0;
};

std::string_view trimmed(std::string_view s) {
  while (!s.empty() && s.front() == ' ') s.remove_prefix(1);
  while (!s.empty() && s.back() == ' ') s.remove_suffix(1);
  return s;
}

// The word or bracketed group at the start.
Token first_token(std::string_view s) {
  Token t;
  char close = s.empty() || s[0] == '"' ? '\0' : closing(s[0]);
  size_t end = close == '\0' ? std::string_view::npos : s.find(close);
  if (end != std::string_view::npos) {
    t.text = trimmed(s.substr(1, end - 1));
    t.bracketed = true;
    t.bytes = end + 1;
  } else {
    t.bytes = std::min(s.size(), s.find_first_of(" \t:|],"));
    t.text = s.substr(0, t.bytes);
  }
  t.after = t.bytes < s.size() ? s[t.bytes] : '\0';
  return t;
}

// A level word: whole, in capitals, in brackets or followed by a divider. A lower-case word in prose is none unless it
// is the first thing after the time.
bool is_level(const Token& t, bool first, bool after_time) {
  if (t.text.size() < 3 && !(t.bracketed && t.text.size() == 1)) return false;
  if (!std::all_of(t.text.begin(), t.text.end(), [](char c) { return is_alpha(c) || is_digit(c); })) return false;
  if (is_digit(t.text[0]) || model::level_rank(t.text) == 0) return false;
  bool capitals = std::none_of(t.text.begin(), t.text.end(), is_lower);
  if (capitals || t.bracketed) return true;
  bool divided = t.after == ':' || t.after == '|';
  if (first && after_time) return divided || (is_lower(t.text[0]) && t.after == ' ');
  return divided && after_time;
}

bool is_logger_name(std::string_view s) {
  if (s.empty() || s.size() > kLoggerBytesMax || is_digit(s[0])) return false;
  return std::all_of(s.begin(), s.end(), [](char c) {
    return is_alpha(c) || is_digit(c) || c == '.' || c == '_' || c == '$' || c == '-' || c == '/';
  });
}

// Spring's `1234 --- [main] ` behind the level.
void take_spring(PlainLine& line, std::string_view& rest) {
  size_t dashes = rest.find(" --- [");
  if (dashes == std::string_view::npos || !all_digits(rest.substr(0, dashes))) return;
  Token thread = first_token(rest.substr(dashes + 5));
  if (!thread.bracketed) return;
  line.pid = rest.substr(0, dashes);
  line.thread = thread.text;
  rest = trimmed(rest.substr(dashes + 5 + thread.bytes));
}

// logback's and Spring's `logger - message`, `logger : message`; Python's LEVEL:logger:message.
void take_logger(PlainLine& line, bool python, std::string_view& rest) {
  size_t end = rest.find_first_of(" :");
  if (end == std::string_view::npos || !is_logger_name(rest.substr(0, end))) return;
  std::string_view name = rest.substr(0, end);
  std::string_view tail = rest.substr(end);
  if (python && tail[0] == ':' && name.find('/') == std::string_view::npos) {
    line.logger = name;
    rest = tail.substr(1);
    return;
  }
  size_t blanks = tail.find_first_not_of(' ');
  bool dotted = name.find('.') != std::string_view::npos;
  if (!dotted || blanks == std::string_view::npos || blanks == 0) return;
  // logback's own layout has `--` where an event has no pairs.
  size_t mark = tail.compare(blanks, 2, "--") == 0 ? 2 : 1;
  if ((tail[blanks] != '-' && tail[blanks] != ':') || blanks + mark >= tail.size() || tail[blanks + mark] != ' ')
    return;
  line.logger = name;
  rest = tail.substr(blanks + mark);
}

// What stands between the time and the level: a thread in brackets, a process number, a logger.
void take_context(PlainLine& line, const Token& t) {
  if (all_digits(t.text)) {
    if (line.pid.empty()) line.pid = t.text;
  } else if (t.bracketed) {
    if (line.thread.empty()) line.thread = t.text;
  } else if (line.logger.empty() && is_logger_name(t.text)) {
    line.logger = t.text;
  }
}

void take_level(PlainLine& line, std::string_view rest, bool after_time) {
  std::string_view s = skip_dividers(rest);
  line.message = s;
  PlainLine found = line;
  for (size_t n = 0; n < kTokensBeforeLevel && !s.empty(); ++n) {
    Token t = first_token(s);
    if (t.bytes == 0) return;
    std::string_view tail = s.substr(t.bytes);
    if (is_level(t, n == 0, after_time)) {
      bool python = !t.bracketed && t.after == ':' && tail.size() > 1 && tail[1] != ' ';
      found.level = t.text;
      tail = skip_dividers(tail);
      take_spring(found, tail);
      take_logger(found, python, tail);
      found.message = skip_dividers(tail);
      line = std::move(found);
      return;
    }
    if (!after_time) return;  // without a time only a level right at the start counts
    take_context(found, t);
    s = skip_dividers(tail);
  }
}

// glog: I1120 10:37:05.485123 1234 file.cc:12] message
bool take_glog(PlainLine& line, std::string_view text, std::string_view rest) {
  size_t at = text.find_first_not_of(" \t");
  if (at == std::string_view::npos || at + 1 >= text.size() || !is_upper(text[at]) || !is_digit(text[at + 1]))
    return false;
  line.level = text.substr(at, 1);
  size_t bracket = rest.find("] ");
  Token thread = first_token(skip_dividers(rest));
  if (all_digits(thread.text)) line.thread = thread.text;
  line.message = bracket == std::string_view::npos ? skip_dividers(rest) : rest.substr(bracket + 2);
  if (bracket == std::string_view::npos) return true;
  std::string_view place = rest.substr(0, bracket);
  place.remove_prefix(std::min(place.size(), place.find_last_of(" \t") + 1));
  size_t colon = place.rfind(':');
  if (colon == std::string_view::npos || colon == 0 || !all_digits(place.substr(colon + 1))) return true;
  line.file = place.substr(0, colon);
  line.file_line = place.substr(colon + 1);
  return true;
}

// glog with the year: I20261120 10:37:05.485123.
std::optional<text::Time> take_glog_date(std::string_view text, std::string_view& rest, text::TimeReader& times,
                                         const text::TimeContext& context) {
  constexpr size_t kDateBytes = 10;
  if (text.size() < kDateBytes || std::string_view("IWEF").find(text[0]) == std::string_view::npos) return std::nullopt;
  if (!all_digits(text.substr(1, 8)) || text[9] != ' ') return std::nullopt;
  size_t used = 0;
  std::optional<text::Time> time = times.parse_prefix(text.substr(1), context, used);
  if (time) rest = text.substr(1 + used);
  return time;
}

// Apache's error log: [core:error] [pid 35708:tid 4328636416] [client 1.2.3.4:80] message
bool take_apache(PlainLine& line, std::string_view rest) {
  rest = skip_dividers(rest);
  Token module = first_token(rest);
  size_t colon = module.text.find(':');
  if (!module.bracketed || colon == std::string_view::npos) return false;
  std::string_view level = module.text.substr(colon + 1);
  if (model::level_rank(level) == 0) return false;
  line.level = level;
  line.logger = module.text.substr(0, colon);
  rest = skip_dividers(rest.substr(module.bytes));
  for (Token next = first_token(rest); next.bracketed; next = first_token(rest)) {
    if (next.text.starts_with("pid ")) {
      std::string_view pid = next.text.substr(4);
      size_t thread = pid.find(":tid ");
      line.pid = pid.substr(0, thread);
      if (thread != std::string_view::npos) line.thread = pid.substr(thread + 5);
    } else if (next.text.starts_with("client ")) {
      line.pairs.emplace_back("client", next.text.substr(7));
    } else {
      break;
    }
    rest = skip_dividers(rest.substr(next.bytes));
  }
  line.message = rest;
  return true;
}

// nginx's error log: [error] 1234#1235: *5 open() failed, client: 10.0.0.9, server: shop
bool take_nginx(PlainLine& line, std::string_view rest) {
  rest = skip_dividers(rest);
  Token level = first_token(rest);
  if (!level.bracketed || model::level_rank(level.text) == 0) return false;
  std::string_view s = skip_dividers(rest.substr(level.bytes));
  size_t hash = s.find('#');
  size_t colon = s.find(": ");
  if (colon == std::string_view::npos || hash > colon) return false;
  if (!all_digits(s.substr(0, hash)) || !all_digits(s.substr(hash + 1, colon - hash - 1))) return false;
  line.level = level.text;
  line.pid = s.substr(0, hash);
  line.thread = s.substr(hash + 1, colon - hash - 1);
  line.message = s.substr(colon + 2);
  constexpr std::string_view kClient = ", client: ";
  size_t client = line.message.find(kClient);
  if (client == std::string_view::npos) return true;
  std::string_view address = line.message.substr(client + kClient.size());
  line.pairs.emplace_back("client", address.substr(0, address.find(',')));
  return true;
}

// A time of day alone, as logback writes it where nobody configured it: 10:37:05.123. Says how long it is; 0: there is
// none.
size_t clock_bytes(std::string_view text) {
  constexpr std::string_view kForm = "00:00:00";
  if (text.size() <= kForm.size()) return 0;
  for (size_t i = 0; i < kForm.size(); ++i) {
    if (kForm[i] == ':' ? text[i] != ':' : !is_digit(text[i])) return 0;
  }
  size_t n = kForm.size();
  if (text[n] == '.' || text[n] == ',') {
    ++n;
    while (n < text.size() && is_digit(text[n])) ++n;
  }
  return n < text.size() && text[n] == ' ' ? n : 0;
}

}  // namespace

PlainLine parse_plain_line(std::string_view text, text::TimeReader& times, const text::TimeContext& context) {
  PlainLine line;
  std::string_view rest = text;
  line.time = take_time(rest, times, context);
  if (!line.time) line.time = take_glog_date(text, rest, times, context);
  if (!line.time) {
    size_t clock = clock_bytes(text);
    if (clock > 0) take_level(line, text.substr(clock), true);
    if (!line.level.empty()) return line;
    line = PlainLine();
    take_level(line, text, false);
    line.message = {};
    return line;
  }
  if (take_glog(line, text, rest) || take_apache(line, rest) || take_nginx(line, rest)) return line;
  if (take_database(line, rest)) return line;
  take_level(line, rest, true);
  return line;
}

}  // namespace clew::process
