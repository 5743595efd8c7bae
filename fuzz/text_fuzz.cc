// Words, phrases and times. Oracle: the fast ways find what the plain ones find.
#include <cstdint>
#include <string>
#include <vector>

#include "base/check.h"
#include "text/time_format.h"
#include "text/utf8.h"
#include "text/words.h"

// Text and search term stand apart by the first newline.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace clew;
  std::string all(reinterpret_cast<const char*>(data), size);
  size_t newline = all.find('\n');
  std::string text = all.substr(0, newline);
  std::string term = newline == std::string::npos ? text : all.substr(newline + 1);

  std::vector<std::string> plain;
  text::detail::SlowWords slow(text);
  while (slow.next()) plain.emplace_back(slow.word());
  CHECK(text::words_of(text) == plain, text);
  for (const std::string& word : plain) CHECK(text::fold(word) == word, word);

  text::Phrase phrase(term);
  if (!phrase.words().empty()) CHECK(phrase.matches(text) == text::contains_phrase(text, phrase.words()), text, term);
  if (term.size() < 64) (void)text::wildcard_match(term, text, text::CaseRule::kFolded);
  CHECK(text::wildcard_match("*", text));

  text::TimeReader reader;
  text::TimeReader fresh;
  text::TimeContext context;
  context.now_nanos = 1'795'171'025'000'000'000;
  (void)reader.parse(term, context);
  std::optional<text::Time> warm = reader.parse(text, context);
  std::optional<text::Time> cold = fresh.parse(text, context);
  CHECK(warm.has_value() == cold.has_value() && (!warm || warm->unix_nanos == cold->unix_nanos), text);
  size_t used = 0;
  if (reader.parse_prefix(text, context, used)) CHECK(used <= text.size());
  return 0;
}
