// Logs of any kind. Oracle: however the bytes are cut into pieces, as many lines and events break the same rules; none
// breaks a rule more often than it was asked; and no text that is shown holds a secret.
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/check.h"
#include "lint/lint.h"
#include "process/redact.h"

namespace {

using namespace clew;

lint::Report report_of(std::string_view bytes, size_t piece, const std::shared_ptr<const process::Redactor>& redactor) {
  lint::Linter linter({}, redactor, UnixNanos(1'795'171'025'000'000'000));
  linter.begin_file("a");
  for (size_t at = 0; at < bytes.size(); at += piece) linter.feed(bytes.substr(at, piece));
  linter.end_file();
  return linter.report();
}

}  // namespace

// The first byte says the pieces.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const std::shared_ptr<const process::Redactor> redactor = process::Redactor::make({}).take();
  if (size < 1) return 0;
  std::string bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  lint::Report whole = report_of(bytes, bytes.size() + 1, redactor);
  lint::Report cut = report_of(bytes, data[0] + 1u, redactor);
  CHECK(whole.lines == cut.lines && whole.events == cut.events && whole.bytes == cut.bytes, whole.lines, cut.lines);
  CHECK(whole.secrets == cut.secrets && whole.formats == cut.formats);
  std::string changed;
  process::RedactionCounts counts = redactor->no_counts();
  for (const lint::RuleInfo& info : lint::rules()) {
    const lint::RuleResult& result = whole.of(info.rule);
    CHECK(result.broken == cut.of(info.rule).broken && result.of == cut.of(info.rule).of, info.name);
    CHECK(result.broken <= result.of, info.name);
    CHECK((result.broken == 0) == result.examples.empty(), info.name);
    for (const lint::Example& example : result.examples) {
      CHECK(!redactor->redact(example.text, changed, counts), example.text);
      CHECK(example.line >= 1 && example.text.size() <= lint::kExampleBytesMax);
      CHECK(example.line == cut.of(info.rule).examples.at(static_cast<size_t>(&example - result.examples.data())).line);
    }
  }
  return 0;
}
