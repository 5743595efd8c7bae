// The heaviest labels of a metric: a question in PromQL.
#pragma once

#include "base/result.h"
#include "contract/metric_source.h"
#include "query/promql/promql.h"
#include "topk/answer.h"

namespace clew::topk {

// What is asked of PromQL: the increase of counters, the mean of everything else, over the time.
// Requires: a question about a metric. Errors: kInvalid for a label that PromQL does not take.
Result<std::string> promql_of(const Question& question, int64_t last_nanos, model::MetricType type);

// Errors: those of promql::run_instant, kInvalid.
//
// Threads: any; blocks.
Result<TopAnswer> ask_metric(const contract::MetricSource& source, const contract::Access& access,
                             const Question& question, contract::TimeRange range,
                             const query::promql::Options& options);

}  // namespace clew::topk
