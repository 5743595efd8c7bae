// The processors that change texts, add what is known, keep one of many, and send elsewhere.
#include <gtest/gtest.h>

#include <set>

#include "model/batch_text.h"
#include "pipeline/test_pipeline.h"
#include "pipeline/user_agent.h"

namespace clew::pipeline {
namespace {

// Sum of `_weight` over what came out.
int64_t weights(const std::vector<EventText>& events) {
  int64_t sum = 0;
  for (const EventText& event : events) sum += std::stoll(event.at("_weight"));
  return sum;
}

std::vector<std::string> many(size_t count, const std::string& text) {
  std::vector<std::string> out;
  for (size_t i = 0; i < count; ++i) out.push_back(text + " n=" + std::to_string(i));
  return out;
}

TEST(TextSteps, ReplaceSplitTrim) {
  TestPipeline p(R"(
- csv: {columns: [url, tags, pair]}
- replace: {field: url, regex: '/([0-9]+)', with: '/<$1>'}
- split: {field: tags, by: ';'}
- split: {field: pair, by: '=', into: [key, value]}
- trim: [value]
- drop: [pair]
)");
  EXPECT_EQ(p.fields("/a/12/b/3,x;y,k= v "), R"(key="k" tags=["x","y"] url="/a/<12>/b/<3>" value="v")");
  TestPipeline message("- replace: {field: message, regex: 'secret', with: '***'}");
  EXPECT_EQ(message.field("my secret", "message"), "\"my ***\"");
}

TEST(PairSteps, AKeyThatRepeatsHasAllItsValues) {
  TestPipeline p("- kv: {between: ','}");
  EXPECT_EQ(p.fields("a=1,tags=dev,b=\"x y\",tags=dummy,tags=\"q\""), R"(a="1" b="x y" tags=["dev","dummy","q"])");
  std::string many = "n=0";
  for (int i = 1; i < 200; ++i) many += ",n=" + std::to_string(i);
  EXPECT_EQ(p.fields(many), R"(n="199")");
}

TEST(Expressions, NowIsTheTimeOfTheCall) {
  TestPipeline p("- logfmt: {}\n- eval: {year: 'year(now())', day: 'dayofmonth(now())'}");
  EXPECT_EQ(p.field("a=1 b=2", "year"), "2026");
  EXPECT_EQ(p.field("a=1 b=2", "day"), "30");
  p.clock.wall += 86'400'000'000'000;
  EXPECT_EQ(p.field("a=1 b=2", "day"), "1");
}

TEST(TextSteps, BlobsBecomeHashAndSize) {
  TestPipeline p("- json: {}\n- hash_blobs: {over: 64, rule: blobs}");
  std::string png = "iVBORw0KGgo" + std::string(100, 'A');
  EXPECT_EQ(p.fields(R"({"id":1,"image":")" + png + R"(","text":")" + std::string(30, 'a') + R"("})"),
            "id=1 image.sha256=\"5e58495c6dd04b8848d6617e618552062c59807f084e3db86c4c6039005a2f74\" image.size=111 "
            "image.type=\"image/png\" text=\"" +
                std::string(30, 'a') + "\"");
}

TEST(TextSteps, ProseIsNoBlob) {
  TestPipeline p("- json: {}\n- hash_blobs: {over: 64, rule: blobs}");
  std::string prose = "this is a message that is long enough but has words, as people write them, and so it stays";
  EXPECT_EQ(p.fields(R"({"text":")" + prose + R"("})"), "text=\"" + prose + "\"");
  EXPECT_EQ(p.metrics.sum("clew_pipeline_blobs_total"), 0u);
}

TEST(TextSteps, RedactTakesSecretsAway) {
  TestPipeline p("- logfmt: {}\n- redact: {rules: {employee: 'EMP-[0-9]+'}}");
  EXPECT_EQ(p.field("who=EMP-123 a=1", "who"), "\"[redacted:employee]\"");
  EXPECT_EQ(p.field("password=hunter2 a=1", "password"), "\"[redacted:password]\"");
  TestPipeline some("- logfmt: {}\n- redact: {rules: {employee: 'EMP-[0-9]+'}, when: 'a = 1'}");
  EXPECT_EQ(some.field("who=EMP-123 a=1", "who"), "\"[redacted:employee]\"");
}

TEST(EnrichSteps, UserAgentsAreNamed) {
  auto told = [](std::string_view text) {
    UserAgent agent = parse_user_agent(text);
    return std::string(agent.name) + " " + std::string(agent.version) + "|" + std::string(agent.os_name) + " " +
           agent.os_version + "|" + std::string(agent.device);
  };
  EXPECT_EQ(told("Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 "
                 "Safari/537.36"),
            "Chrome 120.0.0.0|Windows 10|");
  EXPECT_EQ(told("Mozilla/5.0 (iPhone; CPU iPhone OS 14_4 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
                 "Version/14.0.3 Mobile/15E148 Safari/604.1"),
            "Mobile Safari 14.0.3|iOS 14.4|iPhone");
  EXPECT_EQ(told("Mozilla/5.0 (X11; Ubuntu; Linux x86_64; rv:109.0) Gecko/20100101 Firefox/115.0"),
            "Firefox 115.0|Ubuntu |");
  EXPECT_EQ(told("Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"), "Googlebot 2.1| |Spider");
  EXPECT_EQ(told("curl/7.88.1"), "curl 7.88.1| |");
  EXPECT_EQ(told(""), "Other | |");
}

TEST(EnrichSteps, UserAgentAndMetadata) {
  TestPipeline p(
      "- dissect: {pattern: '%{ua}'}\n- user_agent: {field: ua, target: client}\n- metadata: [host, cloud]\n- drop: "
      "[ua]");
  EXPECT_EQ(p.fields("curl/8.0"),
            "client.name=\"curl\" client.version=\"8.0\" cloud.provider=\"aws\" host.name=\"web-1\"");
}

TEST(ReduceSteps, ASampleStandsForAll) {
  TestPipeline p("- logfmt: {}\n- sample: {keep: 0.1, when: \"level = 'debug'\", rule: debugs}");
  std::vector<std::string> lines = many(1000, "level=debug");
  for (const std::string& line : many(10, "level=error")) lines.push_back(line);
  std::vector<EventText> out = p.run(lines);
  EXPECT_EQ(out.size(), 110u);
  EXPECT_EQ(weights(out), 1010);
  EXPECT_EQ(p.count("merged", "debugs"), 900u);
  // Of few events one is kept, and stands for the rest.
  EXPECT_EQ(weights(p.run(many(3, "level=debug"))), 3);
  TestPipeline every("- kv: {}\n- sample: {every: 7, by: [k]}");
  out = every.run({"k=a", "k=b", "k=a", "k=a"});
  EXPECT_EQ(out.size(), 2u);
  EXPECT_EQ(weights(out), 4);
}

TEST(ReduceSteps, EqualEventsAreOneWithTheirCount) {
  TestPipeline p("- deduplicate: [message]\n- where: 'true'");
  std::vector<EventText> out = p.run({"a", "b", "a", "a", "c", "b"});
  ASSERT_EQ(out.size(), 3u);
  EXPECT_EQ(out[0].at("message") + out[0].at("_weight"), "\"a\"3");
  EXPECT_EQ(out[1].at("message") + out[1].at("_weight"), "\"b\"2");
  EXPECT_EQ(weights(out), 6);
  EXPECT_GT(p.made->window_ns(), 0u);
  // Weights that were there are added up.
  TestPipeline twice("- deduplicate: [message]\n- sample: {every: 3}");
  out = twice.run({"a", "a", "b", "c", "c", "c"});
  ASSERT_EQ(out.size(), 1u);
  EXPECT_EQ(weights(out), 6);
}

TEST(ReduceSteps, RateLimitKeepsCount) {
  TestPipeline p("- kv: {}\n- rate_limit: {events: 10, per: 1s, by: [k], rule: limit}");
  std::vector<std::string> lines = many(100, "k=a");
  lines.push_back("k=b");
  std::vector<EventText> out = p.run(lines);
  EXPECT_EQ(out.size(), 11u);
  EXPECT_EQ(weights(out), 101);
  // The same runner's pipeline remembers what was taken; a second later there is room again.
  out = p.run(many(100, "k=a"));
  EXPECT_EQ(out.size(), 1u);
  EXPECT_EQ(weights(out), 100);
  p.clock.monotonic += 500'000'000;
  EXPECT_EQ(p.run(many(100, "k=a")).size(), 5u);
  EXPECT_EQ(p.count("merged", "limit"), 90u + 99u + 95u);
  TestPipeline drops("- kv: {}\n- rate_limit: {events: 10, per: 1s, drop: yes, rule: limit}");
  EXPECT_EQ(drops.run(many(100, "k=a")).size(), 10u);
  EXPECT_EQ(drops.count("dropped", "limit"), 90u);
}

TEST(RouteSteps, EventsGoToDatasets) {
  TestPipeline p(R"(
- logfmt: {}
- route:
    - {when: "level = 'error'", dataset: errors}
    - {when: 'team is not null', dataset: 'team-{team}'}
)");
  std::vector<EventText> out = p.run({"level=error n=1", "level=info n=2 team=Shop", "level=info n=3"});
  ASSERT_EQ(out.size(), 3u);
  std::set<std::string> places;
  for (const EventText& event : out) {
    places.insert(event.at("n") + (event.contains("dataset") ? event.at("dataset") : "stays"));
  }
  EXPECT_EQ(places, (std::set<std::string>{"1\"errors\"", "2\"team-shop\"", "3stays"}));
  EXPECT_EQ(p.count("routed", "route 2"), 2u);
  EXPECT_EQ(TestPipeline("- route: [{dataset: clew}]").mistakes,
            "1 pipeline p, step 1 (route): \"clew\" is clew's own log: name another dataset\n");
}

TEST(RouteSteps, MetricsAreCounted) {
  TestPipeline p(R"(
- logfmt: {}
- metrics:
    http_requests_total: {by: [http.status]}
    http_bytes_total: {sum: bytes}
    http_duration_seconds: {histogram: took, unit: ms}
)");
  p.run({"http.status=200 bytes=10 took=5", "http.status=200 bytes=20 took=7", "http.status=500 bytes=1 took=2000"});
  EXPECT_EQ(p.metrics.sum("http_requests_total", {{"http_status", "200"}}), 2u);
  EXPECT_EQ(p.metrics.sum("http_requests_total"), 3u);
  EXPECT_EQ(p.metrics.sum("http_bytes_total"), 31u);
  EXPECT_NE(p.metrics.prometheus_text().find("http_duration_seconds_count 3"), std::string::npos);
  EXPECT_EQ(TestPipeline("- metrics: {clew_x: {}}").mistakes,
            "1 pipeline p, step 1 (metrics): clew_x is no name of a metric: letters, digits and _, not beginning with "
            "clew_\n");
}

TEST(Processors, EachHasAnExampleThatIsRight) {
  for (const StepKind& kind : step_kinds()) {
    ASSERT_TRUE(kind.example.starts_with("write ")) << kind.name;
    std::string yaml = "- " + std::string(kind.example.substr(6));
    TestPipeline p(yaml);
    EXPECT_EQ(p.mistakes, "") << yaml;
  }
}

}  // namespace
}  // namespace clew::pipeline
