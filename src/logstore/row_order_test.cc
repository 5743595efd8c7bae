#include "logstore/row_order.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "logstore/interval_set.h"
#include "os/sim_clock.h"

namespace clew::logstore {
namespace {

// Checks what cut_by_time promises and gives the number of groups.
size_t check_cut(std::vector<TimedRow> rows, uint32_t rows_max) {
  std::vector<int64_t> times;
  for (const TimedRow& row : rows) times.push_back(row.time);
  auto groups = cut_by_time(rows, rows_max);
  std::set<uint32_t> seen;
  int64_t before = INT64_MIN;
  for (const auto& group : groups) {
    EXPECT_FALSE(group.empty());
    EXPECT_LE(group.size(), rows_max);
    int64_t least = INT64_MAX, most = INT64_MIN;
    for (const columnar::RowRef& ref : group) {
      EXPECT_TRUE(seen.insert(ref.row).second);
      least = std::min(least, times[ref.row]);
      most = std::max(most, times[ref.row]);
    }
    EXPECT_GE(least, before);
    before = most;
  }
  EXPECT_EQ(seen.size(), times.size());
  return groups.size();
}

std::vector<TimedRow> rows_of(const std::vector<int64_t>& times) {
  std::vector<TimedRow> rows;
  for (uint32_t i = 0; i < times.size(); ++i) rows.push_back({times[i], {0, i}});
  return rows;
}

TEST(CutByTime, KeepsEveryRowInGroupsThatFollowEachOther) {
  os::SeededRng rng(3);
  std::vector<int64_t> even, skewed, same(1000, 5), wild;
  for (int64_t i = 0; i < 10'000; ++i) {
    even.push_back(i * 1000 + static_cast<int64_t>(rng.below(5000)));
    skewed.push_back(i < 9'900 ? static_cast<int64_t>(rng.below(10)) : i * 1'000'000'000);
    wild.push_back(static_cast<int64_t>(rng.next()));
  }
  wild[0] = INT64_MIN;
  wild[1] = INT64_MAX;
  EXPECT_LE(check_cut(rows_of(even), 1000), 12u);
  EXPECT_EQ(check_cut(rows_of(even), 10'000), 1u);
  check_cut(rows_of(skewed), 1000);
  EXPECT_EQ(check_cut(rows_of(same), 300), 4u);
  check_cut(rows_of(wild), 777);
  EXPECT_EQ(check_cut({}, 10), 0u);
  EXPECT_EQ(check_cut(rows_of({1, 2, 3}), 1), 3u);
}

TEST(IntervalSet, AgreesWithAPlainSet) {
  os::SeededRng rng(9);
  IntervalSet intervals;
  std::set<uint64_t> plain;
  for (int i = 0; i < 500; ++i) {
    uint64_t begin = rng.below(2000), end = begin + rng.below(20);
    intervals.add(begin, end);
    for (uint64_t v = begin; v < end; ++v) plain.insert(v);
    if (i % 100 == 99) {
      uint64_t floor = rng.below(300);
      intervals.drop_below(floor);
      plain.erase(plain.begin(), plain.lower_bound(floor));
    }
    for (int k = 0; k < 20; ++k) {
      uint64_t v = rng.below(2100), w = v + 1 + rng.below(10);
      bool covers = true, touches = false;
      for (uint64_t x = v; x < w; ++x) {
        covers = covers && plain.count(x) > 0;
        touches = touches || plain.count(x) > 0;
      }
      ASSERT_EQ(intervals.contains(v), plain.count(v) > 0);
      ASSERT_EQ(intervals.covers(v, w), covers);
      ASSERT_EQ(intervals.touches(v, w), touches);
    }
  }
}

}  // namespace
}  // namespace clew::logstore
