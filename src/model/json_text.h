// JSON text of stored values.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "model/rest.h"

namespace clew::model {

// A quoted JSON string; bytes that are no UTF-8 are copied as they are.
void append_json_string(std::string_view text, std::string& out);
// Any value: numbers with their own digits, times as RFC 3339 text, bytes as base64, arrays as they are kept.
void append_json_value(const RestField& value, std::string& out);
// 2026-11-20T10:37:05.123456789Z with as many digits as it needs (0, 3, 6 or 9).
void append_rfc3339(int64_t unix_nanos, std::string& out);
void append_base64(std::string_view bytes, std::string& out);

// The elements of a kArray text, cut at its own commas; an empty element (a missing leaf) is an empty view.
// `[]` has none. A text that is no array gives itself.
std::vector<std::string_view> split_array(std::string_view array);

}  // namespace clew::model
