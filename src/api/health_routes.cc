// Probes and our own metrics.
#include "api/json_body.h"
#include "api/routes.h"

namespace clew::api {
namespace {

struct Health {
  explicit Health(ServerParts& p) : parts(p) {}

  void live(const CallPtr& call) { call->exchange->answer({.headers = {}, .body = "{\"status\":\"alive\"}\n"}); }

  // Each check that fails stands in the answer by its name.
  void ready(const CallPtr& call) {
    Json body = {{"status", "ready"}};
    auto failed = [&body](const char* check) {
      body["status"] = "not ready";
      body[check] = false;
    };
    bool serving = parts.ready.load();
    if (!serving) failed("serving");
    logstore::StoreHealth store = parts.store.health();
    if (!store.writes.ok()) {
      failed(store.writes.error().code() == Code::kFull ? "disk" : "store");
      body["reason"] = store.writes.error().message();
    }
    bool ok = serving && store.writes.ok();
    call->exchange->answer({.status = ok ? 200 : 503, .headers = {}, .body = dump_json(body) + "\n"});
  }

  void startup(const CallPtr& call) {
    bool ok = parts.ready.load();
    call->exchange->answer({.status = ok ? 200 : 503,
                            .headers = {},
                            .body = ok ? "{\"status\":\"started\"}\n" : "{\"status\":\"starting\"}\n"});
  }

  void metrics(const CallPtr& call) {
    call->exchange->answer({.content_type = "text/plain; version=0.0.4; charset=utf-8",
                            .headers = {},
                            .body = parts.metrics.prometheus_text()});
  }

  ServerParts& parts;
};

}  // namespace

std::vector<Route> health_routes(ServerParts& parts) {
  auto health = std::make_shared<Health>(parts);
  Handler live = [health](CallPtr call) { health->live(call); };
  Handler ready = [health](CallPtr call) { health->ready(call); };
  Handler startup = [health](CallPtr call) { health->startup(call); };
  Handler metrics = [health](CallPtr call) { health->metrics(call); };
  auto probe = [](const char* path, Handler handler) {
    return Route{"GET", path, Need::kNothing, Place::kHere, ErrorShape::kClew, std::move(handler)};
  };
  return {
      probe("/health/live", live),       probe("/livez", live),
      probe("/healthz", live),           probe("/health/ready", ready),
      probe("/readyz", ready),           probe("/ready", ready),  // as senders to Loki ask
      probe("/health/startup", startup), {"GET", "/metrics", Need::kRead, Place::kHere, ErrorShape::kClew, metrics},
  };
}

}  // namespace clew::api
