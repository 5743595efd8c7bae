#include "alert/unit_tests.h"

#include <fmt/format.h>
#include <re2/re2.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>

#include "alert/memory_metrics.h"
#include "alert/rules.h"
#include "alert/unit_test_file.h"
#include "query/promql/duration.h"
#include "query/promql/histogram.h"
#include "query/promql/memory_source.h"

namespace clew::alert {
namespace {

namespace promql = query::promql;

// One second as "1s", none as "0s", a minute and a second as "1m1s".
std::string time_text(int64_t millis) { return promql::duration_text(millis); }

std::string labels_text(const model::Labels& labels) {
  std::string out = "{";
  for (model::Label label : labels)
    out += fmt::format("{}{}=\"{}\"", out.size() > 1 ? ", " : "", label.name, label.value);
  return out + "}";
}

std::string indented(const std::string& lines, const std::string& with) {
  std::string out;
  for (char c : lines) {
    out += c;
    if (c == '\n') out += with;
  }
  return out;
}

struct SeenAlert {
  model::Labels labels;
  model::Labels annotations;
  friend auto operator<=>(const SeenAlert&, const SeenAlert&) = default;
};

std::string alerts_text(const std::vector<SeenAlert>& alerts) {
  if (alerts.empty()) return "[]";
  std::string out = "[";
  for (size_t i = 0; i < alerts.size(); ++i) {
    std::string one =
        "\nLabels:" + labels_text(alerts[i].labels) + "\nAnnotations:" + labels_text(alerts[i].annotations);
    out += fmt::format("{}\n{}:{}", i == 0 ? "" : ",", i, indented(one, "  "));
  }
  return out + "\n]";
}

model::Labels labels_of(const NamedTexts& texts) {
  return model::Labels::of(std::vector<std::pair<std::string, std::string>>(texts.begin(), texts.end()));
}

struct SeenSample {
  model::Labels labels;
  double value = 0;
  model::HistogramPtr histogram;
};

std::string scientific(double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value < 0 ? "-Inf" : "+Inf";
  // The shortest digits, as 1.5E+03.
  std::string text;
  for (int precision = 0; precision < 18; ++precision) {
    text = fmt::format("{:.{}E}", value, precision);
    if (std::strtod(text.c_str(), nullptr) == value) break;
  }
  return text;
}

std::string samples_text(const std::vector<SeenSample>& samples) {
  if (samples.empty()) return "nil";
  std::string out;
  for (const SeenSample& sample : samples) {
    std::string value =
        sample.histogram != nullptr ? promql::histogram_text(*sample.histogram) : scientific(sample.value);
    out += fmt::format("{}{} {}", out.empty() ? "" : ", ", labels_text(sample.labels), value);
  }
  return out;
}

bool same_number(double a, double b, bool fuzzy) {
  if (a == b) return true;
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  return fuzzy && (std::nextafter(a, -kInfinity) == b || std::nextafter(a, kInfinity) == b);
}

// The same buckets with the same counts, the empty ones left out.
bool same_histogram(const model::Histogram& a, const model::Histogram& b, bool hint) {
  if (a.schema != b.schema || a.zero_threshold != b.zero_threshold || a.sum != b.sum || a.count != b.count)
    return false;
  if (hint && a.reset != b.reset) return false;
  return promql::histogram_text(a) == promql::histogram_text(b) && a.custom_bounds == b.custom_bounds;
}

class TestRun {
 public:
  TestRun(const UnitTestFile& file, const UnitTest& test, const std::vector<RuleGroup>& groups,
          UnitTestOutcome& outcome)
      : file_(file), test_(test), outcome_(outcome) {
    ask_ = [this](const std::string& text, int64_t at_millis) {
      promql::Options options;
      options.parse = rule_parse_options();
      options.default_step_millis = kDefaultStepMillis;
      return promql::run_instant(source_, {}, text, at_millis, options);
    };
    GroupDefaults defaults;
    defaults.interval_millis = file.interval_millis;
    defaults.externals = test.externals;
    for (const RuleGroup& group : groups) {
      groups_.push_back(std::make_unique<RunningGroup>(group, defaults, GroupCounters()));
    }
    next_.resize(test.input.size());
  }

  void run() {
    if (!test_.mistake.empty()) return fail(test_.mistake);
    int64_t last = 0;
    for (const AlertCase& one : test_.alerts) last = std::max(last, one.at_millis);
    for (const QueryCase& one : test_.queries) last = std::max(last, one.at_millis);
    for (int64_t since = 0; since <= last; since += file_.interval_millis) {
      if (!evaluate(since)) return;
      for (const AlertCase& one : test_.alerts) {
        if (one.at_millis >= since && one.at_millis < since + file_.interval_millis) check(one);
      }
    }
    load(last);
    for (const QueryCase& one : test_.queries) check(one);
  }

 private:
  static constexpr int64_t kDefaultStepMillis = 60'000;

  void fail(std::string message) { outcome_.failures.push_back(std::move(message)); }
  std::string head() const { return test_.name.empty() ? std::string() : "    name: " + test_.name + ",\n"; }

  // Samples of the input up to a time since the start.
  void load(int64_t since) {
    for (size_t i = 0; i < test_.input.size(); ++i) {
      const promql::SeriesText& series = test_.input[i].series;
      for (size_t& next = next_[i]; next < series.points.size(); ++next) {
        int64_t at = static_cast<int64_t>(next) * test_.interval_millis;
        if (at > since) break;
        const promql::SeriesPoint& point = series.points[next];
        if (point.present) source_.add(series.labels, test_.start_millis + at, point.value, point.histogram);
      }
    }
  }

  bool evaluate(int64_t since) {
    load(since);
    GroupSurroundings around;
    around.sink = &sink_;
    around.ask = &ask_;
    bool good = true;
    for (const auto& group : groups_) {
      group->evaluate(test_.start_millis + since, around);
      std::shared_ptr<const GroupView> view = group->view();
      for (const RuleView& rule : view->rules) {
        if (rule.status.health != Health::kErr) continue;
        fail(fmt::format("    rule: {}, time: {}, err: {}", rule.rule.name, time_text(since), rule.status.last_error));
        good = false;
      }
    }
    return good;
  }

  void check(const AlertCase& test) {
    std::vector<SeenAlert> expected, got;
    for (const auto& group : groups_) {
      std::shared_ptr<const GroupView> view = group->view();
      for (const RuleView& rule : view->rules) {
        if (rule.rule.kind != RuleKind::kAlert || rule.rule.name != test.alert) continue;
        for (const ActiveAlert& alert : rule.alerts) {
          if (alert.state == AlertState::kFiring) got.push_back({alert.labels, labels_of(alert.annotations)});
        }
      }
    }
    for (const ExpectedAlert& one : test.expected) {
      model::LabelsBuilder labels(labels_of(one.labels));
      expected.push_back({labels.set("alertname", test.alert).build(), labels_of(one.annotations)});
    }
    std::sort(expected.begin(), expected.end());
    std::sort(got.begin(), got.end());
    if (expected == got) {
      ++outcome_.passed;
      return;
    }
    std::string inside(12, ' ');
    fail(fmt::format("{}    alertname: {}, time: {}, \n        exp:{}, \n        got:{}", head(), test.alert,
                     time_text(test.at_millis), indented(alerts_text(expected), inside),
                     indented(alerts_text(got), inside)));
  }

  void check(const QueryCase& test) {
    std::string begin = fmt::format("{}    expr: \"{}\", time: {}", head(), test.expr, time_text(test.at_millis));
    Result<promql::Answer> answer = ask_(test.expr, test_.start_millis + test.at_millis);
    if (!answer.ok()) return fail(begin + ", err: " + answer.error().message());
    if (!test.mistake.empty()) return fail(begin + ", err: " + test.mistake);
    std::vector<SeenSample> got, expected;
    if (answer->type == promql::ValueType::kScalar) got.push_back({{}, answer->scalar, nullptr});
    for (const promql::ResultSeries& series : answer->series) {
      const model::SampleColumns& samples = series.samples;
      if (samples.size() == 0) continue;
      got.push_back(
          {series.labels, samples.values.back(), samples.histograms.empty() ? nullptr : samples.histograms.back()});
    }
    for (const ExpectedSample& one : test.expected) expected.push_back({one.labels, one.value, one.histogram});
    auto by_labels = [](const SeenSample& a, const SeenSample& b) { return a.labels < b.labels; };
    std::stable_sort(got.begin(), got.end(), by_labels);
    std::stable_sort(expected.begin(), expected.end(), by_labels);
    auto same = [&](const SeenSample& a, const SeenSample& b) {
      if (a.labels != b.labels || (a.histogram == nullptr) != (b.histogram == nullptr)) return false;
      if (a.histogram != nullptr) return same_histogram(*a.histogram, *b.histogram, true);
      return same_number(a.value, b.value, file_.fuzzy);
    };
    if (std::equal(expected.begin(), expected.end(), got.begin(), got.end(), same)) {
      ++outcome_.passed;
      return;
    }
    fail(fmt::format("{},\n        exp: {}\n        got: {}", begin, samples_text(expected), samples_text(got)));
  }

  const UnitTestFile& file_;
  const UnitTest& test_;
  UnitTestOutcome& outcome_;
  promql::MemorySource source_;
  MemorySink sink_{source_};
  Ask ask_;
  std::vector<std::unique_ptr<RunningGroup>> groups_;
  std::vector<size_t> next_;
};

std::string lines_of(const std::string& path, const yaml::Mistakes& mistakes) {
  std::string lines;
  for (const yaml::Mistake& mistake : mistakes) {
    lines += fmt::format("{}{}:{}: {}", lines.empty() ? "" : "\n", path, mistake.line, mistake.message);
  }
  return lines;
}

// The groups in the order that the file asks for; those that it does not name stand first, as in promtool.
void order_groups(std::vector<RuleGroup>& groups, const std::vector<std::string>& order) {
  auto rank = [&](const RuleGroup& group) {
    auto named = std::find(order.begin(), order.end(), group.name);
    return named == order.end() ? 0 : named - order.begin() + 1;
  };
  std::stable_sort(groups.begin(), groups.end(),
                   [&](const RuleGroup& a, const RuleGroup& b) { return rank(a) < rank(b); });
}

}  // namespace

Result<UnitTestOutcome> run_unit_tests(os::Disk& disk, const std::string& path, const UnitTestOptions& options) {
  std::string text = CLEW_TRY(read_rule_file(disk, path));
  yaml::Mistakes mistakes;
  UnitTestFile file = read_unit_tests(text, mistakes);
  if (!mistakes.empty()) return Error(Code::kInvalid, lines_of(path, mistakes));
  size_t slash = path.rfind('/');
  std::string dir = slash == std::string::npos ? std::string() : path.substr(0, slash + 1);
  std::vector<std::string> patterns;
  for (const std::string& one : file.rule_files) patterns.push_back(one.starts_with('/') ? one : dir + one);
  RuleFileOptions how;
  how.ignore_unknown = options.ignore_unknown;
  std::vector<RuleGroup> groups = CLEW_TRY(load_rule_files(disk, patterns, how));
  order_groups(groups, file.group_order);
  std::unique_ptr<RE2> wanted;
  if (!options.name_regex.empty()) {
    RE2::Options quiet;
    quiet.set_log_errors(false);
    wanted = std::make_unique<RE2>(options.name_regex, quiet);
    if (!wanted->ok()) return Error(Code::kInvalid, "--run: " + quoted(options.name_regex) + ": " + wanted->error());
  }
  UnitTestOutcome outcome;
  for (const UnitTest& test : file.tests) {
    if (wanted != nullptr && !RE2::PartialMatch(test.name, *wanted)) continue;
    TestRun(file, test, groups, outcome).run();
  }
  return outcome;
}

}  // namespace clew::alert
