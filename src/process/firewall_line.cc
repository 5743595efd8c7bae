#include "process/firewall_line.h"

#include <algorithm>
#include <array>

namespace clew::process {
namespace {

struct Name {
  std::string_view key;
  std::string_view field;
};
constexpr std::array<Name, 14> kNames = {{{"IN", "observer.ingress.interface.name"},
                                          {"OUT", "observer.egress.interface.name"},
                                          {"MAC", "firewall.mac"},
                                          {"SRC", "source.address"},
                                          {"DST", "destination.address"},
                                          {"LEN", "network.bytes"},
                                          {"TOS", "firewall.tos"},
                                          {"TTL", "firewall.ttl"},
                                          {"ID", "firewall.id"},
                                          {"PROTO", "network.transport"},
                                          {"SPT", "source.port"},
                                          {"DPT", "destination.port"},
                                          {"WINDOW", "firewall.window"},
                                          {"TYPE", "firewall.icmp_type"}}};

}  // namespace

std::optional<FirewallLine> parse_firewall_line(std::string_view message) {
  size_t in = message.find("IN=");
  if (in == std::string_view::npos || (in > 0 && message[in - 1] != ' ' && message[in - 1] != ':')) return std::nullopt;
  if (message.find(" SRC=", in) == std::string_view::npos || message.find(" DST=", in) == std::string_view::npos) {
    return std::nullopt;
  }
  FirewallLine out;
  std::string_view prefix = message.substr(0, in);
  // The kernel's own clock stands before the rule's words.
  if (prefix.starts_with('[')) {
    size_t close = prefix.find("] ");
    bool clock = close != std::string_view::npos && prefix.find_first_not_of("0123456789. ", 1) == close;
    if (clock) prefix.remove_prefix(close + 2);
  }
  size_t begin = prefix.find_first_not_of(" [");
  size_t end = prefix.find_last_not_of(" ]:");
  if (begin != std::string_view::npos && end != std::string_view::npos && end >= begin) {
    out.action = prefix.substr(begin, end - begin + 1);
  }
  std::string_view rest = message.substr(in);
  while (!rest.empty()) {
    size_t blank = std::min(rest.find(' '), rest.size());
    std::string_view word = rest.substr(0, blank);
    rest.remove_prefix(std::min(blank + 1, rest.size()));
    size_t equals = word.find('=');
    if (equals == std::string_view::npos || equals + 1 == word.size()) continue;
    for (const Name& name : kNames) {
      if (name.key == word.substr(0, equals)) out.values.emplace_back(name.field, word.substr(equals + 1));
    }
  }
  return out;
}

}  // namespace clew::process
