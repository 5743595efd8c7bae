// Rules under a simulated clock: what they write, when alerts fire, what a restart, a reload and a jump of the clock
// leave.
#include "alert/rules.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "alert/memory_metrics.h"
#include "alert/schedule.h"
#include "os/sim_clock.h"
#include "os/sim_disk.h"
#include "query/promql/duration.h"

namespace clew::alert {
namespace {

namespace promql = query::promql;
using testing::ElementsAre;

constexpr int64_t kSecond = 1'000'000'000;

class RulesTest : public testing::Test {
 protected:
  RulesTest() {
    EXPECT_TRUE(disk_.make_dirs("rules").ok());
    clock_.set(UnixNanos(begin_));
    ask_ = [this](const std::string& text, int64_t at) -> Result<promql::Answer> {
      if (broken_) return Error(Code::kCorrupt, "part 7: a checksum does not fit");
      promql::Options options;
      options.parse = rule_parse_options();
      return promql::run_instant(store_, {}, text, at, options);
    };
    options_.files = {"rules/*.yml"};
    options_.defaults.interval_millis = 30'000;
    start();
  }

  void start() {
    rules_ = std::make_unique<Rules>(RulesParts{.disk = disk_,
                                                .clock = clock_,
                                                .sink = sink_,
                                                .source = store_,
                                                .metrics = metrics_,
                                                .alerts = &told_,
                                                .ask = ask_,
                                                .access = {}},
                                     options_);
  }
  void file(const std::string& name, const std::string& text) {
    auto file = disk_.open("rules/" + name, os::OpenMode::kReplace);
    ASSERT_TRUE(file.ok());
    ASSERT_TRUE((*file)->write_at(0, text).ok());
  }
  // Goes on second by second, a sample of `cpu_usage` every 15 s as `usage` has it; runs what is due.
  void go_on(int seconds, double usage) {
    for (int i = 0; i < seconds; ++i) {
      clock_.advance(kSecond);
      int64_t millis = clock_.now().get() / 1'000'000;
      if (millis % 15'000 == 0) store_.add(cpu_, millis, usage, nullptr);
      if (rules_ != nullptr) rules_->run_due();
    }
  }
  int64_t seconds_since_begin() const { return (clock_.now().get() - begin_) / kSecond; }

  std::vector<std::string> series(const std::string& query) {
    Result<promql::Answer> answer = promql::run_instant(store_, {}, query, clock_.now().get() / 1'000'000, {});
    std::vector<std::string> out;
    if (!answer.ok()) return {answer.error().message()};
    for (const promql::ResultSeries& one : answer->series) {
      out.push_back(to_text(one.labels) + " " + promql::number_text(one.samples.values.back()));
    }
    return out;
  }
  AlertState state() { return rules_->view().at(0)->rules.at(0).state; }

  // 2026-11-30 18:00:00 UTC, and groups run at multiples of their interval from an offset below it.
  const int64_t begin_ = 1'796'061'600 * kSecond;
  os::SimDisk disk_{1};
  os::SimClock clock_;
  base::Registry metrics_;
  promql::MemorySource store_;
  MemorySink sink_{store_};
  bool broken_ = false;
  Ask ask_;
  RulesOptions options_;
  const model::Labels cpu_ = *promql::parse_labels(R"(cpu_usage{host="a"})");
  struct Told final : contract::AlertSink {
    void post(std::span<const contract::Alert> alerts) override { all.insert(all.end(), alerts.begin(), alerts.end()); }
    std::vector<contract::Alert> all;
  };
  Told told_;
  std::unique_ptr<Rules> rules_;
};

constexpr const char* kHighCpu = R"(groups:
- name: cpu
  rules:
  - alert: HighCpu
    expr: cpu_usage > 80
    for: 5m
    annotations: {summary: '{{ $labels.host }} at {{ $value }}%'}
)";

TEST_F(RulesTest, ARecordingRuleIsReadByTheNextAndEndsWithItsSeries) {
  file("a.yml", R"(groups:
- name: g
  rules:
  - {record: 'cpu:max', expr: max(cpu_usage), labels: {team: web}}
  - {record: 'cpu:twice', expr: 'cpu:max * 2'}
)");
  ASSERT_TRUE(rules_->load(options_).ok());
  go_on(60, 40);
  EXPECT_THAT(series("cpu:twice"), ElementsAre(R"(cpu:twice{team="web"} 80)"));
  store_.add(cpu_, clock_.now().get() / 1'000'000 + 1, model::stale_value(), nullptr);
  for (int i = 0; i < 60; ++i) {
    clock_.advance(kSecond);
    rules_->run_due();
  }
  EXPECT_THAT(series("{__name__=~\"cpu:.*\"}"), ElementsAre()) << "marked as ended, not left for five minutes";
}

TEST_F(RulesTest, AnAlertFiresAfterItsTimeAndNotBefore) {
  file("a.yml", kHighCpu);
  ASSERT_TRUE(rules_->load(options_).ok());
  go_on(240, 82);
  EXPECT_EQ(state(), AlertState::kPending);
  while (state() != AlertState::kFiring && seconds_since_begin() < 1000) go_on(1, 82);
  EXPECT_GE(seconds_since_begin(), 300);
  EXPECT_LE(seconds_since_begin(), 300 + 15 + 30) << "a scrape and a step";
  EXPECT_THAT(series("ALERTS"), ElementsAre(R"(ALERTS{alertname="HighCpu", alertstate="firing", host="a"} 1)"));
  EXPECT_THAT(rules_->view()[0]->rules[0].alerts[0].annotations,
              ElementsAre(std::make_pair(std::string("summary"), std::string("a at 82%"))));
  go_on(60, 20);
  EXPECT_EQ(state(), AlertState::kInactive);
  EXPECT_THAT(series("ALERTS"), ElementsAre());
}

TEST_F(RulesTest, WhoNotifiesIsToldAtOnceAgainEachMinuteAndOfTheEnd) {
  file("a.yml", kHighCpu);
  options_.defaults.externals = {.labels = {{"region", "eu"}}, .url = "http://clew"};
  ASSERT_TRUE(rules_->load(options_).ok());
  go_on(240, 82);
  EXPECT_TRUE(told_.all.empty()) << "pending";
  while (told_.all.empty() && seconds_since_begin() < 1000) go_on(1, 82);
  ASSERT_EQ(told_.all.size(), 1u);
  const contract::Alert first = told_.all[0];
  EXPECT_EQ(first.labels.at("alertname"), "HighCpu");
  EXPECT_EQ(first.labels.at("region"), "eu");
  EXPECT_EQ(first.annotations.at("summary"), "a at 82%");
  EXPECT_EQ(first.generator_url, "http://clew/graph?g0.expr=cpu_usage+%3E+80&g0.tab=1");
  EXPECT_EQ(first.ends_at.get() - first.starts_at.get(), 240 * kSecond);
  go_on(61, 82);
  ASSERT_EQ(told_.all.size(), 2u);
  EXPECT_EQ(told_.all[1].starts_at, first.starts_at);
  go_on(60, 20);
  ASSERT_EQ(told_.all.size(), 3u);
  EXPECT_LE(told_.all[2].ends_at, clock_.now());
}

TEST_F(RulesTest, ARestartDoesNotResetTheTime) {
  file("a.yml", kHighCpu);
  ASSERT_TRUE(rules_->load(options_).ok());
  go_on(180, 82);
  rules_.reset();
  go_on(20, 82);
  start();
  ASSERT_TRUE(rules_->load(options_).ok());
  go_on(60, 82);
  EXPECT_EQ(state(), AlertState::kPending);
  while (state() != AlertState::kFiring && seconds_since_begin() < 1000) go_on(1, 82);
  EXPECT_GE(seconds_since_begin(), 300);
  EXPECT_LE(seconds_since_begin(), 345);
}

TEST_F(RulesTest, ALongOutageDoesNotCountAndAResolvedAlertBeginsAnew) {
  file("a.yml", kHighCpu);
  ASSERT_TRUE(rules_->load(options_).ok());
  go_on(180, 82);
  rules_.reset();
  clock_.advance(uint64_t{1800} * kSecond);
  start();
  ASSERT_TRUE(rules_->load(options_).ok());
  int64_t back = seconds_since_begin();
  while (state() != AlertState::kFiring && seconds_since_begin() < back + 1000) go_on(1, 82);
  EXPECT_GE(seconds_since_begin() - back, 90) << "three minutes had been seen, two were left";
  EXPECT_LE(seconds_since_begin() - back, 195);
}

TEST_F(RulesTest, AFailedQueryIsAnErrorAndLeavesAlertsAsTheyAre) {
  file("a.yml", kHighCpu);
  ASSERT_TRUE(rules_->load(options_).ok());
  go_on(400, 82);
  ASSERT_EQ(state(), AlertState::kFiring);
  broken_ = true;
  go_on(60, 82);
  RuleView rule = rules_->view()[0]->rules[0];
  EXPECT_EQ(rule.status.health, Health::kErr);
  EXPECT_EQ(rule.status.last_error, "part 7: a checksum does not fit");
  EXPECT_EQ(rule.state, AlertState::kFiring);
  broken_ = false;
  go_on(60, 82);
  EXPECT_EQ(rules_->view()[0]->rules[0].status.health, Health::kOk);
  EXPECT_GE(metrics_.sum("clew_rule_evaluation_failures_total"), 1u);
}

TEST_F(RulesTest, AReloadKeepsTheStateOfRulesAndEndsThoseThatAreGone) {
  file("a.yml", kHighCpu);
  file("b.yml", "groups: [{name: r, rules: [{record: 'cpu:max', expr: max(cpu_usage)}]}]\n");
  ASSERT_TRUE(rules_->load(options_).ok());
  go_on(240, 82);
  EXPECT_THAT(series("cpu:max"), ElementsAre("cpu:max 82"));
  std::string changed = kHighCpu;
  changed.replace(changed.find("summary"), 7, "text");
  file("a.yml", changed);
  ASSERT_TRUE(disk_.remove("rules/b.yml").ok());
  ASSERT_TRUE(rules_->load(options_).ok());
  EXPECT_EQ(state(), AlertState::kPending) << "not forgotten";
  EXPECT_THAT(series("cpu:max"), ElementsAre());
  go_on(105, 82);
  EXPECT_EQ(state(), AlertState::kFiring) << "the time before the reload counts";
  file("a.yml", "groups: [{name: x, rules: [{alert: y, expr: 'up ='}]}]\n");
  Status bad = rules_->load(options_);
  ASSERT_FALSE(bad.ok());
  EXPECT_THAT(bad.error().message(), testing::StartsWith("rules/a.yml:1: group \"x\", rule 1, \"y\": could not parse"));
  EXPECT_EQ(state(), AlertState::kFiring) << "what ran before goes on";
}

TEST_F(RulesTest, AJumpOfTheClockNeitherFiresNorHoldsBack) {
  file("a.yml", kHighCpu);
  ASSERT_TRUE(rules_->load(options_).ok());
  go_on(120, 82);
  ASSERT_EQ(state(), AlertState::kPending);
  auto jump = [&](int64_t seconds) {
    clock_.set(UnixNanos(clock_.now().get() + seconds * kSecond));
    store_.add(cpu_, clock_.now().get() / 1'000'000, 82, nullptr);
  };
  jump(240);
  go_on(60, 82);
  EXPECT_EQ(state(), AlertState::kPending) << "three minutes were seen, not seven";
  jump(-3600);
  go_on(200, 82);
  EXPECT_EQ(state(), AlertState::kFiring) << "six minutes were seen";
}

TEST_F(RulesTest, KeepFiringForHoldsAFiringAlert) {
  std::string text = kHighCpu;
  text.replace(text.find("for: 5m"), 7, "for: 1m\n    keep_firing_for: 2m");
  file("a.yml", text);
  ASSERT_TRUE(rules_->load(options_).ok());
  go_on(150, 82);
  ASSERT_EQ(state(), AlertState::kFiring);
  go_on(90, 20);
  EXPECT_EQ(state(), AlertState::kFiring);
  go_on(120, 20);
  EXPECT_EQ(state(), AlertState::kInactive);
}

TEST_F(RulesTest, ALateGroupCountsWhatItMissed) {
  file("a.yml", kHighCpu);
  ASSERT_TRUE(rules_->load(options_).ok());
  go_on(60, 10);
  clock_.advance(uint64_t{300} * kSecond);
  rules_->run_due();
  EXPECT_GE(metrics_.sum("clew_rule_group_iterations_missed_total"), 8u);
}

TEST_F(RulesTest, LimitsAndEqualLabelsAreErrors) {
  store_.add(*promql::parse_labels(R"(cpu_usage{host="b"})"), begin_ / 1'000'000, 99, nullptr);
  file("a.yml", R"(groups:
- name: g
  limit: 1
  rules:
  - {record: x, expr: cpu_usage}
  - {alert: A, expr: cpu_usage > 0}
- name: h
  rules:
  - {record: y, expr: cpu_usage, labels: {host: same}}
)");
  ASSERT_TRUE(rules_->load(options_).ok());
  go_on(60, 82);
  auto view = rules_->view();
  EXPECT_EQ(view[0]->rules[0].status.last_error, "exceeded limit of 1 with 2 series");
  EXPECT_EQ(view[0]->rules[1].status.last_error, "exceeded limit of 1 with 2 alerts");
  EXPECT_EQ(view[1]->rules[0].status.last_error,
            "vector contains metrics with the same labelset after applying rule labels: y{host=\"same\"}");
}

TEST(Schedule, RunsWherePrometheusRuns) {
  // The hash is XXH64 of "file\xff" FILE "\xff" "name\xff" NAME "\xff"; the place is its rest by the interval.
  uint64_t hash = group_hash("/etc/rules.yml", "node");
  EXPECT_EQ(hash, group_hash("/etc/rules.yml", "node"));
  EXPECT_NE(hash, group_hash("/etc/rules.yml", "other"));
  UnixNanos now(1'796'061'600 * kSecond);
  UnixNanos at = last_run_before(now, 60'000, hash);
  EXPECT_LE(at, now);
  EXPECT_GT(at.get(), now.get() - 60 * kSecond);
  EXPECT_EQ(at.get() % (60 * kSecond), static_cast<int64_t>(hash % (uint64_t{60} * kSecond)));
  EXPECT_EQ(last_run_before(at, 60'000, hash), at);
}

}  // namespace
}  // namespace clew::alert
