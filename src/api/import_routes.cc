// Files and lines: /api/v1/import.
#include "api/json_body.h"
#include "api/routes.h"
#include "text/time_format.h"
#include "wire/index_name.h"
#include "wire/ndjson.h"

namespace clew::api {
namespace {

constexpr ErrorShape kShape = ErrorShape::kClew;

struct Import {
  explicit Import(ServerParts& parts) : ingest(parts.ingest), import(parts.metrics, "import") {}

  void take_import(const CallPtr& call);
  Result<wire::Events> decode(const net::Request& request);

  Ingest& ingest;
  SourceCounters import;
  DecoderPool<wire::NdjsonDecoder> ndjson;
};

Result<std::string> dataset_of(const net::Request& request) {
  std::string name(request.param("dataset"));
  if (name.empty()) return std::string("logs");
  CLEW_TRY(wire::check_dataset_name(name));
  return name;
}

Result<text::Zone> zone_of(const net::Request& request) {
  std::string_view name = request.param("zone");
  if (name.empty()) return text::Zone();
  std::optional<text::Zone> zone = text::Zone::find(name);
  if (!zone)
    return Error(Code::kInvalid, "zone " + clew::quoted(name) + " is not known: write Asia/Ho_Chi_Minh or +07:00");
  return *zone;
}

Result<wire::Events> Import::decode(const net::Request& request) {
  std::string dataset = CLEW_TRY(dataset_of(request));
  text::Zone zone = CLEW_TRY(zone_of(request));
  wire::Intake intake{.arrival = ingest.now(), .dataset = dataset, .zone = zone};
  std::string_view format = request.param("format");
  auto decoder = ndjson.take();
  if (format.empty() || format == "ndjson") return decoder->decode(request.body, intake);
  if (format == "json") return decoder->decode_stream(request.body, intake);
  return Error(Code::kInvalid, "format " + clew::quoted(format) + " is not known: ndjson, json");
}

std::string import_reply(const wire::Events& events, uint64_t rows, bool duplicate) {
  Json errors = Json::array();
  for (const wire::Rejection& rejection : events.rejections) {
    errors.push_back({{"item", rejection.item},
                      {"reason", std::string(wire::reason_name(rejection.reason))},
                      {"message", rejection.message}});
  }
  return dump_json({{"received", events.received},
                    {"stored", duplicate ? 0 : rows},
                    {"duplicate", duplicate ? rows : 0},
                    {"rejected", events.rejected},
                    {"errors", std::move(errors)}}) +
         "\n";
}

void Import::take_import(const CallPtr& call) {
  Result<std::optional<contract::BatchKey>> key = parse_batch_key(call->request().header("clew-batch"));
  if (!key.ok()) return answer_error(*call, kShape, key.error());
  Result<wire::Events> events = decode(call->request());
  if (!events.ok()) return answer_error(*call, kShape, events.error());
  call->exchange->release_body();
  uint64_t rows = 0;
  for (const model::Batch& batch : events->batches) rows += batch.rows();
  Incoming incoming{
      .access = call->access, .key = std::move(key).take(), .events = std::move(events).take(), .creates = {}};
  auto kept = std::make_shared<wire::Events>();
  kept->received = incoming.events.received;
  kept->rejected = incoming.events.rejected;
  kept->rejections = incoming.events.rejections;
  ingest.write(import, std::move(incoming), [call, kept, rows](const contract::Ack* ack, const Error* error) {
    if (error != nullptr) return answer_error(*call, kShape, *error);
    bool duplicate = ack != nullptr && ack->duplicate;
    call->exchange->answer({.headers = {}, .body = import_reply(*kept, rows, duplicate)});
  });
}

}  // namespace

std::vector<Route> import_routes(ServerParts& parts) {
  auto import = std::make_shared<Import>(parts);
  Handler lines = [import](CallPtr call) { import->take_import(call); };
  return {
      {"POST", "/api/v1/import", Need::kIngest, Place::kHere, kShape, lines},
  };
}

}  // namespace clew::api
