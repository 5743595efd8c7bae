// `_id`s that clients gave lately, so that `create` finds an earlier one (DESIGN.md section 4a.1).
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/mutex.h"

namespace clew::logstore {

// Known by a 128-bit hash of tenant, dataset and id; the newest `ids_max`, none older than a day.
//
// Threads: all functions on any thread.
class CreatedIds {
 public:
  explicit CreatedIds(uint32_t ids_max) : ids_max_(ids_max) {}

  // True when the id was noted within a day before `now`; else notes it. For `create`.
  bool seen_or_note(const std::string& tenant, const std::string& dataset, std::string_view id, int64_t now);
  // Notes an id of `index`, and of data found at start.
  void note(const std::string& tenant, const std::string& dataset, std::string_view id, int64_t time);
  // Takes a note back: the write that carried it failed.
  void forget(const std::string& tenant, const std::string& dataset, std::string_view id);
  uint64_t ids_count() const;

 private:
  struct Hash128 {
    uint64_t a = 0;
    uint64_t b = 0;
    friend bool operator==(const Hash128&, const Hash128&) = default;
  };
  struct HashOf {
    size_t operator()(const Hash128& h) const { return h.a; }
  };
  static Hash128 hash_of(const std::string& tenant, const std::string& dataset, std::string_view id);
  void remember(const Hash128& hash, int64_t time) CLEW_REQUIRES(mutex_);

  const uint32_t ids_max_;
  mutable base::Mutex mutex_;
  std::unordered_map<Hash128, int64_t, HashOf> times_ CLEW_GUARDED_BY(mutex_);
  std::deque<Hash128> order_ CLEW_GUARDED_BY(mutex_);
};

}  // namespace clew::logstore
