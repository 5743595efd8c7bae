// The routes of every protocol, one function per file; routes.cc puts the table together.
#pragma once

#include <functional>
#include <memory>
#include <string_view>
#include <vector>

#include "api/router.h"
#include "api/server_parts.h"
#include "net/grpc_server.h"

namespace clew::api {

// Lifetime of all: `parts` and what it names outlive the routes.
std::vector<Route> es_write_routes(ReceiverParts& parts);     // _bulk, _doc, _create
std::vector<Route> es_greeting_routes(ReceiverParts& parts);  // of these, what one that only receives answers
std::vector<Route> es_admin_routes(ServerParts& parts);       // what Elasticsearch's clients ask around writing
std::vector<Route> import_routes(ReceiverParts& parts);       // /api/v1/import
std::vector<Route> batch_routes(ServerParts& parts);          // /clew/v1/batches
std::vector<Route> sync_routes(ServerParts& parts);           // /clew/v1/sync
std::vector<Route> ledger_routes(ServerParts& parts);         // /clew/v1/ledger
std::vector<Route> logrecord_routes(ReceiverParts& parts);    // /api/v1/logrecord
std::vector<Route> push_routes(ReceiverParts& parts);         // Loki, Zipkin
std::vector<Route> span_routes(ReceiverParts& parts);         // Datadog, Jaeger
std::vector<Route> collector_routes(ReceiverParts& parts);    // Splunk's, Datadog's and CloudWatch's logs
std::vector<Route> remote_write_routes(ServerParts& parts);   // Prometheus' samples
std::vector<Route> prometheus_routes(ServerParts& parts);     // Prometheus' query API
std::vector<Route> query_routes(ServerParts& parts);          // _plugins/_ppl, /clew/v1/search
std::vector<Route> trace_routes(ServerParts& parts);          // traces, goals, services of /clew/v1
std::vector<Route> jaeger_routes(ServerParts& parts);         // Jaeger's query API
std::vector<Route> zipkin_routes(ServerParts& parts);         // Zipkin's query API
std::vector<Route> explore_routes(ServerParts& parts);        // fields, facets, histogram
std::vector<Route> parse_routes(ServerParts& parts);          // tokens, mistakes, completions
std::vector<Route> tail_routes(ServerParts& parts);           // events as they come
std::vector<Route> subscribe_routes(ServerParts& parts);      // named places in them
std::vector<Route> async_routes(ServerParts& parts);          // running queries, and those that go on by themselves
std::vector<Route> error_routes(ServerParts& parts);          // errors and messages in groups
std::vector<Route> catalog_routes(ServerParts& parts);        // datasets, fields
std::vector<Route> context_routes(ServerParts& parts);        // one event, and those around it
std::vector<Route> export_routes(ServerParts& parts);         // every row, as a file
std::vector<Route> usage_routes(ServerParts& parts);          // what takes how many bytes
std::vector<Route> metric_admin_routes(ServerParts& parts);   // Prometheus' delete, clean, snapshot
std::vector<Route> alertmanager_routes(ServerParts& parts);   // Alertmanager's API
std::vector<Route> notify_routes(ServerParts& parts);         // who is told of alerts
std::vector<Route> admin_routes(ServerParts& parts);          // delete, retention, snapshot, flush
std::vector<Route> health_routes(ServerParts& parts);         // probes, /metrics

// Takes the datagrams of Jaeger's clients; what is refused is counted.
std::function<void(std::string_view)> jaeger_packet_handler(ServerParts& parts, const AccessGate& gate);

// OTLP over HTTP and gRPC share decoders and counters.
class OtlpService {
 public:
  virtual ~OtlpService() = default;
  virtual std::vector<Route> routes() = 0;
  virtual net::GrpcHandler grpc_handler(const AccessGate& gate) = 0;
};
std::shared_ptr<OtlpService> make_otlp_service(ServerParts& parts);
// Of it what an agent takes too: logs and spans over HTTP.
std::vector<Route> otlp_event_routes(ReceiverParts& parts);

// /clew/v1/openapi.json. Lifetime: the router outlives the route.
Route openapi_route(const Router& router);

// Everything above, into the router of the main listener.
void add_all_routes(ServerParts& parts, OtlpService& otlp, Router& router);
// What the OTLP/HTTP listener answers.
void add_otlp_routes(ServerParts& parts, OtlpService& otlp, Router& router);

}  // namespace clew::api
