// The one place that every route passes before its handler: who is asking, and whether they may.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/mutex.h"
#include "base/result.h"
#include "contract/access.h"
#include "net/grpc_server.h"
#include "net/http_message.h"

namespace clew::api {

// What a route lets its caller do.
enum class Need : uint8_t {
  kNothing,  // probes
  kIngest,
  kRead,
  kAdmin,
};

// What became of the key that a caller has, or has not.
enum class KeyCheck : uint8_t { kGood, kMissing, kWrong };

// There are no users yet, only keys (auth.ingest_key). Without keys whoever reaches the listener is the default tenant,
// which is why listening beyond loopback needs --insecure. With keys: ingest needs one from everywhere; reading needs
// one from other machines; administration is for this machine alone. Pages of other sites that a browser on this
// machine shows must not write here either, so a request that a browser sends for another origin is refused.
//
// Threads: all functions on any thread.
class AccessGate {
 public:
  // Those that are good from now on: several, so that one can be replaced without a gap.
  void set_keys(std::vector<std::string> keys);

  // A caller without a good key where one is needed is answered 401.
  KeyCheck check_key(const net::Request& request, Need need) const;
  KeyCheck check_key(const net::GrpcCall& call, Need need) const;
  static std::string_view reason_of(KeyCheck check);  // for counters: "missing", "wrong"
  static Error error_of(KeyCheck check);

  // Requires: the key was good.  Errors: kForbidden.
  Result<contract::Access> admit(const net::Request& request, Need need) const;
  // The same for a gRPC call or a datagram, which no browser makes.
  Result<contract::Access> admit_grpc(Need need) const;

 private:
  using Keys = std::shared_ptr<const std::vector<std::string>>;
  Keys keys() const;

  mutable base::Mutex mutex_;
  Keys keys_ CLEW_GUARDED_BY(mutex_);
};

// The key that a request carries, in the ways of the clients that there are: Authorization as Bearer, ApiKey (plain, or
// base64 of ID:KEY as Elasticsearch's clients send it), Basic (the password, or the name when there is none), Splunk or
// Token; X-Api-Key; DD-API-KEY. Empty when there is none.
std::string key_of_headers(std::string_view authorization, std::string_view x_api_key, std::string_view dd_api_key);

}  // namespace clew::api
