// One way out of the queue: reads entries in order, sends several at a time, and tries each until it is stored or
// refused. Where it has several endpoints it sends to the first that answers.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "base/metrics.h"
#include "base/mutex.h"
#include "collect/delivery_watch.h"
#include "collect/otlp_output.h"
#include "collect/queue_entry.h"
#include "collect/refused_batches.h"
#include "contract/queue.h"
#include "net/http_client.h"
#include "os/clock.h"

namespace clew::collect {

struct ShipEndpoint {
  std::string url;  // "http://HOST:PORT", with the server's --base-path when it has one; no slash at the end
  std::vector<std::pair<std::string, std::string>> headers;  // sent with each batch, say Authorization
  // Another server than clew: it gets OTLP's log records, and keeps no key by which it knows a repetition.
  bool otlp = false;
  bool gzip = true;  // of requests to it
};

struct ShipLimits {
  uint32_t in_flight_max = 16;  // requests at a time, to one endpoint
  uint32_t call_timeout_ms = 30'000;
  uint32_t backoff_first_ms = 200;  // after a first failure; doubled with each further one
  uint32_t backoff_max_ms = 30'000;
};

struct ShipParts {
  contract::Queue& queue;
  const os::Clock& clock;
  os::Rng& rng;
  base::Registry& metrics;
  std::function<std::unique_ptr<net::HttpClient>()> make_client = net::make_http_client;
  std::function<void(const std::string&)> say = nullptr;  // a line for people; on a thread of the shipper
};

// How an endpoint does, for health pages.
struct ShipEndpointState {
  std::string url;
  bool answers = true;     // false while its last answer was a failure
  bool refuses = false;    // that failure was a no (401, 403, 404, a certificate): somebody must change something
  std::string last_error;  // of the failures in a row; empty when it answers
};

// Threads:  all functions on any thread; up to in_flight_max of its own, named clew-ship, made as they are needed.
// Lifetime: what `parts` names, `refused` and `watch` outlive it.
class ShipLane {
 public:
  // `progress` is called after done_up_to() rose, on a thread of the lane.
  ShipLane(ShipParts parts, ShipLimits limits, std::vector<ShipEndpoint> endpoints, RefusedBatches& refused,
           DeliveryWatch& watch, std::function<void()> progress);
  ~ShipLane();
  ShipLane(const ShipLane&) = delete;
  ShipLane& operator=(const ShipLane&) = delete;

  void start();
  // Begins nothing new; what is in flight may end until stop().
  void begin_stop();
  // Waits for what is in flight until `deadline` of the monotonic clock, ends it then, and joins the threads.
  void stop(uint64_t deadline_ns);

  // All entries up to this offset are stored or refused.
  uint64_t done_up_to() const;
  // Requests that may be in flight at a time just now.
  uint32_t in_flight_limit() const;
  std::vector<ShipEndpointState> endpoints() const;

 private:
  struct Target {
    ShipEndpoint endpoint;
    uint32_t failures = 0;         // in a row
    uint64_t closed_until_ns = 0;  // not asked before, while there are failures
    bool busy = false;             // the last failure was that it has too much to do: it is waited for
    bool probing = false;          // one request finds out whether it answers again
    bool refuses = false;          // the last failure was one that waiting does not mend
    uint64_t failing_since_ns = 0;
    uint64_t told_ns = 0;  // when the failures were told last
    std::string last_error;
    base::Counter* sent_events = nullptr;
    base::Counter* sent_bytes = nullptr;
    base::Counter* stored_events = nullptr;
    base::Counter* duplicate_events = nullptr;
    base::Counter* left_out_events = nullptr;  // by partial success
  };
  // An entry on its way, in the forms that endpoints take, each made when it is first asked for.
  struct Parcel {
    const contract::QueueEntry& entry;
    std::optional<EntryBody> batches = std::nullopt;
    std::optional<Result<OtlpRequests>> otlp = std::nullopt;
  };
  enum class Verdict : uint8_t {
    kStored,
    kRefused,  // the batch itself is bad
    kBusy,     // too much to do, or too slow: fewer at a time
    kFailed,   // does not answer, or not as it should
    kDenied,   // says no to us, whatever the batch: a wrong key, a wrong address. Tried on, and told loudly
  };
  struct Answer {
    Verdict verdict = Verdict::kFailed;
    std::string reason = {};  // label of counters
    std::string text = {};    // for people
    uint64_t duplicate = 0;
    uint64_t retry_after_ms = 0;
  };

  void work();
  std::optional<contract::QueueEntry> next_entry();
  bool deliver(net::HttpClient& client, const contract::QueueEntry& entry);
  std::optional<size_t> pick_target();
  Answer attempt(net::HttpClient& client, const Target& target, Parcel& parcel) const;
  Answer attempt_otlp(net::HttpClient& client, const Target& target, Parcel& parcel) const;
  static Answer answer_of(const Result<net::HttpReply>& reply);
  static Answer judge(const net::HttpReply& reply);
  void note(size_t which, const Answer& answer, uint64_t begun_ns);
  void note_failure(Target& target, const Answer& answer, uint64_t begun_ns) CLEW_REQUIRES(mutex_);
  std::string failure_to_tell(Target& target, const Answer& answer) CLEW_REQUIRES(mutex_);
  void add_gauges(size_t which);
  void set_aside(const Target& target, const contract::QueueEntry& entry, const Answer& answer);
  void finish(uint64_t offset);
  void grow() CLEW_REQUIRES(mutex_);
  void wait(std::chrono::nanoseconds at_most) CLEW_REQUIRES(mutex_);

  const ShipParts parts_;
  const ShipLimits limits_;
  RefusedBatches& refused_;
  DeliveryWatch& watch_;
  const std::function<void()> progress_;

  mutable base::Mutex mutex_;
  base::CondVar changed_;
  std::vector<Target> targets_;  // fixed in number; state guarded by mutex_
  std::vector<std::jthread> threads_ CLEW_GUARDED_BY(mutex_);
  std::set<uint64_t> outstanding_ CLEW_GUARDED_BY(mutex_);  // offsets read and not done
  uint64_t next_ CLEW_GUARDED_BY(mutex_) = 1;               // to be read from here
  uint32_t in_flight_ CLEW_GUARDED_BY(mutex_) = 0;
  double limit_ CLEW_GUARDED_BY(mutex_) = 1;         // requests at a time: rises by one a round, halved when told
  uint64_t lowered_ns_ CLEW_GUARDED_BY(mutex_) = 0;  // when limit_ was halved last
  bool reading_ CLEW_GUARDED_BY(mutex_) = false;     // one thread reads the queue at a time
  bool stopping_ CLEW_GUARDED_BY(mutex_) = false;
  std::atomic<bool> cancelled_{false};
};

}  // namespace clew::collect
