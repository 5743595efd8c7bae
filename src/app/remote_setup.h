// Makes the destinations of a server's remote writes from its configuration.
#pragma once

#include <memory>

#include "adapters/remote_writer.h"
#include "app/serve.h"

namespace clew::app {

// Null where the configuration names none. Errors: as RemoteWriters::open; kInvalid for what is wrong in the section.
Result<std::unique_ptr<adapters::RemoteWriters>> open_remote_writers(const ServeOptions& options, os::Disk& disk,
                                                                     const os::Clock& clock, os::Rng& rng,
                                                                     base::Registry& metrics);

bool same_remote_writes(const ServeOptions& a, const ServeOptions& b);

}  // namespace clew::app
