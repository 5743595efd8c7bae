// What the routes of live answers have in common: parameters in the address or the body, the form asked for, the
// stream.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>

#include "api/json_body.h"
#include "api/router.h"
#include "live/records.h"

namespace clew::api {

// The members of the body, and the parameters of the address that the body does not have: numbers as numbers, true and
// false as such. Errors: kInvalid for one that is not `known`.
Result<Json> live_params(const net::Request& request, std::initializer_list<std::string_view> known);

// A decimal number. Errors: kInvalid, naming it.
Result<uint64_t> number_of(std::string_view name, std::string_view text);

struct LiveForm {
  live::Form form = live::Form::kNdjson;
  bool web_socket = false;
  bool one_batch = false;  // one JSON answer instead of a stream; only where `allowed` has "json"
};
// By `format`, else by what the request asks for: a WebSocket, text/event-stream, application/x-ndjson; else the last
// of `allowed`. Errors: kInvalid for a format that is not allowed.
Result<LiveForm> live_form(const net::Request& request, const Json& params,
                           std::initializer_list<std::string_view> allowed);

// Sends the head and `first`. Errors: those of Exchange::accept_websocket; nothing was answered then.
Result<net::LiveStreamPtr> begin_live(const CallPtr& call, const LiveForm& form, std::string first);
void answer_head(const CallPtr& call, const LiveForm& form);

}  // namespace clew::api
