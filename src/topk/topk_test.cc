// Questions in words, and their answers against exact ones.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "logstore/test_store.h"
#include "topk/of_metric.h"
#include "topk/stored.h"

namespace clew::topk {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

Question parsed(std::string_view text) {
  Result<Question> question = parse_question(text);
  EXPECT_TRUE(question.ok()) << text << ": " << (question.ok() ? "" : question.error().message());
  return question.ok() ? *question : Question();
}

std::string refusal(std::string_view text) {
  Result<Question> question = parse_question(text);
  EXPECT_FALSE(question.ok()) << text;
  return question.ok() ? "" : question.error().message();
}

TEST(Question, WordsSayWhatIsAskedFor) {
  Question q = parsed("10 by endpoint last 5m");
  EXPECT_EQ(q.rows, 10u);
  EXPECT_THAT(q.by, ElementsAre("endpoint"));
  EXPECT_EQ(q.last_nanos, 300'000'000'000);
  EXPECT_EQ(q.weight_text(), "count()");
  q = parsed("by service.name, `last` ,status in web, api where status >= 500 and message like '% last %' last 1h30m");
  EXPECT_THAT(q.by, ElementsAre("service.name", "last", "status"));
  EXPECT_THAT(q.datasets, ElementsAre("web", "api"));
  EXPECT_EQ(q.where, "status >= 500 and message like '% last %'");
  EXPECT_EQ(q.last_nanos, 5'400'000'000'000);
  q = parsed("3 sum(http.response.body.bytes) by url.path,host.name");
  EXPECT_EQ(q.weight, "http.response.body.bytes");
  EXPECT_THAT(q.by, ElementsAre("url.path", "host.name"));
  EXPECT_EQ(q.last_nanos, 0);
  q = parsed("5 by handler of http_requests_total{job=\"a\", code=~\"5..\"} last 1d");
  EXPECT_EQ(q.metric, "http_requests_total{job=\"a\", code=~\"5..\"}");
  q = parsed("by level where service.name = 'last'");
  EXPECT_EQ(q.where, "service.name = 'last'");
}

TEST(Question, WhatIsWrongIsNamed) {
  EXPECT_THAT(refusal(""), HasSubstr("lacks `by FIELD`"));
  EXPECT_THAT(refusal("10 endpoint"), HasSubstr("not by \"endpoint\""));
  EXPECT_THAT(refusal("0 by a"), HasSubstr("rows: 1 to 10000"));
  EXPECT_THAT(refusal("99999999999999999999 by a"), HasSubstr("how many"));
  EXPECT_THAT(refusal("avg(ms) by a"), HasSubstr("count or sum(FIELD)"));
  EXPECT_THAT(refusal("by a last soon"), HasSubstr("last takes a duration"));
  EXPECT_THAT(refusal("by a last 0s"), HasSubstr("last takes a duration"));
  EXPECT_THAT(refusal("by a last"), HasSubstr("last takes a duration"));
  EXPECT_THAT(refusal("by a b"), HasSubstr("\"b\""));
  EXPECT_THAT(refusal("by a,"), HasSubstr("by takes a name"));
  EXPECT_THAT(refusal("by a where"), HasSubstr("where takes a condition"));
  EXPECT_THAT(refusal("by a of m where x = 1"), HasSubstr("braces"));
  EXPECT_THAT(refusal("by " + std::string(kQuestionBytesMax, 'a')), HasSubstr("16 KiB"));
}

TEST(Question, KeysOfSeveralFieldsComeApartAgain) {
  for (const std::vector<std::string>& parts :
       {std::vector<std::string>{"a"}, {"a", "b"}, {"", "b"}, {"a", ""}, {"", "", ""}}) {
    EXPECT_EQ(key_parts(join_key(parts)), parts);
  }
}

class StoredTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(test_.open().ok());
    test_.clock.set(UnixNanos(logstore::testing::kStart + 3'600'000'000'000));
    engine_ = query::Engine::make(*test_.store, test_.clock, {.workers = 2});
  }
  Result<StoredAnswer> ask(std::string_view text, contract::TimeRange range = {}, size_t keys_max = kKeysMax) {
    StoredQuestion asked;
    asked.question = parsed(text);
    asked.range = range;
    asked.keys_max = keys_max;
    return ask_stored({*engine_, *test_.store, test_.clock}, asked);
  }
  TopAnswer answer(std::string_view text, contract::TimeRange range = {}, size_t keys_max = kKeysMax) {
    Result<StoredAnswer> made = ask(text, range, keys_max);
    EXPECT_TRUE(made.ok()) << (made.ok() ? "" : made.error().message());
    if (!made.ok() || !std::holds_alternative<TopAnswer>(*made)) {
      ADD_FAILURE() << text;
      return {};
    }
    return std::get<TopAnswer>(*made);
  }

  logstore::testing::TestStore test_;
  std::unique_ptr<query::Engine> engine_;
};

TEST_F(StoredTest, CountsByFieldAreExactWhileTheyFit) {
  ASSERT_TRUE(test_.write_events(0, 500).ok());
  ASSERT_TRUE(test_.store->flush_now().ok());
  ASSERT_TRUE(test_.write_events(500, 500).ok());
  TopAnswer found = answer("2 by level");
  ASSERT_EQ(found.rows.size(), 2u);
  EXPECT_THAT(found.rows[0].values, ElementsAre("info"));
  EXPECT_EQ(found.rows[0].sum, 900);
  EXPECT_EQ(found.rows[1].sum, 100);
  EXPECT_TRUE(found.is_exact());
  EXPECT_EQ(found.total, 1000);
  found = answer("10 by service.name, level where level='error'");
  ASSERT_EQ(found.rows.size(), 3u);
  EXPECT_EQ(found.rows[0].values.size(), 2u);
  EXPECT_EQ(found.events, 100u);
}

TEST_F(StoredTest, SumsTakeNumbersAndTellWhoLacksThem) {
  ASSERT_TRUE(test_.write_events(0, 30).ok());  // amount: of every fifth
  TopAnswer found = answer("10 sum(amount) by service.name");
  std::map<std::string, double> exact;
  const char* const kServices[] = {"cart", "pay", "web"};
  for (int n = 0; n < 30; n += 5) exact[kServices[n % 3]] += n + 0.25;
  ASSERT_EQ(found.rows.size(), 3u);
  for (const TopRow& row : found.rows) EXPECT_NEAR(row.sum, exact[row.values[0]], 1e-9) << row.values[0];
  EXPECT_EQ(found.events, 6u);
  EXPECT_EQ(found.without, 24u);
}

TEST_F(StoredTest, OnlyTheTimeThatIsAskedFor) {
  ASSERT_TRUE(test_.write_events(0, 100).ok());
  int64_t from = logstore::testing::default_time(40);
  TopAnswer found = answer("1 by level", {from, logstore::testing::default_time(60)});
  EXPECT_EQ(found.total, 20);
}

TEST_F(StoredTest, BeyondTheKeysTheBoundHolds) {
  ASSERT_TRUE(test_.write_events(0, 1000).ok());
  TopAnswer found = answer("10 by n", {}, 50);
  EXPECT_FALSE(found.is_exact());
  EXPECT_GE(found.bound, 1);
  for (const TopRow& row : found.rows) {
    EXPECT_LE(row.sum - row.error, 1) << "every number is there once";
    EXPECT_GE(row.sum, 1);
  }
}

TEST_F(StoredTest, AFieldThatNobodyHasIsAnEmptyAnswer) {
  ASSERT_TRUE(test_.write_events(0, 10).ok());
  TopAnswer found = answer("10 by nothing");
  EXPECT_THAT(found.rows, IsEmpty());
  EXPECT_EQ(found.without, 10u);
}

TEST_F(StoredTest, AConditionThatIsWrongSaysWhere) {
  ASSERT_TRUE(test_.write_events(0, 10).ok());
  Result<StoredAnswer> made = ask("10 by level where level >");
  ASSERT_TRUE(made.ok());
  ASSERT_TRUE(std::holds_alternative<query::Failure>(*made));
  EXPECT_EQ(std::get<query::Failure>(*made).kind, query::FailureKind::kSyntax);
}

TEST(OfMetric, CountersAreAskedForTheirIncrease) {
  auto text = [](std::string_view asked, model::MetricType type) {
    auto made = promql_of(parsed(asked), 300'000'000'000, type);
    return made.ok() ? *made : made.error().message();
  };
  EXPECT_EQ(text("3 by handler of http_requests_total", model::MetricType::kUnknown),
            "topk(3, sum by (handler) (increase(http_requests_total[300000ms])) > 0)");
  EXPECT_EQ(text("3 by mountpoint, http.route of disk_usage{host=\"a\"}", model::MetricType::kGauge),
            "topk(3, sum by (mountpoint, \"http.route\") (avg_over_time(disk_usage{host=\"a\"}[300000ms])) > 0)");
}

}  // namespace
}  // namespace clew::topk
