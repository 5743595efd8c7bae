// Many HTTP calls at a time on one thread: what asks thousands of servers every few seconds. libcurl stays inside the
// .cc.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "net/http_client.h"
#include "net/tls.h"

namespace clew::net {

struct HttpFetch {
  std::string method = "GET";
  std::string url;
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
  uint32_t timeout_ms = 10'000;  // for the whole call
  size_t body_bytes_max = 0;     // of the answer, undone of its encoding; 0: no limit
  bool compressed = true;        // asks for gzip, and undoes it
  bool follow_redirects = true;
  bool http2 = true;
  std::string user, password;  // of basic authentication, where a user is named
  std::string proxy_url;       // none: straight
  TlsClientFiles tls;
  std::string server_name;    // whose certificate is expected; none: the URL's host
  bool tls_insecure = false;  // any certificate will do
  bool certificate = false;   // tells when the server's certificates end
};

struct HttpFetched {
  HttpReply reply;
  std::string url;             // that answered, behind all redirects
  uint64_t nanos = 0;          // all together
  uint64_t resolve_nanos = 0;  // of it: the name's address,
  uint64_t connect_nanos = 0;  // the connection,
  uint64_t tls_nanos = 0;
  uint64_t process_nanos = 0;   // until the first byte,
  uint64_t transfer_nanos = 0;  // and the last
  uint32_t redirects = 0;
  bool encrypted = false;
  int http_version = 0;            // 10, 11, 20
  int64_t certificate_ends_s = 0;  // Unix time, the earliest of the chain; 0: not known
};

// Connections are kept for the next call to the same server.
//
// Threads:  fetch() on any; one of its own, named clew-fetch, on which `done` is called exactly once for each call:
//           it must not block. The destructor ends what is under way with kCancelled.
class HttpFetcher {
 public:
  virtual ~HttpFetcher() = default;
  using Done = std::function<void(Result<HttpFetched>)>;
  // Errors, through `done`: kUnavailable when nobody answers there; kDeadline; kTooLarge; kForbidden when the server's
  //                         certificate or ours is not accepted; kCancelled; kInvalid for what is no URL; kIo.
  virtual void fetch(HttpFetch what, Done done) = 0;
};

std::unique_ptr<HttpFetcher> make_http_fetcher();

}  // namespace clew::net
