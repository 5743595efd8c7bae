// Parameters that the trace APIs share.
#pragma once

#include <optional>
#include <stop_token>
#include <string>
#include <string_view>

#include "api/router.h"
#include "base/result.h"
#include "contract/event_source.h"
#include "trace/search.h"

namespace clew::api {

// Stops the work when the client goes away.
std::stop_token stop_of_client(const CallPtr& call);

// "1.2s", "250ms", "90us", "5m": nanoseconds. A bare number is in units of `bare_nanos`.
Result<int64_t> parse_span_duration(std::string_view text, int64_t bare_nanos);

// A number parameter; `otherwise` when it is absent. Errors: kInvalid, naming it.
Result<uint64_t> number_param(const net::Request& request, std::string_view name, uint64_t otherwise, uint64_t max);

// A parameter that is there and neither "false" nor "0".
bool flag_param(const net::Request& request, std::string_view name, bool otherwise);

// `from`, `to` and `since` of our own APIs.
Result<contract::TimeRange> range_params(const net::Request& request, const os::Clock& clock);

}  // namespace clew::api
