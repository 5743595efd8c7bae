// Alertmanager's configuration: what is understood, and what is told by line.
#include "notify/config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "notify/channel_sender.h"
#include "notify/messages.h"

namespace clew::notify {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr const char* kWhole = R"(global:
  resolve_timeout: 10m
  smtp_smarthost: 'mail:587'
  smtp_from: 'clew@example.org'
  smtp_auth_username: u
  smtp_auth_password: 'top secret'
  slack_api_url: https://hooks.slack.com/services/T/B/X
route:
  receiver: team
  group_by: [alertname, cluster]
  routes:
  - receiver: db
    matchers: ['service=~"mysql|pg"', 'severity="critical"']
    group_wait: 10s
    routes:
    - match: {owner: dba}
      match_re: {az: 'eu-.*'}
      repeat_interval: 1d
receivers:
- name: team
  slack_configs:
  - channel: '#ops'
    send_resolved: true
- name: db
  email_configs:
  - to: db@example.org
  pagerduty_configs:
  - routing_key: verysecret
    severity: critical
    details: {team: db}
)";

TEST(NotifyConfigTest, ReadsWhatAlertmanagerReads) {
  yaml::Mistakes mistakes;
  Config config = read_config(kWhole, Templates::kNotServed, mistakes);
  for (const auto& one : mistakes) ADD_FAILURE() << one.line << ": " << one.message;
  ASSERT_EQ(config.routes.size(), 3u);
  EXPECT_EQ(config.resolve_timeout_ns, 600'000'000'000u);
  EXPECT_EQ(config.routes[0].key, "{}");
  EXPECT_EQ(config.routes[1].key, R"({}/{service=~"mysql|pg",severity="critical"})");
  EXPECT_EQ(config.routes[2].key, R"({}/{service=~"mysql|pg",severity="critical"}/{az=~"^(?:eu-.*)$",owner="dba"})");
  EXPECT_EQ(config.routes[2].receiver, "db");
  EXPECT_EQ(config.routes[2].group_wait_ns, 10'000'000'000u);
  EXPECT_EQ(config.routes[2].repeat_interval_ns, 86'400'000'000'000u);
  EXPECT_EQ(config.routes[2].group_by, (std::set<std::string>{"alertname", "cluster"}));
  EXPECT_THAT(config.routes_of({{"service", "pg"}, {"severity", "critical"}}), ElementsAre(1));
  EXPECT_THAT(config.routes_of({{"service", "pgx"}, {"severity", "critical"}}), ElementsAre(0));
  const Receiver* db = config.receiver("db");
  ASSERT_NE(db, nullptr);
  ASSERT_EQ(db->channels.size(), 2u);
  EXPECT_EQ(db->channels[0].text("url"), "https://events.pagerduty.com/v2/enqueue");
  EXPECT_EQ(db->channels[1].text("smarthost"), "mail:587");
  EXPECT_FALSE(db->channels[1].send_resolved);
  EXPECT_TRUE(config.receiver("team")->channels[0].send_resolved);
}

TEST(NotifyConfigTest, SecretsAreMaskedInWhatIsShown) {
  yaml::Mistakes mistakes;
  Config config = read_config(kWhole, Templates::kNotServed, mistakes);
  for (const char* secret : {"top secret", "verysecret", "services/T/B/X"}) {
    EXPECT_EQ(config.shown.find(secret), std::string::npos) << config.shown;
  }
  EXPECT_THAT(config.shown, HasSubstr("routing_key: <secret>"));
  yaml::Mistakes again;
  Config reread = read_config(config.shown, Templates::kNotServed, again);
  for (const auto& one : again) ADD_FAILURE() << one.line << ": " << one.message << "\n" << config.shown;
  EXPECT_EQ(reread.routes.size(), 3u);
  EXPECT_EQ(reread.routes[2].key, config.routes[2].key);
  EXPECT_EQ(reread.shown, config.shown);
}

struct Wrong {
  const char* text;
  uint32_t line;
  const char* says;
};

TEST(NotifyConfigTest, MistakesAreToldByLine) {
  const Wrong cases[] = {
      {"route: {receiver: x}\nreceivers:\n- name: y\n", 1, "no receiver is named"},
      {"route:\n  receiver: y\n  group_wiat: 5s\nreceivers:\n- name: y\n", 3, "group_wiat"},
      {"route:\n  receiver: y\n  group_interval: 5x\nreceivers:\n- name: y\n", 3, "no duration"},
      {"route:\n  receiver: y\n  routes:\n  - matchers: ['a=~\"(\"']\nreceivers:\n- name: y\n", 4,
       "regular expression"},
      {"route: {receiver: y}\nreceivers:\n- name: y\n  victorops_configs:\n  - api_key: a\n", 4, "not served"},
      {"route: {receiver: y}\nreceivers:\n- name: y\n  slack_configs:\n  - channel: a\n", 5, "api_url"},
      {"route: {receiver: y}\nreceivers:\n- name: y\n  webhook_configs:\n  - url: http://a\n    http_config:\n      "
       "proxy_url: http://p\n",
       7, "not served"},
      {"route: {receiver: y, mute_time_intervals: [z]}\nreceivers:\n- name: y\n", 1, "no time interval"},
      {"route: {receiver: y, escalate_to: y}\nreceivers:\n- name: y\n", 1, "belong together"},
      {"receivers:\n- name: y\n", 1, "no route"},
      {"route: {receiver: y}\nreceivers:\n- name: y\n  slack_configs:\n  - api_url: http://a\n    text: '{{ .Status "
       "}}'\n",
       6, "templates"},
  };
  for (const Wrong& one : cases) {
    yaml::Mistakes mistakes;
    read_config(one.text, Templates::kNotServed, mistakes);
    ASSERT_FALSE(mistakes.empty()) << one.text;
    EXPECT_EQ(mistakes[0].line, one.line) << one.text << mistakes[0].message;
    EXPECT_THAT(mistakes[0].message, HasSubstr(one.says)) << one.text;
  }
}

TEST(NotifyConfigTest, MatchersAsPeopleWriteThem) {
  struct Case {
    const char* text;
    const char* printed;
  };
  for (const Case& one :
       {Case{"a=b", R"(a="b")"}, Case{R"( a != "x, y" )", R"(a!="x, y")"}, Case{R"(a=~"b.*")", R"(a=~"b.*")"},
        Case{R"(a!~"q\"uote")", R"(a!~"q\"uote")"}, Case{"a=", R"(a="")"}}) {
    Result<Matcher> parsed = parse_matcher(one.text);
    ASSERT_TRUE(parsed.ok()) << one.text;
    EXPECT_EQ(parsed->text(), one.printed);
  }
  Result<Matchers> several = parse_matchers(R"({a="1,2", b=~"x|y",})");
  ASSERT_TRUE(several.ok());
  EXPECT_EQ(matchers_text(*several), R"({a="1,2",b=~"x|y"})");
  for (const char* bad : {"", "a", "=b", "1a=b", R"(a="b)", R"(a=b"c)", R"(a=~"(")"})
    EXPECT_FALSE(parse_matcher(bad).ok()) << bad;
  EXPECT_TRUE(parse_matcher("missing=\"\"")->matches({}));
  EXPECT_FALSE(parse_matcher("a=~\"b\"")->matches({{"a", "abc"}}));
}

TEST(NotifyConfigTest, TimeIntervals) {
  yaml::Mistakes mistakes;
  auto intervals = read_time_intervals(yaml::parse_yaml(R"(
- times: [{start_time: '17:00', end_time: '24:00'}]
  weekdays: ['monday:friday']
  location: Europe/Berlin
- days_of_month: ['-1']
  months: ['february', '11']
  years: ['2026:2027']
)",
                                                        mistakes),
                                       mistakes);
  ASSERT_TRUE(mistakes.empty()) << mistakes[0].message;
  auto at = [](int64_t seconds) { return UnixNanos(seconds * 1'000'000'000); };
  EXPECT_TRUE(intervals[0].contains(at(1796054400)));            // Mon 2026-11-30 16:00 UTC is 17:00 in Berlin
  EXPECT_FALSE(intervals[0].contains(at(1796054340)));           // a minute earlier
  EXPECT_FALSE(intervals[0].contains(at(1796054400 - 86'400)));  // Sunday
  EXPECT_TRUE(intervals[1].contains(at(1796054400)));            // the last of November
  EXPECT_FALSE(intervals[1].contains(at(1796054400 - 86'400)));
  for (const char* bad :
       {"- times: [{start_time: '18:00', end_time: '17:00'}]", "- weekdays: [someday]", "- days_of_month: ['0']",
        "- months: ['13']", "- location: Nowhere/City", "- hours: [1]", "- years: ['2027:2026']"}) {
    yaml::Mistakes wrong;
    read_time_intervals(yaml::parse_yaml(bad, wrong), wrong);
    EXPECT_FALSE(wrong.empty()) << bad;
  }
}

TEST(NotifyConfigTest, FingerprintsAndKeysAreAlertmanagers) {
  EXPECT_EQ(fingerprint_text(fingerprint({})), "cbf29ce484222325");
  EXPECT_EQ(labels_text({{"a", "x\"y"}, {"b", "2"}}), R"({a="x\"y", b="2"})");
  EXPECT_TRUE(before_in_notification({{"job", "a"}, {"x", "2"}}, {{"job", "b"}}));
  EXPECT_TRUE(before_in_notification({{"job", "b"}}, {{"instance", "a"}}));
  EXPECT_EQ(dedup_key("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(go_time(UnixNanos(1796054400'120'000'000)), "2026-11-30T16:00:00.12Z");
  EXPECT_EQ(cut_to("äöü", 3), "äöü");
  EXPECT_EQ(cut_to("äöüx", 3), "äö…");
}

TEST(NotifyConfigTest, LinkLocalAddresses) {
  for (const char* ip : {"169.254.169.254", "169.254.0.1", "fe80::1", "fe80::1%eth0", "febf::1",
                         "::ffff:169.254.169.254", "64:ff9b::a9fe:a9fe", "fd00:ec2::254"}) {
    EXPECT_TRUE(is_link_local(ip)) << ip;
  }
  for (const char* ip : {"127.0.0.1", "10.0.0.1", "169.253.1.1", "::1", "fec0::1", "2001:db8::1", "fd00:ec2::253"}) {
    EXPECT_FALSE(is_link_local(ip)) << ip;
  }
}

}  // namespace
}  // namespace clew::notify
