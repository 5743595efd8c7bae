#include "os/sim_disk.h"

#include <gtest/gtest.h>

#include <set>

#include "os/sim_clock.h"

namespace clew::os {
namespace {

std::unique_ptr<File> create(SimDisk& disk, const std::string& path) {
  auto file = disk.open(path, OpenMode::kCreate);
  EXPECT_TRUE(file.ok());
  return std::move(file).take();
}

TEST(SimDisk, SyncedBytesUnderSyncedNamesSurvive) {
  for (uint64_t seed = 0; seed < 50; ++seed) {
    SimDisk disk(seed);
    ASSERT_TRUE(disk.make_dirs("/d").ok());
    auto file = create(disk, "/d/a");
    ASSERT_TRUE(file->write_at(0, "kept").ok());
    ASSERT_TRUE(file->sync().ok());
    ASSERT_TRUE(disk.sync_dir("/d").ok());
    ASSERT_TRUE(file->write_at(4096, "lost?").ok());
    disk.crash();
    EXPECT_EQ(disk.contents("/d/a").substr(0, 4), "kept");
    EXPECT_EQ(file->write_at(0, "x").error().code(), Code::kIo);
  }
}

TEST(SimDisk, UnsyncedSectorsComeBackInAnyOrder) {
  std::set<std::string> outcomes;
  for (uint64_t seed = 0; seed < 200; ++seed) {
    SimDisk disk(seed);
    ASSERT_TRUE(disk.make_dirs("/d").ok());
    auto file = create(disk, "/d/a");
    ASSERT_TRUE(file->write_at(0, std::string(1024, '.')).ok());
    ASSERT_TRUE(file->sync().ok());
    ASSERT_TRUE(disk.sync_dir("/d").ok());
    ASSERT_TRUE(file->write_at(0, std::string(1024, 'x')).ok());
    disk.crash();
    std::string bytes = disk.contents("/d/a");
    outcomes.insert({bytes[0], bytes[1023]});
  }
  EXPECT_EQ(outcomes, (std::set<std::string>{"..", ".x", "x.", "xx"}));
}

TEST(SimDisk, NamesNeedSyncDir) {
  std::set<bool> outcomes;
  for (uint64_t seed = 0; seed < 50; ++seed) {
    SimDisk disk(seed);
    ASSERT_TRUE(disk.make_dirs("/d").ok());
    ASSERT_TRUE(create(disk, "/d/a")->sync().ok());
    disk.crash();
    outcomes.insert(!disk.files().empty());
  }
  EXPECT_EQ(outcomes.size(), 2u);
}

TEST(SimDisk, FailedSyncLosesBytesThatStillReadBack) {
  bool lost = false;
  for (uint64_t seed = 0; seed < 50; ++seed) {
    SimDisk disk(seed);
    ASSERT_TRUE(disk.make_dirs("/d").ok());
    auto file = create(disk, "/d/a");
    ASSERT_TRUE(file->sync().ok());
    ASSERT_TRUE(disk.sync_dir("/d").ok());
    ASSERT_TRUE(file->write_at(0, "abc").ok());
    disk.fail_operation(1, Code::kIo);
    EXPECT_EQ(file->sync().error().code(), Code::kIo);
    EXPECT_TRUE(disk.failure_happened());
    EXPECT_TRUE(file->sync().ok());  // as on Linux, the second try tells nothing
    EXPECT_EQ(*file->read_at(0, 3), "abc");
    disk.crash();
    lost = lost || disk.contents("/d/a") != "abc";
  }
  EXPECT_TRUE(lost);
}

TEST(SimDisk, FullDiskRefusesAndReservedSpaceHolds) {
  SimDisk disk(1, 10'000);
  ASSERT_TRUE(disk.make_dirs("/d").ok());
  auto a = create(disk, "/d/a");
  ASSERT_TRUE(a->allocate(8'000).ok());
  auto b = create(disk, "/d/b");
  EXPECT_EQ(b->write_at(0, std::string(4'000, 'x')).error().code(), Code::kFull);
  EXPECT_TRUE(a->write_at(0, std::string(8'000, 'x')).ok());
  EXPECT_EQ(disk.space("/d")->free_bytes, 2'000u);
}

TEST(SimDisk, LockIsHeldUntilReleasedOrCrashed) {
  SimDisk disk(1);
  ASSERT_TRUE(disk.make_dirs("/d").ok());
  auto lock = disk.lock_dir("/d");
  ASSERT_TRUE(lock.ok());
  EXPECT_EQ(disk.lock_dir("/d").error().code(), Code::kExists);
  disk.kill_process();
  EXPECT_TRUE(disk.lock_dir("/d").ok());
}

TEST(SimDisk, PowerCutStopsEverythingUntilCrash) {
  SimDisk disk(1);
  ASSERT_TRUE(disk.make_dirs("/d").ok());
  auto file = create(disk, "/d/a");
  disk.cut_power_at(2);
  EXPECT_TRUE(file->write_at(0, "1").ok());
  EXPECT_TRUE(disk.power_is_out());
  EXPECT_FALSE(file->write_at(1, "2").ok());
  EXPECT_FALSE(disk.sync_dir("/d").ok());
  disk.crash();
  EXPECT_TRUE(disk.list("/d").ok());
}

TEST(SimDisk, ForkIsIndependent) {
  SimDisk disk(1);
  ASSERT_TRUE(disk.make_dirs("/d").ok());
  auto file = create(disk, "/d/a");
  ASSERT_TRUE(file->write_at(0, "one").ok());
  auto copy = disk.fork(2);
  ASSERT_TRUE(file->write_at(0, "two").ok());
  EXPECT_EQ(copy->contents("/d/a"), "one");
  copy->flip("/d/a", 0, 0x20);
  EXPECT_EQ(copy->contents("/d/a"), "One");
  EXPECT_EQ(disk.contents("/d/a"), "two");
}

TEST(SeededRng, RepeatsBySeed) {
  SeededRng a(7), b(7), c(8);
  EXPECT_EQ(a.next(), b.next());
  EXPECT_NE(a.next(), c.next());
}

}  // namespace
}  // namespace clew::os
