#include "text/words.h"

#include <gtest/gtest.h>

#include <random>

#include "text/utf8.h"

namespace clew::text {
namespace {

using Words = std::vector<std::string>;

TEST(Words, RunsOfLettersDigitsAndUnderscore) {
  EXPECT_EQ(words_of("GET /api/v1/users?id=12_3 took 5ms"),
            (Words{"get", "api", "v1", "users", "id", "12_3", "took", "5ms"}));
  EXPECT_EQ(words_of(""), Words{});
  EXPECT_EQ(words_of("--"), Words{});
}

TEST(Words, OtherScriptsFoldAndCjkStandsAlone) {
  EXPECT_EQ(words_of("Stra\xc3\x9f"
                     "e \xc3\x84RGER"),
            (Words{"stra\xc3\x9f"
                   "e",
                   "\xc3\xa4rger"}));
  EXPECT_EQ(words_of("ab\xe6\x97\xa5\xe6\x9c\xac"
                     "cd"),
            (Words{"ab", "\xe6\x97\xa5", "\xe6\x9c\xac", "cd"}));
  EXPECT_EQ(words_of("\xe2\x84\xaa"
                     "elvin"),
            (Words{"kelvin"}));  // the Kelvin sign folds to k
}

TEST(Words, InvalidUtf8Separates) {
  EXPECT_EQ(words_of("ab\xff"
                     "cd"),
            (Words{"ab", "cd"}));
  EXPECT_EQ(words_of("ab\xc3"), (Words{"ab"}));
  EXPECT_EQ(words_of("\xed\xa0\x80x"), (Words{"x"}));  // a surrogate is no character
}

TEST(Words, WordsCrossScanBlocks) {
  for (size_t lead = 0; lead < 140; ++lead) {
    std::string text = std::string(lead, '.') + "Needle" + std::string(140 - lead, '.') + "x";
    EXPECT_EQ(words_of(text), (Words{"needle", "x"})) << lead;
  }
}

TEST(Words, FastPathEqualsSlowPath) {
  std::mt19937 random(7);
  const std::string alphabet = "aZ09_ -./\"\xc3\xa9";
  for (int round = 0; round < 2000; ++round) {
    std::string text;
    for (size_t n = random() % 200; n > 0; --n) text += alphabet[random() % 9];
    Words slow;
    detail::SlowWords scan(text);
    while (scan.next()) slow.emplace_back(scan.word());
    ASSERT_EQ(words_of(text), slow) << text;
  }
}

TEST(Words, HashLooksAtTheFirst128Bytes) {
  std::string long_word(kWordBytesIndexed, 'a');
  EXPECT_EQ(word_hash(long_word), word_hash(long_word + "b"));
  EXPECT_NE(word_hash(long_word), word_hash(long_word.substr(1)));
}

TEST(Phrase, WordsInOrderAtBoundaries) {
  Phrase phrase("timed OUT");
  EXPECT_TRUE(phrase.matches("request Timed-out after 30s"));
  EXPECT_TRUE(phrase.matches("timed timed out"));
  EXPECT_FALSE(phrase.matches("timed it out"));
  EXPECT_FALSE(phrase.matches("timed outs"));
  EXPECT_FALSE(phrase.matches("mistimed out"));
  EXPECT_FALSE(phrase.matches("timed"));
  EXPECT_TRUE(phrase.matches("\xc3\xa9 timed out"));
  EXPECT_TRUE(Phrase("---").matches("a --- b"));
  EXPECT_FALSE(Phrase("---").matches("a -- b"));
}

TEST(Phrase, FastSearchEqualsCountingWords) {
  std::mt19937 random(11);
  const std::string alphabet = "abA _-";
  for (int round = 0; round < 5000; ++round) {
    std::string text, term;
    for (size_t n = random() % 60; n > 0; --n) text += alphabet[random() % alphabet.size()];
    for (size_t n = 1 + random() % 5; n > 0; --n) term += alphabet[random() % alphabet.size()];
    if (words_of(term).empty()) continue;
    ASSERT_EQ(Phrase(term).matches(text), contains_phrase(text, words_of(term)))
        << '"' << term << "\" in \"" << text << '"';
  }
}

TEST(Wildcard, StarsQuestionMarksAndEscapes) {
  EXPECT_TRUE(wildcard_match("a*c", "abbbc"));
  EXPECT_TRUE(wildcard_match("*", ""));
  EXPECT_FALSE(wildcard_match("a?c", "ac"));
  EXPECT_TRUE(wildcard_match("a?c",
                             "a\xc3\xa9"
                             "c"));
  EXPECT_TRUE(wildcard_match("a\\*c", "a*c"));
  EXPECT_FALSE(wildcard_match("a\\*c", "abc"));
  EXPECT_FALSE(wildcard_match("ABC", "abc"));
  EXPECT_TRUE(wildcard_match("ABC*", "abcd", CaseRule::kFolded));
  EXPECT_TRUE(wildcard_match("*a*b*c", "xxaxxbxxcxxc"));
  EXPECT_TRUE(any_word_matches("TIME*", "it Timed out"));
  EXPECT_FALSE(any_word_matches("ime*", "it timed out"));
}

TEST(Utf8, StrictDecodingAndRoundTrip) {
  for (char32_t c : {U'a', U'\u00e9', U'\u20ac', U'\U0001F600'}) {
    std::string s;
    append_utf8(c, s);
    EXPECT_EQ(decode_utf8(s, 0).c, c);
    EXPECT_EQ(decode_utf8(s, 0).bytes, s.size());
    EXPECT_EQ(decode_utf8(s.substr(0, s.size() - 1) + "!", 0).c, s.size() == 1 ? U'!' : kInvalid);
  }
  EXPECT_FALSE(is_valid_utf8("\xc0\x80"));
  EXPECT_FALSE(is_valid_utf8("\xf4\x90\x80\x80"));
  EXPECT_TRUE(is_valid_utf8("\xf4\x8f\xbf\xbf"));
}

}  // namespace
}  // namespace clew::text
