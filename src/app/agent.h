// The agent: follows sources, keeps what they give in its queue, sends it to a server.
#pragma once

#include "app/agent_options.h"
#include "base/result.h"

namespace clew::app {

// Blocks until SIGTERM or SIGINT, or until standard input has ended and a server has everything. Prints one JSON line
// when it is ready.
// Requires: no other thread runs yet.
// Errors: kInvalid for a dataset or format that cannot be; what the queue and the listener say.
Status run_agent(const AgentOptions& options, bool from_stdin);

}  // namespace clew::app
