// Files and lines: /api/v1/import.
#include <charconv>

#include "api/json_body.h"
#include "api/routes.h"
#include "process/importer.h"
#include "text/time_format.h"
#include "wire/index_name.h"
#include "wire/ndjson.h"
#include "wire/trace_file.h"

namespace clew::api {
namespace {

constexpr ErrorShape kShape = ErrorShape::kClew;

struct Decoded {
  wire::Events events;
  std::string format;             // what the lines were read as
  Json datasets = Json::array();  // where they go
  int64_t last_time = 0;          // of the last event, for the `after` of the next piece of a file
};

struct Import {
  explicit Import(ReceiverParts& parts)
      : ingest(parts.ingest), settings(parts.settings), import(parts.sources, "import") {}

  void take_import(const CallPtr& call);
  Result<Decoded> decode(const net::Request& request);

  Ingest& ingest;
  const LiveSettings& settings;
  SourceCounters import;
  DecoderPool<wire::NdjsonDecoder> ndjson;
  DecoderPool<wire::TraceFileDecoder> trace_files;
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

// `after`: nanoseconds that stand for the time of events before any that has one, where a file comes in pieces.
Result<UnixNanos> arrival_of(const net::Request& request, UnixNanos otherwise) {
  std::string_view text = request.param("after");
  if (text.empty()) return otherwise;
  int64_t nanos = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), nanos);
  if (error != std::errc() || end != text.data() + text.size()) {
    return Error(Code::kInvalid, "after " + clew::quoted(text) + " is no number of nanoseconds");
  }
  return UnixNanos(nanos);
}

// The form of a body that is a file of traces: by name, or with `auto` by what it begins with.
std::optional<wire::TraceFile> trace_file_of(const net::Request& request) {
  std::string_view format = request.param("format");
  if (format != "auto" || request.has_param("detected")) return wire::trace_file_by_name(format);
  return wire::detect_trace_file(std::string_view(request.body).substr(0, process::kSampleBytes));
}

// Lines of text in whatever format: every line becomes an event, or goes on with one, so nothing is rejected.
Result<wire::Events> read_lines(const net::Request& request, const wire::Intake& intake, size_t line_bytes_max,
                                Decoded& out) {
  process::ImportOptions options{
      .dataset = std::string(intake.dataset), .format = {}, .zone = intake.zone, .join_traces = true};
  options.format = CLEW_TRY(process::format_by_name(request.param("format")));
  if (!options.format && request.has_param("detected")) {
    // The sender has looked at the whole file's beginning; this is a later piece of it.
    options.format = CLEW_TRY(process::format_by_name(request.param("detected")));
    options.expect = process::Expect::kMostly;
  }
  options.line_bytes_max = line_bytes_max;
  options.batch_rows_max = UINT32_MAX;
  options.batch_bytes_max = SIZE_MAX;
  wire::Events events;
  process::Importer importer(std::move(options), intake.arrival, [&events](model::Batch batch) {
    events.batches.push_back(std::move(batch));
    return Status();
  });
  CLEW_TRY(importer.feed(request.body));
  CLEW_TRY(importer.finish());
  events.received = importer.events();
  if (importer.format()) out.format = std::string(process::format_name(*importer.format()));
  return events;
}

Result<Decoded> Import::decode(const net::Request& request) {
  std::string dataset = CLEW_TRY(dataset_of(request));
  text::Zone zone = CLEW_TRY(zone_of(request));
  wire::Intake intake{.arrival = ingest.now(), .dataset = dataset, .zone = zone};
  intake.arrival = CLEW_TRY(arrival_of(request, intake.arrival));
  std::string_view format = request.param("format");
  Decoded out;
  if (std::optional<wire::TraceFile> form = trace_file_of(request)) {
    out.format = std::string(wire::trace_file_name(*form));
    out.events = CLEW_TRY(trace_files.take()->decode(request.body, *form, intake));
  } else if (format.empty() || format == "ndjson") {
    out.format = "ndjson";
    out.events = ndjson.take()->decode(request.body, intake);
  } else if (format == "json") {
    out.format = "json";
    out.events = ndjson.take()->decode_stream(request.body, intake);
  } else {
    out.events = CLEW_TRY(read_lines(request, intake, settings.now().line_bytes_max, out));
  }
  for (wire::Rejection& rejection : out.events.rejections) {
    rejection.message = ingest.clean_text(std::move(rejection.message));
  }
  for (const model::Batch& batch : out.events.batches) {
    out.datasets.push_back(batch.dataset());
    const model::Column* times = batch.find(model::kTimeField);
    if (times != nullptr && !times->ints().empty()) out.last_time = times->ints().back();
  }
  return out;
}

std::string import_reply(const Decoded& decoded, uint64_t rows, bool duplicate) {
  Json errors = Json::array();
  for (const wire::Rejection& rejection : decoded.events.rejections) {
    errors.push_back({{"item", rejection.item},
                      {"reason", std::string(wire::reason_name(rejection.reason))},
                      {"message", rejection.message}});
  }
  return dump_json({{"received", decoded.events.received},
                    {"stored", duplicate ? 0 : rows},
                    {"duplicate", duplicate ? rows : 0},
                    {"rejected", decoded.events.rejected},
                    {"format", decoded.format},
                    {"datasets", decoded.datasets},
                    {"last_time", decoded.last_time},
                    {"errors", std::move(errors)}}) +
         "\n";
}

void Import::take_import(const CallPtr& call) {
  Result<std::optional<contract::BatchKey>> key = parse_batch_key(call->request().header("clew-batch"));
  if (!key.ok()) return answer_error(*call, kShape, key.error());
  Result<Decoded> decoded = decode(call->request());
  if (!decoded.ok()) return answer_error(*call, kShape, ingest.clean(decoded.error()));
  call->exchange->release_body();
  auto kept = std::make_shared<Decoded>(std::move(decoded).take());
  uint64_t rows = 0;
  for (const model::Batch& batch : kept->events.batches) rows += batch.rows();
  wire::Events events = std::move(kept->events);
  kept->events = counts_of(events);
  Incoming incoming{.access = call->access, .key = std::move(key).take(), .events = std::move(events), .creates = {}};
  ingest.write(import, std::move(incoming), [call, kept, rows](const contract::Ack* ack, const Error* error) {
    if (error != nullptr) return answer_error(*call, kShape, *error);
    bool duplicate = ack != nullptr && ack->duplicate;
    call->exchange->answer({.headers = {}, .body = import_reply(*kept, rows, duplicate)});
  });
}

}  // namespace

std::vector<Route> import_routes(ReceiverParts& parts) {
  auto import = std::make_shared<Import>(parts);
  Handler lines = [import](CallPtr call) { import->take_import(call); };
  return {
      {"POST", "/api/v1/import", Need::kIngest, Place::kHere, kShape, lines},
  };
}

}  // namespace clew::api
