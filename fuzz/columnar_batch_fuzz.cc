// Lines of any bytes as texts of a column, with a hole where a line is empty: a part gives them all back, and so do
// templates, whatever the lines are.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "columnar/part.h"
#include "columnar/templates.h"
#include "model/batch.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t bytes) {
  using namespace clew;
  std::string_view in(reinterpret_cast<const char*>(data), bytes);
  model::Batch batch("fuzz");
  while (!in.empty() && batch.rows() < 5000) {
    size_t end = in.find('\n');
    std::string_view line = in.substr(0, end);
    in = end == std::string_view::npos ? std::string_view() : in.substr(end + 1);
    uint32_t row = batch.begin_row();
    batch.column("_time")->add_time(row, 1'763'719'200'000'000'000 + row);
    if (line.empty()) continue;
    batch.column("text")->add_string(row, line);
    // Often enough for a template to be kept.
    for (int i = 0; i < 3; ++i) {
      uint32_t again = batch.begin_row();
      batch.column("_time")->add_time(again, 1'763'719'200'000'000'000 + again);
      batch.column("text")->add_string(again, line);
      batch.column("number")->add_number(again, line);
    }
  }
  if (batch.rows() == 0) return 0;
  auto back = columnar::decode_batch(columnar::BatchEncoder().encode(batch));
  if (!back.ok() || back->rows() != batch.rows()) std::abort();
  for (const auto& column : batch.columns()) {
    const model::Column* other = back->find(column->name());
    if (!other || other->text() != column->text() || other->text_ends() != column->text_ends() ||
        other->ints() != column->ints() || other->scales() != column->scales()) {
      std::abort();
    }
  }
  return 0;
}
