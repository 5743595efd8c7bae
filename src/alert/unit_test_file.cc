#include "alert/unit_test_file.h"

#include <fmt/format.h>

#include <charconv>
#include <cmath>

#include "query/promql/duration.h"
#include "text/time_format.h"
#include "yaml/fields.h"

namespace clew::alert {
namespace {

namespace promql = query::promql;

constexpr int64_t kIntervalDefault = 60'000;

int64_t duration(yaml::Fields& fields, std::string_view key, int64_t otherwise) {
  const yaml::Tree* value = fields.text(key);
  if (value == nullptr) return otherwise;
  std::optional<int64_t> millis = value->text == "0" ? 0 : promql::parse_duration(value->text);
  if (!millis) {
    fields.blame(value->line, fmt::format("{}: {} is no duration: write 30s, 5m or 1h30m", key, quoted(value->text)));
  }
  return millis.value_or(otherwise);
}

std::optional<int64_t> parse_timestamp(std::string_view text) {
  if (std::optional<double> seconds = promql::parse_number(text); seconds && std::fabs(*seconds) < 9e12) {
    return std::llround(*seconds * 1000);
  }
  text::TimeReader reader;
  std::optional<text::Time> time = reader.parse(text, {});
  if (!time || time->out_of_range) return std::nullopt;
  return time->unix_nanos / 1'000'000;
}

// Each entry of a list of maps.
template <class Each>
void for_each_map(yaml::Fields& fields, std::string_view key, yaml::Mistakes& mistakes, const Each& each) {
  const yaml::Tree* list = fields.list(key);
  if (list == nullptr) return;
  for (const yaml::Tree& one : list->items) {
    yaml::Fields inner(std::string(key), one, mistakes);
    each(inner);
    inner.finish();
  }
}

void read_samples(yaml::Fields& fields, QueryCase& test, yaml::Mistakes& mistakes) {
  for_each_map(fields, "exp_samples", mistakes, [&](yaml::Fields& inner) {
    ExpectedSample sample;
    std::string labels = inner.text_or_empty("labels");
    if (!labels.empty()) {
      Result<model::Labels> parsed = promql::parse_labels(labels);
      if (parsed.ok()) {
        sample.labels = std::move(parsed).take();
      } else {
        test.mistake = fmt::format("labels {}: {}", quoted(labels), parsed.error().message());
      }
    }
    if (const yaml::Tree* value = inner.text("value")) {
      std::optional<double> number = promql::parse_number(value->text == ".nan" ? "NaN" : value->text);
      if (!number) inner.blame(value->line, "value: " + quoted(value->text) + " is no number");
      sample.value = number.value_or(0);
    }
    if (const yaml::Tree* text = inner.text("histogram")) {
      Result<std::vector<promql::SeriesPoint>> points = promql::parse_points(text->text, false);
      bool one = points.ok() && points->size() == 1 && points->front().histogram != nullptr;
      if (one) {
        sample.histogram = points->front().histogram;
        sample.hint_given = points->front().hint_given;
      } else {
        test.mistake = fmt::format("histogram {}: {}", quoted(text->text),
                                   points.ok() ? "expected one histogram" : points.error().message());
      }
    }
    test.expected.push_back(std::move(sample));
  });
}

void read_input(yaml::Fields& fields, UnitTest& test, yaml::Mistakes& mistakes) {
  for_each_map(fields, "input_series", mistakes, [&](yaml::Fields& inner) {
    InputSeries input;
    input.text = inner.text_or_empty("series");
    std::string values = inner.text_or_empty("values");
    Result<promql::SeriesText> parsed = promql::parse_series(input.text + " " + values);
    if (parsed.ok()) {
      input.series = std::move(parsed).take();
    } else if (test.mistake.empty()) {
      test.mistake = parsed.error().message();
    }
    test.input.push_back(std::move(input));
  });
}

UnitTest read_test(const yaml::Tree& tree, int64_t evaluation_millis, yaml::Mistakes& mistakes) {
  UnitTest test;
  yaml::Fields fields("test", tree, mistakes);
  test.line = tree.line;
  test.name = fields.text_or_empty("name");
  test.interval_millis = duration(fields, "interval", evaluation_millis);
  if (test.interval_millis == 0) test.interval_millis = evaluation_millis;
  if (const yaml::Tree* start = fields.text("start_timestamp")) {
    std::optional<int64_t> millis = parse_timestamp(start->text);
    if (!millis) {
      fields.blame(start->line, "start_timestamp: " + quoted(start->text) +
                                    " is no time: write 2026-01-01T00:00:00Z or seconds since 1970");
    }
    test.start_millis = millis.value_or(0);
  }
  read_input(fields, test, mistakes);
  for_each_map(fields, "alert_rule_test", mistakes, [&](yaml::Fields& inner) {
    AlertCase one;
    one.at_millis = duration(inner, "eval_time", 0);
    one.alert = inner.text_or_empty("alertname");
    if (one.alert.empty())
      inner.blame(inner.line(), "an item under alert_rule_test misses required attribute alertname");
    for_each_map(inner, "exp_alerts", mistakes, [&](yaml::Fields& expected) {
      one.expected.push_back({expected.texts("exp_labels"), expected.texts("exp_annotations")});
    });
    test.alerts.push_back(std::move(one));
  });
  for_each_map(fields, "promql_expr_test", mistakes, [&](yaml::Fields& inner) {
    QueryCase one;
    one.at_millis = duration(inner, "eval_time", 0);
    one.expr = inner.text_or_empty("expr");
    read_samples(inner, one, mistakes);
    test.queries.push_back(std::move(one));
  });
  test.externals.labels = fields.texts("external_labels");
  test.externals.url = fields.text_or_empty("external_url");
  fields.finish();
  return test;
}

}  // namespace

UnitTestFile read_unit_tests(const std::string& text, yaml::Mistakes& mistakes) {
  UnitTestFile file;
  yaml::Tree root = yaml::parse_yaml(text, mistakes);
  if (!mistakes.empty()) return file;
  yaml::Fields fields("", root, mistakes);
  auto texts = [&](std::string_view key, std::vector<std::string>& out) {
    const yaml::Tree* list = fields.list(key);
    if (list == nullptr) return;
    for (const yaml::Tree& one : list->items) {
      if (!one.is_text()) fields.blame(one.line, std::string(key) + ": expected a text");
      out.push_back(one.text);
    }
  };
  texts("rule_files", file.rule_files);
  texts("group_eval_order", file.group_order);
  file.interval_millis = duration(fields, "evaluation_interval", kIntervalDefault);
  if (file.interval_millis == 0) file.interval_millis = kIntervalDefault;
  file.fuzzy = fields.yes("fuzzy_compare", false);
  if (const yaml::Tree* tests = fields.list("tests")) {
    for (const yaml::Tree& one : tests->items) {
      file.tests.push_back(read_test(one, file.interval_millis, mistakes));
    }
  }
  fields.finish();
  return file;
}

}  // namespace clew::alert
