#include "derive/service_graph.h"

#include <nlohmann/json.hpp>

#include <array>

#include "base/hash.h"

namespace clew::derive {
namespace {

constexpr std::string_view kVirtual = "virtual_node";
constexpr std::string_view kDatabase = "database";
constexpr std::string_view kMessaging = "messaging_system";
constexpr std::string_view kOutside = "user";  // who calls the outermost servers

enum EdgeFamily : size_t { kRequests, kFailed, kServerSeconds, kClientSeconds };

InstrumentPlan edges_plan(const std::vector<double>& bounds, HistogramForm form) {
  return {.name = "service_graph",
          .labels = {"client", "server", "connection_type"},
          .families =
              {
                  {.name = "traces_service_graph_request_total", .help = "Calls from one service to another"},
                  {.name = "traces_service_graph_request_failed_total", .help = "Calls that failed on either side"},
                  {.name = "traces_service_graph_request_server_seconds",
                   .kind = MetricKind::kHistogram,
                   .help = "How long calls took as the server saw it",
                   .bounds = bounds},
                  {.name = "traces_service_graph_request_client_seconds",
                   .kind = MetricKind::kHistogram,
                   .help = "How long calls took as the client saw it",
                   .bounds = bounds},
              },
          .form = form};
}

InstrumentPlan unpaired_plan() {
  return {.name = "service_graph_unpaired",
          .labels = {"client", "server"},
          .families = {{.name = "traces_service_graph_unpaired_spans_total",
                        .help = "Sides of calls whose other side did not come in time"}}};
}

uint64_t key_of(std::string_view trace, std::string_view span) { return base::hash64(span, base::hash64(trace)); }

}  // namespace

ServiceGraph::ServiceGraph(ServiceGraphOptions options, SeriesBudget& budget, base::Registry& metrics)
    : options_(std::move(options)),
      edges_(edges_plan(options_.bounds, options_.form), budget),
      unpaired_(unpaired_plan(), budget),
      dropped_(metrics.counter("clew_service_graph_dropped_spans_total",
                               "Sides of calls that found no room to wait for the other")) {}

void ServiceGraph::take(const SpanView& span, int64_t now_millis) {
  if (span.service.empty() || span.trace_id.empty()) return;
  if (span.kind == SpanKind::kClient || span.kind == SpanKind::kProducer) take_client(span, now_millis);
  if (span.kind == SpanKind::kServer || span.kind == SpanKind::kConsumer) take_server(span, now_millis);
}

void ServiceGraph::count(const Edge& edge, int64_t now_millis) {
  Instrument::RowId row = edges_.row(std::array{edge.client, edge.server, edge.connection}, now_millis);
  bool failed = (edge.client_side != nullptr && edge.client_side->failed) ||
                (edge.server_side != nullptr && edge.server_side->failed);
  edges_.add(row, kRequests, 1);
  if (failed) edges_.add(row, kFailed, 1);
  // What one side alone saw is all that is known of the call.
  const Side* server = edge.server_side != nullptr ? edge.server_side : edge.client_side;
  const Side* client = edge.client_side != nullptr ? edge.client_side : edge.server_side;
  edges_.observe(row, kServerSeconds, server->seconds, {.trace_id = server->trace_id, .span_id = {}, .event_id = {}},
                 now_millis);
  edges_.observe(row, kClientSeconds, client->seconds, {.trace_id = client->trace_id, .span_id = {}, .event_id = {}},
                 now_millis);
}

void ServiceGraph::count_call(Side& client, const Side& server, int64_t now_millis) {
  client.paired = true;
  std::string_view connection = client.messaging || server.messaging ? kMessaging : std::string_view();
  count({.client = client.service,
         .server = server.service,
         .connection = connection,
         .client_side = &client,
         .server_side = &server},
        now_millis);
}

bool ServiceGraph::keep(Sides& sides, uint64_t key, Side side) {
  if (waiting() >= options_.waiting_max) {
    dropped_.add();
    return false;
  }
  sides.emplace(key, std::move(side));
  return true;
}

void ServiceGraph::take_client(const SpanView& span, int64_t now_millis) {
  Side side{.service = std::string(span.service),
            .peer = std::string(span.peer),
            .trace_id = std::string(span.trace_id),
            .seconds = span.seconds,
            .arrived_millis = now_millis,
            .failed = span.status == SpanStatus::kError,
            .messaging = span.messaging};
  if (span.database && !side.peer.empty()) {
    count({.client = side.service, .server = side.peer, .connection = kDatabase, .client_side = &side}, now_millis);
    return;
  }
  uint64_t key = key_of(span.trace_id, span.span_id);
  auto [first, last] = servers_.equal_range(key);
  for (auto it = first; it != last; ++it) count_call(side, it->second, now_millis);
  servers_.erase(first, last);
  keep(clients_, key, std::move(side));
}

void ServiceGraph::take_server(const SpanView& span, int64_t now_millis) {
  Side side{.service = std::string(span.service),
            .peer = {},
            .trace_id = std::string(span.trace_id),
            .seconds = span.seconds,
            .arrived_millis = now_millis,
            .failed = span.status == SpanStatus::kError,
            .messaging = span.messaging,
            .outermost = span.parent_id.empty()};
  bool by_own_id = span.shared || side.outermost;
  uint64_t key = key_of(span.trace_id, by_own_id ? span.span_id : span.parent_id);
  auto client = clients_.find(key);
  if (client != clients_.end()) return count_call(client->second, side, now_millis);
  keep(servers_, key, std::move(side));
}

void ServiceGraph::give_up(const Side& side, bool client, int64_t now_millis) {
  if (client && !side.peer.empty()) {
    return count({.client = side.service, .server = side.peer, .connection = kVirtual, .client_side = &side},
                 now_millis);
  }
  if (!client && side.outermost) {
    return count({.client = kOutside, .server = side.service, .connection = kVirtual, .server_side = &side},
                 now_millis);
  }
  std::string_view service = side.service;
  Instrument::RowId row = unpaired_.row(
      std::array{client ? service : std::string_view(), client ? std::string_view() : service}, now_millis);
  unpaired_.add(row, 0, 1);
}

void ServiceGraph::expire(int64_t now_millis) {
  int64_t before = now_millis - options_.wait_millis;
  for (Sides* sides : {&clients_, &servers_}) {
    std::erase_if(*sides, [&](const auto& waiting) {
      const Side& side = waiting.second;
      if (side.arrived_millis > before) return false;
      if (!side.paired) give_up(side, sides == &clients_, now_millis);
      return true;
    });
  }
}

Json ServiceGraph::side_json(uint64_t key, const Side& side) {
  return {{"key", key},
          {"service", side.service},
          {"peer", side.peer},
          {"trace", side.trace_id},
          {"seconds", side.seconds},
          {"arrived", side.arrived_millis},
          {"failed", side.failed},
          {"messaging", side.messaging},
          {"outermost", side.outermost},
          {"paired", side.paired}};
}

Json ServiceGraph::state() const {
  Json out = {{"clients", Json::array()}, {"servers", Json::array()}};
  for (const auto& [key, side] : clients_) out["clients"].push_back(side_json(key, side));
  for (const auto& [key, side] : servers_) out["servers"].push_back(side_json(key, side));
  return out;
}

void ServiceGraph::restore(const Json& state) {
  auto take = [](const Json& list, Sides& sides) {
    for (const Json& one : list) {
      sides.emplace(one.at("key").get<uint64_t>(), Side{.service = one.at("service").get<std::string>(),
                                                        .peer = one.at("peer").get<std::string>(),
                                                        .trace_id = one.at("trace").get<std::string>(),
                                                        .seconds = one.at("seconds").get<double>(),
                                                        .arrived_millis = one.at("arrived").get<int64_t>(),
                                                        .failed = one.at("failed").get<bool>(),
                                                        .messaging = one.at("messaging").get<bool>(),
                                                        .outermost = one.at("outermost").get<bool>(),
                                                        .paired = one.at("paired").get<bool>()});
    }
  };
  if (state.contains("clients")) take(state.at("clients"), clients_);
  if (state.contains("servers")) take(state.at("servers"), servers_);
}

}  // namespace clew::derive
