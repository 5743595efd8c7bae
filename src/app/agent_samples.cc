#include "app/agent_samples.h"

#include <algorithm>

#include "collect/protocol.h"

namespace clew::app {
namespace {

bool brings_samples(const SourceOptions& source) {
  if (source.type == "host" || source.type == "check") return true;
  const collect::ProtocolKind* kind = collect::find_protocol(source.type);
  return kind != nullptr && kind->has_samples;
}

}  // namespace

Result<std::unique_ptr<AgentSamples>> AgentSamples::open(os::Disk& disk, const os::Clock& clock, os::Rng& rng,
                                                         base::Registry& metrics, const AgentOptions& options,
                                                         collect::SampleSenderOptions to) {
  bool wanted = std::any_of(options.sources.begin(), options.sources.end(),
                            [](const auto& named) { return brings_samples(named.second); });
  wanted = wanted || !options.scrape.config_files.empty() || !options.scrape.inline_configs.empty();
  if (!wanted || to.urls.empty()) return std::unique_ptr<AgentSamples>();
  std::unique_ptr<AgentSamples> out(new AgentSamples());
  out->queue_ = CLEW_TRY(
      queue::DiskQueue::open(disk, clock, rng, options.dir + "/samples", {.disk_bytes_max = options.samples_bytes}));
  out->sender_ = std::make_unique<collect::SampleSender>(std::move(to), *out->queue_, clock, metrics);
  return out;
}

AgentSamples::~AgentSamples() {
  if (queue_) queue_->close();
  sender_.reset();
}

}  // namespace clew::app
