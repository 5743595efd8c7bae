// The front of the write path: checks a write, leaves out what exists already, encodes it on the caller's thread.
#pragma once

#include <memory>
#include <set>
#include <vector>

#include "base/mutex.h"
#include "columnar/part.h"
#include "contract/event_sink.h"
#include "logstore/committer.h"
#include "logstore/engine.h"

namespace clew::logstore {

// Threads: write on any thread.
class Writer {
 public:
  Writer(Engine& engine, Committer& committer) : engine_(engine), committer_(committer) {}
  // As contract::EventSink::write.
  void write(contract::Write write, contract::EventSink::Done done);
  // As LogStore::can_write.
  Status admit() const;

 private:
  Status check(const contract::Write& write) const;
  void leave_out_existing(contract::Write& write, PendingWrite& pending);
  std::vector<uint32_t> note_ids(const model::Batch& batch, const std::set<uint32_t>& creates, PendingWrite& pending);
  void encode(contract::Write& write, PendingWrite& pending);
  std::unique_ptr<columnar::BatchEncoder> take_encoder();
  void give_encoder(std::unique_ptr<columnar::BatchEncoder> encoder);
  contract::EventSink::Done counted(const contract::Write& write, contract::EventSink::Done done);
  void refuse(const contract::Write& write, const Error& error, const contract::EventSink::Done& done);

  Engine& engine_;
  Committer& committer_;
  base::Mutex mutex_;
  std::vector<std::unique_ptr<columnar::BatchEncoder>> encoders_ CLEW_GUARDED_BY(mutex_);
};

}  // namespace clew::logstore
