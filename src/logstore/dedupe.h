// Which batch keys were stored, so that a repeated write gets its first answer again.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/metrics.h"
#include "base/mutex.h"
#include "contract/event_sink.h"

namespace clew::logstore {

// Keys are known by a 128-bit hash: two different ones meet with a chance of 1e-26 among a million.
//
// Threads: all functions on any thread.
class Dedupe {
 public:
  // `keys_max` newest keys are kept; `evicted` counts the others.
  Dedupe(uint32_t keys_max, base::Counter& evicted) : keys_max_(keys_max), evicted_(evicted) {}

  enum class Verdict : uint8_t {
    kNew,      // go on, and call finish() or abort()
    kStored,   // `answer` is filled
    kWaiting,  // the same key is being written: `done` will be called with its answer
  };
  Verdict begin(const std::string& tenant, const contract::BatchKey& key, contract::EventSink::Done& done,
                contract::Ack& answer);
  // The write is durable; gives those who wait for it.
  std::vector<contract::EventSink::Done> finish(const std::string& tenant, const contract::Ack& answer);
  // The write failed; gives those who wait for it.
  std::vector<contract::EventSink::Done> abort(const std::string& tenant, const contract::BatchKey& key);
  // A key found at start.
  void restore(const std::string& tenant, const contract::Ack& answer);
  uint64_t keys_count() const;

 private:
  struct Hash128 {
    uint64_t a = 0;
    uint64_t b = 0;
    friend bool operator==(const Hash128&, const Hash128&) = default;
  };
  struct HashOf {
    size_t operator()(const Hash128& h) const { return h.a; }
  };
  struct Stored {
    uint64_t first_seq = 0;
    uint32_t rows = 0;
    std::shared_ptr<const std::vector<contract::CreateRow>> conflicts;
  };
  static Hash128 hash_of(const std::string& tenant, const contract::BatchKey& key);
  void remember(const Hash128& hash, const contract::Ack& answer) CLEW_REQUIRES(mutex_);

  const uint32_t keys_max_;
  base::Counter& evicted_;
  mutable base::Mutex mutex_;
  std::unordered_map<Hash128, Stored, HashOf> stored_ CLEW_GUARDED_BY(mutex_);
  std::deque<Hash128> order_ CLEW_GUARDED_BY(mutex_);  // oldest first
  std::unordered_map<Hash128, std::vector<contract::EventSink::Done>, HashOf> writing_ CLEW_GUARDED_BY(mutex_);
};

}  // namespace clew::logstore
