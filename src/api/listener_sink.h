// ListenerSink of a server: a listener's batches go the way of every received event.
#pragma once

#include <string>

#include "api/ingest.h"
#include "base/mutex.h"
#include "collect/listener.h"
#include "contract/access.h"
#include "logstore/log_store.h"

namespace clew::api {

// Threads:  as collect::ListenerSink says.
// Lifetime: ingest, store and book outlive it, and it every write.
class IngestSink final : public collect::ListenerSink {
 public:
  // `source` is the label in counters; what it takes is written with `access`.
  IngestSink(Ingest& ingest, const logstore::LogStore& store, SourceBook& book, const std::string& source,
             contract::Access access)
      : ingest_(ingest), store_(store), counters_(book, source), access_(std::move(access)) {}

  // Waits while the store is behind or its disk is full.
  void write(contract::Write write, Done done) override;
  void stop() override;

 private:
  void wait_for_room();

  Ingest& ingest_;
  const logstore::LogStore& store_;
  SourceCounters counters_;
  const contract::Access access_;
  base::Mutex mutex_;
  base::CondVar wake_;
  bool stopped_ CLEW_GUARDED_BY(mutex_) = false;
};

}  // namespace clew::api
