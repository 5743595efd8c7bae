#include "collect/host_source.h"

#include <gtest/gtest.h>

#include <condition_variable>
#include <mutex>
#include <thread>

namespace clew::collect {
namespace {

// Counts how often it was asked, and can be made to hang as a dead file server makes a machine's.
class FakeHost final : public host::Host {
 public:
  void collect(host::Samples& out) override {
    std::unique_lock lock(mutex_);
    ++asked_;
    changed_.notify_all();
    changed_.wait(lock, [this] { return !hangs_; });
    out.one("asked", host::FamilyType::kCounter, "How often.", asked_);
  }
  void hang(bool on) {
    std::unique_lock lock(mutex_);
    hangs_ = on;
    changed_.notify_all();
  }
  void wait_asked(int times) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return asked_ >= times; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool hangs_ = false;
  int asked_ = 0;
};

class HostSourceTest : public testing::Test {
 protected:
  void start(HostSourceOptions options) {
    auto host = std::make_unique<FakeHost>();
    host_ = host.get();
    source_ = std::make_unique<HostSource>(std::move(options), std::move(host), *clock_);
    thread_ = std::jthread([this] { EXPECT_TRUE(source_->run().ok()); });
  }
  ~HostSourceTest() override {
    host_->hang(false);
    source_->stop();
  }
  // The number that FakeHost gives; 0 where there is none yet.
  int asked() {
    std::string text;
    source_->append_metrics(text);
    size_t at = text.find("\nasked ");
    return at == std::string::npos ? 0 : std::stoi(text.substr(at + 7));
  }

  std::unique_ptr<os::Clock> clock_ = os::make_real_clock();
  FakeHost* host_ = nullptr;
  std::unique_ptr<HostSource> source_;
  std::jthread thread_;
};

constexpr uint64_t kHour = 3'600'000'000'000;

TEST_F(HostSourceTest, MeasuresWhenAskedAndNotTwiceForOneMoment) {
  start({.every_nanos = kHour, .fresh_nanos = kHour});
  EXPECT_EQ(asked(), 1);
  EXPECT_EQ(asked(), 1);
}

TEST_F(HostSourceTest, WhatIsOldIsMeasuredAgain) {
  start({.every_nanos = kHour, .fresh_nanos = 1, .wait_nanos = kHour});
  int first = asked();
  EXPECT_GT(asked(), first);
}

TEST_F(HostSourceTest, MeasuresByItself) {
  start({.every_nanos = 1'000'000});
  host_->wait_asked(3);
}

TEST_F(HostSourceTest, AFileSystemThatHangsHoldsUpNobody) {
  start({.every_nanos = kHour, .fresh_nanos = 1, .wait_nanos = 20'000'000});
  int before = asked();
  host_->hang(true);
  EXPECT_GE(asked(), before);
  EXPECT_GE(asked(), 1);
}

}  // namespace
}  // namespace clew::collect
