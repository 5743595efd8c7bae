#include "api/otlp_metrics.h"

#include <algorithm>

namespace clew::api {
namespace {

constexpr ErrorShape kShape = ErrorShape::kOtlp;
constexpr int64_t kNanosPerMilli = 1'000'000;

// What the store refused, in the words of the answer. Of a histogram's samples it does not say to which point they
// belong: at most all points were rejected.
void add_refused(const contract::MetricAck& ack, wire::Events& counts) {
  uint64_t points = std::min(ack.refused(), counts.received - counts.rejected);
  if (points == 0) return;
  counts.rejected += points;
  counts.rejections.push_back(
      {0, wire::Reason::kUnsupported,
       std::to_string(ack.refused()) + " samples were refused, the others stored; the first: " + ack.first_refused});
}

Result<wire::OtlpForm> form_of(const net::Request& request) {
  std::string_view type = request.header("content-type");
  if (type.starts_with("application/json")) return wire::OtlpForm::kJson;
  if (type.starts_with("application/x-protobuf") || type.starts_with("application/protobuf")) {
    return wire::OtlpForm::kProtobuf;
  }
  return Error(Code::kUnsupported,
               "content type " + quoted(type) + " (known: application/x-protobuf, application/json)");
}

}  // namespace

OtlpMetrics::OtlpMetrics(ServerParts& parts, wire::OtlpMetricOptions options)
    : parts_(parts),
      options_(std::make_shared<const wire::OtlpMetricOptions>(std::move(options))),
      bad_bodies_(parts.metrics.counter("clew_metric_bodies_refused_total", "Writes of samples that could not be read",
                                        {{"source", "otlp_metrics"}})),
      points_(parts.metrics.counter("clew_otlp_data_points_total", "Data points received", {})),
      rejected_(parts.metrics.counter("clew_otlp_data_points_rejected_total",
                                      "Data points that were malformed or that the store refused", {})) {
  parts.metrics.gauge("clew_otlp_delta_series", "Series of delta temporality that are added up", {},
                      [this] { return static_cast<double>(sums_.series_count()); });
  parts.metrics.gauge("clew_otlp_delta_series_forgotten", "Of these, that made room for others", {},
                      [this] { return static_cast<double>(sums_.forgotten_count()); });
}

void OtlpMetrics::set_options(wire::OtlpMetricOptions options) {
  auto fresh = std::make_shared<const wire::OtlpMetricOptions>(std::move(options));
  base::MutexLock lock(mutex_);
  options_ = std::move(fresh);
}

void OtlpMetrics::take(const contract::Access& access, std::string_view body, wire::OtlpForm form,
                       const std::function<void()>& release_body, Answer answer) {
  std::shared_ptr<const wire::OtlpMetricOptions> options;
  {
    base::MutexLock lock(mutex_);
    options = options_;
  }
  wire::OtlpMetricIntake intake{
      .options = *options, .sums = sums_, .arrival_millis = parts_.clock.now().get() / kNanosPerMilli};
  auto decoder = decoders_.take();
  Result<wire::Events> events =
      form == wire::OtlpForm::kJson ? decoder->decode_json(body, intake) : decoder->decode_protobuf(body, intake);
  if (!events.ok()) {
    bad_bodies_.add();
    return answer(events.error());
  }
  release_body();
  points_.add(events->received);
  // The decoder goes back to the pool when the store is done with its batch.
  auto kept = std::make_shared<decltype(decoder)>(std::move(decoder));
  auto counts = std::make_shared<wire::Events>(std::move(*events));
  auto finish = [self = shared_from_this(), kept, counts, form,
                 answer = std::move(answer)](const Result<contract::MetricAck>& ack) {
    if (!ack.ok()) return answer(ack.error());
    add_refused(*ack, *counts);
    self->rejected_.add(counts->rejected);
    answer(wire::otlp_reply(wire::OtlpSignal::kPoints, form, *counts));
  };
  const model::MetricBatch& batch = (*kept)->batch();
  if (batch.series().empty()) return finish(contract::MetricAck{});
  parts_.metric_store.write(access, batch, std::move(finish));
}

void OtlpMetrics::take_http(const CallPtr& call) {
  const net::Request& request = call->request();
  Result<wire::OtlpForm> form = form_of(request);
  if (!form.ok()) return answer_error(*call, kShape, form.error());
  take(
      call->access, request.body, *form, [&call] { call->exchange->release_body(); },
      [call, form = *form](const Result<std::string>& body) {
        if (!body.ok()) return answer_error(*call, kShape, body.error());
        bool json = form == wire::OtlpForm::kJson;
        call->exchange->answer(
            {.content_type = json ? "application/json" : "application/x-protobuf", .headers = {}, .body = *body});
      });
}

void OtlpMetrics::take_grpc(const contract::Access& access, const net::GrpcCallPtr& call) {
  take(
      access, call->body(), wire::OtlpForm::kProtobuf, [&call] { call->release_body(); },
      [call](Result<std::string> body) { call->answer(std::move(body)); });
}

std::vector<Route> OtlpMetrics::routes() {
  Handler handler = [self = shared_from_this()](const CallPtr& call) { self->take_http(call); };
  return {{"POST", "/v1/metrics", Need::kIngest, Place::kHere, kShape, handler},
          {"POST", "/api/v1/otlp/v1/metrics", Need::kIngest, Place::kHere, kShape, handler}};
}

}  // namespace clew::api
