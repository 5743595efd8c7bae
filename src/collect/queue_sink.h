// QueueSink: a listener's batches become entries of the agent's queue.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "collect/listener.h"
#include "collect/queue_entry.h"
#include "collect/source_counts.h"
#include "columnar/part.h"
#include "contract/queue.h"
#include "model/batch.h"

namespace clew::collect {

// Threads:  write on one thread, which it keeps until the batch is durable; stop on any.
// Lifetime: the queue outlives it.
class QueueSink final : public ListenerSink {
 public:
  struct Steps {
    // What is kept of a batch, in the datasets that it goes to; none: all of it, in its own.
    std::function<std::vector<model::Batch*>(model::Batch&)> process;
    std::function<void(model::Batch&)> clean;                  // takes secrets away before anything is kept
    std::shared_ptr<std::map<std::string, uint64_t>> dropped;  // as BatchOptions::dropped
    Compression compression = Compression::kLz4;
  };
  QueueSink(contract::Queue& queue, Steps steps, base::Registry& metrics, const std::string& source);

  // `done` is called before it returns, with the sequence that the batch will be sent under. While the queue is full it
  // waits.
  // Errors: what the queue gives; kOverloaded and kFull only after stop().
  void write(contract::Write write, Done done) override;
  void stop() override { stop_ = true; }

 private:
  Status keep(model::Batch& batch, contract::Ack& ack);
  Result<uint64_t> append(const std::string& entry, uint32_t rows, const std::string& counts);

  contract::Queue& queue_;
  const Steps steps_;
  base::Counter& received_;
  base::Registry& metrics_;
  const std::string source_;
  columnar::BatchEncoder encoder_;
  SourceCounts counts_;  // as the queue has them
  std::atomic<bool> stop_{false};
};

}  // namespace clew::collect
