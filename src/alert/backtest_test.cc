#include "alert/backtest.h"

#include <gtest/gtest.h>

namespace clew::alert {
namespace {

using Values = std::vector<std::pair<int64_t, double>>;

// Steps of a minute at which the condition held.
Result<BacktestResult> run(const Rule& rule, const std::vector<int>& held, int minutes) {
  BacktestRange range{.from_millis = 0, .to_millis = minutes * 60'000, .step_millis = 60'000};
  int asked = 0;
  Result<BacktestResult> result =
      backtest(rule, range, [&](const std::string&, int64_t from, int64_t to, int64_t step) {
        ++asked;
        EXPECT_LE((to - from) / step + 1, kBacktestStepsMost);
        Values values;
        for (int minute : held) {
          if (minute * 60'000 >= from && minute * 60'000 <= to) values.emplace_back(minute * 60'000, 7.0);
        }
        std::vector<std::pair<model::Labels, Values>> series;
        if (!values.empty()) series.emplace_back(model::Labels::of({{"__name__", "x"}, {"job", "a"}}), values);
        return Result<std::vector<std::pair<model::Labels, Values>>>(series);
      });
  EXPECT_EQ(asked, (minutes + static_cast<int>(kBacktestStepsMost)) / static_cast<int>(kBacktestStepsMost));
  return result;
}

Rule rule_of(int for_minutes, int keep_minutes) {
  Rule rule;
  rule.kind = RuleKind::kAlert;
  rule.name = "A";
  rule.expr = "x > 1";
  rule.for_millis = for_minutes * 60'000;
  rule.keep_firing_millis = keep_minutes * 60'000;
  return rule;
}

TEST(Backtest, FiresAfterItsTimeAndEndsWithItsCondition) {
  BacktestResult result = *run(rule_of(2, 0), {1, 2, 3, 4, 8, 9, 20, 21, 22}, 22);
  ASSERT_EQ(result.firings.size(), 2u);
  EXPECT_EQ(result.firings[0].pending_millis, 60'000);
  EXPECT_EQ(result.firings[0].from_millis, 3 * 60'000);
  EXPECT_EQ(result.firings[0].to_millis, 5 * 60'000);
  EXPECT_FALSE(result.firings[0].open);
  EXPECT_EQ(to_text(result.firings[0].labels), R"({job="a"})");
  EXPECT_TRUE(result.firings[1].open);
  EXPECT_EQ(result.firings[1].from_millis, 22 * 60'000);
  EXPECT_EQ(result.pending_only, 1u) << "minutes 8 and 9";
  EXPECT_EQ(result.steps, 23u);
  EXPECT_EQ(result.series, 1u);
}

TEST(Backtest, KeepFiringBridgesGaps) {
  BacktestResult result = *run(rule_of(0, 3), {1, 3, 12}, 30);
  ASSERT_EQ(result.firings.size(), 2u);
  EXPECT_EQ(result.firings[0].from_millis, 60'000);
  EXPECT_EQ(result.firings[0].to_millis, 7 * 60'000) << "three minutes behind the first step without";
  EXPECT_EQ(result.firings[1].to_millis, 16 * 60'000);
}

TEST(Backtest, GoesOnOverTheEndsOfQuestions) {
  std::vector<int> held;
  for (int i = 9'998; i < 10'003; ++i) held.push_back(i);
  BacktestResult result = *run(rule_of(3, 0), held, 25'000);
  ASSERT_EQ(result.firings.size(), 1u);
  EXPECT_EQ(result.firings[0].from_millis, int64_t{10'001} * 60'000);
  EXPECT_EQ(result.firings[0].to_millis, int64_t{10'003} * 60'000);
}

}  // namespace
}  // namespace clew::alert
