// The journal's records of samples (docs/formats/metric-journal.md).
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "metricstore/part_format.h"
#include "model/metric_batch.h"

namespace clew::metricstore {

// The record's meta: `M`, u8 version, u64 run. Ids that the series log does not name hold within one run of the
// process.
std::string record_meta(uint64_t run);
// Errors: kCorrupt for another's; kUnsupported for a later version.
Result<uint64_t> read_record_meta(std::string_view meta);

// A write, its series named by ids.
struct MetricRecord {
  // Series whose ids later readers may not know yet.
  std::vector<std::pair<SeriesId, model::Labels>> defined;
  std::vector<SeriesId> ids;  // one for each of batch.series(), kNoSeries for those that were refused
  model::MetricBatch batch;   // read: its series have no labels
};
constexpr SeriesId kNoSeries = UINT32_MAX;

// Series of kNoSeries are left out.
void encode_record(std::span<const std::pair<SeriesId, model::Labels>> defined, std::span<const SeriesId> ids,
                   const model::MetricBatch& batch, std::string& out);
// Errors: kCorrupt.
Result<MetricRecord> decode_record(std::string_view bytes);

// A histogram as it stands in records.
void append_histogram(const model::Histogram& histogram, std::string& out);
Result<model::HistogramPtr> read_histogram(base::Reader& in);

}  // namespace clew::metricstore
