// What a search page asks beside the search: fields, facets, histogram.
#include "api/query_json.h"
#include "api/routes.h"
#include "explore/facets.h"
#include "explore/field_list.h"
#include "explore/histogram.h"

namespace clew::api {
namespace {

constexpr ErrorShape kShape = ErrorShape::kClew;
constexpr int64_t kMillisNanos = 1'000'000;

Result<std::vector<std::string>> texts_member(const Json& body, const char* name, size_t max) {
  std::vector<std::string> out;
  auto found = body.find(name);
  if (found == body.end() || found->is_null()) return out;
  if (!found->is_array() || found->size() > max) {
    return Error(Code::kInvalid, std::string(name) + ": expected at most " + std::to_string(max) + " texts in a list");
  }
  for (const Json& one : *found) {
    if (!one.is_string()) return Error(Code::kInvalid, std::string(name) + ": expected texts in a list");
    out.push_back(one.get<std::string>());
  }
  return out;
}

double share_of(uint64_t part, uint64_t whole) {
  return whole == 0 ? 0.0 : static_cast<double>(part) / static_cast<double>(whole);
}

// --- fields ----------------------------------------------------------------------------------------------------------

Json field_json(const explore::ListedField& field, uint64_t sample) {
  Json types = Json::array();
  for (model::Type type : field.types) types.push_back(std::string(model::type_name(type)));
  return {{"name", field.name},
          {"types", std::move(types)},
          {"datasets", field.datasets},
          {"first_seen", rfc3339(field.first_seen)},
          {"last_seen", rfc3339(field.last_seen)},
          {"events", field.events},
          {"share", share_of(field.events, sample)}};
}

Result<explore::Answer<Json>> fields(ServerParts& parts, const CallPtr& call, std::stop_token stop) {
  Json body = CLEW_TRY(
      parse_object(call->request().body, {"query", "from", "to", "since", "timeout_ms", "words", "sample", "limit"}));
  explore::Question question = CLEW_TRY(read_question(parts, call->access, body));
  question.stop = std::move(stop);
  explore::FieldListRequest request;
  std::optional<std::string> words = CLEW_TRY(text_member(body, "words"));
  std::optional<uint64_t> sample = CLEW_TRY(number_member(body, "sample", explore::kFieldSampleMax));
  std::optional<uint64_t> limit = CLEW_TRY(number_member(body, "limit", 100'000));
  request.words = words.value_or("");
  request.sample = sample.value_or(request.sample);
  request.limit = static_cast<uint32_t>(limit.value_or(request.limit));
  auto made = explore::field_list(parts.engine, parts.store, question, request);
  if (auto* failure = std::get_if<query::Failure>(&made)) return explore::Answer<Json>(*failure);
  const explore::FieldList& list = std::get<explore::FieldList>(made);
  Json out = {{"fields", Json::array()}, {"names", list.names}, {"sample", list.sample}};
  for (const explore::ListedField& field : list.fields) out["fields"].push_back(field_json(field, list.sample));
  add_cost(list.cost, out);
  return explore::Answer<Json>(std::move(out));
}

// --- facets ----------------------------------------------------------------------------------------------------------

Json facet_json(const explore::Facet& facet, uint64_t events) {
  Json top = Json::array();
  uint64_t listed = 0;
  for (const explore::FacetValue& one : facet.top) {
    top.push_back(
        {{"value", value_json(one.value)}, {"events", one.events}, {"share", share_of(one.events, facet.events)}});
    listed += one.events;
  }
  Json out = {
      {"field", facet.field},   {"events", facet.events}, {"share", share_of(facet.events, events)},
      {"values", facet.values}, {"top", std::move(top)},  {"others", facet.events - std::min(listed, facet.events)}};
  const explore::NumberSummary& numbers = facet.numbers;
  if (!numbers.mean.is_null()) {
    out["numbers"] = {{"min", value_json(numbers.min)},   {"max", value_json(numbers.max)},
                      {"mean", value_json(numbers.mean)}, {"sum", value_json(numbers.sum)},
                      {"p50", value_json(numbers.p50)},   {"p95", value_json(numbers.p95)},
                      {"p99", value_json(numbers.p99)}};
  }
  if (!facet.problem.empty()) out["problem"] = facet.problem;
  return out;
}

Result<explore::Answer<Json>> facets(ServerParts& parts, const CallPtr& call, std::stop_token stop) {
  Json body = CLEW_TRY(
      parse_object(call->request().body, {"query", "from", "to", "since", "timeout_ms", "fields", "top", "sample"}));
  explore::Question question = CLEW_TRY(read_question(parts, call->access, body));
  question.stop = std::move(stop);
  explore::FacetRequest request;
  request.fields = CLEW_TRY(texts_member(body, "fields", explore::kFacetFieldsMax));
  if (request.fields.empty()) request.fields = {"level", "service.name", "host.name"};
  std::optional<uint64_t> top = CLEW_TRY(number_member(body, "top", explore::kFacetValuesMax));
  std::optional<uint64_t> sample = CLEW_TRY(number_member(body, "sample", UINT32_MAX));
  request.top = static_cast<uint32_t>(top.value_or(request.top));
  request.sample = sample.value_or(0);
  auto made = explore::facets(parts.engine, question, request);
  if (auto* failure = std::get_if<query::Failure>(&made)) return explore::Answer<Json>(*failure);
  const explore::Facets& found = std::get<explore::Facets>(made);
  Json out = {{"events", found.events}, {"facets", Json::array()}};
  for (const explore::Facet& facet : found.facets) out["facets"].push_back(facet_json(facet, found.events));
  add_cost(found.cost, out);
  return explore::Answer<Json>(std::move(out));
}

// --- histogram -------------------------------------------------------------------------------------------------------

Json histogram_json(const explore::Histogram& found, const std::string& by) {
  Json times = Json::array();
  for (uint32_t i = 0; i < found.buckets; ++i) times.push_back((found.first + i * found.step_nanos) / kMillisNanos);
  Json series = Json::array();
  for (const explore::Series& one : found.series) {
    Json entry = {{"value", value_json(one.value)}, {"events", one.events}, {"counts", one.counts}};
    if (one.others) entry["others"] = true;
    series.push_back(std::move(entry));
  }
  Json out = {{"from", rfc3339(found.range.from)},
              {"to", rfc3339(found.range.to)},
              {"step_ms", found.step_nanos / kMillisNanos},
              {"by", by.empty() ? Json() : Json(by)},
              {"events", found.events},
              {"times", std::move(times)},
              {"series", std::move(series)}};
  add_cost(found.cost, out);
  return out;
}

Result<explore::Answer<Json>> histogram(ServerParts& parts, const CallPtr& call, std::stop_token stop) {
  Json body = CLEW_TRY(parse_object(
      call->request().body, {"query", "from", "to", "since", "timeout_ms", "by", "buckets", "step_ms", "series"}));
  explore::Question question = CLEW_TRY(read_question(parts, call->access, body));
  question.stop = std::move(stop);
  explore::HistogramRequest request;
  std::optional<std::string> by = CLEW_TRY(text_member(body, "by"));
  std::optional<uint64_t> buckets = CLEW_TRY(number_member(body, "buckets", explore::kBucketsMax));
  std::optional<uint64_t> step_ms = CLEW_TRY(number_member(body, "step_ms", 366ull * 86'400'000));
  std::optional<uint64_t> series = CLEW_TRY(number_member(body, "series", explore::kSeriesMax));
  request.by = by.value_or(request.by);
  request.buckets = static_cast<uint32_t>(std::max<uint64_t>(1, buckets.value_or(request.buckets)));
  request.step_nanos = static_cast<int64_t>(step_ms.value_or(0)) * kMillisNanos;
  request.series = static_cast<uint32_t>(std::max<uint64_t>(1, series.value_or(request.series)));
  auto made = explore::histogram(parts.engine, parts.store, question, request);
  if (auto* failure = std::get_if<query::Failure>(&made)) return explore::Answer<Json>(*failure);
  return explore::Answer<Json>(histogram_json(std::get<explore::Histogram>(made), request.by));
}

}  // namespace

std::vector<Route> explore_routes(ServerParts& parts) {
  ServerParts* p = &parts;
  auto route = [p](const char* method, const char* pattern, auto handler) {
    return Route{method,       pattern, Need::kRead,
                 Place::kPool, kShape,  [p, handler](CallPtr call) { answer_with(*p, call, kShape, handler); }};
  };
  return {
      route("POST", "/clew/v1/fields", fields),
      route("POST", "/clew/v1/facets", facets),
      route("POST", "/clew/v1/histogram", histogram),
  };
}

}  // namespace clew::api
