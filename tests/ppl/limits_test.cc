// Limits, cancellation, raw rows, selectors and the list of queries.
#include <gtest/gtest.h>

#include "ppl_store.h"

namespace clew::query::testing {
namespace {

// Goes on by a step at every look, so that a query runs into its time limit at the same place every time.
class SteppingClock final : public os::Clock {
 public:
  explicit SteppingClock(uint64_t step_ns) : step_ns_(step_ns) {}
  UnixNanos now() const override { return UnixNanos(logstore::testing::kStart); }
  uint64_t monotonic_ns() const override { return at_.fetch_add(step_ns_); }

 private:
  const uint64_t step_ns_;
  mutable std::atomic<uint64_t> at_{1};
};

class Limits : public ::testing::Test {
 protected:
  Limits() : store_(16) {
    std::string lines;
    for (int i = 0; i < 300; ++i)
      lines += "{\"n\":" + std::to_string(i) + ",\"word\":\"w" + std::to_string(i % 7) + "\"}\n";
    EXPECT_TRUE(store_.feed("logs", lines).ok());
    EXPECT_TRUE(store_.flush().ok());
  }
  Request request(const std::string& text) {
    Request out;
    out.text = text;
    return out;
  }
  PplStore store_;
};

TEST_F(Limits, RowsBeyondTheLimitAreCutAndSaid) {
  Request r = request("source=logs | fields n");
  r.limits.rows = 100;
  Rows rows;
  Outcome outcome = store_.ask(r, rows);
  ASSERT_FALSE(outcome.failure);
  EXPECT_EQ(rows.rows_seen.size(), 100u);
  EXPECT_EQ(outcome.exactness.text(), "cut; limit=rows; value=100");
  r.limits.rows = 300;
  Rows all;
  EXPECT_EQ(store_.ask(r, all).exactness.text(), "exact");
  EXPECT_EQ(all.rows_seen.size(), 300u);
  r.limits.rows = 0;
  Rows unlimited;
  EXPECT_EQ(store_.ask(r, unlimited).exactness.text(), "exact");
}

TEST_F(Limits, TooManyGroupsAreAFailureWithANarrowerQuestion) {
  Request r = request("source=logs | stats count() by n");
  r.limits.groups = 299;
  Rows rows;
  Outcome outcome = store_.ask(r, rows);
  ASSERT_TRUE(outcome.failure);
  EXPECT_EQ(outcome.failure->kind, FailureKind::kResourceLimit);
  EXPECT_FALSE(outcome.failure->suggestions.empty());
  r.limits.groups = 300;
  Rows all;
  ASSERT_FALSE(store_.ask(r, all).failure);
  EXPECT_EQ(all.rows_seen.size(), 300u);
}

// The inner rows are read once for every value around, of which there are seven, and not once for every row.
TEST_F(Limits, ASubsearchRunsOnceForEveryValueAroundIt) {
  ASSERT_TRUE(store_.feed("other", "{\"c\":\"w1\"}\n{\"c\":\"w2\"}\n{\"c\":\"w2\"}\n").ok());
  for (const char* condition : {"[ source=other | where concat(c, '') = word | stats count() ] = 2",
                                "exists [ source=other | where concat(c, '') = word and c = 'w2' ]",
                                "'w2' in [ source=other | where concat(c, '') = word | fields c ]"}) {
    Rows rows;
    Outcome outcome = store_.ask(request(std::string("source=logs | where ") + condition + " | fields n"), rows);
    ASSERT_FALSE(outcome.failure) << outcome.failure->reason;
    EXPECT_EQ(rows.rows_seen.size(), 43u) << condition;
    EXPECT_LE(outcome.stats.rows_scanned, 300u + 7 * 3) << condition;
    EXPECT_GT(outcome.stats.rows_scanned, 300u) << condition;
  }
}

TEST_F(Limits, ASubsearchRunsForSoManyValuesAndNoMore) {
  std::string lines;
  for (int i = 0; i < 10'001; ++i) lines += "{\"v\":" + std::to_string(i) + "}\n";
  ASSERT_TRUE(store_.feed("many", lines).ok());
  ASSERT_TRUE(store_.feed("other", "{\"c\":1}\n").ok());
  std::string text = "| where exists [ source=other | where c = v ] | fields v";
  Rows rows;
  Outcome all = store_.ask(request("source=many | where v < 10000 " + text), rows);
  ASSERT_FALSE(all.failure) << all.failure->reason;
  EXPECT_EQ(rows.rows_seen.size(), 1u);
  Rows none;
  Outcome refused = store_.ask(request("source=many " + text), none);
  ASSERT_TRUE(refused.failure);
  EXPECT_NE(refused.failure->reason.find("runs at most 10000 times"), std::string::npos) << refused.failure->reason;
}

TEST_F(Limits, MemoryIsBounded) {
  Request r = request("source=logs | sort n");
  r.limits.memory_bytes = 1000;
  Rows rows;
  Outcome outcome = store_.ask(r, rows);
  ASSERT_TRUE(outcome.failure);
  EXPECT_EQ(outcome.failure->kind, FailureKind::kResourceLimit);
  EXPECT_NE(outcome.failure->reason.find("memory"), std::string::npos);
}

TEST_F(Limits, TimeCutsRowQueriesAndFailsAggregates) {
  SteppingClock clock(1'000'000);
  std::unique_ptr<Engine> engine = Engine::make(store_.store(), clock, {.workers = 1});
  Request r = request("source=logs | where n >= 0 | fields n");
  r.limits.millis = 8;
  Rows rows;
  Outcome outcome = engine->run(r, rows, {});
  ASSERT_FALSE(outcome.failure) << outcome.failure->reason;
  EXPECT_EQ(outcome.exactness.text(), "cut; limit=time; value=8");
  EXPECT_LT(rows.rows_seen.size(), 300u);
  r.text = "source=logs | stats sum(n) by word";
  Rows sums;
  Outcome failed = engine->run(r, sums, {});
  ASSERT_TRUE(failed.failure);
  EXPECT_EQ(failed.failure->kind, FailureKind::kResourceLimit);
}

TEST_F(Limits, StopRequestsEndAQuery) {
  std::stop_source stop;
  stop.request_stop();
  Rows rows;
  Outcome outcome = store_.engine().run(request("source=logs | stats sum(n)"), rows, stop.get_token());
  ASSERT_TRUE(outcome.failure);
  EXPECT_EQ(outcome.failure->kind, FailureKind::kCancelled);
  std::vector<QueryRecord> queries = store_.engine().queries();
  ASSERT_EQ(queries.size(), 1u);
  EXPECT_FALSE(queries[0].running);
  EXPECT_EQ(queries[0].text, "source=logs | stats sum(n)");
  EXPECT_FALSE(store_.engine().cancel(queries[0].id));
}

TEST_F(Limits, AReceiverThatRefusesEndsTheQuery) {
  struct Refusing final : Receiver {
    Status begin(const std::vector<OutputColumn>&) override { return {}; }
    Status rows(const RowBatch&) override { return Error(Code::kCancelled, "gone"); }
  } receiver;
  Outcome outcome = store_.ask(request("source=logs"), receiver);
  ASSERT_TRUE(outcome.failure);
  EXPECT_EQ(outcome.failure->kind, FailureKind::kCancelled);
}

TEST_F(Limits, LongTextsAreRefused) {
  Rows rows;
  Outcome outcome = store_.ask(request(std::string(kQueryTextBytesMax + 1, 'a')), rows);
  ASSERT_TRUE(outcome.failure);
  EXPECT_EQ(outcome.failure->kind, FailureKind::kSyntax);
}

TEST_F(Limits, RawRowsAreTheEventsAsTheyCame) {
  Request r = request("source=logs n=5");
  r.raw = true;
  Rows rows;
  Outcome outcome = store_.ask(r, rows);
  ASSERT_FALSE(outcome.failure) << outcome.failure->reason;
  ASSERT_EQ(rows.rows_seen.size(), 1u);
  EXPECT_EQ(rows.rows_seen[0][0].text(), "{\"n\":5,\"word\":\"w5\"}");
  r.text = "source=logs | stats count()";
  Rows none;
  outcome = store_.ask(r, none);
  ASSERT_TRUE(outcome.failure);
  EXPECT_EQ(outcome.failure->kind, FailureKind::kUnsupported);
}

TEST_F(Limits, SelectorsDeleteWhatTheSearchFinds) {
  auto chosen = store_.engine().selector("source=logs word=w3 | where n < 100", {});
  ASSERT_TRUE(std::holds_alternative<RowSelector>(chosen));
  const RowSelector& selector = std::get<RowSelector>(chosen);
  ASSERT_EQ(selector.datasets, std::vector<std::string>{"logs"});
  auto report = store_.store().delete_rows({}, "logs", selector.range, selector.narrow, logstore::WaitForBytes::kNo);
  ASSERT_TRUE(report.ok());
  EXPECT_EQ(report->rows, 14u);
  Rows rows;
  ASSERT_FALSE(store_.ask(request("source=logs word=w3 | stats count()"), rows).failure);
  EXPECT_EQ(rows.rows_seen[0][0].i64(), 43 - 14);
  EXPECT_TRUE(std::holds_alternative<Failure>(store_.engine().selector("source=logs | head 3", {})));
}

TEST_F(Limits, ExplainSaysWhatIsReadAndAnalyzeWhatItCost) {
  Rows rows;
  ASSERT_FALSE(store_.ask(request("explain analyze source=logs | where n > 5 | stats count() by word"), rows).failure);
  std::string all;
  for (const auto& row : rows.rows_seen) all += row[0].text() + "\n";
  EXPECT_NE(all.find("scan logs"), std::string::npos) << all;
  EXPECT_NE(all.find("294 rows"), std::string::npos) << all;
}

// Two hundred events, one a second; one in eleven without a `tier`.
std::string tiered_events() {
  std::string lines;
  for (int i = 0; i < 200; ++i) {
    std::string second = std::to_string(100 + i % 60).substr(1);
    lines += R"({"@timestamp":"2025-11-21T10:)" + std::to_string(10 + i / 60) + ":" + second + "Z\"";
    if (i % 11 != 0) lines += R"(,"tier":"the tier of number )" + std::to_string(i % 3) + "\"";
    lines += ",\"n\":" + std::to_string(i) + "}\n";
  }
  return lines;
}

TEST(Counts, ByOneFieldReadNoRow) {
  PplStore store(4096);
  ASSERT_TRUE(store.feed("tiers", tiered_events()).ok());
  ASSERT_TRUE(store.flush().ok());
  for (const char* text : {"source=tiers", "source=tiers | where @timestamp >= '2025-11-21 10:10:00'"}) {
    Request request;
    request.text = std::string(text) + " | stats count() as c by tier";
    Rows counted;
    Outcome outcome = store.ask(request, counted);
    ASSERT_FALSE(outcome.failure) << outcome.failure->reason;
    EXPECT_EQ(outcome.stats.granules_from_counts, 1u);
    EXPECT_EQ(outcome.stats.rows_scanned, 0u);
    request.text = "source=tiers | where n >= 0 | stats count() as c by tier";
    Rows scanned;
    ASSERT_FALSE(store.ask(request, scanned).failure);
    ASSERT_EQ(counted.rows_seen.size(), 4u);  // with that of no tier
    ASSERT_EQ(scanned.rows_seen.size(), 4u);
    for (size_t i = 0; i < counted.rows_seen.size(); ++i) {
      EXPECT_EQ(counted.rows_seen[i][0].i64(), scanned.rows_seen[i][0].i64()) << i;
      EXPECT_EQ(counted.rows_seen[i][1].text(), scanned.rows_seen[i][1].text()) << i;
    }
  }
}

TEST(Counts, ByOneFieldScanTheEdgesOfATimeRange) {
  PplStore store(64);
  ASSERT_TRUE(store.feed("tiers", tiered_events()).ok());
  ASSERT_TRUE(store.flush().ok());
  Request request;
  request.text =
      "source=tiers | where @timestamp >= '2025-11-21 10:10:05' and @timestamp < '2025-11-21 10:13:15' | "
      "stats count() as c by tier";
  Rows rows;
  Outcome outcome = store.ask(request, rows);
  ASSERT_FALSE(outcome.failure) << outcome.failure->reason;
  EXPECT_GT(outcome.stats.granules_from_counts, 0u);
  EXPECT_GT(outcome.stats.rows_scanned, 0u);
  int64_t all = 0;
  for (const auto& row : rows.rows_seen) all += row[0].i64();
  EXPECT_EQ(all, 190);
}

TEST(Counts, ByOneFieldLeaveOutRowsWithoutItWhereTheQuerySaysSo) {
  PplStore store(4096);
  ASSERT_TRUE(store.feed("tiers", tiered_events()).ok());
  ASSERT_TRUE(store.flush().ok());
  Request request;
  request.text = "source=tiers | top usenull=false tier";
  Rows rows;
  Outcome outcome = store.ask(request, rows);
  ASSERT_FALSE(outcome.failure) << outcome.failure->reason;
  EXPECT_EQ(outcome.stats.granules_from_counts, 1u);
  EXPECT_EQ(rows.rows_seen.size(), 3u);
}

TEST_F(Limits, ExplainSaysThatALimitedSortByTimeIsAnOrderedScan) {
  Rows rows;
  ASSERT_FALSE(store_.ask(request("explain source=logs | sort -@timestamp | head 5"), rows).failure);
  ASSERT_FALSE(rows.rows_seen.empty());
  EXPECT_NE(rows.rows_seen[0][0].text().find("newest first for the sort, until 5 rows are there"), std::string::npos)
      << rows.rows_seen[0][0].text();
  Rows other;
  ASSERT_FALSE(store_.ask(request("explain source=logs | sort n | head 5"), other).failure);
  EXPECT_NE(other.rows_seen[0][0].text().find("on parallel lanes"), std::string::npos) << other.rows_seen[0][0].text();
}

TEST_F(Limits, ASubsearchIsLimitedAndSaysSo) {
  std::string lines;
  for (int i = 0; i < 10'001; ++i) lines += "{\"m\":" + std::to_string(i) + "}\n";
  ASSERT_TRUE(store_.feed("many", lines).ok());
  Rows rows;
  Outcome outcome = store_.ask(request("source=logs | where n in [ source=many | fields m ]"), rows);
  ASSERT_TRUE(outcome.failure);
  EXPECT_EQ(outcome.failure->kind, FailureKind::kResourceLimit);
  EXPECT_NE(outcome.failure->reason.find("10000"), std::string::npos) << outcome.failure->reason;
  Rows narrower;
  EXPECT_FALSE(
      store_.ask(request("source=logs | where n in [ source=many | where m < 3 | fields m ]"), narrower).failure);
  EXPECT_EQ(narrower.rows_seen.size(), 3u);
}

TEST_F(Limits, TheRightSideOfAJoinIsWithinTheMemory) {
  Request r = request("source=logs | join left=a right=b on a.n = b.n logs | fields n");
  r.limits.memory_bytes = 2000;
  Rows rows;
  Outcome outcome = store_.ask(r, rows);
  ASSERT_TRUE(outcome.failure);
  EXPECT_EQ(outcome.failure->kind, FailureKind::kResourceLimit);
  EXPECT_NE(outcome.failure->reason.find("memory"), std::string::npos);
}

}  // namespace
}  // namespace clew::query::testing
