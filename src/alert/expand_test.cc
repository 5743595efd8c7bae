#include "alert/expand.h"

#include <gtest/gtest.h>

#include "alert/template_tree.h"
#include "query/promql/memory_source.h"

namespace clew::alert {
namespace {

namespace promql = query::promql;

class Templates : public testing::Test {
 protected:
  Templates() {
    auto add = [&](const char* text, double value) { source_.add(*promql::parse_labels(text), 0, value, nullptr); };
    add(R"(metric{instance="a"})", 11);
    add(R"(metric{instance="b"})", 21);
    ask_ = [this](const std::string& text, int64_t at) { return promql::run_instant(source_, {}, text, at, {}); };
    externals_ = {.labels = {{"region", "eu"}}, .url = "http://clew:4320/base"};
    labels_ = *promql::parse_labels(R"({instance="db-1.example.org:9100",job="node"})");
  }

  std::string expanded(std::string_view text, double value = 0) {
    Surroundings around{.labels = labels_, .value = value, .at_millis = 0, .ask = &ask_, .externals = &externals_};
    Result<std::string> done = expand(text, around);
    return done.ok() ? *done : "error: " + done.error().message();
  }

  promql::MemorySource source_;
  Ask ask_;
  Externals externals_;
  model::Labels labels_;
};

TEST_F(Templates, WhatRulesSay) {
  EXPECT_EQ(expanded("no braces"), "no braces");
  EXPECT_EQ(expanded("{{ $labels.instance }} of {{$labels.job}}"), "db-1.example.org:9100 of node");
  EXPECT_EQ(expanded("{{ $labels.absent }}|{{ .Labels.job }}|{{ $.Value }}", 0.5), "|node|0.5");
  EXPECT_EQ(expanded("{{ $value }}", 1e8), "1e+08");
  EXPECT_EQ(expanded("{{ $externalLabels.region }} {{ $externalURL }} {{ externalURL }} {{ pathPrefix }}"),
            "eu http://clew:4320/base http://clew:4320/base /base");
  EXPECT_EQ(expanded(R"({{ index $labels "job" }})"), "node");
  EXPECT_EQ(expanded("a {{- /* nothing */ -}} b {{- $value -}}\n c"), "ab0c");
  EXPECT_EQ(expanded(R"({{ define "t" }}<{{ . }}>{{ end }}{{ template "t" "x" }}{{ template "t" 2 }})"), "<x><2>");
  EXPECT_EQ(expanded(R"({{ "a" | printf "%s-%s" "b" }})"), "b-a");
}

TEST_F(Templates, Flow) {
  EXPECT_EQ(expanded("{{ if gt $value 10.0 }}high{{ else if eq $value 10.0 }}ten{{ else }}low{{ end }}", 11), "high");
  EXPECT_EQ(expanded("{{ if gt $value 10.0 }}high{{ else if eq $value 10.0 }}ten{{ else }}low{{ end }}", 10), "ten");
  EXPECT_EQ(expanded("{{ if gt $value 10.0 }}high{{ else if eq $value 10.0 }}ten{{ else }}low{{ end }}", 9), "low");
  EXPECT_EQ(
      expanded("{{ range $i, $s := query \"metric\" | sortByLabel \"instance\" }}{{ $i }}={{ $s.Value }};{{ end }}"),
      "0=11;1=21;");
  EXPECT_EQ(expanded("{{ range query \"nothing\" }}x{{ else }}none{{ end }}"), "none");
  EXPECT_EQ(expanded("{{ with query \"metric{instance='a'}\" }}{{ . | first | value | humanize }}{{ end }}"), "11");
  EXPECT_EQ(expanded("{{ (query \"metric{instance='b'}\" | first).Labels.instance }}"), "b");
  EXPECT_EQ(expanded("{{ query \"metric{instance='b'}\" | first | label \"instance\" }}"), "b");
  EXPECT_EQ(expanded("{{ $x := 1 }}{{ if true }}{{ $x = 2 }}{{ end }}{{ $x }}"), "2");
  EXPECT_EQ(expanded("{{ range $k, $v := $labels }}{{ if eq $k \"job\" }}{{ break }}{{ end }}{{ $k }} {{ end }}"),
            "instance ");
  EXPECT_EQ(expanded("{{ and false (first (query \"nothing\")) }}{{ or 0 \"x\" }}{{ not true }}"), "falsexfalse");
}

TEST_F(Templates, NumbersForPeople) {
  EXPECT_EQ(expanded("{{ humanize $value }}", 1234567), "1.235M");
  EXPECT_EQ(expanded("{{ humanize $value }}", 0.00012), "120u");
  EXPECT_EQ(expanded("{{ humanize 0.0 }} {{ humanize \"NaN\" }} {{ humanize \"-Inf\" }}"), "0 NaN -Inf");
  EXPECT_EQ(expanded("{{ humanize1024 $value }}", 2 * 1048576.0), "2Mi");
  EXPECT_EQ(expanded("{{ humanizeDuration $value }}", 93784), "1d 2h 3m 4s");
  EXPECT_EQ(expanded("{{ humanizeDuration $value }}", 0.0125), "12.5ms");
  EXPECT_EQ(expanded("{{ humanizeDuration $value }}", 59.25), "59.25s");
  EXPECT_EQ(expanded("{{ humanizePercentage $value }}", 0.123456), "12.35%");
  EXPECT_EQ(expanded("{{ humanizeTimestamp $value }}", 1435065584.128), "2015-06-23 13:19:44.128 +0000 UTC");
  EXPECT_EQ(expanded("{{ $value | toDuration }} {{ parseDuration \"1h30m\" }}", 3661.5), "1h1m1.5s 5400");
  EXPECT_EQ(
      expanded(
          R"({{ printf "%.2f|%5.1f|%-4s|%d|%v|%q|%x|%+d|%03d|%e" 1.005 2.25 "ab" 7 1e21 "q\"" 255 5 7 12345.678 }})"),
      "1.00|  2.2|ab  |7|1e+21|\"q\\\"\"|ff|+5|007|1.234568e+04");
  EXPECT_EQ(expanded(R"({{ printf "%d" $value }} {{ printf "%s %s" "a" }} {{ printf "x" 1 }})", 1),
            "%!d(float64=1) a %!s(MISSING) x%!(EXTRA int=1)");
}

TEST_F(Templates, Texts) {
  EXPECT_EQ(expanded("{{ title \"high cpu\" }} {{ toUpper \"a\" }} {{ toLower \"B\" }}"), "High Cpu A b");
  EXPECT_EQ(expanded(R"x({{ reReplaceAll "(.*)\\.(.*)" "${2}-$1" "a.b" }} {{ match "a.*b" "xaccb" }})x"), "b-a true");
  EXPECT_EQ(expanded(R"({{ reReplaceAll "x*" "-" "axb" }})"), "-a-b-");
  EXPECT_EQ(
      expanded("{{ stripPort $labels.instance }} {{ stripDomain $labels.instance }} {{ stripPort \"[::1]:80\" }}"),
      "db-1.example.org db-1:9100 ::1");
  EXPECT_EQ(expanded("{{ graphLink \"up == 0\" }} {{ tableLink \"up\" }}"),
            "/graph?g0.expr=up+%3D%3D+0&g0.tab=0 /graph?g0.expr=up&g0.tab=1");
  EXPECT_EQ(expanded("{{ len \"abc\" }} {{ slice \"abcd\" 1 3 }} {{ html \"<a>\" }} {{ urlquery \"a b\" }}"),
            "3 bc &lt;a&gt; a+b");
  EXPECT_EQ(expanded("{{ $labels }}"), "map[instance:db-1.example.org:9100 job:node]");
  EXPECT_EQ(expanded("{{ (args 1 \"b\").arg1 }}"), "b");
}

TEST_F(Templates, MistakesSayWhereAndWhat) {
  EXPECT_EQ(check_template("{{ $label.foo }}").error().message(), "template:1: undefined variable \"$label\"");
  EXPECT_EQ(check_template("a\n{{ humanise 1 }}").error().message(), "template:2: function \"humanise\" not defined");
  EXPECT_EQ(check_template("{{ if true }}x").error().message(), "template:1: no {{end}} for what begins here");
  EXPECT_EQ(check_template("{{ end }}").error().message(), "template:1: {{end}} without its begin");
  EXPECT_EQ(check_template("{{ $value").error().message(), "template:1: {{ without }}");
  EXPECT_EQ(check_template("{{ (1 }}").error().message(), "template:1: unclosed left paren");
  EXPECT_EQ(check_template("{{ }}").error().message(), "template:1: missing value for command");
  EXPECT_EQ(expanded("{{ gt $value 1 }}"),
            "error: template:1: error calling gt: incompatible types for comparison: float64 and int; write numbers of "
            "$value with a point, as 10.0");
  EXPECT_EQ(expanded("{{ first (query \"nothing\") }}"),
            "error: template:1: error calling first: first() called on vector with no elements");
  EXPECT_EQ(expanded("{{ $value.x }}"), "error: template:1: can't evaluate field x in type float64");
  EXPECT_EQ(expanded("{{ humanize }}"), "error: template:1: wrong number of args for humanize: want 1 got 0");
  EXPECT_EQ(expanded("{{ 1 | 2 }}"), "error: template:1: a constant cannot stand behind |: it is no function");
}

TEST_F(Templates, EndAtTheirLimits) {
  std::string deep;
  for (int i = 0; i <= kTemplateDepthMax; ++i) deep += "{{ if true }}";
  EXPECT_EQ(check_template(deep).error().code(), Code::kTooLarge);
  EXPECT_EQ(expanded(R"({{ define "t" }}{{ template "t" . }}{{ end }}{{ template "t" . }})"),
            "error: template:1: templates call each other without an end");
  EXPECT_EQ(expanded("{{ range 1000 }}{{ range 1000 }}x{{ end }}{{ end }}"),
            "error: a template takes more than 100000 steps");
}

}  // namespace
}  // namespace clew::alert
