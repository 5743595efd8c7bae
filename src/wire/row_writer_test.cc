#include "wire/row_writer.h"

#include <gtest/gtest.h>

#include "model/rest.h"

namespace clew::wire {
namespace {

using model::Flag;

constexpr int64_t kSecond = 1'000'000'000;
constexpr int64_t kArrival = 1'795'171'025 * kSecond;  // 2026-11-20T10:37:05Z

struct Got {
  int64_t time = 0;
  int64_t flags = 0;
};

// The only row of a batch.
Got got(const model::Batch& batch) {
  Got g;
  g.time = batch.find("_time")->ints().back();
  const model::Column* flags = batch.find("_flags");
  if (flags != nullptr && flags->rows_end() == batch.rows()) g.flags = flags->ints().back();
  return g;
}

int64_t flag(Flag f) { return static_cast<int64_t>(f); }

struct Writing {
  explicit Writing(text::Zone zone = {}) {
    intake.arrival = UnixNanos(kArrival);
    intake.zone = std::move(zone);
    rows.attach(batch, intake);
    rows.begin_row();
  }
  Writing& text(const char* name, const char* v) {
    rows.add_string(rows.field(name), v);
    return *this;
  }
  Writing& number(const char* name, const char* v) {
    rows.add_number(rows.field(name), v);
    return *this;
  }
  Got end() {
    rows.end_row();
    return got(batch);
  }
  Intake intake;
  model::Batch batch;
  RowWriter rows;
};

TEST(RowTime, PrecedenceOfTheTable) {
  EXPECT_EQ(Writing().text("time", "2026-11-20T10:00:00Z").text("@timestamp", "2026-11-20T09:00:00Z").end().time,
            kArrival - 5825 * kSecond);
  EXPECT_EQ(Writing().text("@timestamp", "soon").text("ts", "2026-11-20T10:37:00Z").end().time, kArrival - 5 * kSecond);
  EXPECT_EQ(Writing().number("ts", "1795171020.5").end().time, kArrival - 4500'000'000);
  Got none = Writing().text("a", "b").end();
  EXPECT_EQ(none.time, kArrival);
  EXPECT_EQ(none.flags, flag(Flag::kArrivalTime));
}

TEST(RowTime, CreatedGivesTheMissingDigits) {
  Got refined = Writing().text("@timestamp", "2026-11-20T10:37:05.484Z").number("created", "1795171025.4843223").end();
  EXPECT_EQ(refined.time, kArrival + 484'322'300);
  EXPECT_EQ(refined.flags, 0);
  EXPECT_EQ(Writing()
                .text("@timestamp", "2026-11-20T10:37:05.484720Z")
                .number("@fields.created", "1795171025.4847078")
                .end()
                .time,
            kArrival + 484'720'000);
  EXPECT_EQ(Writing().text("@timestamp", "2026-11-20T10:37:05.484Z").number("created", "1795171025.6").end().time,
            kArrival + 484'000'000);
  EXPECT_EQ(Writing().number("created", "1795171025.01").end().time, kArrival + 10'000'000);
}

TEST(RowTime, CreatedKnowsTheZone) {
  Got g = Writing().text("asctime", "2026-11-20 17:37:05,484").number("created", "1795171025.4843223").end();
  EXPECT_EQ(g.time, kArrival + 484'322'300);
  EXPECT_EQ(g.flags, 0);
}

TEST(RowTime, AsctimeAndMsecs) {
  Got g = Writing().text("asctime", "2026-11-20 10:37:05").number("msecs", "484.0").end();
  EXPECT_EQ(g.time, kArrival + 484'000'000);
  EXPECT_EQ(g.flags, flag(Flag::kAssumedZone));
}

TEST(RowTime, ZoneOfTheSource) {
  Got g = Writing(*text::Zone::find("Asia/Ho_Chi_Minh")).text("timestamp", "2026-11-20 17:37:05,963").end();
  EXPECT_EQ(g.time, kArrival + 963'000'000);
}

TEST(RowTime, OddTimesLieWhereTheyArrived) {
  for (const char* odd : {"1989-12-31T23:59:59Z", "2026-11-22T10:37:06Z", "9999-01-01T00:00:00Z"}) {
    Got g = Writing().text("timestamp", odd).end();
    EXPECT_EQ(g.time, kArrival) << odd;
    EXPECT_EQ(g.flags, flag(Flag::kOddTime)) << odd;
  }
  EXPECT_EQ(Writing().text("timestamp", "2026-11-22T10:37:05Z").end().flags, 0);
  EXPECT_EQ(Writing().text("timestamp", "1990-01-01T00:00:00Z").end().flags, 0);
}

TEST(RowTime, StartCountsInTraces) {
  EXPECT_EQ(Writing().text("start", "2026-11-20T10:37:00Z").end().time, kArrival);
  EXPECT_EQ(Writing().text("traceId", "a").text("start", "2026-11-20T10:37:00Z").end().time, kArrival - 5 * kSecond);
}

TEST(RowWriter, TheLastOfTwoValuesWins) {
  Writing w;
  w.text("a", "1").text("b", "x").text("a", "2");
  EXPECT_EQ(w.end().flags, flag(Flag::kDuplicateKey) | flag(Flag::kArrivalTime));
  EXPECT_EQ(w.batch.find("a")->text(), "2");
}

TEST(RowWriter, FieldsBeyondTheColumnsGoToRest) {
  Writing w;
  for (size_t i = 0; i < kDocumentColumnsMax + 2; ++i) w.number(("f" + std::to_string(i)).c_str(), "7");
  std::string last = "f" + std::to_string(kDocumentColumnsMax + 1);
  w.number(last.c_str(), "8");
  w.end();
  EXPECT_LE(w.batch.columns().size(), model::kColumnsMax);
  EXPECT_EQ(w.batch.find(last), nullptr);
  model::RestReader rest(w.batch.find("_rest")->text_at(0));
  model::RestField v;
  ASSERT_TRUE(rest.next(v));
  EXPECT_EQ(v.lane, 7);
  ASSERT_TRUE(rest.next(v));
  EXPECT_EQ(v.name, last);
  EXPECT_EQ(v.lane, 8);
  EXPECT_FALSE(rest.next(v));
}

TEST(RowWriter, AnAbandonedRowLeavesNothing) {
  Writing w;
  w.text("a", "1").end();
  w.rows.begin_row();
  w.text("a", "2").text("timestamp", "2026-11-20T10:00:00Z");
  w.rows.flag(Flag::kBadUtf8);
  w.rows.abandon_row();
  w.rows.begin_row();
  Got g = w.text("a", "3").end();
  EXPECT_EQ(g.time, kArrival);
  EXPECT_EQ(g.flags, flag(Flag::kArrivalTime));
  EXPECT_EQ(w.batch.rows(), 2u);
  EXPECT_EQ(w.batch.find("a")->text(), "13");
}

TEST(RowWriter, FieldsServeTheNextBatch) {
  Writing w;
  w.text("a", "1").end();
  model::Batch next;
  w.rows.attach(next, w.intake);
  w.rows.begin_row();
  w.text("a", "2").end();
  EXPECT_EQ(next.find("a")->text(), "2");
  EXPECT_EQ(w.batch.find("a")->text(), "1");
}

}  // namespace
}  // namespace clew::wire
