#include "api/json_body.h"

#include <gtest/gtest.h>

#include "api/ingest.h"

namespace clew::api {
namespace {

constexpr int64_t kNow = 1'795'000'000'000'000'000;

class FixedClock final : public os::Clock {
 public:
  UnixNanos now() const override { return UnixNanos(kNow); }
  uint64_t monotonic_ns() const override { return 0; }
};

TEST(JsonBody, UnknownMembersAreNamed) {
  auto read = parse_object(R"({"qurey":"x"})", {"query", "from"});
  ASSERT_FALSE(read.ok());
  EXPECT_NE(read.error().message().find("did you mean"), std::string::npos) << read.error().message();
  EXPECT_NE(read.error().message().find("query"), std::string::npos);
}

TEST(JsonBody, StrictJsonOnly) {
  for (const char* bad : {"{", "[]", "{\"a\":NaN}", "{\"a\":1,}", "{'a':1}", "nul"}) {
    EXPECT_FALSE(parse_object(bad, {"a"}).ok()) << bad;
  }
  EXPECT_TRUE(parse_object("", {"a"}).ok());
  EXPECT_TRUE(parse_object(" {} ", {"a"}).ok());
}

TEST(JsonBody, MembersHaveTypes) {
  Json object = Json::parse(R"({"s":"x","n":5,"b":true,"z":null,"m":-1})");
  EXPECT_EQ(*text_member(object, "s"), "x");
  EXPECT_FALSE(text_member(object, "n").ok());
  EXPECT_EQ(*number_member(object, "n", 10), 5u);
  EXPECT_FALSE(number_member(object, "n", 4).ok());
  EXPECT_FALSE(number_member(object, "m", 4).ok());
  EXPECT_EQ(*number_member(object, "z", 4), std::nullopt);
  EXPECT_TRUE(*bool_member(object, "b", false));
  EXPECT_FALSE(bool_member(object, "n", false).ok());
}

TEST(JsonBody, Durations) {
  EXPECT_EQ(*parse_duration("15m"), 900'000'000'000);
  EXPECT_EQ(*parse_duration("1h30m"), 5'400'000'000'000);
  EXPECT_EQ(*parse_duration("250ms"), 250'000'000);
  for (const char* bad : {"", "5", "m", "5x", "-5m", "99999999999w"}) EXPECT_FALSE(parse_duration(bad).ok()) << bad;
}

TEST(JsonBody, Ranges) {
  FixedClock clock;
  auto range = [&](const char* text) { return range_members(Json::parse(text), clock); };
  EXPECT_EQ(range(R"({"since":"15m"})")->from, kNow - 900'000'000'000);
  EXPECT_EQ(range(R"({"from":"now-1h","to":"now"})")->to, kNow);
  EXPECT_EQ(range(R"({"from":"2026-11-20T00:00:00Z"})")->from, 1'795'132'800'000'000'000);
  EXPECT_EQ(range(R"({"from":1795132800000})")->from, 1'795'132'800'000'000'000);
  EXPECT_FALSE(range(R"({"from":"now","to":"now-1h"})").ok());
  EXPECT_FALSE(range(R"({"from":"yesterday-ish"})").ok());
  EXPECT_FALSE(range(R"({"from":"now","since":"1h"})").ok());
}

TEST(JsonBody, TimesPrintAsRfc3339) {
  EXPECT_EQ(rfc3339(1'795'132'800'000'000'000), "2026-11-20T00:00:00.000Z");
  EXPECT_EQ(rfc3339(-1), "1969-12-31T23:59:59.999Z");
}

TEST(BatchKey, Forms) {
  auto key = parse_batch_key("agent:7/file:12");
  ASSERT_TRUE(key.ok());
  EXPECT_EQ((*key)->producer, "agent:7/file");
  EXPECT_EQ((*key)->sequence, 12u);
  EXPECT_EQ(*parse_batch_key(""), std::nullopt);
  for (const std::string& bad : {std::string("x"), std::string(":1"), std::string("a:"), std::string("a:-1"),
                                 std::string("a:1x"), std::string(257, 'p') + ":1"}) {
    EXPECT_FALSE(parse_batch_key(bad).ok()) << bad;
  }
  EXPECT_TRUE(parse_batch_key(std::string(256, 'p') + ":1").ok());
}

// A sink that answers as it is told.
class FakeSink final : public contract::EventSink {
 public:
  void write(contract::Write write, Done done) override {
    writes.push_back(std::move(write));
    done(result);
  }
  std::vector<contract::Write> writes;
  Result<contract::Ack> result = contract::Ack{};
};

wire::Events three_rows_one_rejected() {
  wire::Events events;
  events.batches.emplace_back("logs");
  for (int i = 0; i < 3; ++i) {
    uint32_t row = events.batches[0].begin_row();
    events.batches[0].column("a")->add_int(row, i);
    events.batches[0].end_row();
  }
  events.received = 4;
  events.reject({.item = 4, .reason = wire::Reason::kSyntax, .message = "bad"});
  return events;
}

TEST(Ingest, ReceivedIsStoredPlusDuplicatePlusRejected) {
  FakeSink sink;
  FixedClock clock;
  base::Registry metrics;
  Ingest ingest(sink, clock);
  SourceCounters counters(metrics, "test");
  auto write = [&](Result<contract::Ack> result) {
    sink.result = std::move(result);
    bool called = false;
    ingest.write(counters, {.access = {}, .key = {}, .events = three_rows_one_rejected(), .creates = {}},
                 [&](const contract::Ack*, const Error*) { called = true; });
    EXPECT_TRUE(called);
  };
  contract::Ack stored;
  contract::Ack duplicate;
  duplicate.duplicate = true;
  contract::Ack conflict;
  conflict.conflicts.push_back({0, 1});
  write(stored);
  write(duplicate);
  write(conflict);
  write(Error(Code::kOverloaded, "busy"));
  EXPECT_EQ(metrics.sum("clew_events_received_total"), 16u);
  EXPECT_EQ(metrics.sum("clew_events_stored_total"), 5u);
  EXPECT_EQ(metrics.sum("clew_events_duplicate_total"), 3u);
  EXPECT_EQ(metrics.sum("clew_events_rejected_total"), 8u);
  EXPECT_EQ(metrics.sum("clew_events_rejected_total", {{"reason", "syntax"}}), 4u);
}

TEST(Ingest, NothingToWriteReachesNoSink) {
  FakeSink sink;
  FixedClock clock;
  base::Registry metrics;
  Ingest ingest(sink, clock);
  SourceCounters counters(metrics, "test");
  bool called = false;
  ingest.write(counters, {},
               [&](const contract::Ack* ack, const Error* error) { called = ack == nullptr && error == nullptr; });
  EXPECT_TRUE(called);
  EXPECT_TRUE(sink.writes.empty());
}

}  // namespace
}  // namespace clew::api
