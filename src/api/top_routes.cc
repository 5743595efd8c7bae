#include "api/top_routes.h"

#include "api/query_json.h"
#include "api/trace_params.h"
#include "topk/of_metric.h"
#include "topk/stored.h"

namespace clew::api {
namespace {

constexpr ErrorShape kShape = ErrorShape::kClew;

Json number_json(double value) {
  bool whole = value == static_cast<double>(static_cast<int64_t>(value)) && std::abs(value) < 1e15;
  return whole ? Json(static_cast<int64_t>(value)) : Json(value);
}

Json top_json(const topk::Question& question, const topk::TopAnswer& answer) {
  Json rows = Json::array();
  for (const topk::TopRow& row : answer.rows) {
    Json one = Json::object();
    Json values = Json::object();
    for (size_t i = 0; i < question.by.size() && i < row.values.size(); ++i) values[question.by[i]] = row.values[i];
    one["values"] = std::move(values);
    one["sum"] = number_json(row.sum);
    one["error"] = number_json(row.error);
    one["share"] = answer.total > 0 ? row.sum / answer.total : 0.0;
    rows.push_back(std::move(one));
  }
  Json out = {{"by", question.by},
              {"weight", question.metric.empty() ? question.weight_text() : question.metric},
              {"from", rfc3339(answer.range.from)},
              {"to", rfc3339(answer.range.to)},
              {"answer", answer.is_exact()         ? "exact"
                         : answer.damaged_rows > 0 ? "damaged"
                                                   : "bounded"},
              {"bound", number_json(answer.bound)},
              {"total", number_json(answer.total)},
              {"keys", answer.keys},
              {"rows", std::move(rows)}};
  if (!question.metric.empty()) {
    out["promql"] = answer.promql;
    return out;
  }
  out["events"] = answer.events;
  out["without"] = answer.without;
  if (answer.damaged_rows > 0) out["damaged_rows"] = answer.damaged_rows;
  return out;
}

struct Top {
  Top(ServerParts& server, const topk::Lists& standing) : parts(server), standing_lists(standing) {}

  // The question's own `last`, else the range beside it, else the last hour.
  Result<contract::TimeRange> range_of(const topk::Question& question, contract::TimeRange beside) const {
    bool begins = beside.from != INT64_MIN;
    if (begins && question.last_nanos != 0) {
      return Error(Code::kInvalid, "the time is said twice: by `last` in ask, and by from or since beside it");
    }
    if (begins && beside.to != INT64_MAX) return beside;
    int64_t to = beside.to != INT64_MAX ? beside.to : parts.clock.now().get() + 1;
    int64_t last = question.last_nanos != 0 ? question.last_nanos : topk::kLastDefaultNanos;
    return contract::TimeRange{begins ? beside.from : to - last, to};
  }

  Result<explore::Answer<Json>> ask(const CallPtr& call, const topk::Question& question, contract::TimeRange beside,
                                    uint64_t millis, std::stop_token stop) const {
    contract::TimeRange range = CLEW_TRY(range_of(question, beside));
    if (range.from >= range.to) return Error(Code::kInvalid, "the time ends before it begins");
    if (!question.metric.empty()) {
      query::promql::Options options;
      options.limits.millis_max = millis;
      options.limits.memory_bytes_max = parts.settings.now().query_limits.memory_bytes;
      options.exact_increase = true;
      options.clock = &parts.clock;
      options.stop = std::move(stop);
      topk::TopAnswer answer = CLEW_TRY(topk::ask_metric(parts.metric_store, call->access, question, range, options));
      return explore::Answer<Json>(top_json(question, answer));
    }
    topk::StoredQuestion asked{
        .question = question, .access = call->access, .range = range, .millis_max = millis, .stop = std::move(stop)};
    topk::StoredAnswer made = CLEW_TRY(topk::ask_stored({parts.engine, parts.store, parts.clock}, asked));
    if (auto* failure = std::get_if<query::Failure>(&made)) return explore::Answer<Json>(std::move(*failure));
    return explore::Answer<Json>(top_json(question, std::get<topk::TopAnswer>(made)));
  }

  Result<explore::Answer<Json>> post(const CallPtr& call, std::stop_token stop) const {
    Json body = CLEW_TRY(parse_object(call->request().body, {"ask", "from", "to", "since", "timeout_ms"}));
    std::optional<std::string> text = CLEW_TRY(text_member(body, "ask"));
    if (!text) return Error(Code::kInvalid, "ask: is missing; write {\"ask\":\"10 by endpoint last 5m\"}");
    topk::Question question = CLEW_TRY(topk::parse_question(*text));
    contract::TimeRange beside = CLEW_TRY(range_members(body, parts.clock));
    std::optional<uint64_t> millis = CLEW_TRY(number_member(body, "timeout_ms", kTimeoutMillisMax));
    return ask(call, question, beside, millis.value_or(parts.settings.now().query_limits.millis), std::move(stop));
  }

  Result<explore::Answer<Json>> get(const CallPtr& call, std::stop_token stop) const {
    const net::Request& request = call->request();
    topk::Question question = CLEW_TRY(topk::parse_question(request.param("ask")));
    contract::TimeRange beside = CLEW_TRY(range_params(request, parts.clock));
    return ask(call, question, beside, parts.settings.now().query_limits.millis, std::move(stop));
  }

  // The standing lists, or one of them.
  Result<Json> lists() const {
    Json out = Json::array();
    for (const topk::ListOptions& one : standing_lists.options()) {
      out.push_back({{"name", one.name},
                     {"rows", one.question.rows},
                     {"by", one.question.by},
                     {"weight", one.question.weight_text()},
                     {"where", one.question.where},
                     {"last_ms", one.question.last_nanos / 1'000'000}});
    }
    return Json{{"lists", std::move(out)}};
  }
  Result<Json> list(const std::string& name) const {
    topk::TopAnswer answer = CLEW_TRY(standing_lists.answer(name));
    for (const topk::ListOptions& one : standing_lists.options()) {
      if (one.name != name) continue;
      Json out = top_json(one.question, answer);
      out.erase("events");  // of the window only their weight is known
      out.erase("without");
      return out;
    }
    return Error(Code::kNotFound, "there is no list " + clew::quoted(name));
  }

  ServerParts& parts;
  const topk::Lists& standing_lists;
};

void answer_result(const CallPtr& call, const Result<Json>& made) {
  if (!made.ok()) return answer_error(*call, kShape, made.error());
  answer_json(call, *made);
}

}  // namespace

std::vector<Route> top_routes(ServerParts& parts, const topk::Lists& lists) {
  auto top = std::make_shared<Top>(parts, lists);
  auto route = [&parts, top](const char* method, auto handler) {
    return Route{method, "/clew/v1/top", Need::kRead, Place::kPool, kShape, [&parts, top, handler](CallPtr call) {
                   answer_with(parts, call, kShape, [&](ServerParts&, const CallPtr& one, std::stop_token stop) {
                     return (*top.*handler)(one, std::move(stop));
                   });
                 }};
  };
  return {route("POST", &Top::post),
          route("GET", &Top::get),
          {"GET", "/clew/v1/top/lists", Need::kRead, Place::kPool, kShape,
           [top](CallPtr call) { answer_result(call, top->lists()); }},
          {"GET", "/clew/v1/top/lists/{NAME}", Need::kRead, Place::kPool, kShape,
           [top](CallPtr call) { answer_result(call, top->list(call->names[0])); }}};
}

}  // namespace clew::api
