#include "text/time_format.h"

#include <gtest/gtest.h>

namespace clew::text {
namespace {

constexpr int64_t kNow = 1'795'171'025'000'000'000;  // 2026-11-20T10:37:05Z

struct Case {
  const char* text;
  int64_t nanos;
  const char* flags = "";  // z: zone assumed, y: year assumed
};

constexpr int64_t kSecond = 1'000'000'000;
constexpr int64_t kBase = 1'795'171'025 * kSecond;

const Case kCases[] = {
    {"2026-11-20T10:37:05Z", kBase},
    {"2026-11-20T10:37:05.484720Z", kBase + 484'720'000},
    {"2026-11-20T10:37:05.123456789Z", kBase + 123'456'789},
    {"2026-11-20T10:37:05.1234567891234Z", kBase + 123'456'789},
    {"2026-11-20t10:37:05z", kBase},
    {"2026-11-20 10:37:05,479", kBase + 479'000'000, "z"},
    {"2026-11-20T10:37:05", kBase, "z"},
    {"2026-11-20T17:37:05+07:00", kBase},
    {"2026-11-20T17:37:05.5+0700", kBase + 500'000'000},
    {"2026-11-20 17:37:05 +07", kBase},
    {"2026-11-20 03:37:05.250 -0700", kBase + 250'000'000},
    {"2026-11-20 10:37:05 UTC", kBase},
    {"2026-11-20 11:37:05 CET", kBase},
    {"2026-11-20 17:37:05 Asia/Ho_Chi_Minh", kBase},
    {"2026/11/20 10:37:05", kBase, "z"},
    {"2026-11-20T10:37Z", kBase - 5 * kSecond},
    {"20261120T103705Z", kBase},
    {"20/Nov/2026:10:37:05 +0000", kBase},
    {"20/Nov/2026:03:37:05 -0700", kBase},
    {"20-Nov-2026 10:37:05", kBase, "z"},
    {"Nov 20 10:37:05", kBase, "zy"},
    {"Nov  2 10:37:05", kBase - 18 * 86400 * kSecond, "zy"},
    {"Dec 25 10:37:05", kBase - 330 * 86400 * kSecond, "zy"},
    {"Fri Nov 20 10:37:05 2026", kBase, "z"},
    {"Fri Nov 20 10:37:05.485123 2026", kBase + 485'123'000, "z"},
    {"Fri Nov 20 11:37:05 CET 2026", kBase},
    {"Fri, 20 Nov 2026 10:37:05 GMT", kBase},
    {"Nov 20, 2026 10:37:05 AM", kBase, "z"},
    {"Nov 20, 2026 12:37:05 AM", kBase - 36000 * kSecond, "z"},
    {"11/20/2026 10:37:05", kBase, "z"},
    {"20.11.2026 10:37:05", kBase, "z"},
    {"26/11/20 10:37:05", kBase, "z"},
    {"261120 10:37:05", kBase, "z"},
    {"I1120 10:37:05.485123", kBase + 485'123'000, "zy"},
    {"2026-11-20", kBase - 38225 * kSecond, "z"},
    {"1795171025", kBase},
    {"1795171025.4847078", kBase + 484'707'800},
    {"1795171025484", kBase + 484'000'000},
    {"1795171025484720", kBase + 484'720'000},
    {"1795171025484720001", kBase + 484'720'001},
    {"[2026-11-20T10:37:05Z]", kBase},
    {"2028-02-29T00:00:00Z", 1'835'395'200 * kSecond},
};

TEST(TimeFormat, EveryLayout) {
  TimeReader reader;
  for (const Case& c : kCases) {
    std::optional<Time> t = reader.parse(c.text, {{}, kNow});
    ASSERT_TRUE(t) << c.text;
    EXPECT_EQ(t->unix_nanos, c.nanos) << c.text;
    std::string flags = std::string(t->assumed_zone ? "z" : "") + (t->assumed_year ? "y" : "");
    EXPECT_EQ(flags, c.flags) << c.text;
  }
}

TEST(TimeFormat, WhatIsNoTime) {
  TimeReader reader;
  for (const char* text : {"", "x", "2026-13-01T00:00:00Z", "2026-02-29T00:00:00Z", "2026-11-20T24:00:00Z", "12", "-1",
                           "Nov 31 10:00:00", "10:37:05", "2026-11-20T10:37:05Zx", "20261120", "1.5.2"}) {
    EXPECT_FALSE(reader.parse(text, {{}, kNow})) << text;
  }
  EXPECT_TRUE(reader.parse("9999-12-31T23:59:59Z", {{}, kNow})->out_of_range);
  EXPECT_TRUE(reader.parse("0001-01-01T00:00:00Z", {{}, kNow})->out_of_range);
}

TEST(TimeFormat, ZonesOfTimesWithoutOne) {
  TimeReader reader;
  TimeContext hanoi{*Zone::find("Asia/Ho_Chi_Minh"), kNow};
  EXPECT_EQ(reader.parse("2026-11-20 17:37:05,963", hanoi)->unix_nanos, kBase + 963'000'000);
  TimeContext berlin{*Zone::find("Europe/Berlin"), kNow};
  EXPECT_EQ(reader.parse("2026-07-20 12:37:05", berlin)->unix_nanos,
            reader.parse("2026-07-20 10:37:05Z", {})->unix_nanos);
  // 02:30 does not exist on the day the clocks go forward; it is taken with the offset before.
  EXPECT_EQ(reader.parse("2026-03-29 02:30:00", berlin)->unix_nanos,
            reader.parse("2026-03-29 01:30:00Z", {})->unix_nanos);
  EXPECT_FALSE(Zone::find("Mars/Olympus"));
  EXPECT_FALSE(Zone::find("../../etc/passwd"));
  EXPECT_TRUE(Zone::find("-03:30"));
  EXPECT_FALSE(Zone::find("+99:00"));
}

TEST(TimeFormat, PrefixesLeaveTheRest) {
  TimeReader reader;
  size_t used = 0;
  const std::pair<const char*, const char*> kLines[] = {
      {"2026-11-20 10:37:05,485 - INFO - x", " - INFO - x"},
      {"2026-11-20 10:37:05.123 [INFO] user", " [INFO] user"},
      {"2026-11-20 10:37:05 INFO x", " INFO x"},
      {"2026-11-20 10:37:05 UTC [12] LOG:  x", " [12] LOG:  x"},
      {"Nov 20 10:37:05 host sshd[1]: x", " host sshd[1]: x"},
      {"Nov 20 10:37:05 2026 x", " x"},
      {"I1120 10:37:05.485123   1 a.cc:1] x", "   1 a.cc:1] x"},
      {"20/Nov/2026:10:37:05 +0000] \"GET", "] \"GET"},
  };
  for (auto [line, rest] : kLines) {
    ASSERT_TRUE(reader.parse_prefix(line, {{}, kNow}, used)) << line;
    EXPECT_EQ(std::string_view(line).substr(used), rest);
  }
  EXPECT_FALSE(reader.parse_prefix("12345 x", {{}, kNow}, used));
  EXPECT_FALSE(reader.parse_prefix("2026-11-20 x", {{}, kNow}, used));
}

TEST(TimeFormat, CutTextsDoNotCrash) {
  TimeReader reader;
  size_t used = 0;
  for (const Case& c : kCases) {
    std::string text = c.text;
    for (size_t n = 0; n <= text.size(); ++n) {
      (void)reader.parse(std::string(text.substr(0, n)), {{}, kNow});
      (void)reader.parse_prefix(std::string(text.substr(n)), {{}, kNow}, used);
    }
  }
}

}  // namespace
}  // namespace clew::text
