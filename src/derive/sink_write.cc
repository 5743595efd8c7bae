#include "derive/sink_write.h"

#include <future>

namespace clew::derive {

Status write_and_wait(contract::MetricSink& sink, model::MetricBatch& batch) {
  if (batch.series().empty()) return {};
  std::promise<Result<contract::MetricAck>> promise;
  sink.write({}, batch, [&promise](Result<contract::MetricAck> ack) { promise.set_value(std::move(ack)); });
  Result<contract::MetricAck> ack = promise.get_future().get();
  if (!ack.ok()) return std::move(ack).error();
  batch.clear();
  return {};
}

}  // namespace clew::derive
