// Places in the feed on a simulated disk: what was answered ok survives, whatever fails.
#include "live/subscription_store.h"

#include <gtest/gtest.h>

#include "base/test_page.h"
#include "os/sim_clock.h"
#include "os/sim_disk.h"

namespace clew::live {
namespace {

constexpr const char* kDir = "/data/subscriptions";
constexpr const char* kTenant = "default";

class SubscriptionStoreTest : public testing::Test {
 protected:
  void open(uint64_t committed = 1'000'000) {
    store_.reset();
    auto opened = SubscriptionStore::open(disk_, clock_, kDir, Seq(committed));
    ASSERT_TRUE(opened.ok()) << opened.error().message();
    store_ = std::move(opened).take();
  }
  uint64_t acked(const std::string& name) {
    auto found = store_->find(kTenant, name);
    return found.ok() ? found->acked : UINT64_MAX;
  }
  std::string newest_log() {
    std::string newest;
    auto entries = disk_.list(kDir);
    for (const auto& entry : *entries) newest = std::max(newest, entry.name);
    return std::string(kDir) + "/" + newest;
  }

  os::SimDisk disk_{1};
  os::SimClock clock_;
  std::unique_ptr<SubscriptionStore> store_;
};

TEST_F(SubscriptionStoreTest, PlacesSurviveAStart) {
  open();
  ASSERT_TRUE(store_->create(kTenant, "a", "level=error", Seq(5)).ok());
  ASSERT_TRUE(store_->create(kTenant, "b", "", Seq(0)).ok());
  ASSERT_TRUE(store_->create("other", "a", "n=1", Seq(7)).ok());
  ASSERT_TRUE(store_->acknowledge(kTenant, "a", Seq(9)).ok());
  ASSERT_TRUE(store_->remove(kTenant, "b").ok());
  for (int i = 0; i < 2; ++i) {
    open();
    EXPECT_EQ(acked("a"), 9u);
    EXPECT_EQ(store_->find(kTenant, "b").error().code(), Code::kNotFound);
    EXPECT_EQ(store_->find("other", "a")->query, "n=1");
    EXPECT_EQ(store_->list(kTenant).size(), 1u);
  }
}

TEST_F(SubscriptionStoreTest, APlaceNeverGoesBack) {
  open();
  ASSERT_TRUE(store_->create(kTenant, "a", "", Seq(5)).ok());
  EXPECT_EQ(store_->acknowledge(kTenant, "a", Seq(9))->acked, 9u);
  EXPECT_EQ(store_->acknowledge(kTenant, "a", Seq(3))->acked, 9u);
  open();
  EXPECT_EQ(acked("a"), 9u);
}

TEST_F(SubscriptionStoreTest, TheSameNameWithAnotherQueryIsRefused) {
  open();
  EXPECT_TRUE(store_->create(kTenant, "a", "x=1", Seq(5))->second);
  EXPECT_FALSE(store_->create(kTenant, "a", "x=1", Seq(8))->second);
  EXPECT_EQ(acked("a"), 5u);
  EXPECT_EQ(store_->create(kTenant, "a", "x=2", Seq(5)).error().code(), Code::kExists);
  uint64_t epoch = store_->find(kTenant, "a")->epoch;
  ASSERT_TRUE(store_->remove(kTenant, "a").ok());
  EXPECT_NE(store_->create(kTenant, "a", "x=2", Seq(5))->first.epoch, epoch);
}

TEST_F(SubscriptionStoreTest, Limits) {
  open();
  EXPECT_EQ(store_->create(kTenant, "", "", Seq(0)).error().code(), Code::kInvalid);
  EXPECT_EQ(store_->create(kTenant, std::string(kSubscriptionNameBytesMax + 1, 'x'), "", Seq(0)).error().code(),
            Code::kInvalid);
  EXPECT_EQ(store_->create(kTenant, "a\nb", "", Seq(0)).error().code(), Code::kInvalid);
  EXPECT_EQ(store_->create(kTenant, "q", std::string(kSubscriptionQueryBytesMax + 1, 'x'), Seq(0)).error().code(),
            Code::kInvalid);
  for (size_t i = 0; i < kSubscriptionsMax; ++i) {
    ASSERT_TRUE(store_->create(kTenant, "n" + std::to_string(i), "", Seq(0)).ok());
  }
  EXPECT_EQ(store_->create(kTenant, "one more", "", Seq(0)).error().code(), Code::kOverloaded);
  EXPECT_TRUE(store_->create("other", "its own", "", Seq(0)).ok());
}

TEST_F(SubscriptionStoreTest, PlacesBehindTheStoreAreSetBack) {
  open();
  ASSERT_TRUE(store_->create(kTenant, "a", "", Seq(500)).ok());
  open(100);
  EXPECT_EQ(acked("a"), 100u);
}

TEST_F(SubscriptionStoreTest, ALongLogIsWrittenAnew) {
  open();
  ASSERT_TRUE(store_->create(kTenant, "a", "", Seq(0)).ok());
  std::string first = newest_log();
  for (uint64_t n = 1; n <= 40'000; ++n) ASSERT_TRUE(store_->acknowledge(kTenant, "a", Seq(n)).ok());
  EXPECT_NE(newest_log(), first);
  EXPECT_EQ(disk_.list(kDir)->size(), 1u);
  open();
  EXPECT_EQ(acked("a"), 40'000u);
}

TEST_F(SubscriptionStoreTest, CutAtEveryByteItKeepsWhatIsWhole) {
  open();
  ASSERT_TRUE(store_->create(kTenant, "a", "level=error", Seq(0)).ok());
  for (uint64_t n = 1; n <= 5; ++n) ASSERT_TRUE(store_->acknowledge(kTenant, "a", Seq(n)).ok());
  std::string path = newest_log();
  std::string whole = disk_.contents(path);
  uint64_t best = 0;
  for (size_t cut = 24; cut <= whole.size(); ++cut) {
    os::SimDisk disk(2);
    ASSERT_TRUE(disk.make_dirs(kDir).ok());
    auto file = disk.open(path, os::OpenMode::kCreate);
    ASSERT_TRUE((*file)->write_at(0, whole.substr(0, cut)).ok());
    auto opened = SubscriptionStore::open(disk, clock_, kDir, Seq(100));
    ASSERT_TRUE(opened.ok()) << cut << opened.error().message();
    auto found = (*opened)->find(kTenant, "a");
    uint64_t now = found.ok() ? found->acked : 0;
    ASSERT_GE(now, best) << cut;
    best = now;
  }
  EXPECT_EQ(best, 5u);
}

TEST_F(SubscriptionStoreTest, DamageCostsOneRecord) {
  open();
  ASSERT_TRUE(store_->create(kTenant, "a", "", Seq(0)).ok());
  ASSERT_TRUE(store_->create(kTenant, "b", "", Seq(0)).ok());
  ASSERT_TRUE(store_->acknowledge(kTenant, "b", Seq(7)).ok());
  ASSERT_TRUE(store_->acknowledge(kTenant, "b", Seq(9)).ok());
  std::string log = disk_.contents(newest_log());
  size_t second_ack = log.rfind("CUBS");
  disk_.flip(newest_log(), log.rfind("CUBS", second_ack - 1) + 15, 0x10);
  open();
  EXPECT_EQ(acked("b"), 9u);
  EXPECT_EQ(acked("a"), 0u);
  disk_.flip(newest_log(), 3, 0x10);
  open();
  EXPECT_EQ(store_->damaged_logs(), 1u);
  EXPECT_TRUE(store_->list(kTenant).empty());
  ASSERT_TRUE(store_->create(kTenant, "c", "", Seq(1)).ok());
  open();
  EXPECT_EQ(store_->damaged_logs(), 0u);
  EXPECT_EQ(acked("c"), 1u);
}

// Every operation of the disk fails once; what was answered ok is there afterwards, also without power.
TEST_F(SubscriptionStoreTest, WhateverFailsNothingAnsweredIsLost) {
  for (uint64_t fail_at = 1;; ++fail_at) {
    os::SimDisk disk(fail_at);
    uint64_t answered = 0;
    bool made = false;
    disk.fail_operation(fail_at, Code::kIo);
    {
      auto opened = SubscriptionStore::open(disk, clock_, kDir, Seq(100));
      if (opened.ok()) {
        made = (*opened)->create(kTenant, "a", "", Seq(0)).ok();
        for (uint64_t n = 1; n <= 6; ++n) {
          if ((*opened)->acknowledge(kTenant, "a", Seq(n)).ok()) answered = n;
        }
      }
    }
    bool failed = disk.failure_happened();
    disk.crash();
    auto again = SubscriptionStore::open(disk, clock_, kDir, Seq(100));
    ASSERT_TRUE(again.ok()) << fail_at << ": " << again.error().message();
    auto found = (*again)->find(kTenant, "a");
    ASSERT_TRUE(found.ok() || !made) << fail_at;
    if (found.ok()) {
      ASSERT_GE(found->acked, answered) << fail_at;
    }
    if (!failed) break;
  }
}

TEST_F(SubscriptionStoreTest, ThePageShowsWhatIsWritten) {
  Subscription subscription{.tenant = "default",
                            .name = "pager",
                            .query = "level=error",
                            .acked = 300,
                            .created_nanos = 1'763'719'200'000'000'000,
                            .acked_nanos = 0,
                            .epoch = 1};
  std::string log = encode_log_header(7) + encode_put(subscription);
  subscription.acked = 1000;
  subscription.acked_nanos = 1'763'719'201'000'000'000;
  log += encode_ack(subscription);
  EXPECT_EQ(base::hex_dump(log), base::page_example("docs/formats/subscriptions.md", "log"));
}

}  // namespace
}  // namespace clew::live
