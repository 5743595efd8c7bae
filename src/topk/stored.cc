#include "topk/stored.h"

#include <atomic>

#include "expr/ast.h"
#include "topk/counter.h"

namespace clew::topk {
namespace {

constexpr uint64_t kNanosPerMilli = 1'000'000;

// Without datasets those that a search without `source=` reads; a store may have none yet.
std::string search_of(const Question& question) {
  std::string where = question.where.empty() ? "" : "where " + question.where;
  if (question.datasets.empty()) return where;
  std::string text = "source=";
  for (size_t i = 0; i < question.datasets.size(); ++i)
    text += (i == 0 ? "" : ", ") + expr::print_name(question.datasets[i]);
  return where.empty() ? text : text + " | " + where;
}

// One thread's share.
struct Share {
  explicit Share(size_t keys_max) : sketch(keys_max) {}
  std::unique_ptr<Counter> counter;
  sketch::SpaceSaving sketch;
  Counter::Counted counted;
  uint64_t damaged_rows = 0;
  Status status;
};

class Reading {
 public:
  Reading(const StoredQuestion& asked, const query::RowSelector& selector, const os::Clock& clock)
      : asked_(asked),
        selector_(selector),
        clock_(clock),
        until_ns_(clock.monotonic_ns() + asked.millis_max * kNanosPerMilli) {}

  Status read(const contract::Granule& granule, Share& share) const {
    for (uint32_t block = 0; block * contract::kBlockRows < granule.rows(); ++block) {
      if (asked_.stop.stop_requested()) return Error(Code::kCancelled, "the caller has gone");
      if (clock_.monotonic_ns() > until_ns_) {
        return Error(Code::kDeadline, "it takes longer than a query may: ask of a shorter time");
      }
      model::Selection rows;
      granule.alive(block, rows);
      auto alive = rows.size();
      Status read = read_block(granule, block, std::move(rows), share);
      if (read.ok()) continue;
      if (read.error().code() != Code::kCorrupt) return read;
      share.damaged_rows += alive;
    }
    return {};
  }

 private:
  Status read_block(const contract::Granule& granule, uint32_t number, model::Selection rows, Share& share) const {
    if (!rows.empty()) CLEW_TRY(selector_.narrow(granule, number, rows));
    if (rows.empty()) return {};
    feed::Block block(granule, number, std::move(rows));
    Counter::Counted counted = CLEW_TRY(share.counter->count(
        block, [&](int64_t time) { return asked_.range.contains(time) ? &share.sketch : nullptr; }));
    share.counted.events += counted.events;
    share.counted.without += counted.without;
    return {};
  }

  const StoredQuestion& asked_;
  const query::RowSelector& selector_;
  const os::Clock& clock_;
  const uint64_t until_ns_;
};

}  // namespace

void put_rows(const sketch::SpaceSaving& sketch, uint64_t rows, TopAnswer& answer) {
  for (sketch::HeavyKey& key : sketch.top(rows)) answer.rows.push_back({key_parts(key.key), key.sum, key.error});
  answer.total = sketch.total();
  answer.keys = sketch.keys();
  answer.bound = sketch.bound();
}

Result<StoredAnswer> ask_stored(const StoredParts& parts, const StoredQuestion& asked) {
  CLEW_TRY(check_question(asked.question));
  auto selected = parts.engine.selector(search_of(asked.question), asked.access);
  if (auto* failure = std::get_if<query::Failure>(&selected)) return StoredAnswer(std::move(*failure));
  const auto& selector = std::get<query::RowSelector>(selected);
  contract::ScanStats stats;
  contract::Scan scan{.datasets = selector.datasets, .range = asked.range, .where = {}};
  contract::Snapshot snapshot = CLEW_TRY(parts.source.snapshot(asked.access, scan, stats));
  std::vector<Share> shares;
  uint32_t workers = std::max<uint32_t>(
      1, std::min<uint32_t>(parts.engine.pool().workers(), static_cast<uint32_t>(snapshot.granules.size())));
  for (uint32_t i = 0; i < workers; ++i) {
    shares.emplace_back(asked.keys_max);
    shares.back().counter = CLEW_TRY(Counter::make(asked.question, Counter::Where::kWasAsked, parts.clock.now().get()));
  }
  Reading reading(asked, selector, parts.clock);
  std::atomic<size_t> next{0};
  parts.engine.pool().run(workers, [&](uint32_t worker) {
    Share& share = shares[worker];
    for (size_t i = next++; i < snapshot.granules.size() && share.status.ok(); i = next++)
      share.status = reading.read(*snapshot.granules[i], share);
  });
  TopAnswer answer;
  answer.range = asked.range;
  answer.damaged_rows = stats.damaged_rows;
  for (Share& share : shares) {
    CLEW_TRY(std::move(share.status));
    if (&share != &shares.front()) shares.front().sketch.merge(share.sketch);
    answer.events += share.counted.events;
    answer.without += share.counted.without;
    answer.damaged_rows += share.damaged_rows;
  }
  put_rows(shares.front().sketch, asked.question.rows, answer);
  return StoredAnswer(std::move(answer));
}

}  // namespace clew::topk
