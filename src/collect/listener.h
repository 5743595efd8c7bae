// Listener: a source that other machines and programs of this one send to: syslog and its like.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/metrics.h"
#include "base/result.h"
#include "collect/event_batcher.h"
#include "collect/protocol.h"
#include "collect/source.h"
#include "contract/event_sink.h"
#include "net/socket_loop.h"
#include "os/clock.h"

namespace clew::collect {

struct ListenerOptions {
  std::string type;                      // of find_protocol()
  std::vector<net::Endpoint> endpoints;  // at least one
  net::SocketLimits limits;
  BatcherOptions batch;
  ProtocolOptions protocol;
};

// Where a listener's events go. A write that finds no room waits for it, until stop() was called.
//
// Threads: write as EventSink says, from one thread; stop on any.
class ListenerSink : public contract::EventSink {
 public:
  virtual void stop() = 0;
};

// Threads:  as Source says.
// Lifetime: clock and metrics outlive it.
class Listener final : public Source {
 public:
  // Listens from now on; what comes waits until run().
  // Errors: kInvalid for a type that is none or does not go over such a transport; those of SocketLoop::listen.
  static Result<std::unique_ptr<Listener>> open(ListenerOptions options, std::unique_ptr<ListenerSink> sink,
                                                const os::Clock& clock, base::Registry& metrics);

  const std::string& name() const override { return options_.batch.source; }
  // Until stop(); what has come by then goes to the sink, and what waits for an acknowledgement gets it.
  Status run() override;
  void stop() override;
  // Where it listens, the port that the system chose included.
  const std::vector<net::Endpoint>& endpoints() const { return loop_->endpoints(); }

 private:
  Listener(ListenerOptions options, std::unique_ptr<ListenerSink> sink, const os::Clock& clock,
           base::Registry& metrics);
  Status listen(const ProtocolKind& kind);

  const ListenerOptions options_;
  const os::Clock& clock_;
  base::Registry& metrics_;
  const std::unique_ptr<ListenerSink> sink_;
  const std::unique_ptr<net::SocketLoop> loop_;
  EventBatcher batcher_;
  ProtocolPtr protocol_;
};

}  // namespace clew::collect
