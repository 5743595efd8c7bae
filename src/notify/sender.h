// Sender: one notification goes out by one channel.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "notify/alert.h"
#include "notify/config.h"

namespace clew::notify {

struct NotifiedAlert {
  contract::Alert alert;  // ends_at is 0 while it holds
  uint64_t fingerprint = 0;
  bool firing() const { return alert.ends_at.get() == 0; }
};

enum class Occasion : uint8_t {
  kAlerts,        // what holds and what is resolved
  kAcknowledged,  // somebody takes care
};

struct Notification {
  Occasion occasion = Occasion::kAlerts;
  std::string receiver;
  std::string group_key;
  Labels group_labels;
  std::vector<NotifiedAlert> alerts;          // at least one, in the order of before_in_notification
  std::string external_url;                   // of this clew, for links
  std::string by;                             // who acknowledged
  std::map<std::string, std::string> memory;  // what the channel's last outcome remembered of this group
  uint32_t timeout_ms = 0;
  std::function<bool()> go_on =
      nullptr;  // asked about once a second while nothing comes; false ends the try. null: goes on

  bool firing() const;
  std::vector<const NotifiedAlert*> that(bool firing) const;
};

struct Outcome {
  bool ok = false;
  bool retry = false;                         // it may go better a second time
  int status = 0;                             // of HTTP; 0: no answer
  std::string error;                          // holds no secret
  std::map<std::string, std::string> memory;  // for the next notification of the group
};

// Threads: one at a time.
class Sender {
 public:
  virtual ~Sender() = default;
  // Blocks until the other side has answered or timeout_ms are over.
  virtual Outcome send(const Channel& channel, const Notification& notification) = 0;
  // GET of a heartbeat's URL.
  virtual Outcome beat(const std::string& url, uint32_t timeout_ms) = 0;
};

}  // namespace clew::notify
