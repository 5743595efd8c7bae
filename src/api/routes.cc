#include "api/routes.h"

namespace clew::api {

void add_all_routes(ServerParts& parts, OtlpService& otlp, Router& router) {
  router.add(es_write_routes(parts));
  router.add(es_admin_routes(parts));
  router.add(import_routes(parts));
  router.add(batch_routes(parts));
  router.add(sync_routes(parts));
  router.add(ledger_routes(parts));
  router.add(logrecord_routes(parts));
  router.add(push_routes(parts));
  router.add(span_routes(parts));
  router.add(collector_routes(parts));
  router.add(remote_write_routes(parts));
  router.add(otlp.routes());
  router.add(query_routes(parts));
  router.add(prometheus_routes(parts));
  router.add(explore_routes(parts));
  router.add(parse_routes(parts));
  router.add(tail_routes(parts));
  router.add(subscribe_routes(parts));
  router.add(async_routes(parts));
  router.add(error_routes(parts));
  router.add(openapi_route(router));
  router.add(catalog_routes(parts));
  router.add(context_routes(parts));
  router.add(export_routes(parts));
  router.add(usage_routes(parts));
  router.add(trace_routes(parts));
  router.add(jaeger_routes(parts));
  router.add(zipkin_routes(parts));
  router.add(alertmanager_routes(parts));
  router.add(notify_routes(parts));
  router.add(admin_routes(parts));
  router.add(metric_admin_routes(parts));
  router.add(health_routes(parts));
}

void add_otlp_routes(ServerParts& parts, OtlpService& otlp, Router& router) {
  router.add(otlp.routes());
  router.add(health_routes(parts));
}

}  // namespace clew::api
