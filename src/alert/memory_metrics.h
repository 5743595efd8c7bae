// A MetricSink that keeps samples in memory beside those of a test: for tests of rules and questions what rules would
// have done.
#pragma once

#include "contract/metric_sink.h"
#include "query/promql/memory_source.h"

namespace clew::alert {

// Threads: one.  Lifetime: the source outlives it.
class MemorySink final : public contract::MetricSink {
 public:
  explicit MemorySink(query::promql::MemorySource& source) : source_(source) {}
  void write(const contract::Access& access, const model::MetricBatch& batch, Done done) override;

 private:
  query::promql::MemorySource& source_;
};

}  // namespace clew::alert
