// EnvelopeRows: documents that a protocol wraps into an object of its own, with what the wrapping says beside their own
// fields. Each is put together as one JSON object and read as every document is.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "wire/batch_set.h"

namespace clew::wire {

// Threads: one.
class EnvelopeRows {
 public:
  void begin_request(const Intake& intake, size_t body_bytes) { batches_.begin(intake, body_bytes); }
  std::vector<model::Batch> take() { return batches_.take(); }

  void begin() { text_.assign(1, '{'); }
  // `value` is checked JSON. Of two values for a name the later one stays.
  void add(std::string_view name, std::string_view value);
  void add_text(std::string_view name, std::string_view text);
  // The members of a checked JSON object.
  void add_members(std::string_view object);
  // Adds the row. `unix_nanos` 0: its time is what its fields say. False, without a row, for what is over the limits.
  bool end(std::string_view dataset, int64_t unix_nanos);

 private:
  void comma() {
    if (text_.size() > 1) text_.push_back(',');
  }

  BatchSet batches_;
  std::string text_;
};

}  // namespace clew::wire
