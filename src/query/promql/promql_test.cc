#include "query/promql/promql.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cmath>

#include "base/worker_pool.h"
#include "query/promql/duration.h"
#include "query/promql/histogram.h"
#include "query/promql/memory_source.h"
#include "query/promql/print.h"
#include "query/promql/test_script.h"

namespace clew::query::promql {
namespace {

std::string failure_of(std::string_view text, const ParseOptions& options = {}) {
  Result<ExprPtr> expr = parse(text, options);
  return expr.ok() ? "parsed" : expr.error().message();
}

std::string printed(std::string_view text) {
  ParseOptions options;
  options.extended_range_selectors = true;
  Result<ExprPtr> expr = parse(text, options);
  return expr.ok() ? print(**expr) : expr.error().message();
}

TEST(PromqlParse, TellsWhereAndWhat) {
  EXPECT_EQ(failure_of(""), "1:1: parse error: no expression found in input");
  EXPECT_EQ(failure_of("sum(a"), "1:6: parse error: unclosed left parenthesis");
  EXPECT_EQ(failure_of("a +\n  )"), "2:3: parse error: unexpected right parenthesis ')'");
  EXPECT_EQ(failure_of("nosuch(a)"), "1:1: parse error: unknown function with name \"nosuch\"");
  EXPECT_EQ(failure_of("rate(a)"),
            "1:6: parse error: expected type range vector in call to function \"rate\", got instant vector");
  EXPECT_EQ(failure_of("rate(a[5m], 1)"), "1:1: parse error: expected 1 argument(s) in call to \"rate\", got 2");
  EXPECT_EQ(failure_of("round()"), "1:1: parse error: expected at least 1 argument(s) in call to \"round\", got 0");
  EXPECT_EQ(failure_of("sum(a[5m])"),
            "1:5: parse error: expected type instant vector in aggregation expression, got range vector");
  EXPECT_EQ(failure_of("a[5m] + 1"),
            "1:1: parse error: binary expression must contain only scalar and instant vector types");
  EXPECT_EQ(failure_of("a{b=\"x}"), "1:5: parse error: unterminated quoted string");
  EXPECT_TRUE(failure_of("a{b=~\"(\"}").starts_with("1:6: parse error: error parsing regexp: "));
  EXPECT_EQ(failure_of("a{__name__=\"b\"}"), "1:3: parse error: metric name must not be set twice: \"a\" or \"b\"");
  EXPECT_EQ(failure_of("(a + b)[5m]"), "1:1: parse error: ranges only allowed for vector selectors");
  EXPECT_EQ(failure_of("a offset 5m offset 1m"), "1:13: parse error: offset may not be set multiple times");
  EXPECT_EQ(failure_of("a[5m] smoothed"), "1:7: parse error: smoothed modifier is experimental and not enabled");
  EXPECT_EQ(failure_of("f(a,)"), "1:1: parse error: unknown function with name \"f\"");
  EXPECT_EQ(failure_of("abs(a,)"), "1:7: parse error: trailing commas not allowed in function call args");
}

TEST(PromqlParse, OptionsSwitchOff) {
  ParseOptions options;
  options.experimental_functions = false;
  options.duration_expressions = false;
  options.fill_modifiers = false;
  EXPECT_EQ(failure_of("info(a)", options), "1:1: parse error: function \"info\" is not enabled");
  EXPECT_EQ(failure_of("a[5m + 1m]", options), "1:3: parse error: experimental duration expression is not enabled");
  EXPECT_EQ(failure_of("a + fill(0) b", options), "1:5: parse error: fill modifiers are experimental and not enabled");
  EXPECT_EQ(failure_of("a[300] offset -5m", options), "parsed");
}

TEST(PromqlParse, HasLimits) {
  std::string deep = std::string(2 * kDepthMax, '(') + "a" + std::string(2 * kDepthMax, ')');
  std::string longer = "a";
  for (uint32_t i = 0; i < 2 * kDepthMax; ++i) longer += "+a";
  for (const std::string& text : {deep, longer, std::string(kQueryBytesMax + 1, ' ')}) {
    Result<ExprPtr> expr = parse(text, {});
    ASSERT_FALSE(expr.ok());
    EXPECT_EQ(expr.error().code(), Code::kTooLarge) << expr.error().message();
  }
}

TEST(PromqlPrint, PrintsWhatItRead) {
  EXPECT_EQ(printed("SUM(rate(a{b='x',}[1h30m]))BY(c)"), "sum by (c) (rate(a{b=\"x\"}[1h30m]))");
  EXPECT_EQ(printed("-a^2+3*b"), "-a ^ 2 + 3 * b");
  EXPECT_EQ(printed("a>bool on(x)group_left b"), "a > bool on (x) group_left () b");
  EXPECT_EQ(printed("x[5m:1m] offset -1m @ 12.5"), "x[5m:1m] @ 12.500 offset -1m");
  EXPECT_EQ(printed("{\"a b\", c!~\"d\"}"), "{\"a b\", c!~\"d\"}");
  EXPECT_EQ(printed("a[min(5m, 2 * step())] anchored"), "a[min(5m, 2 * step())] anchored");
  EXPECT_EQ(printed("a + fill_left(1) fill_right(2) b"), "a + fill_left (1) fill_right (2) b");
  Result<std::string> pretty = format_query(
      "sum by (job, instance)(rate(http_requests_total{code=~\"5..\"}[5m])) / sum by (job, "
      "instance)(rate(http_requests_total[5m]))",
      {});
  ASSERT_TRUE(pretty.ok());
  EXPECT_EQ(*pretty,
            "  sum by (job, instance) (rate(http_requests_total{code=~\"5..\"}[5m]))\n"
            "/\n"
            "  sum by (job, instance) (rate(http_requests_total[5m]))");
}

TEST(PromqlDuration, ReadsAndWrites) {
  EXPECT_EQ(parse_duration("1y2w3d4h5m6s7ms"),
            31'536'000'000 + 1'209'600'000 + 259'200'000 + 14'400'000 + 300'000 + 6'000 + 7);
  EXPECT_EQ(parse_duration("5m1h"), std::nullopt);
  EXPECT_EQ(parse_duration("99999999999y"), std::nullopt);
  EXPECT_EQ(duration_text(5'400'000), "1h30m");
  EXPECT_EQ(duration_text(604'800'000), "1w");
  EXPECT_EQ(duration_text(-1), "-1ms");
}

MemorySource source_of(size_t series) {
  MemorySource source;
  for (size_t i = 0; i < series; ++i) {
    std::string line = fmt::format("n_total{{job=\"{}\",i=\"{}\"}} {}+{}x20", i % 3, i, i, 1 + i % 7);
    Result<SeriesText> text = parse_series(line);
    EXPECT_TRUE(text.ok());
    source.load(*text, 10'000);
  }
  return source;
}

TEST(PromqlRun, ThreadsAndLanesDoNotChangeTheAnswer) {
  MemorySource source = source_of(2'000);
  base::WorkerPool pool(4);
  Options alone;
  Options many;
  many.pool = &pool;
  many.alone_nanos = 0;
  for (std::string query :
       {"sum by (job) (rate(n_total[1m]))", "avg(n_total)", "stddev(n_total)", "min(n_total)", "max(n_total)",
        "count(n_total)", "topk(3, n_total)", "n_total / on (i, job) (n_total + 1)", "quantile(0.3, n_total)"}) {
    Range range{0, 200'000, 20'000};
    Result<Answer> a = run_range(source, {}, query, range, alone);
    Result<Answer> b = run_range(source, {}, query, range, many);
    ASSERT_TRUE(a.ok() && b.ok()) << query;
    ASSERT_EQ(a->series.size(), b->series.size()) << query;
    for (size_t i = 0; i < a->series.size(); ++i) {
      EXPECT_EQ(a->series[i].labels, b->series[i].labels) << query;
      EXPECT_EQ(a->series[i].samples.values, b->series[i].samples.values) << query;
    }
  }
  // Lanes add up to what one pass gives.
  Result<Answer> sum = run_instant(source, {}, "sum(n_total)", 200'000, alone);
  Result<Answer> average = run_instant(source, {}, "avg(n_total)", 200'000, alone);
  Result<Answer> spread = run_instant(source, {}, "stdvar(n_total)", 200'000, alone);
  ASSERT_TRUE(sum.ok() && average.ok() && spread.ok());
  double expected = 0;
  double squares = 0;
  for (size_t i = 0; i < 2'000; ++i) expected += static_cast<double>(i + 20 * (1 + i % 7));
  for (size_t i = 0; i < 2'000; ++i)
    squares += std::pow(static_cast<double>(i + 20 * (1 + i % 7)) - expected / 2'000, 2);
  EXPECT_EQ(sum->series[0].samples.values[0], expected);
  EXPECT_EQ(average->series[0].samples.values[0], expected / 2'000);
  EXPECT_NEAR(spread->series[0].samples.values[0], squares / 2'000, 1e-6);
}

// rate_column() and the way that histograms and starts go must agree; a start of 0 says nothing but leaves the fast
// way.
TEST(PromqlRun, FastAndPlainRatesAgree) {
  MemorySource fast;
  MemorySource plain;
  for (size_t i = 0; i < 60; ++i) {
    model::Labels labels = model::Labels::of({{"__name__", "n_total"}, {"i", std::to_string(i)}});
    double value = static_cast<double>(i % 5);
    uint64_t random = i * 2654435761u + 12345;
    for (int64_t t = 0; t < 600'000; t += 15'000) {
      random = random * 6364136223846793005u + 1442695040888963407u;
      if (random >> 60 == 0) continue;
      value = random >> 59 == 2 ? static_cast<double>(i % 3) : value + static_cast<double>((random >> 33) % 9);
      int64_t millis = t + static_cast<int64_t>((random >> 20) % 3) * static_cast<int64_t>(i % 2);
      fast.add(labels, millis, value, nullptr);
      plain.add(labels, millis, value, nullptr);
      plain.add_start(labels, millis, 0);
    }
  }
  for (std::string function : {"rate", "increase", "delta"}) {
    std::string query = function + "(n_total[1m])";
    Result<Answer> a = run_range(fast, {}, query, {0, 660'000, 7'000}, {});
    Result<Answer> b = run_range(plain, {}, query, {0, 660'000, 7'000}, {});
    ASSERT_TRUE(a.ok() && b.ok());
    ASSERT_EQ(a->series.size(), b->series.size());
    for (size_t i = 0; i < a->series.size(); ++i) {
      ASSERT_EQ(a->series[i].samples.millis, b->series[i].samples.millis);
      ASSERT_EQ(a->series[i].samples.values, b->series[i].samples.values) << function << ' ' << i;
    }
  }
}

TEST(PromqlRun, LimitsAreTold) {
  MemorySource source = source_of(50);
  auto failure = [&](std::string_view query, const Options& options) {
    Result<Answer> answer = run_range(source, {}, query, {0, 100'000, 1'000}, options);
    return answer.ok() ? Code::kInternal : answer.error().code();
  };
  Options options;
  options.limits.series_max = 49;
  EXPECT_EQ(failure("n_total", options), Code::kLimit);
  options = {};
  options.limits.samples_max = 100;
  EXPECT_EQ(failure("sum(n_total)", options), Code::kLimit);
  options = {};
  options.limits.memory_bytes_max = 10'000;
  EXPECT_EQ(failure("n_total", options), Code::kLimit);
  options = {};
  options.limits.steps_max = 99;
  EXPECT_EQ(failure("n_total", options), Code::kLimit);
  options = {};
  options.limits.subquery_steps_max = 99;
  EXPECT_EQ(failure("max_over_time(n_total[1h:1s])", options), Code::kLimit);
  options = {};
  std::stop_source stop;
  stop.request_stop();
  options.stop = stop.get_token();
  EXPECT_EQ(failure("n_total", options), Code::kCancelled);
  EXPECT_EQ(failure("n_total[5m]", {}), Code::kInvalid);
}

TEST(PromqlRun, ExactIncreaseIsAnOption) {
  MemorySource source;
  Result<SeriesText> text = parse_series("n_total 0+3x10");
  ASSERT_TRUE(text.ok());
  source.load(*text, 10'000);
  Options options;
  Result<Answer> guessed = run_instant(source, {}, "increase(n_total[25s])", 95'000, options);
  options.exact_increase = true;
  Result<Answer> exact = run_instant(source, {}, "increase(n_total[25s])", 95'000, options);
  ASSERT_TRUE(guessed.ok() && exact.ok());
  EXPECT_DOUBLE_EQ(guessed->series[0].samples.values[0], 7.5);
  EXPECT_EQ(exact->series[0].samples.values[0], 6);
}

TEST(PromqlRun, PlansTellWhatWasDone) {
  MemorySource source = source_of(30);
  Result<std::string> plan = explain("sum by (job) (rate(n_total[1m])) > 2", {0, 60'000, 10'000}, {});
  ASSERT_TRUE(plan.ok());
  EXPECT_EQ(*plan,
            ">  # series by series\n"
            "  sum by (job)  # adds up series as they come\n"
            "    rate()  # series by series\n"
            "      n_total[1m]  # reads series one by one\n"
            "  2  # one value per step\n");
  Options options;
  options.analyze = true;
  Result<Answer> answer = run_range(source, {}, "sum by (job) (rate(n_total[1m]))", {0, 60'000, 10'000}, options);
  ASSERT_TRUE(answer.ok());
  EXPECT_NE(answer->plan.find("sum by (job)  # adds up series as they come; series=3 points=18"), std::string::npos)
      << answer->plan;
  EXPECT_NE(answer->plan.find("rate()  # series by series; series=30 points=180"), std::string::npos) << answer->plan;
  EXPECT_EQ(answer->samples_read, 30u * 7);
}

TEST(PromqlSeries, BadDescriptionsAreTold) {
  EXPECT_FALSE(parse_series("a 1+").ok());
  EXPECT_FALSE(parse_series("a 1x99999999999").ok());
  EXPECT_FALSE(parse_series("a{b=1} 1").ok());
  EXPECT_FALSE(parse_series("a {{nothing:1}}").ok());
  EXPECT_FALSE(parse_series("a {{buckets:[1 2}}").ok());
  Result<SeriesText> good = parse_series("{\"a b\", c=\"d\"} 1 _x2 -1-1x2 NaN stale {{sum:1}}x1");
  ASSERT_TRUE(good.ok());
  EXPECT_EQ(model::to_text(good->labels), "{\"a b\", c=\"d\"}");
  ASSERT_EQ(good->points.size(), 10u);
  EXPECT_EQ(good->points[5].value, -3);
  EXPECT_FALSE(good->points[1].present);
}

// The runner must see what is wrong: a suite that cannot fail says nothing.
TEST(PromqlScript, FailuresAreSeen) {
  constexpr std::string_view kLoad = "load 1m\n  a{b=\"1\"} 1 2\n  h {{schema:0 sum:1 count:1 buckets:[1]}}\n\n";
  for (std::string_view wrong :
       {"eval instant at 0 a\n  a{b=\"1\"} 2\n", "eval instant at 0 a\n", "eval instant at 0 a\n  a{b=\"2\"} 1\n",
        "eval instant at 0 a\n  expect fail\n", "eval instant at 0 a +\n", "eval instant at 0 1\n  2\n",
        "eval range from 0 to 1m step 1m a\n  a{b=\"1\"} 1 3\n", "eval instant at 0 a\n  expect warn\n  a{b=\"1\"} 1\n",
        "eval instant at 0 h\n  h {{schema:0 sum:1 count:1 buckets:[0 1]}}\n", "evil\n"}) {
    ScriptOutcome outcome = run_script(std::string(kLoad) + std::string(wrong));
    EXPECT_EQ(outcome.failures.size(), 1u) << wrong;
    EXPECT_EQ(outcome.passed, 0u) << wrong;
    ASSERT_FALSE(outcome.failures.empty());
    EXPECT_EQ(outcome.failures[0].line, 5u) << wrong;
  }
}

TEST(PromqlHistogram, ZeroBucketsWidenUntilBothAgree) {
  Histogram wide;
  wide.zero_threshold = 3;  // inside the bucket (2, 4]
  wide.zero_count = 1;
  wide.count = 1;
  Histogram thin;
  thin.zero_threshold = 0.001;
  thin.count = 6;
  thin.positive_spans = {{1, 3}};
  thin.positive_buckets = {1, 2, 3};  // up to 2, 4, 8
  HistogramSum sum(wide);
  EXPECT_FALSE(sum.add(thin, 1).incompatible);
  EXPECT_EQ(histogram_text(sum.result()), "{count:7, sum:0, [-4,4]:4, (4,8]:3}");
}

}  // namespace
}  // namespace clew::query::promql
