// Redaction: no text makes it fail, what is redacted stays as it is, and a batch gives what its texts give alone.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/check.h"
#include "model/batch.h"
#include "process/redact.h"

namespace {

using namespace clew;

const process::Redactor& redactor() {
  static const std::shared_ptr<const process::Redactor> kRedactor =
      process::Redactor::make({{"employee", "EMP-[0-9]+", ""}}).take();
  return *kRedactor;
}

// Pieces of the input, by its line ends.
model::Batch batch_of(std::string_view input) {
  model::Batch batch;
  while (true) {
    size_t end = input.find('\n');
    batch.column("message")->add_string(batch.begin_row(), input.substr(0, end));
    batch.end_row();
    if (end == std::string_view::npos) return batch;
    input.remove_prefix(end + 1);
  }
}

void check_text(std::string_view text) {
  process::RedactionCounts counts = redactor().no_counts();
  std::string once;
  if (!redactor().redact(text, once, counts)) return;
  std::string twice;
  CHECK(!redactor().redact(once, twice, counts), once, twice);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view input(reinterpret_cast<const char*>(data), size);
  check_text(input);
  (void)redactor().redact_message(input);
  model::Batch batch = batch_of(input);
  model::Batch before = batch_of(input);
  process::RedactionCounts counts = redactor().no_counts();
  redactor().redact(batch, counts);
  const model::Column& texts = *before.find("message");
  const model::Column& changed = *batch.find("message");
  CHECK(changed.text_ends().size() == texts.text_ends().size());
  bool keys = input.find("PRIVATE KEY") != std::string_view::npos;  // these go on over rows
  for (size_t i = 0; i < texts.text_ends().size() && !keys; ++i) {
    std::string alone(texts.text_at(i));
    redactor().redact(texts.text_at(i), alone, counts);
    CHECK(alone == changed.text_at(i), alone, changed.text_at(i));
  }
  process::RedactionCounts none = redactor().no_counts();
  CHECK(redactor().redact(batch, none) == 0 || keys);
  return 0;
}
