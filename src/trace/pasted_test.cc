#include "trace/pasted.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace clew::trace {
namespace {

using ::testing::Contains;
using ::testing::Not;

constexpr int64_t kSecond = 1'000'000'000;
constexpr int64_t kDay = 86'400 * kSecond;

TEST(Pasted, LinesOfATree) {
  Pasted line = read_pasted("         \u2502  \u2514 06:43:51.266 warning article without a price");
  EXPECT_THAT(line.phrases, Contains("article without a price"));
  ASSERT_TRUE(line.clock.has_value());
  EXPECT_EQ(*line.clock, (6 * 3600 + 43 * 60 + 51) * kSecond + 266'000'000);
  EXPECT_EQ(line.distance(20'000 * kDay + *line.clock + 5), 5);
  EXPECT_EQ(line.distance(20'000 * kDay + *line.clock - 5), 5);
  // Without a fraction a whole second is meant; midnight lies between two days.
  EXPECT_EQ(read_pasted("23:59:58 x").distance(20'000 * kDay - kSecond - 1), 0);
  EXPECT_EQ(read_pasted("23:59:58 x").distance(20'000 * kDay), kSecond + 1);
  EXPECT_EQ(read_pasted("00:00:01 x").distance(-kSecond), 2 * kSecond);
  EXPECT_EQ(read_pasted("2026-11-21 12:00:00 x").distance(1'795'262'400'999'999'999), 0);
  EXPECT_EQ(read_pasted("2026-11-21 12:00:00 x").distance(1'795'262'401'000'000'000), 1);
  EXPECT_EQ(read_pasted("2026-11-21 12:00:00 x").distance(1'795'262'399'999'999'999), 1);
}

TEST(Pasted, LinesOfAFile) {
  Pasted line = read_pasted("2026-11-21 12:00:00,100 WARN gateway is slow try=2");
  EXPECT_THAT(line.phrases, Contains("gateway is slow"));
  EXPECT_EQ(line.time, 1'795'262'400'100'000'000);
  EXPECT_THAT(read_pasted("10:37:05,485 - INFO - Processing order").phrases, Contains("Processing order"));
  EXPECT_THAT(read_pasted("Apr 20 13:51:02 web1 sshd[3806]: Failed password for root").phrases,
              Contains("Failed password for root"));
  EXPECT_THAT(read_pasted(R"({"level":"error","message":"no stock"})").phrases, Contains("no stock"));
}

TEST(Pasted, WhatIsNoClock) {
  for (const char* text :
       {"06:43 x", "06:43:5 x", "06:43:511 x", "6:43:51 x", "06:43:51Z", "", ":", "\xe2\x94", "\xe2"}) {
    EXPECT_FALSE(read_pasted(text).clock.has_value()) << text;
  }
}

}  // namespace
}  // namespace clew::trace
