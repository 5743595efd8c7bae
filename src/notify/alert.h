// An alert as the dispatcher keeps it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/ids.h"
#include "base/result.h"
#include "contract/alert_sink.h"
#include "notify/labels.h"

namespace clew::notify {

struct StoredAlert {
  contract::Alert alert;  // starts_at and ends_at are set
  uint64_t fingerprint = 0;
  UnixNanos updated_at;    // of the last post
  bool timed_out = false;  // ends_at is the resolve timeout, not what the sender said

  bool resolved_at(UnixNanos now) const { return alert.ends_at <= now; }
};

// Why alerts do not reach anybody now.
struct Muting {
  std::vector<std::string> silenced_by;   // ids of silences
  std::vector<std::string> inhibited_by;  // fingerprints of alerts
  bool any() const { return !silenced_by.empty() || !inhibited_by.empty(); }
};

// What a post of an alert that is there already makes of the two; as Alertmanager merges them.
StoredAlert merged(const StoredAlert& older, const StoredAlert& younger, UnixNanos now);

// Fills in times that are not set and takes empty labels out; the reason where it cannot be an alert.
Result<StoredAlert> accepted(const contract::Alert& posted, UnixNanos now, uint64_t resolve_timeout_ns);

// Of the inhibit rules: alerts that are in `all` and hold mute others.
struct InhibitRule;
std::vector<std::string> inhibitors_of(const std::vector<InhibitRule>& rules, const Labels& labels,
                                       const std::map<uint64_t, StoredAlert>& all, UnixNanos now);

}  // namespace clew::notify
