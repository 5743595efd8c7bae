#include "text/matcher.h"

#include <gtest/gtest.h>

#include "text/grok.h"

namespace clew::text {
namespace {

// The groups of the first match, "-" where one took no part; "no" without a match, "costly" beyond the steps.
std::string found(std::string_view pattern, std::string_view text) {
  Result<std::unique_ptr<const Matcher>> matcher = Matcher::compile(pattern);
  if (!matcher.ok()) return "error: " + matcher.error().message();
  Matcher::Work work;
  Matcher::Found result = (*matcher)->search(text, work);
  if (result == Matcher::Found::kTooCostly) return "costly";
  if (result == Matcher::Found::kNo) return "no";
  std::string out;
  for (size_t i = 0; i < (*matcher)->group_names().size(); ++i) {
    std::string_view group = (*matcher)->group(text, work, i);
    if (i > 0) out += '|';
    out += group.data() == nullptr ? "-" : std::string(group);
  }
  return out;
}

TEST(Matcher, FindsWhatPerlFinds) {
  EXPECT_EQ(found("(a+)(b*)", "xaab"), "aab|aa|b");
  EXPECT_EQ(found("(a|ab)(c|bcd)(d*)", "abcd"), "abcd|a|bcd|");
  EXPECT_EQ(found("(a+?)(a*)", "aaa"), "aaa|a|aa");
  EXPECT_EQ(found("^(.*?),(.*)$", "a,b,c"), "a,b,c|a|b,c");
  EXPECT_EQ(found("(?:(x)|(y))+", "xy"), "xy|x|y");
  EXPECT_EQ(found("(\\d{2,3})-(\\d{1,})", "1234-5"), "234-5|234|5");
  EXPECT_EQ(found("\\bcat\\b", "a cat."), "cat");
  EXPECT_EQ(found("\\bcat\\b", "concat"), "no");
  EXPECT_EQ(found("(?i)ERROR: (\\S+)", "error: Disk"), "error: Disk|Disk");
  EXPECT_EQ(found("[[:alpha:]_]+[^,]", "ab1,"), "ab1");
  EXPECT_EQ(found("a.c", "a\nc"), "no");
  EXPECT_EQ(found("(?s)a.c", "a\nc"), "a\nc");
  EXPECT_EQ(found("(?m)^b$", "a\nb\nc"), "b");
  EXPECT_EQ(found("(a*)*b", "aab"), "aab|");
  EXPECT_EQ(found("x{0}y", "xy"), "y");
  EXPECT_EQ(found("a{,2}b", "aaab"), "aab");
  EXPECT_EQ(found("a{x}", "a{x}"), "a{x}");
}

TEST(Matcher, TakesCharactersBeyondAsciiWhole) {
  EXPECT_EQ(found("(.)(.)", "\xC3\xA9x"), "\xC3\xA9x|\xC3\xA9|x");
  EXPECT_EQ(found("(.*)(.)$", "a\xC3\xA9"), "a\xC3\xA9|a|\xC3\xA9");
  EXPECT_EQ(found("([^,]{2}),", "\xC3\xA9\xC3\xA8,"), "\xC3\xA9\xC3\xA8,|\xC3\xA9\xC3\xA8");
  EXPECT_EQ(found("(\\S+) ", "\xC3\xA9t\xC3\xA9 x"), "\xC3\xA9t\xC3\xA9 |\xC3\xA9t\xC3\xA9");
  EXPECT_EQ(found("\xC3\xA9+", "x\xC3\xA9\xC3\xA9"), "\xC3\xA9\xC3\xA9");
}

TEST(Matcher, KnowsWhatGrokPatternsAreWrittenWith) {
  EXPECT_EQ(found("(?<![0-9])[0-9]{2}(?![0-9])", "123 45 6"), "45");
  EXPECT_EQ(found("(?<=id=)\\w+", "id=abc"), "abc");
  EXPECT_EQ(found("(?>a+)ab", "aaab"), "no");
  EXPECT_EQ(found("a++b", "aaab"), "aaab");
  EXPECT_EQ(found("(?>(a)|(b))c", "bc"), "bc|-|b");
  EXPECT_EQ(found("(?<year>\\d+)(?#the year)-", "2026-"), "2026-|2026");
}

TEST(Matcher, SaysWhatItCannotRead) {
  EXPECT_EQ(found("(a", "a"), "error: the expression has a ( that is not closed");
  EXPECT_EQ(found("a)", "a"), "error: the expression has a ) that closes nothing");
  EXPECT_EQ(found("[a", "a"), "error: the expression has a [ that is not closed");
  EXPECT_EQ(found("*a", "a"), "error: the expression has a * that repeats nothing");
  EXPECT_EQ(found("(a)\\1", "aa"), "error: the expression has a backreference");
  EXPECT_EQ(found("\\pL", "a"), "error: the expression has a Unicode class");
  EXPECT_EQ(found("(?<=a+)b", "ab"), "error: the expression looks behind for a text whose length is not fixed");
  EXPECT_EQ(found("((a{900}){900}){900}", "a"), "error: the expression is too long");
  EXPECT_EQ(found(std::string(100, '(') + std::string(100, ')'), "a"), "error: the expression is nested too deeply");
}

TEST(Matcher, GivesUpInsteadOfTryingForEver) {
  EXPECT_EQ(found("(a|aa)+$", std::string(5000, 'a') + "b"), "costly");
  EXPECT_EQ(found("(x+x+)+y", std::string(200, 'x')), "costly");
}

TEST(Grok, KnowsHexadecimalDigitsAndClasses) {
  auto regex = [](std::string_view pattern) {
    GrokOptions options;
    Result<Grok> got = expand_grok(pattern, options);
    return got.ok() ? got->regex : got.error().message();
  };
  EXPECT_EQ(regex(R"(\h{32})"), "[0-9A-Fa-f]{32}");
  EXPECT_EQ(regex(R"([\h-]+\H)"), "[0-9A-Fa-f-]+[^0-9A-Fa-f]");
  EXPECT_EQ(regex(R"([^]%{\]x]\\h)"), R"([^]%{\]x]\\h)");
  EXPECT_EQ(regex(R"([[:alpha:]\h]\h)"), "[[:alpha:]0-9A-Fa-f][0-9A-Fa-f]");
}

TEST(Grok, EveryPartIsAnExpression) {
  for (std::string_view part : grok_part_names()) {
    Result<Grok> grok = expand_grok("%{" + std::string(part) + "}");
    ASSERT_TRUE(grok.ok()) << part;
    Result<std::unique_ptr<const Matcher>> matcher = Matcher::compile(grok->regex);
    EXPECT_TRUE(matcher.ok()) << part << ": " << (matcher.ok() ? "" : matcher.error().message());
  }
}

}  // namespace
}  // namespace clew::text
