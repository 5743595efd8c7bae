// A line that a person pasted, from a file, a terminal or `clew tree`: which stored line may it be?
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace clew::trace {

struct Pasted {
  std::vector<std::string> phrases;  // texts that may be a stored message, the likeliest first
  std::optional<int64_t> time;       // ns since the epoch
  std::optional<int64_t> clock;      // ns of the day, UTC, where it has no date
  int64_t span = 1;                  // ns that the time as it is written may mean: a second where it has no fraction

  bool has_time() const { return time.has_value() || clock.has_value(); }
  // How far a moment is from the line's, in ns. Requires: has_time().
  int64_t distance(int64_t unix_nanos) const;
};

Pasted read_pasted(std::string_view text);

}  // namespace clew::trace
