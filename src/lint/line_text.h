// What the bytes of a line tell a rule, without a parser.
#pragma once

#include <cstdint>
#include <string_view>

namespace clew::lint {

// Whether it holds control characters other than tabs and colours, or bytes that are no UTF-8.
bool holds_binary(std::string_view line);
// Whether it holds a sequence that colours a terminal.
bool holds_color(std::string_view line);
// Whether it holds kBlobBytesMin or more bytes of base64 or hex in one piece.
bool holds_blob(std::string_view line);

// Whether a field of this name, `request_id`, `userId` or `trace.id`, tells one request, user or thing from others. A
// process' or thread's id does not.
bool names_id(std::string_view name);

struct Marks {
  bool id = false;    // `order_id=17`, `user: 5`, a UUID, 16 or 32 digits of hex
  bool pair = false;  // any `name=value`
};
Marks marks_of(std::string_view text);

// Whether `text` has the year of that time in four digits, in whatever zone it was written.
bool says_year(std::string_view text, int64_t unix_nanos);
// Whether it begins with a date whose year has two digits, in a layout that nobody can read for sure: 26-11-20 10:37:05.
bool begins_short_year(std::string_view text);
// Whether a whole second is written with a fraction (`05.000`, `05,000`).
bool says_fraction(std::string_view text, int64_t unix_nanos);

}  // namespace clew::lint
