// Pipeline: processors that one batch of events passes in order, as the configuration lists them.
//
// Whatever happens, no event is lost but by a rule that says so, and each loss is counted by its rule: an event that a
// step fails on keeps its text, is flagged parse_error and goes on.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "pipeline/rows.h"
#include "pipeline/step.h"

namespace clew::pipeline {

constexpr size_t kStepsMax = 200;  // of one pipeline
constexpr uint64_t kWindowNanosMost = 60'000'000'000;

class Pipeline;

// Whether the source has read its lines in the format of the pipeline's first step (Pipeline::line_format), so that
// nothing is left to that step but to count.
enum class Lines : uint8_t { kAsTheyCome, kReadByFirstStep };

// The steps of a pipeline with their memory.
//
// Threads: one.  Lifetime: keeps its pipeline.
class Runner {
 public:
  explicit Runner(std::shared_ptr<const Pipeline> pipeline, Lines lines = Lines::kAsTheyCome);
  ~Runner();

  // Told after each step, of its place (from 0).
  using Watch = std::function<void(size_t step, Rows& batch, const StepCounts& counts)>;
  // Gives the batches that come out, by dataset; they live until the next call, as long as `batch` does. With an
  // outcome of no batches everything was dropped.
  std::vector<model::Batch*> run(model::Batch& batch, const Watch& watch = {});

 private:
  struct Stage;
  void run_stage(Stage& stage, StepCounts& counts);
  void count_read(StepCounts& counts);

  std::shared_ptr<const Pipeline> pipeline_;
  const Lines lines_;
  std::vector<Stage> stages_;
  Rows rows_;
  base::Counter* events_ = nullptr;
};

// Frozen once made.
//
// Threads: any.
class Pipeline {
 public:
  // Null when there are mistakes.
  static std::shared_ptr<const Pipeline> make(const std::string& name, const Tree& steps, const Surroundings& around,
                                              Mistakes& mistakes);

  const std::string& name() const { return name_; }
  size_t steps_count() const { return steps_.size(); }
  // "grok", and "where 3" of a rule.
  const std::string& step_name(size_t index) const { return steps_[index].rule; }

  // How a source reads its lines for this pipeline, where it is not told: as they are when the first step is a parser.
  // Nothing: by detection.
  std::optional<process::Format> line_format() const { return line_format_; }
  // How long a source gathers lines, so that equal ones meet; 0 when it does not matter.
  uint64_t window_ns() const { return window_ns_; }

 private:
  friend class Runner;
  struct StepPlan {
    const StepKind* kind = nullptr;
    std::string rule;
    std::string when;  // a condition, or nothing
    Tree options;      // without `when` and `rule`
  };
  Pipeline() = default;
  static std::optional<StepPlan> plan(const Tree& item, size_t index, Mistakes& mistakes);
  StepPtr make_step(size_t index, SharedStates& shared, Mistakes& mistakes) const;

  std::string name_;
  Surroundings around_;
  std::vector<StepPlan> steps_;
  std::optional<process::Format> line_format_;
  uint64_t window_ns_ = 0;
  bool weighs_ = false;  // every event gets a `_weight`
  mutable base::Mutex mutex_;
  mutable SharedStates shared_ CLEW_GUARDED_BY(mutex_);
};
using PipelinePtr = std::shared_ptr<const Pipeline>;

// All pipelines of a configuration, by name.
using Pipelines = std::map<std::string, PipelinePtr>;

}  // namespace clew::pipeline
