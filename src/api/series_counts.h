// What makes many series, among those of a scan.
#pragma once

#include <vector>

#include "contract/metric_source.h"
#include "metricstore/series_index.h"

namespace clew::api {

struct SeriesCounts {
  uint64_t series = 0;
  // The greatest first, at most as many as asked for.
  std::vector<metricstore::SeriesIndex::Count> by_metric;
  std::vector<metricstore::SeriesIndex::Count> values_by_label;
  std::vector<metricstore::SeriesIndex::Count> by_pair;  // "name=value"
};

// Cost: goes through all labels of the set.
SeriesCounts count_series(const contract::SeriesSet& set, size_t most);

}  // namespace clew::api
