// Python's logging.handlers.HTTPHandler: one record a request, as a form.
#include "api/routes.h"
#include "wire/index_name.h"
#include "wire/logrecord.h"

namespace clew::api {
namespace {

constexpr ErrorShape kShape = ErrorShape::kClew;

struct LogRecord {
  explicit LogRecord(ReceiverParts& parts) : ingest(parts.ingest), logrecord(parts.sources, "logrecord") {}

  void take(const CallPtr& call);

  Ingest& ingest;
  SourceCounters logrecord;
};

// The dataset is the query's, of a POST only: the query of a GET is the record itself.
Result<std::string> dataset_of(const net::Request& request) {
  std::string name(request.method == "POST" ? request.param("dataset") : std::string_view());
  if (name.empty()) return std::string("logs");
  CLEW_TRY(wire::check_dataset_name(name));
  return name;
}

std::string_view form_of(const net::Request& request) {
  if (request.method == "POST") return request.body;
  size_t question = request.target.find('?');
  return question == std::string::npos ? std::string_view() : std::string_view(request.target).substr(question + 1);
}

void LogRecord::take(const CallPtr& call) {
  const net::Request& request = call->request();
  Result<std::string> dataset = dataset_of(request);
  if (!dataset.ok()) return answer_error(*call, kShape, dataset.error());
  wire::Intake intake{.arrival = ingest.now(), .dataset = *dataset, .zone = {}};
  Result<wire::Events> events = ingest.clean(wire::decode_logrecord(form_of(request), intake));
  if (!events.ok()) {
    logrecord.received(1);
    logrecord.rejected("syntax", 1);
    return answer_error(*call, kShape, events.error());
  }
  call->exchange->release_body();
  Incoming incoming{.access = call->access, .key = {}, .events = std::move(events).take(), .creates = {}};
  ingest.write(logrecord, std::move(incoming), [call](const contract::Ack*, const Error* error) {
    if (error != nullptr) return answer_error(*call, kShape, *error);
    call->exchange->answer({.status = 204, .headers = {}, .body = {}});
  });
}

}  // namespace

std::vector<Route> logrecord_routes(ReceiverParts& parts) {
  auto logrecord = std::make_shared<LogRecord>(parts);
  Handler take = [logrecord](CallPtr call) { logrecord->take(call); };
  return {
      {"POST", "/api/v1/logrecord", Need::kIngest, Place::kHere, kShape, take},
      {"GET", "/api/v1/logrecord", Need::kIngest, Place::kHere, kShape, take},
  };
}

}  // namespace clew::api
