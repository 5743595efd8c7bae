// Random events of a random schema, and random queries over them, for the differential test.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "os/sim_clock.h"
#include "plain_table.h"

namespace clew::query::testing {

class Dice {
 public:
  explicit Dice(uint64_t seed) : rng_(seed) {}
  uint64_t below(uint64_t n) { return rng_.next() % n; }
  bool chance(uint64_t percent) { return below(100) < percent; }
  template <class List>
  const auto& any(const List& list) {
    return list[below(std::size(list))];
  }

 private:
  os::SeededRng rng_;
};

// What the values of a column are, mostly.
enum class Kind : uint8_t { kNumber, kText, kBool, kTime, kArray, kMixed };

struct RandomColumn {
  std::string name;
  Kind kind = Kind::kMixed;
};

struct RandomEvent {
  int64_t time = 0;                  // ns
  std::vector<std::string> members;  // JSON of each column: `"name":value`; empty where it is absent
  std::vector<model::Value> values;  // and what it means
  bool ends_batch = false;           // the write ends behind it
};

struct RandomEvents {
  std::vector<RandomColumn> columns;  // besides @timestamp
  std::vector<RandomEvent> events;    // in the order of arrival

  std::string line(size_t event) const;  // NDJSON, with the line break
  Table table() const;                   // in the query's order; columns that no event has are left out
};

RandomEvents random_events(Dice& dice, uint64_t events_max);

// Steps that end in columns named one by one.
std::vector<Step> random_steps(Dice& dice, const RandomEvents& events);

}  // namespace clew::query::testing
