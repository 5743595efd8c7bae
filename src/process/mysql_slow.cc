#include "process/mysql_slow.h"

#include <algorithm>

namespace clew::process {
namespace {

constexpr size_t kValuesMax = 100;

std::string_view trimmed(std::string_view s) {
  size_t begin = s.find_first_not_of(" \t\r\n");
  if (begin == std::string_view::npos) return {};
  return s.substr(begin, s.find_last_not_of(" \t\r\n") - begin + 1);
}

// user[user] @ host [address]  Id: 12
void read_user(std::string_view text, SlowQuery& out) {
  size_t bracket = text.find('[');
  size_t at = text.find(" @ ");
  if (at == std::string_view::npos) return;
  std::string_view name = trimmed(text.substr(0, std::min(bracket, at)));
  if (name.empty() && bracket < at) name = text.substr(bracket + 1, text.find(']', bracket) - bracket - 1);
  out.user = name;
  std::string_view rest = text.substr(at + 3);
  size_t open = rest.find('[');
  out.host = trimmed(rest.substr(0, open));
  if (open != std::string_view::npos) {
    size_t close = std::min(rest.find(']', open), rest.size());
    out.address = rest.substr(open + 1, close - open - 1);
  }
  if (size_t id = rest.find("Id:"); id != std::string_view::npos) out.id = trimmed(rest.substr(id + 3));
}

// Query_time: 2  Lock_time: 0  QC_Hit: No
void read_values(std::string_view text, SlowQuery& out) {
  while (out.values.size() < kValuesMax) {
    size_t colon = text.find(": ");
    if (colon == std::string_view::npos) return;
    std::string_view name = trimmed(text.substr(0, colon));
    if (name.empty() || name.find_first_of(" @'\"") != std::string_view::npos) return;
    text.remove_prefix(colon + 2);
    size_t end = std::min(text.find(' '), text.size());
    std::string_view value = trimmed(text.substr(0, end));
    if (name == "Schema") {
      out.schema = value;
    } else if (name == "Id" || name == "Thread_id") {
      out.id = value;
    } else if (!value.empty()) {
      out.values.emplace_back(name, value);
    }
    text.remove_prefix(end);
  }
}

}  // namespace

bool begins_slow_query(std::string_view line, std::string_view before) {
  if (line.starts_with("# Time:")) return true;
  return line.starts_with("# User@Host:") && !before.starts_with("# Time:");
}

std::optional<SlowQuery> parse_slow_query(std::string_view text) {
  SlowQuery out;
  bool any = false;
  std::string_view rest = text;
  while (!rest.empty()) {
    size_t end = std::min(rest.find('\n'), rest.size());
    std::string_view line = trimmed(rest.substr(0, end));
    if (line.starts_with("# Time:")) {
      std::string_view time = line.substr(7);
      // Some versions go on with the user on the same line.
      size_t user = time.find("# User@Host:");
      out.time = trimmed(time.substr(0, user));
      if (user != std::string_view::npos) read_user(time.substr(user + 12), out);
      any = true;
    } else if (line.starts_with("# User@Host:")) {
      read_user(line.substr(12), out);
      any = true;
    } else if (line.starts_with("# administrator command")) {
      out.statement = rest;
      break;
    } else if (line.starts_with("# ")) {
      size_t before = out.values.size();
      read_values(line.substr(2), out);
      any = any || out.values.size() > before;
    } else if (line.starts_with("use ") && out.statement.empty()) {
      out.schema = line.substr(4, line.find(';') - 4);
      bool quoted = out.schema.size() > 2 && out.schema.front() == '`' && out.schema.back() == '`';
      if (quoted) out.schema = out.schema.substr(1, out.schema.size() - 2);
    } else if (line.starts_with("SET timestamp=")) {
      size_t stop = line.find_first_not_of("0123456789", 14);
      out.timestamp = line.substr(14, stop - 14);
    } else if (any && !line.empty()) {
      out.statement = rest;
      break;
    }
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  out.statement = trimmed(out.statement);
  if (!any) return std::nullopt;
  return out;
}

}  // namespace clew::process
