#include "journal/journal.h"

#include <gtest/gtest.h>

#include <numeric>
#include <set>

#include "base/hash.h"
#include "os/sim_clock.h"
#include "os/sim_disk.h"

namespace clew::journal {
namespace {

constexpr const char* kDir = "/j";

// Record `i` of a test: a meta that names it and blobs whose sizes vary by it.
struct Sample {
  explicit Sample(uint64_t i) : meta("record " + std::to_string(i)) {
    for (uint64_t b = 0; b < i % 4; ++b)
      bytes.push_back(std::string((i * 37 + b * 11) % 900, static_cast<char>('a' + b)));
    if (i % 16 == 5) bytes.push_back(std::string(40'000, 'L'));
    for (const std::string& s : bytes) blobs.push_back({s, base::crc32c(s)});
  }
  Entry entry() const { return {meta, blobs}; }
  std::string meta;
  std::vector<std::string> bytes;
  std::vector<Blob> blobs;
};

struct Opened {
  std::unique_ptr<Journal> journal;
  std::vector<std::string> metas;
  RecoveryReport report;
  Status status;
};

Opened open_journal(os::SimDisk& disk, uint64_t seed = 1, uint64_t file_bytes = 64 << 10) {
  Opened out;
  os::SeededRng* rng = new os::SeededRng(seed);
  static std::vector<std::unique_ptr<os::SeededRng>> kept;
  kept.emplace_back(rng);
  auto each = [&](RecoveredRecord&& r) -> Status {
    for (size_t b = 0; b < r.record.blobs.size(); ++b) {
      Sample want(std::stoull(r.record.meta.substr(7)));
      EXPECT_EQ(*r.file->read_at(r.record.blobs[b].offset, r.record.blobs[b].bytes), want.bytes[b]);
    }
    out.metas.push_back(r.record.meta);
    return {};
  };
  auto opened = Journal::open(disk, *rng, kDir, {.file_bytes = file_bytes}, each, out.report);
  if (opened.ok()) {
    out.journal = std::move(opened).take();
  } else {
    out.status = opened.error();
  }
  return out;
}

Status append_one(Journal& journal, uint64_t i) {
  Sample sample(i);
  Entry entry = sample.entry();
  auto places = journal.append(std::span(&entry, 1));
  if (!places.ok()) return places.error();
  return {};
}

std::vector<std::string> metas(uint64_t count) {
  std::vector<std::string> out;
  for (uint64_t i = 0; i < count; ++i) out.push_back("record " + std::to_string(i));
  return out;
}

// Small stores stay small, busy ones get few files.
TEST(Journal, FilesBeginSmallAndDouble) {
  os::SimDisk disk(1);
  os::SeededRng rng(1);
  RecoveryReport report;
  auto journal = Journal::open(
      disk, rng, kDir, {.first_file_bytes = 64 << 10, .file_bytes = 512 << 10},
      [](RecoveredRecord&&) { return Status(); }, report);
  ASSERT_TRUE(journal.ok());
  uint64_t i = 0;
  std::vector<uint64_t> sizes;
  while (sizes.size() < 6) {
    ASSERT_TRUE(append_one(**journal, i++).ok());
    uint64_t total = (*journal)->bytes();
    uint64_t known = std::accumulate(sizes.begin(), sizes.end(), uint64_t{0});
    if (total != known) sizes.push_back(total - known);
  }
  EXPECT_EQ(sizes, (std::vector<uint64_t>{64 << 10, 128 << 10, 256 << 10, 512 << 10, 512 << 10, 512 << 10}));
}

// A disk with one journal file of `count` records; gives where each begins.
std::vector<uint64_t> fill(os::SimDisk& disk, uint64_t count) {
  Opened opened = open_journal(disk);
  std::vector<uint64_t> offsets;
  for (uint64_t i = 0; i < count; ++i) {
    Sample sample(i);
    Entry entry = sample.entry();
    auto places = opened.journal->append(std::span(&entry, 1));
    EXPECT_TRUE(places.ok());
    offsets.push_back((*places)[0].offset);
  }
  return offsets;
}

constexpr const char* kFirstFile = "/j/00000001.journal";

TEST(Journal, AppendedRecordsComeBackInOrder) {
  os::SimDisk disk(1);
  fill(disk, 40);
  Opened again = open_journal(disk, 2);
  EXPECT_EQ(again.metas, metas(40));
  EXPECT_EQ(again.report.torn_tails, 0u);
  ASSERT_TRUE(append_one(*again.journal, 40).ok());
  EXPECT_EQ(open_journal(disk, 3).metas, metas(41));
}

TEST(Journal, GroupsRollOverToNewFilesAndGreatRecordsGetTheirOwn) {
  os::SimDisk disk(1);
  Opened opened = open_journal(disk);
  std::vector<Sample> samples;
  for (uint64_t i = 0; i < 300; ++i) samples.emplace_back(i);
  for (size_t i = 0; i < samples.size(); i += 10) {
    std::vector<Entry> group;
    for (size_t k = i; k < i + 10; ++k) group.push_back(samples[k].entry());
    ASSERT_TRUE(opened.journal->append(group).ok());
  }
  std::string big(200'000, 'B');
  Blob blob{big, base::crc32c(big)};
  Entry entry{"record 0", std::span(&blob, 1)};
  auto place = opened.journal->append(std::span(&entry, 1));
  ASSERT_TRUE(place.ok());
  EXPECT_EQ(*(*place)[0].file->read_at((*place)[0].blobs[0].offset, big.size()), big);
  EXPECT_GT(opened.journal->file_numbers().size(), 3u);
}

TEST(Journal, RemovedFilesStayReadableForTheirReaders) {
  os::SimDisk disk(1);
  Opened opened = open_journal(disk);
  Sample sample(3);
  Entry entry = sample.entry();
  auto place = opened.journal->append(std::span(&entry, 1));
  Opened again = open_journal(disk, 2);
  ASSERT_TRUE(again.journal->remove_file(1).ok());
  EXPECT_EQ(*(*place)[0].file->read_at((*place)[0].blobs[0].offset, sample.bytes[0].size()), sample.bytes[0]);
  EXPECT_TRUE(open_journal(disk, 3).metas.empty());
}

TEST(Journal, CutAtEveryOffsetKeepsEveryWholeRecord) {
  os::SimDisk disk(1);
  std::vector<uint64_t> offsets = fill(disk, 60);
  std::string whole = disk.contents(kFirstFile);
  offsets.push_back(offsets.back() + record_bytes(Sample(59).entry()));
  for (uint64_t cut = kFileHeaderBytes; cut < offsets.back(); cut += 7) {
    os::SimDisk broken(1);
    broken.put(kFirstFile, whole.substr(0, cut));
    Opened opened = open_journal(broken);
    ASSERT_TRUE(opened.status.ok()) << opened.status.error().message();
    uint64_t complete = 0;
    while (complete < 60 && offsets[complete + 1] <= cut) ++complete;
    ASSERT_EQ(opened.metas, metas(complete)) << "cut at " << cut;
    ASSERT_EQ(opened.report.damaged_records, 0u);
  }
}

TEST(Journal, GarbageTailIsNoRecord) {
  os::SimDisk disk(1);
  std::vector<uint64_t> offsets = fill(disk, 20);
  std::string whole = disk.contents(kFirstFile);
  uint64_t end = offsets.back() + record_bytes(Sample(19).entry());
  os::SeededRng rng(4);
  for (uint64_t i = end; i < whole.size(); ++i) whole[i] = static_cast<char>(rng.next());
  disk.put(kFirstFile, whole);
  Opened opened = open_journal(disk, 2);
  EXPECT_EQ(opened.metas, metas(20));
  EXPECT_EQ(opened.report.torn_tails, 1u);
}

TEST(Journal, EveryFlippedByteCostsAtMostOneRecord) {
  os::SimDisk disk(1);
  fill(disk, 20);
  std::string whole = disk.contents(kFirstFile);
  uint64_t bytes = whole.find_last_not_of('\0') + 8;
  for (uint64_t at = 0; at < bytes; ++at) {
    os::SimDisk broken(1);
    broken.put(kFirstFile, whole);
    broken.flip(kFirstFile, at, static_cast<uint8_t>(1u << (at % 8)));
    Opened opened = open_journal(broken);
    ASSERT_TRUE(opened.status.ok()) << "flip at " << at;
    std::set<std::string> found(opened.metas.begin(), opened.metas.end());
    ASSERT_GE(found.size(), 19u) << "flip at " << at;
    ASSERT_EQ(found.size(), opened.metas.size());
    bool said = found.size() == 20 || opened.report.damaged_records == 1 || opened.report.torn_tails == 1;
    ASSERT_TRUE(said) << "flip at " << at;
  }
}

TEST(Journal, BytesOfAClientAreNoRecord) {
  os::SimDisk disk(1);
  Opened opened = open_journal(disk);
  std::string inner;
  Sample fake(1);
  encode_record_head(fake.entry(), 0x1234, inner);
  inner += fake.bytes[0];
  Blob blob{inner, base::crc32c(inner)};
  Entry entry{"record 9", std::span(&blob, 1)};
  auto place = opened.journal->append(std::span(&entry, 1));
  ASSERT_TRUE(place.ok());
  disk.flip(kFirstFile, (*place)[0].offset + 40, 1);  // the scan now goes through the blob
  std::vector<std::string> found;
  auto each = [&](Record&& r) -> Status {
    found.push_back(r.meta);
    return {};
  };
  auto file = disk.open(kFirstFile, os::OpenMode::kRead);
  auto header = read_file_header(**file);
  ASSERT_TRUE(scan_file(**file, *header, each).ok());
  EXPECT_TRUE(found.empty());
}

// Appends until the disk stops; gives how many were acknowledged.
uint64_t append_until_error(os::SimDisk& disk, uint64_t most) {
  Opened opened = open_journal(disk);
  if (!opened.journal) return 0;
  uint64_t done = 0;
  while (done < most && append_one(*opened.journal, done).ok()) ++done;
  return done;
}

TEST(Journal, FailedOperationNeverCostsAnAcknowledgedRecord) {
  for (uint64_t n = 1;; ++n) {
    os::SimDisk disk(n);
    disk.fail_operation(n, n % 2 == 0 ? Code::kIo : Code::kFull);
    uint64_t acked = append_until_error(disk, 120);
    bool failed = disk.failure_happened();
    disk.crash();
    Opened again = open_journal(disk, 2);
    ASSERT_TRUE(again.status.ok()) << again.status.error().message();
    ASSERT_GE(again.metas.size(), acked) << "operation " << n;
    ASSERT_LE(again.metas.size(), acked + 1) << "operation " << n;
    if (!failed) break;
  }
}

TEST(Journal, PowerLossNeverCostsAnAcknowledgedRecord) {
  for (uint64_t seed = 1; seed <= 400; ++seed) {
    os::SimDisk disk(seed);
    disk.cut_power_at(1 + seed % 97);
    uint64_t acked = append_until_error(disk, 120);
    disk.crash();
    Opened again = open_journal(disk, seed);
    ASSERT_TRUE(again.status.ok()) << "--seed " << seed;
    ASSERT_GE(again.metas.size(), acked) << "--seed " << seed;
    ASSERT_LE(again.metas.size(), acked + 1) << "--seed " << seed;
  }
}

TEST(Journal, FailedSyncSealsAndIsNotTriedAgain) {
  os::SimDisk disk(1);
  Opened opened = open_journal(disk);
  ASSERT_TRUE(append_one(*opened.journal, 0).ok());
  disk.fail_operation(2, Code::kIo);  // the write, then the sync
  EXPECT_EQ(append_one(*opened.journal, 1).error().code(), Code::kIo);
  EXPECT_EQ(opened.journal->health().error().code(), Code::kUnavailable);
  uint64_t before = disk.operations();
  EXPECT_EQ(append_one(*opened.journal, 2).error().code(), Code::kUnavailable);
  EXPECT_EQ(disk.operations(), before);
}

TEST(Journal, FullDiskIsTriedAgain) {
  os::SimDisk disk(1, 1 << 20);
  disk.put("/j/filler", std::string((1 << 20) - 30'000, 'x'));
  Opened opened = open_journal(disk);
  EXPECT_EQ(append_one(*opened.journal, 0).error().code(), Code::kFull);
  ASSERT_TRUE(disk.remove("/j/filler").ok());
  EXPECT_TRUE(append_one(*opened.journal, 0).ok());
}

TEST(Journal, LimitsAreErrors) {
  os::SimDisk disk(1);
  Opened opened = open_journal(disk);
  std::string meta(kMetaBytesMax + 1, 'm');
  Entry entry{meta, {}};
  EXPECT_EQ(opened.journal->append(std::span(&entry, 1)).error().code(), Code::kTooLarge);
  std::vector<Blob> blobs(kBlobsMax + 1);
  Entry many{"m", blobs};
  EXPECT_EQ(opened.journal->append(std::span(&many, 1)).error().code(), Code::kTooLarge);
}

TEST(Journal, NewerVersionIsRefused) {
  os::SimDisk disk(1);
  std::string header = encode_file_header({1, 2, 3});
  for (uint64_t copy : {uint64_t{0}, kFileHeaderBytes / 2}) {
    header[copy + 12] = 9;
    std::string_view body(header.data() + copy + 12, kFileHeaderCopyBytes - 12);
    uint32_t crc = base::crc32c(body);
    header.replace(copy + 8, 4, reinterpret_cast<const char*>(&crc), 4);
  }
  disk.put(kFirstFile, header);
  EXPECT_EQ(open_journal(disk).status.error().code(), Code::kUnsupported);
}

}  // namespace
}  // namespace clew::journal
