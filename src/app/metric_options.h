// What the configuration says of the store of metrics.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "contract/metric_source.h"
#include "metricstore/metric_store.h"

namespace clew::app {

struct MetricRule {
  std::vector<contract::LabelMatcher> matchers;
  uint32_t keep_days = 0;
};

struct MetricOptions {
  uint32_t keep_days = 0;  // 0: as events
  uint64_t bytes_max = 0;  // 0: no limit
  uint64_t out_of_order_millis = 3'600'000;
  uint64_t series_max = 10'000'000;
  uint64_t series_per_metric_max = 0;
  uint64_t values_per_label_max = 0;
  std::map<std::string, MetricRule> rules;
};

// `events_days`: how long events are kept.
void apply_metric_options(const MetricOptions& options, uint32_t events_days, metricstore::MetricStoreOptions& store);

}  // namespace clew::app
