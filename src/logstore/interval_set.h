// A set of 64-bit numbers as disjoint ranges [begin, end); neighbours are joined.
#pragma once

#include <cstdint>
#include <iterator>
#include <map>

namespace clew::logstore {

class IntervalSet {
 public:
  void add(uint64_t begin, uint64_t end) {
    if (begin >= end) return;
    auto it = ranges_.upper_bound(begin);
    if (it != ranges_.begin() && std::prev(it)->second >= begin) --it;
    while (it != ranges_.end() && it->first <= end) {
      begin = begin < it->first ? begin : it->first;
      end = end > it->second ? end : it->second;
      it = ranges_.erase(it);
    }
    ranges_[begin] = end;
  }

  bool contains(uint64_t value) const {
    auto it = ranges_.upper_bound(value);
    return it != ranges_.begin() && std::prev(it)->second > value;
  }

  // True when every number of [begin, end) is in it.
  bool covers(uint64_t begin, uint64_t end) const {
    auto it = ranges_.upper_bound(begin);
    return it != ranges_.begin() && std::prev(it)->second >= end;
  }

  // True when any number of [begin, end) is in it.
  bool touches(uint64_t begin, uint64_t end) const {
    auto it = ranges_.lower_bound(end);
    return it != ranges_.begin() && std::prev(it)->second > begin;
  }

  // Forgets the numbers below `floor`.
  void drop_below(uint64_t floor) {
    while (!ranges_.empty() && ranges_.begin()->first < floor) {
      uint64_t end = ranges_.begin()->second;
      ranges_.erase(ranges_.begin());
      if (end > floor) ranges_[floor] = end;
    }
  }

  const std::map<uint64_t, uint64_t>& ranges() const { return ranges_; }
  friend bool operator==(const IntervalSet&, const IntervalSet&) = default;

 private:
  std::map<uint64_t, uint64_t> ranges_;
};

}  // namespace clew::logstore
