#include "pipeline/pipeline.h"

#include <gtest/gtest.h>

#include "model/batch_text.h"
#include "pipeline/test_pipeline.h"

namespace clew::pipeline {
namespace {

TEST(Pipeline, GrokGivesFieldsWithTypes) {
  TestPipeline p(
      "- grok: {patterns: ['%{IP:client.ip} %{WORD:[http][method]} %{INT:status:int} %{NUMBER:took:float}']}");
  EXPECT_EQ(p.fields("10.1.2.3 GET 404 0.25"), "client.ip=\"10.1.2.3\" http.method=\"GET\" status=404 took=0.25");
  EXPECT_EQ(p.fields("nothing of it"), "_flags=[\"parse_error\",\"arrival_time\"]");
  EXPECT_EQ(p.field("nothing of it", "message"), "\"nothing of it\"");
  EXPECT_EQ(p.count("failed", "grok 1"), 2u);
}

TEST(Pipeline, GrokTriesPatternsInOrderAndKnowsDefinitions) {
  TestPipeline p(R"(
- grok:
    patterns: ['order %{ORDER:order}', '%{DATA:key}=%{GREEDYDATA:value}']
    definitions: {ORDER: '(?<![0-9])[A-Z]{2}-[0-9]+'}
)");
  EXPECT_EQ(p.fields("order AB-17"), "order=\"AB-17\"");
  EXPECT_EQ(p.fields("a=b=c"), "key=\"a\" value=\"b=c\"");
}

TEST(Pipeline, RegexAndItsOptionalForm) {
  TestPipeline p("- regex: {pattern: '^(?<a>\\w+):(?<b>\\d*)', optional: yes}");
  EXPECT_EQ(p.fields("x:12 y"), "a=\"x\" b=\"12\"");
  EXPECT_EQ(p.fields("x: y"), "a=\"x\"");
  EXPECT_EQ(p.fields("  "), "no event");
  EXPECT_EQ(p.fields("-"), "");
  // A costly expression is answered by RE2, whose time has a bound.
  TestPipeline costly("- regex: {pattern: '(?<all>(x+x+)+)y|(?<b>b)'}");
  EXPECT_EQ(costly.fields(std::string(200, 'x') + "b"), "b=\"b\"");
}

TEST(Pipeline, Dissect) {
  TestPipeline p("- dissect: {pattern: '%{a} %{?skip} [%{b|int}] %{+c} %{+c} %{*k}=%{&k} %{pad->} %{rest}'}");
  EXPECT_EQ(p.fields("1 2 [3] x y key=value p    all the rest"),
            "a=\"1\" b=3 c=\"x y\" key=\"value\" pad=\"p\" rest=\"all the rest\"");
  EXPECT_EQ(p.fields("other"), "_flags=[\"parse_error\",\"arrival_time\"]");
}

TEST(Pipeline, PairsAndColumns) {
  TestPipeline kv("- kv: {between: '&', equals: '=', target: q}");
  EXPECT_EQ(kv.fields("a=1&b='x&y'&c"), "q.a=\"1\" q.b=\"x&y\"");
  TestPipeline csv("- csv: {columns: [a, '-', c]}");
  EXPECT_EQ(csv.fields("1,2,\"x \"\"y\"\", z\""), R"(a="1" c="x \"y\", z")");
  EXPECT_EQ(csv.fields("1,2"), "_flags=[\"parse_error\",\"arrival_time\"] a=\"1\"");
  EXPECT_EQ(csv.fields("1,\"2"), "_flags=[\"parse_error\",\"arrival_time\"]");
}

TEST(Pipeline, JsonFirstIsReadByTheSource) {
  TestPipeline p("- json: {}\n- rename: {a: b}");
  EXPECT_EQ(p.made->line_format(), process::Format::kNdjson);
  EXPECT_EQ(p.fields(R"({"a":1,"message":"m"})"), "b=1");
  EXPECT_EQ(p.fields("no json"), "_flags=[\"parse_error\",\"arrival_time\"]");
  EXPECT_EQ(p.count("failed", "json 1"), 1u);
}

TEST(Pipeline, JsonInAField) {
  TestPipeline p(
      "- grok: {patterns: ['%{WORD:kind} %{GREEDYDATA:body}']}\n- json: {field: body, target: doc, drop: yes}");
  EXPECT_EQ(p.fields(R"(order {"id":7,"at":{"x":true}})"), "doc.at.x=true doc.id=7 kind=\"order\"");
  EXPECT_EQ(p.fields("order none"), "_flags=[\"parse_error\",\"arrival_time\"] body=\"none\" kind=\"order\"");
  EXPECT_EQ(p.count("failed", "json 2"), 1u);
}

TEST(Pipeline, FormatsOfLines) {
  TestPipeline logfmt("- logfmt: {}\n- convert: {took: number}");
  EXPECT_EQ(logfmt.fields("level=info took=15 ok=true"), "level=\"info\" ok=true took=15");
  TestPipeline access("- access: {}\n- keep: [http.response.status_code]");
  EXPECT_EQ(access.fields(R"(1.2.3.4 - - [10/Oct/2026:13:55:36 +0000] "GET /a HTTP/1.1" 200 5 "-" "curl")"),
            "http.response.status_code=200");
  TestPipeline syslog("- parse: {format: syslog, optional: yes}\n- keep: [program]");
  EXPECT_EQ(syslog.fields("Oct 11 22:14:15 web sshd[42]: hello"),
            "_flags=[\"assumed_zone\",\"assumed_year\"] program=\"sshd\"");
}

TEST(Pipeline, WhereDropsAndCounts) {
  TestPipeline p("- logfmt: {}\n- where: {condition: 'status >= 400 OR sample = true', rule: only_errors}");
  EXPECT_EQ(p.fields("status=500 a=1"), "a=1 status=500");
  EXPECT_EQ(p.fields("status=200 sample=true"), "sample=true status=200");
  EXPECT_EQ(p.fields("status=200 a=1"), "no event");
  EXPECT_EQ(p.fields("other=1 a=1"), "no event");
  EXPECT_EQ(p.count("dropped", "only_errors"), 2u);
}

// What could not be parsed is not dropped for lacking what the parser would have given.
TEST(Pipeline, AFailedEventKeepsItsTextToTheEnd) {
  TestPipeline p(
      "- grok: {patterns: ['%{INT:status:int}$']}\n- where: 'status >= 400'\n- keep: [status]\n- drop: [message]");
  EXPECT_EQ(p.field("no number", "message"), "\"no number\"");
  EXPECT_EQ(p.fields("status 200"), "no event");
  TestPipeline decided("- grok: {patterns: ['%{INT:status:int}$']}\n- where: \"message != 'no number'\"");
  EXPECT_EQ(decided.fields("no number"), "no event");
}

TEST(Pipeline, StepsMayHaveAConditionOfTheirOwn) {
  TestPipeline p(
      "- logfmt: {}\n- set: {env: prod, n: 5, t: '5', yes: true}\n  when: 'a = 1'\n- drop: {fields: [a], when: 'b = "
      "2'}");
  EXPECT_EQ(p.fields("a=1 b=2"), "b=2 env=\"prod\" n=5 t=\"5\" yes=true");
  EXPECT_EQ(p.fields("a=2 b=1"), "a=2 b=1");
}

TEST(Pipeline, FieldsAreRenamedCopiedComputedAndDropped) {
  TestPipeline p(R"(
- logfmt: {}
- rename: {old: new, absent: other}
- copy: {new: again}
- eval: {twice: 'n * 2', upper: 'upper(new)'}
- drop: [x, 'tmp*']
)");
  EXPECT_EQ(p.fields("old=v n=21 x.y=1 xy=2 tmp1=3"), "again=\"v\" n=21 new=\"v\" twice=42 upper=\"V\" xy=2");
}

TEST(Pipeline, ConvertAndFlatten) {
  TestPipeline p("- csv: {columns: [a, b, c]}\n- convert: {a: int, b: bool, c: number}");
  EXPECT_EQ(p.fields("12.5,yes,1e3"), "a=12 b=true c=1e3");
  EXPECT_EQ(p.fields("x,yes,3"), "_flags=[\"parse_error\",\"arrival_time\"] a=\"x\" b=true c=3");
  TestPipeline flat("- dissect: {pattern: '%{k} %{data}'}\n- flatten: {field: data}");
  EXPECT_EQ(flat.fields(R"(k {"a":{"b":"x\n"},"l":[1,2],"n":null})"),
            R"(data.a.b="x\n" data.l=[1,2] data.n=null k="k")");
  EXPECT_EQ(flat.fields("k [5,6]"), "data.0=5 data.1=6 k=\"k\"");
  EXPECT_EQ(flat.fields("k plain"), "_flags=[\"parse_error\",\"arrival_time\"] data=\"plain\" k=\"k\"");
}

TEST(Pipeline, TimestampAndLevel) {
  TestPipeline p(R"(
- dissect: {pattern: '%{at}|%{sev}'}
- timestamp: {field: at, formats: ['%d/%b/%Y:%H:%M:%S %z', 'yyyy-MM-dd HH:mm:ss,SSS', unix_ms, 'MMM d HH:mm:ss'], zone: '+02:00', drop: yes}
- level: {field: sev, map: {X: fatal}}
)");
  EXPECT_EQ(p.field("10/Oct/2026:13:55:36 -0700|E", "@timestamp"), "\"2026-10-10T20:55:36Z\"");
  EXPECT_EQ(p.field("2026-10-10 13:55:36,250|E", "@timestamp"), "\"2026-10-10T11:55:36.250Z\"");
  EXPECT_EQ(p.fields("2026-10-10 13:55:36,250|X"), "_flags=[\"assumed_zone\"] level=\"fatal\" sev=\"X\"");
  EXPECT_EQ(p.field("1760104536250|E", "@timestamp"), "\"2025-10-10T13:55:36.250Z\"");
  EXPECT_EQ(p.field("Dec 24 10:00:00|W", "@timestamp"), "\"2025-12-24T08:00:00Z\"");
  EXPECT_EQ(p.field("Nov 30 10:00:00|W", "@timestamp"), "\"2026-11-30T08:00:00Z\"");
  EXPECT_EQ(p.fields("never|?"), "_flags=[\"parse_error\",\"arrival_time\"] at=\"never\" sev=\"?\"");
}

TEST(Pipeline, DocumentsKeepTheirShapeAndGetNewMembers) {
  TestPipeline p("- json: {}\n- set: {env: prod}\n- drop: [b]");
  model::Batch batch;
  process::LineParser parser(process::Format::kNdjson, process::Expect::kOnly);
  parser.attach(batch, {.arrival = p.clock.now(), .zone = {}});
  parser.parse_line(R"({"z":{"y":1},"b":2,"a":3})");
  Runner runner(p.made, Lines::kReadByFirstStep);
  std::vector<model::Batch*> out = runner.run(batch);
  ASSERT_EQ(out.size(), 1u);
  EXPECT_EQ(model::row_document(*out[0], 0), R"({"z":{"y":1},"a":3,"env":"prod"})");
}

TEST(Pipeline, ManyRowsOfManyBatches) {
  TestPipeline p("- kv: {}\n- where: 'n % 3 = 0'\n- set: {s: x}");
  Runner runner(p.made);
  for (int round = 0; round < 3; ++round) {
    model::Batch batch;
    process::LineParser parser(process::Format::kRaw, process::Expect::kOnly);
    parser.attach(batch, {.arrival = p.clock.now(), .zone = {}});
    for (int i = 0; i < 5000; ++i) parser.parse_line("n=" + std::to_string(i) + (i % 2 == 0 ? " even=1" : ""));
    std::vector<model::Batch*> out = runner.run(batch);
    ASSERT_EQ(out.size(), 1u);
    ASSERT_EQ(out[0]->rows(), 1667u);
    EXPECT_EQ(model::value_of(*out[0], "n", 1666)->text, "4998");
    EXPECT_EQ(model::value_of(*out[0], "even", 1666)->text, "1");
    EXPECT_FALSE(model::value_of(*out[0], "even", 1665).has_value());
    EXPECT_EQ(model::value_of(*out[0], "_raw", 1)->text, "n=3");
  }
  EXPECT_EQ(p.count("dropped", "where 2"), 3 * 3333u);
  EXPECT_EQ(p.metrics.sum("clew_pipeline_events_total"), 15000u);
}

TEST(Pipeline, MistakesAreToldWithLineAndFix) {
  auto mistakes = [](const std::string& yaml) { return TestPipeline(yaml).mistakes; };
  EXPECT_EQ(mistakes("- jsn: {}"), "1 no processor jsn; did you mean json?\n");
  EXPECT_EQ(mistakes("a: b"), "1 pipeline p is a list of processors: write - json: {}\n");
  EXPECT_EQ(mistakes("- json: {}\n- grok:\n    patern: x\n"),
            "3 pipeline p, step 2 (grok): lacks patterns\n3 pipeline p, step 2 (grok): no key patern; did you mean "
            "pattern?\n");
  EXPECT_EQ(mistakes("- where: 'status >'"),
            "1 pipeline p, step 1 (where): \"status >\": 1:9: expected an expression, found the end of the query\n");
  EXPECT_EQ(mistakes("- set: {_seq: 1}"), "1 pipeline p, step 1 (set): the field _seq belongs to clew: name another\n");
  EXPECT_EQ(mistakes("- timestamp: {field: t, formats: ['%Q']}"),
            "1 pipeline p, step 1 (timestamp): \"%Q\": the layout has an unknown %Q\n");
  EXPECT_EQ(mistakes("- rename: {a: b}\n  set: {c: d}"),
            "1 a step is one processor with its keys: write - rename: {old: new}\n");
  EXPECT_EQ(mistakes("- json: {field: [a]}"),
            "1 pipeline p, step 1 (json): field is a list, expected a text; write json: {field: message}\n");
  EXPECT_NE(mistakes("- regex: {pattern: '(a'}").find("the expression has a ( that is not closed"), std::string::npos);
}

TEST(Cases, DifferencesAreReadable) {
  Mistakes none;
  Tree file = parse_yaml("tests:\n- {pipeline: p, input: 'a=1', expect: {a: 2, b: x}}\n", none);
  std::vector<Case> cases = read_cases(file, none);
  ASSERT_EQ(cases.size(), 1u);
  TestPipeline p("- kv: {}");
  std::vector<std::string> lines = difference(cases[0], p.run(cases[0].input));
  ASSERT_EQ(lines.size(), 2u);
  EXPECT_EQ(lines[0], "  a\n    expected 2\n    got      \"1\"");
  EXPECT_EQ(lines[1], "  b\n    expected x\n    got      nothing");
}

}  // namespace
}  // namespace clew::pipeline
