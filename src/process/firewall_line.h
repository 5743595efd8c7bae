// What iptables, nftables and ufw write into the kernel's log: `[UFW BLOCK] IN=eth0 OUT= SRC=1.2.3.4 DST=...
// PROTO=TCP`.
#pragma once

#include <optional>
#include <string_view>
#include <utility>
#include <vector>

namespace clew::process {

// Views into the text.
struct FirewallLine {
  std::string_view action;                                            // of the rule's prefix: "UFW BLOCK", "DROP:"
  std::vector<std::pair<std::string_view, std::string_view>> values;  // field names of ours, and values
};

// Nothing when the message is no packet of a firewall. Cost: one search for most lines.
std::optional<FirewallLine> parse_firewall_line(std::string_view message);

}  // namespace clew::process
