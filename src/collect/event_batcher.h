// EventBatcher: what a listener takes from all of its peers becomes batches of one dataset, and these go to a sink.
//
// A batch goes when it is full, when its first event has waited long enough, or at once when somebody waits for an
// acknowledgement and no other batch is on its way: a crowd that waits shares the next one. While the sink has not
// answered for kInFlightMax batches and another is full nothing is read any more, so that senders come to wait.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "base/metrics.h"
#include "base/mutex.h"
#include "base/result.h"
#include "contract/event_sink.h"
#include "model/batch.h"
#include "net/socket_loop.h"
#include "os/clock.h"
#include "text/time_format.h"
#include "wire/json_event.h"
#include "wire/row_writer.h"

namespace clew::collect {

struct BatcherOptions {
  std::string source;  // the label in counters
  std::string dataset = "logs";
  text::Zone zone;  // of times that do not say theirs
  uint32_t rows_max = 8192;
  size_t bytes_max = 4 << 20;  // as received
  uint32_t wait_ms = 100;
};

// Threads:  the loop's; it has one of its own that writes (`clew-sink`), on which the sink is called.
// Lifetime: sink, clock, loop and metrics outlive it, and it outlives the loop's run().
class EventBatcher {
 public:
  static constexpr uint32_t kInFlightMax = 2;

  EventBatcher(BatcherOptions options, contract::EventSink& sink, const os::Clock& clock, net::SocketLoop& loop,
               base::Registry& metrics);
  ~EventBatcher();

  // What rows are written with; always attached to the batch being made.
  wire::RowWriter& rows() { return rows_; }
  wire::JsonEventReader& json() { return json_; }
  const text::Zone& zone() const { return options_.zone; }

  // To be called before the rows of a read: gives the time of their arrival, which is theirs unless they have one.
  int64_t arrive();
  // To be called after: how many events of how many bytes were added, and how many were refused, for one reason.
  void added(uint32_t rows, size_t bytes);
  void rejected(std::string_view reason, uint64_t events);
  // The batch being made; asked before the first of some rows, to wait for all of them.
  uint64_t number() const { return number_; }
  // Calls on the loop's thread once everything added since batch `first` was the one being made is stored, or something
  // of it could not be; in the order of the calls.
  using Stored = std::function<void(const Status& status)>;
  void when_stored(uint64_t first, Stored stored);

  // Calls once on the loop's thread, so much later.
  void after(uint32_t ms, std::function<void()> call) { loop_.after(ms, std::move(call)); }
  // Calls on the loop's thread; on any thread.
  void post(std::function<void()> call) { loop_.post(std::move(call)); }
  // Of all peers: off while what they send has no place to go.
  void set_reading(bool on) { loop_.set_reading(on); }

  // Sends what there is, and calls when everything was answered.
  void finish(std::function<void()> finished);

 private:
  struct Waiting {
    uint64_t first = 0;
    Stored stored;
  };
  struct Outgoing {
    uint64_t number = 0;
    uint32_t rows = 0;
    contract::Write write;
    std::vector<Waiting> waiting;
    bool answered = false;
    Status status;
  };
  using OutgoingPtr = std::shared_ptr<Outgoing>;

  bool has_work() const { return batch_->rows() > 0 || !waiting_.empty(); }
  void begin_batch();
  void flush_if_due();
  void flush();
  void write_all(const std::stop_token& stop);
  void write_one(const OutgoingPtr& out);
  void on_answer(const OutgoingPtr& out);
  void deliver();
  void pause_after_failure();

  const BatcherOptions options_;
  contract::EventSink& sink_;
  const os::Clock& clock_;
  net::SocketLoop& loop_;
  base::Registry& metrics_;
  base::Counter& received_;
  wire::RowWriter rows_;
  wire::JsonEventReader json_{rows_};
  std::unique_ptr<model::Batch> batch_;
  uint64_t number_ = 0;  // of the batch
  size_t bytes_ = 0;     // of its events, as received
  size_t last_bytes_ = 0;
  int64_t arrival_ = 0;             // of the events of this read
  bool timed_out_ = false;          // its first event has waited long enough
  bool asked_at_once_ = false;      // a flush is posted
  std::vector<Waiting> waiting_;    // for it
  std::deque<OutgoingPtr> flying_;  // in the order of their sending
  uint64_t last_failed_ = 0;        // the batch that could not be stored
  Status failure_;                  // and why
  bool failing_ = false;            // reading pauses because the sink took nothing
  std::function<void()> finished_;

  base::Mutex mutex_;
  base::CondVar wake_;
  std::deque<OutgoingPtr> to_write_ CLEW_GUARDED_BY(mutex_);
  std::jthread writer_;  // last: it uses the others
};

}  // namespace clew::collect
