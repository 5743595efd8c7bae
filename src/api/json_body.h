// Strict JSON bodies of our own APIs, read with errors that name the member.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "contract/event_source.h"
#include "os/clock.h"

namespace clew::api {

using Json = nlohmann::ordered_json;

// The body as a JSON object with no members but `known`. An empty body is an empty object.
// Errors: kInvalid, with the place in the text or the member's name and "did you mean".
Result<Json> parse_object(std::string_view body, std::initializer_list<std::string_view> known);

// Members; absent and null give nothing. Errors: kInvalid naming the member.
Result<std::optional<std::string>> text_member(const Json& object, const char* name);
Result<std::optional<uint64_t>> number_member(const Json& object, const char* name, uint64_t max);
Result<bool> bool_member(const Json& object, const char* name, bool otherwise);

// `from`, `to` and `since` (docs/operate/http-api.md).
Result<contract::TimeRange> range_members(const Json& object, const os::Clock& clock);
// One time: RFC 3339, milliseconds since the epoch, now, now-15m. Errors: kInvalid.
Result<int64_t> parse_moment(std::string_view text, int64_t now_nanos);
// "15m", "2h30m", "7d", "1w" in nanoseconds. Errors: kInvalid.
Result<int64_t> parse_duration(std::string_view text);

// Text for answers; bytes that are no UTF-8 are replaced.
std::string dump_json(const Json& json);
// 2026-11-20T10:00:00.000Z
std::string rfc3339(int64_t unix_nanos);

}  // namespace clew::api
