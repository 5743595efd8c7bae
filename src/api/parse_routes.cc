// /clew/v1/parse: what an editor of queries needs, in one answer.
#include "api/query_json.h"
#include "api/routes.h"
#include "explore/complete.h"
#include "query/editor.h"

namespace clew::api {
namespace {

constexpr ErrorShape kShape = ErrorShape::kClew;

Json tokens_json(const std::string& text) {
  Json list = Json::array();
  for (const query::Piece& piece : query::pieces_of(text)) {
    list.push_back({{"kind", std::string(query::piece_name(piece.kind))}, {"begin", piece.begin}, {"end", piece.end}});
  }
  return list;
}

Json completions_json(const explore::Completions& completions) {
  Json items = Json::array();
  for (const explore::Completion& one : completions.items) {
    Json item = {{"text", one.text}, {"kind", one.kind}};
    if (!one.detail.empty()) item["detail"] = one.detail;
    if (one.events != 0) item["events"] = one.events;
    items.push_back(std::move(item));
  }
  return {{"begin", completions.begin}, {"end", completions.end}, {"items", std::move(items)}};
}

Result<Json> parse(ServerParts& parts, const CallPtr& call, std::stop_token stop) {
  Json body = CLEW_TRY(parse_object(call->request().body, {"query", "from", "to", "since", "timeout_ms", "cursor"}));
  explore::Question question = CLEW_TRY(read_question(parts, call->access, body));
  question.stop = std::move(stop);
  if (question.query.size() > query::kQueryTextBytesMax)
    return Error(Code::kTooLarge, "the query is longer than 1 MiB");
  std::optional<uint64_t> cursor = CLEW_TRY(number_member(body, "cursor", question.query.size()));
  std::optional<query::Failure> failure = parts.engine.check(question.query);
  Json out = {{"ok", !failure.has_value()}, {"tokens", tokens_json(question.query)}};
  if (failure) out["error"] = failure_json(*failure)["error"];
  if (!failure) out["pretty"] = query::laid_out(question.query);
  auto events = parts.engine.events_part(question.query);
  if (auto* text = std::get_if<std::string>(&events)) out["events_query"] = *text;
  if (cursor) {
    out["completions"] =
        completions_json(explore::complete(parts.engine, parts.store, question, static_cast<uint32_t>(*cursor)));
  }
  return out;
}

}  // namespace

std::vector<Route> parse_routes(ServerParts& parts) {
  ServerParts* p = &parts;
  return {{"POST", "/clew/v1/parse", Need::kRead, Place::kPool, kShape, [p](CallPtr call) {
             auto stop = stop_when_gone(call);
             Result<Json> made = parse(*p, call, stop->get_token());
             if (!made.ok()) return answer_error(*call, kShape, made.error());
             answer_json(call, *made);
           }}};
}

}  // namespace clew::api
