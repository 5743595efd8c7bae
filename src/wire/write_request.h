// prometheus.WriteRequest of remote write 1.0, in pieces: pieces one behind the other are a request too.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "model/metric_batch.h"

namespace clew::wire {

// Appends a series with its samples; `added` labels where it has none of that name, in order of names. Gives how many
// samples; nothing is appended when there are none.
uint32_t append_write_series(const model::MetricBatch& batch, const model::MetricBatch::Series& series,
                             const std::vector<std::pair<std::string, std::string>>& added, bool histograms,
                             std::string& out);
void append_write_metadata(const model::MetricBatch& batch, std::string& out);

}  // namespace clew::wire
