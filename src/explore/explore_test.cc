#include <gtest/gtest.h>

#include "explore/field_list.h"
#include "explore/histogram.h"

namespace clew::explore {
namespace {

constexpr int64_t kSecond = 1'000'000'000;

TEST(Histogram, StepsAreRoundAndNotTooMany) {
  EXPECT_EQ(round_step(3600 * kSecond, 60), 60 * kSecond);
  EXPECT_EQ(round_step(900 * kSecond, 60), 15 * kSecond);
  EXPECT_EQ(round_step(1, 60), 1'000'000);
  EXPECT_EQ(round_step(86'400 * kSecond, 60), 1800 * kSecond);
  for (int64_t length = 1; length < INT64_MAX / 3; length *= 3) {
    for (uint32_t buckets : {1u, 60u, 1998u}) EXPECT_LE(length / round_step(length, buckets), buckets) << length;
  }
}

TEST(FieldList, AllWordsMustStandInTheName) {
  EXPECT_TRUE(has_words("geo.dest.name", "DEST geo"));
  EXPECT_FALSE(has_words("geo.src.name", "geo dest"));
  EXPECT_TRUE(has_words("anything", ""));
  EXPECT_TRUE(has_words("anything", "  "));
}

}  // namespace
}  // namespace clew::explore
