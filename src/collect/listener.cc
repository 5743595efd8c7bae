#include "collect/listener.h"

#include <utility>

namespace clew::collect {
namespace {

// What a protocol holds of a frame that has not come whole, besides the message.
constexpr size_t kFramingBytes = 64 << 10;

net::SocketLimits limits_for(const ListenerOptions& options) {
  net::SocketLimits limits = options.limits;
  limits.held_bytes_max = std::max(limits.held_bytes_max, options.protocol.message_bytes_max + kFramingBytes);
  limits.held_bytes_all_max = std::max<uint64_t>(limits.held_bytes_all_max, limits.held_bytes_max);
  return limits;
}

}  // namespace

Listener::Listener(ListenerOptions options, std::unique_ptr<ListenerSink> sink, const os::Clock& clock,
                   base::Registry& metrics)
    : options_(std::move(options)),
      clock_(clock),
      metrics_(metrics),
      sink_(std::move(sink)),
      loop_(net::make_socket_loop(limits_for(options_), options_.batch.source, metrics)),
      batcher_(options_.batch, *sink_, clock, *loop_, metrics) {}

Result<std::unique_ptr<Listener>> Listener::open(ListenerOptions options, std::unique_ptr<ListenerSink> sink,
                                                 const os::Clock& clock, base::Registry& metrics) {
  const ProtocolKind* kind = find_protocol(options.type);
  if (kind == nullptr) {
    return Error(Code::kInvalid, "type " + quoted(options.type) + " is none of " + protocol_names());
  }
  if (kind->has_samples && options.protocol.samples.sink == nullptr) {
    return Error(Code::kInvalid, std::string(kind->type) + " brings samples, and there is nowhere to put them");
  }
  std::unique_ptr<Listener> made(new Listener(std::move(options), std::move(sink), clock, metrics));
  CLEW_TRY(made->listen(*kind));
  return made;
}

Status Listener::listen(const ProtocolKind& kind) {
  ProtocolOptions options = options_.protocol;
  options.samples.clock = &clock_;
  options.samples.metrics = &metrics_;
  options.samples.source = options_.batch.source;
  protocol_ = kind.make(batcher_, options);
  for (const net::Endpoint& endpoint : options_.endpoints) {
    if (endpoint.is_stream() ? !kind.streams : !kind.datagrams) {
      return Error(Code::kInvalid, std::string(kind.type) + (endpoint.is_stream() ? " is no protocol of streams"
                                                                                  : " is no protocol of datagrams"));
    }
    Status bound = endpoint.is_stream()
                       ? loop_->listen(endpoint, [this](const net::PeerPtr& peer) { return protocol_->converse(peer); })
                       : loop_->listen(endpoint, [this](std::string_view bytes, const std::string& from) {
                           protocol_->take_datagram(bytes, from);
                         });
    CLEW_TRY(std::move(bound));
  }
  return {};
}

Status Listener::run() {
  loop_->run();
  return {};
}

void Listener::stop() {
  sink_->stop();
  loop_->post([this] {
    loop_->set_reading(false);
    loop_->read_waiting();
    protocol_->finish([this] { batcher_.finish([this] { loop_->stop(); }); });
  });
}

}  // namespace clew::collect
