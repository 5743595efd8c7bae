#include "wire/delta_sums.h"

#include <gtest/gtest.h>

#include <cmath>

namespace clew::wire {
namespace {

double added(DeltaSums& sums, std::string_view series, DeltaInterval interval, double value,
             DeltaOutcome expected = DeltaOutcome::kAdded) {
  EXPECT_EQ(sums.add(series, interval, {&value, 1}).outcome, expected);
  return value;
}

TEST(DeltaSums, AddUp) {
  DeltaSums sums;
  EXPECT_EQ(added(sums, "a", {10, 20}, 5, DeltaOutcome::kBegun), 5);
  EXPECT_EQ(added(sums, "a", {20, 30}, 2), 7);
  EXPECT_EQ(added(sums, "b", {20, 30}, 1, DeltaOutcome::kBegun), 1);
  EXPECT_EQ(added(sums, "a", {20, 30}, 2, DeltaOutcome::kRepeated), 7) << "sent again";
  EXPECT_EQ(added(sums, "a", {10, 20}, 5, DeltaOutcome::kOld), 5) << "nothing is done";
  EXPECT_EQ(added(sums, "a", {40, 50}, 3), 10) << "a gap";
  double value = 1;
  EXPECT_EQ(sums.add("a", {50, 60}, {&value, 1}).start, 10u) << "since the first";
}

TEST(DeltaSums, TheFirstIsToldAgainWhenItIsSentAgain) {
  DeltaSums sums;
  double value = 5;
  EXPECT_TRUE(sums.add("a", {10, 20}, {&value, 1}).first);
  value = 5;
  DeltaAdded again = sums.add("a", {10, 20}, {&value, 1});
  EXPECT_EQ(again.outcome, DeltaOutcome::kRepeated);
  EXPECT_TRUE(again.first) << "the store may not have taken it";
  EXPECT_FALSE(sums.add("a", {20, 30}, {&value, 1}).first);
  EXPECT_FALSE(sums.add("a", {20, 30}, {&value, 1}).first);
}

TEST(DeltaSums, TheOldestMakesRoom) {
  DeltaSums sums({.series_max = 2});
  added(sums, "a", {10, 20}, 1, DeltaOutcome::kBegun);
  added(sums, "b", {10, 20}, 1, DeltaOutcome::kBegun);
  added(sums, "a", {20, 30}, 1);
  added(sums, "c", {10, 20}, 1, DeltaOutcome::kBegun);
  EXPECT_EQ(sums.series_count(), 2u);
  EXPECT_EQ(sums.forgotten_count(), 1u);
  EXPECT_EQ(added(sums, "a", {30, 40}, 1), 3) << "was heard of later than b";
  EXPECT_EQ(added(sums, "b", {30, 40}, 1, DeltaOutcome::kBegun), 1) << "begins anew";
}

TEST(DeltaSums, BytesAreBounded) {
  DeltaSums sums({.bytes_max = 10'000});
  for (int i = 0; i < 1000; ++i) {
    std::vector<double> values(10, 1.0);
    sums.add("series " + std::to_string(i), {1, 2}, values);
  }
  EXPECT_LT(sums.series_count(), 40u);
  EXPECT_GT(sums.series_count(), 10u);
}

TEST(ExponentialHistogram, OfScalesThatDiffer) {
  ExponentialHistogram fine{.scale = 2, .count = 4, .sum = 8, .positive = {.offset = 3, .counts = {1, 1, 1, 1}}};
  ExponentialHistogram coarse{.scale = 1, .count = 2, .sum = 3, .positive = {.offset = 0, .counts = {2}}};
  fine.add(coarse, 160);
  EXPECT_EQ(fine.scale, 1);
  EXPECT_EQ(fine.count, 6);
  EXPECT_EQ(fine.sum, 11);
  EXPECT_EQ(fine.positive.offset, 0);
  EXPECT_EQ(fine.positive.counts, (std::vector<double>{2, 1, 2, 1}));  // 3 | 4 5 | 6 of scale 2 are 1 | 2 | 3
}

// Each value lies in its bucket, whatever the scale.
TEST(ExponentialHistogram, ValuesLieInTheirBuckets) {
  for (int32_t scale = kExponentialScaleMin; scale <= kExponentialScaleMax; ++scale) {
    double factor = std::exp2(std::exp2(-scale));
    for (double value : {1.0, 1.0000001, 0.99999, 2.0, 3.0, 4.0, 1e-3, 1e10, 7.25, 1.0 / 1024}) {
      ExponentialHistogram h{.scale = scale};
      h.observe(value, 1, 160);
      ASSERT_EQ(h.positive.counts.size(), 1u);
      double above = std::pow(factor, h.positive.offset);
      EXPECT_GT(value * (1 + 1e-12), above) << value << " of scale " << scale;
      EXPECT_LE(value * (1 - 1e-12), above * factor) << value << " of scale " << scale;
    }
  }
  ExponentialHistogram exact{.scale = 3};
  exact.observe(2, 1, 160);
  EXPECT_EQ(exact.positive.offset, 7) << "a bound belongs to the bucket below it";
}

TEST(ExponentialHistogram, IsCoarsenedWhenItGrowsWide) {
  ExponentialHistogram h{.scale = 5};
  for (double value = 1e-6; value < 1e9; value *= 1.01) h.observe(value, 1, 160);
  EXPECT_LE(h.positive.counts.size(), 160u);
  EXPECT_EQ(h.scale, 1);  // 50 doublings in 160 buckets: 2 to each would be 100, 4 would be 200
  double counted = 0;
  for (double c : h.positive.counts) counted += c;
  EXPECT_EQ(counted, h.count);
  h.observe(-4, 2, 160);
  h.observe(0, 3, 160);
  EXPECT_EQ(h.zero_count, 3);
  EXPECT_EQ(h.negative.counts, std::vector<double>{2});
}

TEST(ExponentialHistogram, BecomesNative) {
  ExponentialHistogram h{.scale = 0, .zero_count = 1, .count = 7, .sum = 30, .positive = {-1, {1, 2, 0, 0, 0, 3}}};
  model::HistogramPtr native = h.native();
  EXPECT_EQ(native->schema, 0);
  EXPECT_TRUE(native->whole);
  EXPECT_EQ(native->positive_spans, (std::vector<model::BucketSpan>{{0, 2}, {3, 1}}));
  EXPECT_EQ(native->positive_buckets, (std::vector<double>{1, 2, 3}));
  ExponentialHistogram fine{.scale = 10, .count = 2, .positive = {0, {1, 1}}};
  EXPECT_EQ(fine.native()->schema, 8);
  EXPECT_EQ(fine.native()->positive_buckets, std::vector<double>{2});
}

TEST(ExponentialHistogram, HostileOnesAreRefused) {
  EXPECT_FALSE((ExponentialHistogram{.scale = -5}).check().ok());
  EXPECT_FALSE((ExponentialHistogram{.scale = 21}).check().ok());
  EXPECT_FALSE((ExponentialHistogram{.scale = 0, .positive = {1 << 30, {1}}}).check().ok());
  EXPECT_TRUE((ExponentialHistogram{.scale = 20, .positive = {-(1 << 30), {1}}}).check().ok());
  EXPECT_TRUE((ExponentialHistogram{.scale = 8, .negative = {1023 * 256, {1}}}).check().ok());
}

}  // namespace
}  // namespace clew::wire
