// Metrics of spans: what is counted, and that it is counted once.
#include "derive/deriver.h"

#include <gmock/gmock.h>

#include "derive/test_world.h"

namespace clew::derive {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Key;
using testing::TestSpan;
using testing::World;

class DeriverTest : public ::testing::Test {
 protected:
  void SetUp() override { world_.start(); }
  // `count` spans of a service with ids of their own.
  void add_spans(const std::string& service, int count) {
    std::vector<TestSpan> spans;
    for (int i = 0; i < count; ++i) {
      spans.push_back({.trace = "t" + std::to_string(next_), .id = "s" + std::to_string(next_), .service = service});
      ++next_;
    }
    world_.add(spans);
  }
  double calls() { return world_.only("sum(traces_spanmetrics_calls_total)"); }

  World world_;
  int next_ = 0;
};

TEST_F(DeriverTest, SpansAreCountedByServiceNameKindAndStatus) {
  world_.add({{.id = "a", .service = "cart", .seconds = 0.003},
              {.id = "b", .service = "cart", .seconds = 0.3},
              {.id = "c", .service = "cart", .status = "error", .seconds = 0.1},
              {.id = "d", .service = "pay", .name = "charge", .kind = "internal", .status = "ok"}});
  world_.tick();
  auto calls = world_.ask("traces_spanmetrics_calls_total");
  EXPECT_EQ(calls[R"(traces_spanmetrics_calls_total{service="cart", span_kind="SPAN_KIND_SERVER", )"
                  R"(span_name="GET /", status_code="STATUS_CODE_UNSET"})"],
            2);
  EXPECT_EQ(calls[R"(traces_spanmetrics_calls_total{service="cart", span_kind="SPAN_KIND_SERVER", )"
                  R"(span_name="GET /", status_code="STATUS_CODE_ERROR"})"],
            1);
  EXPECT_EQ(calls.size(), 3u);
  EXPECT_EQ(
      world_.only(R"(traces_spanmetrics_latency_bucket{service="cart",status_code="STATUS_CODE_UNSET",le="0.004"})"),
      1);
  EXPECT_EQ(
      world_.only(R"(traces_spanmetrics_latency_bucket{service="cart",status_code="STATUS_CODE_UNSET",le="+Inf"})"), 2);
  EXPECT_NEAR(world_.only(R"(traces_spanmetrics_latency_sum{service="cart",status_code="STATUS_CODE_UNSET"})"), 0.303,
              1e-9);
  EXPECT_EQ(world_.only(R"(traces_spanmetrics_latency_count{service="pay"})"), 1);
}

TEST_F(DeriverTest, TheFirstSpansOfASeriesAreAnIncrease) {
  add_spans("cart", 30);
  world_.tick();
  world_.tick();
  EXPECT_NEAR(world_.only("increase(traces_spanmetrics_calls_total[1m])"), 30, 1e-6);
}

TEST_F(DeriverTest, ASpanThatComesAgainIsCountedOnce) {
  TestSpan span{.id = "a", .service = "cart"};
  world_.add({span, span});
  world_.tick();
  world_.add({span});
  world_.tick();
  EXPECT_EQ(calls(), 1);
  world_.stop();
  world_.start();
  world_.add({span});
  world_.tick();
  EXPECT_EQ(calls(), 1) << "also after a restart";
}

TEST_F(DeriverTest, LinesAreNoSpans) {
  world_.log({{{"trace_id", "t"}, {"span_id", "s"}, {"message", "hello"}, {"name", "logger"}}});
  world_.tick();
  EXPECT_THAT(world_.ask("traces_spanmetrics_calls_total"), IsEmpty());
}

TEST_F(DeriverTest, GoalsAreCountedByOutcome) {
  auto goal = [](std::string event, std::string id, std::string outcome) {
    return testing::Fields{{"event", std::move(event)}, {"trace_id", "t"},       {"span_id", std::move(id)},
                           {"name", "charge card"},     {"service.name", "pay"}, {"outcome", std::move(outcome)},
                           {"duration_ms", "312.5"}};
  };
  world_.log({goal("goal.start", "g1", "x"), goal("goal.end", "g1", "failed"), goal("goal.end", "g2", "ok"),
              goal("goal.end", "g3", "ok")});
  world_.tick();
  EXPECT_EQ(world_.only(R"(clew_goals_total{goal="charge card",service="pay",outcome="ok"})"), 2);
  EXPECT_EQ(world_.only(R"(clew_goals_total{goal="charge card",service="pay",outcome="failed"})"), 1);
  EXPECT_EQ(world_.only(R"(clew_goal_duration_seconds_bucket{outcome="failed",le="0.512"})"), 1);
}

TEST_F(DeriverTest, ExemplarsNameTheSlowestTraceOfAnInterval) {
  world_.add({{.trace = "fast", .id = "a", .service = "cart", .seconds = 0.2},
              {.trace = "slow", .id = "b", .service = "cart", .seconds = 0.25}});
  world_.tick();
  contract::MetricScan scan;
  scan.from_millis = INT64_MIN;
  scan.to_millis = INT64_MAX;
  scan.matchers = {{contract::MatchOp::kEqual, "__name__", "traces_spanmetrics_latency_bucket"}};
  auto found = world_.metrics->exemplars(scan);
  ASSERT_TRUE(found.ok());
  ASSERT_EQ(found->size(), 1u);
  EXPECT_EQ((*found)[0].labels.get("le"), "0.256");
  ASSERT_EQ((*found)[0].exemplars.size(), 1u);
  EXPECT_EQ((*found)[0].exemplars[0].labels.get("trace_id"), "slow");
  EXPECT_EQ((*found)[0].exemplars[0].labels.get("span_id"), "b");
}

TEST_F(DeriverTest, ARestartGoesOnWhereItWas) {
  add_spans("cart", 10);
  world_.tick();
  add_spans("cart", 5);
  world_.stop();  // these 5 were neither kept nor written
  world_.start();
  add_spans("cart", 1);
  world_.tick();
  world_.tick();
  EXPECT_EQ(calls(), 16);
  EXPECT_NEAR(world_.only("increase(traces_spanmetrics_calls_total[5m])"), 16, 1e-6) << "no false reset";
}

TEST_F(DeriverTest, ACrashAtAnyMomentCountsEverySpanOnce) {
  // Every operation of a writing is one moment.
  for (uint64_t moment = 1; moment < 60; ++moment) {
    World world;
    world.start();
    auto add = [&world, next = 0](int count) mutable {
      std::vector<TestSpan> spans;
      for (int i = 0; i < count; ++i, ++next)
        spans.push_back({.trace = "t" + std::to_string(next), .id = "s" + std::to_string(next), .service = "cart"});
      world.add(spans);
    };
    add(7);
    world.tick();
    add(5);
    world.logs.disk.cut_power_at(moment);
    world.tick();
    bool over = !world.logs.disk.power_is_out();
    world.deriver.reset();
    world.metrics.reset();
    world.logs.store.reset();
    world.logs.disk.crash();
    world.start();
    world.tick();
    world.tick();
    EXPECT_EQ(world.only("sum(traces_spanmetrics_calls_total)"), 12) << "moment " << moment;
    EXPECT_NEAR(world.only("sum(increase(traces_spanmetrics_calls_total[5m]))"), 12, 1e-6) << "moment " << moment;
    if (over) return;
  }
  ADD_FAILURE() << "a writing has fewer operations";
}

TEST_F(DeriverTest, ACrashBeforeTheFirstIntervalLosesNothing) {
  add_spans("cart", 9);
  world_.logs.disk.kill_process();
  world_.stop();
  world_.start();
  world_.tick();
  EXPECT_EQ(calls(), 9);
}

TEST_F(DeriverTest, AStateThatIsDamagedIsSetAside) {
  add_spans("cart", 3);
  world_.tick();
  world_.stop();
  world_.logs.disk.flip("/derived/state.json", 40, 1);
  world_.start();
  EXPECT_THAT(world_.deriver->warning(), HasSubstr("set aside"));
  EXPECT_THAT(world_.logs.disk.files(), Contains("/derived/state.json.damaged"));
  add_spans("cart", 2);
  world_.tick();
  EXPECT_EQ(calls(), 2);
}

TEST_F(DeriverTest, BeyondTheLimitOfSeriesAllIsCountedUnderOverflow) {
  world_.stop();
  world_.options.series_max = 40;  // two rows of spans
  world_.options.requests = world_.options.service_graph = false;
  world_.start();
  for (const char* service : {"a", "b", "c", "d"}) add_spans(service, 2);
  world_.tick();
  EXPECT_EQ(world_.only(R"(traces_spanmetrics_calls_total{overflow="true"})"), 4);
  EXPECT_EQ(calls(), 8) << "the sum is right";
  EXPECT_GT(world_.logs.registry->sum("clew_derived_series_refused_total"), 0u);
}

TEST_F(DeriverTest, ASeriesEndsWhenNothingComes) {
  world_.stop();
  world_.options.idle_millis = 60'000;
  world_.start();
  add_spans("cart", 1);
  for (int i = 0; i < 3; ++i) world_.tick();
  EXPECT_EQ(calls(), 1);
  for (int i = 0; i < 4; ++i) world_.tick();
  EXPECT_THAT(world_.ask("traces_spanmetrics_calls_total"), IsEmpty());
  add_spans("cart", 4);
  world_.tick();
  world_.tick();
  EXPECT_EQ(calls(), 4);
  EXPECT_NEAR(world_.only("increase(traces_spanmetrics_calls_total[1m])"), 4, 1e-6);
}

TEST_F(DeriverTest, NativeHistogramsHaveQuantilesWithinABucket) {
  world_.stop();
  world_.options.histograms = HistogramForm::kNative;
  world_.start();
  std::vector<TestSpan> spans;
  for (int i = 1; i <= 100; ++i)
    spans.push_back({.id = "s" + std::to_string(i), .service = "cart", .seconds = 0.01 * i});
  world_.add(spans);
  world_.tick();
  world_.stop();
  world_.start();  // also over a restart
  spans.resize(1);
  spans[0].id = "none";
  spans[0].seconds = 0;
  world_.add(spans);
  world_.tick();
  EXPECT_EQ(world_.only("histogram_count(traces_spanmetrics_latency)"), 101);
  EXPECT_NEAR(world_.only("histogram_sum(traces_spanmetrics_latency)"), 50.5, 1e-6);
  EXPECT_NEAR(world_.only("histogram_quantile(0.9, traces_spanmetrics_latency)"), 0.9, 0.9 * 0.09);
  EXPECT_NEAR(world_.only("histogram_quantile(0.5, increase(traces_spanmetrics_latency[1m]))"), 0.5, 0.5 * 0.09);
  EXPECT_THAT(world_.ask("traces_spanmetrics_latency_bucket"), IsEmpty());
}

TEST_F(DeriverTest, DimensionsBecomeLabels) {
  world_.stop();
  world_.options.dimensions = {"http.request.method", "service"};
  world_.start();
  world_.add({{.id = "a", .service = "cart", .fields = {{"http.request.method", "GET"}, {"service", "other"}}}});
  world_.tick();
  auto found = world_.ask("traces_spanmetrics_calls_total");
  ASSERT_EQ(found.size(), 1u);
  EXPECT_THAT(found.begin()->first, HasSubstr(R"(field_service="other")"));
  EXPECT_THAT(found.begin()->first, HasSubstr(R"(http_request_method="GET")"));
  EXPECT_THAT(found.begin()->first, HasSubstr(R"( service="cart")"));
}

}  // namespace
}  // namespace clew::derive
