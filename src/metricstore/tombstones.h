// Tombstones: what was deleted and still lies in parts.
#pragma once

#include <cstdint>
#include <vector>

#include "metricstore/series_runs.h"
#include "model/metric.h"

namespace clew::metricstore {

// Samples of these series within the range, both ends included, that parts below `before_part` have.
struct Tombstone {
  uint64_t before_part = 0;
  int64_t from_millis = 0;
  int64_t to_millis = 0;
  SeriesRuns series;
};
using Tombstones = std::vector<Tombstone>;

// Takes what is deleted out of the samples from index `at` on, which came from the part.
void drop_deleted(const Tombstones& tombstones, uint64_t part, SeriesId series, size_t at,
                  model::SampleColumns& samples);

// Whether everything that the part may have of the series within the range is deleted.
bool all_deleted(const Tombstones& tombstones, uint64_t part, SeriesId series, int64_t from_millis, int64_t to_millis);

}  // namespace clew::metricstore
