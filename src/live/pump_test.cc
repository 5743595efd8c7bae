// The pump's thread: who gets a turn when.
#include "live/pump.h"

#include <gtest/gtest.h>

#include "logstore/test_store.h"

namespace clew::live {
namespace {

// Counts its turns and says what the test wants.
class Counting final : public Follower {
 public:
  explicit Counting(Turn turn) : turn_(turn) {}
  Turn turn(Round& round) override {
    base::MutexLock lock(mutex_);
    ++turns_;
    committed_ = round.committed().get();
    changed_.notify_all();
    Turn turn = turn_;
    if (turn.due_ns != kNever) turn.due_ns += round.now_ns();
    return turn;
  }
  void stop() override {
    base::MutexLock lock(mutex_);
    ++stops_;
  }
  bool wait_for_turns(uint64_t count) {
    return wait([&] { return turns_ >= count; });
  }
  bool wait_for_commit(uint64_t seq) {
    return wait([&] { return committed_ >= seq; });
  }
  uint64_t turns() {
    base::MutexLock lock(mutex_);
    return turns_;
  }
  uint64_t stops() {
    base::MutexLock lock(mutex_);
    return stops_;
  }

 private:
  template <class Condition>
  bool wait(Condition condition) {
    auto until = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    base::MutexLock lock(mutex_);
    while (!condition() && std::chrono::steady_clock::now() < until) {
      changed_.wait_for(mutex_, std::chrono::seconds(1));
    }
    return condition();
  }

  const Turn turn_;
  base::Mutex mutex_;
  base::CondVar changed_;
  uint64_t turns_ = 0;
  uint64_t committed_ = 0;
  uint64_t stops_ = 0;
};

class PumpTest : public testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(test_.open().ok()); }
  void write(uint64_t first) { ASSERT_TRUE(test_.write(logstore::testing::make_write("logs", first, 10)).ok()); }

  logstore::testing::TestStore test_;
  std::unique_ptr<os::Clock> clock_ = os::make_real_clock();
};

TEST_F(PumpTest, ACommitAndARingGiveATurn) {
  Pump pump(test_.store->feed(), *clock_, "test");
  auto follower = std::make_shared<Counting>(Turn{.next = Turn::Next::kWait, .due_ns = kNever});
  ASSERT_TRUE(pump.add(follower, 10).ok());
  EXPECT_TRUE(follower->wait_for_turns(1));
  write(0);
  EXPECT_TRUE(follower->wait_for_commit(10));
  uint64_t before = follower->turns();
  pump.bell()->ring();
  EXPECT_TRUE(follower->wait_for_turns(before + 1));
  EXPECT_EQ(pump.followers(), 1u);
}

TEST_F(PumpTest, WhatIsDueComesWithoutARing) {
  Pump pump(test_.store->feed(), *clock_, "test");
  auto follower = std::make_shared<Counting>(Turn{.next = Turn::Next::kWait, .due_ns = 10'000'000});
  ASSERT_TRUE(pump.add(follower, 10).ok());
  EXPECT_TRUE(follower->wait_for_turns(3));
}

TEST_F(PumpTest, WhoIsOverIsLetGo) {
  Pump pump(test_.store->feed(), *clock_, "test");
  auto follower = std::make_shared<Counting>(Turn{.next = Turn::Next::kOver, .due_ns = kNever});
  auto other = std::make_shared<Counting>(Turn{.next = Turn::Next::kWait, .due_ns = kNever});
  ASSERT_TRUE(pump.add(follower, 10).ok());
  ASSERT_TRUE(pump.add(other, 10).ok());
  EXPECT_TRUE(other->wait_for_turns(1));
  write(0);
  EXPECT_TRUE(other->wait_for_commit(10));
  EXPECT_EQ(follower->turns(), 1u);
  EXPECT_EQ(pump.followers(), 1u);
}

TEST_F(PumpTest, MoreThanAllowedAndThoseAfterTheEndAreRefused) {
  Pump pump(test_.store->feed(), *clock_, "test");
  auto follower = std::make_shared<Counting>(Turn{.next = Turn::Next::kWait, .due_ns = kNever});
  ASSERT_TRUE(pump.add(follower, 1).ok());
  EXPECT_EQ(pump.add(follower, 1).error().code(), Code::kOverloaded);
  pump.stop();
  EXPECT_EQ(follower->stops(), 1u);
  EXPECT_EQ(pump.followers(), 0u);
  EXPECT_EQ(pump.add(follower, 1).error().code(), Code::kUnavailable);
  EXPECT_EQ(follower->stops(), 1u);
}

TEST_F(PumpTest, FollowersOfOneRoundShareThePiece) {
  write(0);
  Round round(test_.store->feed(), 0);
  const contract::FeedPiece* piece = &round.piece({}, {Seq(0), Seq(10)});
  (void)round.piece({}, {Seq(5), Seq(10)});
  EXPECT_EQ(&round.piece({}, {Seq(0), Seq(10)}), piece);
  EXPECT_NE(&round.piece({TenantId("other"), {}}, {Seq(0), Seq(10)}), piece);
}

}  // namespace
}  // namespace clew::live
