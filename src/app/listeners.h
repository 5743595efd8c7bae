// Listeners of the configuration: `sources.NAME` with a type that others send to, for the agent and for the server.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "app/agent_options.h"
#include "base/metrics.h"
#include "base/result.h"
#include "collect/listener.h"
#include "contract/metric_sink.h"
#include "os/clock.h"

namespace clew::app {

// Whether a source of this type listens.
bool is_listener(const SourceOptions& source);
// What is wrong with the keys of a listener together.  Errors: kInvalid, with what to write.
Status check_listener(const std::string& name, const SourceOptions& source);

// Listens from now on. `samples` is where those that bring samples put them, and outlives the listener.
// Errors: kForbidden for an address that others reach where nobody has to authenticate, unless `insecure` here or at
// the
//         source; those of collect::Listener::open.
Result<std::unique_ptr<collect::Listener>> make_listener(const std::string& name, const SourceOptions& source,
                                                         std::unique_ptr<collect::ListenerSink> sink,
                                                         contract::MetricSink* samples, const os::Clock& clock,
                                                         base::Registry& metrics, bool insecure);

// {"NAME":{"udp":"127.0.0.1:514",...},...} of those sources that listen; empty when none does.
std::string listening_json(const std::vector<const collect::Source*>& sources);

}  // namespace clew::app
