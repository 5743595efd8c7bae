// What the answers of clew's own query paths have in common.
#pragma once

#include <initializer_list>
#include <memory>
#include <stop_token>
#include <string_view>

#include "api/json_body.h"
#include "api/router.h"
#include "api/server_parts.h"
#include "explore/table.h"
#include "query/engine.h"

namespace clew::api {

constexpr uint64_t kTimeoutMillisMax = 3'600'000;

// Stops a query when its client goes away.
std::shared_ptr<std::stop_source> stop_when_gone(const CallPtr& call);

// {"error":{"code","reason","line","column","length","suggestions","status"}}
Json failure_json(const query::Failure& failure);
Json stats_json(const query::QueryStats& stats);
Json value_json(const model::Value& value);

void answer_json(const CallPtr& call, const Json& json);
void answer_failure(const CallPtr& call, const query::Failure& failure);

// Members `query`, `from`, `to`, `since` and `timeout_ms` of a body.
Result<explore::Question> read_question(const ServerParts& parts, const contract::Access& access, const Json& body);
// Runs a handler that gives JSON, a query's failure or an error, with the stop of its client.
template <class F>
void answer_with(ServerParts& parts, const CallPtr& call, ErrorShape shape, F handler) {
  auto stop = stop_when_gone(call);
  Result<explore::Answer<Json>> made = handler(parts, call, stop->get_token());
  if (!made.ok()) return answer_error(*call, shape, made.error());
  if (auto* failure = std::get_if<query::Failure>(&*made)) return answer_failure(call, *failure);
  answer_json(call, std::get<Json>(*made));
}

// Adds `answer` ("exact" ...) and `stats`.
void add_cost(const explore::Cost& cost, Json& answer);

}  // namespace clew::api
