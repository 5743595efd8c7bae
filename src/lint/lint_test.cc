#include "lint/lint.h"

#include <gtest/gtest.h>

#include "lint/line_text.h"
#include "lint/template_counts.h"

namespace clew::lint {
namespace {

constexpr int64_t kNow = 1'795'171'625'000'000'000;  // 2026-11-20T10:47:05Z

Report lint(const std::vector<std::pair<std::string, std::string>>& files, size_t piece = 1 << 16) {
  auto redactor = process::Redactor::make({});
  Linter linter({}, std::move(redactor).take(), UnixNanos(kNow));
  for (const auto& [name, text] : files) {
    linter.begin_file(name);
    for (size_t at = 0; at < text.size(); at += piece) linter.feed(std::string_view(text).substr(at, piece));
    linter.end_file();
  }
  return linter.report();
}
Report lint(const std::string& text, size_t piece = 1 << 16) { return lint({{"a.log", text}}, piece); }

// Names of the rules that anything breaks, with how many.
std::string broken(const Report& report) {
  std::string out;
  for (const RuleInfo& info : rules()) {
    uint64_t count = report.of(info.rule).broken;
    if (count != 0) out += (out.empty() ? "" : " ") + std::string(info.name) + "=" + std::to_string(count);
  }
  return out;
}

constexpr char kGood[] = "2026-11-20T10:37:05.485123Z INFO order paid order_id=17\n";

TEST(Lint, AGoodLineBreaksNothing) {
  EXPECT_EQ(broken(lint(kGood)), "");
  EXPECT_EQ(
      broken(lint(R"({"timestamp":"2026-11-20T10:37:05.485123Z","level":"info","service":"shop","message":"paid",)"
                  R"("request_id":"r1"})")),
      "");
  EXPECT_EQ(broken(lint("")), "");
  EXPECT_EQ(broken(lint("\n \n")), "");
}

TEST(Lint, Times) {
  EXPECT_EQ(broken(lint("INFO no time order_id=1\n")), "time=1");
  EXPECT_EQ(broken(lint("2026-11-20 10:37:05.485 INFO x order_id=1\n")), "zone=1");
  EXPECT_EQ(broken(lint("26-11-20 10:37:05,485 INFO x order_id=1\n")), "time=1 year=1 level=1")
      << "no layout that clew reads";
  EXPECT_EQ(broken(lint("26/11/20 10:37:05.485 INFO x order_id=1\n")), "year=1 zone=1");
  EXPECT_EQ(broken(lint("2026-11-20T10:37:05Z INFO x order_id=1\n")), "precision=1");
  EXPECT_EQ(broken(lint("2026-11-20T10:37:05.000Z INFO x order_id=1\n")), "") << "a fraction that is zero is one";
  EXPECT_EQ(
      broken(lint("2026-12-31T23:59:59.5+07:00 INFO x order_id=1\n2027-01-01T01:00:00.5+07:00 INFO y order_id=1\n")),
      "time=2")
      << "more than two days ahead";
  EXPECT_EQ(broken(lint("2026-01-01T01:00:00.5+07:00 INFO x order_id=1\n")), "") << "in UTC another year";
  EXPECT_EQ(broken(lint("Nov 20 10:37:05 web sshd[1]: level=info order_id=1\n")), "year=1 zone=1 precision=1 level=1");
}

TEST(Lint, TimesOfJson) {
  EXPECT_EQ(broken(lint(R"({"ts":1795171025,"level":"info","message":"x","request_id":"r"})")), "precision=1");
  EXPECT_EQ(broken(lint(R"({"ts":1795171025.5,"level":"info","message":"x","request_id":"r"})")), "");
  EXPECT_EQ(broken(lint(R"({"ts":"1795171025.5","level":"info","message":"x","request_id":"r"})")), "");
  EXPECT_EQ(broken(lint(R"({"timestamp":"2026-11-20 10:37:05,479","level":"info","message":"x","request_id":"r"})")),
            "zone=1");
  EXPECT_EQ(broken(lint(R"({"level":"info","message":"at 2026-11-20T10:37:05.5Z","request_id":"r"})")), "time=1");
}

TEST(Lint, LevelsIdsAndContext) {
  EXPECT_EQ(broken(lint("2026-11-20T10:37:05.485Z order paid order_id=17\n")), "level=1");
  EXPECT_EQ(broken(lint("2026-11-20T10:37:05.485Z INFO paid amount=17\n")), "id=1");
  EXPECT_EQ(broken(lint("2026-11-20T10:37:05.485Z INFO paid\n")), "id=1 context=1");
  std::string head = R"({"timestamp":"2026-11-20T10:37:05.485Z","level":)";
  EXPECT_EQ(broken(lint(head + R"("shrug","message":"x","request_id":"r"})")), "level=1");
  EXPECT_EQ(broken(lint(head + R"(30,"msg":"x","request_id":"r"})")), "");
  EXPECT_EQ(broken(lint(head + R"("info","message":"x","service":"a","pid":3,"thread":"main"})")), "id=1 context=1");
  EXPECT_EQ(broken(lint(head + R"("info","message":"x","request_id":null,"region":"NY"})")), "id=1");
  EXPECT_EQ(broken(lint(head + R"("info","message":"x","cart":{"id":7}})")), "");
}

TEST(Lint, AccessLogsNeedNoLevel) {
  EXPECT_EQ(broken(lint(R"(1.2.3.4 - - [20/Nov/2026:10:37:05 +0000] "GET /a HTTP/1.1" 200 5 "-" "-")"
                        "\n")),
            "precision=1 id=1");
}

TEST(Lint, PrintedLinesNameTheirPrinter) {
  Report report =
      lint({{"a.log",
             "{\"timestamp\":\"2026-11-20T10:37:05.5Z\",\"level\":\"info\",\"service\":\"shop\",\"message\":\"x\","
             "\"request_id\":\"r\"}\nhere I am\nstill here\n"},
            {"b.log", kGood}});
  EXPECT_EQ(broken(report), "time=2 level=2 id=2 context=2 print=2 format=2");
  const RuleResult& print = report.of(Rule::kPrint);
  EXPECT_EQ(print.of, 4u);
  ASSERT_EQ(print.places.size(), 1u);
  EXPECT_EQ(print.places[0].file, "a.log");
  EXPECT_EQ(print.places[0].service, "shop");
  EXPECT_EQ(print.places[0].broken, 2u);
  ASSERT_EQ(print.examples.size(), 2u);
  EXPECT_EQ(print.examples[0].file, "a.log");
  EXPECT_EQ(print.examples[0].line, 2u);
  EXPECT_EQ(print.examples[0].text, "here I am");
}

TEST(Lint, LinesThatGoOnBeginNoEvent) {
  Report report = lint(
      "2026-11-20T10:37:05.5Z ERROR failed order_id=1\nTraceback (most recent call last):\n"
      "  File \"a.py\", line 3, in f\nKeyError: 'x'\n\n2026-11-20T10:37:06.5Z INFO next order_id=2\n");
  EXPECT_EQ(broken(report), "multi-line=3");
  EXPECT_EQ(report.lines, 5u);
  EXPECT_EQ(report.events, 2u);
  EXPECT_EQ(report.of(Rule::kMultiLine).examples[0].line, 2u);
}

TEST(Lint, ObjectsOverSeveralLines) {
  std::string object =
      "{\n \"timestamp\":\"2026-11-20T10:37:05.5Z\",\n \"level\":\"info\",\n \"message\":\"x\",\n "
      "\"request_id\":\"r\"\n}\n";
  for (size_t piece : {size_t{1}, size_t{7}, size_t{1000}}) {
    Report report = lint(object + object, piece);
    EXPECT_EQ(broken(report), "multi-line=2");
    EXPECT_EQ(report.events, 2u);
    ASSERT_EQ(report.of(Rule::kMultiLine).examples.size(), 2u);
    EXPECT_EQ(report.of(Rule::kMultiLine).examples[0].line, 1u);
    EXPECT_EQ(report.of(Rule::kMultiLine).examples[1].line, 7u);
  }
}

TEST(Lint, BytesOfLines) {
  std::string good = "2026-11-20T10:37:05.485123Z INFO x order_id=17 ";
  EXPECT_EQ(broken(lint(good + "\x01")), "binary=1");
  EXPECT_EQ(broken(lint(good + "\xff")), "binary=1");
  EXPECT_EQ(broken(lint(good + "gr\xc3\xbc\xc3\x9f\t\r\n")), "");
  EXPECT_EQ(broken(lint(good + "\x1b[31mred\x1b[0m")), "color=1");
  std::string base64;
  for (size_t i = 0; i < kBlobBytesMin; ++i) base64 += "aB3/x9Z+"[i % 8];
  EXPECT_EQ(broken(lint(good + base64.substr(1))), "");
  EXPECT_EQ(broken(lint(good + base64)), "blob=1");
  EXPECT_EQ(broken(lint(good + "payload=" + base64 + " end")), "blob=1");
  EXPECT_EQ(broken(lint(good + std::string(kBlobBytesMin, '='))), "");
  std::string words;
  while (good.size() + words.size() <= kLongLineBytes) words += "word ";
  EXPECT_EQ(broken(lint(good + words)), "long=1");
}

TEST(Lint, SecretsByKindAndNeverShown) {
  Report report = lint(
      "2026-11-20T10:37:05.5Z INFO in user_id=7 password=kanarienvogel\n"
      "2026-11-20T10:37:05.5Z INFO paid user_id=7 card 4111 1111 1111 1111 password=kanarienvogel\n");
  EXPECT_EQ(broken(report), "secret=2");
  EXPECT_EQ(report.secrets, (std::map<std::string, uint64_t>{{"card", 1}, {"password", 2}}));
  for (const Example& example : report.of(Rule::kSecret).examples) {
    EXPECT_EQ(example.text.find("kanarienvogel"), std::string::npos);
    EXPECT_EQ(example.text.find("4111"), std::string::npos);
  }
  for (const TemplateCount& kind : report.templates) {
    EXPECT_EQ(kind.text.find("kanarienvogel"), std::string::npos) << kind.text;
    EXPECT_EQ(kind.example.text.find("kanarienvogel"), std::string::npos);
  }
}

TEST(Lint, OneMessageTooOften) {
  std::string text;
  for (int i = 0; i < 100; ++i)
    text += i % 4 == 0 ? "2026-11-20T10:37:05.5Z INFO processing order " + std::to_string(i) + "\n" : kGood;
  Report report = lint(text);
  EXPECT_EQ(report.of(Rule::kTemplate).broken, 75u);
  EXPECT_EQ(report.of(Rule::kTemplate).percent(), 75);
  ASSERT_EQ(report.templates.size(), 2u);
  EXPECT_EQ(report.templates[1].text, "processing order <*>");
  EXPECT_EQ(report.templates[1].events, 25u);
  EXPECT_EQ(report.templates[1].example.line, 1u);
  EXPECT_EQ(lint(text.substr(text.find('\n') + 1)).of(Rule::kTemplate).broken, 0u) << "of 99 events";
}

TEST(Lint, BrokenAndForeignLinesOfAFile) {
  std::string json = R"({"timestamp":"2026-11-20T10:37:05.5Z","level":"info","message":"x","request_id":"r"})";
  EXPECT_EQ(lint(json + "\n" + json + "\n{\"broken\": \n").of(Rule::kFormat).broken, 1u);
  EXPECT_EQ(lint(json + "\n" + R"({"a_id":1,"a_id":2})").of(Rule::kFormat).broken, 1u);
}

TEST(Lint, PiecesDoNotMatter) {
  std::string text;
  for (int i = 0; i < 3000; ++i) text += i % 7 == 0 ? "printed " + std::to_string(i) + "\n" : kGood;
  Report whole = lint(text);
  for (size_t piece : {size_t{1}, size_t{13}, size_t{70'000}}) {
    Report cut = lint(text, piece);
    EXPECT_EQ(broken(cut), broken(whole));
    EXPECT_EQ(cut.events, 3000u);
  }
  EXPECT_EQ(whole.of(Rule::kPrint).examples[1].line, 8u);
}

TEST(LineText, NamesOfIds) {
  for (const char* name : {"request_id", "requestId", "userID", "id", "trace.id", "x-request-id", "task_uuid", "user",
                           "cart.id", "orderId", "REQUEST_ID", "sessionid"}) {
    EXPECT_TRUE(names_id(name)) << name;
  }
  for (const char* name : {"pid", "process_id", "threadId", "thread.id", "tid", "paid", "valid", "grid", "amount",
                           "Id2", "process.pid", "host.id", ""}) {
    EXPECT_FALSE(names_id(name)) << name;
  }
}

TEST(LineText, Marks) {
  auto marks = [](std::string_view text) {
    Marks got = marks_of(text);
    return std::string(got.id ? "id " : "") + (got.pair ? "pair" : "");
  };
  EXPECT_EQ(marks("order 12345 failed"), "");
  EXPECT_EQ(marks("amount=5"), "pair");
  EXPECT_EQ(marks("amount= 5"), "");
  EXPECT_EQ(marks("a == b"), "");
  EXPECT_EQ(marks("order_id=5"), "id pair");
  EXPECT_EQ(marks("user: alice"), "id ");
  EXPECT_EQ(marks("10:37:05"), "");
  EXPECT_EQ(marks("of 8d1c0c52-4b0a-4f0e-9d53-1b8f3f3c7d10 it"), "id ");
  EXPECT_EQ(marks("span 00f067aa0ba902b7"), "id ");
  EXPECT_EQ(marks("1234567890123456"), "");
}

TEST(TemplateCounts, FrequentKindsOutliveRareOnes) {
  TemplateCounts counts;
  auto word = [](uint64_t n) {
    std::string out;
    for (; n != 0; n /= 26) out += static_cast<char>('a' + n % 26);
    return out;
  };
  uint64_t events = 0;
  for (uint64_t i = 1; i <= 3 * kTemplatesMax; ++i, events += 2) {
    counts.add("rare " + word(i));
    counts.add("often");
  }
  std::vector<TemplateCount> most = counts.most(1);
  ASSERT_EQ(most.size(), 1u);
  EXPECT_EQ(most[0].text, "often");
  EXPECT_LE(most[0].events, events / 2);
  EXPECT_GE(most[0].events, events / 2 - events / kTemplatesMax - 1);
}

}  // namespace
}  // namespace clew::lint
