// Histogram: how many of the events that a query reads lie in each piece of time, split by a field.
#pragma once

#include <string>
#include <vector>

#include "contract/event_source.h"
#include "explore/table.h"

namespace clew::explore {

constexpr uint32_t kBucketsMax = 2'000;
constexpr uint32_t kSeriesMax = 100;

struct HistogramRequest {
  std::string by = "level";  // empty: one series
  uint32_t buckets = 60;     // about so many pieces, of a round length; at most kBucketsMax
  int64_t step_nanos = 0;    // the length itself; 0: chosen
  uint32_t series = 12;      // of the most frequent values; the others are one series without a value
};

struct Series {
  model::Value value = {};  // null: events without the field
  bool others = false;      // all values beyond HistogramRequest::series
  uint64_t events = 0;
  std::vector<uint64_t> counts = {};  // one for each bucket
};

struct Histogram {
  contract::TimeRange range;  // asked for, or where there are events
  int64_t first = 0;          // beginning of the first bucket: a multiple of the step
  int64_t step_nanos = 0;
  uint32_t buckets = 0;
  uint64_t events = 0;
  std::vector<Series> series;  // most events first
  Cost cost;
};

// A round length that cuts `nanos` into at most `buckets` pieces; whole minutes where that is about as good, since
// stored counts by minute answer those without reading a row.
int64_t round_step(int64_t nanos, uint32_t buckets);

// Where the question names no range, the range of what is stored is taken.
Answer<Histogram> histogram(query::Engine& engine, contract::EventSource& source, const Question& question,
                            const HistogramRequest& request);

}  // namespace clew::explore
