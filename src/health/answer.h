// What a health endpoint's answer says: well or not, and which of the things it depends on is not.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace clew::health {

constexpr size_t kBodyBytesMax = 256 << 10;  // that is looked at
constexpr size_t kFailedMax = 20;            // dependencies that are named

struct Answer {
  bool says_down = false;           // the body itself, whatever the status
  std::vector<std::string> failed;  // dependencies, by their names; those of others as `db.primary`
};

// Reads JSON as Spring Boot's actuator (`components`), MicroProfile (`checks`), ASP.NET (`results`, `entries`), NestJS'
// terminus (`error`), health+json and clew ({"disk":false}) write it; Kubernetes' verbose text ([-]etcd failed); and a
// single word, as ASP.NET's Unhealthy. Of a text that it does not know nothing is said.
Answer read_answer(std::string_view body);

}  // namespace clew::health
