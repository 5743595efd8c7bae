// SpaceSaving: the heaviest keys of a stream in bounded memory (Metwally, Agrawal, El Abbadi 2005, with weights).
//
// As long as there are no more keys than `keys_max` every sum is exact. Beyond, a new key takes the place of the
// lightest one and inherits its sum as a possible error. For every key, at any time:
//   S1. sum - error <= true sum <= sum, for keys that are kept;
//   S2. true sum <= bound(), for keys that are not;
//   S3. bound() <= total() / keys_max, for a sketch that nothing was merged into.
// Sketches of parts of a stream merge into one of the whole, with bounds that add up.
#pragma once

#include <absl/container/flat_hash_map.h>

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace clew::sketch {

struct HeavyKey {
  std::string key;
  double sum = 0;
  double error = 0;  // by how much the sum may be too great
};

// Threads: one at a time; copies are independent.
class SpaceSaving {
 public:
  // Requires: keys_max > 0.
  explicit SpaceSaving(size_t keys_max) : keys_max_(keys_max) {}

  // Weights that are not above 0 are left out.
  void add(std::string_view key, double weight = 1);
  // What was added to `other` is as if it had been added here too.
  void merge(const SpaceSaving& other);

  // The `k` heaviest, heaviest first; equal ones in the order of their keys.
  std::vector<HeavyKey> top(size_t k) const;
  size_t keys() const { return entries_.size(); }
  double total() const { return total_; }
  // The most that a key which is not kept may come to; 0: all keys are kept, with exact sums.
  double bound() const;
  bool is_exact() const { return bound() == 0; }
  void clear();

 private:
  using Index = uint32_t;
  struct Hash {
    using is_transparent = void;
    size_t operator()(std::string_view key) const { return std::hash<std::string_view>()(key); }
  };
  void build_heap();
  void sift_down(size_t at);
  bool lighter(Index a, Index b) const { return entries_[a].sum < entries_[b].sum; }

  size_t keys_max_;
  double total_ = 0;
  double floor_ = 0;  // what a key may have come to before it was added here, of merges
  std::vector<HeavyKey> entries_;
  absl::flat_hash_map<std::string, Index, Hash, std::equal_to<>> by_key_;
  std::vector<Index> heap_;          // the lightest first; empty until a key found no room
  std::vector<uint32_t> positions_;  // of entries in the heap
};

}  // namespace clew::sketch
