// AgentLedger: what each agent's queue has sent here and what became of it, beside what the agent says of itself. So
// that "0 missing" can be said of every event that a source has read, or where they went.
//
// The server's side counts what POST /clew/v1/batches took, in the agent's events (before pipelines of this server),
// and is one file, DATA/ledger: a line of JSON for each batch, written before the agent gets its answer and read again
// at start. A batch that was stored when the server died before its line is counted when it is sent again. Lines are
// synced with the agents' reports: kill -9 loses none. A power failure may lose those of the last seconds, whose
// batches the store has: recount() counts them, by agent; which source they are of the next report says.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "api/flag_counts.h"
#include "api/json_body.h"
#include "base/mutex.h"
#include "base/result.h"
#include "contract/event_sink.h"
#include "os/clock.h"
#include "os/disk.h"

namespace clew::api {

// Threads:  all functions on any thread. Only open() and report() wait for the disk.
// Lifetime: disk and clock outlive it.
class AgentLedger {
 public:
  static constexpr size_t kAgentsMax = 10'000;  // the ones that were silent longest are forgotten
  static constexpr size_t kSourcesMax = 1'000;  // of one report

  // `path` is the file; its directory is there. Lines that are none are left out.
  // Errors: kIo, kFull, kForbidden.
  static Result<std::unique_ptr<AgentLedger>> open(os::Disk& disk, const os::Clock& clock, std::string path);

  // Behind which `_seq` of the tenant's store commits may not be counted: those of some seconds before the last sync.
  uint64_t recount_from() const;
  // Counts of these writes those that are not counted and are of an agent that is known; to be called before others.
  // Errors: kIo, kFull.
  struct Commit {
    contract::BatchKey key;
    uint64_t events = 0;
  };
  Status recount(const contract::Access& access, const std::vector<Commit>& commits);

  // A batch of `events` was answered as stored; `kept` of them are left of this server's pipelines.
  struct Batch {
    contract::BatchKey key;
    std::string source;  // empty: not said
    uint64_t events = 0;
    uint64_t kept = 0;
    FlagCounts flags = {};  // of all of them
    uint64_t seq = 0;       // `_seq` of the first; 0 when nothing was kept
  };
  void accepted(const contract::Access& access, const Batch& batch);
  // A batch was refused for what it is; what of `batch` could be told.
  void rejected(const contract::Access& access, const Batch& batch);
  // Takes the body of POST /clew/v1/ledger. Errors: kInvalid with the member; kTooLarge.
  Status report(const contract::Access& access, std::string_view body);
  // The answer of GET /clew/v1/ledger: the agents of the tenant.
  Json answer(const contract::Access& access) const;

 private:
  struct Counts {
    uint64_t batches = 0;
    uint64_t stored = 0;     // as the agent counts them; with dropped
    uint64_t dropped = 0;    // of them, by pipelines of this server
    uint64_t duplicate = 0;  // sent again, not counted above
    uint64_t rejected = 0;
    FlagCounts flags;  // of `stored`
  };
  struct Source {
    Counts counts;
    uint64_t elsewhere = 0;  // as of Agent
  };
  struct Agent {
    Counts counts;
    std::map<std::string, Source> sources;
    uint64_t recounted = 0;  // stored events whose source is not known yet
    uint64_t elsewhere = 0;  // acknowledged to this agent before its first report here, and not by this server
    std::map<uint64_t, uint64_t> counted;  // sequences, from and to: what is sent again is known
    uint64_t counted_below = 0;            // all of them below this
    Json report;                           // null before the first
    int64_t seen = 0;                      // unix nanoseconds
  };
  using Name = std::pair<std::string, std::string>;  // tenant, producer

  AgentLedger(os::Disk& disk, const os::Clock& clock, std::string path)
      : disk_(disk), clock_(clock), path_(std::move(path)) {}
  Status load();
  void apply(const Json& line) CLEW_REQUIRES(mutex_);
  Agent& agent_of(const Name& name) CLEW_REQUIRES(mutex_);
  static bool note_sequence(Agent& agent, uint64_t sequence);
  void apply_batch(const Json& line, Agent& agent) CLEW_REQUIRES(mutex_);
  void apply_report(const Json& line, Agent& agent) CLEW_REQUIRES(mutex_);
  void append(Json line) CLEW_REQUIRES(mutex_);
  void note_seq(uint64_t seq) CLEW_REQUIRES(mutex_);
  Status rewrite() CLEW_REQUIRES(mutex_);
  Json state_line(const Name& name, const Agent& agent) const CLEW_REQUIRES(mutex_);
  static bool is_alone(const Agent& agent);
  static Json source_json(const std::string& name, const Json& said, const Agent& agent, uint64_t missing);
  static Json agent_json(const std::string& producer, const Agent& agent, int64_t now);

  os::Disk& disk_;
  const os::Clock& clock_;
  const std::string path_;
  mutable base::Mutex mutex_;
  std::map<Name, Agent> agents_ CLEW_GUARDED_BY(mutex_);
  std::shared_ptr<os::File> file_ CLEW_GUARDED_BY(mutex_);
  uint64_t file_bytes_ CLEW_GUARDED_BY(mutex_) = 0;
  uint64_t rewrite_at_ CLEW_GUARDED_BY(mutex_) = 0;  // bytes
  bool failed_ CLEW_GUARDED_BY(mutex_) = false;      // lines are missing in the file: it is written anew
  // The greatest `_seq` that was counted, now and at two moments before, kMarkNanos apart: commits are not counted in
  // their order, and the older moment is far enough back that all before it were.
  struct Mark {
    int64_t at = 0;
    uint64_t seq = 0;
  };
  uint64_t seq_ CLEW_GUARDED_BY(mutex_) = 0;
  Mark newer_ CLEW_GUARDED_BY(mutex_);
  Mark older_ CLEW_GUARDED_BY(mutex_);
};

}  // namespace clew::api
