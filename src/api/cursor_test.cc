#include "api/cursor.h"

#include <gtest/gtest.h>

namespace clew::api {
namespace {

Cursor example() {
  Cursor cursor;
  cursor.question = 0x1234567890abcdefull;
  cursor.columns = 7;
  cursor.range = {INT64_MIN, 1'763'719'200'000'000'000};
  cursor.page.now_nanos = 1'763'719'200'123'456'789;
  cursor.page.up_to = 42;
  cursor.page.after = query::Place{-5, UINT64_MAX};
  cursor.page.rows_before = 1'000'000;
  return cursor;
}

TEST(Cursor, ComesBackAsItWas) {
  for (bool placed : {true, false}) {
    Cursor cursor = example();
    if (!placed) cursor.page.after.reset();
    Result<Cursor> back = Cursor::parse(cursor.text(), cursor.question);
    ASSERT_TRUE(back.ok()) << back.error().message();
    EXPECT_EQ(back->columns, cursor.columns);
    EXPECT_EQ(back->range.from, cursor.range.from);
    EXPECT_EQ(back->range.to, cursor.range.to);
    EXPECT_EQ(back->page.now_nanos, cursor.page.now_nanos);
    EXPECT_EQ(back->page.up_to, cursor.page.up_to);
    EXPECT_EQ(back->page.after, cursor.page.after);
    EXPECT_EQ(back->page.rows_before, cursor.page.rows_before);
  }
}

TEST(Cursor, StandsInAnAddressAsItIs) {
  EXPECT_EQ(example().text().find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"),
            std::string::npos);
}

TEST(Cursor, EveryChangedLetterIsFound) {
  const std::string text = example().text();
  for (size_t i = 0; i < text.size(); ++i) {
    std::string wrong = text;
    wrong[i] = wrong[i] == 'A' ? 'B' : 'A';
    Result<Cursor> back = Cursor::parse(wrong, example().question);
    ASSERT_FALSE(back.ok()) << i;
    EXPECT_NE(back.error().message().find("cursor: "), std::string::npos);
  }
  for (const std::string& wrong : {text.substr(1), text + "A", std::string("?"), std::string(text.size(), '=')}) {
    EXPECT_FALSE(Cursor::parse(wrong, example().question).ok());
  }
}

TEST(Cursor, OfAnotherQuestionSaysSo) {
  Result<Cursor> back = Cursor::parse(example().text(), 1);
  ASSERT_FALSE(back.ok());
  EXPECT_NE(back.error().message().find("another question"), std::string::npos);
}

}  // namespace
}  // namespace clew::api
