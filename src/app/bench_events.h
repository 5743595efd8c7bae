// Synthetic events of `clew bench`: twelve fields, some 310 bytes, fresh ids and times in each, by seed.
#pragma once

#include <cstdint>
#include <string>

namespace clew::app {

// Threads: one. Equal arguments give equal events.
class BenchEvents {
 public:
  // The first event lies at `start_micros`, each further one `step_micros` later.
  BenchEvents(uint64_t seed, int64_t start_micros, int64_t step_micros)
      : state_(seed), micros_(start_micros), step_micros_(step_micros) {}

  // Appends an action of `_bulk` and one event.
  void append_bulk(std::string& out);
  // The trace id of the event appended last.
  const std::string& last_trace_id() const { return trace_id_; }

 private:
  uint64_t random();
  uint64_t below(uint64_t n) { return random() % n; }

  uint64_t state_;
  int64_t micros_;
  int64_t step_micros_;
  std::string trace_id_;
};

}  // namespace clew::app
