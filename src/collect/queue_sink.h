// QueueSink: a listener's batches become entries of the agent's queue.
#pragma once

#include <atomic>
#include <functional>

#include "collect/listener.h"
#include "columnar/part.h"
#include "contract/queue.h"
#include "model/batch.h"

namespace clew::collect {

// Threads:  write on one thread, which it keeps until the batch is durable; stop on any.
// Lifetime: the queue outlives it.
class QueueSink final : public ListenerSink {
 public:
  // `clean` takes secrets away before anything is kept.
  QueueSink(contract::Queue& queue, std::function<void(model::Batch&)> clean, base::Registry& metrics,
            const std::string& source);

  // `done` is called before it returns, with the sequence that the batch will be sent under. While the queue is full it
  // waits.
  // Errors: what the queue gives; kOverloaded and kFull only after stop().
  void write(contract::Write write, Done done) override;
  void stop() override { stop_ = true; }

 private:
  Result<uint64_t> append(const std::string& encoded, uint32_t rows);

  contract::Queue& queue_;
  const std::function<void(model::Batch&)> clean_;
  base::Counter& received_;
  base::Registry& metrics_;
  const std::string source_;
  columnar::BatchEncoder encoder_;
  std::atomic<bool> stop_{false};
};

}  // namespace clew::collect
