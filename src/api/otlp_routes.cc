// OTLP logs and traces, over HTTP (protobuf, JSON) and gRPC; and Jaeger's spans over gRPC.
#include "api/routes.h"
#include "wire/index_name.h"
#include "wire/jaeger.h"
#include "wire/otlp_logs.h"
#include "wire/otlp_reply.h"
#include "wire/otlp_traces.h"

namespace clew::api {
namespace {

constexpr ErrorShape kShape = ErrorShape::kOtlp;
constexpr std::string_view kLogsExport = "/opentelemetry.proto.collector.logs.v1.LogsService/Export";
constexpr std::string_view kTraceExport = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";

constexpr std::string_view kJaegerPost = "/jaeger.api_v2.CollectorService/PostSpans";

// One signal: decoder, counters and reply.
template <class Decoder>
struct Signal {
  Signal(ReceiverParts& parts, wire::OtlpSignal which, const char* source)
      : signal(which), ingest(parts.ingest), counters(parts.sources, source) {}

  Result<wire::Events> decode(std::string_view body, wire::OtlpForm form, std::string_view dataset) {
    wire::Intake intake{.arrival = ingest.now(), .zone = {}};
    if (!dataset.empty()) intake.dataset = dataset;
    auto decoder = decoders.take();
    Result<wire::Events> events = ingest.clean(form == wire::OtlpForm::kJson ? decoder->decode_json(body, intake)
                                                                             : decoder->decode_protobuf(body, intake));
    if (!events.ok()) {
      counters.received(1);
      counters.rejected("syntax", 1);
    }
    return events;
  }

  const wire::OtlpSignal signal;
  Ingest& ingest;
  SourceCounters counters;
  DecoderPool<Decoder> decoders;
};

Result<wire::OtlpForm> form_of(const net::Request& request) {
  std::string_view type = request.header("content-type");
  if (type.starts_with("application/json")) return wire::OtlpForm::kJson;
  if (type.starts_with("application/x-protobuf") || type.starts_with("application/protobuf")) {
    return wire::OtlpForm::kProtobuf;
  }
  return Error(Code::kUnsupported,
               "content type " + quoted(type) + " (known: application/x-protobuf, application/json)");
}

template <class Decoder>
void take_http(const std::shared_ptr<Signal<Decoder>>& signal, const CallPtr& call) {
  const net::Request& request = call->request();
  Result<wire::OtlpForm> form = form_of(request);
  if (!form.ok()) return answer_error(*call, kShape, form.error());
  Result<std::optional<contract::BatchKey>> key = parse_batch_key(request.header("clew-batch"));
  if (!key.ok()) return answer_error(*call, kShape, key.error());
  std::string dataset(request.header("clew-dataset"));
  if (!dataset.empty()) {
    if (Status named = wire::check_dataset_name(dataset); !named.ok())
      return answer_error(*call, kShape, named.error());
  }
  Result<wire::Events> events = signal->decode(request.body, *form, dataset);
  if (!events.ok()) return answer_error(*call, kShape, events.error());
  call->exchange->release_body();
  auto counts = std::make_shared<const wire::Events>(counts_of(*events));
  Incoming incoming{
      .access = call->access, .key = std::move(key).take(), .events = std::move(events).take(), .creates = {}};
  signal->ingest.write(signal->counters, std::move(incoming),
                       [signal, call, counts, form = *form](const contract::Ack*, const Error* error) {
                         if (error != nullptr) return answer_error(*call, kShape, *error);
                         bool json = form == wire::OtlpForm::kJson;
                         call->exchange->answer({.content_type = json ? "application/json" : "application/x-protobuf",
                                                 .headers = {},
                                                 .body = wire::otlp_reply(signal->signal, form, *counts)});
                       });
}

template <class Decoder>
void take_grpc(const std::shared_ptr<Signal<Decoder>>& signal, contract::Access access, const net::GrpcCallPtr& call) {
  Result<std::optional<contract::BatchKey>> key = parse_batch_key(call->metadata("clew-batch"));
  if (!key.ok()) return call->answer(std::move(key).error());
  std::string dataset(call->metadata("clew-dataset"));
  if (!dataset.empty()) {
    if (Status named = wire::check_dataset_name(dataset); !named.ok()) return call->answer(std::move(named).error());
  }
  Result<wire::Events> events = signal->decode(call->body(), wire::OtlpForm::kProtobuf, dataset);
  if (!events.ok()) return call->answer(std::move(events).error());
  call->release_body();
  auto counts = std::make_shared<const wire::Events>(counts_of(*events));
  Incoming incoming{
      .access = std::move(access), .key = std::move(key).take(), .events = std::move(events).take(), .creates = {}};
  signal->ingest.write(signal->counters, std::move(incoming),
                       [signal, call, counts](const contract::Ack*, const Error* error) {
                         if (error != nullptr) return call->answer(*error);
                         call->answer(wire::otlp_reply(signal->signal, wire::OtlpForm::kProtobuf, *counts));
                       });
}

// Jaeger's collector.
struct JaegerSpans {
  explicit JaegerSpans(ReceiverParts& parts) : ingest(parts.ingest), counters(parts.sources, "jaeger_grpc") {}

  Ingest& ingest;
  SourceCounters counters;
  DecoderPool<wire::JaegerDecoder> decoders;
};

void take_jaeger(const std::shared_ptr<JaegerSpans>& spans, contract::Access access, const net::GrpcCallPtr& call) {
  Result<std::optional<contract::BatchKey>> key = parse_batch_key(call->metadata("clew-batch"));
  if (!key.ok()) return call->answer(std::move(key).error());
  auto decoder = spans->decoders.take();
  Result<wire::Events> events =
      spans->ingest.clean(decoder->decode_protobuf(call->body(), {.arrival = spans->ingest.now(), .zone = {}}));
  decoder.reset();
  if (!events.ok()) {
    spans->counters.received(1);
    spans->counters.rejected("syntax", 1);
    return call->answer(std::move(events).error());
  }
  call->release_body();
  Incoming incoming{
      .access = std::move(access), .key = std::move(key).take(), .events = std::move(events).take(), .creates = {}};
  spans->ingest.write(spans->counters, std::move(incoming), [call](const contract::Ack*, const Error* error) {
    if (error != nullptr) return call->answer(*error);
    call->answer(std::string());
  });
}

class Service final : public OtlpService {
 public:
  explicit Service(ServerParts& parts)
      : logs_(std::make_shared<Signal<wire::OtlpLogsDecoder>>(parts, wire::OtlpSignal::kLogs, "otlp_logs")),
        traces_(std::make_shared<Signal<wire::OtlpTracesDecoder>>(parts, wire::OtlpSignal::kSpans, "otlp_traces")),
        jaeger_(std::make_shared<JaegerSpans>(parts)),
        metrics_(parts.metrics) {}

  std::vector<Route> routes() override {
    Handler logs = [signal = logs_](CallPtr call) { take_http(signal, call); };
    Handler traces = [signal = traces_](CallPtr call) { take_http(signal, call); };
    return {{"POST", "/v1/logs", Need::kIngest, Place::kHere, kShape, logs},
            {"POST", "/v1/traces", Need::kIngest, Place::kHere, kShape, traces}};
  }

  net::GrpcHandler grpc_handler(const AccessGate& gate) override {
    return [logs = logs_, traces = traces_, jaeger = jaeger_, &gate, &metrics = metrics_](net::GrpcCallPtr call) {
      if (KeyCheck key = gate.check_key(*call, Need::kIngest); key != KeyCheck::kGood) {
        count_unauthenticated(metrics, key);
        return call->answer_unauthenticated(AccessGate::error_of(key).message());
      }
      Result<contract::Access> access = gate.admit_grpc(Need::kIngest);
      if (!access.ok()) return call->answer(std::move(access).error());
      if (call->method() == kLogsExport) return take_grpc(logs, std::move(access).take(), call);
      if (call->method() == kTraceExport) return take_grpc(traces, std::move(access).take(), call);
      if (call->method() == kJaegerPost) return take_jaeger(jaeger, std::move(access).take(), call);
      call->answer_unimplemented();
    };
  }

 private:
  std::shared_ptr<Signal<wire::OtlpLogsDecoder>> logs_;
  std::shared_ptr<Signal<wire::OtlpTracesDecoder>> traces_;
  std::shared_ptr<JaegerSpans> jaeger_;
  base::Registry& metrics_;
};

}  // namespace

std::vector<Route> otlp_event_routes(ReceiverParts& parts) {
  auto logs = std::make_shared<Signal<wire::OtlpLogsDecoder>>(parts, wire::OtlpSignal::kLogs, "otlp_logs");
  auto traces = std::make_shared<Signal<wire::OtlpTracesDecoder>>(parts, wire::OtlpSignal::kSpans, "otlp_traces");
  Handler take_logs = [logs](CallPtr call) { take_http(logs, call); };
  Handler take_traces = [traces](CallPtr call) { take_http(traces, call); };
  return {{"POST", "/v1/logs", Need::kIngest, Place::kHere, kShape, take_logs},
          {"POST", "/v1/traces", Need::kIngest, Place::kHere, kShape, take_traces}};
}

std::shared_ptr<OtlpService> make_otlp_service(ServerParts& parts) { return std::make_shared<Service>(parts); }

}  // namespace clew::api
