// Makes a server's notification from its configuration: Alertmanager's file is read, its mistakes are told by line.
#pragma once

#include <memory>
#include <string>

#include "app/notify_options.h"
#include "base/metrics.h"
#include "notify/notifier.h"
#include "os/clock.h"
#include "os/disk.h"

namespace clew::app {

// The file that the options name; one that tells nobody where they name none. `said` gets a line for each thing in it
// that has no effect.
// Errors: kInvalid with all mistakes, "FILE:LINE: message" a line each; kNotFound and the like for the file.
Result<notify::ConfigPtr> load_notify_config(os::Disk& disk, const NotifyOptions& options, std::string& said);

struct NotifySetupParts {
  os::Disk& disk;
  const os::Clock& clock;
  os::Rng& rng;
  base::Registry& metrics;
};

// Runs at once.  Lifetime: the parts outlive it.  Errors: as load_notify_config; what the state on disk says.
Result<std::unique_ptr<notify::Notifier>> start_notifier(const NotifySetupParts& parts, const NotifyOptions& options,
                                                         const std::string& data, std::string& said);
// Takes the file anew; gives a line of what it did, empty where there is nothing to say.
std::string reload_notifier(notify::Notifier& notifier, os::Disk& disk, const NotifyOptions& before,
                            const NotifyOptions& fresh);

}  // namespace clew::app
