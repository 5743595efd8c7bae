// The way of every received event: decoded, redacted, written, counted. For each source received = stored + duplicate +
// dropped + rejected once the write is answered.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "api/dataset_pipelines.h"
#include "api/flag_counts.h"
#include "api/redaction.h"
#include "api/source_book.h"
#include "base/metrics.h"
#include "base/mutex.h"
#include "base/result.h"
#include "contract/event_sink.h"
#include "os/clock.h"
#include "wire/intake.h"

namespace clew::api {

// Counters of one source ("bulk", "otlp_logs" ...).
class SourceCounters {
 public:
  // Counted in metrics alone.
  SourceCounters(base::Registry& metrics, std::string source);
  // And in the ledger, under the same name. Lifetime: the book outlives it.
  SourceCounters(SourceBook& book, const std::string& source) : SourceCounters(book.metrics(), source) {
    kept_ = &book.of(source);
  }

  void received(uint64_t events) {
    received_.add(events);
    if (kept_ != nullptr) kept_->received(events);
  }
  // Counts what a decoder left out, by its reasons.
  void rejected(const wire::Events& events);
  void rejected(std::string_view reason, uint64_t events);
  // Counts what a rule of a pipeline took away.
  void dropped(std::string_view rule, uint64_t events);
  // Counts how a write of `rows` events ended, of which so many have flags.
  void written(uint64_t rows, const FlagCounts& flags, const Result<contract::Ack>& result);

 private:
  base::Registry& metrics_;
  std::string source_;
  SourceTally* kept_ = nullptr;
  base::Counter& received_;
  base::Counter& stored_;
  base::Counter& duplicate_;
};

// "PRODUCER:SEQUENCE" of the header or gRPC metadata Clew-Batch; nothing when it is empty.
// Errors: kInvalid.
Result<std::optional<contract::BatchKey>> parse_batch_key(std::string_view text);

// The counts and rejections of `events` without its batches: what replies are made of once the batches are gone.
wire::Events counts_of(const wire::Events& events);

// What there is to write of one request.
struct Incoming {
  contract::Access access;
  std::optional<contract::BatchKey> key;
  wire::Events events;  // counters and rejections are counted here
  std::vector<contract::CreateRow> creates;
};

// Keeps decoders for reuse: their memory and what they remember of a client's documents is worth keeping.
//
// Threads: any; what take() gives belongs to the caller until it goes.
template <class Decoder>
class DecoderPool {
 public:
  struct GiveBack {
    DecoderPool* pool = nullptr;
    void operator()(Decoder* decoder) const { pool->give(decoder); }
  };
  using Ptr = std::unique_ptr<Decoder, GiveBack>;

  Ptr take() {
    base::MutexLock lock(mutex_);
    if (idle_.empty()) return Ptr(new Decoder(), GiveBack{this});
    Decoder* decoder = idle_.back().release();
    idle_.pop_back();
    return Ptr(decoder, GiveBack{this});
  }

 private:
  void give(Decoder* decoder) {
    base::MutexLock lock(mutex_);
    idle_.emplace_back(decoder);
  }
  base::Mutex mutex_;
  std::vector<std::unique_ptr<Decoder>> idle_ CLEW_GUARDED_BY(mutex_);
};

// Threads:  all functions on any thread.
// Lifetime: sink and clock outlive it; it outlives every write.
class Ingest {
 public:
  Ingest(contract::EventSink& sink, const os::Clock& clock) : sink_(sink), clock_(clock) {}

  UnixNanos now() const { return clock_.now(); }
  const os::Clock& clock() const { return clock_; }

  // From now on events are redacted so; without a call nothing is.
  void set_redaction(std::shared_ptr<const Redaction> redaction);
  // From now on events of these datasets pass these pipelines before they are redacted; without a call none do.
  void set_pipelines(std::shared_ptr<const DatasetPipelines> pipelines);
  // What a decoder made of a body, without secrets in what it says of items or of the whole.
  Result<wire::Events> clean(Result<wire::Events> events) const;
  Error clean(const Error& error) const;
  std::string clean_text(std::string text) const;

  // Runs pipelines, redacts, counts and writes. `done` gets null when there was nothing to write, else the answer of
  // the store; on the caller's thread or one of the store's.
  using Done = std::function<void(const contract::Ack* ack, const Error* error)>;
  void write(SourceCounters& counters, Incoming incoming, Done done);

 private:
  std::shared_ptr<const Redaction> redaction() const;
  void run_pipelines(SourceCounters& counters, Incoming& incoming) const;

  contract::EventSink& sink_;
  const os::Clock& clock_;
  mutable base::Mutex mutex_;
  std::shared_ptr<const Redaction> redaction_ CLEW_GUARDED_BY(mutex_);
  std::shared_ptr<const DatasetPipelines> pipelines_ CLEW_GUARDED_BY(mutex_);
};

}  // namespace clew::api
