// What holds for the events of every decoder, whatever the bytes were.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "model/batch_text.h"
#include "wire/intake.h"

namespace clew::fuzz {

inline void require(bool condition) {
  if (!condition) std::abort();
}

inline wire::Intake intake() {
  wire::Intake out;
  out.arrival = UnixNanos(1'795'171'025'000'000'000);
  return out;
}

// Every item is a row or a rejection, every row has a time, no column has a value beyond the rows.
inline void check_sound(const wire::Events& events) {
  uint64_t rows = 0;
  for (const model::Batch& batch : events.batches) {
    require(batch.rows() > 0);
    rows += batch.rows();
    const model::Column* time = batch.find(model::kTimeField);
    require(time != nullptr && time->values_count() == batch.rows());
    for (const auto& column : batch.columns()) require(column->rows_end() <= batch.rows());
  }
  require(events.received == rows + events.rejected);
}

inline std::string text_of(const Result<wire::Events>& events) {
  if (!events.ok()) return "error: " + events.error().message();
  check_sound(*events);
  std::string out;
  for (const model::Batch& batch : events->batches) {
    for (uint32_t row = 0; row < batch.rows(); ++row) {
      out += batch.dataset() + " " + model::row_text(batch, row) + " " + model::row_document(batch, row) + "\n";
    }
  }
  for (const wire::Rejection& r : events->rejections) out += r.message + "\n";
  return out;
}

// A decoder that has seen other requests reads this one as a fresh one does: what it remembers is only speed.
template <class Decode, class Decoder>
void check_memory(Decoder& used, std::string_view body, Decode decode) {
  Decoder fresh;
  std::string first = text_of(decode(fresh, body));
  require(text_of(decode(used, body)) == first);
  require(text_of(decode(used, body)) == first);
}

}  // namespace clew::fuzz
