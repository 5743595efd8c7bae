// Elasticsearch's ways to write: _bulk, and single documents.
#include "api/routes.h"
#include "wire/es_bulk.h"
#include "wire/index_name.h"

namespace clew::api {
namespace {

constexpr ErrorShape kShape = ErrorShape::kElastic;

struct EsWrite {
  explicit EsWrite(ReceiverParts& parts)
      : ingest(parts.ingest), bulk(parts.sources, "bulk"), documents(parts.sources, "es_document") {}

  void take_bulk(const CallPtr& call);
  void take_document(const CallPtr& call, wire::BulkOp op);
  // Takes secrets out of what the answer says: reasons, and names that cannot be.
  void clean(wire::BulkRequest& request) const {
    for (wire::BulkError& error : request.errors) error.reason = ingest.clean_text(std::move(error.reason));
    for (std::string& index : request.indexes) index = ingest.clean_text(std::move(index));
  }

  Ingest& ingest;
  SourceCounters bulk;
  SourceCounters documents;
  DecoderPool<wire::BulkDecoder> decoders;
};

net::Response elastic_json(const net::Request& request, int status, std::string body) {
  return {.status = status,
          .content_type = elastic_content_type(request),
          .headers = {{"X-Elastic-Product", "Elasticsearch"}},
          .body = std::move(body)};
}

void EsWrite::take_bulk(const CallPtr& call) {
  const net::Request& request = call->request();
  uint64_t begun_ns = ingest.clock().monotonic_ns();
  std::string index = call->names.empty() ? std::string() : call->names[0];
  Result<std::optional<contract::BatchKey>> key = parse_batch_key(request.header("clew-batch"));
  if (!key.ok()) return answer_error(*call, kShape, key.error());
  auto decoder = decoders.take();
  Result<wire::BulkRequest> decoded = decoder->decode(request.body, index, {.arrival = ingest.now(), .zone = {}});
  decoder.reset();
  if (!decoded.ok()) {
    bulk.received(1);
    bulk.rejected("syntax", 1);
    return answer_error(*call, kShape, ingest.clean(decoded.error()));
  }
  call->exchange->release_body();
  auto taken = std::make_shared<wire::BulkRequest>(std::move(decoded).take());
  clean(*taken);
  Incoming incoming{.access = call->access,
                    .key = std::move(key).take(),
                    .events = std::move(taken->events),
                    .creates = std::move(taken->creates)};
  ingest.write(bulk, std::move(incoming), [this, call, taken, begun_ns](const contract::Ack* ack, const Error* error) {
    if (error != nullptr) return answer_error(*call, kShape, *error);
    uint64_t took_ms = (ingest.clock().monotonic_ns() - begun_ns) / 1'000'000;
    std::string_view filter = call->request().param("filter_path");
    std::string body = wire::bulk_reply(*taken, ack, took_ms, wire::parse_filter_path(filter));
    call->exchange->answer(elastic_json(call->request(), 200, std::move(body)));
  });
}

void EsWrite::take_document(const CallPtr& call, wire::BulkOp op) {
  const net::Request& request = call->request();
  Result<std::optional<contract::BatchKey>> key = parse_batch_key(request.header("clew-batch"));
  if (!key.ok()) return answer_error(*call, kShape, key.error());
  if (request.param("op_type") == "create") op = wire::BulkOp::kCreate;
  std::string id = call->names.size() > 1 ? call->names[1] : std::string();
  auto decoder = decoders.take();
  auto taken = std::make_shared<wire::BulkRequest>(
      decoder->decode_document(request.body, call->names[0], id, op, {.arrival = ingest.now(), .zone = {}}));
  decoder.reset();
  clean(*taken);
  call->exchange->release_body();
  Incoming incoming{.access = call->access,
                    .key = std::move(key).take(),
                    .events = std::move(taken->events),
                    .creates = std::move(taken->creates)};
  ingest.write(documents, std::move(incoming), [call, taken](const contract::Ack* ack, const Error* error) {
    if (error != nullptr) return answer_error(*call, kShape, *error);
    wire::DocumentReply reply = wire::document_reply(*taken, ack);
    call->exchange->answer(elastic_json(call->request(), reply.status, std::move(reply.body)));
  });
}

}  // namespace

std::vector<Route> es_write_routes(ReceiverParts& parts) {
  auto es = std::make_shared<EsWrite>(parts);
  Handler bulk = [es](CallPtr call) { es->take_bulk(call); };
  Handler index = [es](CallPtr call) { es->take_document(call, wire::BulkOp::kIndex); };
  Handler create = [es](CallPtr call) { es->take_document(call, wire::BulkOp::kCreate); };
  auto route = [](const char* method, const char* pattern, Handler handler) {
    return Route{method, pattern, Need::kIngest, Place::kHere, kShape, std::move(handler)};
  };
  return {
      route("POST", "/_bulk", bulk),
      route("PUT", "/_bulk", bulk),
      route("POST", "/{INDEX}/_bulk", bulk),
      route("PUT", "/{INDEX}/_bulk", bulk),
      // Old clients name a type where there is none any more.
      route("POST", "/{INDEX}/_doc/_bulk", bulk),
      route("POST", "/{INDEX}/_doc", index),
      route("POST", "/{INDEX}/_doc/{ID}", index),
      route("PUT", "/{INDEX}/_doc/{ID}", index),
      route("POST", "/{INDEX}/_create/{ID}", create),
      route("PUT", "/{INDEX}/_create/{ID}", create),
  };
}

}  // namespace clew::api
