#include "process/access_log.h"

#include <algorithm>

namespace clew::process {
namespace {

constexpr size_t kHeadBytesMax = 1024;  // before the time
constexpr size_t kTimeBytesMax = 64;

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool all_digits(std::string_view s) { return !s.empty() && std::all_of(s.begin(), s.end(), is_digit); }

std::string_view unless_dash(std::string_view s) { return s == "-" ? std::string_view() : s; }

// The word up to the next blank, which goes too.
std::string_view word(std::string_view& rest) {
  std::string_view w = rest.substr(0, rest.find(' '));
  rest.remove_prefix(std::min(rest.size(), w.size() + 1));
  return w;
}

// A text in quotes, in which a backslash protects the next character; the blank behind it goes too.
bool quoted_text(std::string_view& rest, std::string_view& out) {
  if (rest.empty() || rest[0] != '"') return false;
  size_t end = rest.find('"', 1);
  if (end == std::string_view::npos) return false;
  if (rest.substr(1, end - 1).find('\\') != std::string_view::npos) {  // rare: a quote may be the text's own
    end = 1;
    while (end < rest.size() && rest[end] != '"') end += rest[end] == '\\' ? 2 : 1;
    if (end >= rest.size()) return false;
  }
  out = rest.substr(1, end - 1);
  rest.remove_prefix(std::min(rest.size(), end + 2));
  return true;
}

void split_request(AccessLine& line) {
  size_t first = line.request.find(' ');
  size_t last = line.request.rfind(' ');
  if (first == std::string_view::npos) return;
  std::string_view method = line.request.substr(0, first);
  bool letters =
      !method.empty() && std::all_of(method.begin(), method.end(), [](char c) { return c >= 'A' && c <= 'Z'; });
  if (!letters) return;
  line.method = method;
  std::string_view tail = line.request.substr(last + 1);
  if (last > first && tail.substr(0, 5) == "HTTP/") {
    line.version = tail.substr(5);
    line.url = line.request.substr(first + 1, last - first - 1);
  } else {
    line.url = line.request.substr(first + 1);
  }
}

// True for an address that only a network of one's own has.
bool is_private(std::string_view address) {
  constexpr std::string_view kBegins[] = {"10.", "127.", "192.168.", "169.254.", "fc", "fd", "fe80:", "::1"};
  for (std::string_view begin : kBegins) {
    if (address.starts_with(begin)) return true;
  }
  // 172.16.0.0 to 172.31.255.255
  if (!address.starts_with("172.") || address.size() < 7 || address[6] != '.') return false;
  std::string_view second = address.substr(4, 2);
  return second >= "16" && second <= "31";
}

// The client. Proxies write `client, proxy, proxy` where X-Forwarded-For is logged: then the first address that is not
// of a private network, or else the first.
std::string_view first_client(std::string_view& head) {
  std::string_view client = word(head);
  if (!client.ends_with(',')) return client;
  client.remove_suffix(1);
  for (bool more = true; more;) {
    std::string_view next = word(head);
    more = next.ends_with(',');
    if (more) next.remove_suffix(1);
    if (is_private(client) && !next.empty() && !is_private(next)) client = next;
  }
  return client;
}

// client ident user, or those behind the virtual host.
bool split_head(std::string_view head, AccessLine& line) {
  line.client = first_client(head);
  auto words = static_cast<size_t>(std::count(head.begin(), head.end(), ' ')) + 2;
  if (words < 3) return false;
  std::string_view ident = word(head);
  if (ident != "-" && words > 3 && head.substr(0, 2) == "- ") {
    line.virtual_host = line.client;
    line.client = ident;
    (void)word(head);
  }
  line.user = unless_dash(head);
  return true;
}

}  // namespace

std::optional<AccessLine> parse_access_line(std::string_view text) {
  AccessLine line;
  // The time in brackets is the anchor.
  size_t bracket = text.substr(0, kHeadBytesMax).find(" [");
  if (bracket == std::string_view::npos || !split_head(text.substr(0, bracket), line)) return std::nullopt;
  std::string_view rest = text.substr(bracket + 2);
  size_t close = rest.substr(0, kTimeBytesMax).find("] ");
  if (close == std::string_view::npos) return std::nullopt;
  line.time = rest.substr(0, close);
  rest.remove_prefix(close + 2);
  if (!quoted_text(rest, line.request)) return std::nullopt;
  line.status = word(rest);
  line.bytes = unless_dash(word(rest));
  if (line.status.size() != 3 || !all_digits(line.status)) return std::nullopt;
  if (!line.bytes.empty() && !all_digits(line.bytes)) return std::nullopt;
  split_request(line);
  if (quoted_text(rest, line.referrer)) (void)quoted_text(rest, line.agent);
  line.referrer = unless_dash(line.referrer);
  line.agent = unless_dash(line.agent);
  return line;
}

}  // namespace clew::process
