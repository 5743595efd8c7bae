#include "app/client.h"

#include <fmt/format.h>

#include <cstdio>
#include <cstdlib>

namespace clew::app {
namespace {

Code code_of_status(int status) {
  switch (status) {
    case 403: return Code::kForbidden;
    case 404: return Code::kNotFound;
    case 409: return Code::kExists;
    case 413: return Code::kTooLarge;
    case 429: return Code::kOverloaded;
    case 503: return Code::kUnavailable;
    default: return status >= 500 ? Code::kInternal : Code::kInvalid;
  }
}

std::string trimmed_url(std::string url) {
  if (url.find("://") == std::string::npos) url = "http://" + url;
  while (url.ends_with('/')) url.pop_back();
  return url;
}

std::string from_environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::string() : std::string(value);
}

}  // namespace

void add_url_flag(Flags& flags, std::string& url) {
  if (url.empty()) url = kUrlDefault;
  flags.text_or_env(url, "--url", "CLEW_URL", "URL", "the server");
}

void add_range_flags(Flags& flags, RangeFlags& range) {
  flags.text(range.since, "--since", "DURATION", "only the last 15m, 2h, 7d ...");
  flags.text(range.from, "--from", "TIME", "from 2026-11-20T10:00:00Z, seconds or milliseconds since 1970, now-2h");
  flags.text(range.to, "--to", "TIME", "up to, in the same forms, not included");
}

namespace {

constexpr size_t kSecondsDigitsMax = 11;  // more digits are milliseconds
constexpr size_t kMillisDigitsMax = 15;

// A number goes as a number: the server takes it as milliseconds.
Json time_json(const std::string& text) {
  bool digits = text.find_first_not_of("0123456789") == std::string::npos;
  if (text.empty() || !digits || text.size() > kMillisDigitsMax) return text;
  int64_t number = std::stoll(text);
  return text.size() <= kSecondsDigitsMax ? number * 1000 : number;
}

}  // namespace

void put_range(const RangeFlags& range, Json& body) {
  if (!range.since.empty()) body["since"] = range.since;
  if (!range.from.empty()) body["from"] = time_json(range.from);
  if (!range.to.empty()) body["to"] = time_json(range.to);
}

const Json& member_at(const Json& json, const char* name) {
  static const Json kNothing;
  if (!json.is_object()) return kNothing;
  auto found = json.find(name);
  return found == json.end() ? kNothing : *found;
}

std::string text_at(const Json& json, const char* name) {
  const Json& member = member_at(json, name);
  return member.is_string() ? member.get_ref<const std::string&>() : std::string();
}

uint64_t number_at(const Json& json, const char* name) {
  const Json& member = member_at(json, name);
  if (member.is_number_unsigned() || (member.is_number_integer() && member.get<int64_t>() >= 0)) {
    return member.get<uint64_t>();
  }
  return member.is_number_float() && member.get<double>() > 0 ? static_cast<uint64_t>(member.get<double>()) : 0;
}

Client::Client(std::string url)
    : url_(trimmed_url(std::move(url))),
      key_(from_environment("CLEW_KEY")),
      http_(net::make_https_client({.ca = from_environment("CLEW_CA"), .cert = "", .key = ""})) {}

Result<net::HttpReply> Client::call(net::HttpCall call) {
  call.url = url_ + call.url;
  if (!key_.empty()) call.headers.emplace_back("Authorization", "Bearer " + key_);
  Result<net::HttpReply> reply = http_->call(call);
  if (reply.ok() || reply.error().code() != Code::kUnavailable) return reply;
  return Error(
      Code::kUnavailable,
      fmt::format("no server answers at {}: start one with `clew serve`, or name another with --url or CLEW_URL",
                  url_));
}

Result<Json> Client::get(const std::string& path) {
  net::HttpCall call;
  call.url = path;
  return answer_of(this->call(std::move(call)));
}

Result<Json> Client::post(const std::string& path, const Json& body) {
  std::string text = body.dump(-1, ' ', false, Json::error_handler_t::replace);
  net::HttpCall call{.method = "POST",
                     .url = path,
                     .headers = {{"Content-Type", "application/json"}},
                     .body = text,
                     .on_body = nullptr};
  return answer_of(this->call(std::move(call)));
}

Result<Json> Client::answer_of(Result<net::HttpReply> reply) {
  if (!reply.ok()) return std::move(reply).error();
  Json body = Json::parse(reply->body, nullptr, false);
  if (reply->status >= 400) return error_of_body(body, reply->status);
  if (body.is_discarded()) return Error(Code::kCorrupt, url_ + " does not answer like a clew server");
  return body;
}

Error error_of_body(const Json& body, int status) {
  std::string reason = body.is_discarded() ? std::string() : text_at(member_at(body, "error"), "reason");
  if (reason.empty()) reason = text_at(body, "error");  // of Prometheus' paths
  if (reason.empty()) reason = fmt::format("the server answered with status {}", status);
  return Error(code_of_status(status), std::move(reason));
}

int fail(std::string_view command, const Error& error) {
  std::fprintf(stderr, "clew %.*s: %s\n", static_cast<int>(command.size()), command.data(), error.message().c_str());
  return 1;
}

std::string percent_encoded(std::string_view text) {
  std::string out;
  for (char c : text) {
    bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' ||
                 c == '.' || c == '~';
    out += plain ? std::string(1, c) : fmt::format("%{:02X}", static_cast<unsigned char>(c));
  }
  return out;
}

}  // namespace clew::app
