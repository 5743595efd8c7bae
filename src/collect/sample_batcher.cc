#include "collect/sample_batcher.h"

#include <utility>

namespace clew::collect {
namespace {

constexpr size_t kFullWhileSlow = 4;  // batches that may wait for one that is on its way

}  // namespace

SampleBatcher::SampleBatcher(contract::MetricSink& sink, contract::Access access, EventBatcher& batcher,
                             base::Registry& metrics, const std::string& source)
    : sink_(sink),
      access_(std::move(access)),
      batcher_(batcher),
      taken_(metrics.counter("clew_listener_samples_total", "Samples that went to the store or the queue",
                             {{"source", source}})),
      lost_(metrics.counter("clew_listener_samples_lost_total", "Samples that found no room at the end",
                            {{"source", source}})),
      failed_(metrics.counter("clew_listener_sample_writes_failed_total", "Writes of samples that were tried again",
                              {{"source", source}})) {}

void SampleBatcher::added() {
  if (filling_.samples_count() >= kSamplesMax) return flush();
  if (filling_.series().empty() || std::exchange(waits_, true)) return;
  batcher_.after(kWaitMs, [this] {
    waits_ = false;
    flush();
  });
}

void SampleBatcher::flush() {
  if (flying_) {
    bool full = filling_.samples_count() >= (failing_ ? 1 : kFullWhileSlow) * kSamplesMax;
    if (full && !std::exchange(stopped_, true)) batcher_.set_reading(false);
    return;
  }
  if (filling_.series().empty()) return;
  flying_ = std::make_shared<Flying>();
  std::swap(flying_->batch, filling_);
  send();
}

void SampleBatcher::send() {
  sent_ = true;
  sink_.write(access_, flying_->batch, [this, kept = flying_](const Result<contract::MetricAck>& ack) {
    batcher_.post([this, ack] { on_answer(ack); });
  });
}

void SampleBatcher::on_answer(const Result<contract::MetricAck>& ack) {
  sent_ = false;
  if (!ack.ok()) {
    failed_.add();
    if (!finished_) {
      failing_ = true;
      batcher_.after(kRetryMs, [this] {
        if (flying_ && !sent_) send();
      });
      return;
    }
    lost_.add(flying_->batch.samples_count());
  } else {
    taken_.add(ack->stored + ack->same);
    batcher_.rejected("duplicate", ack->duplicates);
    batcher_.rejected("too_old", ack->too_old);
    batcher_.rejected("too_far_ahead", ack->too_far_ahead);
    batcher_.rejected("bad_labels", ack->bad_labels);
    batcher_.rejected("series_limit", ack->over_limit);
  }
  failing_ = false;
  flying_.reset();
  if (std::exchange(stopped_, false) && !finished_) batcher_.set_reading(true);
  if (finished_ || filling_.samples_count() >= kSamplesMax) flush();
  if (finished_ && !flying_) std::exchange(finished_, nullptr)();
}

void SampleBatcher::finish(std::function<void()> finished) {
  finished_ = std::move(finished);
  if (!flying_) flush();
  if (!flying_) return std::exchange(finished_, nullptr)();
  // One that waits to be tried again is tried now.
  if (!sent_) send();
}

}  // namespace clew::collect
