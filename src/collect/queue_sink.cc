#include "collect/queue_sink.h"

#include <chrono>
#include <utility>

namespace clew::collect {
namespace {

constexpr std::chrono::milliseconds kRoomWait{200};

}  // namespace

QueueSink::QueueSink(contract::Queue& queue, Steps steps, base::Registry& metrics, const std::string& source)
    : queue_(queue),
      steps_(std::move(steps)),
      received_(metrics.counter("clew_events_received_total", "events that arrived", {{"source", source}})),
      metrics_(metrics),
      source_(source) {}

Result<uint64_t> QueueSink::append(const std::string& encoded, uint32_t rows) {
  while (true) {
    Result<uint64_t> appended = queue_.append(encoded, rows, {});
    if (appended.ok()) return appended;
    Code code = appended.error().code();
    if ((code != Code::kOverloaded && code != Code::kFull) || stop_) return appended;
    queue_.wait_room(encoded.size(), kRoomWait);
  }
}

Status QueueSink::keep(model::Batch& batch, contract::Ack& ack) {
  for (model::Batch* out : steps_.process ? steps_.process(batch) : std::vector{&batch}) {
    uint32_t rows = out->rows();
    if (rows == 0) continue;
    if (steps_.clean) steps_.clean(*out);
    uint64_t offset = CLEW_TRY(append(encoder_.encode(*out), rows));
    ack.key = {queue_.producer(), offset};
    ack.rows += rows;
  }
  return {};
}

void QueueSink::write(contract::Write write, Done done) {
  contract::Ack ack;
  for (model::Batch& batch : write.batches) {
    uint32_t rows = batch.rows();
    received_.add(rows);
    Status kept = keep(batch, ack);
    if (kept.ok()) continue;
    metrics_
        .counter("clew_events_rejected_total", "events refused, by reason",
                 {{"reason", std::string(code_name(kept.error().code()))}, {"source", source_}})
        .add(rows);
    return done(kept.error());
  }
  done(ack);
}

}  // namespace clew::collect
