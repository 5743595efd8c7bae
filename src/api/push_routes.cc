// Loki's push API and Zipkin's spans.
#include "api/routes.h"
#include "net/decompress.h"
#include "net/status.h"
#include "wire/loki_push.h"
#include "wire/zipkin.h"

namespace clew::api {
namespace {

constexpr ErrorShape kShape = ErrorShape::kText;

struct Push {
  explicit Push(ReceiverParts& parts)
      : ingest(parts.ingest), budget(parts.body_budget), loki(parts.sources, "loki"), zipkin(parts.sources, "zipkin") {}

  void take_loki(const CallPtr& call);
  void take_zipkin(const CallPtr& call);
  Result<wire::Events> decode_loki(const net::Request& request);

  Ingest& ingest;
  net::MemoryBudget& budget;
  SourceCounters loki;
  SourceCounters zipkin;
  DecoderPool<wire::LokiPushDecoder> loki_decoders;
  DecoderPool<wire::ZipkinDecoder> zipkin_decoders;
};

net::Response plain(int status, std::string text = {}) {
  return {.status = status, .content_type = "text/plain; charset=utf-8", .headers = {}, .body = std::move(text)};
}

// A body that no item came out of counts as one.
void count_refused(SourceCounters& counters) {
  counters.received(1);
  counters.rejected("syntax", 1);
}

Result<wire::Events> Push::decode_loki(const net::Request& request) {
  wire::Intake intake{.arrival = ingest.now(), .zone = {}};
  auto decoder = loki_decoders.take();
  if (request.header("content-type").starts_with("application/json")) return decoder->decode_json(request.body, intake);
  if (request.header("content-encoding") == "snappy") return decoder->decode_protobuf(request.body, intake);
  net::Buffer plain_body(&budget);
  CLEW_TRY(net::decompress(net::Encoding::kSnappy, request.body, net::kBodyBytesMax, plain_body));
  return decoder->decode_protobuf(plain_body.view(), intake);
}

void Push::take_loki(const CallPtr& call) {
  Result<std::optional<contract::BatchKey>> key = parse_batch_key(call->request().header("clew-batch"));
  if (!key.ok()) return answer_error(*call, kShape, key.error());
  Result<wire::Events> events = ingest.clean(decode_loki(call->request()));
  if (!events.ok()) {
    count_refused(loki);
    return answer_error(*call, kShape, events.error());
  }
  call->exchange->release_body();
  std::string refused = events->rejected == 0 ? std::string() : wire::loki_reply(*events);
  Incoming incoming{
      .access = call->access, .key = std::move(key).take(), .events = std::move(events).take(), .creates = {}};
  ingest.write(loki, std::move(incoming), [call, refused](const contract::Ack*, const Error* error) {
    if (error != nullptr) return answer_error(*call, kShape, *error);
    call->exchange->answer(refused.empty() ? plain(204) : plain(400, refused));
  });
}

void Push::take_zipkin(const CallPtr& call) {
  const net::Request& request = call->request();
  Result<std::optional<contract::BatchKey>> key = parse_batch_key(request.header("clew-batch"));
  if (!key.ok()) return answer_error(*call, kShape, key.error());
  wire::Intake intake{.arrival = ingest.now(), .zone = {}};
  auto decoder = zipkin_decoders.take();
  bool protobuf = request.header("content-type").starts_with("application/x-protobuf");
  Result<wire::Events> events = ingest.clean(protobuf ? decoder->decode_protobuf(request.body, intake)
                                                      : decoder->decode_json(request.body, intake));
  decoder.reset();
  if (!events.ok()) {
    count_refused(zipkin);
    return answer_error(*call, kShape, events.error());
  }
  call->exchange->release_body();
  bool none_taken = events->rejected > 0 && events->rejected == events->received;
  std::string refused = none_taken ? wire::zipkin_reply(*events) : std::string();
  Incoming incoming{
      .access = call->access, .key = std::move(key).take(), .events = std::move(events).take(), .creates = {}};
  ingest.write(zipkin, std::move(incoming), [call, none_taken, refused](const contract::Ack*, const Error* error) {
    if (error != nullptr) return answer_error(*call, kShape, *error);
    call->exchange->answer(none_taken ? plain(400, refused) : plain(202));
  });
}

}  // namespace

std::vector<Route> push_routes(ReceiverParts& parts) {
  auto push = std::make_shared<Push>(parts);
  Handler loki = [push](CallPtr call) { push->take_loki(call); };
  Handler zipkin = [push](CallPtr call) { push->take_zipkin(call); };
  auto route = [](const char* pattern, Handler handler) {
    return Route{"POST", pattern, Need::kIngest, Place::kHere, kShape, std::move(handler)};
  };
  return {
      route("/loki/api/v1/push", loki),
      route("/api/prom/push", loki),
      route("/api/v2/spans", zipkin),
      route("/zipkin/api/v2/spans", zipkin),
  };
}

}  // namespace clew::api
