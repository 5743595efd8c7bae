#include "collect/queue_sink.h"

#include <chrono>
#include <utility>

namespace clew::collect {
namespace {

constexpr std::chrono::milliseconds kRoomWait{200};

}  // namespace

QueueSink::QueueSink(contract::Queue& queue, std::function<void(model::Batch&)> clean, base::Registry& metrics,
                     const std::string& source)
    : queue_(queue),
      clean_(std::move(clean)),
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

void QueueSink::write(contract::Write write, Done done) {
  contract::Ack ack;
  for (model::Batch& batch : write.batches) {
    uint32_t rows = batch.rows();
    received_.add(rows);
    if (clean_) clean_(batch);
    Result<uint64_t> appended = append(encoder_.encode(batch), rows);
    if (!appended.ok()) {
      metrics_
          .counter("clew_events_rejected_total", "events refused, by reason",
                   {{"reason", std::string(code_name(appended.error().code()))}, {"source", source_}})
          .add(rows);
      return done(appended.error());
    }
    ack.key = {queue_.producer(), *appended};
    ack.rows += rows;
  }
  done(ack);
}

}  // namespace clew::collect
