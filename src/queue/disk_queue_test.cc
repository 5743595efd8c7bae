#include "queue/disk_queue.h"

#include <gtest/gtest.h>

#include <thread>

#include "base/hash.h"
#include "queue/test_feed.h"

namespace clew::queue {
namespace {

using testing::TestFeed;

constexpr const char* kDir = "/agent/queue";
constexpr DiskQueueOptions kSmall{.disk_bytes_max = 1u << 20, .file_bytes = 64u << 10};

// A disk with a queue on it that can be closed and opened again.
struct Fixture {
  explicit Fixture(DiskQueueOptions opts = kSmall, uint64_t disk_bytes = 64u << 20)
      : options(opts), disk(1, disk_bytes), rng(7) {
    reopen();
  }
  void reopen() {
    queue.reset();
    auto opened = DiskQueue::open(disk, clock, rng, kDir, options);
    ASSERT_TRUE(opened.ok()) << opened.error().message();
    queue = std::move(opened).take();
  }
  uint64_t append(const std::string& batch, std::vector<contract::QueuePlace> places = {}) {
    auto offset = queue->append(batch, 1, std::move(places));
    EXPECT_TRUE(offset.ok()) << offset.error().message();
    return offset.ok() ? *offset : 0;
  }
  std::vector<std::string> waiting() {
    std::vector<std::string> out;
    uint64_t from = 0;
    for (auto entry = queue->read(from); entry.ok() && entry->has_value(); entry = queue->read(from)) {
      out.push_back((*entry)->batch);
      from = (*entry)->offset + 1;
    }
    return out;
  }
  // Appends batches of that size until the queue says that it is full.
  uint64_t fill(size_t bytes) {
    for (uint64_t n = 0;; ++n) {
      auto offset = queue->append(std::string(bytes, 'f'), 1, {});
      if (offset.ok()) continue;
      EXPECT_EQ(offset.error().code(), Code::kOverloaded) << offset.error().message();
      return n;
    }
  }

  DiskQueueOptions options;
  os::SimDisk disk;
  os::SimClock clock;
  os::SeededRng rng;
  std::unique_ptr<DiskQueue> queue;
};

TEST(DiskQueue, EntriesAreReadInOrderUntilAcknowledged) {
  Fixture f;
  EXPECT_EQ(f.append("one"), 1u);
  EXPECT_EQ(f.append("two"), 2u);
  EXPECT_EQ(f.append("three"), 3u);
  EXPECT_EQ(f.waiting(), (std::vector<std::string>{"one", "two", "three"}));
  auto second = f.queue->read(2);
  ASSERT_TRUE(second.ok() && second->has_value());
  EXPECT_EQ((*second)->offset, 2u);
  EXPECT_EQ((*second)->rows, 1u);
  ASSERT_TRUE(f.queue->acknowledge(2).ok());
  EXPECT_EQ(f.waiting(), (std::vector<std::string>{"three"}));
  ASSERT_TRUE(f.queue->acknowledge(1).ok());  // goes back nowhere
  EXPECT_EQ(f.waiting(), (std::vector<std::string>{"three"}));
}

TEST(DiskQueue, NamePlacesAndEntriesOutliveTheProcess) {
  Fixture f;
  f.append("one", {{"/var/log/a", "10"}, {"/var/log/b", "5"}});
  f.append("two", {{"/var/log/a", "20"}});
  ASSERT_TRUE(f.queue->append("", 0, {{"clock", "noon"}}).ok());
  ASSERT_TRUE(f.queue->acknowledge(1).ok());
  std::string producer = f.queue->producer();
  f.reopen();
  EXPECT_EQ(f.queue->producer(), producer);
  EXPECT_EQ(f.waiting(), (std::vector<std::string>{"two"}));
  std::map<std::string, std::string> want{{"/var/log/a", "20"}, {"/var/log/b", "5"}, {"clock", "noon"}};
  EXPECT_EQ(f.queue->places(), want);
  EXPECT_GT(f.append("three"), 3u);
  EXPECT_EQ(f.queue->stats().appended_rows, 3u);
  EXPECT_EQ(f.queue->stats().acknowledged_rows, 1u);
}

TEST(DiskQueue, EntriesBelongToTheSourceOfTheirLastPlace) {
  Fixture f;
  f.append("one", {{"/var/log/a", "10"}, {"source/a", "1"}});
  f.append("two", {{"source/b", "1"}});
  f.append("three", {{"source/a", "2"}});
  f.append("four");
  for (int turn = 0; turn < 2; ++turn) {
    auto shares = f.queue->shares();
    EXPECT_EQ(shares["source/a"].waiting_rows, 2u);
    EXPECT_EQ(shares["source/b"].waiting_rows, 1u);
    EXPECT_EQ(shares[""].waiting_rows, 1u);
    EXPECT_EQ((*f.queue->read(1))->source, "source/a");
    EXPECT_EQ((*f.queue->read(2))->source, "source/b");
    EXPECT_TRUE(f.queue->verify().ok());
    f.reopen();
  }
  f.clock.advance(5'000'000);
  EXPECT_EQ(f.clock.now().get() - (*f.queue->read(1))->appended_at, 5'000'000);
  ASSERT_TRUE(f.queue->acknowledge(2).ok());
  auto shares = f.queue->shares();
  EXPECT_EQ(shares["source/a"].waiting_rows, 1u);
  EXPECT_EQ(shares["source/b"].waiting_rows, 0u);
}

TEST(DiskQueue, AnEmptyPlaceForgetsItsSource) {
  Fixture f;
  f.append("one", {{"a", "1"}, {"b", "1"}});
  f.append("two", {{"a", ""}});
  EXPECT_EQ(f.queue->places(), (std::map<std::string, std::string>{{"b", "1"}}));
  f.reopen();
  EXPECT_EQ(f.queue->places(), (std::map<std::string, std::string>{{"b", "1"}}));
}

TEST(DiskQueue, PlacesOutliveTheFilesThatSaidThem) {
  Fixture f;
  f.append("first", {{"a", "1"}});
  for (int i = 0; i < 40; ++i) {
    uint64_t offset = f.append(std::string(20'000, 'x'), {{"b", std::to_string(i)}});
    ASSERT_TRUE(f.queue->acknowledge(offset).ok());
  }
  EXPECT_LT(f.queue->stats().disk_bytes, 300'000u);
  f.disk.kill_process();
  f.reopen();
  EXPECT_EQ(f.queue->places(), (std::map<std::string, std::string>{{"a", "1"}, {"b", "39"}}));
}

TEST(DiskQueue, FullToItsCapItSaysSoAndGoesOnWhenThereIsRoom) {
  Fixture f;
  uint64_t entries = f.fill(10'000);
  EXPECT_GT(entries, 60u);
  EXPECT_LE(f.queue->stats().disk_bytes, kSmall.disk_bytes_max);
  EXPECT_FALSE(f.queue->wait_room(10'000, std::chrono::milliseconds(0)));
  bool room = false;
  std::jthread waits([&] { room = f.queue->wait_room(10'000, std::chrono::minutes(1)); });
  ASSERT_TRUE(f.queue->acknowledge(entries / 2).ok());
  waits.join();
  EXPECT_TRUE(room);
  EXPECT_GT(f.fill(10'000), 20u);
}

TEST(DiskQueue, AllAcknowledgedThereIsRoomForTheLargestBatch) {
  Fixture f;
  for (int round = 0; round < 5; ++round) {
    f.fill(30'000);
    ASSERT_TRUE(f.queue->acknowledge(UINT64_MAX).ok());
    EXPECT_TRUE(f.queue->append(std::string(kSmall.disk_bytes_max / 4, 'L'), 1, {}).ok());
    ASSERT_TRUE(f.queue->acknowledge(UINT64_MAX).ok());
  }
}

TEST(DiskQueue, LimitsAreErrors) {
  Fixture f({.disk_bytes_max = 1u << 20, .file_bytes = 64u << 10, .entries_max = 3});
  EXPECT_EQ(f.queue->append(std::string(300'000, 'L'), 1, {}).error().code(), Code::kTooLarge);
  EXPECT_EQ(f.queue->append("", 0, {}).error().code(), Code::kInvalid);
  EXPECT_EQ(f.queue->append("", 1, {{"a", "1"}}).error().code(), Code::kInvalid);
  EXPECT_EQ(f.queue->append("b", 0, {}).error().code(), Code::kInvalid);
  EXPECT_EQ(f.queue->append("b", 1, {{"", "1"}}).error().code(), Code::kInvalid);
  EXPECT_EQ(f.queue->append("b", 1, {{std::string(kSourceBytesMax + 1, 's'), "1"}}).error().code(), Code::kTooLarge);
  std::vector<contract::QueuePlace> many(kPlacesMax + 1, {"a", "1"});
  EXPECT_EQ(f.queue->append("b", 1, many).error().code(), Code::kTooLarge);
  for (int i = 0; i < 3; ++i) f.append("b");
  EXPECT_EQ(f.queue->append("b", 1, {}).error().code(), Code::kOverloaded);
  EXPECT_EQ(f.waiting().size(), 3u);
}

TEST(DiskQueue, PlacesOfAllSourcesHaveALimit) {
  Fixture f({.disk_bytes_max = 64u << 20, .file_bytes = 8u << 20}, uint64_t{1} << 30);
  std::string half(kPlacesBytesMax / 2 - 100, 'p');
  f.append("b", {{"a", half}});
  f.append("b", {{"b", half}});
  EXPECT_EQ(f.queue->append("b", 1, {{"c", half}}).error().code(), Code::kTooLarge);
  f.append("b", {{"a", ""}});
  f.append("b", {{"c", half}});
  f.reopen();
  EXPECT_EQ(f.queue->places().size(), 2u);
}

TEST(DiskQueue, OneProcessAtATime) {
  Fixture f;
  EXPECT_EQ(DiskQueue::open(f.disk, f.clock, f.rng, kDir, kSmall).error().code(), Code::kExists);
}

TEST(DiskQueue, ClosedItTakesNoMoreAndWakesWhoWaits) {
  Fixture f;
  bool readable = true;
  std::jthread waits([&] { readable = f.queue->wait_readable(0, std::chrono::minutes(1)); });
  f.queue->close();
  waits.join();
  EXPECT_FALSE(readable);
  EXPECT_EQ(f.queue->append("b", 1, {}).error().code(), Code::kUnavailable);
}

TEST(DiskQueue, WhoWaitsForAnEntryIsWoken) {
  Fixture f;
  EXPECT_FALSE(f.queue->wait_readable(0, std::chrono::milliseconds(0)));
  bool readable = false;
  std::jthread waits([&] { readable = f.queue->wait_readable(1, std::chrono::minutes(1)); });
  f.append("b");
  waits.join();
  EXPECT_TRUE(readable);
  EXPECT_FALSE(f.queue->wait_readable(2, std::chrono::milliseconds(0)));
}

TEST(DiskQueue, StatsSayHowMuchWaitsAndHowLong) {
  Fixture f;
  f.append("four");
  f.clock.advance(5'000'000'000);
  f.append("sixsix");
  contract::QueueStats stats = f.queue->stats();
  EXPECT_EQ(stats.waiting_entries, 2u);
  EXPECT_EQ(stats.waiting_rows, 2u);
  EXPECT_EQ(stats.waiting_bytes, 10u);
  EXPECT_EQ(stats.oldest_age_ns, 5'000'000'000);
  ASSERT_TRUE(f.queue->acknowledge(2).ok());
  EXPECT_EQ(f.queue->stats().oldest_age_ns, 0);
  EXPECT_EQ(f.queue->stats().waiting_bytes, 0u);
}

TEST(DiskQueue, ThreadsThatAppendTogetherLoseNothing) {
  Fixture f({.disk_bytes_max = 16u << 20, .file_bytes = 1u << 20}, uint64_t{1} << 30);
  constexpr int kThreads = 8, kEach = 100;
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < kThreads; ++t) {
      threads.emplace_back([&f, t] {
        for (int i = 0; i < kEach; ++i) {
          std::string name = std::to_string(t) + " " + std::to_string(i);
          EXPECT_TRUE(f.queue->append(name, 1, {{"s" + std::to_string(t), std::to_string(i)}}).ok());
        }
      });
    }
  }
  ASSERT_TRUE(f.queue->verify().ok());
  f.reopen();
  std::vector<std::string> all = f.waiting();
  EXPECT_EQ(std::set<std::string>(all.begin(), all.end()).size(), static_cast<size_t>(kThreads * kEach));
  EXPECT_EQ(all.size(), static_cast<size_t>(kThreads * kEach));
  for (const auto& [source, place] : f.queue->places()) EXPECT_EQ(place, std::to_string(kEach - 1)) << source;
}

TEST(DiskQueue, AFullDiskIsSaidAndDoesNotKeepAcknowledgedFiles) {
  Fixture f;
  f.fill(10'000);
  f.disk.set_total_bytes(100'000);  // less than the queue has: nothing more can be allocated
  ASSERT_TRUE(f.queue->acknowledge(f.queue->stats().waiting_entries / 2).ok());
  EXPECT_LT(f.queue->stats().disk_bytes, 700'000u);
  auto appended = f.queue->append(std::string(60'000, 'f'), 1, {});
  EXPECT_EQ(appended.error().code(), Code::kFull);
  EXPECT_EQ(f.waiting().size(), f.queue->stats().waiting_entries);
  f.disk.set_total_bytes(64u << 20);
  EXPECT_TRUE(f.queue->append(std::string(60'000, 'f'), 1, {}).ok());
}

TEST(DiskQueue, OpensOnAFullDisk) {
  Fixture f;
  f.append("one");
  f.queue.reset();
  f.disk.set_total_bytes(1);
  f.reopen();
  EXPECT_EQ(f.waiting(), (std::vector<std::string>{"one"}));
  EXPECT_TRUE(f.queue->acknowledge(UINT64_MAX).ok());
}

// ---- damage

std::string journal_file(const os::SimDisk& disk) {
  for (const std::string& path : disk.files()) {
    if (path.ends_with(".journal")) return path;
  }
  return {};
}

TEST(DiskQueue, AFlippedByteCostsAtMostOneEntryAndIsCounted) {
  Fixture f;
  for (int i = 0; i < 10; ++i) f.append("batch " + std::to_string(i), {{"a", std::to_string(i)}});
  f.queue->close();
  f.queue.reset();
  std::string path = journal_file(f.disk);
  std::string whole = f.disk.contents(path);
  uint64_t end = whole.find_last_not_of('\0');
  for (uint64_t at = 0; at <= end; at += 3) {
    f.disk.put(path, whole);
    f.disk.flip(path, at, static_cast<uint8_t>(1u << (at % 8)));
    f.reopen();
    size_t left = f.waiting().size();
    ASSERT_GE(left, 9u) << "flip at " << at;
    // The last record when damaged looks like one that was never finished.
    if (left == 9 && at < end - 100) {
      ASSERT_EQ(f.queue->stats().damaged_entries, 1u) << "flip at " << at;
    }
  }
}

TEST(DiskQueue, DamageThatComesWhileItRunsCostsOneEntry) {
  Fixture f;
  for (int i = 0; i < 5; ++i) f.append("batch " + std::to_string(i));
  std::string path = journal_file(f.disk);
  f.disk.flip(path, f.disk.contents(path).find("batch 2") + 3, 0x10);
  EXPECT_EQ(f.waiting(), (std::vector<std::string>{"batch 0", "batch 1", "batch 3", "batch 4"}));
  EXPECT_EQ(f.queue->stats().damaged_entries, 1u);
  EXPECT_EQ(f.queue->stats().damaged_rows, 1u);
  EXPECT_TRUE(f.queue->verify().ok());
}

TEST(DiskQueue, AReadThatFailsOnceIsTriedAgain) {
  Fixture f;
  f.append("one");
  f.disk.fail_operation(1, Code::kIo);
  EXPECT_EQ(f.queue->read(0).error().code(), Code::kIo);
  EXPECT_EQ(f.waiting(), (std::vector<std::string>{"one"}));
}

TEST(DiskQueue, AnEntryThatCanNeverBeReadDoesNotHoldUpTheOthers) {
  Fixture f;
  f.append("one");
  for (int i = 0; i < 2; ++i) {
    f.disk.fail_operation(1, Code::kIo);
    EXPECT_FALSE(f.queue->read(0).ok());
  }
  f.append("two");
  f.disk.fail_operation(1, Code::kIo);
  EXPECT_EQ(f.waiting(), (std::vector<std::string>{"two"}));
  EXPECT_EQ(f.queue->stats().damaged_entries, 1u);
}

TEST(DiskQueue, OffsetsAreNotUsedAgainWhenTheTailIsLost) {
  Fixture f;
  uint64_t last = 0;
  for (int i = 0; i < 10; ++i) last = f.append("sent");
  std::string producer = f.queue->producer();
  f.queue.reset();
  ASSERT_TRUE(f.disk.remove(journal_file(f.disk)).ok());
  f.reopen();
  EXPECT_EQ(f.queue->producer(), producer);
  EXPECT_GT(f.append("another"), last);
}

// Three processes, after each of which the journal and the newest state are lost.
TEST(DiskQueue, OffsetsAreNotUsedAgainWhenTheLastStateIsLostToo) {
  Fixture f;
  uint64_t last = 0;
  std::string state = std::string(kDir) + "/state";
  for (int process = 0; process < 3; ++process) {
    for (int i = 0; i < 30; ++i) {
      uint64_t offset = f.append(std::string(10'000, 's'));
      ASSERT_GT(offset, last);
      last = offset;
      ASSERT_TRUE(f.queue->acknowledge(offset).ok());
    }
    f.queue.reset();
    for (std::string path = journal_file(f.disk); !path.empty(); path = journal_file(f.disk)) {
      ASSERT_TRUE(f.disk.remove(path).ok());
    }
    std::string bytes = f.disk.contents(state);
    size_t half = bytes.size() / 2;
    auto first = decode_state(bytes.substr(0, half)), second = decode_state(bytes.substr(half));
    ASSERT_TRUE(first.ok() && second.ok());
    size_t newest = first->generation > second->generation ? 0 : half;
    f.disk.flip(state, newest + 40, 1);
    f.disk.flip(state, newest + half / 2 + 40, 1);
    f.reopen();
  }
}

TEST(DiskQueue, WithoutAStateItTakesANewNameAndSendsWhatWaits) {
  Fixture f;
  f.append("one", {{"a", "1"}});
  f.append("two", {{"a", "2"}});
  std::string producer = f.queue->producer();
  f.queue.reset();
  f.disk.put(std::string(kDir) + "/state", std::string(64 << 10, 'g'));
  f.reopen();
  EXPECT_NE(f.queue->producer(), producer);
  EXPECT_EQ(f.waiting(), (std::vector<std::string>{"one", "two"}));
  EXPECT_EQ(f.queue->places(), (std::map<std::string, std::string>{{"a", "2"}}));
  std::string again = f.queue->producer();
  f.reopen();
  EXPECT_EQ(f.queue->producer(), again);
}

TEST(DiskQueue, WhatALaterVersionWroteIsLeftAlone) {
  Fixture f;
  f.queue.reset();
  QueueState state{.generation = 1, .producer = "p", .places = {}};
  std::string bytes = encode_state(state);
  bytes[12] = 2;
  uint32_t crc = base::crc32c(std::string_view(bytes).substr(12));
  bytes.replace(8, 4, reinterpret_cast<const char*>(&crc), 4);
  bytes.resize(1000);
  f.disk.put(std::string(kDir) + "/state", bytes + bytes + bytes + bytes);
  EXPECT_EQ(DiskQueue::open(f.disk, f.clock, f.rng, kDir, kSmall).error().code(), Code::kUnsupported);
}

// ---- crashes: see test_feed.h for what is checked

TEST(DiskQueueCrash, PowerLossAtEveryOperation) {
  for (uint64_t n = 1; n < 500; n += 1 + n / 100) {
    TestFeed feed(n);
    std::string wrong = feed.reopen();
    for (int life = 0; life < 3 && wrong.empty(); ++life) {
      feed.disk.cut_power_at(n);
      for (int i = 0; i < 400 && wrong.empty() && !feed.disk.power_is_out(); ++i) wrong = feed.step();
      ASSERT_EQ(wrong, "") << "--seed " << n << " life " << life;
      feed.queue.reset();
      feed.disk.crash();
      wrong = feed.reopen();
    }
    if (wrong.empty()) wrong = feed.drain_and_check();
    ASSERT_EQ(wrong, "") << "--seed " << n;
  }
}

TEST(DiskQueueCrash, EveryOperationFailsOnce) {
  for (Code code : {Code::kIo, Code::kFull}) {
    for (uint64_t n = 1;; ++n) {
      TestFeed feed(7);
      feed.disk.fail_operation(n, code);
      std::string wrong;
      for (int i = 0; i < 120 && wrong.empty(); ++i) wrong = feed.step();
      bool failed = feed.disk.failure_happened();
      for (int i = 0; i < 60 && wrong.empty(); ++i) wrong = feed.step();
      if (wrong.empty()) wrong = feed.drain_and_check();
      feed.queue.reset();
      feed.disk.crash();
      if (wrong.empty()) wrong = feed.reopen();
      if (wrong.empty()) wrong = feed.drain_and_check();
      ASSERT_EQ(wrong, "") << "operation " << n << " code " << code_name(code);
      if (!failed) break;
    }
  }
}

TEST(DiskQueueCrash, ADiskWhoseSyncDoesNothingIsSeen) {
  std::string wrong;
  for (uint64_t seed = 1; seed < 50 && wrong.empty(); ++seed) {
    TestFeed feed(seed);
    feed.disk.set_lying(true);
    for (int i = 0; i < 100 && wrong.empty(); ++i) wrong = feed.step();
    feed.queue.reset();
    feed.disk.crash();
    if (wrong.empty()) wrong = feed.reopen();
  }
  EXPECT_NE(wrong, "");
}

}  // namespace
}  // namespace clew::queue
