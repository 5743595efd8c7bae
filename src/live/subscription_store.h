// Named places in the feed, kept on disk: what a subscriber has acknowledged (docs/formats/subscriptions.md).
//
// Invariants:
//   S1. acknowledge() answers ok only when the place is on disk; it never goes back.
//   S2. A record that is torn or damaged costs itself and no other; what was answered ok is torn by no crash.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/ids.h"
#include "base/mutex.h"
#include "base/result.h"
#include "os/clock.h"
#include "os/disk.h"

namespace clew::live {

constexpr size_t kSubscriptionsMax = 1000;  // of a tenant
constexpr size_t kSubscriptionNameBytesMax = 200;
constexpr size_t kSubscriptionQueryBytesMax = 64u << 10;

struct Subscription {
  std::string tenant;
  std::string name;
  std::string query;
  uint64_t acked = 0;         // every event up to this _seq was processed
  int64_t created_nanos = 0;  // UTC
  int64_t acked_nanos = 0;    // of the last acknowledgement; 0: none
  uint64_t epoch = 0;         // another one when it was deleted and made again
  friend bool operator==(const Subscription&, const Subscription&) = default;
};

// The bytes of one record of the log, frame included; for tests of the format.
std::string encode_put(const Subscription& subscription);
std::string encode_ack(const Subscription& subscription);
std::string encode_remove(const std::string& tenant, const std::string& name);
std::string encode_log_header(uint64_t generation);

// Threads:  all functions on any thread; those that change something wait for the disk, one at a time, as their records
//           must lie on it in the order in which they take effect.
// Lifetime: disk and clock outlive it.
class SubscriptionStore {
 public:
  // Places behind `committed` are of a store that is gone: they are set back to it.
  // A log without a whole header is set aside as `.damaged`; the server must start all the same.
  // Errors: kUnsupported for a newer log; kIo, kFull.
  static Result<std::unique_ptr<SubscriptionStore>> open(os::Disk& disk, const os::Clock& clock, std::string dir,
                                                         Seq committed);

  // Logs that were set aside by open().
  uint32_t damaged_logs() const { return damaged_logs_; }

  std::vector<Subscription> list(const std::string& tenant) const;
  // Errors: kNotFound.
  Result<Subscription> find(const std::string& tenant, const std::string& name) const;
  // Gives the one that is there, when it has the same query, or makes it; `second` tells whether it was made.
  // Errors: kInvalid for a name or query that is too long or has control characters; kExists when it is there with
  // another
  //         query; kOverloaded beyond kSubscriptionsMax; kIo, kFull.
  Result<std::pair<Subscription, bool>> create(const std::string& tenant, const std::string& name,
                                               const std::string& query, Seq start);
  // Errors: kNotFound, kIo, kFull.
  Result<Subscription> acknowledge(const std::string& tenant, const std::string& name, Seq up_to);
  // Errors: kNotFound, kIo, kFull.
  Status remove(const std::string& tenant, const std::string& name);

 private:
  using Key = std::pair<std::string, std::string>;  // tenant, name
  using All = std::map<Key, Subscription>;
  SubscriptionStore(os::Disk& disk, const os::Clock& clock, std::string dir)
      : disk_(disk), clock_(clock), dir_(std::move(dir)) {}
  Status load(Seq committed);
  Status read_log(std::string_view bytes);
  Status begin_generation(const All& all) CLEW_REQUIRES(write_mutex_);
  // Makes a change durable, then visible.
  Status change(const std::string& record, const std::function<void(All&)>& apply) CLEW_REQUIRES(write_mutex_);
  Status check_new(const std::string& tenant, const std::string& name, const std::string& query) const;

  os::Disk& disk_;
  const os::Clock& clock_;
  const std::string dir_;
  uint32_t damaged_logs_ = 0;
  base::Mutex write_mutex_;                                      // before mutex_
  std::unique_ptr<os::File> log_ CLEW_GUARDED_BY(write_mutex_);  // null: a new generation is due
  uint64_t generation_ CLEW_GUARDED_BY(write_mutex_) = 0;
  std::vector<uint64_t> old_ CLEW_GUARDED_BY(write_mutex_);  // generations whose files may be there
  uint64_t end_ CLEW_GUARDED_BY(write_mutex_) = 0;
  uint64_t first_end_ CLEW_GUARDED_BY(write_mutex_) = 0;  // behind the records that the generation began with
  mutable base::Mutex mutex_;
  All all_ CLEW_GUARDED_BY(mutex_);
  uint64_t next_epoch_ CLEW_GUARDED_BY(mutex_) = 1;
};

}  // namespace clew::live
