// How clew's error codes look on the wire.
#pragma once

#include "base/result.h"

namespace clew::net {

// HTTP status of an error.
int http_status(Code code);
// gRPC status number of an error.
int grpc_status(Code code);
// True when the caller should repeat the request later (429, 503).
bool is_retryable(Code code);
// Reason phrase of an HTTP status.
const char* http_reason(int status);

constexpr int kRetryAfterSeconds = 1;
constexpr int kRetryAfterFullSeconds = 10;  // a full disk does not mend itself in a second

}  // namespace clew::net
