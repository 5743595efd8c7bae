// docs/formats/notify.md shows what is written.
#include <gtest/gtest.h>

#include "base/bytes.h"
#include "base/test_page.h"
#include "notify/records.h"

namespace clew::notify {
namespace {

TEST(NotifyPageTest, ThePageShowsWhatIsWritten) {
  LogEntry entry{.at = UnixNanos(1'000), .expires_at = UnixNanos(2'000), .firing = {7}, .resolved = {}, .memory = {}};
  std::string meta;
  base::Writer out(meta);
  out.string(encode_log(log_key("{}:{}", "team", "webhook", 0), entry));
  out.string(encode_alert_gone(7));
  EXPECT_EQ(base::hex_dump(meta), base::page_example("docs/formats/notify.md", "records"));
}

TEST(NotifyPageTest, WhatIsWrittenIsRead) {
  Records all;
  StoredAlert alert;
  alert.alert.labels = {{"a", "b"}};
  alert.alert.annotations = {{"c", "d\n\"e\""}};
  alert.alert.starts_at = UnixNanos(5);
  alert.alert.ends_at = UnixNanos(9);
  alert.alert.generator_url = "u";
  alert.updated_at = UnixNanos(6);
  alert.timed_out = true;
  alert.fingerprint = fingerprint(alert.alert.labels);
  all.alerts[alert.fingerprint] = alert;
  Silence silence;
  silence.id = "s";
  silence.matchers = {*parse_matcher("a!~\"x.*\""), *parse_matcher("b=")};
  silence.windows_json = R"([{"weekdays":["monday"]}])";
  all.silences["s"] = silence;
  all.log["k"] = {.at = UnixNanos(1),
                  .expires_at = UnixNanos(2),
                  .firing = {1, UINT64_MAX},
                  .resolved = {3},
                  .memory = {{"ts", "4"}}};
  all.care["g"] = {
      .first_told_at = UnixNanos(1), .acked_at = UnixNanos(2), .acked_by = "me", .ack_comment = "c", .escalated = true};
  Records read;
  for (const std::string& record : encode_all(all)) ASSERT_TRUE(apply_record(record, read).ok()) << record;
  EXPECT_EQ(encode_all(read), encode_all(all));
  EXPECT_EQ(read.silences["s"].windows.size(), 1u);
  for (const std::string& record :
       {encode_alert_gone(alert.fingerprint), encode_silence_gone("s"), encode_log_gone("k"), encode_care_gone("g")}) {
    ASSERT_TRUE(apply_record(record, read).ok());
  }
  EXPECT_TRUE(encode_all(read).empty());
}

TEST(NotifyPageTest, DamageIsTold) {
  Records read;
  for (const char* bad : {"", "{", "[]", "{}", R"({"k":"log"})", R"({"k":"silence","id":1})", R"({"k":7})"}) {
    EXPECT_EQ(apply_record(bad, read).error().code(), Code::kCorrupt) << bad;
  }
  EXPECT_EQ(apply_record(R"({"k":"later"})", read).error().code(), Code::kUnsupported);
}

}  // namespace
}  // namespace clew::notify
