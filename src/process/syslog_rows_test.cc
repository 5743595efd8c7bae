#include "process/syslog_rows.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>

#include "model/batch_text.h"

namespace clew::process {
namespace {

constexpr int64_t kNow = 1'796'229'063'000'000'000;  // 2026-12-02T16:31:03Z

// Rows of messages, one batch.
class Received {
 public:
  Received() {
    writer_.attach(batch_, {.arrival = UnixNanos(kNow), .zone = {}});
    rows_.arrive({}, kNow);
  }
  bool add(std::string_view message, const SyslogSender& sender = {.address = "192.0.2.7", .own_host = {}},
           Whole whole = Whole::kYes) {
    return rows_.add(message, sender, whole);
  }
  std::string last() { return model::row_text(batch_, batch_.rows() - 1); }
  uint32_t rows() const { return batch_.rows(); }
  // A field of the last row as JSON, or nothing.
  std::string field(std::string_view name) {
    std::string row = last();
    std::string key = "\"" + std::string(name) + "\":";
    size_t at = row.find(key);
    if (at == std::string::npos) return {};
    size_t begin = at + key.size();
    size_t end = row[begin] == '"' ? begin + 1 : row.find_first_of(",}", begin);
    if (row[begin] == '"') {
      while (row[end] != '"') end += row[end] == '\\' ? 2 : 1;
      ++end;
    }
    return row.substr(begin, end - begin);
  }

 private:
  model::Batch batch_;
  wire::RowWriter writer_;
  SyslogRows rows_{writer_};
};

TEST(SyslogRows, Rfc5424WithStructuredData) {
  Received in;
  ASSERT_TRUE(in.add(
      "<165>1 2003-10-11T22:14:15.003Z host.example app 123 ID47 "
      "[a@1 k=\"v\" q=\"x\\\"y\\\\z\\]\" p=\"c:\\temp\"][opentelemetry trace_id=\"0af7651916cd43dd8448eb211c80319c\"] "
      "\xef\xbb\xbfwhat happened"));
  EXPECT_EQ(in.field("_time"), "\"2003-10-11T22:14:15.003Z\"");
  EXPECT_EQ(in.field("host.name"), "\"host.example\"");
  EXPECT_EQ(in.field("program"), "\"app\"");
  EXPECT_EQ(in.field("process.pid"), "123");
  EXPECT_EQ(in.field("syslog.msgid"), "\"ID47\"");
  EXPECT_EQ(in.field("level"), "\"notice\"");
  EXPECT_EQ(in.field("syslog.facility"), "\"local4\"");
  EXPECT_EQ(in.field("syslog.a@1.k"), "\"v\"");
  EXPECT_EQ(in.field("syslog.a@1.q"), R"("x\"y\\z]")");
  EXPECT_EQ(in.field("syslog.a@1.p"), R"("c:\\temp")") << "a backslash before anything else is itself";
  EXPECT_EQ(in.field("trace_id"), "\"0af7651916cd43dd8448eb211c80319c\"");
  EXPECT_EQ(in.field("message"), "\"what happened\"");
  EXPECT_EQ(in.field("log.source.address"), "\"192.0.2.7\"");
  EXPECT_EQ(in.field("_flags"), "");
}

TEST(SyslogRows, Rfc3164AndItsRelatives) {
  struct Case {
    std::string_view message, host, program, text;
  };
  const Case cases[] = {
      {"<34>Oct 11 22:14:15 mymachine su[7]: 'su root' failed", "mymachine", "su", "'su root' failed"},
      {"<13>Oct 11 22:14:15 10.0.0.7 no tag here", "10.0.0.7", "", "no tag here"},
      {"<13>Oct 11 22:14:15 tool: written to /dev/log", "", "tool", "written to /dev/log"},
      {"<13>2026-11-30T10:00:00+01:00 web7 nginx: GET /", "web7", "nginx", "GET /"},
      {"<13>tool[12]: neither time nor host", "", "tool", "neither time nor host"},
      {"<13>just words", "", "", "just words"},
      {"<189>Oct 11 22:14:15: %SYS-5-CONFIG_I: configured", "", "", "%SYS-5-CONFIG_I: configured"},
      {"Oct 11 22:14:15 box cron[3]: a line of a file", "box", "cron", "a line of a file"},
  };
  for (const Case& c : cases) {
    Received in;
    ASSERT_TRUE(in.add(c.message)) << c.message;
    auto quoted_text = [](std::string_view s) { return s.empty() ? std::string() : "\"" + std::string(s) + "\""; };
    EXPECT_EQ(in.field("host.name"), quoted_text(c.host)) << c.message;
    EXPECT_EQ(in.field("program"), quoted_text(c.program)) << c.message;
    EXPECT_EQ(in.field("message"), quoted_text(c.text)) << c.message;
  }
}

TEST(SyslogRows, AUnixSocketsMessagesAreOfThisMachine) {
  Received in;
  ASSERT_TRUE(in.add("<13>Oct 11 22:14:15 two words: and more", {.address = {}, .own_host = "me"}));
  EXPECT_EQ(in.field("host.name"), "\"me\"");
  EXPECT_EQ(in.field("message"), "\"two words: and more\"");
}

TEST(SyslogRows, EveryByteIsKeptAndWhatIsWrongIsFlagged) {
  Received in;
  EXPECT_FALSE(in.add(""));
  EXPECT_FALSE(in.add("  \n"));
  const std::string_view bad[] = {"no priority",
                                  "<999>1 - - - - - - x",
                                  "<13>1 yesterday - - - - - x",
                                  "<13>1 2",
                                  "<13>1 - - - - - [unclosed x=\"1",
                                  "<>x",
                                  "<13",
                                  "\x01\xff"};
  for (std::string_view message : bad) {
    ASSERT_TRUE(in.add(message)) << message;
    EXPECT_NE(in.field("_flags"), "") << message;
    EXPECT_NE(in.field("_raw"), "") << message;
    EXPECT_NE(in.field("message"), "") << message;
  }
  ASSERT_TRUE(in.add("<13>x", {}, Whole::kCut));
  EXPECT_EQ(in.rows(), std::size(bad) + 1);
}

TEST(SyslogRows, BytesAreKeptWhereFieldsDoNotSayEverything) {
  Received in;
  ASSERT_TRUE(in.add("<165>1 2003-10-11T22:14:15.003Z h a 123 ID47 [a k=\"\"][origin] text"));
  EXPECT_EQ(in.field("_raw"), "");
  EXPECT_EQ(in.field("syslog.a.k"), "\"\"");
  EXPECT_EQ(in.field("syslog.origin"), "true");
  ASSERT_TRUE(in.add("<13>2026-11-30T10:00:00+01:00 web7 nginx: GET /"));
  EXPECT_EQ(in.field("_raw"), "");
  for (std::string_view message :
       {"<165>1 - h a - - [a k=\"1\" k=\"2\"] twice", "<34>Oct 11 22:14:15 h su: no year", "<13>no form"}) {
    ASSERT_TRUE(in.add(message));
    EXPECT_NE(in.field("_raw"), "") << message;
  }
}

TEST(SyslogRows, CutAtEveryByteEachIsOneRow) {
  std::string_view whole = "<165>1 2003-10-11T22:14:15.003Z host.example app 123 ID47 [a@1 k=\"v\\\"\"] text";
  Received in;
  for (size_t n = 1; n <= whole.size(); ++n) ASSERT_TRUE(in.add(whole.substr(0, n)));
  EXPECT_EQ(in.rows(), whole.size());
}

// Telegraf's cases: input.txt with either expected.out in its line protocol, or expected.err.
std::string read(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

// "syslog,tag=value,... field=value,... 0": the pairs, numbers without their type.
std::map<std::string, std::string> expected_fields(const std::string& line) {
  std::map<std::string, std::string> out;
  size_t at = line.find(',');
  while (at != std::string::npos && at < line.size()) {
    size_t equals = line.find('=', ++at);
    if (equals == std::string::npos) break;
    std::string key = line.substr(at, equals - at);
    std::string value;
    at = equals + 1;
    if (line[at] == '"') {
      for (++at; line[at] != '"'; ++at) value.push_back(line[at] == '\\' ? line[++at] : line[at]);
      ++at;
    } else {
      while (at < line.size() && line[at] != ',' && line[at] != ' ') value.push_back(line[at++]);
    }
    out[key] = value;
    if (at < line.size() && line[at] == ' ' && line.find('=', at) == std::string::npos) break;
  }
  return out;
}

TEST(TelegrafSuite, FieldsAreTheSameByOurNames) {
  std::filesystem::path suite = "../shared/suites/telegraf-syslog";
  if (!std::filesystem::exists(suite)) GTEST_SKIP() << "no ../shared";
  // Ours are texts: facility and severity have no code beside them, and the version is not kept.
  const std::map<std::string, std::string> names = {{"appname", "program"},
                                                    {"hostname", "host.name"},
                                                    {"facility", "syslog.facility"},
                                                    {"severity", "level"},
                                                    {"message", "message"},
                                                    {"msgid", "syslog.msgid"},
                                                    {"procid", "process.pid"},
                                                    {"origin", "syslog.origin"},
                                                    {"meta_sequence", "syslog.meta.sequence"},
                                                    {"meta_service", "syslog.meta.service"}};
  size_t passed = 0;
  size_t failed = 0;
  size_t kept = 0;  // that Telegraf refuses and we keep
  for (const auto& folder : std::filesystem::directory_iterator(suite)) {
    if (!folder.is_directory()) continue;
    Received in;
    in.add(read(folder.path() / "input.txt"));
    std::string want = read(folder.path() / "expected.out");
    if (want.empty()) {
      ++kept;
      EXPECT_EQ(in.rows(), 1u) << folder.path();
      continue;
    }
    bool same = true;
    for (const auto& [key, value] : expected_fields(want)) {
      auto name = names.find(key);
      if (name == names.end()) continue;
      std::string got = in.field(name->second);
      std::string text;
      for (size_t i = 0; i < got.size(); ++i) {
        if (got[i] == '\\' && i + 1 < got.size())
          text.push_back(got[++i] == 't' ? '\t' : got[i]);
        else if (got[i] != '"')
          text.push_back(got[i]);
      }
      EXPECT_EQ(text, value) << folder.path() << " " << key;
      same = same && text == value;
    }
    ++(same ? passed : failed);
  }
  std::printf("telegraf-syslog: %zu passed, %zu failed, %zu refused by Telegraf and kept by clew\n", passed, failed,
              kept);
  EXPECT_EQ(failed, 0u);
  EXPECT_GE(passed, 6u);
}

}  // namespace
}  // namespace clew::process
