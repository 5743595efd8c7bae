// Lists: the standing lists of a configuration, kept from the feed.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/metrics.h"
#include "base/mutex.h"
#include "base/result.h"
#include "contract/event_feed.h"
#include "feed/worker.h"
#include "os/clock.h"
#include "topk/redis_lists.h"
#include "topk/standing_list.h"

namespace clew::topk {

// Lifetime: all outlive the lists.
struct ListServices {
  const os::Clock& clock;
  contract::EventSource& source;
  contract::EventFeed& feed;
  base::Registry& metrics;
};

// Threads: answer() and options() on any; the rest on one.
class Lists {
 public:
  // `redis`: where they are kept too; null: nowhere. Errors: those of StandingList::make, with the list's name.
  static Result<std::unique_ptr<Lists>> make(ListServices services, const std::vector<ListOptions>& options,
                                             std::unique_ptr<RedisLists> redis);

  // Builds them from what is stored at first, then reads a piece of the feed, and writes to Redis what has changed.
  feed::Worker::Next work_once();

  // Over the window that ends now. Errors: kNotFound; kUnavailable until they are built.
  Result<TopAnswer> answer(const std::string& name) const;
  std::vector<ListOptions> options() const;

 private:
  Lists(ListServices services, std::unique_ptr<RedisLists> redis);
  Status build();
  // True when there is more.
  Result<bool> read_window();
  void take(feed::Block& block) CLEW_REQUIRES(mutex_);
  void write_redis(uint64_t now_ns);

  const ListServices services_;
  const std::unique_ptr<RedisLists> redis_;
  base::Counter& failures_;
  base::Counter& left_out_;
  mutable base::Mutex mutex_;
  std::map<std::string, std::unique_ptr<StandingList>> lists_ CLEW_GUARDED_BY(mutex_);
  std::vector<ListOptions> options_;
  bool built_ CLEW_GUARDED_BY(mutex_) = false;
  Seq place_;
  uint64_t redis_due_ns_ = 0;
};

}  // namespace clew::topk
