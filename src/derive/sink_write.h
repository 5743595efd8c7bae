// A write to the store of metrics that waits for its answer.
#pragma once

#include "base/result.h"
#include "contract/metric_sink.h"

namespace clew::derive {

// Clears the batch when it was stored; an empty one needs no store. What the store refuses of it is counted there.
// Errors: those of MetricSink::write.
//
// Threads: any that the sink does not answer on; blocks.
Status write_and_wait(contract::MetricSink& sink, model::MetricBatch& batch);

}  // namespace clew::derive
