// What every client command shares: --url, calls with JSON bodies, and errors that say what to do.
#pragma once

#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "app/flags.h"
#include "base/result.h"
#include "net/http_client.h"

namespace clew::app {

using Json = nlohmann::ordered_json;

constexpr std::string_view kUrlDefault = "http://127.0.0.1:4320";

// --url, else CLEW_URL, else the default. CLEW_CA names whom to trust, for https; CLEW_KEY is the key
// that a server may ask for.
void add_url_flag(Flags& flags, std::string& url);

// --since, --from and --to as the server takes them; only those that were given.
struct RangeFlags {
  std::string since;
  std::string from;
  std::string to;
};
void add_range_flags(Flags& flags, RangeFlags& range);
void put_range(const RangeFlags& range, Json& body);

// Members of an answer; a wrong type or an absent member gives the empty value.
std::string text_at(const Json& json, const char* name);
uint64_t number_at(const Json& json, const char* name);
const Json& member_at(const Json& json, const char* name);

// Threads: one at a time.
class Client {
 public:
  explicit Client(std::string url);

  // The body of the answer. Errors: kUnavailable with what to start; what the server's error says; kCorrupt when the
  // answer is no JSON.
  Result<Json> get(const std::string& path);
  Result<Json> post(const std::string& path, const Json& body);
  // Any call; only transport failures are errors.
  Result<net::HttpReply> call(net::HttpCall call);

  const std::string& url() const { return url_; }

 private:
  Result<Json> answer_of(Result<net::HttpReply> reply);

  std::string url_;
  std::string key_;
  std::unique_ptr<net::HttpClient> http_;
};

// The error that a body in the form of docs/operate/http-api.md carries.
Error error_of_body(const Json& body, int status);

// "clew COMMAND: message" on stderr; gives exit code 1.
int fail(std::string_view command, const Error& error);

std::string percent_encoded(std::string_view text);

}  // namespace clew::app
