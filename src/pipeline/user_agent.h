// What a browser, bot or library says of itself in User-Agent.
#pragma once

#include <string>
#include <string_view>

namespace clew::pipeline {

// Empty where it says nothing.
struct UserAgent {
  std::string_view name;  // Chrome, Firefox, Googlebot, curl; "Other"
  std::string_view version;
  std::string_view os_name;  // Windows, Mac OS X, iOS, Android, Linux ...
  std::string os_version;
  std::string_view device;  // iPhone, Mac, Spider, an Android phone's model
};

// Views into `text` or into constants.
UserAgent parse_user_agent(std::string_view text);

}  // namespace clew::pipeline
