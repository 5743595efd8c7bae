#include "logstore/stored_writes.h"

#include <gtest/gtest.h>

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
