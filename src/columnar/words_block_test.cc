#include "columnar/words_block.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "columnar/text_query.h"

namespace clew::columnar {
namespace {

using contract::Predicate;
using Texts = std::vector<std::string>;

std::vector<std::string_view> views(const Texts& texts) { return {texts.begin(), texts.end()}; }

// Sentences of few words; what stands between and around them, and how long they are, differs. One word in `odd` of
// them has a taste of its own.
Texts sentences(uint64_t seed, size_t count, std::vector<std::string> odd) {
  constexpr std::array<const char*, 12> kWords = {
      "amber",
      "badger",
      "Cedar",
      "dove_7",
      "ember",
      "FOX",
      "gecko",
      "heron",
      "i",
      "2025",
      "a-very-long-word-of-a-name.that.goes.on.and.on.beyond.sixteen_bytes_of_course",
      "averylongwordofanamewithoutanybreaksinit"};
  constexpr std::array<const char*, 7> kBetween = {" ", " ", " ", ", ", "-", "]: ", "  ...  <and then> "};
  std::mt19937_64 rng(seed);
  Texts texts;
  for (size_t i = 0; i < count; ++i) {
    std::string text = rng() % 5 == 0 ? "" : rng() % 9 == 0 ? " [" : "ip-";
    for (uint64_t word = rng() % 14; word > 0; --word) {
      text += rng() % 40 == 0 && !odd.empty() ? odd[rng() % odd.size()] : kWords[rng() % kWords.size()];
      text += kBetween[rng() % kBetween.size()];
    }
    if (rng() % 3 == 0) text += std::to_string(rng() % 1000);
    texts.push_back(text);
  }
  return texts;
}

std::string encoded(const Texts& texts) {
  std::string out;
  codec::IntEncoder ints;
  EXPECT_TRUE(encode_words(views(texts), ints, out));
  return out;
}

WordsBlock block_of(const std::string& bytes, size_t count) {
  base::Reader in(bytes);
  auto block = WordsBlock::read(in, count);
  EXPECT_TRUE(block.ok()) << block.error().message();
  EXPECT_TRUE(in.finish().ok());
  return std::move(block).take();
}

TEST(WordsBlock, GivesEveryTextBack) {
  for (const Texts& odd : {Texts{}, Texts{"na\xc3\xafve", "\xe6\x97\xa5\xe6\x9c\xac", std::string("\0\xff", 2)}}) {
    for (size_t count : {kWordsTextsMin, size_t{4096}}) {
      Texts texts = sentences(count, count, odd);
      std::string bytes = encoded(texts);
      WordsBlock block = block_of(bytes, count);
      EXPECT_EQ(block.ascii(), odd.empty());
      std::string kept;
      std::vector<std::string_view> back;
      ASSERT_TRUE(block.all_texts({}, kept, back).ok());
      ASSERT_EQ(back, views(texts));
      std::vector<bool> wanted(count);
      for (size_t i = 0; i < count; i += 7) wanted[i] = true;
      std::string some_kept;
      std::vector<std::string_view> some;
      ASSERT_TRUE(block.all_texts(wanted, some_kept, some).ok());
      for (size_t i = 0; i < count; ++i) {
        EXPECT_EQ(some[i], wanted[i] ? texts[i] : std::string());
        std::string one;
        block.append_text(i, one);
        EXPECT_EQ(one, texts[i]);
      }
    }
  }
}

TEST(WordsBlock, LeavesTextsAloneThatRepeatTooLittle) {
  std::mt19937_64 rng(1);
  Texts random;
  for (size_t i = 0; i < 4096; ++i) random.push_back("id " + std::to_string(rng()) + "/" + std::to_string(rng()));
  Texts few = sentences(2, kWordsTextsMin - 1, {});
  Texts letters;
  for (size_t i = 0; i < 4096; ++i) letters.push_back("a b c d e f g " + std::to_string(i % 10));
  for (const Texts& texts : {random, few, letters}) {
    std::string out = "before";
    codec::IntEncoder ints;
    EXPECT_FALSE(encode_words(views(texts), ints, out));
    EXPECT_EQ(out, "before");
  }
}

TEST(WordsBlock, QuestionsAreAnsweredAsOfTheTexts) {
  Texts odd = {"rare",
               "RARE",
               "rarest",
               "x_rare",
               "rare_y",
               "bo\xc3\xafte",
               "\xe2\x84\xaa"
               "elvin",
               "\xe6\x97\xa5rare",
               "a\xff"
               "rare"};
  for (const Texts& words : {Texts{"rare", "RARE", "rarest", "x_rare"}, odd}) {
    Texts texts = sentences(5, 4096, words);
    std::string bytes = encoded(texts);
    WordsBlock block = block_of(bytes, texts.size());
    auto check = [&](Predicate::Op op, model::Values values) {
      TextQuery query({.op = op, .field = "f", .values = values, .children = {}});
      std::vector<uint8_t> matched;
      query.matching(block, matched);
      ASSERT_EQ(matched.size(), texts.size());
      size_t found = 0;
      for (size_t i = 0; i < texts.size(); ++i) {
        ASSERT_EQ(matched[i] != 0, query.matches(std::string_view(texts[i]))) << values[0].text() << " in " << texts[i];
        found += matched[i];
      }
      bool there = values[0].text() != "nowhere" && values[0].text() != "---";
      EXPECT_EQ(found > 0, there) << values[0].text();
    };
    for (const char* phrase : {"rare", "amber", "badger CEDAR", "fox", "dove_7 dove_7 dove_7", "i", "nowhere", "---",
                               "<", "2025 ember", "long word", "on beyond sixteen_bytes_of_course", ""}) {
      check(Predicate::Op::kPhrase, {model::Value::string(phrase)});
    }
    for (const char* piece : {"rare", "mbe", "FO", "ger-a", "ger amb", "]: ", " <and", "> amber", "nowhere", "i", "",
                              "withoutanybreaks", "beyond.sixteen", "_"}) {
      check(Predicate::Op::kContains, {model::Value::string(piece)});
    }
    check(Predicate::Op::kEquals, {model::Value::string(texts[77])});
    check(Predicate::Op::kIn, {model::Value::string(texts[78]), model::Value::string(texts[79])});
  }
  for (const char* phrase : {"kelvin", "bo\xc3\xafte", "rare", "\xe6\x97\xa5"}) {
    Texts texts = sentences(6, 4096, odd);
    std::string bytes = encoded(texts);
    WordsBlock block = block_of(bytes, texts.size());
    TextQuery query(
        {.op = Predicate::Op::kPhrase, .field = "f", .values = {model::Value::string(phrase)}, .children = {}});
    std::vector<uint8_t> matched;
    query.matching(block, matched);
    for (size_t i = 0; i < texts.size(); ++i) ASSERT_EQ(matched[i] != 0, query.matches(std::string_view(texts[i])));
    EXPECT_GT(std::count(matched.begin(), matched.end(), 1), 0) << phrase;
  }
}

TEST(WordsBlock, DamageIsAnErrorOrOtherTexts) {
  Texts texts = sentences(9, kWordsTextsMin, {"na\xc3\xafve"});
  std::string bytes = encoded(texts);
  size_t refused = 0;
  for (size_t at = 0; at < bytes.size(); at += 7) {
    for (unsigned flip : {1u, 0x80u, 0xffu}) {
      std::string damaged = bytes;
      damaged[at] = static_cast<char>(static_cast<unsigned char>(damaged[at]) ^ flip);
      base::Reader in(damaged);
      auto block = WordsBlock::read(in, texts.size());
      if (!block.ok()) {
        ++refused;
        continue;
      }
      std::string kept;
      std::vector<std::string_view> back;
      bool printed = block->all_texts({}, kept, back).ok();
      EXPECT_EQ(back.size(), printed ? texts.size() : 0);
    }
  }
  EXPECT_GT(refused, 100u);
  for (size_t cut : {size_t{0}, size_t{1}, bytes.size() / 2, bytes.size() - 1}) {
    base::Reader in(std::string_view(bytes).substr(0, cut));
    EXPECT_FALSE(WordsBlock::read(in, texts.size()).ok()) << cut;
  }
}

}  // namespace
}  // namespace clew::columnar
