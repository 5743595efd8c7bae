#include "logstore/manifest.h"

#include <gtest/gtest.h>

#include "os/sim_clock.h"
#include "os/sim_disk.h"

namespace clew::logstore {
namespace {

constexpr const char* kDir = "/m";

SegmentMeta segment(uint64_t id) {
  return {.id = id,
          .tenant = "default",
          .dataset = "d" + std::to_string(id % 3),
          .retention_class = "default",
          .day = 20000 + static_cast<int64_t>(id),
          .rows = id * 10,
          .bytes = id * 100,
          .time_min = -5,
          .time_max = 5,
          .seq_min = id * 10,
          .seq_max = id * 10 + 9,
          .stored_time = 77,
          .rewrites = 1};
}

// Edit `i` of a test; touches every item that an edit has.
Edit sample_edit(uint64_t i) {
  Edit edit;
  edit.added = {segment(i + 1)};
  if (i % 4 == 3) edit.removed = {i - 1};
  edit.flushed = {{i * 10, i * 10 + 7}};
  if (i % 3 == 0) edit.deleted = {{i * 100, i * 100 + 3}};
  if (i % 5 == 4) edit.seq_floor = i * 5;
  edit.next_seq = i * 10 + 10;
  if (i % 2 == 0) edit.deletes = {{i + 1, {.row_groups = {{0, {{1, 2}, {9, 1}}}, {3, {{0, 64}}}}, .since = 42}}};
  DatasetSettings settings;
  settings.held = i % 2 == 0;
  settings.declared_types = {{"amount", model::Type::kDouble}};
  if (i % 3 == 1) settings.retention = RetentionRule{1, 2, 3};
  if (i % 4 == 2)
    settings.classes = {{"short", "level", "debug", RetentionRule{1, 7, 0}}, {"pay", "service.name", "pay", {}}};
  edit.settings = {{{"default", "d" + std::to_string(i % 2)}, settings}};
  return edit;
}

Result<std::unique_ptr<Manifest>> open_manifest(os::SimDisk& disk) {
  os::SeededRng rng(5);
  return Manifest::open(disk, rng, kDir);
}

ManifestState state_after(uint64_t edits) {
  ManifestState state;
  os::SeededRng rng(5);
  state.store_id = rng.next();
  for (uint64_t i = 0; i < edits; ++i) apply_edit(sample_edit(i), state);
  return state;
}

// A newer build keeps to the store's version, generation after generation, until it is told otherwise.
TEST(Manifest, KeepsTheVersionOfTheStoreUntilUpgraded) {
  constexpr StoreVersion kNewer{.writer = kStoreVersion + 2, .oldest_reader = kStoreVersion + 1};
  os::SimDisk disk(1);
  os::SeededRng rng(5);
  ASSERT_TRUE(open_manifest(disk).ok());
  for (int i = 0; i < 2; ++i) {
    auto newer = Manifest::open(disk, rng, kDir, kNewer);
    ASSERT_TRUE(newer.ok());
    EXPECT_EQ((*newer)->version(), StoreVersion{});
    ASSERT_TRUE((*newer)->append(sample_edit(0)).ok());
  }
  ASSERT_TRUE(open_manifest(disk).ok()) << "the older build must still read it";

  auto newer = Manifest::open(disk, rng, kDir, kNewer);
  ASSERT_TRUE(newer.ok());
  ASSERT_TRUE((*newer)->upgrade().ok());
  EXPECT_EQ((*newer)->version(), kNewer);
  disk.crash();
  auto older = open_manifest(disk);
  ASSERT_FALSE(older.ok());
  EXPECT_EQ(older.error().code(), Code::kUnsupported);
  auto again = Manifest::open(disk, rng, kDir, kNewer);
  ASSERT_TRUE(again.ok());
  EXPECT_EQ((*again)->version(), kNewer);
}

TEST(Manifest, EditsSurviveEncodingAndReopening) {
  os::SimDisk disk(1);
  for (uint64_t i = 0; i < 20; ++i) {
    auto manifest = open_manifest(disk);
    ASSERT_TRUE(manifest.ok()) << manifest.error().message();
    EXPECT_TRUE((*manifest)->state() == state_after(i)) << i;
    ASSERT_TRUE((*manifest)->append(sample_edit(i)).ok());
    EXPECT_TRUE((*manifest)->state() == state_after(i + 1)) << i;
    if (i % 2 == 0) disk.crash();
  }
}

TEST(Manifest, StateMakesItselfAnew) {
  ManifestState state = state_after(30), again;
  auto edit = decode_edit(encode_edit(edit_of(state)));
  ASSERT_TRUE(edit.ok());
  apply_edit(*edit, again);
  EXPECT_TRUE(again == state);
}

TEST(Manifest, EveryFlippedByteIsHealedByTheOtherCopy) {
  os::SimDisk disk(1);
  {
    auto manifest = open_manifest(disk);
    for (uint64_t i = 0; i < 8; ++i) ASSERT_TRUE((*manifest)->append(sample_edit(i)).ok());
  }
  for (const std::string& path : disk.files()) {
    std::string bytes = disk.contents(path);
    uint64_t end = bytes.find_last_not_of('\0') + 1;
    for (uint64_t at = 0; at < end; ++at) {
      auto broken = disk.fork(at);
      broken->flip(path, at, static_cast<uint8_t>(1u << (at % 8)));
      auto manifest = open_manifest(*broken);
      ASSERT_TRUE(manifest.ok()) << path << " byte " << at << ": " << manifest.error().message();
      ASSERT_TRUE((*manifest)->state() == state_after(8)) << path << " byte " << at;
    }
  }
}

TEST(Manifest, DamageInBothCopiesIsSaid) {
  os::SimDisk disk(1);
  {
    auto manifest = open_manifest(disk);
    for (uint64_t i = 0; i < 8; ++i) ASSERT_TRUE((*manifest)->append(sample_edit(i)).ok());
  }
  for (const std::string& path : disk.files()) disk.flip(path, 400, 1);
  EXPECT_EQ(open_manifest(disk).error().code(), Code::kCorrupt);
}

TEST(Manifest, FailedOperationLeavesTheEditVoidOrWhole) {
  for (uint64_t n = 1;; ++n) {
    os::SimDisk disk(n);
    ASSERT_TRUE(open_manifest(disk).ok());
    auto manifest = open_manifest(disk);
    ASSERT_TRUE((*manifest)->append(sample_edit(0)).ok());
    disk.fail_operation(n, n % 2 == 0 ? Code::kFull : Code::kIo);
    Status appended = (*manifest)->append(sample_edit(1));
    bool failed = disk.failure_happened();
    bool sealed = !appended.ok() && appended.error().code() == Code::kUnavailable;
    if (!appended.ok() && n % 3 == 0) {
      EXPECT_TRUE((*manifest)->append(sample_edit(2)).ok());
      sealed = false;
    }
    disk.crash();
    auto again = open_manifest(disk);
    ASSERT_TRUE(again.ok()) << again.error().message();
    bool has = (*again)->state().segments.count(2) > 0;
    EXPECT_TRUE(!appended.ok() || has) << n;
    EXPECT_TRUE(appended.ok() || sealed || !has) << n;
    if (!failed) break;
  }
}

TEST(Manifest, PowerLossKeepsWhatWasAnswered) {
  for (uint64_t seed = 1; seed <= 300; ++seed) {
    os::SimDisk disk(seed);
    disk.cut_power_at(1 + seed % 83);
    uint64_t answered = 0;
    {
      auto manifest = open_manifest(disk);
      while (manifest.ok() && answered < 30 && (*manifest)->append(sample_edit(answered)).ok()) ++answered;
    }
    disk.crash();
    auto again = open_manifest(disk);
    ASSERT_TRUE(again.ok()) << "--seed " << seed << ": " << again.error().message();
    bool exact = (*again)->state().segments == state_after(answered).segments;
    bool one_more = (*again)->state().segments == state_after(answered + 1).segments;
    ASSERT_TRUE(exact || one_more) << "--seed " << seed;
  }
}

TEST(Manifest, LongLogsAreWrittenAnew) {
  os::SimDisk disk(1);
  auto manifest = open_manifest(disk);
  std::string first = disk.files().front();
  Edit edit;
  edit.settings = {
      {{"default", std::string(500, 'd')}, {.declared_types = {}, .retention = {}, .held = true, .classes = {}}}};
  for (int i = 0; i < 5000; ++i) ASSERT_TRUE((*manifest)->append(edit).ok());
  EXPECT_EQ(disk.files().size(), 2u);
  EXPECT_NE(disk.files().front(), first);
}

}  // namespace
}  // namespace clew::logstore
