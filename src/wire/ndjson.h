// NDJSON import: one JSON object a line (POST /api/v1/import), and bodies that hold one object or an array of them.
#pragma once

#include <memory>
#include <string_view>

#include "base/result.h"
#include "wire/intake.h"

namespace clew::wire {

// Threads:  one; keep a decoder per thread, it remembers the documents' keys from one request to the next.
// Lifetime: nothing of the result points into the body.
class NdjsonDecoder {
 public:
  NdjsonDecoder();
  ~NdjsonDecoder();

  // Each line is an event of intake.dataset. Blank lines are passed over; a line that is no JSON object is rejected
  // alone.
  Events decode(std::string_view body, const Intake& intake);

  // Objects that may span lines, or an array of objects: every object is an event. What is no object is rejected alone;
  // after broken syntax the rest of the body is one rejection.
  Events decode_stream(std::string_view body, const Intake& intake);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace clew::wire
