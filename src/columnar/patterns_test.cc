#include "columnar/patterns.h"

#include <gtest/gtest.h>

#include <random>

#include "text/message_shape.h"

namespace clew::columnar {
namespace {

// The pattern that the template of `text` gives; none where the text cannot be cut.
std::optional<std::string> by_template(const std::string& text) {
  std::string buffer;
  std::vector<Variable> variables;
  std::optional<std::string_view> shape = cut_text(text, buffer, variables);
  if (!shape) return std::nullopt;
  auto dictionary = std::make_shared<Dictionary>();
  dictionary->entries = {*shape};
  Result<TemplatesPtr> templates = parse_templates(dictionary);
  EXPECT_TRUE(templates.ok());
  PatternEntriesPtr patterns = patterns_of_templates(**templates);
  return std::string(patterns->patterns->strings[patterns->codes[0]]);
}

// What is read off templates must be what the texts themselves give, or an answer would change with where a row lies.
TEST(Patterns, OfTemplatesAreThoseOfTheTexts) {
  const std::vector<std::string> pieces = {"user",
                                           "17",
                                           "0017",
                                           "x7f",
                                           "a_1",
                                           "_",
                                           "-",
                                           ".",
                                           ":",
                                           ",",
                                           "'",
                                           "\"",
                                           " ",
                                           "  ",
                                           "\n",
                                           "\t",
                                           "@",
                                           "+",
                                           "%",
                                           "=",
                                           "(",
                                           "10.0.0.1:80.",
                                           "2026-11-20T10:00:00Z",
                                           "3fa85f64-5717-4562-b3fc-2c963f66afa6",
                                           "3fa85f64-5717-",
                                           "\xc3\xa4",
                                           "\xc3\xa4"
                                           "7",
                                           "7\xc3\xa4",
                                           "12345678901234567890",
                                           "don't",
                                           "\xff",
                                           "/api/v1/",
                                           "-5",
                                           "1e9"};
  std::mt19937 random(11);
  int cut = 0;
  for (int run = 0; run < 200'000; ++run) {
    std::string text;
    for (size_t n = random() % 12; n > 0; --n) text += pieces[random() % pieces.size()];
    std::optional<std::string> got = by_template(text);
    if (!got) continue;
    ++cut;
    ASSERT_EQ(*got, text::message_pattern(text)) << text;
  }
  EXPECT_GT(cut, 190'000);
}

TEST(Patterns, ALongTextIsCutInItsPattern) {
  std::string text = std::string(300, '1') + "a" + std::string(300, ' ') + std::string(300, 'x') + " 5 rows";
  EXPECT_EQ(by_template(text), text::message_pattern(text));
  EXPECT_EQ(by_template(text)->size(), text::kPatternBytesMax);
}

TEST(Patterns, EachStandsOnceInItsDictionary) {
  const std::vector<std::string_view> texts = {"user 1", "user 2", "user \"a\"", "none"};
  PatternEntriesPtr made = patterns_of_texts(texts);
  EXPECT_EQ(made->codes, (std::vector<uint32_t>{0, 0, 1, 2}));
  EXPECT_EQ(made->patterns->strings, (std::vector<std::string_view>{"user <*>", "user \"<*>\"", "none"}));
}

}  // namespace
}  // namespace clew::columnar
