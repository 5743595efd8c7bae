#include "logstore/row_order.h"

#include <algorithm>

#include "base/check.h"

namespace clew::logstore {
namespace {

using columnar::RowRef;

constexpr uint32_t kBucketsPerGroup = 512;

// Splits [begin, end) of rows that share one bucket; only reached when more than a group's rows do.
void cut_sorted(std::vector<TimedRow>& rows, uint32_t rows_max, std::vector<std::vector<RowRef>>& out) {
  std::stable_sort(rows.begin(), rows.end(), [](const TimedRow& a, const TimedRow& b) { return a.time < b.time; });
  for (size_t begin = 0; begin < rows.size(); begin += rows_max) {
    std::vector<RowRef>& group = out.emplace_back();
    size_t end = std::min<size_t>(rows.size(), begin + rows_max);
    for (size_t i = begin; i < end; ++i) group.push_back(rows[i].ref);
  }
}

}  // namespace

std::vector<std::vector<RowRef>> cut_by_time(std::vector<TimedRow>& rows, uint32_t rows_max) {
  CHECK(rows_max > 0);
  std::vector<std::vector<RowRef>> out;
  if (rows.size() <= rows_max) {
    if (rows.empty()) return out;
    std::vector<RowRef>& group = out.emplace_back();
    group.reserve(rows.size());
    for (const TimedRow& row : rows) group.push_back(row.ref);
    return out;
  }
  auto [least, most] = std::minmax_element(rows.begin(), rows.end(),
                                           [](const TimedRow& a, const TimedRow& b) { return a.time < b.time; });
  int64_t from = least->time;
  uint64_t span = static_cast<uint64_t>(most->time) - static_cast<uint64_t>(from);
  uint64_t buckets = (rows.size() / rows_max + 1) * kBucketsPerGroup;
  uint64_t width = span / buckets + 1;
  auto bucket_of = [&](int64_t time) { return (static_cast<uint64_t>(time) - static_cast<uint64_t>(from)) / width; };
  std::vector<uint32_t> counts(buckets + 1, 0);
  for (const TimedRow& row : rows) ++counts[bucket_of(row.time)];

  // Groups of nearly equal size: a group ends at the bucket that brings it to its share.
  uint64_t groups = (rows.size() + rows_max - 1) / rows_max;
  uint64_t share = (rows.size() + groups - 1) / groups;
  std::vector<uint32_t> group_of(counts.size());
  std::vector<uint64_t> sizes{0};
  for (size_t b = 0; b < counts.size(); ++b) {
    bool over = sizes.back() + counts[b] > rows_max;
    bool ends = counts[b] > 0 && sizes.back() > 0 && (over || sizes.back() >= share);
    if (ends) sizes.push_back(0);
    group_of[b] = static_cast<uint32_t>(sizes.size() - 1);
    sizes.back() += counts[b];
  }
  std::vector<std::vector<TimedRow>> timed(sizes.size());
  for (size_t g = 0; g < sizes.size(); ++g) timed[g].reserve(sizes[g]);
  for (const TimedRow& row : rows) timed[group_of[bucket_of(row.time)]].push_back(row);
  std::vector<TimedRow>().swap(rows);
  for (std::vector<TimedRow>& group : timed) {
    if (group.size() > rows_max) {
      cut_sorted(group, rows_max, out);
      continue;
    }
    std::vector<RowRef>& refs = out.emplace_back();
    refs.reserve(group.size());
    for (const TimedRow& row : group) refs.push_back(row.ref);
    std::vector<TimedRow>().swap(group);
  }
  return out;
}

}  // namespace clew::logstore
