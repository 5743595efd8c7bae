#include "api/datadog_push.h"

#include <algorithm>

#include "api/json_body.h"
#include "wire/datadog_check.h"

namespace clew::api {
namespace {

constexpr ErrorShape kShape = ErrorShape::kText;
constexpr int64_t kNanosPerMilli = 1'000'000;
constexpr size_t kReasonsMax = 3;

// Clients look at the status and at "errors"; what was left out is told in both versions' words.
std::string answer_body(bool version1, const wire::Events& events, const contract::MetricAck& ack) {
  Json errors = Json::array();
  for (size_t i = 0; i < std::min(events.rejections.size(), kReasonsMax); ++i) {
    errors.push_back(events.rejections[i].message);
  }
  if (events.rejected > kReasonsMax) errors.push_back("and " + std::to_string(events.rejected - kReasonsMax) + " more");
  if (ack.refused() > 0) {
    errors.push_back(std::to_string(ack.refused()) + " samples were refused; the first: " + ack.first_refused);
  }
  // Version 1's clients take "errors" for a failure, whatever is in it.
  Json body = Json::object();
  if (version1) body["status"] = "ok";
  if (!version1 || !errors.empty()) body["errors"] = errors;
  return dump_json(body);
}

bool is_protobuf(const net::Request& request) {
  return request.header("content-type").find("protobuf") != std::string_view::npos;
}

}  // namespace

DatadogPush::DatadogPush(ServerParts& parts, wire::DeltaSums& sums)
    : parts_(parts),
      sums_(sums),
      bad_bodies_(parts.metrics.counter("clew_metric_bodies_refused_total", "Writes of samples that could not be read",
                                        {{"source", "datadog_series"}})),
      points_(parts.metrics.counter("clew_datadog_points_total", "Points of Datadog's series received", {})),
      rejected_(parts.metrics.counter("clew_datadog_points_rejected_total",
                                      "Points that were malformed or that the store refused", {})),
      checks_(parts.metrics, "datadog_checks") {}

Result<wire::Events> DatadogPush::decode(wire::DatadogSeriesDecoder& decoder, const net::Request& request, Body body) {
  wire::DatadogMetricIntake intake{.sums = sums_, .arrival_millis = parts_.clock.now().get() / kNanosPerMilli};
  switch (body) {
    case Body::kSeries1: return decoder.decode_v1(request.body, intake);
    case Body::kSketches: return decoder.decode_sketches(request.body, intake);
    case Body::kSeries2: break;
  }
  return is_protobuf(request) ? decoder.decode_v2_protobuf(request.body, intake)
                              : decoder.decode_v2_json(request.body, intake);
}

void DatadogPush::take(const CallPtr& call, Body body) {
  // Prometheus' clients ask for series here, by GET when this is the answer to POST.
  if (call->request().header("content-type").starts_with("application/x-www-form-urlencoded")) {
    return call->exchange->answer({.status = 405,
                                   .headers = {{"Allow", "GET"}},
                                   .body = "POST takes Datadog's series as JSON; ask for series by GET\n"});
  }
  auto decoder = decoders_.take();
  Result<wire::Events> decoded = decode(*decoder, call->request(), body);
  if (!decoded.ok()) {
    bad_bodies_.add();
    return answer_error(*call, kShape, decoded.error());
  }
  call->exchange->release_body();
  points_.add(decoded->received);
  auto events = std::make_shared<wire::Events>(std::move(*decoded));
  auto kept = std::make_shared<decltype(decoder)>(std::move(decoder));
  auto finish = [self = shared_from_this(), call, kept, events, body](const Result<contract::MetricAck>& ack) {
    if (!ack.ok()) return answer_error(*call, kShape, ack.error());
    self->rejected_.add(events->rejected + ack->refused());
    // Nothing that could be taken: the client is to see it.
    bool none = events->received > 0 && events->rejected == events->received;
    call->exchange->answer(
        {.status = none ? 400 : 202, .headers = {}, .body = answer_body(body == Body::kSeries1, *events, *ack)});
  };
  const model::MetricBatch& batch = (*kept)->batch();
  if (batch.series().empty()) return finish(contract::MetricAck{});
  parts_.metric_store.write(call->access, batch, std::move(finish));
}

void DatadogPush::take_checks(const CallPtr& call) {
  std::string lines;
  Status read = wire::datadog_checks_to_lines(call->request().body, lines);
  if (!read.ok()) {
    checks_.received(1);
    checks_.rejected("syntax", 1);
    return answer_error(*call, kShape, read.error());
  }
  auto decoder = check_decoders_.take();
  Result<wire::Events> events =
      parts_.ingest.clean(decoder->decode(lines, {.arrival = parts_.ingest.now(), .zone = {}}));
  decoder.reset();
  if (!events.ok()) return answer_error(*call, kShape, events.error());
  call->exchange->release_body();
  Incoming incoming{.access = call->access, .key = {}, .events = std::move(events).take(), .creates = {}};
  parts_.ingest.write(checks_, std::move(incoming), [call](const contract::Ack*, const Error* error) {
    if (error != nullptr) return answer_error(*call, kShape, *error);
    call->exchange->answer({.status = 202, .headers = {}, .body = "{\"status\":\"ok\"}"});
  });
}

std::vector<Route> DatadogPush::routes() {
  auto self = shared_from_this();
  auto route = [](const char* method, const char* pattern, Handler handler) {
    return Route{method, pattern, Need::kIngest, Place::kHere, kShape, std::move(handler)};
  };
  auto takes = [&](const char* pattern, Body body) {
    return route("POST", pattern, [self, body](const CallPtr& call) { self->take(call, body); });
  };
  Handler valid = [](const CallPtr& call) { call->exchange->answer({.headers = {}, .body = "{\"valid\":true}"}); };
  return {takes("/api/v1/series", Body::kSeries1), takes("/api/v2/series", Body::kSeries2),
          takes("/api/beta/sketches", Body::kSketches),
          route("POST", "/api/v1/check_run", [self](const CallPtr& call) { self->take_checks(call); }),
          route("GET", "/api/v1/validate", valid)};
}

}  // namespace clew::api
