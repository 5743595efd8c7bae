#include "model/canonical.h"

#include <gtest/gtest.h>

namespace clew::model {
namespace {

std::vector<std::string> sources(std::string_view name, const std::vector<std::string>& stored) {
  std::vector<std::string> out;
  for (const CanonicalStep& s : canonical_steps(name, stored)) out.push_back(s.source);
  return out;
}
using Names = std::vector<std::string>;

Value derived(Derive how, const Value& v) {
  return derive(how, std::make_shared<const Vector>(Vector::constant(v, 1)))->value(0);
}

TEST(Canonical, ExactNameGoesFirstThenTheTable) {
  EXPECT_EQ(sources("message", {"_raw", "event", "msg", "message"}), (Names{"message", "msg", "event", "_raw"}));
  EXPECT_EQ(sources("user_id", {"userId", "user"}), (Names{"user", "userId"}));
}

TEST(Canonical, CaseAndFieldsPrefixDoNotMatter) {
  EXPECT_EQ(sources("code.function", {"@fields.funcName"}), (Names{"@fields.funcName"}));
  EXPECT_EQ(sources("trace_id", {"TraceID"}), (Names{"TraceID"}));
  EXPECT_EQ(sources("level", {"fields.levelname", "fields.levelno"}), (Names{"fields.levelname", "fields.levelno"}));
}

TEST(Canonical, LevelnameSaysWhoseNumberLevelIs) {
  EXPECT_EQ(sources("level", {"level", "levelname"}), (Names{"levelname", "level"}));
  EXPECT_EQ(sources("level", {"severity", "level"}), (Names{"level", "severity"}));
}

TEST(Canonical, TimestampIsTheDerivedTime) {
  EXPECT_EQ(sources("@timestamp", {"@timestamp", "_time"}), (Names{"_time"}));
}

TEST(Canonical, OtherNamesAreThemselvesOrNothing) {
  EXPECT_EQ(sources("amount", {"amount"}), (Names{"amount"}));
  EXPECT_EQ(sources("amount", {"Amount"}), (Names{}));
  EXPECT_FALSE(is_canonical("amount"));
  EXPECT_TRUE(is_canonical("duration_ms"));
}

TEST(Canonical, NumbersOfEachFamilyBecomeLevels) {
  EXPECT_EQ(derived(Derive::kLevelPython, Value::bigint(40)).text(), "error");
  EXPECT_EQ(derived(Derive::kLevelBunyan, Value::bigint(40)).text(), "warn");
  EXPECT_EQ(derived(Derive::kLevelSyslog, Value::bigint(3)).text(), "error");
  EXPECT_EQ(derived(Derive::kLevelSyslog, Value::string("ERROR")).text(), "ERROR");
  EXPECT_EQ(derived(Derive::kLevelOtel, Value::bigint(17)).text(), "error");
  EXPECT_TRUE(derived(Derive::kLevelOtel, Value::bigint(0)).is_null());
}

TEST(Canonical, DurationsNeedAUnit) {
  EXPECT_DOUBLE_EQ(derived(Derive::kDurationText, Value::string("1m1.5s")).f64(), 61500);
  EXPECT_DOUBLE_EQ(derived(Derive::kDurationText, Value::string("250 ms")).f64(), 250);
  EXPECT_TRUE(derived(Derive::kDurationText, Value::bigint(5)).is_null());
  EXPECT_TRUE(derived(Derive::kDurationText, Value::string("5")).is_null());
  EXPECT_DOUBLE_EQ(derived(Derive::kDurationNanos, Value::bigint(1500000)).f64(), 1.5);
}

TEST(Canonical, HeadersGiveTheirIds) {
  Value w3c = Value::string("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
  EXPECT_EQ(derived(Derive::kTraceparentTrace, w3c).text(), "0af7651916cd43dd8448eb211c80319c");
  EXPECT_EQ(derived(Derive::kTraceparentSpan, w3c).text(), "b7ad6b7169203331");
  Value b3 = Value::string("80f198ee56343ba864fe8b2a57d3eff7-e457b5a2e4d86bd1-1-05e3ac9a4f6e3b90");
  EXPECT_EQ(derived(Derive::kB3Parent, b3).text(), "05e3ac9a4f6e3b90");
  EXPECT_TRUE(derived(Derive::kB3Trace, Value::string("0")).is_null());
}

TEST(Canonical, ExceptionsNameTypeAndMessage) {
  Value python = Value::string("Traceback (most recent call last):\n  File \"a.py\", line 2, in f\nKeyError: 'key'\n");
  EXPECT_EQ(derived(Derive::kExceptionType, python).text(), "KeyError");
  EXPECT_EQ(derived(Derive::kExceptionMessage, python).text(), "'key'");
  Value list =
      Value::array({Value::string("Traceback (most recent call last):\n"), Value::string("ValueError: boom\n")});
  EXPECT_EQ(derived(Derive::kExceptionType, list).text(), "ValueError");
  EXPECT_EQ(derived(Derive::kJoinLines, list).text(), "Traceback (most recent call last):\nValueError: boom\n");
  Value java = Value::string("java.io.IOException: disk gone\n\tat a.B.c(B.java:1)");
  EXPECT_EQ(derived(Derive::kExceptionType, java).text(), "java.io.IOException");
  EXPECT_EQ(derived(Derive::kExceptionType, Value::string("gateway.Timeout")).text(), "gateway.Timeout");
}

TEST(Canonical, DictionariesAreDerivedOncePerEntry) {
  auto dict = std::make_shared<Vector>();
  dict->size = 2;
  dict->layout = Layout::kFlat;
  dict->type = Type::kLong;
  dict->i64 = {10, 50};
  Vector coded;
  coded.size = 3;
  coded.layout = Layout::kDict;
  coded.type = Type::kLong;
  coded.codes = {1, 0, 1};
  coded.dict = dict;
  VectorPtr out = derive(Derive::kLevelPython, std::make_shared<const Vector>(coded));
  EXPECT_EQ(out->layout, Layout::kDict);
  EXPECT_EQ(out->value(0).text(), "fatal");
  EXPECT_EQ(out->value(1).text(), "debug");
}

TEST(Canonical, LevelsInEverySpelling) {
  EXPECT_EQ(level_rank("INFO"), 3);
  EXPECT_EQ(level_rank("Warning"), 5);
  EXPECT_EQ(level_rank("[ERROR]"), 6);
  EXPECT_EQ(level_rank("LOG"), 3);
  EXPECT_EQ(level_rank("PANIC"), 7);
  EXPECT_EQ(level_rank("DEBUG3"), 2);
  EXPECT_EQ(level_rank("W"), 5);
  EXPECT_EQ(level_rank("SEVERE"), 6);
  EXPECT_EQ(level_rank("30"), 3);
  EXPECT_EQ(level_rank("3"), 6);
  EXPECT_EQ(level_rank("300"), 5);
  EXPECT_EQ(level_rank("gold"), 0);
  EXPECT_EQ(level_rank(""), 0);
  for (int rank = 1; rank <= 7; ++rank) EXPECT_EQ(level_rank(level_of_rank(rank)), rank);
}

TEST(Canonical, TimeRolesInOrder) {
  EXPECT_EQ(time_role("@timestamp"), TimeRole::kAtTimestamp);
  EXPECT_EQ(time_role("Timestamp"), TimeRole::kTimestamp);
  EXPECT_EQ(time_role("@fields.created"), TimeRole::kCreated);
  EXPECT_EQ(time_role("createdAt"), TimeRole::kNone);
  EXPECT_EQ(time_role("eventTime"), TimeRole::kDate);
  EXPECT_EQ(time_role("__REALTIME_TIMESTAMP"), TimeRole::kDate);
  EXPECT_LT(TimeRole::kTimestamp, TimeRole::kCreated);
}

}  // namespace
}  // namespace clew::model
