// What an operator does with samples, as Prometheus' API has it: /api/v1/admin/tsdb/*.
#include <fmt/format.h>

#include <chrono>

#include "api/prometheus_json.h"
#include "api/routes.h"

namespace clew::api {
namespace {

constexpr uint64_t kNanosPerSecond = 1'000'000'000;

// Answers 204, or what the handler says.
using Admin = Result<net::Response> (*)(ServerParts& parts, const FormParams& params);

net::Response nothing() { return {.status = 204, .headers = {}, .body = {}}; }

Result<net::Response> delete_series(ServerParts& parts, const FormParams& params) {
  std::vector<std::string_view> selectors = params.all("match[]");
  if (selectors.empty()) return Error(Code::kInvalid, "no match[] parameter provided");
  int64_t from = INT64_MIN, to = INT64_MAX;
  if (!params.get("start").empty()) from = CLEW_TRY(parse_prometheus_time("start", params.get("start")));
  if (!params.get("end").empty()) to = CLEW_TRY(parse_prometheus_time("end", params.get("end")));
  if (from > to) return Error(Code::kInvalid, "invalid parameter \"end\": it is before start");
  std::vector<std::vector<contract::LabelMatcher>> chosen;
  for (std::string_view selector : selectors) {
    std::vector<contract::LabelMatcher> matchers = CLEW_TRY(query::promql::parse_selector(selector));
    chosen.push_back(std::move(matchers));
  }
  for (const auto& matchers : chosen) CLEW_TRY(parts.metric_store.delete_series(matchers, from, to));
  return nothing();
}

Result<net::Response> clean_tombstones(ServerParts& parts, const FormParams&) {
  CLEW_TRY(parts.metric_store.clean_tombstones());
  return nothing();
}

// Of everything, events too: DATA/snapshots/NAME.
Result<net::Response> snapshot(ServerParts& parts, const FormParams&) {
  int64_t now = parts.clock.now().get();
  auto seconds = std::chrono::sys_seconds(std::chrono::seconds(now / static_cast<int64_t>(kNanosPerSecond)));
  auto day = std::chrono::floor<std::chrono::days>(seconds);
  std::chrono::year_month_day date(day);
  std::chrono::hh_mm_ss time(seconds - day);
  std::string name =
      fmt::format("{:04}{:02}{:02}T{:02}{:02}{:02}Z-{:09x}", static_cast<int>(date.year()),
                  static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()), time.hours().count(),
                  time.minutes().count(), time.seconds().count(), static_cast<uint64_t>(now) % kNanosPerSecond);
  const std::string dir = parts.metric_store.dir() + "/../snapshots/" + name;
  CLEW_TRY(parts.store.snapshot_to(dir));
  CLEW_TRY(parts.metric_store.snapshot_to(dir + "/metrics"));
  return net::Response{.headers = {}, .body = R"({"status":"success","data":{"name":")" + name + "\"}}"};
}

}  // namespace

std::vector<Route> metric_admin_routes(ServerParts& parts) {
  std::vector<Route> routes;
  auto add = [&](const char* pattern, Admin admin) {
    for (const char* method : {"POST", "PUT"}) {
      routes.push_back({.method = method,
                        .pattern = pattern,
                        .need = Need::kAdmin,
                        .place = Place::kPool,
                        .errors = ErrorShape::kClew,
                        .handler = [&parts, admin](const CallPtr& call) {
                          Result<net::Response> answer = admin(parts, FormParams(call->request()));
                          call->exchange->answer(answer.ok() ? std::move(*answer) : prometheus_error(answer.error()));
                        }});
    }
  };
  add("/api/v1/admin/tsdb/delete_series", delete_series);
  add("/api/v1/admin/tsdb/clean_tombstones", clean_tombstones);
  add("/api/v1/admin/tsdb/snapshot", snapshot);
  return routes;
}

}  // namespace clew::api
