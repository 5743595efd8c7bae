// RecentIds remembers what was seen lately, so that what is sent twice is counted once.
#pragma once

#include <absl/container/flat_hash_set.h>

#include <cstdint>
#include <utility>

namespace clew::derive {

// Remembers at least the last `least` different hashes and at most twice as many.
//
// Threads: one at a time.
class RecentIds {
 public:
  explicit RecentIds(size_t least) : least_(least) {}
  // False when it was seen before.
  bool add(uint64_t hash) {
    if (older_.contains(hash) || !newer_.insert(hash).second) return false;
    if (newer_.size() >= least_) {
      older_ = std::move(newer_);
      newer_ = {};
    }
    return true;
  }
  size_t size() const { return older_.size() + newer_.size(); }

 private:
  const size_t least_;
  absl::flat_hash_set<uint64_t> newer_;
  absl::flat_hash_set<uint64_t> older_;
};

}  // namespace clew::derive
