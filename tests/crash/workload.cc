#include "workload.h"

#include <algorithm>

namespace clew::crash {
namespace {

using logstore::testing::see_all;

constexpr const char* kProducer = "crash-test";

logstore::StoreOptions options_of(uint64_t seed) {
  logstore::StoreOptions o = logstore::testing::small_options();
  o.flush_rows = seed % 3 == 0 ? 100 : 400;
  o.delete_rewrite_ns = 1'000'000'000;
  return o;
}

int64_t time_of(uint64_t n) {
  // Mostly in order over two days, some late by weeks.
  int64_t time = logstore::testing::kStart + static_cast<int64_t>(n) * 40'000'000'000;
  return n % 50 == 0 ? time - 20 * logstore::kDayNs : time;
}

}  // namespace

Workload::Workload(uint64_t seed) : rng_(seed), store_(seed, options_of(seed)) {}

std::string Workload::write_new() {
  uint32_t rows = static_cast<uint32_t>(1 + rng_.below(40));
  std::optional<uint64_t> key;
  if (rng_.one_in(3)) key = next_key_++;
  uint64_t first = ledger_.begin(rows, key);
  std::optional<contract::BatchKey> batch_key;
  if (key) batch_key = contract::BatchKey{kProducer, *key};
  auto ack = store_.write(logstore::testing::make_write("logs", first, rows, batch_key, time_of));
  if (!ack.ok()) return "";
  if (ack->duplicate || ack->rows != rows) return "a new batch was taken for an old one";
  ledger_.answered(first, ack->first_seq.get());
  return "";
}

std::string Workload::write_again() {
  std::vector<uint64_t> keyed;
  for (const auto& [first, batch] : ledger_.batches()) {
    bool wanted = batch.key && (batch.fate == Fate::kStored || batch.fate == Fate::kAbsent) && !batch.delete_open;
    if (wanted) keyed.push_back(first);
  }
  if (keyed.empty()) return "";
  uint64_t first = keyed[rng_.below(keyed.size())];
  BatchEntry& batch = ledger_.batches()[first];
  bool was_there = batch.fate == Fate::kStored;
  if (!was_there) batch.fate = Fate::kOpen;
  auto ack = store_.write(
      logstore::testing::make_write("logs", first, batch.rows, contract::BatchKey{kProducer, *batch.key}, time_of));
  if (!ack.ok()) return "";
  if (was_there && !ack->duplicate) return "a repeated batch was stored again";
  if (was_there && ack->first_seq.get() != batch.first_seq) return "a repeated batch got another answer";
  ledger_.answered(first, ack->first_seq.get());
  return "";
}

std::string Workload::delete_some() {
  std::vector<uint64_t> chosen;
  uint64_t from = rng_.below(ledger_.next_number() + 1);
  for (const auto& [first, batch] : ledger_.batches()) {
    if (first >= from && batch.fate == Fate::kStored && !batch.delete_open && chosen.size() < 4)
      chosen.push_back(first);
  }
  if (chosen.empty()) return "";
  std::set<uint64_t> numbers;
  for (uint64_t first : chosen) {
    for (uint64_t n = first; n < first + ledger_.batches()[first].rows; ++n) numbers.insert(n);
  }
  auto selector = [&](const contract::Granule& granule, uint32_t block, model::Selection& rows) -> Status {
    contract::ScanStats stats;
    auto values = CLEW_TRY(granule.column("n", block, rows, stats));
    model::Selection kept;
    for (uint32_t i = 0; i < rows.size(); ++i) {
      if (numbers.count(static_cast<uint64_t>(values->value(i).i64())) > 0) kept.push_back(rows[i]);
    }
    rows = std::move(kept);
    return {};
  };
  ledger_.delete_begin(chosen);
  auto report = store_.store->delete_rows({}, "logs", {}, selector, logstore::WaitForBytes::kNo);
  if (!report.ok()) return "";
  if (report->rows != numbers.size()) return "a delete took another number of rows";
  ledger_.delete_answered(chosen);
  return "";
}

std::string Workload::step() {
  store_.clock.advance(1'000'000 + rng_.below(400'000'000));
  logstore::LogStore& store = *store_.store;
  uint64_t dice = rng_.below(100);
  if (dice < 62) return write_new();
  if (dice < 70) return write_again();
  if (dice < 86) {
    (void)store.work_once();
    return "";
  }
  if (dice < 91) {
    (void)store.flush_now();
    return "";
  }
  if (dice < 94) {
    (void)store.merge_all();
    return "";
  }
  if (dice < 98) return delete_some();
  (void)store.declare_types({}, "logs", {{"field" + std::to_string(dice), model::Type::kLong}});
  return "";
}

std::string Workload::reopen() {
  Status opened = store_.open();
  if (!opened.ok()) return "cannot open: " + opened.error().message();
  return ledger_.check(see_all(*store_.store), Ledger::Adopt::kYes);
}

std::string Workload::check_open() { return ledger_.check(see_all(*store_.store), Ledger::Adopt::kNo); }

std::string Workload::write_and_check() {
  uint64_t first = ledger_.begin(3, std::nullopt);
  auto ack = store_.write(logstore::testing::make_write("logs", first, 3, std::nullopt, time_of));
  if (!ack.ok()) return "cannot write: " + ack.error().message();
  ledger_.answered(first, ack->first_seq.get());
  return check_open();
}

std::string Workload::check_copy(uint64_t seed, Loss loss) {
  auto disk = store_.disk.fork(seed);
  if (loss == Loss::kPower) {
    disk->crash();
  } else {
    disk->kill_process();
  }
  os::SeededRng rng(seed);
  base::Registry registry;
  auto opened = logstore::LogStore::open(*disk, store_.clock, rng, logstore::testing::kDir, store_.options, registry);
  if (!opened.ok()) return "cannot open: " + opened.error().message();
  std::string wrong = ledger_.check(see_all(**opened), Ledger::Adopt::kNo);
  if (!wrong.empty() || seed % 8 != 0) return wrong;
  // Now and then everything: all checks, and a second recovery that must tell the same.
  std::vector<std::string> findings = (*opened)->verify();
  if (!findings.empty()) return findings.front();
  auto before = see_all(**opened).seq_by_number;
  opened->reset();
  if (loss == Loss::kPower) disk->crash();
  auto again = logstore::LogStore::open(*disk, store_.clock, rng, logstore::testing::kDir, store_.options, registry);
  if (!again.ok()) return "cannot open again: " + again.error().message();
  return see_all(**again).seq_by_number == before ? "" : "a second recovery tells something else";
}

}  // namespace clew::crash
