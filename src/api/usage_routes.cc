// What takes how many bytes: by dataset, service, field, day.
#include <chrono>

#include <fmt/format.h>

#include "api/query_json.h"
#include "api/routes.h"
#include "api/trace_params.h"
#include "logstore/usage.h"

namespace clew::api {
namespace {

constexpr ErrorShape kShape = ErrorShape::kClew;
constexpr int64_t kDayNanos = 86'400'000'000'000;

int64_t day_of(int64_t nanos) { return nanos / kDayNanos - (nanos % kDayNanos < 0 ? 1 : 0); }

std::string day_text(int64_t day) {
  std::chrono::year_month_day date{std::chrono::sys_days{std::chrono::days(day)}};
  return fmt::format("{:04}-{:02}-{:02}", static_cast<int>(date.year()), static_cast<unsigned>(date.month()),
                     static_cast<unsigned>(date.day()));
}

Result<logstore::UsageBy> read_by(std::string_view text) {
  logstore::UsageBy by;
  if (text.empty()) text = "dataset";
  while (!text.empty()) {
    std::string_view name = text.substr(0, text.find(','));
    text.remove_prefix(std::min(name.size() + 1, text.size()));
    bool* one = name == "dataset"   ? &by.dataset
                : name == "service" ? &by.service
                : name == "field"   ? &by.field
                : name == "day"     ? &by.day
                                    : nullptr;
    if (one == nullptr) {
      return Error(Code::kInvalid, "by: " + clew::quoted(name) + " is none of dataset, service, field, day");
    }
    *one = true;
  }
  return by;
}

Status check_params(const net::Request& request) {
  for (const auto& [name, value] : request.query) {
    if (name != "by" && name != "dataset" && name != "from" && name != "to" && name != "since") {
      return Error(Code::kInvalid,
                   "unknown parameter " + clew::quoted(name) + ": usage takes by, dataset, from, to and since");
    }
  }
  return {};
}

Json row_json(const logstore::UsageRow& row, const logstore::UsageBy& by, uint64_t all_bytes) {
  Json out = Json::object();
  if (by.day) out["day"] = day_text(row.day);
  if (by.dataset) out["dataset"] = row.dataset;
  if (by.service) out["service"] = row.service;
  if (by.field) out["field"] = row.field;
  out["events"] = row.events;
  out["bytes"] = row.bytes;
  out["share"] = all_bytes == 0 ? 0.0 : static_cast<double>(row.bytes) / static_cast<double>(all_bytes);
  return out;
}

Result<Json> usage(ServerParts& parts, const CallPtr& call) {
  const net::Request& http = call->request();
  CLEW_TRY(check_params(http));
  logstore::UsageRequest request;
  request.by = CLEW_TRY(read_by(http.param("by")));
  contract::TimeRange range = CLEW_TRY(range_params(http, parts.clock));
  if (range.from != INT64_MIN) request.day_from = day_of(range.from);
  if (range.to != INT64_MAX) request.day_to = day_of(range.to - 1);
  std::vector<std::string> datasets;
  std::string dataset(http.param("dataset"));
  if (!dataset.empty()) {
    // Names what is not there.
    auto known = parts.store.fields(call->access, dataset);
    if (!known.ok()) return std::move(known).error();
    datasets.push_back(dataset);
  }
  logstore::Usage found = CLEW_TRY(parts.store.usage(call->access, datasets, request, stop_of_client(call)));
  Json rows = Json::array();
  for (const logstore::UsageRow& row : found.rows) rows.push_back(row_json(row, request.by, found.bytes));
  return Json{{"rows", std::move(rows)},
              {"events", found.events},
              {"bytes", found.bytes},
              {"journal_bytes", found.journal_bytes}};
}

}  // namespace

std::vector<Route> usage_routes(ServerParts& parts) {
  ServerParts* p = &parts;
  return {{"GET", "/clew/v1/usage", Need::kRead, Place::kPool, kShape, [p](CallPtr call) {
             Result<Json> made = usage(*p, call);
             if (!made.ok()) return answer_error(*call, kShape, made.error());
             answer_json(call, *made);
           }}};
}

}  // namespace clew::api
