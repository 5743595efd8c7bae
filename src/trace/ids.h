// Trace and span ids in the spellings in which they meet: with and without leading zeros, upper case, and Datadog's
// decimal numbers.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace clew::trace {

// An empty id is the same as any.
bool same_trace(std::string_view a, std::string_view b);

// "1234" as 16 hex digits; empty for what is no decimal number of 64 bits.
std::string hex_of_decimal(std::string_view text);

// All spellings in hexadecimal under which events of the trace may have been stored; the given one first.
std::vector<std::string> spellings(std::string_view id);

// How Datadog's log lines write the id: its lower half as a decimal number. Empty where there is none. Not among the
// spellings, because no index knows numbers: it is looked for in its own field only.
std::string decimal_of_hex(std::string_view id);

// Only digits and letters of hexadecimal numbers, at least 16 of them.
bool is_hex_id(std::string_view text);

}  // namespace clew::trace
