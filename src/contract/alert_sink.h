// AlertSink takes alerts from whatever decides that something is wrong, with the meaning of Alertmanager's
// POST /api/v2/alerts.
#pragma once

#include <map>
#include <span>
#include <string>

#include "base/ids.h"

namespace clew::contract {

// An alert is known by its labels: the same labels posted again are the same alert, whatever else has changed.
struct Alert {
  std::map<std::string, std::string> labels;  // at least one; empty values count as absent
  std::map<std::string, std::string> annotations;
  UnixNanos starts_at;  // 0: at the post
  // Until when it holds if nobody posts it again; one that lies in the past says that it is resolved. 0: the sink's
  // own time for those that say nothing (Alertmanager's global.resolve_timeout).
  UnixNanos ends_at;
  std::string generator_url;  // where it comes from, for people; may be empty
};

// Threads: post on any thread; it may block for one sync of the disk.
class AlertSink {
 public:
  virtual ~AlertSink() = default;
  // All that hold must be posted again before their ends_at, as Prometheus does each minute; what is not is resolved.
  // Alerts that cannot be taken (no labels, an end before the start) are left out, counted by the sink.
  virtual void post(std::span<const Alert> alerts) = 0;
};

}  // namespace clew::contract
