#include "api/live_params.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace clew::api {
namespace {

constexpr std::string_view kNumbers[] = {"last", "after", "limit", "wait_ms"};

std::string content_type(live::Form form) {
  return form == live::Form::kEvents ? "text/event-stream; charset=utf-8" : "application/x-ndjson";
}

// Nothing on the way may keep or gather what is meant to arrive at once.
net::Response head_of(const LiveForm& form, std::string body) {
  return {.content_type = content_type(form.form),
          .headers = {{"Cache-Control", "no-cache"}, {"X-Accel-Buffering", "no"}},
          .body = std::move(body)};
}

}  // namespace

Result<uint64_t> number_of(std::string_view name, std::string_view text) {
  uint64_t value = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error == std::errc() && end == text.data() + text.size() && !text.empty()) return value;
  return Error(Code::kInvalid, fmt::format("{}: {} is no number", name, clew::quoted(text)));
}

Result<Json> live_params(const net::Request& request, std::initializer_list<std::string_view> known) {
  Json params = CLEW_TRY(parse_object(request.body, known));
  for (const auto& [name, value] : request.query) {
    if (params.contains(name)) continue;
    bool number = std::find(std::begin(kNumbers), std::end(kNumbers), name) != std::end(kNumbers);
    if (number) {
      params[name] = CLEW_TRY(number_of(name, value));
    } else if (name == "raw" && (value == "true" || value == "false")) {
      params[name] = value == "true";
    } else {
      params[name] = value;
    }
  }
  return parse_object(dump_json(params), known);
}

Result<LiveForm> live_form(const net::Request& request, const Json& params,
                           std::initializer_list<std::string_view> allowed) {
  bool web_socket = net::header_has_token(request.header("upgrade"), "websocket");
  std::string accept(request.header("accept"));
  std::optional<std::string> asked = CLEW_TRY(text_member(params, "format"));
  std::string format = asked                                                   ? *asked
                       : web_socket                                            ? "ndjson"
                       : accept.find("text/event-stream") != std::string::npos ? "sse"
                       : accept.find("x-ndjson") != std::string::npos          ? "ndjson"
                                                                               : std::string(*(allowed.end() - 1));
  if (std::find(allowed.begin(), allowed.end(), format) == allowed.end()) {
    std::string list;
    for (std::string_view one : allowed) list += (list.empty() ? "" : ", ") + std::string(one);
    return Error(Code::kInvalid, "format " + clew::quoted(format) + " is not known: " + list);
  }
  return LiveForm{.form = format == "sse" ? live::Form::kEvents : live::Form::kNdjson,
                  .web_socket = web_socket,
                  .one_batch = format == "json"};
}

Result<net::LiveStreamPtr> begin_live(const CallPtr& call, const LiveForm& form, std::string first) {
  call->exchange->release_body();
  if (form.web_socket) return call->exchange->accept_websocket(std::move(first));
  return call->exchange->begin_live(head_of(form, std::move(first)));
}

void answer_head(const CallPtr& call, const LiveForm& form) { call->exchange->answer(head_of(form, "")); }

}  // namespace clew::api
