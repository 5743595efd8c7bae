// Durations as Prometheus writes them: 1h30m, 5m, 15s, 250ms.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace clew::query::promql {

// Milliseconds of a duration: units y w d h m s ms, each once and in this order; nullopt where it is none or too long.
std::optional<int64_t> parse_duration(std::string_view text);
// The shortest text of a duration, "0s" for none; 1w and 1y only where it divides evenly.
std::string duration_text(int64_t millis);
// A number as Go's %v prints it: 1, 0.5, 1e+10, +Inf, NaN.
std::string number_text(double value);
// Numbers of queries: decimal, hexadecimal, `_` between digits, Inf, NaN, with a sign.
std::optional<double> parse_number(std::string_view text);

}  // namespace clew::query::promql
