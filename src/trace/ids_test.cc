// Ids in their spellings, ids inside of pasted text, and quantiles.
#include "trace/ids.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "trace/compare.h"
#include "trace/finder.h"
#include "trace/services.h"
#include "trace/test_trace.h"

namespace clew::trace {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;

TEST(Ids, SpellingsOfAShortId) {
  std::vector<std::string> all = spellings("1e223ff1f80f1c69");
  EXPECT_EQ(all.front(), "1e223ff1f80f1c69");
  EXPECT_THAT(all, Contains("00000000000000001e223ff1f80f1c69"));
  EXPECT_EQ(decimal_of_hex("1e223ff1f80f1c69"), std::to_string(0x1e223ff1f80f1c69));
}

TEST(Ids, SpellingsOfALongId) {
  std::vector<std::string> all = spellings("66F1A2B3000000001122334455667788");
  EXPECT_THAT(all, Contains("66f1a2b3000000001122334455667788"));
  EXPECT_THAT(spellings("66f1a2b3000000001122334455667788"), Contains("66F1A2B3000000001122334455667788"));
  EXPECT_EQ(decimal_of_hex("66F1A2B3000000001122334455667788"), std::to_string(0x1122334455667788));
  EXPECT_EQ(decimal_of_hex("trace-xyz789"), "");
  EXPECT_THAT(spellings("trace-xyz789"), ElementsAre("trace-xyz789"));
}

TEST(Ids, SameTrace) {
  EXPECT_TRUE(same_trace("00000000000000001e223ff1f80f1c69", "1E223FF1F80F1C69"));
  EXPECT_TRUE(same_trace("66f1a2b3000000001122334455667788", std::to_string(0x1122334455667788)));
  EXPECT_TRUE(same_trace("", "x"));
  EXPECT_FALSE(same_trace("66f1a2b3000000001122334455667788", "66f1a2b3000000001122334455667789"));
  EXPECT_FALSE(same_trace("span-1", "span-2"));
}

TEST(Ids, InText) {
  EXPECT_THAT(ids_in_text("2026 error trace_id=abc-1 done"), ElementsAre("abc-1"));
  EXPECT_THAT(ids_in_text(R"({"message":"x","request_id":"req-7","n":1})"), ElementsAre("req-7"));
  EXPECT_THAT(ids_in_text("traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"),
              Contains("4bf92f3577b34da6a3ce929d0e0e4736"));
  EXPECT_THAT(ids_in_text("order 2f4d7c1e-6a51-4a38-8d53-b3a9de0d91c4 failed"),
              ElementsAre("2f4d7c1e-6a51-4a38-8d53-b3a9de0d91c4"));
  EXPECT_THAT(ids_in_text("no ids at all in here, my_trace_id_field too"), ElementsAre());
}

TEST(Durations, ExactWhileFewThenWithinOnePercent) {
  Durations few;
  for (int64_t v : {190, 230, 35, 125}) few.add(v);
  EXPECT_EQ(few.quantile(0.5), 125);
  EXPECT_EQ(few.quantile(0.99), 230);
  EXPECT_EQ(few.max(), 230);
  Durations many;
  std::vector<int64_t> all;
  std::mt19937_64 random(7);
  for (int i = 0; i < 50'000; ++i) {
    all.push_back(static_cast<int64_t>(1000 + random() % 10'000'000));
    many.add(all.back());
  }
  std::sort(all.begin(), all.end());
  for (double share : {0.01, 0.5, 0.95, 0.99, 0.999}) {
    double right = static_cast<double>(all[static_cast<size_t>(share * 50'000) - 1]);
    EXPECT_NEAR(static_cast<double>(many.quantile(share)), right, right * 0.011) << share;
  }
  EXPECT_EQ(many.count(), 50'000u);
  EXPECT_EQ(many.quantile(1), all.back());
}

TEST(Compare, TheGreatestChangeComesFirst) {
  testing::Builder a;
  a.span("1", "", "get", 0, 100).span("2", "1", "query", 10, 40).span("3", "1", "query", 50, 60);
  testing::Builder b;
  b.span("1", "", "get", 0, 300).span("2", "1", "query", 10, 250).span("4", "1", "render", 250, 290);
  std::vector<PathDifference> rows = compare_traces(a.assemble(), b.assemble());
  ASSERT_EQ(rows.size(), 3u);
  EXPECT_THAT(rows[0].path, ElementsAre(": get", ": query"));
  EXPECT_EQ(rows[0].before.steps, 2u);
  EXPECT_EQ(rows[0].self_change(), 200 * testing::kMilli);
  // Of equal changes the one that the first trace has too.
  EXPECT_THAT(rows[1].path, ElementsAre(": get"));
  EXPECT_EQ(rows[1].self_change(), -40 * testing::kMilli);
  EXPECT_THAT(rows[2].path, ElementsAre(": get", ": render"));
  EXPECT_EQ(rows[2].before.steps, 0u);
}

}  // namespace
}  // namespace clew::trace
