// Every byte of a store flipped. A flip in a segment is followed by opening that segment and reading and asking all of
// it; a flip in the journal or the manifest, and now and then one in a segment, by opening the whole store.
#include <fmt/format.h>

#include <algorithm>
#include <atomic>

#include "columnar/segment.h"
#include "pieces.h"
#include "runs.h"
#include "workload.h"

namespace clew::crash {
namespace {

using logstore::testing::kDir;
using logstore::testing::TestStore;

constexpr uint32_t kRowsPerWrite = 20;
constexpr uint64_t kBytesPerPiece = 512;
constexpr uint64_t kWholeStoreEvery = 2'003;  // flips of segments

// What every event of the store is, by its number.
struct Event {
  std::string service;
  std::string message;
  bool has_amount = false;
  uint64_t seq = 0;
};

struct SegmentRows {
  uint64_t rows = 0;
  uint64_t seq_min = 0;
  uint64_t seq_max = UINT64_MAX;
};

struct Healthy {
  std::vector<Event> events;  // rising by _seq
  std::map<std::string, SegmentRows> segments;
  std::map<std::string, uint64_t> bytes_by_file;
  int64_t journal_from = 0;  // @timestamp of the first event that only the journal holds
};

// What reading some rows gave.
struct Read {
  uint64_t right = 0;
  uint64_t damaged = 0;
  uint64_t seq_min = UINT64_MAX;
  uint64_t seq_max = 0;
  std::string wrong;
};

void read_block(const contract::Granule& granule, uint32_t block, const std::vector<Event>& events, Read& read) {
  model::Selection rows;
  granule.alive(block, rows);
  if (rows.empty()) return;
  contract::ScanStats stats;
  model::VectorPtr columns[5];
  static constexpr const char* kNames[] = {"n", "service.name", "message", "amount", "_seq"};
  for (size_t i = 0; i < std::size(kNames); ++i) {
    auto column = granule.column(kNames[i], block, rows, stats);
    if (!column.ok()) {
      read.damaged += rows.size();
      if (column.error().code() != Code::kCorrupt) read.wrong = column.error().message();
      return;
    }
    columns[i] = std::move(column).take();
  }
  for (uint32_t i = 0; i < rows.size(); ++i) {
    auto n = static_cast<uint64_t>(columns[0]->value(i).i64());
    bool right = n < events.size() && columns[1]->value(i).text() == events[n].service &&
                 columns[2]->value(i).text() == events[n].message && columns[3]->is_null(i) != events[n].has_amount &&
                 static_cast<uint64_t>(columns[4]->value(i).i64()) == events[n].seq;
    if (!right) read.wrong = fmt::format("event {} has another's values", n);
    read.seq_min = std::min(read.seq_min, static_cast<uint64_t>(columns[4]->value(i).i64()));
    read.seq_max = std::max(read.seq_max, static_cast<uint64_t>(columns[4]->value(i).i64()));
  }
  read.right += rows.size();
}

void read_granule(const contract::Granule& granule, const std::vector<Event>& events, Read& read) {
  for (uint32_t block = 0; block * contract::kBlockRows < granule.rows(); ++block)
    read_block(granule, block, events, read);
  const auto* counts = granule.minute_counts();
  if (counts == nullptr) return;
  uint64_t counted = 0;
  for (const contract::MinuteCount& count : *counts) counted += count.count;
  if (counted != granule.rows()) read.wrong = fmt::format("{} rows are counted as {}", granule.rows(), counted);
}

// A row group that has the word must not be left out.
std::string ask_index(const columnar::SegmentReader& segment, const std::vector<Event>& events) {
  contract::ScanStats stats;
  for (size_t g = 0; g < segment.row_groups().size(); ++g) {
    auto seqs = segment.row_groups()[g]->seqs();
    if (!seqs.ok()) continue;
    uint64_t seq = seqs->at(seqs->size() / 2);
    auto event =
        std::lower_bound(events.begin(), events.end(), seq, [](const Event& e, uint64_t s) { return e.seq < s; });
    if (event == events.end() || event->seq != seq) return fmt::format("_seq {} is nobody's", seq);
    std::string word = event->message.substr(6, event->message.find(' ', 6) - 6);
    contract::Predicate where{.op = contract::Predicate::Op::kPhrase,
                              .field = "message",
                              .values = {model::Value::string(word)},
                              .children = {}};
    auto may = segment.may_match(where, stats);
    if (may.ok() && (g >= may->size() || !(*may)[g]))
      return "the index leaves out a row group that has the word " + word;
  }
  return "";
}

Read read_segment(os::Disk& disk, const std::string& path, const std::vector<Event>& events, const SegmentRows& own) {
  Read read;
  auto segment = columnar::open_segment(disk, path);
  if (!segment.ok()) {
    read.wrong = "a segment does not open: " + segment.error().message();
    return read;
  }
  for (const auto& group : (*segment)->row_groups()) {
    read_granule(*group->granule(Seq(UINT64_MAX), nullptr), events, read);
  }
  bool foreign = read.right > 0 && (read.seq_min < own.seq_min || read.seq_max > own.seq_max);
  if (foreign) read.wrong = "a segment holds rows of another";
  if (read.wrong.empty()) read.wrong = ask_index(**segment, events);
  return read;
}

struct Whole {
  Read read;
  uint64_t said = 0;  // damage that the recovery reports
};

Whole read_store(os::SimDisk& disk, const TestStore& t, const Healthy& healthy, contract::TimeRange range) {
  Whole out;
  os::SimClock clock;
  os::SeededRng rng(7);
  base::Registry registry;
  auto opened = logstore::LogStore::open(disk, clock, rng, kDir, t.options, registry);
  if (!opened.ok()) {
    out.read.wrong = "cannot open: " + opened.error().message();
    return out;
  }
  contract::Scan scan;
  scan.range = range;
  contract::ScanStats stats;
  auto snapshot = (*opened)->snapshot({}, scan, stats);
  if (!snapshot.ok()) {
    out.read.wrong = snapshot.error().message();
    return out;
  }
  out.read.damaged += stats.damaged_rows;
  for (const auto& granule : snapshot->granules) read_granule(*granule, healthy.events, out.read);
  const logstore::Recovered& recovered = (*opened)->recovered();
  out.said = recovered.journal.damaged_records + recovered.journal.torn_tails + recovered.parts_damaged;
  if (recovered.segments != healthy.segments.size()) out.read.wrong = "a segment is not in the manifest";
  return out;
}

bool is_segment(const std::string& path) { return path.ends_with(".seg"); }

// Segments by flush and by merge, and a journal with parts.
uint64_t fill_store(TestStore& t, uint64_t store_bytes) {
  t.options.flush_rows = 600;
  t.options.row_group_rows = 200;
  t.options.segment_rows_max = 1'200;
  (void)t.open();
  uint64_t n = 0;
  auto write = [&] {
    for (int i = 0; i < 30; ++i, n += kRowsPerWrite) (void)t.write_events(n, kRowsPerWrite);
  };
  auto used = [&] {
    uint64_t bytes = 0;
    auto datasets = t.store->datasets({});
    for (const auto& info : *datasets) bytes += info.bytes;
    return bytes;
  };
  for (uint64_t round = 0; used() < store_bytes; ++round) {
    write();
    (void)t.store->flush_now();
    if (used() < store_bytes / 2) (void)t.store->merge_all();
  }
  write();
  t.store.reset();
  return n;
}

Healthy make_healthy(TestStore& t, uint64_t store_bytes) {
  Healthy h;
  uint64_t events = fill_store(t, store_bytes);
  (void)t.open();
  auto seen = logstore::testing::see_all(*t.store);
  for (uint64_t n = 0; n < events; ++n) {
    model::Batch batch("logs");
    logstore::testing::add_event(batch, n, 0);
    auto seq = seen.seq_by_number.find(n);
    h.events.push_back({.service = std::string(batch.find("service.name")->text_at(0)),
                        .message = std::string(batch.find("message")->text_at(0)),
                        .has_amount = batch.find("amount") != nullptr && batch.find("amount")->values_count() > 0,
                        .seq = seq == seen.seq_by_number.end() ? 0 : seq->second});
  }
  uint64_t in_parts = t.store->recovered().part_rows;
  h.journal_from = logstore::testing::default_time(events - in_parts);
  t.store.reset();
  t.disk.kill_process();
  for (const std::string& path : t.disk.files()) {
    std::string contents = t.disk.contents(path);
    h.bytes_by_file[path] =
        std::min<uint64_t>(contents.size(), contents.find_last_not_of('\0') + 64);  // not all of the free space
    if (!is_segment(path)) continue;
    Read read = read_segment(t.disk, path, h.events, {});
    h.segments[path] = {read.right, read.seq_min, read.seq_max};
  }
  return h;
}

struct FlipTotals {
  std::atomic<uint64_t> cases{0};
  std::atomic<uint64_t> harmless{0};
  std::atomic<uint64_t> worst{0};
};

std::string judge(const Read& read, uint64_t rows, uint64_t said, uint64_t lost_max, FlipTotals& totals) {
  ++totals.cases;
  if (!read.wrong.empty()) return read.wrong;
  if (read.right > rows) return "an event is there twice";
  uint64_t lost = rows - read.right;
  uint64_t worst = totals.worst;
  while (lost > worst && !totals.worst.compare_exchange_weak(worst, lost)) {
  }
  totals.harmless += lost == 0 ? 1 : 0;
  if (lost > lost_max) return fmt::format("{} rows lost by one byte", lost);
  return lost > 0 && read.damaged + said == 0 ? "rows are lost without a word" : "";
}

class Flips {
 public:
  Flips(uint64_t seed, uint64_t bytes, Variant variant) : t_(seed), seed_(seed), healthy_(make_healthy(t_, bytes)) {
    if (variant == Variant::kBroken) exchange_segments();
    for (const auto& [path, end] : healthy_.bytes_by_file) {
      for (uint64_t at = 0; at < end; at += kBytesPerPiece)
        pieces_.push_back({path, at, std::min(end, at + kBytesPerPiece)});
    }
  }

  // What is wrong with the flips of one piece of a file; false when there is none of that number.
  bool piece(uint64_t number, uint64_t every, std::string& wrong) {
    if (number >= pieces_.size()) return false;
    const Range& range = pieces_[number];
    os::SeededRng rng(seed_ + number);
    for (uint64_t at = range.begin + rng.below(every); at < range.end && wrong.empty(); at += every) {
      auto mask = static_cast<uint8_t>(1u << rng.below(8));
      wrong = is_segment(range.path) ? flip_in_segment(range.path, at, mask) : flip_outside(range.path, at, mask);
      if (wrong.empty() && is_segment(range.path) && rng.one_in(kWholeStoreEvery))
        wrong = flip_and_read_all(range.path, at, mask);
      if (!wrong.empty()) wrong += fmt::format(" (byte {} of {}, --seed {})", at, range.path, seed_);
    }
    return true;
  }
  std::string summary() const {
    uint64_t bytes = 0;
    for (const auto& [path, end] : healthy_.bytes_by_file) bytes += end;
    return fmt::format("a store of {} bytes in {} files, {} flips cost nothing, at most {} rows", bytes,
                       healthy_.bytes_by_file.size(), totals_.harmless.load(), totals_.worst.load());
  }
  uint64_t cases() const { return totals_.cases; }

 private:
  struct Range {
    std::string path;
    uint64_t begin;
    uint64_t end;
  };
  void exchange_segments() {
    const std::string& last = healthy_.segments.rbegin()->first;
    for (const auto& [path, own] : healthy_.segments) {
      if (path != last) t_.disk.put(path, t_.disk.contents(last));
    }
  }
  // A block has as many rows as a row group here, and a record as many as a write.
  uint64_t block_rows() const { return t_.options.row_group_rows; }

  std::string flip_in_segment(const std::string& path, uint64_t at, uint8_t mask) {
    os::SimDisk disk(at);
    disk.put(path, t_.disk.contents(path));
    disk.flip(path, at, mask);
    const SegmentRows& own = healthy_.segments.at(path);
    return judge(read_segment(disk, path, healthy_.events, own), own.rows, 0, block_rows(), totals_);
  }
  // All segments must be there; they are not read again, only what the journal holds.
  std::string flip_outside(const std::string& path, uint64_t at, uint8_t mask) {
    auto disk = t_.disk.fork(at);
    disk->flip(path, at, mask);
    Whole whole = read_store(*disk, t_, healthy_, {healthy_.journal_from, INT64_MAX});
    return judge(whole.read, journal_rows(), whole.said, kRowsPerWrite, totals_);
  }
  std::string flip_and_read_all(const std::string& path, uint64_t at, uint8_t mask) {
    auto disk = t_.disk.fork(at);
    disk->flip(path, at, mask);
    Whole whole = read_store(*disk, t_, healthy_, {});
    return judge(whole.read, healthy_.events.size(), whole.said, block_rows(), totals_);
  }
  uint64_t journal_rows() const {
    uint64_t rows = healthy_.events.size();
    for (const auto& [path, own] : healthy_.segments) rows -= own.rows;
    return rows;
  }

  TestStore t_;
  const uint64_t seed_;
  const Healthy healthy_;
  std::vector<Range> pieces_;
  FlipTotals totals_;
};

}  // namespace

Outcome run_flips(uint64_t seed, uint64_t bytes, uint64_t every, Variant variant) {
  Outcome out{.name = "every byte flipped", .cases = 0, .detail = {}, .wrong = {}};
  Flips flips(seed, bytes, variant);
  out.wrong = run_pieces([&](uint64_t number, std::string& wrong) { return flips.piece(number, every, wrong); });
  out.cases = flips.cases();
  out.detail = flips.summary();
  return out;
}

}  // namespace clew::crash
