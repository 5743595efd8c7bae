// A store on a simulated disk, events with a number each, and a plain reading of everything: for tests.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "logstore/log_store.h"
#include "os/sim_clock.h"
#include "os/sim_disk.h"

namespace clew::logstore::testing {

constexpr int64_t kStart = 1'763'719'200'000'000'000;  // 2025-11-21T10:00:00Z
constexpr const char* kDir = "/data";

inline StoreOptions small_options() {
  StoreOptions o;
  o.journal_file_bytes = 64 << 10;
  o.journal_budget_bytes = 1 << 20;
  o.flush_rows = 200;
  o.flush_parts = 16;
  o.parts_max = 64;
  o.row_group_rows = 64;
  o.segment_rows_max = 2000;
  o.merge_fan_in = 3;
  o.merge_large_fan_in = 4;
  o.background_threads = 0;
  return o;
}

// Event `n`: every value follows from the number, so that any mix-up shows.
inline void add_event(model::Batch& batch, uint64_t n, int64_t time) {
  static const char* const kServices[] = {"cart", "pay", "web"};
  uint32_t row = batch.begin_row();
  batch.column("_time")->add_time(row, time);
  batch.column("n")->add_int(row, static_cast<int64_t>(n));
  batch.column("service.name")->add_string(row, kServices[n % 3]);
  batch.column("level")->add_string(row, n % 10 == 0 ? "error" : "info");
  batch.column("message")->add_string(row,
                                      "order " + std::to_string(n * 7919) + " took " + std::to_string(n % 900) + " ms");
  if (n % 5 == 0) batch.column("amount")->add_decimal(row, static_cast<int64_t>(n * 100 + 25), 2);
  batch.end_row();
}

inline int64_t default_time(uint64_t n) { return kStart + static_cast<int64_t>(n) * 1'000'000; }

inline contract::Write make_write(const std::string& dataset, uint64_t first, uint32_t rows,
                                  std::optional<contract::BatchKey> key = std::nullopt,
                                  int64_t (*time_of)(uint64_t) = default_time) {
  contract::Write write;
  write.key = std::move(key);
  model::Batch& batch = write.batches.emplace_back(dataset);
  for (uint64_t n = first; n < first + rows; ++n) add_event(batch, n, time_of(n));
  return write;
}

// What a query sees: each event's number, with the _seq it has, as often as it is there.
struct Seen {
  std::multimap<uint64_t, uint64_t> seq_by_number;
  std::vector<std::string> wrong;  // values that are not those of the event
  uint64_t damaged_rows = 0;
  std::set<uint64_t> numbers() const {
    std::set<uint64_t> out;
    for (const auto& [n, seq] : seq_by_number) out.insert(n);
    return out;
  }
};

inline void see_block(const contract::Granule& granule, uint32_t block, const model::Selection& rows, Seen& seen) {
  contract::ScanStats stats;
  auto numbers = granule.column("n", block, rows, stats);
  auto services = granule.column("service.name", block, rows, stats);
  auto messages = granule.column("message", block, rows, stats);
  auto amounts = granule.column("amount", block, rows, stats);
  auto seqs = granule.column("_seq", block, rows, stats);
  for (const auto* column : {&numbers, &services, &messages, &amounts, &seqs}) {
    if (column->ok()) continue;
    if (column->error().code() == Code::kCorrupt) {
      seen.damaged_rows += rows.size();
    } else {
      seen.wrong.push_back(column->error().message());
    }
    return;
  }
  static const char* const kServices[] = {"cart", "pay", "web"};
  for (uint32_t i = 0; i < rows.size(); ++i) {
    uint64_t n = static_cast<uint64_t>((*numbers)->value(i).i64());
    std::string message = "order " + std::to_string(n * 7919) + " took " + std::to_string(n % 900) + " ms";
    bool right = (*services)->value(i).text() == kServices[n % 3] && (*messages)->value(i).text() == message &&
                 (*amounts)->is_null(i) == (n % 5 != 0);
    if (!right) seen.wrong.push_back("event " + std::to_string(n) + " has another's values");
    seen.seq_by_number.emplace(n, static_cast<uint64_t>((*seqs)->value(i).i64()));
  }
}

inline Seen see_all(LogStore& store, const contract::Access& access = {}, const contract::Scan& scan = {}) {
  Seen seen;
  contract::ScanStats stats;
  auto snapshot = store.snapshot(access, scan, stats);
  if (!snapshot.ok()) {
    seen.wrong.push_back(snapshot.error().message());
    return seen;
  }
  seen.damaged_rows += stats.damaged_rows;
  for (const auto& granule : snapshot->granules) {
    uint32_t blocks = (granule->rows() + contract::kBlockRows - 1) / contract::kBlockRows;
    for (uint32_t block = 0; block < blocks; ++block) {
      model::Selection rows;
      granule->alive(block, rows);
      if (!rows.empty()) see_block(*granule, block, rows, seen);
    }
  }
  return seen;
}

// A store with everything it stands on. Reopened by open().
class TestStore {
 public:
  explicit TestStore(uint64_t seed = 1, StoreOptions o = small_options(), uint64_t disk_bytes = 64 << 20)
      : disk(seed, disk_bytes), rng(seed), options(o) {}

  Status open() {
    store.reset();
    registry = std::make_unique<base::Registry>();
    auto opened = LogStore::open(disk, clock, rng, kDir, options, *registry);
    if (!opened.ok()) return opened.error();
    store = std::move(opened).take();
    return {};
  }

  // Writes and gives the answer, which a store without threads has at once.
  Result<contract::Ack> write(contract::Write w) {
    std::optional<Result<contract::Ack>> answer;
    store->write(std::move(w), [&](Result<contract::Ack> a) { answer = std::move(a); });
    if (!answer) return Error(Code::kInternal, "no answer");
    return std::move(*answer);
  }
  Result<contract::Ack> write_events(uint64_t first, uint32_t rows,
                                     std::optional<contract::BatchKey> key = std::nullopt) {
    return write(make_write("logs", first, rows, std::move(key)));
  }

  os::SimDisk disk;
  os::SimClock clock;
  os::SeededRng rng;
  StoreOptions options;
  std::unique_ptr<base::Registry> registry;
  std::unique_ptr<LogStore> store;
};

}  // namespace clew::logstore::testing
