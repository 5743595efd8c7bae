// Of events, how many have what a reader of their source should know: no time, and so on.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

#include "api/json_body.h"
#include "model/batch.h"

namespace clew::api {

class FlagCounts {
 public:
  // Those that are counted, by their names in answers.
  static constexpr std::array<std::pair<std::string_view, model::Flag>, 4> kCounted = {{
      {"no_time", model::Flag::kArrivalTime},
      {"bad_encoding", model::Flag::kBadUtf8},
      {"cut", model::Flag::kTruncated},
      {"unparsed", model::Flag::kParseError},
  }};

  // Cost: a pass over the flags of the rows that have any.
  void add(const std::vector<model::Batch>& batches);
  void add(const FlagCounts& other);
  bool any() const;
  uint64_t operator[](size_t i) const { return counts_[i]; }

  // {"no_time":3,...}, of those that are not 0; what read() does not know it leaves out.
  Json json() const;
  // The same in percent of `events`, to two places.
  Json percent(uint64_t events) const;
  void read(const Json& json);

 private:
  std::array<uint64_t, kCounted.size()> counts_{};
};

}  // namespace clew::api
