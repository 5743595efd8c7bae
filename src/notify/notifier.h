// Notifier: takes alerts, groups them, and tells receivers, once.
//
// Invariants:
//   N1. post() returns when the alerts are on disk: a restart does not forget one that was taken.
//   N2. A notification that was accepted is on disk before the next of its group and channel can begin.
//   N3. One notification at a time of a group and channel.
//   N4. Waits and intervals count time that passes; the wall clock may jump and neither pages nor silences. Silences
//   and
//       time intervals hold by the wall clock, as people mean them.
//   N5. What is written to disk is written in the order in which it happened: write_mutex_ is taken before mutex_.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "base/metrics.h"
#include "base/mutex.h"
#include "contract/alert_sink.h"
#include "notify/bell.h"
#include "notify/config.h"
#include "notify/records.h"
#include "notify/sender.h"
#include "notify/silences.h"
#include "notify/state_log.h"
#include "os/clock.h"
#include "os/disk.h"

namespace clew::notify {

using ConfigPtr = std::shared_ptr<const Config>;

struct NotifierParts {
  os::Disk& disk;
  const os::Clock& clock;
  os::Rng& rng;
  base::Registry& metrics;
  std::function<std::unique_ptr<Sender>()> make_sender;  // one for each thread that sends
};

struct NotifierOptions {
  std::string dir;
  std::string external_url;
  std::string heartbeat_url;  // called at heartbeat_ns; empty: none
  uint64_t heartbeat_ns = 60'000'000'000;
};

// What is known of an alert at this moment.
struct AlertState {
  StoredAlert alert;
  Muting muting;
  bool processed = false;  // a group has taken it
  std::vector<std::string> receivers;
};
struct GroupState {
  std::string key;
  std::string receiver;
  Labels labels;
  std::optional<GroupCare> care;
  std::string escalate_to;
  std::vector<AlertState> alerts;
};
struct Delivery {
  UnixNanos at;
  std::string receiver;
  std::string channel;  // "webhook"
  uint32_t index = 0;
  std::string group_key;
  uint32_t firing = 0;
  uint32_t resolved = 0;
  uint32_t attempt = 0;  // from 1
  bool ok = false;
  bool again = false;  // failed, and will be tried again
  int status = 0;
  std::string error;
};

// Threads:  all functions on any thread.
// Lifetime: the parts outlive it.
class Notifier final : public contract::AlertSink {
 public:
  // Errors: what the state's journal says.
  static Result<std::unique_ptr<Notifier>> open(NotifierParts parts, NotifierOptions options, ConfigPtr config);
  ~Notifier() override;

  void post(std::span<const contract::Alert> alerts) override;
  // As post; gives what was refused, and what keeps the disk from taking them.
  Result<std::vector<std::string>> take(std::span<const contract::Alert> alerts);

  // Threads that dispatch and send. Without them a test calls step() and send_one().
  void start();
  void stop();
  // Does what is due; gives after how many nanoseconds something is due again.
  uint64_t step();
  // Sends one notification that is due; false when there is none.
  bool send_one(Sender& sender);

  void set_config(ConfigPtr config);
  ConfigPtr config() const;

  std::vector<AlertState> alerts() const;  // that hold, by fingerprint
  std::vector<GroupState> groups() const;
  std::vector<Silence> silences() const;
  std::optional<Silence> silence(const std::string& id) const;
  // Gives the id.  Errors: kInvalid, kNotFound, kLimit; kIo and the like when it could not be kept.
  Result<std::string> set_silence(Silence silence);
  Status expire_silence(const std::string& id);
  // No escalation and no repetition of the group until it is resolved.  Errors: kNotFound.
  Status acknowledge(const std::string& group_key, const std::string& by, const std::string& comment);
  // Sends a test by every channel of the receiver, on the caller's thread.  Errors: kNotFound.
  Result<std::vector<Delivery>> test_receiver(const std::string& receiver);
  std::vector<Delivery> deliveries() const;  // the newest last
  UnixNanos now() const { return parts_.clock.now(); }
  UnixNanos started_at() const { return started_at_; }
  uint64_t damaged_records() const { return damaged_; }
  // Why the last write of the state failed; ok while they succeed.
  Status health() const;

 private:
  struct Job;
  struct Group {
    size_t route = 0;
    Labels labels;
    std::string key;
    std::set<uint64_t> members;  // fingerprints of alerts_
    uint64_t next_ns = 0;        // of the monotonic clock
    bool flushed = false;
    uint32_t jobs_open = 0;
    bool jobs_failed = false;
    std::vector<std::pair<uint64_t, UnixNanos>> resolved_in_flush;
  };
  using GroupId = std::pair<size_t, std::string>;  // route and labels
  struct ChannelHealth {
    bool failing = false;
    uint64_t failed_ns = 0;  // when last
    uint32_t sending = 0;
    std::string receiver;
    std::string channel;
    std::string error;
  };

  Notifier(NotifierParts parts, NotifierOptions options, ConfigPtr config);
  Status restore();
  void add_gauges();
  // Writes and remembers why it failed.  Requires: write_mutex_ held.
  Status write_records(const std::vector<std::string>& records);

  // Requires of those below: mutex_ held.
  UnixNanos observe_clock();
  void insert(const StoredAlert& alert, UnixNanos now);
  void insert_into(size_t route, const StoredAlert& alert, UnixNanos now);
  void regroup(UnixNanos now);
  void store_alert(StoredAlert alert, UnixNanos now, std::vector<std::string>& records);
  Muting muting_of(const Labels& labels, UnixNanos now) const;
  bool muted_by_time(const Route& route, UnixNanos now) const;
  void flush(Group& group, UnixNanos now, std::vector<std::string>& records);
  std::vector<std::string> receivers_of(const Group& group) const;
  void make_jobs(Group& group, const std::string& receiver, const std::vector<NotifiedAlert>& alerts, UnixNanos now,
                 std::vector<std::string>& records);
  void finish_flush(Group& group, std::vector<std::string>& records);
  void escalate(Group& group, UnixNanos now, std::vector<std::string>& records);
  void collect(UnixNanos now, std::vector<std::string>& records);
  void note_failing(const Job& job, const Outcome& outcome, UnixNanos now, std::vector<std::string>& records);
  void finish_job(Job& job, const Outcome& outcome, UnixNanos now, std::vector<std::string>& records);
  void remember(const Job& job, const Outcome& outcome, bool again, UnixNanos now);
  void keep_delivery(const Delivery& delivery);
  void tell_acknowledged(const Group& group, const std::string& by, UnixNanos now);
  AlertState state_of(const StoredAlert& alert, UnixNanos now) const;
  std::shared_ptr<Job> due_job();
  uint64_t wait_ns(uint64_t mono) const;
  bool on_its_way(const Group& group) const;
  void log_success(const Job& job, const Outcome& outcome, UnixNanos now, std::vector<std::string>& records);

  void post_failing(const ChannelHealth& channel, UnixNanos ends_at, UnixNanos now, std::vector<std::string>& records);
  Records all_records() const;

  void beat(Sender& sender);
  void run_dispatch(const std::stop_token& stop);
  void run_sender(const std::stop_token& stop);
  void start_senders();

  NotifierParts parts_;
  const NotifierOptions options_;
  UnixNanos started_at_;
  uint64_t damaged_ = 0;

  base::Mutex write_mutex_;
  std::unique_ptr<StateLog> log_ CLEW_GUARDED_BY(write_mutex_);

  mutable base::Mutex mutex_;
  ConfigPtr config_ CLEW_GUARDED_BY(mutex_);
  std::map<uint64_t, StoredAlert> alerts_ CLEW_GUARDED_BY(mutex_);
  std::map<GroupId, Group> groups_ CLEW_GUARDED_BY(mutex_);
  Silences silences_ CLEW_GUARDED_BY(mutex_);
  std::map<std::string, LogEntry> sent_ CLEW_GUARDED_BY(mutex_);
  std::map<std::string, GroupCare> care_ CLEW_GUARDED_BY(mutex_);
  std::list<std::shared_ptr<Job>> jobs_ CLEW_GUARDED_BY(mutex_);
  std::map<std::string, ChannelHealth> channels_ CLEW_GUARDED_BY(mutex_);  // by receiver, kind, index
  std::deque<Delivery> deliveries_ CLEW_GUARDED_BY(mutex_);
  int64_t wall_seen_ CLEW_GUARDED_BY(mutex_) = 0;
  uint64_t mono_seen_ CLEW_GUARDED_BY(mutex_) = 0;
  bool whole_due_ CLEW_GUARDED_BY(mutex_) = false;  // the whole state is to be written anew
  uint64_t next_beat_ns_ CLEW_GUARDED_BY(mutex_) = 0;
  bool beating_ CLEW_GUARDED_BY(mutex_) = false;
  uint64_t next_collect_ns_ CLEW_GUARDED_BY(mutex_) = 0;
  Status health_ CLEW_GUARDED_BY(mutex_);

  Bell dispatch_bell_;
  Bell send_bell_;
  bool started_ = false;
  std::atomic<bool> stopping_{false};
  std::jthread dispatcher_;
  std::vector<std::jthread> senders_;
};

}  // namespace clew::notify
