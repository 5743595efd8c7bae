// The sources of an agent, made from what the configuration says of each.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "api/redaction.h"
#include "app/agent_options.h"
#include "base/metrics.h"
#include "base/result.h"
#include "collect/cpu_budget.h"
#include "collect/queue_entry.h"
#include "collect/sample_sender.h"
#include "collect/source.h"
#include "contract/queue.h"
#include "geo/sources.h"
#include "os/clock.h"
#include "os/disk.h"
#include "pipeline/pipeline.h"

namespace clew::app {

// The source of this name reads standard input; there is one where the agent was started with --stdin.
constexpr std::string_view kStdinSource = "stdin";

// Appends what a source has for the agent's /metrics; on any thread, as long as the source is there.
using MetricsPage = std::function<void(std::string& out)>;

// What all sources share. Lifetime: outlives them.
struct SourceParts {
  contract::Queue& queue;
  const os::Clock& clock;
  base::Registry& metrics;
  std::shared_ptr<const api::Redaction> redaction;
  const geo::Sources& geo;
  os::Disk& disk;
  std::string dir;  // of the agent
  const std::map<std::string, yaml::Tree>& pipelines;
  std::vector<MetricsPage>& pages;
  collect::Compression compression = collect::Compression::kLz4;
  collect::CpuBudget* budget = nullptr;      // none: nothing waits
  collect::SampleSender* samples = nullptr;  // where measurements go; none: nowhere
};

// Errors: kInvalid for a dataset, format or pattern that cannot be; kForbidden for clew's own log.
Result<std::unique_ptr<collect::Source>> make_source(const std::string& name, const SourceOptions& source,
                                                     const SourceParts& parts);

}  // namespace clew::app
