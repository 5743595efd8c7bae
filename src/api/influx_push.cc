#include "api/influx_push.h"

#include <algorithm>

#include "model/json_text.h"

namespace clew::api {
namespace {

constexpr int64_t kNanosPerMilli = 1'000'000;
constexpr size_t kReasonsMax = 3;
constexpr const char* kVersionHeader = "X-Influxdb-Version";
constexpr const char* kVersionSpoken = "1.8.0";  // clients ask which dialect of the API they may use

// {"error":TEXT} of version 1, {"code":CODE,"message":TEXT} of version 2.
net::Response refusal(int status, bool version2, std::string_view text) {
  std::string body = version2
                         ? status == 400 ? R"({"code":"invalid","message":)" : R"({"code":"unavailable","message":)"
                         : R"({"error":)";
  model::append_json_string(text, body);
  return {.status = status, .headers = {{kVersionHeader, kVersionSpoken}}, .body = body + "}\n"};
}

net::Response failure(const Error& error, bool version2) {
  bool later = error.code() == Code::kOverloaded || error.code() == Code::kFull || error.code() == Code::kUnavailable ||
               error.code() == Code::kIo;
  net::Response out = refusal(later ? 503 : 400, version2, error.message());
  add_retry_after(error.code(), out);
  return out;
}

std::string what_was_left_out(const wire::Events& events, const contract::MetricAck& ack) {
  std::string out = "partial write: ";
  size_t shown = std::min(events.rejections.size(), kReasonsMax);
  for (size_t i = 0; i < shown; ++i) out += (i == 0 ? "" : "; ") + events.rejections[i].message;
  if (events.rejected > shown) out += "; and " + std::to_string(events.rejected - shown) + " more lines";
  if (ack.refused() > 0) {
    out += (shown > 0 ? "; " : "") + std::to_string(ack.refused()) +
           " samples were refused; the first: " + ack.first_refused;
  }
  return out + "; all others are stored";
}

}  // namespace

InfluxPush::InfluxPush(ServerParts& parts)
    : parts_(parts),
      lines_(parts.metrics.counter("clew_influx_lines_total", "Lines of InfluxDB's protocol received", {})),
      bad_lines_(parts.metrics.counter("clew_influx_lines_rejected_total", "Lines that could not be read", {})),
      texts_(parts.metrics.counter("clew_influx_text_fields_total", "Fields that are texts, and were left out", {})) {}

void InfluxPush::write(const CallPtr& call, Version version) {
  const net::Request& request = call->request();
  bool version2 = version == Version::k2;
  std::string_view precision = request.param("precision");
  wire::InfluxOptions options{.arrival_millis = parts_.clock.now().get() / kNanosPerMilli, .labels = {}};
  if (!precision.empty()) options.unit_nanos = wire::influx_precision_nanos(precision);
  if (options.unit_nanos == 0) {
    return call->exchange->answer(
        refusal(400, version2, "precision " + quoted(precision) + " is none of ns, us, ms, s, m, h"));
  }
  std::string_view database = request.param(version2 ? "bucket" : "db");
  if (!database.empty()) options.labels.emplace_back("db", database);
  auto decoder = decoders_.take();
  decoder->batch.clear();
  auto events = std::make_shared<wire::Events>();
  decoder->lines.decode(request.body, options, decoder->batch, *events);
  call->exchange->release_body();
  lines_.add(events->received);
  bad_lines_.add(events->rejected);
  texts_.add(events->rejected_by_reason[static_cast<size_t>(wire::Reason::kUnsupported)]);
  auto kept = std::make_shared<decltype(decoder)>(std::move(decoder));
  auto finish = [call, kept, events, version2](const Result<contract::MetricAck>& ack) {
    if (!ack.ok()) return call->exchange->answer(failure(ack.error(), version2));
    if (events->rejected > 0 || ack->refused() > 0)
      return call->exchange->answer(refusal(400, version2, what_was_left_out(*events, *ack)));
    call->exchange->answer({.status = 204, .headers = {{kVersionHeader, kVersionSpoken}}, .body = {}});
  };
  const model::MetricBatch& batch = (*kept)->batch;
  if (batch.series().empty()) return finish(contract::MetricAck{});
  parts_.metric_store.write(call->access, batch, std::move(finish));
}

std::vector<Route> InfluxPush::routes() {
  auto self = shared_from_this();
  Handler ping = [](const CallPtr& call) {
    call->exchange->answer(
        {.status = 204, .headers = {{kVersionHeader, kVersionSpoken}, {"X-Influxdb-Build", "OSS"}}, .body = {}});
  };
  Handler health = [](const CallPtr& call) {
    call->exchange->answer({.headers = {{kVersionHeader, kVersionSpoken}},
                            .body = "{\"name\":\"influxdb\",\"message\":\"ready for writes\",\"status\":\"pass\","
                                    "\"checks\":[],\"version\":\"1.8.0\"}\n"});
  };
  // Telegraf and old clients make their database first; here it is a label.
  Handler query = [](const CallPtr& call) {
    std::string_view asked = call->request().param("q");
    if (asked.starts_with("CREATE DATABASE") || asked.starts_with("create database"))
      return call->exchange->answer({.headers = {}, .body = "{\"results\":[{\"statement_id\":0}]}\n"});
    call->exchange->answer(refusal(400, false, "InfluxQL is not spoken here: ask /api/v1/query in PromQL"));
  };
  auto route = [](const char* method, const char* pattern, Need need, Handler handler) {
    return Route{method, pattern, need, Place::kHere, ErrorShape::kText, std::move(handler)};
  };
  return {
      route("POST", "/write", Need::kIngest, [self](const CallPtr& call) { self->write(call, Version::k1); }),
      route("POST", "/api/v2/write", Need::kIngest, [self](const CallPtr& call) { self->write(call, Version::k2); }),
      route("GET", "/ping", Need::kNothing, ping), route("GET", "/health", Need::kNothing, health),
      route("POST", "/query", Need::kIngest, query)};
}

}  // namespace clew::api
