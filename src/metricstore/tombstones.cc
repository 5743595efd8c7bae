#include "metricstore/tombstones.h"

#include <algorithm>

namespace clew::metricstore {

void drop_deleted(const Tombstones& tombstones, uint64_t part, SeriesId series, size_t at,
                  model::SampleColumns& samples) {
  for (const Tombstone& tombstone : tombstones) {
    if (part >= tombstone.before_part || at >= samples.size() || !tombstone.series.has(series)) continue;
    auto begin = samples.millis.begin() + static_cast<ptrdiff_t>(at);
    auto from = std::lower_bound(begin, samples.millis.end(), tombstone.from_millis) - samples.millis.begin();
    auto to = std::upper_bound(begin, samples.millis.end(), tombstone.to_millis) - samples.millis.begin();
    auto cut = [&](auto& lane) {
      if (!lane.empty()) lane.erase(lane.begin() + from, lane.begin() + to);
    };
    cut(samples.millis);
    cut(samples.values);
    cut(samples.histograms);
    cut(samples.starts);
  }
}

bool all_deleted(const Tombstones& tombstones, uint64_t part, SeriesId series, int64_t from_millis, int64_t to_millis) {
  return std::any_of(tombstones.begin(), tombstones.end(), [&](const Tombstone& tombstone) {
    return part < tombstone.before_part && tombstone.from_millis <= from_millis && tombstone.to_millis >= to_millis &&
           tombstone.series.has(series);
  });
}

}  // namespace clew::metricstore
