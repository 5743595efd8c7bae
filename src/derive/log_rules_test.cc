// Metrics of events by rule, and requests of access logs.
#include "derive/log_rules.h"

#include <gmock/gmock.h>

#include "derive/test_world.h"

namespace clew::derive {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::World;

class LogRulesTest : public ::testing::Test {
 protected:
  void start(LogRule rule) {
    world_.options.log_rules = {std::move(rule)};
    world_.start();
  }
  World world_;
};

TEST_F(LogRulesTest, EventsThatMeetTheConditionAreCounted) {
  start({.name = "http_errors_total", .where = "status >= 500", .labels = {{"path", "url.path"}}});
  world_.log({{{"status", "500"}, {"url.path", "/a"}},
              {{"status", "503"}, {"url.path", "/a"}},
              {{"status", "502"}},
              {{"status", "200"}, {"url.path", "/a"}},
              {{"message", "hello"}}});
  world_.tick();
  EXPECT_EQ(world_.only(R"(http_errors_total{path="/a"})"), 2);
  EXPECT_EQ(world_.only(R"(http_errors_total{path=""})"), 1);
  EXPECT_EQ(world_.ask("http_errors_total").size(), 2u);
}

TEST_F(LogRulesTest, ValuesAddUpAndWhatIsNoneIsCounted) {
  start({.name = "sent_bytes_total", .value = "bytes"});
  world_.log({{{"bytes", "10"}}, {{"bytes", "2.5"}}, {{"bytes", "many"}}, {{"message", "hello"}}});
  world_.tick();
  EXPECT_EQ(world_.only("sent_bytes_total"), 12.5);
  EXPECT_EQ(world_.logs.registry->sum("clew_derived_rule_left_out_total"), 2u);
}

TEST_F(LogRulesTest, AGaugeIsItsLastValue) {
  start({.name = "queue_length", .kind = MetricKind::kGauge, .value = "queued"});
  world_.log({{{"queued", "7"}}});
  world_.log({{{"queued", "3"}}});
  world_.tick();
  EXPECT_EQ(world_.only("queue_length"), 3);
}

TEST_F(LogRulesTest, AHistogramHasBucketsAndExemplarsOfItsEvents) {
  start({.name = "took_seconds", .kind = MetricKind::kHistogram, .value = "took", .bounds = {0.1, 1}});
  world_.log({{{"took", "0.05"}}, {{"took", "0.5"}, {"trace_id", "t9"}}, {{"took", "3"}}});
  world_.tick();
  EXPECT_EQ(world_.only(R"(took_seconds_bucket{le="0.1"})"), 1);
  EXPECT_EQ(world_.only(R"(took_seconds_bucket{le="1"})"), 2);
  EXPECT_EQ(world_.only(R"(took_seconds_bucket{le="+Inf"})"), 3);
  EXPECT_EQ(world_.only("took_seconds_sum"), 3.55);
  contract::MetricScan scan;
  scan.from_millis = INT64_MIN;
  scan.to_millis = INT64_MAX;
  auto found = world_.metrics->exemplars(scan);
  ASSERT_TRUE(found.ok());
  ASSERT_EQ(found->size(), 1u);
  EXPECT_EQ((*found)[0].labels.get("le"), "+Inf");
  EXPECT_THAT(std::string((*found)[0].exemplars[0].labels.get("event_id")), HasSubstr(":")) << "the event's _id";
}

TEST_F(LogRulesTest, SampledEventsCountForThoseThatTheyStandFor) {
  start({.name = "lines_total"});
  world_.log({{{"_weight", "10"}, {"message", "a"}}, {{"message", "b"}}});
  world_.tick();
  EXPECT_EQ(world_.only("lines_total"), 11);
}

TEST_F(LogRulesTest, OnlyItsDatasetsAreRead) {
  start({.name = "lines_total", .datasets = {"web"}});
  world_.log({{{"message", "a"}}}, "web");
  world_.log({{{"message", "a"}}}, "other");
  world_.tick();
  EXPECT_EQ(world_.only("lines_total"), 1);
}

TEST_F(LogRulesTest, AConditionThatCannotBeComputedStopsNothing) {
  start({.name = "odd_total", .where = "n * 9223372036854775807 > 0"});
  world_.log({{{"n", "3"}}});
  world_.log({{{"n", "1"}}});
  world_.tick();
  EXPECT_EQ(world_.only("odd_total"), 1);
  EXPECT_EQ(world_.logs.registry->sum("clew_derived_rule_left_out_total"), 1u);
}

TEST_F(LogRulesTest, AccessLogsAreRequests) {
  world_.start();
  world_.log({{{"http.request.method", "GET"},
               {"http.response.status_code", "200"},
               {"host.name", "h1"},
               {"duration_ms", "250"}},
              {{"http.request.method", "GET"}, {"http.response.status_code", "503"}, {"host.name", "h1"}},
              {{"http.request.method", "GET"},
               {"http.response.status_code", "404"},
               {"host.name", "h1"},
               {"service.name", "shop"}},
              {{"http.response.status_code", "500"}, {"message", "upstream said no"}}},
             "web");
  world_.tick();
  EXPECT_EQ(world_.only(R"(clew_requests_total{host="h1",service="web",source="logs"})"), 2);
  EXPECT_EQ(world_.only(R"(clew_requests_total{host="h1",service="shop",source="logs"})"), 1);
  EXPECT_EQ(world_.only(R"(clew_requests_failed_total{service="web"})"), 1);
  EXPECT_EQ(world_.only(R"(clew_request_duration_seconds_sum{service="web"})"), 0.25);
  EXPECT_EQ(world_.only(R"(clew_request_duration_seconds_count{service="web"})"), 1) << "the other did not tell";
}

TEST(LogRule, WhatIsWrongIsNamed) {
  auto refusal = [](LogRule rule) {
    Status checked = check_log_rule(rule);
    EXPECT_FALSE(checked.ok());
    return checked.ok() ? std::string() : checked.error().message();
  };
  EXPECT_TRUE(check_log_rule({.name = "a:b_total", .where = "level='error'"}).ok());
  EXPECT_THAT(refusal({.name = "a b"}), HasSubstr("no name of a metric"));
  EXPECT_THAT(refusal({.name = "clew_goals_total"}), HasSubstr("clew's own"));
  EXPECT_THAT(refusal({.name = "a", .where = "level ="}), HasSubstr("where: "));
  EXPECT_THAT(refusal({.name = "a", .kind = MetricKind::kGauge}), HasSubstr("value: "));
  EXPECT_THAT(refusal({.name = "a", .kind = MetricKind::kHistogram, .value = "x"}), HasSubstr("buckets: "));
  EXPECT_THAT(refusal({.name = "a", .kind = MetricKind::kHistogram, .value = "x", .bounds = {2, 1}}),
              HasSubstr("must rise"));
  EXPECT_THAT(refusal({.name = "a", .labels = {{"le", "x"}}}), HasSubstr("no name of a label"));
  EXPECT_THAT(refusal({.name = "a", .labels = {{"x", "x"}, {"x", "y"}}}), HasSubstr("twice"));
}

}  // namespace
}  // namespace clew::derive
