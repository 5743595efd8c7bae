// The committer: takes encoded writes from any thread, makes whatever waits durable with one sync, publishes it,
// answers.
#pragma once

#include <cstdint>
#include <string>
#include <thread>
#include <vector>

#include "base/mutex.h"
#include "columnar/part.h"
#include "contract/event_sink.h"
#include "logstore/commit.h"
#include "logstore/engine.h"

namespace clew::logstore {

// A write that is ready for the journal.
struct PendingWrite {
  Commit commit;                   // without its _seqs and time
  std::vector<std::string> parts;  // encoded, one for each of commit.parts
  std::vector<uint32_t> crcs;
  std::vector<columnar::IdFiltersPtr> ids;                   // by part; null when it has none
  std::vector<std::pair<std::string, std::string>> created;  // dataset and `_id` noted for it, taken back on failure
  contract::EventSink::Done done;
  uint64_t bytes = 0;
};

// Threads:  submit on any thread; with a thread of its own it commits there, else commit_pending() does on the
// caller's. Lifetime: engine outlives it. The destructor answers everything that waits.
class Committer {
 public:
  Committer(Engine& engine, bool own_thread);
  ~Committer();
  Committer(const Committer&) = delete;
  Committer& operator=(const Committer&) = delete;

  // Errors: kOverloaded when too much waits, kUnavailable after close(); nothing was taken then.
  Status submit(PendingWrite& write);
  // Answers a write with an error; also those who wait for its key.
  void refuse(PendingWrite& write, const Error& error);
  // True while there is room for another write.
  bool has_room() const;
  void commit_pending();
  // Commits what waits and takes no more.
  void close();

 private:
  void run(const std::stop_token& stop);
  std::vector<PendingWrite> take_group();
  void commit_group(std::vector<PendingWrite>& group);
  Status append_group(std::vector<PendingWrite>& group, std::vector<std::pair<DatasetKey, PartPtr>>& published);
  void open_parts(PendingWrite& write, const journal::Place& place,
                  std::vector<std::pair<DatasetKey, PartPtr>>& published);
  void answer(PendingWrite& write);

  Engine& engine_;
  uint64_t next_seq_;
  int64_t keyless_time_ = 0;  // commit time that keyless writes share for a moment

  mutable base::Mutex mutex_;
  base::CondVar wake_;
  std::vector<PendingWrite> pending_ CLEW_GUARDED_BY(mutex_);
  uint64_t pending_bytes_ CLEW_GUARDED_BY(mutex_) = 0;
  bool closed_ CLEW_GUARDED_BY(mutex_) = false;
  std::jthread thread_;
};

}  // namespace clew::logstore
