// GET and POST /clew/v1/tail: events as they come, as server-sent events, NDJSON or over a WebSocket.
#include <algorithm>
#include <charconv>

#include "api/live_params.h"
#include "api/query_json.h"
#include "api/routes.h"

namespace clew::api {
namespace {

constexpr uint64_t kBacklogRowsMax = 10'000;
constexpr uint64_t kBacklogRowsDefault = 1'000;  // of `since` without `last`
constexpr uint64_t kBacklogBytesMax = 8u << 20;
constexpr uint64_t kBacklogMillisMax = 30'000;

struct TailCall {
  query::LiveRequest request;
  LiveForm form;
  std::optional<uint64_t> after;  // goes on where another connection ended
  uint64_t last = 0;              // rows of the backlog; 0: none
  contract::TimeRange range;      // of the backlog
};

Result<TailCall> read_tail(const ServerParts& parts, const CallPtr& call) {
  Json body = CLEW_TRY(live_params(call->request(), {"query", "since", "from", "last", "after", "format", "raw"}));
  TailCall out;
  out.request.text = CLEW_TRY(text_member(body, "query")).value_or("");
  out.request.access = call->access;
  out.request.raw = CLEW_TRY(bool_member(body, "raw", false));
  out.form = CLEW_TRY(live_form(call->request(), body, {"sse", "ndjson"}));
  out.after = CLEW_TRY(number_member(body, "after", UINT64_MAX));
  std::string place(call->request().header("last-event-id"));
  if (!out.after && !place.empty()) out.after = CLEW_TRY(number_of("Last-Event-ID", place));
  out.range = CLEW_TRY(range_members(body, parts.clock));
  bool ranged = body.contains("since") || body.contains("from");
  std::optional<uint64_t> last = CLEW_TRY(number_member(body, "last", kBacklogRowsMax));
  out.last = last.value_or(ranged ? kBacklogRowsDefault : 0);
  return out;
}

// What is stored already, up to `from`, and where the live part begins.
Result<std::string> first_piece(const TailCall& tail, query::LiveQuery& query, Seq from) {
  std::string piece;
  std::vector<std::string> warnings = query.warnings();
  if (tail.after && *tail.after > from.get()) {
    warnings.push_back("nothing has the place " + std::to_string(*tail.after) +
                       " yet: the store is another one, and the tail begins at its end");
  }
  if (!tail.after && tail.last > 0) {
    query::LiveLimits limits{.rows = tail.last, .bytes = kBacklogBytesMax, .millis = kBacklogMillisMax};
    query::LiveAnswer stored = CLEW_TRY(query.newest(tail.range, from, limits, {}));
    for (const auto& record : stored.records) append_row(tail.form.form, record, live::Placed::kNo, piece);
  }
  live::append_begin(tail.form.form, from, warnings, piece);
  return piece;
}

void follow(ServerParts& parts, const CallPtr& call) {
  Result<TailCall> tail = read_tail(parts, call);
  if (!tail.ok()) return answer_error(*call, ErrorShape::kClew, tail.error());
  auto made = parts.live.make_query(tail->request);
  if (auto* failure = std::get_if<query::Failure>(&made)) return answer_failure(call, *failure);
  auto query = std::get<std::unique_ptr<query::LiveQuery>>(std::move(made));
  if (!parts.live.has_room_for_tail()) {
    Error error(Code::kOverloaded, "too many tails run already, try again later");
    return answer_error(*call, ErrorShape::kClew, error);
  }
  if (call->request().method == "HEAD") return answer_head(call, tail->form);
  Seq committed = parts.live.committed();
  Seq from = tail->after ? std::min(Seq(*tail->after), committed) : committed;
  Result<std::string> first = first_piece(*tail, *query, from);
  if (!first.ok()) return answer_error(*call, ErrorShape::kClew, first.error());
  Result<net::LiveStreamPtr> stream = begin_live(call, tail->form, std::move(first).take());
  if (!stream.ok()) return answer_error(*call, ErrorShape::kClew, stream.error());
  // What is refused now has an answer that began: its stream is cut.
  (void)parts.live.add_tail(std::move(query), std::move(stream).take(), tail->form.form, from);
}

}  // namespace

std::vector<Route> tail_routes(ServerParts& parts) {
  ServerParts* p = &parts;
  std::vector<Route> out;
  for (const char* method : {"GET", "POST"}) {
    out.push_back({method, "/clew/v1/tail", Need::kRead, Place::kPool, ErrorShape::kClew,
                   [p](CallPtr call) { follow(*p, call); }});
  }
  return out;
}

}  // namespace clew::api
