// Protocol: how the bytes of a listener's peers become events; one object for all peers of a listener.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "collect/event_batcher.h"
#include "collect/statsd_aggregator.h"
#include "contract/metric_sink.h"
#include "net/buffer.h"
#include "net/socket_loop.h"
#include "os/clock.h"

namespace clew::collect {

// Of protocols that bring samples.
struct SampleOptions {
  contract::MetricSink* sink = nullptr;  // outlives the listener
  contract::Access access;
  const os::Clock* clock = nullptr;
  base::Registry* metrics = nullptr;
  std::string source;
  uint32_t flush_ms = 10'000;  // of StatsD: what comes is added up for so long
  StatsdOptions statsd;        // its labels and mappings hold for the others too
};

struct ProtocolOptions {
  size_t message_bytes_max = 1 << 20;   // longer ones are cut, or refused where cutting makes no sense
  std::string own_host;                 // of events from this machine that name none: those of a Unix socket
  bool raw = false;                     // messages keep their bytes although their fields say the same
  std::string shared_key;               // what peers have to know; empty: nothing
  net::MemoryBudget* budget = nullptr;  // of what is decompressed; none: no limit but that of one message
  SampleOptions samples;
};

// Threads:  the loop's.
// Lifetime: the batcher outlives it, and it outlives its conversations.
class Protocol {
 public:
  virtual ~Protocol() = default;
  virtual std::unique_ptr<net::Conversation> converse(const net::PeerPtr& peer) = 0;
  virtual void take_datagram(std::string_view bytes, const std::string& from) = 0;
  // At the end: calls once nothing is held back any more; the batcher's events go after that.
  virtual void finish(std::function<void()> finished) { finished(); }
};
using ProtocolPtr = std::unique_ptr<Protocol>;

ProtocolPtr make_syslog_protocol(EventBatcher& batcher, const ProtocolOptions& options);
ProtocolPtr make_json_protocol(EventBatcher& batcher, const ProtocolOptions& options);
ProtocolPtr make_forward_protocol(EventBatcher& batcher, const ProtocolOptions& options);
ProtocolPtr make_gelf_protocol(EventBatcher& batcher, const ProtocolOptions& options);
ProtocolPtr make_beats_protocol(EventBatcher& batcher, const ProtocolOptions& options);
ProtocolPtr make_statsd_protocol(EventBatcher& batcher, const ProtocolOptions& options);
ProtocolPtr make_graphite_protocol(EventBatcher& batcher, const ProtocolOptions& options);
ProtocolPtr make_influx_protocol(EventBatcher& batcher, const ProtocolOptions& options);

// What the configuration calls a type, and what it can do.
struct ProtocolKind {
  std::string_view type;
  ProtocolPtr (*make)(EventBatcher& batcher, const ProtocolOptions& options);
  bool datagrams = false;
  bool streams = true;
  bool has_key = false;            // peers can be asked for a shared key
  bool has_samples = false;        // it needs SampleOptions::sink
  uint16_t port = 0;               // that it usually has
  size_t message_bytes = 1 << 20;  // of one message, unless the configuration says otherwise
  std::string_view help;
};
// Null for what is none.
const ProtocolKind* find_protocol(std::string_view type);
// "syslog, json or ...".
std::string protocol_names();

}  // namespace clew::collect
