// Every protocol that a listener speaks.
#include "collect/protocol.h"

namespace clew::collect {
namespace {

constexpr ProtocolKind kKinds[] = {
    {.type = "syslog", .make = make_syslog_protocol, .datagrams = true, .port = 5514, .help = "RFC 5424 and RFC 3164"},
    {.type = "forward",
     .make = make_forward_protocol,
     .has_key = true,
     .port = 24224,
     .message_bytes = 32 << 20,
     .help = "Fluentd's and Fluent Bit's forward protocol"},
    {.type = "gelf", .make = make_gelf_protocol, .datagrams = true, .port = 12201, .help = "GELF, as Graylog takes it"},
    {.type = "beats", .make = make_beats_protocol, .port = 5044, .message_bytes = 32 << 20, .help = "Lumberjack 2"},
    {.type = "statsd",
     .make = make_statsd_protocol,
     .datagrams = true,
     .has_samples = true,
     .port = 8125,
     .message_bytes = 64 << 10,
     .help = "StatsD and DogStatsD"},
    {.type = "graphite",
     .make = make_graphite_protocol,
     .datagrams = true,
     .has_samples = true,
     .port = 2003,
     .message_bytes = 64 << 10,
     .help = "Graphite's plain text"},
    {.type = "influx",
     .make = make_influx_protocol,
     .datagrams = true,
     .has_samples = true,
     .port = 8089,
     .message_bytes = 1 << 20,
     .help = "InfluxDB's line protocol"},
    {.type = "json", .make = make_json_protocol, .datagrams = true, .port = 5170, .help = "a JSON object a line"},
};

}  // namespace

const ProtocolKind* find_protocol(std::string_view type) {
  for (const ProtocolKind& kind : kKinds) {
    if (kind.type == type) return &kind;
  }
  return nullptr;
}

std::string protocol_names() {
  std::string out;
  for (const ProtocolKind& kind : kKinds) out.append(out.empty() ? "" : ", ").append(kind.type);
  return out;
}

}  // namespace clew::collect
