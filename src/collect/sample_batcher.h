// SampleBatcher: the samples that a listener takes from all of its peers, on their way to a sink.
//
// A batch goes when it is full, when its first sample has waited for a second, or when somebody asks. One is on its way
// at a time: what the sink cannot take now is tried again, and once the next one is full too nothing is read any more,
// so that senders come to wait.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "base/metrics.h"
#include "collect/event_batcher.h"
#include "contract/metric_sink.h"
#include "model/metric_batch.h"

namespace clew::collect {

// Threads:  the loop's; the sink may answer on any.
// Lifetime: sink, batcher and metrics outlive it, and it the loop's run(): nothing is on its way after finish().
class SampleBatcher {
 public:
  static constexpr size_t kSamplesMax = 20'000;  // of a batch that is full
  static constexpr uint32_t kWaitMs = 1'000;
  static constexpr uint32_t kRetryMs = 1'000;

  SampleBatcher(contract::MetricSink& sink, contract::Access access, EventBatcher& batcher, base::Registry& metrics,
                const std::string& source);

  // To add to; then say so.
  model::MetricBatch& batch() { return filling_; }
  void added();
  void flush();
  // The sink takes less than comes: who can wait with what they have should.
  bool behind() const { return flying_ && filling_.samples_count() >= kSamplesMax; }
  // Sends what there is, and calls when it was answered; what the sink cannot take then is lost, and counted.
  void finish(std::function<void()> finished);

 private:
  struct Flying {
    model::MetricBatch batch;
  };
  void send();
  void on_answer(const Result<contract::MetricAck>& ack);

  contract::MetricSink& sink_;
  const contract::Access access_;
  EventBatcher& batcher_;
  base::Counter& taken_;
  base::Counter& lost_;
  base::Counter& failed_;
  model::MetricBatch filling_;
  std::shared_ptr<Flying> flying_;
  bool sent_ = false;     // what flies has not been answered
  bool waits_ = false;    // a flush is to come
  bool failing_ = false;  // what flies is tried again
  bool stopped_ = false;  // reading
  std::function<void()> finished_;
};

}  // namespace clew::collect
