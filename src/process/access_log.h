// Common and combined log format, as Apache, nginx and their relatives write it.
#pragma once

#include <optional>
#include <string_view>

namespace clew::process {

// Views into the line; empty where the log has `-` or nothing.
struct AccessLine {
  std::string_view virtual_host;
  std::string_view client;
  std::string_view user;
  std::string_view time;                  // between the brackets
  std::string_view request;               // between the quotes
  std::string_view method, url, version;  // of a well-formed request
  std::string_view status;
  std::string_view bytes;
  std::string_view referrer;
  std::string_view agent;
};

std::optional<AccessLine> parse_access_line(std::string_view line);

}  // namespace clew::process
