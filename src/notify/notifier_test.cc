// The dispatcher second by second under a simulated clock: who is told when, also across restarts at every moment.
#include "notify/notifier.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <optional>

#include "notify/messages.h"
#include "notify/test_rig.h"

namespace clew::notify {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using Texts = std::vector<std::string>;

constexpr const char* kPlain = R"(
route:
  receiver: team
  group_by: [alertname]
  group_wait: 30s
  group_interval: 5m
  repeat_interval: 1h
receivers:
- name: team
  webhook_configs:
  - url: http://127.0.0.1/hook
)";

const Labels kHigh = {{"alertname", "High"}, {"instance", "a"}};
const Labels kHighB = {{"alertname", "High"}, {"instance", "b"}};

TEST(NotifierTest, AGroupWaitsThenRepeatsThenResolves) {
  Rig rig(kPlain);
  rig.post(kHigh);
  rig.run(29);
  EXPECT_THAT(rig.told(), IsEmpty());
  rig.run(1);
  EXPECT_THAT(rig.told(), ElementsAre("team@30 1/0"));
  rig.run(3599);  // flushes each five minutes say nothing new
  EXPECT_THAT(rig.told(), IsEmpty());
  rig.run(400);
  EXPECT_THAT(rig.told(), ElementsAre("team@3930 1/0"));  // the first flush after the hour
  rig.post(kHigh, 0);
  rig.run(600, false);
  EXPECT_THAT(rig.told(), ElementsAre("team@4230 0/1"));
  rig.run(7200, false);
  EXPECT_THAT(rig.told(), IsEmpty());
}

TEST(NotifierTest, WhatJoinsWithinTheWaitIsToldOfTogetherLaterWithTheInterval) {
  Rig rig(kPlain);
  rig.post(kHigh);
  rig.run(10);
  rig.post(kHighB);
  rig.run(25);
  EXPECT_THAT(rig.told(), ElementsAre("team@30 2/0"));
  rig.post({{"alertname", "High"}, {"instance", "c"}});
  rig.run(290);
  EXPECT_THAT(rig.told(), IsEmpty());
  rig.run(10);
  EXPECT_THAT(rig.told(), ElementsAre("team@330 3/0"));
}

TEST(NotifierTest, AnAlertThatNobodyPostsAgainIsResolved) {
  Rig rig(kPlain);
  rig.post(kHigh, 240);
  rig.run(30);
  EXPECT_THAT(rig.told(), ElementsAre("team@30 1/0"));
  rig.run(600, false);
  EXPECT_THAT(rig.told(), ElementsAre("team@330 0/1"));
}

TEST(NotifierTest, AnAlertOlderThanTheWaitIsToldOfAtOnce) {
  Rig rig(kPlain);
  rig.begun_[kHigh] = rig.clock_.now().get() - 60 * static_cast<int64_t>(kTestSecond);
  rig.post(kHigh);
  rig.run(1);
  EXPECT_THAT(rig.told(), ElementsAre("team@0 1/0"));
}

// At every second of an hour with a page, a join, and a resolve the process is killed: the same pages, no other.
TEST(NotifierTest, ARestartAtAnySecondNeitherPagesTwiceNorForgets) {
  auto story = [](std::optional<uint64_t> kill_at, bool power) {
    Rig rig(kPlain);
    Texts all;
    for (uint64_t second = 0; second < 1'000; ++second) {
      if (second == 0) rig.post(kHigh);
      if (second == 100) rig.post(kHighB);
      if (second == 500) rig.post(kHigh, 0);
      if (second == 700) rig.post(kHighB, 0);
      if (kill_at == second) power ? rig.crash_and_restart() : rig.kill_and_restart();
      rig.run(1);
    }
    Texts told = rig.told();
    for (std::string& one : told) one.erase(one.find('@'), one.find(' ') - one.find('@'));
    return told;
  };
  Texts undisturbed = story(std::nullopt, false);
  EXPECT_THAT(undisturbed, ElementsAre("team 1/0", "team 2/0", "team 1/1", "team 0/1"));
  for (uint64_t second = 0; second < 1'000; second += second < 40 ? 1 : 7) {
    EXPECT_EQ(story(second, false), undisturbed) << "killed at second " << second;
    EXPECT_EQ(story(second, true), undisturbed) << "without power at second " << second;
  }
}

TEST(NotifierTest, AlertsThatHoldAreGivenTimeToBePostedAfterALongOutage) {
  Rig rig(kPlain);
  rig.post(kHigh);
  rig.run(31);
  EXPECT_THAT(rig.told(), ElementsAre("team@30 1/0"));
  rig.kill_and_restart(1'200);  // longer than the alert was to last
  rig.run(50);                  // Prometheus posts within a minute
  rig.post(kHigh);
  rig.run(600);
  EXPECT_THAT(rig.told(), IsEmpty());
  rig.kill_and_restart(1'200);
  rig.run(900, false);  // and now nobody does
  EXPECT_EQ(rig.told().size(), 1u);
}

TEST(NotifierTest, AJumpOfTheClockNeitherPagesNorSticks) {
  for (int64_t hours : {-30, -1, 1, 30}) {
    Rig rig(kPlain);
    rig.post(kHigh);
    rig.run(40);
    EXPECT_THAT(rig.told(), ElementsAre("team@30 1/0"));
    rig.clock_.set(UnixNanos(rig.clock_.now().get() + hours * 3600 * static_cast<int64_t>(kTestSecond)));
    rig.run(60, false);
    rig.post(kHigh);
    rig.run(400);
    EXPECT_THAT(rig.told(), IsEmpty()) << hours;
    rig.kill_and_restart();
    rig.run(300);
    EXPECT_THAT(rig.told(), IsEmpty()) << hours << " after a restart";
    rig.post(kHigh, 0);
    rig.run(600, false);
    EXPECT_EQ(rig.told().size(), 1u) << hours;
    rig.post(kHighB);
    rig.run(31);
    EXPECT_EQ(rig.told().size(), 1u) << hours;
  }
}

// --- routes, inhibition, silences ------------------------------------------------------------------------------------

constexpr const char* kTree = R"(
route:
  receiver: rest
  group_by: ['...']
  group_wait: 0s
  group_interval: 1m
  routes:
  - matchers: ['severity=critical']
    receiver: pager
    continue: true
  - match_re: {service: 'shop|cart'}
    receiver: shop
    mute_time_intervals: [night]
    routes:
    - match: {service: cart}
      receiver: cart
inhibit_rules:
- source_matchers: [severity=critical]
  target_matchers: [severity=warning]
  equal: [cluster]
time_intervals:
- name: night
  time_intervals:
  - times: [{start_time: '00:00', end_time: '24:00'}]
receivers:
- name: rest
  webhook_configs: [{url: http://127.0.0.1/a}]
- name: pager
  webhook_configs: [{url: http://127.0.0.1/b}]
- name: shop
  webhook_configs: [{url: http://127.0.0.1/c}]
- name: cart
  webhook_configs: [{url: http://127.0.0.1/d}]
)";

TEST(NotifierTest, TheTreeChoosesReceivers) {
  Rig rig(kTree);
  rig.post({{"alertname", "A"}});
  rig.run(1);
  EXPECT_THAT(rig.told(), ElementsAre("rest@0 1/0"));
  rig.post({{"alertname", "B"}, {"severity", "critical"}, {"service", "cart"}});
  rig.run(1);
  EXPECT_THAT(rig.told(), testing::UnorderedElementsAre("pager@1 1/0", "cart@1 1/0"));
  rig.post({{"alertname", "C"}, {"service", "shop"}});
  rig.run(60);
  EXPECT_THAT(rig.told(), IsEmpty());  // all day is night
}

TEST(NotifierTest, AnAlertThatHoldsMutesThoseItInhibits) {
  Rig rig(kTree);
  Labels down = {{"alertname", "Down"}, {"severity", "critical"}, {"cluster", "x"}};
  rig.post(down);
  rig.post({{"alertname", "Slow"}, {"severity", "warning"}, {"cluster", "x"}});
  rig.post({{"alertname", "Slow"}, {"severity", "warning"}, {"cluster", "y"}});
  rig.run(2);
  EXPECT_THAT(rig.told(), testing::UnorderedElementsAre("pager@0 1/0", "rest@0 1/0"));
  ASSERT_EQ(rig.notifier_->alerts().size(), 3u);
  size_t inhibited = 0;
  for (const AlertState& a : rig.notifier_->alerts()) inhibited += a.muting.inhibited_by.size();
  EXPECT_EQ(inhibited, 1u);
  rig.post(down, 0);
  rig.run(70);
  EXPECT_THAT(rig.told(), testing::UnorderedElementsAre("pager@60 0/1", "rest@60 1/0"));
}

Silence silence_of(Rig& rig, const char* matcher, int64_t from_seconds, int64_t to_seconds) {
  Silence silence;
  silence.matchers.push_back(*parse_matcher(matcher));
  int64_t now = rig.clock_.now().get();
  silence.starts_at = UnixNanos(now + from_seconds * static_cast<int64_t>(kTestSecond));
  silence.ends_at = UnixNanos(now + to_seconds * static_cast<int64_t>(kTestSecond));
  silence.created_by = "me";
  return silence;
}

TEST(NotifierTest, ASilenceHoldsItsTimeAlsoAcrossARestart) {
  Rig rig(kPlain);
  auto id = rig.notifier_->set_silence(silence_of(rig, "instance=a", 0, 1'000));
  ASSERT_TRUE(id.ok());
  rig.post(kHigh);
  rig.run(300);
  rig.kill_and_restart();
  rig.run(650);
  EXPECT_THAT(rig.told(), IsEmpty());
  ASSERT_EQ(rig.notifier_->alerts().size(), 1u);
  EXPECT_THAT(rig.notifier_->alerts()[0].muting.silenced_by, ElementsAre(*id));
  rig.run(350);
  EXPECT_EQ(rig.told().size(), 1u);  // it ended
}

TEST(NotifierTest, ASilenceThatIsExpiredOrOfOthersMutesNothing) {
  Rig rig(kPlain);
  auto first = rig.notifier_->set_silence(silence_of(rig, "instance=a", 0, 10'000));
  auto second = rig.notifier_->set_silence(silence_of(rig, "instance=z", 0, 10'000));
  ASSERT_TRUE(first.ok() && second.ok());
  rig.post(kHigh);
  rig.run(100);
  ASSERT_TRUE(rig.notifier_->expire_silence(*first).ok());
  EXPECT_FALSE(rig.notifier_->expire_silence(*first).ok());
  EXPECT_EQ(rig.notifier_->expire_silence("none").error().code(), Code::kNotFound);
  EXPECT_EQ(rig.notifier_->silence(*first)->state(rig.clock_.now()), SilenceState::kExpired);
  rig.run(300);
  EXPECT_EQ(rig.told().size(), 1u);
}

TEST(NotifierTest, ASilenceWithWindowsHoldsWithinThemOnly) {
  Rig rig(kPlain);
  Silence silence = silence_of(rig, "instance=a", 0, 7 * 86'400);
  yaml::Mistakes wrong;
  silence.windows_json = R"([{"times":[{"start_time":"02:00","end_time":"03:00"}]}])";
  silence.windows = read_time_intervals(yaml::parse_yaml(silence.windows_json, wrong), wrong);
  ASSERT_TRUE(wrong.empty());
  ASSERT_TRUE(rig.notifier_->set_silence(silence).ok());
  rig.kill_and_restart();
  Silence kept = rig.notifier_->silences().at(0);
  int64_t day = 86'400 * static_cast<int64_t>(kTestSecond);
  int64_t hour = 3'600 * static_cast<int64_t>(kTestSecond);
  int64_t midnight = (rig.clock_.now().get() / day + 1) * day;
  EXPECT_TRUE(kept.holds(UnixNanos(midnight + 2 * hour)));
  EXPECT_FALSE(kept.holds(UnixNanos(midnight + 3 * hour)));
  EXPECT_TRUE(kept.holds(UnixNanos(midnight + day + 2 * hour + hour / 2)));
  EXPECT_FALSE(kept.holds(UnixNanos(midnight + 9 * day + 2 * hour)));  // it has ended by then
}

// --- acknowledgement and escalation ----------------------------------------------------------------------------------

constexpr const char* kEscalating = R"(
route:
  receiver: first
  group_by: [alertname]
  group_wait: 0s
  group_interval: 1m
  repeat_interval: 5m
  escalate_to: second
  escalate_after: 10m
receivers:
- name: first
  webhook_configs: [{url: http://127.0.0.1/a}]
- name: second
  webhook_configs: [{url: http://127.0.0.1/b}]
)";

size_t count_of(const Texts& told, const std::string& receiver) {
  return static_cast<size_t>(
      std::count_if(told.begin(), told.end(), [&](const std::string& one) { return one.starts_with(receiver + "@"); }));
}

TEST(NotifierTest, WhatNobodyAcknowledgesGoesToTheSecondReceiver) {
  Rig rig(kEscalating);
  rig.post(kHigh);
  rig.run(300);
  rig.kill_and_restart();  // the time goes on
  rig.run(299);
  EXPECT_EQ(count_of(rig.told(), "second"), 0u);
  rig.run(2);
  EXPECT_EQ(count_of(rig.told(), "second"), 1u);
  rig.kill_and_restart();
  rig.run(100);
  EXPECT_EQ(count_of(rig.told(), "second"), 0u);
  rig.post(kHigh, 0);
  rig.run(120, false);
  EXPECT_EQ(count_of(rig.told(), "second"), 1u);  // both hear that it is over
}

TEST(NotifierTest, WhatIsAcknowledgedIsNeitherEscalatedNorRepeated) {
  Rig rig(kEscalating);
  rig.post(kHigh);
  rig.run(10);
  ASSERT_EQ(rig.notifier_->groups().size(), 1u);
  std::string key = rig.notifier_->groups()[0].key;
  EXPECT_EQ(key, R"({}:{alertname="High"})");
  EXPECT_EQ(rig.notifier_->acknowledge("other", "me", "").error().code(), Code::kNotFound);
  ASSERT_TRUE(rig.notifier_->acknowledge(key, "me", "on it").ok());
  rig.told();
  rig.run(60);
  rig.kill_and_restart();
  rig.run(1'800);
  EXPECT_THAT(rig.told(), IsEmpty());
  EXPECT_EQ(rig.notifier_->groups()[0].care->acked_by, "me");
  rig.post(kHigh, 0);
  rig.run(120, false);
  EXPECT_EQ(count_of(rig.told(), "first"), 1u);  // that it is over is told
  rig.run(120, false);
  rig.post(kHigh);  // and it begins anew
  rig.run(700);
  EXPECT_EQ(count_of(rig.told(), "second"), 1u);
}

// --- channels that fail ----------------------------------------------------------------------------------------------

Outcome failure(bool retry) { return {.ok = false, .retry = retry, .status = 500, .error = "broken", .memory = {}}; }

TEST(NotifierTest, AFailureIsTriedAgainWithGrowingWaits) {
  Rig rig(kPlain);
  for (int i = 0; i < 6; ++i) rig.outcomes_.push_back(failure(true));
  rig.post(kHigh);
  rig.run(100);
  std::vector<Delivery> tries = rig.notifier_->deliveries();
  ASSERT_EQ(tries.size(), 7u);
  for (size_t i = 0; i < 6; ++i) EXPECT_TRUE(!tries[i].ok && tries[i].again) << i;
  EXPECT_TRUE(tries[6].ok);
  EXPECT_EQ(tries[6].attempt, 7u);
  rig.run(1'000);
  EXPECT_EQ(rig.notifier_->deliveries().size(), 7u);  // told once
}

TEST(NotifierTest, AChannelThatIsDeadIsAnAlertOfItsOwn) {
  Rig rig(kPlain);
  rig.outcomes_.push_back(failure(false));
  rig.post(kHigh);
  rig.run(31);
  auto names = [&] {
    Texts out;
    for (const AlertState& a : rig.notifier_->alerts()) out.push_back(value_of(a.alert.alert.labels, "alertname"));
    return out;
  };
  EXPECT_THAT(names(), testing::UnorderedElementsAre("High", "ClewNotificationsFailing"));
  rig.run(400);  // the next flush succeeds: the page is not lost, and the channel is well again
  EXPECT_THAT(names(), ElementsAre("High"));
  EXPECT_EQ(rig.metrics_->sum("clew_alertmanager_notifications_failed_total"), 1u);
}

// Each operation of the disk fails in turn: nothing is told twice beyond the one that could not be written down.
TEST(NotifierTest, AFullDiskStopsNoPage) {
  Rig rig(kPlain);
  rig.run(1);
  rig.disk_->set_total_bytes(1);
  rig.post(kHigh);
  rig.run(40);
  EXPECT_EQ(rig.told().size(), 1u);
}

TEST(NotifierTest, ANewConfigurationTakesWhatIsThere) {
  Rig rig(kPlain);
  rig.post(kHigh);
  rig.run(40);
  rig.told();
  yaml::Mistakes mistakes;
  rig.notifier_->set_config(std::make_shared<const Config>(read_config(kPlain, Templates::kNotServed, mistakes)));
  rig.run(600);
  EXPECT_THAT(rig.told(), IsEmpty());
}

TEST(NotifierTest, TheStateStaysSmallThroughManyPosts) {
  Rig rig(kPlain);
  Labels labels = {{"alertname", "Big"}, {"text", std::string(2'000, 'x')}};
  for (int i = 0; i < 6'000; ++i) rig.post(labels);
  uint64_t bytes = 0;
  for (const std::string& file : rig.disk_->files()) bytes += rig.disk_->contents(file).size();
  EXPECT_LT(bytes, 8u << 20);  // 12 MB were written
  rig.kill_and_restart();
  EXPECT_EQ(rig.notifier_->alerts().size(), 1u);
}

TEST(NotifierTest, AnAlertWithoutLabelsIsRefused) {
  Rig rig(kPlain);
  std::vector<contract::Alert> alerts(2);
  alerts[0].labels = {{"a", ""}};
  alerts[1].labels = {{"alertname", "Good"}};
  auto refused = rig.notifier_->take(alerts);
  ASSERT_TRUE(refused.ok());
  EXPECT_THAT(*refused, ElementsAre("at least one label pair required"));
  EXPECT_EQ(rig.notifier_->alerts().size(), 1u);
}

}  // namespace
}  // namespace clew::notify
