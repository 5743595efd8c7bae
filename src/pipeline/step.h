// Step: one processor of a pipeline; and what it is made with.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/metrics.h"
#include "base/mutex.h"
#include "geo/sources.h"
#include "model/vector.h"
#include "os/clock.h"
#include "pipeline/host_facts.h"
#include "pipeline/options.h"
#include "pipeline/rows.h"
#include "process/line_parser.h"
#include "process/redact.h"
#include "text/time_format.h"

namespace clew::pipeline {

// What a pipeline is run in.
// Lifetime: everything pointed to outlives the pipelines made with it.
struct Surroundings {
  const geo::Sources* geo = nullptr;  // null: geoip finds nothing
  base::Registry* metrics = nullptr;  // null: nothing is counted
  const os::Clock* clock = nullptr;   // never null
  text::Zone zone;                    // of times that do not say theirs
  HostFacts host;                     // of the machine that reads the lines
};

// State that the runners of one pipeline share, as a rate limit does.
class SharedState {
 public:
  virtual ~SharedState() = default;
};
using SharedStates = std::map<size_t, std::shared_ptr<SharedState>>;

struct StepContext {
  const Surroundings& around;
  const std::string& pipeline;
  size_t index = 0;  // of the step, from 1
  std::string rule;  // its name in counters: "where 3", or what `rule` says
  SharedStates& shared;
};

// What a step did with the rows it was given, for the counters.
struct StepCounts {
  uint64_t failed = 0;   // kept as they were and flagged
  uint64_t dropped = 0;  // by its rule
  uint64_t merged = 0;   // into others, whose weight grew
  uint64_t routed = 0;   // to another dataset
};

// Threads: one; each runner has its own.
class Step {
 public:
  virtual ~Step() = default;
  // `on`: the rows it is for, all of batch.left(). What fails keeps its text and is marked with fail().
  virtual void run(Rows& batch, const model::Selection& on, StepCounts& counts) = 0;
};
using StepPtr = std::unique_ptr<Step>;

// Flags the row: the step could not do what it promised.
void fail(Rows& batch, uint32_t row, StepCounts& counts);

using MakeStep = StepPtr (*)(Options& options, StepContext& context);
struct StepKind {
  std::string_view name;
  std::string_view example;  // "write grok: ..."
  MakeStep make;
  // A parser of whole lines: the source then hands the line over as it is. `format`: of the lines, where the step does
  // no more than read that.
  bool parses = false;
  std::optional<process::Format> format = std::nullopt;
  // Keeps one event of many: all that come out have a `_weight`, and sources gather lines for it.
  bool weighs = false;
};
// By hand, in the order of the documentation.
std::span<const StepKind> step_kinds();
const StepKind* find_step_kind(std::string_view name);

// Families, one file each.
std::span<const StepKind> line_steps();
std::span<const StepKind> pattern_steps();
std::span<const StepKind> pair_steps();
std::span<const StepKind> field_steps();
std::span<const StepKind> text_steps();
std::span<const StepKind> time_steps();
std::span<const StepKind> enrich_steps();
std::span<const StepKind> reduce_steps();
std::span<const StepKind> route_steps();

// A name that a step may write to: no column of clew's own.
bool check_target(Options& options, uint32_t line, const std::string& name);

}  // namespace clew::pipeline
