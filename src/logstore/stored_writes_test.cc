#include "logstore/stored_writes.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "logstore/test_store.h"

namespace clew::logstore::testing {
namespace {

contract::BatchKey key_of(uint64_t n) { return {"host", n}; }

TEST(StoredWritesTest, PagesGiveEachWriteOnceAndWhole) {
  TestStore t;
  ASSERT_TRUE(t.open().ok());
  for (uint64_t n = 0; n < 30; ++n) ASSERT_TRUE(t.write_events(n * 10, 10, key_of(n)).ok());
  ASSERT_TRUE(t.store->flush_now().ok());
  ASSERT_TRUE(t.store->merge_all().ok());
  ASSERT_TRUE(t.write_events(1000, 5).ok());
  for (uint64_t n = 30; n < 40; ++n) ASSERT_TRUE(t.write_events(n * 10, 10, key_of(n)).ok());
  WritesRequest request;
  request.rows_max = 25;
  uint64_t keyless = 0;
  std::vector<uint64_t> sequences;
  while (true) {
    Result<WritesPage> page = t.store->stored_writes({}, request);
    ASSERT_TRUE(page.ok());
    for (const StoredWrite& write : page->writes) {
      sequences.push_back(write.key.sequence);
      ASSERT_EQ(write.batches.size(), 1u);
      const model::Column* numbers = write.batches[0].find("n");
      ASSERT_EQ(numbers->ints().size(), 10u);
      for (size_t i = 0; i < 10; ++i) EXPECT_EQ(numbers->ints()[i], static_cast<int64_t>(write.key.sequence * 10 + i));
      EXPECT_EQ(write.batches[0].find(model::kIdField), nullptr);
    }
    keyless += page->keyless_rows;
    if (page->next >= page->committed) break;
    ASSERT_GT(page->next, request.after);
    request.after = page->next;
  }
  ASSERT_EQ(sequences.size(), 40u);
  for (uint64_t n = 0; n < 40; ++n) EXPECT_EQ(sequences[n], n);
  EXPECT_EQ(keyless, 5u);
}

TEST(StoredWritesTest, CommitsBehindASeqAreToldWithoutReadingThem) {
  TestStore t;
  ASSERT_TRUE(t.open().ok());
  for (uint64_t n = 0; n < 10; ++n) ASSERT_TRUE(t.write_events(n * 10, 10, key_of(n)).ok());
  ASSERT_TRUE(t.store->flush_now().ok());
  ASSERT_TRUE(t.write_events(1000, 5).ok());
  for (uint64_t n = 10; n < 15; ++n) ASSERT_TRUE(t.write_events(n * 10, 10, key_of(n)).ok());
  auto told = [&](uint64_t after) {
    std::vector<uint64_t> sequences;
    for (const StoredCommit& commit : t.store->stored_commits({}, after)) {
      EXPECT_EQ(commit.rows, 10u);
      EXPECT_EQ(commit.key.producer, "host");
      sequences.push_back(commit.key.sequence);
    }
    return sequences;
  };
  for (int turn = 0; turn < 2; ++turn) {
    std::vector<uint64_t> all = told(0);
    ASSERT_EQ(all.size(), 15u);
    EXPECT_TRUE(std::is_sorted(all.begin(), all.end()));
    EXPECT_EQ(told(80), (std::vector<uint64_t>{8, 9, 10, 11, 12, 13, 14}));
    EXPECT_EQ(told(81), (std::vector<uint64_t>{8, 9, 10, 11, 12, 13, 14}));  // rows of it lie behind
    EXPECT_EQ(told(135), (std::vector<uint64_t>{13, 14}));
    ASSERT_TRUE(t.open().ok());
  }
}

TEST(StoredWritesTest, KeysThatMemoryForgotAreFoundInTheStore) {
  StoreOptions options = small_options();
  options.dedupe_keys_max = 4;
  TestStore t(1, options);
  ASSERT_TRUE(t.open().ok());
  for (uint64_t n = 0; n < 10; ++n) ASSERT_TRUE(t.write_events(n * 10, 10, key_of(n)).ok());
  ASSERT_TRUE(t.store->flush_now().ok());
  std::vector<bool> there = t.store->has_old_keys({}, {key_of(0), key_of(9), key_of(10)});
  EXPECT_EQ(there, (std::vector<bool>{true, true, false}));
}

}  // namespace
}  // namespace clew::logstore::testing
