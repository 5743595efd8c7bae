#include "app/remote_setup.h"

#include "app/config_keys.h"

namespace clew::app {
namespace {

const ConfigEntry kRemoteEntries[] = {
    {{"remote_write", "receivers", "none",
      "Where every sample that is stored is sent on to: Prometheus' remote_write section; "
      "docs/protocols/prometheus.md."},
     nullptr,
     [](ServeOptions& o, const ConfigNames&, yaml::Tree tree) { o.remote_write = std::move(tree); }},
};

}  // namespace

std::span<const ConfigEntry> remote_keys() { return kRemoteEntries; }

void check_remotes(const ServeOptions& options, std::vector<ConfigMistake>& mistakes) {
  yaml::Mistakes wrong;
  (void)adapters::read_remote_writes(options.remote_write, wrong);
  for (yaml::Mistake& one : wrong) mistakes.push_back({one.line, std::move(one.message)});
}

bool same_remote_writes(const ServeOptions& a, const ServeOptions& b) {
  yaml::Mistakes wrong;
  return adapters::read_remote_writes(a.remote_write, wrong) == adapters::read_remote_writes(b.remote_write, wrong);
}

Result<std::unique_ptr<adapters::RemoteWriters>> open_remote_writers(const ServeOptions& options, os::Disk& disk,
                                                                     const os::Clock& clock, os::Rng& rng,
                                                                     base::Registry& metrics) {
  yaml::Mistakes wrong;
  std::vector<adapters::RemoteWriteOptions> writes = adapters::read_remote_writes(options.remote_write, wrong);
  if (!wrong.empty()) return Error(Code::kInvalid, "remote_write: " + wrong[0].message);
  if (writes.empty()) return std::unique_ptr<adapters::RemoteWriters>();
  for (adapters::RemoteWriteOptions& one : writes) one.external_labels = options.rules.defaults.externals.labels;
  return adapters::RemoteWriters::open(disk, clock, rng, metrics, options.data + "/remote_write", writes);
}

}  // namespace clew::app
