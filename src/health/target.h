// Target: what the polls of one endpoint come to, as events.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/ids.h"

namespace clew::health {

// An event that says no more than "still well" comes after so many polls without another: where none comes, nobody
// polls any more.
constexpr uint32_t kBeatPolls = 30;

struct Poll {
  UnixNanos at;       // when it began
  int status = 0;     // of HTTP; 0: no answer
  std::string body;   // its begin
  std::string error;  // where there is no answer: why
  uint64_t nanos = 0;
};

struct Endpoint {
  std::string url;    // that is asked
  std::string check;  // what it is asked for: "live", "ready", or the last part of its path
};

// `http://127.0.0.1:8080` is asked at /health/live and /health/ready; a URL with a path as it is.
std::vector<Endpoint> endpoints_of(const std::string& url);

// Threads: one.
class Target {
 public:
  Target(std::string service, Endpoint endpoint) : service_(std::move(service)), endpoint_(std::move(endpoint)) {}

  // The poll's event as a JSON line: the first poll, each failed one, the first that is well again, and a beat after
  // kBeatPolls polls that were well. Else nothing.
  std::optional<std::string> take(const Poll& poll);

  const Endpoint& endpoint() const { return endpoint_; }

 private:
  struct Judged {
    bool ok = false;
    std::string failed;  // dependencies, joined
    std::string reason;  // what is wrong, for people
  };
  Judged judge(const Poll& poll) const;
  std::string sentence(const Poll& poll, const Judged& judged, std::string_view kind) const;
  std::string line(const Poll& poll, const Judged& judged, std::string_view kind) const;
  // "ready", "alive", "healthy".
  std::string_view state_word() const;

  const std::string service_;
  const Endpoint endpoint_;
  std::optional<bool> was_ok_;  // none before the first poll
  uint32_t quiet_polls_ = 0;    // since the last event
  uint32_t failed_polls_ = 0;   // in a row
  UnixNanos failed_since_;      // of the first of them
};

}  // namespace clew::health
