// /clew/v1/subscriptions: named places in the feed, kept on disk, whose events come at least once.
#include "api/live_params.h"
#include "api/query_json.h"
#include "api/routes.h"

namespace clew::api {
namespace {

constexpr uint64_t kPollRowsMax = 10'000;
constexpr uint64_t kPollRowsDefault = 1'000;
constexpr uint64_t kPollMillisMax = 60'000;

Json subscription_json(const live::Subscription& s, Seq committed) {
  Json out = {{"name", s.name},
              {"query", s.query},
              {"acked", s.acked},
              {"behind", committed.get() - std::min(s.acked, committed.get())},
              {"created", rfc3339(s.created_nanos)}};
  out["acked_at"] = s.acked_nanos == 0 ? Json() : Json(rfc3339(s.acked_nanos));
  return out;
}

const std::string& tenant_of(const CallPtr& call) { return call->access.tenant.get(); }

void list(ServerParts& parts, const CallPtr& call) {
  Seq committed = parts.live.committed();
  Json rows = Json::array();
  for (const live::Subscription& s : parts.live.subscriptions().list(tenant_of(call))) {
    rows.push_back(subscription_json(s, committed));
  }
  answer_json(call, {{"subscriptions", std::move(rows)}, {"committed", committed.get()}});
}

void show(ServerParts& parts, const CallPtr& call) {
  Result<live::Subscription> found = parts.live.subscriptions().find(tenant_of(call), call->names[0]);
  if (!found.ok()) return answer_error(*call, ErrorShape::kClew, found.error());
  answer_json(call, subscription_json(*found, parts.live.committed()));
}

// Where a new one begins: the oldest event, the next one, or behind a _seq.
Result<Seq> read_start(const ServerParts& parts, const Json& body) {
  Seq committed = parts.live.committed();
  auto found = body.find("start");
  if (found == body.end() || found->is_null() || *found == "newest") return committed;
  if (*found == "oldest") return Seq(0);
  if (found->is_number_unsigned() && found->get<uint64_t>() <= committed.get()) return Seq(found->get<uint64_t>());
  return Error(Code::kInvalid, "start: expected oldest, newest, or a _seq that is there (up to " +
                                   std::to_string(committed.get()) + ")");
}

// A subscription, and the query it asks.
struct Asked {
  live::Subscription subscription;
  std::unique_ptr<query::LiveQuery> query;
  bool made = false;
};

// The subscription that the call names, made when it names a query too. Nothing when the call is answered already.
std::optional<Asked> ask(ServerParts& parts, const CallPtr& call, const Json& params) {
  auto refuse = [&call](const Error& error) {
    answer_error(*call, ErrorShape::kClew, error);
    return std::optional<Asked>();
  };
  Result<std::optional<std::string>> text = text_member(params, "query");
  if (!text.ok()) return refuse(text.error());
  Result<Seq> start = read_start(parts, params);
  if (!start.ok()) return refuse(start.error());
  live::SubscriptionStore& store = parts.live.subscriptions();
  Asked out;
  if (!*text) {
    Result<live::Subscription> found = store.find(tenant_of(call), call->names[0]);
    if (!found.ok()) {
      return refuse(Error(found.error().code(), found.error().message() + ": give a query to make it"));
    }
    out.subscription = *found;
  }
  auto made = parts.live.make_query({.text = *text ? **text : out.subscription.query, .access = call->access});
  if (auto* failure = std::get_if<query::Failure>(&made)) {
    answer_failure(call, *failure);
    return std::nullopt;
  }
  out.query = std::get<std::unique_ptr<query::LiveQuery>>(std::move(made));
  if (*text) {
    auto there = store.create(tenant_of(call), call->names[0], **text, *start);
    if (!there.ok()) return refuse(there.error());
    out.subscription = there->first;
    out.made = there->second;
  }
  return out;
}

void put(ServerParts& parts, const CallPtr& call) {
  Result<Json> body = parse_object(call->request().body, {"query", "start"});
  if (!body.ok()) return answer_error(*call, ErrorShape::kClew, body.error());
  if (!body->contains("query")) (*body)["query"] = "";
  std::optional<Asked> asked = ask(parts, call, *body);
  if (!asked) return;
  Json answer = subscription_json(asked->subscription, parts.live.committed());
  answer["warnings"] = asked->query->warnings();
  call->exchange->answer({.status = asked->made ? 201 : 200, .headers = {}, .body = dump_json(answer) + "\n"});
}

void remove(ServerParts& parts, const CallPtr& call) {
  Status removed = parts.live.remove_subscription(tenant_of(call), call->names[0]);
  if (!removed.ok()) return answer_error(*call, ErrorShape::kClew, removed.error());
  answer_json(call, {{"deleted", call->names[0]}});
}

void acknowledge(ServerParts& parts, const CallPtr& call) {
  Result<Json> body = parse_object(call->request().body, {"up_to"});
  if (!body.ok()) return answer_error(*call, ErrorShape::kClew, body.error());
  Result<std::optional<uint64_t>> up_to = number_member(*body, "up_to", UINT64_MAX);
  if (!up_to.ok()) return answer_error(*call, ErrorShape::kClew, up_to.error());
  Seq committed = parts.live.committed();
  if (!*up_to || **up_to > committed.get()) {
    Error error(Code::kInvalid,
                "up_to: expected a place that was sent; there is nothing behind " + std::to_string(committed.get()));
    return answer_error(*call, ErrorShape::kClew, error);
  }
  Result<live::Subscription> acked =
      parts.live.subscriptions().acknowledge(tenant_of(call), call->names[0], Seq(**up_to));
  if (!acked.ok()) return answer_error(*call, ErrorShape::kClew, acked.error());
  answer_json(call, subscription_json(*acked, committed));
}

// ---- events

std::string batch_body(const query::LiveAnswer& answer, Seq committed) {
  std::string body = "{\"events\":[";
  for (const query::LiveRecord& record : answer.records) {
    if (body.back() != '[') body += ',';
    live::append_row(live::Form::kNdjson, record, live::Placed::kNo, body);
    body.pop_back();  // the newline
  }
  body += ']';
  if (answer.damaged_rows > 0) body += ",\"damaged\":" + std::to_string(answer.damaged_rows);
  body += ",\"up_to\":" + std::to_string(answer.up_to.get());
  body += ",\"behind\":" + std::to_string(committed.get() - std::min(answer.up_to, committed).get()) + "}\n";
  return body;
}

void poll(ServerParts& parts, const CallPtr& call, Asked asked, const Json& params) {
  Result<std::optional<uint64_t>> limit = number_member(params, "limit", kPollRowsMax);
  if (!limit.ok()) return answer_error(*call, ErrorShape::kClew, limit.error());
  Result<std::optional<uint64_t>> wait_ms = number_member(params, "wait_ms", kPollMillisMax);
  if (!wait_ms.ok()) return answer_error(*call, ErrorShape::kClew, wait_ms.error());
  Result<std::optional<uint64_t>> after = number_member(params, "after", UINT64_MAX);
  if (!after.ok()) return answer_error(*call, ErrorShape::kClew, after.error());
  live::Live::PollRequest request{.after = Seq(std::max(after->value_or(0), asked.subscription.acked)),
                                  .rows_max = std::max<uint64_t>(1, limit->value_or(kPollRowsDefault)),
                                  .wait_ms = wait_ms->value_or(0)};
  ServerParts* p = &parts;
  auto give = [p, call](Result<query::LiveAnswer> answer) {
    if (!answer.ok()) return answer_error(*call, ErrorShape::kClew, answer.error());
    call->exchange->answer({.headers = {}, .body = batch_body(*answer, p->live.committed())});
  };
  call->exchange->release_body();
  Result<std::function<void()>> gone = parts.live.add_poll(std::move(asked.query), request, give);
  if (!gone.ok()) return answer_error(*call, ErrorShape::kClew, gone.error());
  call->exchange->on_disconnect(std::move(gone).take());
}

void events(ServerParts& parts, const CallPtr& call) {
  Result<Json> params = live_params(call->request(), {"query", "start", "format", "limit", "wait_ms", "after"});
  if (!params.ok()) return answer_error(*call, ErrorShape::kClew, params.error());
  Result<LiveForm> form = live_form(call->request(), *params, {"sse", "ndjson", "json"});
  if (!form.ok()) return answer_error(*call, ErrorShape::kClew, form.error());
  if (call->request().method == "HEAD") return answer_head(call, *form);
  std::optional<Asked> asked = ask(parts, call, *params);
  if (!asked) return;
  if (form->one_batch) return poll(parts, call, std::move(*asked), *params);
  std::string first;
  live::append_begin(form->form, Seq(asked->subscription.acked), asked->query->warnings(), first);
  Result<net::LiveStreamPtr> stream = begin_live(call, *form, std::move(first));
  if (!stream.ok()) return answer_error(*call, ErrorShape::kClew, stream.error());
  // What is refused now has an answer that began: its stream is cut.
  (void)parts.live.add_stream(asked->subscription, std::move(asked->query), std::move(stream).take(), form->form);
}

}  // namespace

std::vector<Route> subscribe_routes(ServerParts& parts) {
  ServerParts* p = &parts;
  using Work = void (*)(ServerParts&, const CallPtr&);
  auto route = [p](const char* method, const char* pattern, Work work) {
    return Route{method,       pattern,           Need::kRead,
                 Place::kPool, ErrorShape::kClew, [p, work](CallPtr call) { work(*p, call); }};
  };
  return {
      route("GET", "/clew/v1/subscriptions", list),
      route("GET", "/clew/v1/subscriptions/{NAME}", show),
      route("PUT", "/clew/v1/subscriptions/{NAME}", put),
      route("DELETE", "/clew/v1/subscriptions/{NAME}", remove),
      route("GET", "/clew/v1/subscriptions/{NAME}/events", events),
      route("POST", "/clew/v1/subscriptions/{NAME}/events", events),
      route("POST", "/clew/v1/subscriptions/{NAME}/ack", acknowledge),
  };
}

}  // namespace clew::api
