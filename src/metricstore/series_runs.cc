#include "metricstore/series_runs.h"

#include <algorithm>

namespace clew::metricstore {

SeriesRuns SeriesRuns::of(std::span<const SeriesId> series) {
  SeriesRuns runs;
  for (SeriesId id : series) runs.add(id);
  return runs;
}

void SeriesRuns::add(SeriesId series) {
  if (!runs_.empty() && runs_.back().second + 1 == series) {
    runs_.back().second = series;
  } else {
    runs_.emplace_back(series, series);
  }
}

bool SeriesRuns::has(SeriesId series) const {
  auto after = std::upper_bound(runs_.begin(), runs_.end(), series,
                                [](SeriesId wanted, const auto& run) { return wanted < run.first; });
  return after != runs_.begin() && std::prev(after)->second >= series;
}

uint64_t SeriesRuns::size() const {
  uint64_t size = 0;
  for (const auto& [first, last] : runs_) size += uint64_t{last} - first + 1;
  return size;
}

void SeriesRuns::write(base::Writer& to) const {
  to.varint(runs_.size());
  SeriesId before = 0;
  for (const auto& [first, last] : runs_) {
    to.varint(first - before);
    to.varint(last - first);
    before = last;
  }
}

SeriesRuns SeriesRuns::read(base::Reader& in) {
  SeriesRuns runs;
  uint64_t count = in.varint_max(in.remaining());
  uint64_t at = 0;
  for (uint64_t i = 0; i < count && !in.failed(); ++i) {
    uint64_t first = at + in.varint_max(UINT32_MAX);
    uint64_t last = first + in.varint_max(UINT32_MAX);
    if (last >= UINT32_MAX || (i > 0 && first <= at)) in.fail();
    if (in.failed()) break;
    runs.runs_.emplace_back(static_cast<SeriesId>(first), static_cast<SeriesId>(last));
    at = last;
  }
  return runs;
}

}  // namespace clew::metricstore
