#include "process/database_line.h"

#include <algorithm>

namespace clew::process {
namespace {

constexpr size_t kPostgresPrefixMax = 1024;  // bytes before PostgreSQL's severity
constexpr size_t kCommandBytesMax = 20;      // of MySQL's general log: Query, Init DB, Close stmt

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_upper(char c) { return c >= 'A' && c <= 'Z'; }
bool is_alpha(char c) { return is_upper(c) || (c >= 'a' && c <= 'z'); }
bool all_digits(std::string_view s) { return !s.empty() && std::all_of(s.begin(), s.end(), is_digit); }

std::string_view without_blanks(std::string_view s) {
  s.remove_prefix(std::min(s.size(), s.find_first_not_of(" \t")));
  return s;
}

// The number at the start, which is taken away with the blanks behind it.
std::string_view take_number(std::string_view& s) {
  size_t n = 0;
  while (n < s.size() && is_digit(s[n])) ++n;
  std::string_view number = s.substr(0, n);
  if (n == 0 || n == s.size() || (s[n] != ' ' && s[n] != '\t')) return {};
  s = without_blanks(s.substr(n));
  return number;
}

// The text between brackets at the start, which are taken away with the blank behind them.
std::string_view take_bracketed(std::string_view& s) {
  size_t end = s.find("] ");
  if (s.empty() || s[0] != '[' || end == std::string_view::npos) return {};
  std::string_view inside = s.substr(1, end - 1);
  s.remove_prefix(end + 2);
  return inside;
}

// [4242] and [4242-7]: a process, and its seventh line.
std::string_view pid_of(std::string_view prefix) {
  size_t open = prefix.find('[');
  size_t close = open == std::string_view::npos ? open : prefix.find(']', open);
  if (close == std::string_view::npos) return {};
  std::string_view inside = prefix.substr(open + 1, close - open - 1);
  size_t dash = inside.find('-');
  std::string_view pid = inside.substr(0, dash);
  bool whole = dash == std::string_view::npos || all_digits(inside.substr(dash + 1));
  return whole && all_digits(pid) ? pid : std::string_view();
}

void take_pairs(PlainLine& line, std::string_view prefix) {
  for (size_t equals = prefix.find('='); equals != std::string_view::npos; equals = prefix.find('=', equals + 1)) {
    size_t key = equals;
    while (key > 0 && (is_alpha(prefix[key - 1]) || prefix[key - 1] == '_')) --key;
    size_t end = std::min(prefix.size(), prefix.find_first_of(", ", equals));
    if (key == equals || end == equals + 1) continue;
    line.pairs.emplace_back(prefix.substr(key, equals - key), prefix.substr(equals + 1, end - equals - 1));
  }
}

// user@database, as %u@%d writes it.
void take_user_at_database(PlainLine& line, std::string_view prefix) {
  size_t at = prefix.find('@');
  if (at == std::string_view::npos || prefix.find('=') != std::string_view::npos) return;
  size_t begin = prefix.find_last_of(" :,", at);
  begin = begin == std::string_view::npos ? 0 : begin + 1;
  size_t end = std::min(prefix.size(), prefix.find_first_of(" :,", at));
  if (begin == at || end == at + 1) return;
  line.pairs.emplace_back("user", prefix.substr(begin, at - begin));
  line.pairs.emplace_back("db", prefix.substr(at + 1, end - at - 1));
}

// The line's message from the severity on, when one stands there.
bool take_postgres(PlainLine& line, std::string_view rest) {
  constexpr std::string_view kSeverities[] = {"LOG",    "ERROR",  "FATAL",   "PANIC",     "WARNING", "NOTICE", "INFO",
                                              "DETAIL", "HINT",   "CONTEXT", "STATEMENT", "QUERY",   "DEBUG",  "DEBUG1",
                                              "DEBUG2", "DEBUG3", "DEBUG4",  "DEBUG5",    "LOCATION"};
  std::string_view head = rest.substr(0, kPostgresPrefixMax);
  for (size_t colon = head.find(":  "); colon != std::string_view::npos; colon = head.find(":  ", colon + 1)) {
    size_t begin = colon;
    while (begin > 0 && (is_upper(head[begin - 1]) || is_digit(head[begin - 1]))) --begin;
    std::string_view word = head.substr(begin, colon - begin);
    if (std::find(std::begin(kSeverities), std::end(kSeverities), word) == std::end(kSeverities)) continue;
    if (begin > 0 && head[begin - 1] != ' ' && head[begin - 1] != ':') continue;
    line.level = word;
    line.message = rest.substr(colon + 3);
    std::string_view prefix = head.substr(0, begin);
    line.pid = pid_of(prefix);
    take_pairs(line, prefix);
    take_user_at_database(line, prefix);
    line.duration_ms = statement_duration(line.message);
    return true;
  }
  return false;
}

// MySQL's and MariaDB's error log. Other programs put a process number and a level there too: what they would write as
// well needs a code behind it, or connection 0, which is no process.
bool take_mysql(PlainLine& line, std::string_view rest) {
  std::string_view s = without_blanks(rest);
  std::string_view thread = take_number(s);
  std::string_view level = take_bracketed(s);
  if (level != "Note" && level != "System" && level != "Warning" && level != "ERROR") return false;
  bool coded = s.starts_with("[MY-");
  bool own_word = level == "Note" || level == "System" || (level == "Warning" && !thread.empty());
  if (!coded && !own_word && thread != "0") return false;
  line.db_thread = thread;
  line.level = level == "System" ? "info" : level;  // System: starts and stops, told whatever the verbosity
  if (coded) {
    line.code = take_bracketed(s);
    line.subsystem = take_bracketed(s);
  }
  line.message = s;
  return true;
}

// The general query log: a connection's number, a command, a tab.
bool take_mysql_command(PlainLine& line, std::string_view rest) {
  if (rest.empty() || rest[0] != '\t') return false;
  std::string_view s = without_blanks(rest);
  std::string_view thread = take_number(s);
  size_t tab = s.substr(0, kCommandBytesMax).find('\t');
  if (thread.empty() || tab == std::string_view::npos || tab == 0) return false;
  if (!std::all_of(s.begin(), s.begin() + tab, [](char c) { return is_alpha(c) || c == ' '; })) return false;
  line.db_thread = thread;
  line.message = s;
  return true;
}

}  // namespace

std::string_view statement_duration(std::string_view message) {
  constexpr std::string_view kBegin = "duration: ";
  if (!message.starts_with(kBegin)) return {};
  message.remove_prefix(kBegin.size());
  size_t n = 0;
  while (n < message.size() && (is_digit(message[n]) || (message[n] == '.' && n > 0))) ++n;
  return n > 0 && message[n - 1] != '.' && message.substr(n).starts_with(" ms") ? message.substr(0, n)
                                                                                : std::string_view();
}

bool take_database(PlainLine& line, std::string_view rest) {
  line.database = take_postgres(line, rest) || take_mysql(line, rest) || take_mysql_command(line, rest);
  return line.database;
}

}  // namespace clew::process
