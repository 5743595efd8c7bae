// The one place that every route passes before its handler: who is asking, and whether they may.
#pragma once

#include <cstdint>

#include "base/result.h"
#include "contract/access.h"
#include "net/http_message.h"

namespace clew::api {

// What a route lets its caller do.
enum class Need : uint8_t {
  kNothing,  // probes
  kIngest,
  kRead,
  kAdmin,
};

// There are no credentials yet: whoever reaches the listener is the default tenant, which is why listening beyond
// loopback needs --insecure. Pages of other sites that a browser on this machine shows must not write here either, so a
// request that a browser sends for another origin is refused.
//
// Threads: all functions on any thread.
class AccessGate {
 public:
  // Errors: kForbidden.
  Result<contract::Access> admit(const net::Request& request, Need need) const;
  // The same for a gRPC call, which no browser makes.
  Result<contract::Access> admit_grpc(Need need) const;
};

}  // namespace clew::api
