// A store with its threads: many writers, readers, background work, deletes and copies at once, on the real disk.
#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>
#include <thread>

#include "logstore/test_expect.h"
#include "os/clock.h"

namespace clew::logstore {
namespace {

using testing::make_write;
using testing::see_all;

class Threads : public ::testing::Test {
 protected:
  void SetUp() override {
    dir_ = ::testing::TempDir() + "clew_store_threads_" + std::to_string(rng_->next());
    options_ = testing::small_options();
    options_.background_threads = 2;
    options_.journal_file_bytes = 256 << 10;
    options_.journal_budget_bytes = 16 << 20;
    options_.flush_rows = 2000;
    options_.segment_rows_max = 50'000;
  }
  void TearDown() override {
    store_.reset();
    std::filesystem::remove_all(dir_);
  }
  void open() {
    store_.reset();
    registry_ = std::make_unique<base::Registry>();
    auto opened = LogStore::open(*disk_, *clock_, *rng_, dir_, options_, *registry_);
    ASSERT_TRUE(opened.ok()) << opened.error().message();
    store_ = std::move(opened).take();
  }
  Result<contract::Ack> write(contract::Write w) {
    std::atomic<int> answered{0};
    std::optional<Result<contract::Ack>> answer;
    store_->write(std::move(w), [&](Result<contract::Ack> a) {
      answer = std::move(a);
      answered = 1;
      answered.notify_one();
    });
    answered.wait(0);
    return std::move(*answer);
  }

  std::unique_ptr<os::Disk> disk_ = os::make_real_disk();
  std::unique_ptr<os::Clock> clock_ = os::make_real_clock();
  std::unique_ptr<os::Rng> rng_ = os::make_real_rng();
  std::string dir_;
  StoreOptions options_;
  std::unique_ptr<base::Registry> registry_;
  std::unique_ptr<LogStore> store_;
};

constexpr uint64_t kWriters = 6;
constexpr uint64_t kWrites = 60;
constexpr uint32_t kRows = 50;

TEST_F(Threads, EveryAcknowledgedWriteIsVisibleAtOnceAndStays) {
  open();
  std::atomic<bool> done{false};
  std::atomic<int> failures{0};
  {
    std::vector<std::jthread> threads;
    for (uint64_t t = 0; t < kWriters; ++t) {
      threads.emplace_back([&, t] {
        for (uint64_t i = 0; i < kWrites; ++i) {
          uint64_t first = (t * kWrites + i) * kRows;
          auto ack = write(make_write("logs", first, kRows, contract::BatchKey{"w" + std::to_string(t), i}));
          if (!ack.ok()) {
            ++failures;
            continue;
          }
          if (i % 20 == 0 && see_all(*store_).seq_by_number.count(first) != 1) ++failures;
        }
      });
    }
    std::jthread reader([&] {
      size_t before = 0;
      while (!done) {
        auto seen = see_all(*store_);
        if (!seen.wrong.empty() || seen.seq_by_number.size() < before) ++failures;
        before = seen.seq_by_number.size();
      }
    });
    std::jthread administrator([&] {
      while (!done) {
        if (!store_->flush_now().ok() || !store_->merge_all().ok()) ++failures;
        (void)registry_->prometheus_text();
      }
    });
    threads.clear();
    done = true;
  }
  EXPECT_EQ(failures, 0);
  testing::expect_events(*store_, kWriters * kWrites * kRows);
  open();
  testing::expect_events(*store_, kWriters * kWrites * kRows);
  EXPECT_TRUE(store_->verify().empty());
}

TEST_F(Threads, SameKeyAtTheSameTimeIsStoredOnce) {
  open();
  std::atomic<int> first_answers{0}, repeated{0};
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < 8; ++t) {
      threads.emplace_back([&] {
        for (uint64_t i = 0; i < 40; ++i) {
          auto ack = write(make_write("logs", i * kRows, kRows, contract::BatchKey{"same", i}));
          if (ack.ok()) ++(ack->duplicate ? repeated : first_answers);
        }
      });
    }
  }
  EXPECT_EQ(first_answers, 40);
  EXPECT_EQ(repeated, 280);
  testing::expect_events(*store_, 40 * kRows);
}

TEST_F(Threads, CopyUnderLoadIsCutAtOnePoint) {
  open();
  std::atomic<bool> done{false};
  std::jthread writer([&] {
    for (uint64_t i = 0; !done; ++i) (void)write(make_write("logs", i * kRows, kRows));
  });
  while (store_->datasets({})->empty()) std::this_thread::yield();
  Status copied = store_->snapshot_to(dir_ + "-copy");
  done = true;
  writer.join();
  ASSERT_TRUE(copied.ok()) << copied.error().message();
  base::Registry registry;
  auto copy = LogStore::open(*disk_, *clock_, *rng_, dir_ + "-copy", options_, registry);
  ASSERT_TRUE(copy.ok()) << copy.error().message();
  auto seen = see_all(**copy);
  EXPECT_TRUE(seen.wrong.empty());
  // Events were numbered in the order of their commits: a prefix of them is there.
  EXPECT_EQ(seen.numbers().size(), seen.seq_by_number.size());
  EXPECT_EQ(seen.seq_by_number.rbegin()->first + 1, seen.seq_by_number.size());
  EXPECT_EQ(seen.seq_by_number.size() % kRows, 0u);
  copy->reset();
  std::filesystem::remove_all(dir_ + "-copy");
}

}  // namespace
}  // namespace clew::logstore
