// Spans as Datadog's and Jaeger's clients send them.
#include "api/routes.h"
#include "wire/datadog.h"
#include "wire/jaeger.h"

namespace clew::api {
namespace {

constexpr ErrorShape kShape = ErrorShape::kText;

struct Spans {
  explicit Spans(ReceiverParts& parts)
      : ingest(parts.ingest),
        datadog(parts.sources, "datadog"),
        jaeger(parts.sources, "jaeger"),
        version(parts.version) {}

  void take_datadog(const CallPtr& call, wire::DatadogForm form, const char* reply);
  void take_jaeger(const CallPtr& call);
  // Counts and writes what a decoder made of a body, then answers with `reply`.
  void write(const CallPtr& call, SourceCounters& counters, Result<wire::Events> events, net::Response reply);

  Ingest& ingest;
  SourceCounters datadog;
  SourceCounters jaeger;
  const std::string version;
  DecoderPool<wire::DatadogDecoder> datadog_decoders;
  DecoderPool<wire::JaegerDecoder> jaeger_decoders;
};

void Spans::write(const CallPtr& call, SourceCounters& counters, Result<wire::Events> events, net::Response reply) {
  events = ingest.clean(std::move(events));
  if (!events.ok()) {
    counters.received(1);
    counters.rejected("syntax", 1);
    return answer_error(*call, kShape, events.error());
  }
  Result<std::optional<contract::BatchKey>> key = parse_batch_key(call->request().header("clew-batch"));
  if (!key.ok()) return answer_error(*call, kShape, key.error());
  call->exchange->release_body();
  bool none_taken = events->rejected > 0 && events->rejected == events->received;
  if (none_taken) {
    reply = {.status = 400, .content_type = "text/plain; charset=utf-8", .headers = {}, .body = {}};
    for (const wire::Rejection& r : events->rejections) reply.body += r.message + "\n";
  }
  Incoming incoming{
      .access = call->access, .key = std::move(key).take(), .events = std::move(events).take(), .creates = {}};
  ingest.write(counters, std::move(incoming), [call, reply](const contract::Ack*, const Error* error) {
    if (error != nullptr) return answer_error(*call, kShape, *error);
    call->exchange->answer(reply);
  });
}

void Spans::take_datadog(const CallPtr& call, wire::DatadogForm form, const char* reply) {
  auto decoder = datadog_decoders.take();
  Result<wire::Events> events = decoder->decode(call->request().body, form, {.arrival = ingest.now(), .zone = {}});
  decoder.reset();
  write(call, datadog, std::move(events), {.headers = {}, .body = reply});
}

void Spans::take_jaeger(const CallPtr& call) {
  auto decoder = jaeger_decoders.take();
  Result<wire::Events> events =
      decoder->decode_batch(call->request().body, wire::ThriftForm::kBinary, {.arrival = ingest.now(), .zone = {}});
  decoder.reset();
  write(call, jaeger, std::move(events), {.status = 202, .content_type = "text/plain", .headers = {}, .body = {}});
}

// What Datadog's tracers ask before they choose where to send.
void tell_agent_info(const Spans& spans, const CallPtr& call) {
  std::string body =
      "{\"version\":\"" + spans.version +
      "\",\"endpoints\":[\"/v0.3/traces\",\"/v0.4/traces\",\"/v0.5/traces\"],\"client_drop_p0s\":false}\n";
  call->exchange->answer({.headers = {}, .body = std::move(body)});
}

}  // namespace

std::vector<Route> span_routes(ReceiverParts& parts) {
  auto spans = std::make_shared<Spans>(parts);
  constexpr const char* kRates = "{\"rate_by_service\":{}}\n";
  Handler maps = [spans, kRates](CallPtr call) { spans->take_datadog(call, wire::DatadogForm::kMaps, kRates); };
  Handler plain = [spans](CallPtr call) { spans->take_datadog(call, wire::DatadogForm::kMaps, "OK\n"); };
  Handler table = [spans, kRates](CallPtr call) { spans->take_datadog(call, wire::DatadogForm::kTable, kRates); };
  Handler jaeger = [spans](CallPtr call) { spans->take_jaeger(call); };
  std::vector<Route> routes;
  auto add = [&](const char* method, const char* pattern, const Handler& handler) {
    routes.push_back({method, pattern, Need::kIngest, Place::kHere, kShape, handler});
  };
  for (const char* method : {"PUT", "POST"}) {
    add(method, "/v0.3/traces", plain);
    add(method, "/v0.4/traces", maps);
    add(method, "/v0.5/traces", table);
  }
  add("POST", "/api/traces", jaeger);
  routes.push_back(
      {"GET", "/info", Need::kIngest, Place::kHere, kShape, [spans](CallPtr call) { tell_agent_info(*spans, call); }});
  return routes;
}

std::function<void(std::string_view)> jaeger_packet_handler(ServerParts& parts, const AccessGate& gate) {
  struct Packets {
    Packets(ReceiverParts& of, const AccessGate& admits)
        : ingest(of.ingest), counters(of.sources, "jaeger_udp"), gate(admits) {}
    Ingest& ingest;
    SourceCounters counters;
    const AccessGate& gate;
    wire::JaegerDecoder decoder;
  };
  auto packets = std::make_shared<Packets>(parts, gate);
  return [packets](std::string_view datagram) {
    Result<contract::Access> access = packets->gate.admit_grpc(Need::kIngest);
    Result<wire::Events> events =
        packets->decoder.decode_packet(datagram, {.arrival = packets->ingest.now(), .zone = {}});
    if (!access.ok() || !events.ok()) {
      packets->counters.received(1);
      packets->counters.rejected(access.ok() ? "syntax" : "forbidden", 1);
      return;
    }
    Incoming incoming{.access = std::move(access).take(), .key = {}, .events = std::move(events).take(), .creates = {}};
    packets->ingest.write(packets->counters, std::move(incoming), [](const contract::Ack*, const Error*) {});
  };
}

}  // namespace clew::api
