// HTTP client of the command line and of agents. libcurl stays inside the .cc.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "net/tls.h"

namespace clew::net {

// Whether a connection to this address ("10.0.0.7", "fe80::1") may be opened; null: to any.
using MayConnect = std::function<bool(std::string_view ip)>;

struct HttpCall {
  std::string method = "GET";
  std::string url;
  std::vector<std::pair<std::string, std::string>> headers;
  std::string_view body;
  uint32_t timeout_ms = 0;        // for the whole call; 0: none
  uint32_t quiet_timeout_ms = 0;  // without a byte, in whole seconds; 0: none
  // Gets the answer's body as it comes when the status is below 400; false ends the call. Without it the body is kept.
  std::function<bool(std::string_view)> on_body;
  size_t kept_bytes_max = 0;  // of a body that is kept, its begin; 0: all of it
  // Asked about once a second while nothing comes; false ends the call.
  std::function<bool()> go_on = nullptr;
  MayConnect may_connect = nullptr;
};

struct HttpReply {
  int status = 0;
  std::vector<std::pair<std::string, std::string>> headers;  // names in lower case
  std::string body;

  std::string_view header(std::string_view name_lower_case) const;
};

// Threads: one at a time; keeps its connection between calls.
class HttpClient {
 public:
  virtual ~HttpClient() = default;
  // Errors: kUnavailable when nobody answers there; kDeadline; kCancelled when on_body or go_on said so;
  //         kForbidden when the server's certificate or ours is not accepted, or may_connect says no; kIo.
  virtual Result<HttpReply> call(const HttpCall& call) = 0;
};

std::unique_ptr<HttpClient> make_http_client();
// One that trusts and shows these in https calls.
std::unique_ptr<HttpClient> make_https_client(TlsClientFiles files);

}  // namespace clew::net
