// PromQL: the door. A text is parsed, checked and run against a MetricSource; the answer has series with labels and
// points, and what there is to say about it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "contract/access.h"
#include "contract/metric_source.h"
#include "query/promql/ast.h"
#include "query/promql/options.h"
#include "query/promql/parse.h"

namespace clew::query::promql {

struct ResultSeries {
  model::Labels labels;
  model::SampleColumns samples;  // by time; no staleness markers
};

struct Answer {
  ValueType type = ValueType::kVector;  // of a range query always kMatrix
  int64_t millis = 0;                   // of an instant query: when it was asked for
  // kMatrix: in the order of labels. kVector: one sample each, in the order that sort(), topk() and the like gave.
  std::vector<ResultSeries> series;
  double scalar = 0;  // of kScalar
  std::string text;   // of kString
  std::vector<std::string> warnings;
  std::vector<std::string> infos;
  // What it took.
  uint64_t samples_read = 0;
  uint64_t memory_bytes_peak = 0;
  uint64_t nanos = 0;
  std::string plan;  // with options.analyze: the plan with counts
};

// The sources and options outlive the call. Errors:
//   kInvalid   the text ("1:7: parse error: ..."), or values that an operation does not take
//   kTooLarge  a text or a tree over the parser's limits, or more series than the store reads
//   kLimit     over options.limits; the message names the limit
//   kDeadline, kCancelled; and what the store says (kIo, kCorrupt).
//
// Threads: any, many at a time.
Result<Answer> run_instant(const contract::MetricSource& source, const contract::Access& access, std::string_view text,
                           int64_t at_millis, const Options& options);

struct Range {
  int64_t start_millis = 0;
  int64_t end_millis = 0;  // not before the start
  int64_t step_millis = 0;
};
Result<Answer> run_range(const contract::MetricSource& source, const contract::Access& access, std::string_view text,
                         const Range& range, const Options& options);

// The text as it is best read. Errors: as parse().
Result<std::string> format_query(std::string_view text, const ParseOptions& options);

// How the query would run, a node per line, what lies below indented. Errors: as parse().
Result<std::string> explain(std::string_view text, const Range& range, const Options& options);

}  // namespace clew::query::promql
