#include "api/listener_sink.h"

#include <chrono>
#include <utility>

namespace clew::api {
namespace {

constexpr std::chrono::milliseconds kLookAgain{50};

}  // namespace

void IngestSink::wait_for_room() {
  base::MutexLock lock(mutex_);
  while (!stopped_) {
    Status room = store_.can_write();
    if (room.ok() || (room.error().code() != Code::kOverloaded && room.error().code() != Code::kFull)) return;
    wake_.wait_for(mutex_, kLookAgain);
  }
}

void IngestSink::write(contract::Write write, Done done) {
  wait_for_room();
  Incoming incoming{.access = access_, .key = std::move(write.key), .events = {}, .creates = {}};
  incoming.events.batches = std::move(write.batches);
  for (const model::Batch& batch : incoming.events.batches) incoming.events.received += batch.rows();
  ingest_.write(counters_, std::move(incoming), [done = std::move(done)](const contract::Ack* ack, const Error* error) {
    if (error != nullptr) return done(*error);
    done(ack != nullptr ? *ack : contract::Ack());
  });
}

void IngestSink::stop() {
  base::MutexLock lock(mutex_);
  stopped_ = true;
  wake_.notify_all();
}

}  // namespace clew::api
