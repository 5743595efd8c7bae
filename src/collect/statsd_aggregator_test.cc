#include "collect/statsd_aggregator.h"

#include <gtest/gtest.h>

#include <set>
#include <sstream>

#include "wire/metric_text.h"

namespace clew::collect {
namespace {

constexpr int64_t kBegin = 1'000'000;

// Series come in no order of their own.
std::string sorted(const std::string& text) {
  std::set<std::string> lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) lines.insert(line + "\n");
  std::string out;
  for (const std::string& line : lines) out += line;
  return out;
}

struct Fixture {
  explicit Fixture(StatsdOptions options = {}) : aggregator(std::move(options), kBegin) {}

  Status add(std::string_view text, int64_t at) {
    wire::StatsdLine line;
    CLEW_TRY(wire::read_statsd_line(text, line));
    return aggregator.add(line, at);
  }
  std::string flush(int64_t at) {
    model::MetricBatch batch;
    aggregator.flush(at, batch);
    std::string text = wire::metric_text(batch);
    return sorted(text.substr(0, text.find("# TYPE")));
  }
  StatsdAggregator aggregator;
};

TEST(StatsdAggregator, CountersAddUpFromZero) {
  Fixture f({.labels = {{"job", "app"}, {"env", "test"}}});
  ASSERT_TRUE(f.add("hits:1|c|#code:200", kBegin + 1'000).ok());
  ASSERT_TRUE(f.add("hits:3|c|@0.5|#code:200", kBegin + 2'000).ok());
  ASSERT_TRUE(f.add("hits,code=200:1|c", kBegin + 2'000).ok()) << "the same series, spelled otherwise";
  ASSERT_TRUE(f.add("hits:1|c|#env:prod", kBegin + 2'000).ok());
  EXPECT_EQ(f.flush(kBegin + 10'000),
            "hits{code=\"200\", env=\"test\", job=\"app\"} 0 @1000001 since 1000001 8 @1010000 since 1000001\n"
            "hits{env=\"prod\", job=\"app\"} 0 @1000001 since 1000001 1 @1010000 since 1000001\n");
  ASSERT_TRUE(f.add("hits:2|c|#code:200", kBegin + 11'000).ok());
  EXPECT_EQ(f.flush(kBegin + 20'000),
            "hits{code=\"200\", env=\"test\", job=\"app\"} 10 @1020000 since 1000001\n"
            "hits{env=\"prod\", job=\"app\"} 1 @1020000 since 1000001\n");
}

TEST(StatsdAggregator, GaugesAndSets) {
  Fixture f;
  for (const char* line : {"g:5|g", "g:+2|g", "g:-4|g", "s:a|s", "s:b|s", "s:a|s"})
    ASSERT_TRUE(f.add(line, kBegin).ok());
  std::string first = f.flush(kBegin + 10'000);
  EXPECT_NE(first.find("g 3 @1010000\n"), std::string::npos) << first;
  EXPECT_NE(first.find("s 2 @1010000\n"), std::string::npos) << first;
  std::string second = f.flush(kBegin + 20'000);
  EXPECT_NE(second.find("g 3 @1020000\n"), std::string::npos) << "kept: " << second;
  EXPECT_NE(second.find("s 0 @1020000\n"), std::string::npos) << second;
}

TEST(StatsdAggregator, TimersAreNativeHistograms) {
  Fixture f;
  ASSERT_TRUE(f.add("t:250:1000|ms", kBegin).ok());
  ASSERT_TRUE(f.add("t:2000|ms|@0.5", kBegin).ok());
  EXPECT_EQ(f.flush(kBegin + 10'000),
            sorted("t_count 0 @1000000 since 1000000 4 @1010000 since 1000000\n"
                   "t_sum 0 @1000000 since 1000000 5.25 @1010000 since 1000000\n"
                   "t {schema 5 count 0 sum 0 zero 0} @1000000 since 1000000"
                   " {schema 5 count 4 sum 5.25 zero 0 positive -64:1 0:1 32:2} @1010000 since 1000000\n"
                   "t_min 0.25 @1010000\nt_max 2 @1010000\n"));
  std::string idle = f.flush(kBegin + 20'000);
  EXPECT_EQ(idle.find("t_min"), std::string::npos) << "of an interval without values: " << idle;
  EXPECT_NE(idle.find("t_count 4 @1020000"), std::string::npos) << idle;
}

TEST(StatsdAggregator, TimersWithBounds) {
  Fixture f({.bounds = {0.5, 1}});
  ASSERT_TRUE(f.add("t:0.5:0.7:3|h", kBegin).ok());
  f.flush(kBegin + 10'000);
  EXPECT_EQ(f.flush(kBegin + 20'000), sorted("t_count 3 @1020000 since 1000000\nt_sum 4.2 @1020000 since 1000000\n"
                                             "t_bucket{le=\"0.5\"} 1 @1020000 since 1000000\n"
                                             "t_bucket{le=\"1\"} 2 @1020000 since 1000000\n"
                                             "t_bucket{le=\"+Inf\"} 3 @1020000 since 1000000\n"));
}

TEST(StatsdAggregator, SeriesEndAndBeginAnew) {
  Fixture f({.expire_millis = 15'000});
  ASSERT_TRUE(f.add("hits:5|c", kBegin + 1'000).ok());
  f.flush(kBegin + 10'000);
  EXPECT_EQ(f.flush(kBegin + 20'000), "hits stale @1020000\n");
  EXPECT_EQ(f.aggregator.series_count(), 0u);
  ASSERT_TRUE(f.add("hits:1|c", kBegin + 25'000).ok());
  EXPECT_EQ(f.flush(kBegin + 30'000), "hits 0 @1020001 since 1020001 1 @1030000 since 1020001\n");
}

TEST(StatsdAggregator, TimesOfTheirOwn) {
  Fixture f;
  ASSERT_TRUE(f.add("g:5|g|T1005", kBegin).ok());
  ASSERT_TRUE(f.add("g:7|g|T1003", kBegin).ok());
  EXPECT_EQ(f.flush(kBegin + 10'000), "g 7 @1003000 5 @1005000\n");
  Fixture counter;
  ASSERT_TRUE(counter.add("c:5|c|T1005", kBegin).ok());
  ASSERT_TRUE(counter.add("c:1|c|T1002", kBegin).ok()) << "too late for a sample of its own";
  EXPECT_EQ(counter.flush(kBegin + 10'000),
            "c 0 @1000000 since 1000000 5 @1005000 since 1000000 6 @1010000 since 1000000\n");
}

TEST(StatsdAggregator, WhatIsRefused) {
  Fixture f({.series_max = 2});
  ASSERT_TRUE(f.add("a:1|c", kBegin).ok());
  EXPECT_EQ(f.add("a:1|g", kBegin).error().code(), Code::kExists) << "of another type";
  EXPECT_EQ(f.add("---:1|c", kBegin).error().code(), Code::kInvalid);
  ASSERT_TRUE(f.add("b:1|c", kBegin).ok());
  EXPECT_EQ(f.add("c:1|c", kBegin).error().code(), Code::kTooLarge);
}

TEST(StatsdAggregator, Mappings) {
  Result<wire::NameMappings> mappings =
      wire::NameMappings::parse({"app.*.time.* => app_time{service=\"$1\", op=\"$2\"}", "raw.** => $1"});
  ASSERT_TRUE(mappings.ok());
  Fixture f({.mappings = std::make_shared<const wire::NameMappings>(std::move(*mappings))});
  for (const char* line : {"app.cart.time.add:1|g", "raw.a.b:2|g", "app.cart:3|g"})
    ASSERT_TRUE(f.add(line, kBegin).ok());
  std::string text = f.flush(kBegin + 10'000);
  for (const char* expected : {"app_time{op=\"add\", service=\"cart\"} 1 ", "a_b 2 ", "app_cart 3 "})
    EXPECT_NE(text.find(expected), std::string::npos) << text;
}

TEST(NameMappings, MistakesAreTold) {
  for (const auto& [text, expected] :
       std::vector<std::pair<std::string, std::string>>{{"a.b", "write NAME.* => METRIC"},
                                                        {"a..b => x", "an empty part"},
                                                        {"a.**.b => x", "only be the last part"},
                                                        {"a.b* => x", "a star is a whole part"},
                                                        {"a.* => x{l=\"$2\"}", "$2 with 1 stars"},
                                                        {"a.* => {l=\"$1\"}", "the metric's name is missing"},
                                                        {"a.* => x{l=$1}", "write label=\"value\""},
                                                        {"a.* => x{l-l=\"$1\"}", "no name of a label"}}) {
    Result<wire::NameMappings> parsed = wire::NameMappings::parse({text});
    ASSERT_FALSE(parsed.ok()) << text;
    EXPECT_NE(parsed.error().message().find(expected), std::string::npos) << parsed.error().message();
  }
}

}  // namespace
}  // namespace clew::collect
