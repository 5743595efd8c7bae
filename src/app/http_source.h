// HttpSource: an agent's HTTP listener, for programs of this machine that send logs and spans: the routes of the
// server's receivers before the agent's queue, so that an application needs no server that is there.
#pragma once

#include <memory>
#include <string>

#include "api/redaction.h"
#include "app/agent_options.h"
#include "base/metrics.h"
#include "base/result.h"
#include "collect/queue_sink.h"
#include "collect/source.h"
#include "contract/queue.h"
#include "net/address.h"
#include "os/clock.h"
#include "os/disk.h"

namespace clew::app {

constexpr std::string_view kHttpSourceType = "http";

struct HttpSourceParts {
  contract::Queue& queue;
  const os::Clock& clock;
  base::Registry& metrics;
  os::Disk& disk;
  std::string dir;  // for what each protocol got, over restarts
  std::shared_ptr<const api::Redaction> redaction;
  collect::QueueSink::Steps steps;
};

// What is wrong with the keys of such a source together. Errors: kInvalid, with what to write.
Status check_http_source(const std::string& name, const SourceOptions& source);

class HttpSource : public collect::Source {
 public:
  // Listens from now on. An answer comes when the events are in the queue, durably; while it is full, 429.
  // Errors: kForbidden for an address that others reach where no shared_key is asked for; those of the listener.
  static Result<std::unique_ptr<HttpSource>> open(const std::string& name, const SourceOptions& source,
                                                  HttpSourceParts parts);
  virtual const net::Address& address() const = 0;
};

}  // namespace clew::app
