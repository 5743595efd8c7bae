// Rules: every group of every file, run when it is due. The door of this folder for a server.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "alert/running_group.h"
#include "base/metrics.h"
#include "base/mutex.h"
#include "base/result.h"
#include "contract/metric_sink.h"
#include "contract/metric_source.h"
#include "os/clock.h"
#include "os/disk.h"

namespace clew::alert {

struct RulesParts {
  os::Disk& disk;
  const os::Clock& clock;
  contract::MetricSink& sink;
  const contract::MetricSource& source;
  base::Registry& metrics;
  contract::AlertSink* alerts = nullptr;  // null: nobody is told
  Ask ask;                                // on any thread, many at a time
  contract::Access access;
};

// The files that a pattern names, in order; a pattern without * and ? names one file, also where there is none.
// Errors: kInvalid for a pattern in a directory's name; kIo.
Result<std::vector<std::string>> matching_files(os::Disk& disk, const std::string& pattern);

// Reads the files. Errors: kInvalid with every mistake, "FILE:LINE: message" a line each; kNotFound, kIo.
Result<std::vector<RuleGroup>> load_rule_files(os::Disk& disk, const std::vector<std::string>& patterns,
                                               const RuleFileOptions& options);
// Errors: kNotFound, kIo; kTooLarge over kRuleFileBytesMax.
Result<std::string> read_rule_file(os::Disk& disk, const std::string& path);

// Threads:  all functions on any thread.
// Lifetime: the parts outlive it.
class Rules {
 public:
  Rules(RulesParts parts, RulesOptions options);
  ~Rules();

  // Reads the files and puts their groups in the place of those that run. Groups that are the same go on as if nothing
  // had happened, changed ones keep the state of rules that have the same name and labels, and what is gone is marked
  // as ended. Errors: as load_rule_files(); the groups before run on.
  Status load(const RulesOptions& options);
  // From here on groups run by themselves.
  void start();
  // Ends the evaluations that run; nothing is written from then on.
  void stop();

  // Runs what is due by the clock, in the order of times. For tests without start().
  void run_due();

  RulesOptions options() const;
  int64_t loaded_at_millis() const;  // when files were last read without a mistake; 0: never
  // Groups by file, and as they stand in it.
  std::vector<std::shared_ptr<const GroupView>> view() const;

 private:
  struct Slot {
    std::unique_ptr<RunningGroup> group;
    UnixNanos next;
    bool running = false;
    bool fresh = true;  // nothing was restored yet
  };
  using SlotPtr = std::shared_ptr<Slot>;

  void worker(const std::stop_token& stop);
  // The slot that is due first, if it is due, taken for running.
  SlotPtr take_due(UnixNanos now) CLEW_REQUIRES(mutex_);
  void run(Slot& slot);
  void finish(Slot& slot) CLEW_REQUIRES(mutex_);
  void wait_until_idle() CLEW_REQUIRES(mutex_);
  std::vector<SlotPtr> exchange_slots(std::vector<RuleGroup> groups, const RulesOptions& options) CLEW_REQUIRES(mutex_);
  SlotPtr make_slot(RuleGroup group, const GroupDefaults& defaults);
  GroupCounters counters_of(const RuleGroup& group);
  GroupSurroundings around() const;

  RulesParts parts_;
  base::Mutex load_mutex_;  // one load at a time; before mutex_

  mutable base::Mutex mutex_;
  base::CondVar wake_;
  base::CondVar idle_;
  RulesOptions options_ CLEW_GUARDED_BY(mutex_);
  std::vector<SlotPtr> slots_ CLEW_GUARDED_BY(mutex_);
  int64_t loaded_at_millis_ CLEW_GUARDED_BY(mutex_) = 0;
  bool paused_ CLEW_GUARDED_BY(mutex_) = false;  // a load changes the slots
  std::vector<std::jthread> threads_;
};

}  // namespace clew::alert
