#include "sketch/space_saving.h"

#include <algorithm>

namespace clew::sketch {

void SpaceSaving::add(std::string_view key, double weight) {
  if (!(weight > 0)) return;
  total_ += weight;
  auto known = by_key_.find(key);
  if (known != by_key_.end()) {
    entries_[known->second].sum += weight;
    if (!heap_.empty()) sift_down(positions_[known->second]);
    return;
  }
  if (entries_.size() < keys_max_) {
    by_key_.emplace(std::string(key), static_cast<Index>(entries_.size()));
    entries_.push_back({.key = std::string(key), .sum = floor_ + weight, .error = floor_});
    return;
  }
  if (heap_.empty()) build_heap();
  Index lightest = heap_.front();
  HeavyKey& entry = entries_[lightest];
  by_key_.erase(entry.key);
  entry.error = std::max(entry.sum, floor_);
  entry.sum = entry.error + weight;
  entry.key = key;
  by_key_.emplace(entry.key, lightest);
  sift_down(0);
}

double SpaceSaving::bound() const {
  // Before a first key found no room nothing was lost.
  return heap_.empty() ? floor_ : std::max(floor_, entries_[heap_.front()].sum);
}

void SpaceSaving::build_heap() {
  heap_.resize(entries_.size());
  positions_.resize(entries_.size());
  for (Index i = 0; i < heap_.size(); ++i) heap_[i] = positions_[i] = i;
  for (size_t at = heap_.size() / 2; at-- > 0;) sift_down(at);
}

void SpaceSaving::sift_down(size_t at) {
  while (true) {
    size_t least = at;
    for (size_t child : {2 * at + 1, 2 * at + 2}) {
      if (child < heap_.size() && lighter(heap_[child], heap_[least])) least = child;
    }
    if (least == at) return;
    std::swap(heap_[at], heap_[least]);
    positions_[heap_[at]] = static_cast<uint32_t>(at);
    positions_[heap_[least]] = static_cast<uint32_t>(least);
    at = least;
  }
}

void SpaceSaving::merge(const SpaceSaving& other) {
  double here = bound();
  double there = other.bound();
  std::vector<HeavyKey> all;
  all.reserve(entries_.size() + other.entries_.size());
  for (const HeavyKey& mine : entries_) {
    auto also = other.by_key_.find(mine.key);
    const HeavyKey* theirs = also == other.by_key_.end() ? nullptr : &other.entries_[also->second];
    all.push_back({.key = mine.key,
                   .sum = mine.sum + (theirs != nullptr ? theirs->sum : there),
                   .error = mine.error + (theirs != nullptr ? theirs->error : there)});
  }
  for (const HeavyKey& theirs : other.entries_) {
    if (by_key_.contains(theirs.key)) continue;
    all.push_back({.key = theirs.key, .sum = theirs.sum + here, .error = theirs.error + here});
  }
  double total = total_ + other.total_;
  clear();
  total_ = total;
  floor_ = here + there;
  if (all.size() > keys_max_) {
    auto heavier = [](const HeavyKey& a, const HeavyKey& b) { return a.sum > b.sum; };
    std::nth_element(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(keys_max_), all.end(), heavier);
    for (size_t i = keys_max_; i < all.size(); ++i) floor_ = std::max(floor_, all[i].sum);
    all.resize(keys_max_);
  }
  entries_ = std::move(all);
  for (Index i = 0; i < entries_.size(); ++i) by_key_.emplace(entries_[i].key, i);
}

std::vector<HeavyKey> SpaceSaving::top(size_t k) const {
  std::vector<HeavyKey> out = entries_;
  auto before = [](const HeavyKey& a, const HeavyKey& b) { return a.sum != b.sum ? a.sum > b.sum : a.key < b.key; };
  size_t kept = std::min(k, out.size());
  std::partial_sort(out.begin(), out.begin() + static_cast<std::ptrdiff_t>(kept), out.end(), before);
  out.resize(kept);
  return out;
}

void SpaceSaving::clear() {
  total_ = 0;
  floor_ = 0;
  entries_.clear();
  by_key_.clear();
  heap_.clear();
  positions_.clear();
}

}  // namespace clew::sketch
