#include "collect/event_batcher.h"

#include <pthread.h>

#include <chrono>
#include <utility>

#include "wire/intake.h"

namespace clew::collect {
namespace {

constexpr size_t kFieldsKeptMax = 20'000;  // remembered from batch to batch
constexpr uint32_t kFailurePauseMs = 500;  // nothing is read for so long when the sink refuses
constexpr std::chrono::milliseconds kWriterLooks{1000};
constexpr int64_t kArrivalStepNanos = 1'000'000;  // of the times that stand for times that are missing

}  // namespace

EventBatcher::EventBatcher(BatcherOptions options, contract::EventSink& sink, const os::Clock& clock,
                           net::SocketLoop& loop, base::Registry& metrics)
    : options_(std::move(options)),
      sink_(sink),
      clock_(clock),
      loop_(loop),
      metrics_(metrics),
      received_(metrics.counter("clew_events_received_total", "events that arrived", {{"source", options_.source}})) {
  begin_batch();
  writer_ = std::jthread([this](const std::stop_token& stop) { write_all(stop); });
}

EventBatcher::~EventBatcher() {
  writer_.request_stop();
  base::MutexLock lock(mutex_);
  wake_.notify_all();
}

void EventBatcher::begin_batch() {
  if (rows_.fields_count() > kFieldsKeptMax) rows_.forget_fields();
  batch_ = std::make_unique<model::Batch>(options_.dataset);
  arrival_ = clock_.now().get();
  rows_.attach(*batch_, {.arrival = UnixNanos(arrival_), .dataset = options_.dataset, .zone = options_.zone},
               last_bytes_);
  ++number_;
  bytes_ = 0;
  timed_out_ = false;
}

int64_t EventBatcher::arrive() {
  int64_t now = clock_.now().get();
  if (now - arrival_ >= 0 && now - arrival_ < kArrivalStepNanos) return arrival_;
  arrival_ = now;
  rows_.time().begin(now, options_.zone);
  return now;
}

void EventBatcher::added(uint32_t rows, size_t bytes) {
  if (rows == 0) return;
  if (bytes_ == 0) {
    loop_.after(options_.wait_ms, [this, number = number_] {
      if (number != number_) return;
      timed_out_ = true;
      flush_if_due();
    });
  }
  bytes_ += bytes + rows;
  flush_if_due();
}

// Counted here whole: what is written is received by the sink, which counts it.
void EventBatcher::rejected(std::string_view reason, uint64_t events) {
  if (events == 0) return;
  received_.add(events);
  metrics_
      .counter("clew_events_rejected_total", "events refused, by reason",
               {{"reason", std::string(reason)}, {"source", options_.source}})
      .add(events);
}

void EventBatcher::when_stored(uint64_t first, Stored stored) {
  waiting_.push_back({first, std::move(stored)});
  if (std::exchange(asked_at_once_, true)) return;
  loop_.post([this] {
    asked_at_once_ = false;
    flush_if_due();
  });
}

void EventBatcher::finish(std::function<void()> finished) {
  finished_ = std::move(finished);
  if (has_work()) return flush();
  deliver();
}

void EventBatcher::flush_if_due() {
  if (!has_work()) return;
  bool full = batch_->rows() >= options_.rows_max || bytes_ >= options_.bytes_max;
  if (flying_.size() >= kInFlightMax) {
    if (full) loop_.set_reading(false);
    return;
  }
  bool awaited = !waiting_.empty() && flying_.empty() && !asked_at_once_;
  if (full || timed_out_ || awaited || finished_) flush();
}

void EventBatcher::flush() {
  auto out = std::make_shared<Outgoing>();
  out->number = number_;
  out->rows = batch_->rows();
  out->waiting = std::exchange(waiting_, {});
  flying_.push_back(out);
  if (out->rows == 0) {
    out->answered = true;
    return deliver();
  }
  rows_.note_sizes();
  last_bytes_ = bytes_;
  out->write.batches.push_back(std::move(*batch_));
  begin_batch();
  base::MutexLock lock(mutex_);
  to_write_.push_back(std::move(out));
  wake_.notify_one();
}

void EventBatcher::write_all(const std::stop_token& stop) {
  pthread_setname_np(pthread_self(), "clew-sink");
  while (true) {
    OutgoingPtr next;
    {
      base::MutexLock lock(mutex_);
      while (to_write_.empty() && !stop.stop_requested()) wake_.wait_for(mutex_, kWriterLooks);
      if (to_write_.empty()) return;
      next = std::move(to_write_.front());
      to_write_.pop_front();
    }
    write_one(next);
  }
}

void EventBatcher::write_one(const OutgoingPtr& out) {
  sink_.write(std::move(out->write), [this, out](Result<contract::Ack> answer) {
    Status status = answer.ok() ? Status() : Status(answer.error());
    loop_.post([this, out, status] {
      out->status = status;
      on_answer(out);
    });
  });
}

void EventBatcher::on_answer(const OutgoingPtr& out) {
  out->answered = true;
  if (!out->status.ok()) pause_after_failure();
  deliver();
}

void EventBatcher::deliver() {
  while (!flying_.empty() && flying_.front()->answered) {
    OutgoingPtr first = std::move(flying_.front());
    flying_.pop_front();
    if (!first->status.ok()) {
      last_failed_ = first->number;
      failure_ = first->status;
    }
    for (const Waiting& w : first->waiting) w.stored(last_failed_ >= w.first ? failure_ : Status());
  }
  flush_if_due();
  if (!failing_ && flying_.size() < kInFlightMax && !finished_) loop_.set_reading(true);
  if (finished_ && flying_.empty() && !has_work()) std::exchange(finished_, {})();
}

void EventBatcher::pause_after_failure() {
  if (std::exchange(failing_, true)) return;
  loop_.set_reading(false);
  loop_.after(kFailurePauseMs, [this] {
    failing_ = false;
    deliver();
  });
}

}  // namespace clew::collect
