// One event by its `_id`, and the events around it.
#include <charconv>

#include "api/query_json.h"
#include "api/routes.h"
#include "explore/context.h"
#include "model/batch.h"

namespace clew::api {
namespace {

constexpr ErrorShape kShape = ErrorShape::kClew;
constexpr std::string_view kEventsPath = "/clew/v1/events/";

struct FlagName {
  model::Flag flag;
  const char* name;
};
constexpr FlagName kFlagNames[] = {
    {model::Flag::kTruncated, "truncated"},        {model::Flag::kAssumedZone, "assumed_zone"},
    {model::Flag::kAssumedYear, "assumed_year"},   {model::Flag::kOddTime, "odd_time"},
    {model::Flag::kParseError, "parse_error"},     {model::Flag::kRedacted, "redacted"},
    {model::Flag::kDuplicateKey, "duplicate_key"}, {model::Flag::kInferred, "inferred"},
    {model::Flag::kBadUtf8, "bad_utf8"},           {model::Flag::kArrivalTime, "arrival_time"}};

Json flags_json(int64_t bits) {
  Json out = Json::array();
  for (const FlagName& one : kFlagNames) {
    if ((bits & static_cast<int64_t>(one.flag)) != 0) out.push_back(one.name);
  }
  return out;
}

Json fields_json(const explore::FieldValues& fields) {
  Json out = Json::object();
  for (const auto& [name, value] : fields) out[name] = value_json(value);
  return out;
}

// With all digits: events may be nanoseconds apart.
std::string time_text(int64_t nanos) {
  std::string text = rfc3339(nanos);
  int64_t below = nanos % 1'000'000 < 0 ? nanos % 1'000'000 + 1'000'000 : nanos % 1'000'000;
  if (below == 0) return text;
  std::string digits = std::to_string(1'000'000 + below).substr(1);
  while (digits.ends_with('0')) digits.pop_back();
  text.insert(text.size() - 1, digits);
  return text;
}

Json row_json(const explore::EventRow& row) {
  return {{"_id", row.id},
          {"dataset", row.dataset},
          {"@timestamp", time_text(row.place.time)},
          {"seq", row.place.seq},
          {"level", value_json(row.level)},
          {"service", value_json(row.service)},
          {"host", value_json(row.host)},
          {"message", value_json(row.message)},
          {"fields", fields_json(row.fields)}};
}

Json event_json(const explore::FoundEvent& event) {
  Json out = row_json(event.row);
  out["derived"] = fields_json(event.derived);
  out["raw"] = event.raw;
  out["index"] = event.index;
  out["ingested"] = time_text(event.ingested);
  out["flags"] = flags_json(event.flags);
  return out;
}

explore::Question question_of(const ServerParts& parts, const CallPtr& call, std::stop_token stop) {
  explore::Question question;
  question.access = call->access;
  question.limits = parts.settings.now().query_limits;
  question.stop = std::move(stop);
  return question;
}

// --- one event -------------------------------------------------------------------------------------------------------

// Ids of clients may hold anything, slashes too: all of the path behind /events/ is one.
Result<explore::Answer<Json>> event(ServerParts& parts, const CallPtr& call, std::stop_token stop) {
  const net::Request& request = call->request();
  explore::EventName name{std::string(std::string_view(request.path).substr(kEventsPath.size())),
                          std::string(request.param("dataset"))};
  explore::Question question = question_of(parts, call, std::move(stop));
  explore::Answer<explore::FoundEvent> found =
      CLEW_TRY(explore::find_event(parts.engine, parts.store, question, name, explore::Lines::kNo));
  if (auto* failure = std::get_if<query::Failure>(&found)) return explore::Answer<Json>(std::move(*failure));
  return explore::Answer<Json>(event_json(std::get<explore::FoundEvent>(found)));
}

// --- context ---------------------------------------------------------------------------------------------------------

std::vector<std::string> split(std::string_view text) {
  std::vector<std::string> out;
  while (!text.empty()) {
    size_t end = std::min(text.find(','), text.size());
    if (end > 0) out.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return out;
}

// The members of a body, or the parameters of an address, which are texts.
Result<Json> asked_json(const net::Request& request) {
  if (request.method == "POST") {
    return parse_object(request.body,
                        {"of", "dataset", "by", "before", "after", "query", "from", "to", "since", "timeout_ms"});
  }
  Json out = Json::object();
  for (const auto& [name, value] : request.query) {
    bool number = name == "before" || name == "after" || name == "timeout_ms";
    out[name] = number ? Json::parse(value, nullptr, false) : Json(value);
  }
  return parse_object(dump_json(out),
                      {"of", "dataset", "by", "before", "after", "query", "from", "to", "since", "timeout_ms"});
}

Result<std::vector<std::string>> by_member(const Json& body) {
  auto found = body.find("by");
  if (found == body.end() || found->is_null()) return std::vector<std::string>();
  if (found->is_string()) return split(found->get_ref<const std::string&>());
  std::vector<std::string> out;
  if (!found->is_array()) return Error(Code::kInvalid, "by: expected names, as \"host,service\" or in a list");
  for (const Json& one : *found) {
    if (!one.is_string()) return Error(Code::kInvalid, "by: expected names in a list");
    out.push_back(one.get<std::string>());
  }
  return out;
}

Json context_json(const explore::Context& found) {
  Json rows = Json::array();
  int64_t time = found.rows[found.at].place.time;
  for (size_t i = 0; i < found.rows.size(); ++i) {
    Json row = row_json(found.rows[i]);
    row["offset_ms"] = static_cast<double>(found.rows[i].place.time - time) / 1e6;
    row["this"] = i == found.at;
    rows.push_back(std::move(row));
  }
  Json out = {{"rows", std::move(rows)},          {"at", found.at},
              {"more_before", found.more_before}, {"more_after", found.more_after},
              {"same", fields_json(found.same)},  {"query", found.query}};
  add_cost(found.cost, out);
  return out;
}

Result<explore::Answer<Json>> context(ServerParts& parts, const CallPtr& call, std::stop_token stop) {
  Json body = CLEW_TRY(asked_json(call->request()));
  explore::Question question = CLEW_TRY(read_question(parts, call->access, body));
  question.stop = std::move(stop);
  std::optional<std::string> of = CLEW_TRY(text_member(body, "of"));
  std::optional<std::string> dataset = CLEW_TRY(text_member(body, "dataset"));
  std::optional<uint64_t> before = CLEW_TRY(number_member(body, "before", explore::kContextRowsMax));
  std::optional<uint64_t> after = CLEW_TRY(number_member(body, "after", explore::kContextRowsMax));
  explore::ContextRequest request;
  request.by = CLEW_TRY(by_member(body));
  request.before = static_cast<uint32_t>(before.value_or(request.before));
  request.after = static_cast<uint32_t>(after.value_or(request.after));
  explore::EventName name{of.value_or(""), dataset.value_or("")};
  explore::Answer<explore::FoundEvent> event =
      CLEW_TRY(explore::find_event(parts.engine, parts.store, question, name, explore::Lines::kYes));
  if (auto* failure = std::get_if<query::Failure>(&event)) return explore::Answer<Json>(std::move(*failure));
  auto made =
      CLEW_TRY(explore::context_of(parts.engine, parts.store, question, std::get<explore::FoundEvent>(event), request));
  if (auto* failure = std::get_if<query::Failure>(&made)) return explore::Answer<Json>(std::move(*failure));
  return explore::Answer<Json>(context_json(std::get<explore::Context>(made)));
}

}  // namespace

std::vector<Route> context_routes(ServerParts& parts) {
  ServerParts* p = &parts;
  auto route = [p](const char* method, const char* pattern, auto handler) {
    return Route{method,       pattern, Need::kRead,
                 Place::kPool, kShape,  [p, handler](CallPtr call) { answer_with(*p, call, kShape, handler); }};
  };
  return {
      route("GET", "/clew/v1/events/{ID*}", event),
      route("GET", "/clew/v1/context", context),
      route("POST", "/clew/v1/context", context),
  };
}

}  // namespace clew::api
