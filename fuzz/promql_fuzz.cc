// Any text through the PromQL parser. What parses must print, on one line and over several, to a text that parses again
// and prints the same. Series descriptions must not crash.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "query/promql/parse.h"
#include "query/promql/print.h"
#include "query/promql/series_text.h"

namespace {

using clew::query::promql::ParseOptions;

void must_print_the_same(const std::string& text, const std::string& printed, const ParseOptions& options) {
  auto again = clew::query::promql::parse(text, options);
  // Printing may go beyond a limit that the text just met.
  if (!again.ok() && again.error().code() == clew::Code::kTooLarge) return;
  if (!again.ok() || clew::query::promql::print(**again) != printed) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view text(reinterpret_cast<const char*>(data), size);
  ParseOptions options;
  options.extended_range_selectors = true;
  // Short: a few bytes ask for millions of points.
  if (size < 256 && text.find('x') == std::string_view::npos) (void)clew::query::promql::parse_series(text);
  auto expr = clew::query::promql::parse(text, options);
  if (!expr.ok()) return 0;
  std::string printed = clew::query::promql::print(**expr);
  must_print_the_same(printed, printed, options);
  must_print_the_same(clew::query::promql::print_pretty(**expr), printed, options);
  return 0;
}
