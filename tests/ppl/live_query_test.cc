// Questions over the feed: the same rows as a search gives, piece by piece, in the order of _seq.
#include "query/live_query.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "ppl_store.h"

namespace clew::query {
namespace {

using testing::PplStore;

std::unique_ptr<LiveQuery> make(PplStore& store, const std::string& text, bool raw = false) {
  auto made =
      LiveQuery::make({store.store(), store.store().feed(), store.clock()}, {.text = text, .access = {}, .raw = raw});
  if (auto* failure = std::get_if<Failure>(&made)) {
    ADD_FAILURE() << text << ": " << failure->reason;
    return nullptr;
  }
  return std::get<std::unique_ptr<LiveQuery>>(std::move(made));
}

Failure refused(PplStore& store, const std::string& text) {
  auto made = LiveQuery::make({store.store(), store.store().feed(), store.clock()}, {.text = text, .access = {}});
  auto* failure = std::get_if<Failure>(&made);
  EXPECT_NE(failure, nullptr) << text;
  return failure == nullptr ? Failure() : *failure;
}

contract::FeedPiece all_of(PplStore& store, uint64_t after = 0, uint64_t up_to = UINT64_MAX) {
  return store.store().feed().read({}, {Seq(after), Seq(up_to)});
}

std::vector<std::string> rows_of(LiveQuery& query, const contract::FeedPiece& piece, LiveLimits limits = {}) {
  std::vector<std::string> out;
  Result<LiveAnswer> answer = query.rows(piece, limits);
  EXPECT_TRUE(answer.ok()) << (answer.ok() ? "" : answer.error().message());
  if (!answer.ok()) return out;
  EXPECT_EQ(answer->matched, answer->records.size());
  EXPECT_TRUE(std::is_sorted(answer->records.begin(), answer->records.end(),
                             [](const auto& a, const auto& b) { return a.seq < b.seq; }));
  for (const LiveRecord& record : answer->records) out.push_back(record.row);
  return out;
}

constexpr const char* kThree =
    "{\"@timestamp\":\"2026-11-20T10:00:02Z\",\"n\":1,\"level\":\"info\",\"svc\":\"cart\"}\n"
    "{\"@timestamp\":\"2026-11-20T10:00:00Z\",\"n\":2,\"level\":\"WARN\",\"svc\":\"pay\"}\n"
    "{\"@timestamp\":\"2026-11-20T10:00:01Z\",\"n\":3,\"level\":\"error\",\"svc\":\"pay\"}\n";

TEST(LiveQuery, RowsComeInTheOrderOfTheirCommit) {
  PplStore store;
  ASSERT_TRUE(store.feed("logs", kThree).ok());
  auto query = make(store, "level>=warn | fields n, svc");
  EXPECT_EQ(rows_of(*query, all_of(store)),
            (std::vector<std::string>{R"({"n":2,"svc":"pay"})", R"({"n":3,"svc":"pay"})"}));
  auto all = make(store, "fields n");
  EXPECT_EQ(rows_of(*all, all_of(store)).front(), R"({"n":1})");
  Result<LiveAnswer> answer = all->rows(all_of(store), {});
  EXPECT_EQ(answer->records[0].seq, 1u);
  EXPECT_FALSE(answer->records[0].id.empty());
  EXPECT_NE(answer->records[0].id, answer->records[1].id);
  EXPECT_EQ(answer->up_to, Seq(3));
}

TEST(LiveQuery, CommandsThatLookAtOneEvent) {
  PplStore store;
  ASSERT_TRUE(store.feed("logs", kThree).ok());
  auto query = make(store, "eval m = n * 2 | where m > 2 | rename svc as who | fields m, who");
  EXPECT_EQ(rows_of(*query, all_of(store)),
            (std::vector<std::string>{R"({"m":4,"who":"pay"})", R"({"m":6,"who":"pay"})"}));
  EXPECT_EQ(query->count(all_of(store), {})->matched, 2u);
  EXPECT_EQ(make(store, "n=2", true)->rows(all_of(store), {})->records.size(), 1u);
}

TEST(LiveQuery, CommandsThatLookAtSeveralAreRefusedWithTheirPlace) {
  PplStore store;
  ASSERT_TRUE(store.feed("logs", kThree).ok());
  Failure failure = refused(store, "level=error\n| eval a = 1 | stats count() by svc | where a > 1");
  EXPECT_EQ(failure.kind, FailureKind::kUnsupported);
  EXPECT_NE(failure.reason.find("`stats` looks at more than one event"), std::string::npos) << failure.reason;
  EXPECT_EQ(failure.line, 2u);
  EXPECT_EQ(failure.column, 16u);
  for (const char* text : {"head 3", "sort n", "dedup svc", "streamstats count() as c", "makeresults count=2",
                           "explain level=error", "where n in [ source=logs | fields n ]",
                           "join left=l right=r on l.n=r.n logs", "where exists [ source=logs | where n = outer.n ]"}) {
    EXPECT_EQ(refused(store, text).kind, FailureKind::kUnsupported) << text;
  }
  EXPECT_EQ(refused(store, "level=").kind, FailureKind::kSyntax);
}

TEST(LiveQuery, NamesThatAreNotThereYetAreWaitedFor) {
  PplStore store;
  auto query = make(store, "source=orders | where total > 5 | fields total, level");
  ASSERT_NE(query, nullptr);
  std::vector<std::string> warnings = query->warnings();
  ASSERT_EQ(warnings.size(), 2u);
  EXPECT_NE(warnings[0].find("[orders]"), std::string::npos);
  EXPECT_NE(warnings[1].find("[total]"), std::string::npos);
  auto every = make(store, "");
  ASSERT_TRUE(store.feed("logs", kThree).ok());
  EXPECT_TRUE(rows_of(*query, all_of(store)).empty());
  EXPECT_EQ(rows_of(*every, all_of(store)).size(), 3u);
  ASSERT_TRUE(store.feed("orders", "{\"total\":7,\"level\":\"info\"}\n{\"total\":3}\n").ok());
  EXPECT_EQ(rows_of(*query, all_of(store, 3)), (std::vector<std::string>{R"({"total":7,"level":"info"})"}));
  EXPECT_EQ(rows_of(*every, all_of(store, 3)).size(), 2u);
  // A field of the search that nothing has matches nothing, and then does.
  auto search = make(store, "colour=red | fields colour");
  EXPECT_TRUE(rows_of(*search, all_of(store)).empty());
  ASSERT_TRUE(store.feed("logs", "{\"colour\":\"red\"}\n").ok());
  EXPECT_EQ(rows_of(*search, all_of(store)), (std::vector<std::string>{R"({"colour":"red"})"}));
}

TEST(LiveQuery, OnlyLinesKeepTheirMessage) {
  PplStore store;
  auto query = make(store, "where nothing is null or nothing = 1 | fields message");
  ASSERT_TRUE(store.feed("logs", "{\"message\":\"hello\"}\n").ok());
  EXPECT_EQ(rows_of(*query, all_of(store)), (std::vector<std::string>{R"({"message":"hello"})"}));
}

TEST(LiveQuery, LimitsCutAndSayWhere) {
  PplStore store;
  std::string events;
  for (int n = 0; n < 1000; ++n) events += "{\"n\":" + std::to_string(n) + "}\n";
  ASSERT_TRUE(store.feed("logs", events).ok());
  auto query = make(store, "where n % 2 = 0 | fields n");
  uint64_t at = 0;
  std::vector<std::string> all;
  while (at < 1000) {
    Result<LiveAnswer> answer = query->rows(all_of(store, at), {.rows = 64});
    ASSERT_TRUE(answer.ok());
    ASSERT_LE(answer->records.size(), 64u);
    ASSERT_GT(answer->up_to.get(), at);
    at = answer->up_to.get();
    for (const LiveRecord& record : answer->records) all.push_back(record.row);
  }
  ASSERT_EQ(all.size(), 500u);
  for (size_t i = 0; i < all.size(); ++i) ASSERT_EQ(all[i], "{\"n\":" + std::to_string(i * 2) + "}");
  Result<LiveAnswer> few = query->rows(all_of(store), {.rows = 500, .bytes = 80});
  EXPECT_EQ(few->records.size(), 11u);  // five of 7 bytes, six of 8
  EXPECT_EQ(few->up_to.get(), few->records.back().seq);
  EXPECT_EQ(query->count(all_of(store), {})->matched, 500u);
}

TEST(LiveQuery, TheSameInPartsAndSegments) {
  PplStore store(64);
  std::string events;
  for (int n = 0; n < 300; ++n)
    events += "{\"n\":" + std::to_string(n) + ",\"service\":\"s" + std::to_string(n % 7) + "\"}\n";
  ASSERT_TRUE(store.feed("logs", events).ok());
  auto query = make(store, "n>100 service=s3 | fields n");
  std::vector<std::string> fresh = rows_of(*query, all_of(store, 50, 280));
  ASSERT_TRUE(store.flush().ok());
  EXPECT_EQ(rows_of(*query, all_of(store, 50, 280)), fresh);
  EXPECT_EQ(fresh.front(), R"({"n":101})");
  EXPECT_EQ(fresh.back(), R"({"n":276})");
}

TEST(LiveQuery, TheNewestByTimeOldestFirst) {
  PplStore store;
  ASSERT_TRUE(store.feed("logs", kThree).ok());
  auto query = make(store, "fields n");
  Result<LiveAnswer> answer = query->newest({}, Seq(3), {.rows = 2}, {});
  ASSERT_TRUE(answer.ok());
  ASSERT_EQ(answer->records.size(), 2u);
  EXPECT_EQ(answer->records[0].row, R"({"n":3})");
  EXPECT_EQ(answer->records[1].row, R"({"n":1})");
  // What is committed after the given place comes by the feed, and not twice.
  EXPECT_EQ(query->newest({}, Seq(2), {.rows = 10}, {})->records.size(), 2u);
}

TEST(LiveQuery, AWideDatasetReadsWhatIsThere) {
  PplStore store;
  std::string wide = "{";
  for (int i = 0; i < 200; ++i) wide += "\"f" + std::to_string(i) + "\":" + std::to_string(i) + ",";
  ASSERT_TRUE(store.feed("logs", wide + "\"n\":0}\n").ok());
  ASSERT_TRUE(store.feed("logs", "{\"n\":1,\"log\":\"a line\"}\n").ok());
  auto query = make(store, "where f7 is null | eval g = coalesce(f7, n) | fields - @timestamp, log");
  EXPECT_EQ(rows_of(*query, all_of(store, 1)), (std::vector<std::string>{R"({"n":1,"g":1})"}));
}

}  // namespace
}  // namespace clew::query
