// The end of the journal cut, zero-filled, overwritten.
#include <fmt/format.h>

#include <algorithm>
#include <atomic>

#include "journal/record.h"
#include "pieces.h"
#include "runs.h"
#include "workload.h"

namespace clew::crash {
namespace {

using logstore::testing::see_all;
using logstore::testing::Seen;
using logstore::testing::TestStore;

constexpr uint64_t kCutBytes = 64u << 10;
constexpr uint32_t kRowsPerWrite = 20;
constexpr uint64_t kOffsetsPerPiece = 64;

struct Opened {
  Seen seen;
  logstore::Recovered recovered;
  std::string wrong;
};

Opened open_and_see(os::SimDisk& disk, const TestStore& t) {
  Opened out;
  os::SimClock clock;
  os::SeededRng rng(7);
  base::Registry registry;
  auto opened = logstore::LogStore::open(disk, clock, rng, logstore::testing::kDir, t.options, registry);
  if (!opened.ok()) {
    out.wrong = "cannot open: " + opened.error().message();
    return out;
  }
  out.seen = see_all(**opened);
  out.recovered = (*opened)->recovered();
  if (!out.seen.wrong.empty()) out.wrong = out.seen.wrong.front();
  if (out.wrong.empty() && out.seen.numbers().size() != out.seen.seq_by_number.size())
    out.wrong = "an event is there twice";
  return out;
}

std::string only_journal(const os::SimDisk& disk) {
  std::string found;
  for (const std::string& path : disk.files()) {
    if (path.find(".journal") != std::string::npos) found = path;
  }
  return found;
}

// Ends of the records of a journal file.
std::vector<uint64_t> record_ends(os::SimDisk& disk, const std::string& path) {
  std::vector<uint64_t> ends;
  auto file = disk.open(path, os::OpenMode::kRead);
  auto header = journal::read_file_header(**file);
  auto each = [&](journal::Record&& r) -> Status {
    ends.push_back(r.offset + r.bytes);
    return {};
  };
  (void)journal::scan_file(**file, *header, each);
  return ends;
}

// The journal of a store, whole, and where its records end.
struct Journal {
  std::string path;
  std::string bytes;
  std::vector<uint64_t> ends;
};

Journal fill_journal(TestStore& t, Variant variant) {
  t.options.journal_file_bytes = 128u << 10;
  t.options.journal_budget_bytes = 64 << 20;
  t.options.flush_parts = 1 << 20;
  t.options.parts_max = 1 << 20;
  (void)t.open();
  Journal journal;
  for (uint64_t n = 0; journal.ends.empty() || journal.ends.back() < kCutBytes + (16u << 10); n += kRowsPerWrite) {
    auto ack = t.write_events(n, kRowsPerWrite);
    if (!ack.ok()) break;
    journal.path = only_journal(t.disk);
    journal.ends = record_ends(t.disk, journal.path);
  }
  t.store.reset();
  journal.bytes = t.disk.contents(journal.path);
  if (variant == Variant::kBroken) journal.bytes[journal.ends[0] + 40] ^= 1;
  return journal;
}

// The journal up to `cut`, then nothing (kind 0), zeros (1) or garbage (2).
std::string cut_at(const TestStore& t, const Journal& journal, uint64_t cut, int kind) {
  auto complete =
      static_cast<size_t>(std::upper_bound(journal.ends.begin(), journal.ends.end(), cut) - journal.ends.begin());
  // Zeros that are gone are not missed when zeros stand for them, nor is padding.
  bool only_zeros =
      journal.bytes.substr(cut, journal.ends[complete] - cut).find_first_not_of('\0') == std::string::npos;
  std::string bytes = journal.bytes.substr(0, cut);
  os::SeededRng rng(cut);
  if (kind == 1) bytes.resize(journal.bytes.size(), '\0');
  for (int i = 0; kind == 2 && i < 4096; ++i) bytes.push_back(static_cast<char>(rng.next()));
  auto disk = t.disk.fork(cut);
  disk->put(journal.path, std::move(bytes));
  Opened opened = open_and_see(*disk, t);
  if (!opened.wrong.empty()) return opened.wrong;
  uint64_t found = opened.seen.numbers().size();
  bool one_more = kind > 0 && only_zeros && found == (complete + 1) * kRowsPerWrite;
  if (found == complete * kRowsPerWrite || one_more) return "";
  return fmt::format("{} events of {} whole records", found, complete);
}

}  // namespace

Outcome run_journal_cuts(uint64_t seed, uint64_t every, Variant variant) {
  Outcome out{.name = "journal cut at every offset", .cases = 0, .detail = {}, .wrong = {}};
  TestStore t(seed);
  Journal journal = fill_journal(t, variant);
  uint64_t begin = journal.ends.back() - kCutBytes;
  std::atomic<uint64_t> cases{0};
  out.wrong = run_pieces([&](uint64_t number, std::string& wrong) {
    uint64_t first = begin + number * kOffsetsPerPiece * every;
    for (uint64_t i = 0; i < kOffsetsPerPiece && first + i * every < journal.ends.back(); ++i) {
      for (int kind = 0; kind < 3 && wrong.empty(); ++kind, ++cases) {
        wrong = cut_at(t, journal, first + i * every, kind);
        if (!wrong.empty()) wrong += fmt::format(" (cut at {}, kind {}, --seed {})", first + i * every, kind, seed);
      }
    }
    return first < journal.ends.back();
  });
  out.cases = cases;
  out.detail = fmt::format("{} records; cut, zeros, garbage", journal.ends.size());
  return out;
}

}  // namespace clew::crash
