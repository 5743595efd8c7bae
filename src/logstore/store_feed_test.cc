// The feed: every committed event once, by _seq, wherever it lies.
#include "logstore/store_feed.h"

#include <gtest/gtest.h>

#include <thread>

#include "logstore/test_store.h"

namespace clew::logstore {
namespace {

using testing::make_write;
using testing::TestStore;

// Every _seq that reading in steps of `step` gives, as often as it is given.
std::multiset<uint64_t> read_all(LogStore& store, uint64_t step, const contract::Access& access = {}) {
  std::multiset<uint64_t> seqs;
  contract::EventFeed& feed = store.feed();
  for (Seq at(0); at < feed.committed();) {
    contract::FeedPiece piece = feed.read(access, {at, Seq(at.get() + step)});
    EXPECT_EQ(piece.range.after, at);
    for (const contract::FedGranule& fed : piece.granules) {
      for (uint32_t block = 0; block * contract::kBlockRows < fed.granule->rows(); ++block) {
        model::Selection rows;
        fed.granule->alive(block, rows);
        contract::ScanStats stats;
        auto column = fed.granule->column("_seq", block, rows, stats);
        EXPECT_TRUE(column.ok());
        for (uint32_t i = 0; i < rows.size(); ++i) {
          auto seq = static_cast<uint64_t>((*column)->value(i).i64());
          EXPECT_TRUE(!fed.whole || piece.range.contains(seq)) << seq;
          if (piece.range.contains(seq)) seqs.insert(seq);
        }
      }
    }
    at = piece.range.up_to;
  }
  return seqs;
}

std::multiset<uint64_t> numbers(uint64_t from, uint64_t to) {
  std::multiset<uint64_t> out;
  for (uint64_t n = from; n <= to; ++n) out.insert(n);
  return out;
}

TEST(StoreFeed, EachEventOnceInPartsSegmentsAndAfterAMerge) {
  TestStore test;
  ASSERT_TRUE(test.open().ok());
  EXPECT_EQ(test.store->feed().committed(), Seq(0));
  for (uint64_t i = 0; i < 40; ++i) {
    ASSERT_TRUE(test.write(make_write(i % 3 == 0 ? "pay" : "logs", i * 10, 10)).ok());
    if (i == 15) {
      ASSERT_TRUE(test.store->flush_now().ok());
    }
  }
  EXPECT_EQ(test.store->feed().committed(), Seq(400));
  for (uint64_t step : {7, 64, 1000}) EXPECT_EQ(read_all(*test.store, step), numbers(1, 400)) << step;
  ASSERT_TRUE(test.store->flush_now().ok());
  ASSERT_TRUE(test.store->merge_all().ok());
  EXPECT_EQ(read_all(*test.store, 33), numbers(1, 400));
  ASSERT_TRUE(test.open().ok());
  EXPECT_EQ(read_all(*test.store, 33), numbers(1, 400));
}

TEST(StoreFeed, ARepeatedWriteAndDeletedEventsAreNotInIt) {
  TestStore test;
  ASSERT_TRUE(test.open().ok());
  contract::BatchKey key{"agent", 1};
  ASSERT_TRUE(test.write(make_write("logs", 0, 10, key)).ok());
  auto again = test.write(make_write("logs", 0, 10, key));
  ASSERT_TRUE(again.ok());
  EXPECT_TRUE(again->duplicate);
  EXPECT_EQ(read_all(*test.store, 100), numbers(1, 10));
  ASSERT_TRUE(test.store->delete_dataset({}, "logs").ok());
  EXPECT_TRUE(read_all(*test.store, 100).empty());
}

TEST(StoreFeed, OnlyWhatTheCallerMayRead) {
  TestStore test;
  ASSERT_TRUE(test.open().ok());
  ASSERT_TRUE(test.write(make_write("logs", 0, 5)).ok());
  ASSERT_TRUE(test.write(make_write("pay", 5, 5)).ok());
  EXPECT_EQ(read_all(*test.store, 100, {TenantId("default"), {"pay"}}), numbers(6, 10));
  EXPECT_TRUE(read_all(*test.store, 100, {TenantId("other"), {}}).empty());
}

TEST(StoreFeed, ReadsOnlyRowGroupsThatMayHoldTheRange) {
  TestStore test;
  ASSERT_TRUE(test.open().ok());
  for (uint64_t i = 0; i < 20; ++i) ASSERT_TRUE(test.write(make_write("logs", i * 64, 64)).ok());
  ASSERT_TRUE(test.store->flush_now().ok());
  // Events come in order of time here, so that a row group is a run of _seqs.
  EXPECT_LE(test.store->feed().read({}, {Seq(640), Seq(650)}).granules.size(), 2u);
  EXPECT_TRUE(test.store->feed().read({}, {Seq(1280), Seq(2000)}).granules.empty());
}

TEST(StoreFeed, NamesVersionGrowsWithNamesOnly) {
  TestStore test;
  ASSERT_TRUE(test.open().ok());
  ASSERT_TRUE(test.write(make_write("logs", 0, 5)).ok());
  uint64_t version = test.store->feed().names_version();
  ASSERT_TRUE(test.write(make_write("logs", 5, 5)).ok());
  EXPECT_EQ(test.store->feed().names_version(), version);
  ASSERT_TRUE(test.write(make_write("pay", 10, 5)).ok());
  EXPECT_GT(test.store->feed().names_version(), version);
  version = test.store->feed().names_version();
  contract::Write write;
  model::Batch& batch = write.batches.emplace_back("logs");
  uint32_t row = batch.begin_row();
  batch.column("_time")->add_time(row, testing::kStart);
  batch.column("fresh")->add_string(row, "x");
  batch.end_row();
  ASSERT_TRUE(test.write(std::move(write)).ok());
  EXPECT_GT(test.store->feed().names_version(), version);
}

TEST(StoreFeed, TheBellRingsOncePerCommitAndNotForThoseGone) {
  TestStore test;
  ASSERT_TRUE(test.open().ok());
  auto bell = std::make_shared<contract::Bell>();
  auto gone = std::make_shared<contract::Bell>();
  test.store->feed().ring_on_commit(bell);
  test.store->feed().ring_on_commit(gone);
  gone.reset();
  EXPECT_FALSE(bell->wait_for(std::chrono::nanoseconds(0)));
  ASSERT_TRUE(test.write(make_write("logs", 0, 5)).ok());
  EXPECT_TRUE(bell->wait_for(std::chrono::nanoseconds(0)));
  EXPECT_FALSE(bell->wait_for(std::chrono::nanoseconds(0)));
  std::jthread writer([&] { (void)test.write(make_write("logs", 5, 5)); });
  EXPECT_TRUE(bell->wait_for(std::chrono::seconds(30)));
}

}  // namespace
}  // namespace clew::logstore
