// Collectors of others that speak HTTP: Splunk's HTTP Event Collector, Datadog's logs intake, CloudWatch's
// subscriptions.
#include <atomic>

#include "api/json_body.h"
#include "api/routes.h"
#include "net/decompress.h"
#include "process/importer.h"
#include "wire/cloudwatch.h"
#include "wire/datadog_logs.h"
#include "wire/index_name.h"
#include "wire/splunk_hec.h"

namespace clew::api {
namespace {

// What Splunk's clients know an answer by.
enum class HecCode : int {
  kSuccess = 0,
  kNoData = 5,
  kInvalidFormat = 6,
  kIncorrectIndex = 7,
  kServerBusy = 9,
  kNoChannel = 10,
  kEventRequired = 12,
  kHealthy = 17,
};

struct Collectors {
  explicit Collectors(ReceiverParts& parts)
      : ingest(parts.ingest),
        settings(parts.settings),
        budget(parts.body_budget),
        ready(parts.ready),
        hec(parts.sources, "splunk_hec"),
        datadog(parts.sources, "datadog_logs"),
        cloudwatch(parts.sources, "cloudwatch") {}

  void take_hec(const CallPtr& call);
  void take_hec_raw(const CallPtr& call);
  void write_hec(const CallPtr& call, wire::Events events);
  void tell_hec_acks(const CallPtr& call);
  Result<wire::Events> read_raw(const net::Request& request, const std::string& dataset);
  void take_datadog(const CallPtr& call);
  void take_cloudwatch(const CallPtr& call);
  void take_firehose(const CallPtr& call);
  Status add_message(wire::CloudWatchDecoder& decoder, std::string_view bytes);

  Ingest& ingest;
  const LiveSettings& settings;
  net::MemoryBudget& budget;
  const std::atomic<bool>& ready;
  SourceCounters hec;
  SourceCounters datadog;
  SourceCounters cloudwatch;
  DecoderPool<wire::SplunkHecDecoder> hec_decoders;
  DecoderPool<wire::DatadogLogsDecoder> datadog_decoders;
  DecoderPool<wire::CloudWatchDecoder> cloudwatch_decoders;
  std::atomic<uint64_t> hec_acks{0};  // given out so far; each was stored before it was given out
};

net::Response json_answer(int status, const Json& body) {
  return {.status = status, .headers = {}, .body = dump_json(body) + "\n"};
}

net::Response hec_answer(int status, HecCode code, std::string_view text) {
  return json_answer(status, {{"text", std::string(text)}, {"code", static_cast<int>(code)}});
}

net::Response hec_error(const Error& error) {
  bool later = error.code() == Code::kOverloaded || error.code() == Code::kFull || error.code() == Code::kUnavailable;
  net::Response out = later ? hec_answer(503, HecCode::kServerBusy, "Server is busy")
                            : hec_answer(400, HecCode::kInvalidFormat, error.message());
  add_retry_after(error.code(), out);
  return out;
}

// The dataset of the query string, else `logs`.
Result<std::string> dataset_of(const net::Request& request, std::string_view parameter) {
  std::string name(request.param(parameter));
  if (name.empty()) return std::string("logs");
  CLEW_TRY(wire::check_dataset_name(name));
  return name;
}

void count_refused(SourceCounters& counters) {
  counters.received(1);
  counters.rejected("syntax", 1);
}

// The key that a client gives its batch; nothing where the header makes none.
Result<std::optional<contract::BatchKey>> key_of(const CallPtr& call) {
  return parse_batch_key(call->request().header("clew-batch"));
}

std::string_view channel_of(const net::Request& request) {
  std::string_view header = request.header("x-splunk-request-channel");
  return header.empty() ? request.param("channel") : header;
}

void Collectors::write_hec(const CallPtr& call, wire::Events events) {
  bool channel = !channel_of(call->request()).empty();
  Result<std::optional<contract::BatchKey>> key = key_of(call);
  if (!key.ok()) return call->exchange->answer(hec_error(key.error()));
  call->exchange->release_body();
  std::optional<wire::Rejection> refused;
  if (!events.rejections.empty()) refused.emplace(events.rejections.front());
  if (events.received == 0) return call->exchange->answer(hec_answer(400, HecCode::kNoData, "No data"));
  Incoming incoming{.access = call->access, .key = std::move(key).take(), .events = std::move(events), .creates = {}};
  ingest.write(hec, std::move(incoming), [this, call, channel, refused](const contract::Ack*, const Error* error) {
    if (error != nullptr) return call->exchange->answer(hec_error(*error));
    if (refused) {
      bool index = refused->reason == wire::Reason::kBadName;
      bool event = refused->message.starts_with("Event field");
      HecCode code = index ? HecCode::kIncorrectIndex : event ? HecCode::kEventRequired : HecCode::kInvalidFormat;
      return call->exchange->answer(json_answer(400, {{"text", ingest.clean_text(refused->message)},
                                                      {"code", static_cast<int>(code)},
                                                      {"invalid-event-number", refused->item - 1}}));
    }
    Json body{{"text", "Success"}, {"code", 0}};
    if (channel) body["ackId"] = hec_acks++;
    call->exchange->answer(json_answer(200, body));
  });
}

void Collectors::take_hec(const CallPtr& call) {
  const net::Request& request = call->request();
  Result<std::string> dataset = dataset_of(request, "index");
  if (!dataset.ok()) {
    count_refused(hec);
    return call->exchange->answer(hec_answer(400, HecCode::kIncorrectIndex, "Incorrect index"));
  }
  wire::HecDefaults defaults{request.param("host"), request.param("source"), request.param("sourcetype")};
  auto decoder = hec_decoders.take();
  write_hec(call, decoder->decode(request.body, defaults, {.arrival = ingest.now(), .dataset = *dataset, .zone = {}}));
}

// Lines of text, in whatever format they are.
Result<wire::Events> Collectors::read_raw(const net::Request& request, const std::string& dataset) {
  process::ImportOptions options{.dataset = dataset, .format = {}, .zone = {}};
  options.line_bytes_max = settings.now().line_bytes_max;
  options.batch_rows_max = UINT32_MAX;
  options.batch_bytes_max = SIZE_MAX;
  wire::Events events;
  process::Importer importer(std::move(options), ingest.now(), [&events](model::Batch batch) {
    events.batches.push_back(std::move(batch));
    return Status();
  });
  CLEW_TRY(importer.feed(request.body));
  CLEW_TRY(importer.finish());
  events.received = importer.events();
  auto add = [&events](const char* name, std::string_view value) {
    if (value.empty()) return;
    for (model::Batch& batch : events.batches) {
      model::Column* column = batch.column(name);
      if (column->values_count() > 0) continue;  // events have their own
      column->note_origins(model::bit(model::Origin::kResource));
      for (uint32_t row = 0; row < batch.rows(); ++row) column->add_string(row, value);
    }
  };
  add("host.name", request.param("host"));
  add("splunk.source", request.param("source"));
  add("splunk.sourcetype", request.param("sourcetype"));
  return events;
}

void Collectors::take_hec_raw(const CallPtr& call) {
  Result<std::string> dataset = dataset_of(call->request(), "index");
  if (!dataset.ok()) {
    count_refused(hec);
    return call->exchange->answer(hec_answer(400, HecCode::kIncorrectIndex, "Incorrect index"));
  }
  Result<wire::Events> events = read_raw(call->request(), *dataset);
  if (!events.ok()) {
    count_refused(hec);
    return call->exchange->answer(hec_error(events.error()));
  }
  write_hec(call, std::move(events).take());
}

// {"acks":[0,1]}: an id was given out after its events were stored.
void Collectors::tell_hec_acks(const CallPtr& call) {
  if (channel_of(call->request()).empty()) {
    return call->exchange->answer(hec_answer(400, HecCode::kNoChannel, "Data channel is missing"));
  }
  Json asked = Json::parse(call->request().body, nullptr, false);
  if (!asked.is_object() || !asked["acks"].is_array()) {
    return call->exchange->answer(hec_answer(400, HecCode::kInvalidFormat, "Invalid data format"));
  }
  Json acks = Json::object();
  for (const Json& id : asked["acks"]) {
    if (id.is_number_unsigned()) acks[std::to_string(id.get<uint64_t>())] = id.get<uint64_t>() < hec_acks;
  }
  call->exchange->answer(json_answer(200, {{"acks", acks}}));
}

void Collectors::take_datadog(const CallPtr& call) {
  const net::Request& request = call->request();
  Result<std::optional<contract::BatchKey>> key = key_of(call);
  if (!key.ok()) return answer_error(*call, ErrorShape::kText, key.error());
  auto decoder = datadog_decoders.take();
  wire::Intake intake{.arrival = ingest.now(), .zone = {}};
  Result<wire::Events> events = ingest.clean(decoder->decode(request.body, intake));
  decoder.reset();
  if (!events.ok()) {
    count_refused(datadog);
    return answer_error(*call, ErrorShape::kText, events.error());
  }
  call->exchange->release_body();
  Incoming incoming{
      .access = call->access, .key = std::move(key).take(), .events = std::move(events).take(), .creates = {}};
  ingest.write(datadog, std::move(incoming), [call](const contract::Ack*, const Error* error) {
    if (error != nullptr) return answer_error(*call, ErrorShape::kText, *error);
    call->exchange->answer({.status = 202, .headers = {}, .body = "{}"});
  });
}

// A message as it came, gzip or not.
Status Collectors::add_message(wire::CloudWatchDecoder& decoder, std::string_view bytes) {
  if (!bytes.starts_with("\x1f\x8b")) return decoder.add(bytes);
  net::Buffer plain(&budget);
  CLEW_TRY(net::decompress(net::Encoding::kGzip, bytes, net::kBodyBytesMax, plain));
  return decoder.add(plain.view());
}

void Collectors::take_cloudwatch(const CallPtr& call) {
  Result<std::string> dataset = dataset_of(call->request(), "dataset");
  if (!dataset.ok()) return answer_error(*call, ErrorShape::kText, dataset.error());
  Result<std::optional<contract::BatchKey>> key = key_of(call);
  if (!key.ok()) return answer_error(*call, ErrorShape::kText, key.error());
  auto decoder = cloudwatch_decoders.take();
  std::string_view body = call->request().body;
  decoder->begin({.arrival = ingest.now(), .dataset = *dataset, .zone = {}}, body.size());
  Status added = add_message(*decoder, body);
  if (!added.ok()) {
    count_refused(cloudwatch);
    return answer_error(*call, ErrorShape::kText, ingest.clean(added.error()));
  }
  Incoming incoming{.access = call->access, .key = std::move(key).take(), .events = decoder->take(), .creates = {}};
  call->exchange->release_body();
  ingest.write(cloudwatch, std::move(incoming), [call](const contract::Ack*, const Error* error) {
    if (error != nullptr) return answer_error(*call, ErrorShape::kText, *error);
    call->exchange->answer({.status = 202, .headers = {}, .body = "{}"});
  });
}

// Firehose takes an answer for one only with its request's id and a time.
net::Response firehose_answer(int status, std::string_view id, UnixNanos now, const std::string& error) {
  Json body{{"requestId", std::string(id)}, {"timestamp", now.get() / 1'000'000}};
  if (!error.empty()) body["errorMessage"] = error;
  return json_answer(status, body);
}

void Collectors::take_firehose(const CallPtr& call) {
  const net::Request& request = call->request();
  std::string id(request.header("x-amz-firehose-request-id"));
  auto refuse = [&](const Error& error) {
    count_refused(cloudwatch);
    call->exchange->answer(firehose_answer(400, id, ingest.now(), ingest.clean(error).message()));
  };
  Result<std::string> dataset = dataset_of(request, "dataset");
  if (!dataset.ok()) return refuse(dataset.error());
  Result<wire::FirehoseRequest> got = wire::read_firehose_request(request.body);
  if (!got.ok()) return refuse(got.error());
  if (id.empty()) id = got->id;
  auto decoder = cloudwatch_decoders.take();
  decoder->begin({.arrival = ingest.now(), .dataset = *dataset, .zone = {}}, request.body.size());
  for (const std::string& record : got->records) {
    Status added = add_message(*decoder, record);
    if (!added.ok()) return refuse(added.error());
  }
  Incoming incoming{.access = call->access, .key = {}, .events = decoder->take(), .creates = {}};
  call->exchange->release_body();
  ingest.write(cloudwatch, std::move(incoming), [this, call, id](const contract::Ack*, const Error* error) {
    std::string message = error == nullptr ? std::string() : error->message();
    call->exchange->answer(firehose_answer(error == nullptr ? 200 : 503, id, ingest.now(), message));
  });
}

}  // namespace

std::vector<Route> collector_routes(ReceiverParts& parts) {
  auto all = std::make_shared<Collectors>(parts);
  std::vector<Route> routes;
  auto add = [&](const char* method, const char* pattern, void (Collectors::*take)(const CallPtr&)) {
    Handler handler = [all, take](CallPtr call) { ((*all).*take)(call); };
    routes.push_back({method, pattern, Need::kIngest, Place::kHere, ErrorShape::kText, std::move(handler)});
  };
  for (const char* path : {"/services/collector", "/services/collector/event", "/services/collector/event/1.0"}) {
    add("POST", path, &Collectors::take_hec);
  }
  add("POST", "/services/collector/raw", &Collectors::take_hec_raw);
  add("POST", "/services/collector/raw/1.0", &Collectors::take_hec_raw);
  add("POST", "/services/collector/ack", &Collectors::tell_hec_acks);
  add("POST", "/api/v2/logs", &Collectors::take_datadog);
  add("POST", "/v1/input", &Collectors::take_datadog);
  add("POST", "/aws/cloudwatch", &Collectors::take_cloudwatch);
  add("POST", "/aws/firehose", &Collectors::take_firehose);
  Handler healthy = [all](const CallPtr& call) {
    call->exchange->answer(all->ready ? hec_answer(200, HecCode::kHealthy, "HEC is healthy")
                                      : hec_answer(503, HecCode::kServerBusy, "Server is busy"));
  };
  for (const char* path : {"/services/collector/health", "/services/collector/health/1.0"}) {
    routes.push_back({"GET", path, Need::kNothing, Place::kHere, ErrorShape::kText, healthy});
  }
  return routes;
}

}  // namespace clew::api
