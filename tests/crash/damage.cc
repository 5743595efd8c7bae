// Runs that damage a store's bytes: cuts, garbage, flips.
#include <fmt/format.h>

#include <algorithm>

#include "journal/record.h"
#include "runs.h"
#include "workload.h"

namespace clew::crash {
namespace {

using logstore::testing::see_all;
using logstore::testing::Seen;
using logstore::testing::TestStore;

constexpr uint64_t kCutBytes = 64u << 10;
constexpr uint32_t kRowsPerWrite = 20;
constexpr uint64_t kFlippedStoreBytes = 8'000;  // of segments and parts, per store

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
  if (out.wrong.empty() && out.seen.numbers().size() != out.seen.seq_by_number.size()) out.wrong = "an event is there twice";
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

}  // namespace

Outcome run_journal_cuts(uint64_t seed, uint64_t every) {
  Outcome out{.name = "journal cut at every offset", .cases = 0, .detail = {}, .wrong = {}};
  TestStore t(seed);
  t.options.journal_file_bytes = 1 << 20;
  t.options.journal_budget_bytes = 64 << 20;
  t.options.flush_parts = 1 << 20;
  t.options.parts_max = 1 << 20;
  (void)t.open();
  std::string path;
  for (uint64_t n = 0; path.empty() || record_ends(t.disk, path).back() < kCutBytes + (16u << 10); n += kRowsPerWrite) {
    auto ack = t.write_events(n, kRowsPerWrite);
    if (!ack.ok()) break;
    path = only_journal(t.disk);
  }
  t.store.reset();
  std::vector<uint64_t> ends = record_ends(t.disk, path);
  std::string whole = t.disk.contents(path);
  os::SeededRng rng(seed);
  for (uint64_t cut = ends.back() - kCutBytes; cut < ends.back() && out.wrong.empty(); cut += every) {
    uint64_t complete = static_cast<uint64_t>(std::upper_bound(ends.begin(), ends.end(), cut) - ends.begin());
    // Zeros that are gone are not missed when zeros stand for them, nor is padding.
    bool only_zeros = whole.substr(cut, ends[complete] - cut).find_first_not_of('\0') == std::string::npos;
    for (int kind = 0; kind < 3 && out.wrong.empty(); ++kind) {
      auto disk = t.disk.fork(cut);
      std::string bytes = whole.substr(0, cut);
      if (kind == 1) bytes.resize(whole.size(), '\0');
      if (kind == 2) {
        for (int i = 0; i < 4096; ++i) bytes.push_back(static_cast<char>(rng.next()));
      }
      disk->put(path, std::move(bytes));
      Opened opened = open_and_see(*disk, t);
      ++out.cases;
      out.wrong = opened.wrong;
      uint64_t found = opened.seen.numbers().size();
      bool one_more = kind > 0 && only_zeros && found == (complete + 1) * kRowsPerWrite;
      if (out.wrong.empty() && found != complete * kRowsPerWrite && !one_more) {
        out.wrong = fmt::format("{} events of {} whole records", found, complete);
      }
      if (!out.wrong.empty()) out.wrong += fmt::format(" (cut at {}, kind {}, --seed {})", cut, kind, seed);
    }
  }
  out.detail = fmt::format("{} records; cut, zeros, garbage", ends.size());
  return out;
}

namespace {

// A store of merged segments, a fresh one and a journal with parts.
uint64_t fill_store(TestStore& t, uint64_t store_bytes) {
  (void)t.open();
  uint64_t n = 0;
  auto used = [&] {
    uint64_t bytes = 0;
    for (const auto& info : *t.store->datasets({})) bytes += info.bytes;
    return bytes;
  };
  while (used() < store_bytes) {
    for (int i = 0; i < 10; ++i, n += kRowsPerWrite) (void)t.write_events(n, kRowsPerWrite);
    (void)t.store->flush_now();
  }
  (void)t.store->merge_all();
  for (int i = 0; i < 10; ++i, n += kRowsPerWrite) (void)t.write_events(n, kRowsPerWrite);
  (void)t.store->flush_now();
  for (int i = 0; i < 10; ++i, n += kRowsPerWrite) (void)t.write_events(n, kRowsPerWrite);
  t.store.reset();
  return n;
}

}  // namespace

namespace {

// What flipping one byte of a store costs.
struct FlipTotals {
  uint64_t cases = 0;
  uint64_t harmless = 0;
  uint64_t worst = 0;
};

std::string flip_one(const TestStore& t, const std::string& path, uint64_t at, uint8_t mask, uint64_t events,
                     FlipTotals& totals) {
  auto disk = t.disk.fork(at);
  disk->flip(path, at, mask);
  Opened opened = open_and_see(*disk, t);
  ++totals.cases;
  if (!opened.wrong.empty()) return opened.wrong;
  uint64_t lost = events - std::min<uint64_t>(events, opened.seen.numbers().size());
  totals.worst = std::max(totals.worst, lost);
  totals.harmless += lost == 0 ? 1 : 0;
  const journal::RecoveryReport& journal = opened.recovered.journal;
  bool said = opened.seen.damaged_rows + journal.damaged_records + journal.torn_tails + opened.recovered.parts_damaged > 0;
  // A block has as many rows as a row group here, and a record as many as a write.
  if (lost > std::max(kRowsPerWrite, t.options.row_group_rows)) return fmt::format("{} rows lost by one byte", lost);
  return lost > 0 && !said ? "rows are lost without a word" : "";
}

}  // namespace

// Many small stores in place of a large one: each flip is followed by opening and reading everything.
Outcome run_flips(uint64_t seed, uint64_t bytes, uint64_t every) {
  Outcome out{.name = "every byte flipped", .cases = 0, .detail = {}, .wrong = {}};
  FlipTotals totals;
  uint64_t flippable = 0, stores = 0;
  for (; flippable < bytes && out.wrong.empty(); ++stores) {
    TestStore t(seed + stores);
    uint64_t events = fill_store(t, kFlippedStoreBytes);
    os::SeededRng rng(seed + stores);
    for (const std::string& path : t.disk.files()) {
      std::string contents = t.disk.contents(path);
      uint64_t end = std::min<uint64_t>(contents.size(), contents.find_last_not_of('\0') + 64);  // not all of a journal's free space
      flippable += end;
      for (uint64_t at = rng.below(every); at < end && out.wrong.empty(); at += every) {
        out.wrong = flip_one(t, path, at, static_cast<uint8_t>(1u << rng.below(8)), events, totals);
        if (!out.wrong.empty()) out.wrong += fmt::format(" (byte {} of {}, --seed {})", at, path, seed + stores);
      }
    }
  }
  out.cases = totals.cases;
  out.detail = fmt::format("{} stores of {} bytes in all, {} flips cost nothing, at most {} rows", stores, flippable,
                           totals.harmless, totals.worst);
  return out;
}

}  // namespace clew::crash
