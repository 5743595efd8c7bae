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
      source_(source),
      encoder_(encoder_use(steps_.compression)),
      counts_(kept_counts(queue, source)) {}

Result<uint64_t> QueueSink::append(const std::string& entry, uint32_t rows, const std::string& counts) {
  while (true) {
    Result<uint64_t> appended = queue_.append(entry, rows, {{counts_key(source_), counts}});
    if (appended.ok()) return appended;
    Code code = appended.error().code();
    if ((code != Code::kOverloaded && code != Code::kFull) || stop_) return appended;
    queue_.wait_room(entry.size(), kRoomWait);
  }
}

Status QueueSink::keep(model::Batch& batch, contract::Ack& ack) {
  SourceCounts counts = counts_;
  counts.read += batch.rows();
  std::vector<model::Batch*> kept = steps_.process ? steps_.process(batch) : std::vector{&batch};
  std::erase_if(kept, [](const model::Batch* out) { return out->rows() == 0; });
  for (const model::Batch* out : kept) counts.queued += out->rows();
  if (steps_.dropped) {
    for (const auto& [rule, events] : *steps_.dropped) counts.dropped[rule] += events;
    steps_.dropped->clear();
  }
  std::vector<std::string> parts;
  uint32_t rows = 0;
  for (model::Batch* out : kept) {
    if (steps_.clean) steps_.clean(*out);
    parts.push_back(encoder_.encode(*out));
    rows += out->rows();
  }
  uint64_t offset = CLEW_TRY(
      append(parts.empty() ? std::string() : make_entry(parts, steps_.compression), rows, print_counts(counts)));
  if (rows > 0) ack.key = {queue_.producer(), offset};
  ack.rows += rows;
  counts_ = std::move(counts);
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
