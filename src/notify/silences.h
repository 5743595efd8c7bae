// Silences: alerts that match are not told of from one moment to another, or within times that come again.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/ids.h"
#include "base/result.h"
#include "notify/matcher.h"
#include "notify/time_interval.h"
#include "os/clock.h"

namespace clew::notify {

constexpr size_t kSilencesMax = 10'000;
constexpr int64_t kSilenceKeptNanos = 120ll * 3600 * 1'000'000'000;  // after its end

enum class SilenceState : uint8_t { kPending, kActive, kExpired };
std::string_view silence_state_name(SilenceState state);

struct Silence {
  std::string id;  // a UUID
  Matchers matchers;
  UnixNanos starts_at;
  UnixNanos ends_at;
  UnixNanos updated_at;
  std::string created_by;
  std::string comment;
  // clew's own: the silence holds only within these, as time_intervals write them; empty: all the time. As JSON too.
  std::vector<TimeInterval> windows;
  std::string windows_json;

  SilenceState state(UnixNanos now) const;
  // Whether it mutes now: active, and within a window.
  bool holds(UnixNanos now) const {
    return state(now) == SilenceState::kActive && (windows.empty() || any_contains(windows, now));
  }
};

// Threads: one at a time.  Lifetime: rng outlives it.
class Silences {
 public:
  explicit Silences(os::Rng& rng) : rng_(rng) {}

  // Makes a silence, or changes the one with that id: one whose matchers or past would change is ended and a new one
  // made. Gives those that changed, the silence itself last.
  // Errors: kInvalid, kNotFound, kLimit.
  Result<std::vector<Silence>> set(Silence silence, UnixNanos now);
  // Ends it now.  Errors: kNotFound; kInvalid when it has ended.
  Result<Silence> expire(const std::string& id, UnixNanos now);
  // As it was stored.
  void restore(Silence silence) { all_[silence.id] = std::move(silence); }

  // Ids of those that mute now, in order.
  std::vector<std::string> muting(const Labels& labels, UnixNanos now) const;
  const Silence* find(const std::string& id) const;
  const std::map<std::string, Silence>& all() const { return all_; }
  // Removes what ended long ago; gives the ids.
  std::vector<std::string> collect(UnixNanos now);

 private:
  std::string new_id();

  os::Rng& rng_;
  std::map<std::string, Silence> all_;
};

}  // namespace clew::notify
