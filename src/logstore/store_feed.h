// The store as a feed: parts and segments by _seq.
#pragma once

#include <atomic>
#include <memory>
#include <vector>

#include "base/mutex.h"
#include "contract/event_feed.h"
#include "logstore/catalog.h"

namespace clew::logstore {

// Threads:  all functions on any thread.
// Lifetime: the catalog outlives it.
class StoreFeed final : public contract::EventFeed {
 public:
  explicit StoreFeed(const Catalog& catalog) : catalog_(catalog) {}

  Seq committed() const override { return Seq(catalog_.up_to()); }
  contract::FeedPiece read(const contract::Access& access, contract::SeqRange range) override;
  uint64_t names_version() const override { return catalog_.names_version(); }
  void ring_on_commit(std::weak_ptr<contract::Bell> bell) override;

  // A commit was published. Cost: an atomic load while nobody listens.
  void ring();

 private:
  const Catalog& catalog_;
  std::atomic<bool> has_bells_{false};
  base::Mutex mutex_;
  std::vector<std::weak_ptr<contract::Bell>> bells_ CLEW_GUARDED_BY(mutex_);
};

}  // namespace clew::logstore
