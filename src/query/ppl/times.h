// Times as they are written in search expressions.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace clew::query::ppl {

// `now`, epoch seconds, `2024-02-01 09:10:00`, ISO 8601, `MM/dd/yyyy:HH:mm:ss`, and relative times: `-1d@d`, `+2h`,
// `@w1`, chains as `+1d@month-10h`. In ns; none when it is none of these, or not representable.
std::optional<int64_t> parse_time_word(std::string_view text, int64_t now);

// A date-time text in a fixed form: `yyyy-MM-dd`, `yyyy-MM-ddTHH:mm[:ss[.fraction]][Z|+hh:mm]`, blank for T allowed.
std::optional<int64_t> parse_date_time(std::string_view text);

// True for `yyyy-MM-ddTHH:mm...`: what a column's values must all be to be served as timestamps.
bool is_iso_time(std::string_view text);

}  // namespace clew::query::ppl
