#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <spdlog/logger.h>
#include <spdlog/sinks/ostream_sink.h>

#include <chrono>
#include <limits>
#include <sstream>
#include <stdexcept>
#include <string>
#include <thread>

#include "clew/client.h"
#include "clew/context.h"
#include "clew/goal.h"
#include "clew/json.h"
#include "clew/spdlog.h"

namespace clew {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

constexpr char kTrace[] = "4bf92f3577b34da6a3ce929d0e0e4736";
constexpr char kSpan[] = "00f067aa0ba902b7";
const std::string kTraceparent = std::string("00-") + kTrace + "-" + kSpan + "-01";

std::string json_text(std::string_view text) {
  std::string out;
  append_json_text(out, text);
  return out;
}

TEST(ClewJson, Values) {
  JsonLine line;
  line.add("n", nullptr);
  line.add("yes", true);
  line.add("least", std::numeric_limits<int64_t>::min());
  line.add("most", std::numeric_limits<uint64_t>::max());
  line.add("half", 0.5);
  line.add("nan", std::numeric_limits<double>::quiet_NaN());
  line.add("infinite", -std::numeric_limits<double>::infinity());
  line.add("text", "a\"b\\c\n");
  EXPECT_EQ(line.take(),
            R"({"n":null,"yes":true,"least":-9223372036854775808,"most":18446744073709551615,"half":0.5,"nan":"NaN",)"
            R"("infinite":"-Infinity","text":"a\"b\\c\u000a"})");
  EXPECT_EQ(JsonLine().take(), "{}");
}

TEST(ClewJson, BytesThatAreNoUtf8AreReplaced) {
  EXPECT_EQ(json_text("\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80"), "\"\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80\"");
  for (const char* bad :
       {"\xff", "\xc3", "\xc0\x80", "\xed\xa0\x80", "\xe0\x80\x80", "\xf4\x90\x80\x80", "\xf0\x80\x80\x80"}) {
    EXPECT_THAT(json_text(bad), HasSubstr("\xef\xbf\xbd")) << json_text(bad);
  }
}

TEST(ClewTime, UtcWithMicroseconds) {
  using std::chrono::microseconds;
  EXPECT_EQ(utc_text(std::chrono::system_clock::time_point(microseconds(1762799445123456))),
            "2025-11-10T18:30:45.123456Z");
  EXPECT_EQ(utc_text(std::chrono::system_clock::time_point(microseconds(-500000))), "1969-12-31T23:59:59.500000Z");
}

TEST(ClewContext, TakesWhatOthersSend) {
  const auto ids = [](const Headers& headers) {
    const Scope scope = scope_of(headers);
    return scope.trace_id + "/" + scope.span_id;
  };
  const std::string want = std::string(kTrace) + "/" + kSpan;
  EXPECT_EQ(ids({{"Traceparent", kTraceparent}}), want);
  EXPECT_EQ(ids({{"traceparent", std::string("cc-") + kTrace + "-" + kSpan + "-01-more"}}), want);
  EXPECT_EQ(ids({{"b3", std::string(kTrace) + "-" + kSpan + "-1-05e3ac9a4f6e3b90"}}), want);
  EXPECT_EQ(ids({{"X-B3-TraceId", kTrace}, {"X-B3-SpanId", "00F067AA0BA902B7"}}), want);
  EXPECT_EQ(ids({{"b3", std::string(kSpan) + "-" + kSpan}}), std::string(16, '0') + kSpan + "/" + kSpan);
  for (const std::string& bad :
       {std::string("ff-") + kTrace + "-" + kSpan + "-01", std::string("00-") + kTrace + "-" + kSpan + "-01-more",
        std::string("00-") + std::string(32, '0') + "-" + kSpan + "-01", std::string("00-x"), std::string()}) {
    EXPECT_EQ(ids({{"traceparent", bad}}), "/") << bad;
  }
  EXPECT_EQ(scope_of(Headers{{"x-request-id", "r-1"}}).request_id, "r-1");
  EXPECT_EQ(scope_of(Headers{{"x-request-id", "a\r\nb: c"}}).request_id, "");
}

class GoalTest : public testing::Test {
 protected:
  MemoryOutput output_;
  Client client_{"till", output_};
};

TEST_F(GoalTest, StartAndEnd) {
  std::string ids;
  {
    Goal goal(client_, "charge card", {{"order", 7}});
    goal.note("card", "visa");
    ids = "\"trace_id\":\"" + goal.scope().trace_id + "\",\"span_id\":\"" + goal.scope().span_id + "\"";
    EXPECT_EQ(goal.scope().trace_id.size(), 32u);
    EXPECT_EQ(goal.scope().span_id.size(), 16u);
  }
  const auto lines = output_.lines();
  ASSERT_EQ(lines.size(), 2u);
  EXPECT_THAT(lines[0],
              AllOf(HasSubstr(R"("event":"goal.start")"), HasSubstr(R"("goal":true)"), HasSubstr(ids),
                    HasSubstr(R"("order":7)"), HasSubstr(R"("service.name":"till")"), Not(HasSubstr("outcome"))));
  EXPECT_THAT(lines[1], AllOf(HasSubstr(R"("event":"goal.end")"), HasSubstr(R"("outcome":"ok")"), HasSubstr(ids),
                              HasSubstr(R"("card":"visa")"), HasSubstr("\"duration_ms\":"), Not(HasSubstr("reason"))));
  EXPECT_EQ(current_scope().trace_id, "");
}

TEST_F(GoalTest, NestingFailuresAndLines) {
  {
    const UseScope request(scope_of(Headers{{"traceparent", kTraceparent}, {"X-Request-ID", "r-1"}}));
    Goal outer(client_, "place order");
    EXPECT_EQ(outer.parent_span_id(), kSpan);
    {
      Goal inner(client_, "charge card");
      EXPECT_EQ(inner.parent_span_id(), outer.scope().span_id);
      EXPECT_EQ(inner.scope().trace_id, kTrace);
      client_.write("warn", "slow", {});
      inner.fail("declined");
      inner.fail("later");
      EXPECT_EQ(headers()[0].second, inner.headers()[0].second);
      EXPECT_EQ(headers()[1].second, "r-1");
    }
    EXPECT_EQ(current_scope().span_id, outer.scope().span_id);
  }
  const auto lines = output_.lines();
  ASSERT_EQ(lines.size(), 5u);
  EXPECT_THAT(lines[2], AllOf(HasSubstr("\"slow\""), HasSubstr(kTrace), HasSubstr(R"("request_id":"r-1")")));
  EXPECT_THAT(lines[3],
              AllOf(HasSubstr(R"("reason":"declined")"), HasSubstr(R"("level":"error")"), Not(HasSubstr("later"))));
  EXPECT_THAT(lines[4], HasSubstr(R"("outcome":"ok")"));
}

TEST_F(GoalTest, ExceptionsAreReasons) {
  EXPECT_THROW(
      {
        const Goal outer(client_, "place order");
        Goal inner(client_, "charge card");
        inner.run([] { throw std::runtime_error("no answer"); });
      },
      std::runtime_error);
  const auto lines = output_.lines();
  ASSERT_EQ(lines.size(), 4u);
  EXPECT_THAT(lines[2], AllOf(HasSubstr(R"("reason":"std::runtime_error: no answer")"),
                              HasSubstr(R"("error.type":"std::runtime_error")")));
  EXPECT_THAT(lines[3], AllOf(HasSubstr(R"("outcome":"failed")"), HasSubstr(R"("reason":"an exception")")));
}

TEST_F(GoalTest, RunGivesWhatTheWorkGives) {
  Goal goal(client_, "add");
  int number = 3;
  int& same = goal.run([&]() -> int& { return number; });
  EXPECT_EQ(&same, &number);
}

TEST_F(GoalTest, AThreadTakesTheScopeAlong) {
  Goal goal(client_, "parallel");
  std::string with, without;
  std::thread carried([&, scope = current_scope()] {
    const UseScope use(scope);
    with = current_scope().span_id;
  });
  carried.join();
  std::thread bare([&] { without = current_scope().span_id; });
  bare.join();
  EXPECT_EQ(with, goal.scope().span_id);
  EXPECT_EQ(without, "");
}

TEST_F(GoalTest, SpdlogSink) {
  spdlog::logger logger("shop", std::make_shared<SpdlogSink>(client_));
  logger.set_level(spdlog::level::trace);
  Goal goal(client_, "charge card");
  logger.log(spdlog::source_loc{"till.cc", 42, "sell"}, spdlog::level::warn, "sold {} pears", 3);
  logger.critical("stop");
  const auto lines = output_.lines();
  ASSERT_EQ(lines.size(), 3u);
  EXPECT_THAT(lines[1], AllOf(HasSubstr(R"("level":"warn","message":"sold 3 pears")"), HasSubstr(R"("logger":"shop")"),
                              HasSubstr(R"("code.file":"till.cc","code.line":42,"code.function":"sell")"),
                              HasSubstr(goal.scope().span_id)));
  EXPECT_THAT(lines[2], HasSubstr(R"("level":"fatal")"));
}

TEST_F(GoalTest, SpdlogFormatterInAnotherSink) {
  std::ostringstream text;
  auto sink = std::make_shared<spdlog::sinks::ostream_sink_mt>(text);
  sink->set_formatter(std::make_unique<SpdlogFormatter>(client_));
  spdlog::logger logger("shop", sink);
  logger.info("two\nlines");
  const std::string line = text.str();
  EXPECT_THAT(line, AllOf(HasSubstr(R"("message":"two\u000alines")"), testing::EndsWith("}\n")));
  EXPECT_EQ(line.find('\n'), line.size() - 1);
}

}  // namespace
}  // namespace clew
