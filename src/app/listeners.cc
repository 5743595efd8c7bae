#include "app/listeners.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <climits>
#include <utility>

#include "app/http_source.h"
#include "collect/protocol.h"
#include "model/json_text.h"

namespace clew::app {
namespace {

struct TransportName {
  std::string_view name;
  net::Transport transport;
};
constexpr TransportName kTransports[] = {
    {"udp", net::Transport::kUdp},
    {"tcp", net::Transport::kTcp},
    {"tls", net::Transport::kTcp},
    {"unix", net::Transport::kUnixDatagram},
    {"unix-stream", net::Transport::kUnixStream},
};

std::string_view transport_name(const net::Endpoint& endpoint) {
  if (endpoint.tls != nullptr) return "tls";
  for (const TransportName& known : kTransports) {
    if (known.transport == endpoint.transport) return known.name;
  }
  return {};
}

std::string host_name() {
  std::array<char, HOST_NAME_MAX + 1> name{};
  return ::gethostname(name.data(), name.size() - 1) == 0 ? std::string(name.data()) : std::string();
}

bool is_path(const std::string& listen) { return listen.find('/') != std::string::npos; }

// What a type speaks where the configuration names nothing.
std::vector<std::string> transports_of(const SourceOptions& source, const collect::ProtocolKind& kind) {
  if (!source.listener.transports.empty()) return source.listener.transports;
  if (is_path(source.listener.listen)) return {kind.datagrams ? "unix" : "unix-stream"};
  std::vector<std::string> out;
  if (!source.listener.tls.cert.empty()) return {"tls"};
  if (kind.datagrams) out.emplace_back("udp");
  if (kind.streams) out.emplace_back("tcp");
  return out;
}

Result<net::Endpoint> endpoint_of(const std::string& listen, const std::string& transport,
                                  const collect::ProtocolKind& kind) {
  for (const TransportName& known : kTransports) {
    if (known.name != transport) continue;
    net::Endpoint endpoint{.transport = known.transport, .address = {}, .path = {}};
    if (transport == "unix" && !kind.datagrams) endpoint.transport = net::Transport::kUnixStream;
    if (endpoint.is_stream() ? !kind.streams : !kind.datagrams) {
      return Error(Code::kInvalid, fmt::format("{} does not go over {}", kind.type, transport));
    }
    if (endpoint.is_unix()) {
      if (!is_path(listen)) return Error(Code::kInvalid, "a Unix socket is a path: write listen: /run/clew/log.sock");
      endpoint.path = listen;
      return endpoint;
    }
    if (is_path(listen)) return Error(Code::kInvalid, "a path is a Unix socket's: write protocol: unix");
    endpoint.address = CLEW_TRY(net::parse_address(listen));
    return endpoint;
  }
  return Error(Code::kInvalid, "protocol " + clew::quoted(transport) + " is none of udp, tcp, tls, unix, unix-stream");
}

Result<std::vector<net::Endpoint>> endpoints_of(const SourceOptions& source, const collect::ProtocolKind& kind) {
  std::vector<net::Endpoint> out;
  for (const std::string& transport : transports_of(source, kind)) {
    net::Endpoint endpoint = CLEW_TRY(endpoint_of(source.listener.listen, transport, kind));
    out.push_back(std::move(endpoint));
  }
  return out;
}

// Whether transports, address and certificates go together.
Status check_keys(const SourceOptions& source, const collect::ProtocolKind& kind) {
  std::vector<net::Endpoint> endpoints = CLEW_TRY(endpoints_of(source, kind));
  if (endpoints.empty()) return Error(Code::kInvalid, "protocol names nothing");
  const net::TlsFiles& tls = source.listener.tls;
  std::vector<std::string> transports = transports_of(source, kind);
  bool wanted = std::find(transports.begin(), transports.end(), "tls") != transports.end();
  if (wanted && tls.cert.empty())
    return Error(Code::kInvalid, "tls needs a certificate: write tls: {cert: FILE, key: FILE}");
  if (!wanted && !(tls.cert.empty() && tls.key.empty() && tls.client_ca.empty())) {
    return Error(Code::kInvalid, "a certificate is of use to protocol: tls alone");
  }
  return wanted ? net::check_tls_client({.ca = tls.client_ca, .cert = tls.cert, .key = tls.key}) : Status();
}

// What holds for the samples of a listener; the source and this machine name those that say no job and instance.
Result<collect::SampleOptions> sample_options(const std::string& name, const SourceOptions& source) {
  const ListenerKeys& keys = source.listener;
  collect::SampleOptions out;
  out.flush_ms = static_cast<uint32_t>(keys.flush_millis);
  out.statsd.expire_millis = static_cast<int64_t>(keys.expire_millis);
  out.statsd.series_max = keys.series_max;
  out.statsd.bounds = keys.buckets;
  std::map<std::string, std::string> labels = {{"instance", host_name()}, {"job", name}};
  for (const auto& [label, value] : keys.labels) labels[label] = value;
  out.statsd.labels.assign(labels.begin(), labels.end());
  if (keys.mappings.empty()) return out;
  Result<wire::NameMappings> mappings = wire::NameMappings::parse(keys.mappings);
  if (!mappings.ok()) return Error(Code::kInvalid, fmt::format("sources.{}: {}", name, mappings.error().message()));
  out.statsd.mappings = std::make_shared<const wire::NameMappings>(std::move(*mappings));
  return out;
}

// A key that says something about samples where there are none, or about adding up where nothing is added up.
std::string_view key_of_no_use(const ListenerKeys& keys, const collect::ProtocolKind& kind) {
  const ListenerKeys usual;
  if (kind.type != "statsd") {
    if (keys.flush_millis != usual.flush_millis) return "flush";
    if (keys.expire_millis != usual.expire_millis) return "expire";
    if (keys.series_max != usual.series_max) return "series";
    if (!keys.buckets.empty()) return "buckets";
  }
  bool has_dots = kind.type == "statsd" || kind.type == "graphite";
  if (!has_dots && !keys.mappings.empty()) return "mappings";
  return !kind.has_samples && !keys.labels.empty() ? "labels" : "";
}

std::string example_of(const collect::ProtocolKind& kind) { return fmt::format("127.0.0.1:{}", kind.port); }

}  // namespace

bool is_listener(const SourceOptions& source) { return collect::find_protocol(source.type) != nullptr; }

Status check_listener(const std::string& name, const SourceOptions& source) {
  const collect::ProtocolKind& kind = *collect::find_protocol(source.type);
  if (source.listener.listen.empty()) {
    return Error(Code::kInvalid, fmt::format("sources.{} lacks listen: write listen: {}", name, example_of(kind)));
  }
  if (!source.files.empty() || !source.exclude.empty()) {
    return Error(Code::kInvalid,
                 fmt::format("sources.{}: a source of type {} listens and has no files", name, source.type));
  }
  if (!source.listener.shared_key.empty() && !kind.has_key) {
    return Error(Code::kInvalid, fmt::format("sources.{}: {} knows no shared_key", name, source.type));
  }
  if (std::string_view key = key_of_no_use(source.listener, kind); !key.empty()) {
    return Error(Code::kInvalid, fmt::format("sources.{}: a source of type {} has no {}", name, source.type, key));
  }
  [[maybe_unused]] collect::SampleOptions samples = CLEW_TRY(sample_options(name, source));
  Status checked = check_keys(source, kind);
  if (checked.ok()) return {};
  return Error(Code::kInvalid, fmt::format("sources.{}: {}", name, checked.error().message()));
}

Result<std::unique_ptr<collect::Listener>> make_listener(const std::string& name, const SourceOptions& source,
                                                         std::unique_ptr<collect::ListenerSink> sink,
                                                         contract::MetricSink* samples, const os::Clock& clock,
                                                         base::Registry& metrics, bool insecure) {
  CLEW_TRY(check_listener(name, source));
  CLEW_TRY(check_source_dataset(source.dataset));
  const collect::ProtocolKind& kind = *collect::find_protocol(source.type);
  collect::ListenerOptions options;
  options.type = source.type;
  options.endpoints = CLEW_TRY(endpoints_of(source, kind));
  std::vector<std::string> transports = transports_of(source, kind);
  for (size_t i = 0; i < transports.size(); ++i) {
    if (transports[i] != "tls") continue;
    options.endpoints[i].tls = CLEW_TRY(net::TlsServer::open(source.listener.tls, clock, metrics));
  }
  bool has_key = kind.has_key && !source.listener.shared_key.empty();
  for (const net::Endpoint& endpoint : options.endpoints) {
    bool knows_peers = has_key || (endpoint.tls != nullptr && !source.listener.tls.client_ca.empty());
    bool closed = endpoint.is_unix() || endpoint.address.is_loopback() || knows_peers;
    if (closed || insecure || source.listener.insecure) continue;
    return Error(
        Code::kForbidden,
        fmt::format("sources.{}: {} can be reached from other machines and nobody has to authenticate: listen on "
                    "127.0.0.1, or write insecure: yes{}",
                    name, endpoint.text(), kind.has_key ? ", a shared_key, or tls.client_ca" : ", or tls.client_ca"));
  }
  options.limits.connections_max = source.listener.connections_max;
  options.batch.source = name;
  options.batch.dataset = source.dataset;
  if (!source.zone.empty()) options.batch.zone = text::Zone::find(source.zone).value_or(text::Zone());
  options.protocol.message_bytes_max =
      source.listener.message_bytes_max != 0 ? source.listener.message_bytes_max : kind.message_bytes;
  options.protocol.own_host = host_name();
  options.protocol.raw = source.listener.raw;
  options.protocol.shared_key = source.listener.shared_key;
  options.protocol.samples = CLEW_TRY(sample_options(name, source));
  options.protocol.samples.sink = samples;
  return collect::Listener::open(std::move(options), std::move(sink), clock, metrics);
}

std::string listening_json(const std::vector<const collect::Source*>& sources) {
  std::string out;
  for (const collect::Source* source : sources) {
    if (const auto* http = dynamic_cast<const HttpSource*>(source)) {
      out += out.empty() ? "{" : ",";
      model::append_json_string(http->name(), out);
      out += fmt::format(":{{\"http\":\"{}\"}}", http->address().text());
      continue;
    }
    const auto* listener = dynamic_cast<const collect::Listener*>(source);
    if (listener == nullptr) continue;
    out += out.empty() ? "{" : ",";
    model::append_json_string(listener->name(), out);
    out += ":{";
    std::string_view before;
    for (const net::Endpoint& endpoint : listener->endpoints()) {
      out += fmt::format("{}\"{}\":", before, transport_name(endpoint));
      model::append_json_string(endpoint.text(), out);
      before = ",";
    }
    out += "}";
  }
  return out.empty() ? out : out + "}";
}

}  // namespace clew::app
