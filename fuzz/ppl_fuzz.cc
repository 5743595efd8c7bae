// Any text through the query parser. What parses must print to a text that parses again and prints the same.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "query/ppl/query.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view text(reinterpret_cast<const char*>(data), size);
  clew::expr::TokenStream tokens(text);
  auto query = clew::query::ppl::parse_query(tokens);
  if (!query.ok()) return 0;
  std::string printed = clew::query::ppl::print(**query);
  clew::expr::TokenStream again(printed);
  auto second = clew::query::ppl::parse_query(again);
  // Printing may go beyond a limit that the text just met.
  if (!second.ok() && second.error().code() == clew::Code::kTooLarge) return 0;
  if (!second.ok() || clew::query::ppl::print(**second) != printed) std::abort();
  return 0;
}
