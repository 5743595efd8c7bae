#include "logstore/log_store.h"

#include <gtest/gtest.h>

#include "logstore/test_expect.h"

namespace clew::logstore {
namespace {

using testing::expect_events;
using testing::make_write;
using testing::see_all;
using testing::TestStore;

TEST(LogStore, AcknowledgedIsInTheNextSnapshot) {
  TestStore t;
  ASSERT_TRUE(t.open().ok());
  for (uint64_t i = 0; i < 20; ++i) {
    auto ack = t.write_events(i * 10, 10);
    ASSERT_TRUE(ack.ok()) << ack.error().message();
    EXPECT_EQ(ack->first_seq.get(), i * 10 + 1);
    EXPECT_EQ(ack->rows, 10u);
    expect_events(*t.store, (i + 1) * 10);
  }
}

TEST(LogStore, SurvivesKillAndPowerLoss) {
  TestStore t;
  ASSERT_TRUE(t.open().ok());
  for (uint64_t i = 0; i < 30; ++i) {
    ASSERT_TRUE(t.write_events(i * 7, 7).ok());
    if (i % 3 == 0) t.disk.crash();
    if (i % 3 == 1) t.disk.kill_process();
    if (i % 3 == 2) continue;
    ASSERT_TRUE(t.open().ok());
    expect_events(*t.store, (i + 1) * 7);
  }
}

TEST(LogStore, FlushedAndMergedAnswersAreTheSame) {
  TestStore t;
  ASSERT_TRUE(t.open().ok());
  for (uint64_t i = 0; i < 40; ++i) {
    ASSERT_TRUE(t.write_events(i * 25, 25).ok());
    if (i % 4 == 3) {
      ASSERT_TRUE(t.store->flush_now().ok());
    }
  }
  expect_events(*t.store, 1000);
  auto before = see_all(*t.store).seq_by_number;
  ASSERT_TRUE(t.store->merge_all().ok());
  EXPECT_EQ(see_all(*t.store).seq_by_number, before);
  EXPECT_TRUE(t.store->verify().empty()) << t.store->verify().front();
  ASSERT_TRUE(t.open().ok());
  EXPECT_EQ(see_all(*t.store).seq_by_number, before);
  EXPECT_EQ(t.store->recovered().parts, 0u);
}

TEST(LogStore, BackgroundStepsComeToRest) {
  TestStore t;
  ASSERT_TRUE(t.open().ok());
  for (uint64_t i = 0; i < 200; ++i) {
    ASSERT_TRUE(t.write_events(i * 10, 10).ok());
    auto worked = t.store->work_once();
    ASSERT_TRUE(worked.ok()) << worked.error().message();
  }
  int steps = 0;
  while (*t.store->work_once() && steps < 1000) ++steps;
  EXPECT_LT(steps, 1000);
  EXPECT_TRUE(t.store->is_idle());
  expect_events(*t.store, 2000);
}

TEST(LogStore, LockedWhileOpen) {
  TestStore t;
  ASSERT_TRUE(t.open().ok());
  base::Registry registry;
  auto second = LogStore::open(t.disk, t.clock, t.rng, testing::kDir, t.options, registry);
  EXPECT_EQ(second.error().code(), Code::kExists);
}

}  // namespace
}  // namespace clew::logstore
