// Prometheus' remote read: prometheus.ReadRequest, and its answers as samples or as chunks in frames.
//
// Source: https://prometheus.io/docs/prometheus/latest/querying/remote_read_api/
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "contract/metric_source.h"
#include "model/metric.h"

namespace clew::wire {

constexpr size_t kReadQueriesMax = 100;
constexpr size_t kReadMatchersMax = 1000;  // of one query

struct ReadRequest {
  std::vector<contract::MetricScan> queries;  // without who asks
  // What the client takes; it takes samples where it says nothing.
  bool takes_samples = false;
  bool takes_chunks = false;
};

// A body that is undone of its compression. Errors: kInvalid with the byte; kTooLarge over a limit.
Result<ReadRequest> decode_read_request(std::string_view body);

// Of prometheus.ReadResponse: a TimeSeries of a QueryResult, and a QueryResult of the whole.
void append_read_series(model::LabelsView labels, const model::SampleColumns& samples, std::string& query_result);
void append_query_result(std::string_view query_result, std::string& response);

// A frame of prometheus.ChunkedReadResponse with one series: its length, a checksum, the message. Requires: floats
// only, at least one.
void append_chunk_frame(model::LabelsView labels, const model::SampleColumns& samples, size_t query, std::string& out);

}  // namespace clew::wire
