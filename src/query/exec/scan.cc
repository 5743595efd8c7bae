#include "query/exec/scan.h"

#include <algorithm>
#include <atomic>
#include <cmath>

#include "query/exec/row_fetch.h"

namespace clew::query::exec {

using contract::GranulePtr;
using contract::kBlockRows;
using contract::Order;
using model::Selection;
using model::VectorPtr;

namespace {

// Lanes of an unordered scan. Fixed, so that sums of doubles do not depend on the number of threads.
constexpr uint32_t kLanes = 8;
// Rows whose columns are fetched in one go when rows are handed out in order.
constexpr size_t kEmitRowsMax = 65'536;
constexpr size_t kEmitRowsFirst = 1'024;
// So few rows that all others are left out while they are looked for.
constexpr size_t kFewRows = 1'024;
// Beyond so many places of rows that wait for their turn, granules are taken one for each worker.
constexpr size_t kPendingRows = 262'144;

// Where a matching row lies, and its place in the order.
struct Found {
  int64_t time = 0;
  uint64_t seq = 0;
  uint32_t granule = 0;
  uint32_t row = 0;  // in the granule
};

struct Before {
  bool time_falls;
  bool seq_falls;
  explicit Before(const ScanSpec& spec)
      : time_falls(spec.scan.order == Order::kNewestFirst), seq_falls(spec.seq_falls.value_or(time_falls)) {}
  bool operator()(const Found& a, const Found& b) const {
    if (a.time != b.time) return time_falls ? a.time > b.time : a.time < b.time;
    return seq_falls ? a.seq > b.seq : a.seq < b.seq;
  }
};

// Keeps rows whose @timestamp is in the range.
Status narrow_by_time(const contract::TimeRange& range, BlockReader& reader, Selection& rows) {
  const contract::Granule& granule = reader.granule();
  if (range.contains(granule.time_min()) && range.contains(granule.time_max())) return {};
  VectorPtr times = CLEW_TRY(reader.field("@timestamp", rows));
  Selection kept;
  kept.reserve(rows.size());
  for (uint32_t i = 0; i < rows.size(); ++i) {
    if (!times->is_null(i) && range.contains(times->i64[times->at(i)])) kept.push_back(rows[i]);
  }
  rows = std::move(kept);
  return {};
}

// Rows of a block that meet everything.
Status match(const ScanSpec& spec, BlockReader& reader, Selection& rows) {
  reader.alive(rows);
  return narrow(spec, reader, rows);
}

bool may_match(const ScanSpec& spec, const contract::Granule& granule) {
  return std::all_of(spec.conditions.begin(), spec.conditions.end(),
                     [&](const ConditionPtr& c) { return c->may_match(granule); });
}

uint32_t blocks_of(const contract::Granule& granule) { return (granule.rows() + kBlockRows - 1) / kBlockRows; }

// ---- in order

class OrderedScan {
 public:
  OrderedScan(Run& run, const ScanSpec& spec, const std::vector<GranulePtr>& granules, uint64_t enough, Operator& sink)
      : run_(run), spec_(spec), granules_(granules), enough_(enough), sink_(sink), before_(spec), held_(run) {}

  Status scan() {
    size_t next = 0;
    size_t wave = run_.pool().workers();
    while (next < granules_.size() && wanted()) {
      size_t end = std::min(granules_.size(), next + wave);
      Status status = find(next, end);
      if (!status.ok()) return end_early(std::move(status));
      next = end;
      wave = next_wave(next, wave);
      status = emit_safe(next);
      if (!status.ok()) return end_early(std::move(status));
    }
    return {};
  }

 private:
  bool wanted() const { return emitted_ < enough_ && sink_.wants_more(); }

  // Granules to look through next: twice as many as before, but about as many as the rows that lack should take.
  size_t next_wave(size_t done, size_t last) const {
    size_t most = std::min<size_t>(last * 2, 64);
    // Granules that overlap in time wait for each other: what waits is to be bounded.
    if (pending_.size() > kPendingRows) return std::min<size_t>(run_.pool().workers(), most);
    uint64_t found = emitted_ + pending_.size();
    if (found == 0 || enough_ == UINT64_MAX) return most;
    uint64_t lack = enough_ - std::min(enough_, found);
    size_t likely =
        static_cast<size_t>(static_cast<double>(lack) * static_cast<double>(done) / static_cast<double>(found));
    return std::clamp<size_t>(likely + 1, std::min<size_t>(run_.pool().workers(), most), most);
  }

  // A time limit cuts a row query to what was found so far.
  Status end_early(Status status) {
    if (status.error().code() != Code::kDeadline || !run_.options().cuttable) return status;
    run_.cut_by_time();
    if (run_.options().cut_in_order) {
      run_.scanned.after = done_;
      return {};
    }
    std::sort(pending_.begin(), pending_.end(), before_);
    return emit(pending_.size());
  }

  Status find(size_t from, size_t to) {
    std::vector<std::vector<Found>> found(to - from);
    std::vector<Status> statuses(to - from);
    run_.pool().run(static_cast<uint32_t>(to - from),
                    [&](uint32_t i) { statuses[i] = find_in(static_cast<uint32_t>(from + i), found[i]); });
    for (const auto& rows : found) pending_.insert(pending_.end(), rows.begin(), rows.end());
    keep_best(pending_);
    for (Status& status : statuses) CLEW_TRY(std::move(status));
    return held_.set(pending_.capacity() * sizeof(Found));
  }

  void keep_best(std::vector<Found>& rows) const {
    uint64_t left = lacking();
    if (rows.size() <= left) return;
    std::nth_element(rows.begin(), rows.begin() + static_cast<ptrdiff_t>(left), rows.end(), before_);
    rows.resize(left);
  }

  Status find_in(uint32_t g, std::vector<Found>& out) {
    const contract::Granule& granule = *granules_[g];
    if (!may_match(spec_, granule)) return {};
    run_.granules_read.fetch_add(1);
    expr::Evaluator evaluator;
    uint32_t blocks = blocks_of(granule);
    for (uint32_t i = 0; i < blocks; ++i) {
      CLEW_TRY(run_.check());
      // Rows lie about in the order of time: the best ones come first and leave the others out.
      uint32_t block = before_.time_falls ? blocks - 1 - i : i;
      BlockReader reader(granule, block, spec_.columns, evaluator, run_.scan);
      Selection rows;
      Status status = find_in_block(reader, g, block, rows, out);
      CLEW_TRY(leave_out_damaged(run_, std::move(status), rows.size()));
    }
    keep_best(out);
    return {};
  }

  Status find_in_block(BlockReader& reader, uint32_t g, uint32_t block, Selection& rows, std::vector<Found>& out) {
    CLEW_TRY(match(spec_, reader, rows));
    run_.rows_scanned.fetch_add(reader.rows());
    if (rows.empty()) return {};
    VectorPtr times = CLEW_TRY(reader.field("@timestamp", rows));
    auto time_of = [&](uint32_t i) { return times->is_null(i) ? 0 : times->i64[times->at(i)]; };
    Selection places = possible_places(out, static_cast<uint32_t>(rows.size()), time_of);
    run_.rows_matched.fetch_add(rows.size());
    if (places.empty()) return {};
    Selection wanted;
    wanted.reserve(places.size());
    for (uint32_t i : places) wanted.push_back(rows[i]);
    VectorPtr seqs = CLEW_TRY(reader.field("_seq", wanted));
    for (uint32_t i = 0; i < wanted.size(); ++i) {
      uint64_t seq = seqs->is_null(i) ? 0 : static_cast<uint64_t>(seqs->i64[seqs->at(i)]);
      out.push_back({time_of(places[i]), seq, g, block * kBlockRows + wanted[i]});
    }
    if (lacking() <= kFewRows) keep_best(out);
    return {};
  }

  uint64_t lacking() const { return enough_ - std::min(enough_, emitted_); }

  // Of `rows` rows the places of those that may be among the best, given what was found in the granule.
  template <class TimeOf>
  Selection possible_places(const std::vector<Found>& found, uint32_t rows, TimeOf time_of) const {
    if (lacking() > kFewRows || found.size() < lacking()) return expr::all_rows(rows);
    auto worst = std::max_element(found.begin(), found.end(), before_);
    Selection places;
    for (uint32_t i = 0; i < rows && worst != found.end(); ++i) {
      int64_t time = time_of(i);
      if (before_.time_falls ? time >= worst->time : time <= worst->time) places.push_back(i);
    }
    return places;
  }

  // Hands out what no granule from `next` on can come before.
  Status emit_safe(size_t next) {
    auto safe_end = pending_.end();
    if (next < granules_.size()) {
      bool newest = spec_.scan.order == Order::kNewestFirst;
      int64_t bound = newest ? granules_[next]->time_max() : granules_[next]->time_min();
      safe_end = std::partition(pending_.begin(), pending_.end(),
                                [&](const Found& f) { return newest ? f.time > bound : f.time < bound; });
    }
    std::sort(pending_.begin(), safe_end, before_);
    CLEW_TRY(emit(static_cast<size_t>(safe_end - pending_.begin())));
    // The last place before those of the granules to come.
    if (next < granules_.size() && wanted()) {
      bool newest = spec_.scan.order == Order::kNewestFirst;
      done_ = newest ? Place{granules_[next]->time_max(), UINT64_MAX} : Place{granules_[next]->time_min(), 0};
    }
    return {};
  }

  // Hands out the first `count` pending rows and forgets them.
  Status emit(size_t count) {
    size_t done = 0;
    while (done < count && wanted()) {
      size_t rows = std::min({count - done, emit_rows_, static_cast<size_t>(enough_ - emitted_)});
      std::vector<RowPlace> places;
      places.reserve(rows);
      for (size_t i = done; i < done + rows; ++i) places.push_back({pending_[i].granule, pending_[i].row});
      auto touch = [&](std::span<const uint32_t> chosen, Block& block) { add_places(done, chosen, block); };
      CLEW_TRY(push_rows(run_, spec_, granules_, places, sink_, touch));
      done += rows;
      emitted_ += rows;
      emit_rows_ = std::min(emit_rows_ * 4, kEmitRowsMax);
    }
    pending_.erase(pending_.begin(), pending_.begin() + static_cast<ptrdiff_t>(done));
    return {};
  }

  // What rows that are about to be pushed carry besides: `rows` of those found from `first` on.
  void add_places(size_t first, std::span<const uint32_t> rows, Block& block) const {
    if (!spec_.places) return;
    auto times = std::make_shared<model::Vector>();
    auto seqs = std::make_shared<model::Vector>();
    times->type = model::Type::kTimestamp;
    seqs->type = model::Type::kLong;
    for (model::Vector* vector : {times.get(), seqs.get()}) {
      vector->layout = model::Layout::kFlat;
      vector->size = static_cast<uint32_t>(rows.size());
      vector->i64.reserve(rows.size());
    }
    for (uint32_t row : rows) {
      times->i64.push_back(pending_[first + row].time);
      seqs->i64.push_back(static_cast<int64_t>(pending_[first + row].seq));
    }
    block.set(spec_.places->time, std::move(times));
    block.set(spec_.places->seq, std::move(seqs));
  }

  Run& run_;
  const ScanSpec& spec_;
  const std::vector<GranulePtr>& granules_;
  const uint64_t enough_;
  Operator& sink_;
  const Before before_;
  Held held_;
  std::vector<Found> pending_;
  uint64_t emitted_ = 0;
  size_t emit_rows_ = kEmitRowsFirst;
  std::optional<Place> done_;  // all granules with rows up to here were looked through, and those rows handed out
};

// ---- on lanes

Status push_split(Run& run, Block block, Operator& sink) {
  uint32_t most = run.options().block_rows;
  if (block.rows <= most) return sink.push(std::move(block));
  for (uint32_t at = 0; at < block.rows; at += most) {
    Selection rows;
    for (uint32_t row = at; row < std::min(block.rows, at + most); ++row) rows.push_back(row);
    CLEW_TRY(sink.push(gather(block, rows)));
  }
  return {};
}

Status scan_granule(Run& run, const ScanSpec& spec, const contract::Granule& granule, expr::Evaluator& evaluator,
                    const Sieve* sieve, Operator& sink) {
  if (!may_match(spec, granule)) return {};
  run.granules_read.fetch_add(1);
  for (uint32_t block = 0; block < blocks_of(granule); ++block) {
    CLEW_TRY(run.check());
    BlockReader reader(granule, block, spec.columns, evaluator, run.scan);
    run.rows_scanned.fetch_add(reader.rows());
    Selection rows;
    Status matched = match(spec, reader, rows);
    if (matched.ok() && sieve != nullptr && !rows.empty()) {
      size_t before = rows.size();
      matched = sieve->leave_out(reader, rows);
      if (matched.ok()) run.rows_matched.fetch_add(before - rows.size());
    }
    if (!matched.ok()) {
      CLEW_TRY(leave_out_damaged(run, std::move(matched), rows.size()));
      continue;
    }
    if (rows.empty()) continue;
    Result<Block> columns = read_output(spec, reader, rows);
    if (!columns.ok()) {
      CLEW_TRY(leave_out_damaged(run, columns.error(), rows.size()));
      continue;
    }
    run.rows_matched.fetch_add(rows.size());
    CLEW_TRY(push_split(run, std::move(columns).take(), sink));
  }
  return {};
}

}  // namespace

Status narrow(const ScanSpec& spec, BlockReader& reader, Selection& rows) {
  if (rows.empty()) return {};
  CLEW_TRY(narrow_by_time(spec.scan.range, reader, rows));
  for (const ConditionPtr& condition : spec.conditions) {
    if (rows.empty()) return {};
    CLEW_TRY(condition->narrow(reader, rows));
  }
  return {};
}

Status scan_ordered(Run& run, const ScanSpec& spec, const contract::Snapshot& snapshot, uint64_t enough,
                    Operator& sink) {
  return OrderedScan(run, spec, snapshot.granules, enough, sink).scan();
}

Status scan_lanes(Run& run, const ScanSpec& spec, const std::vector<GranulePtr>& granules,
                  const std::vector<StepPtr>& steps, size_t mergeable, Operator& target) {
  // Each lane's groups are merged in the end: where it makes no difference to the result there are no more lanes than
  // threads, and each takes the next granule when it has done with one.
  bool free = steps[mergeable]->split_freely();
  uint32_t lanes = static_cast<uint32_t>(std::min<size_t>(free ? run.pool().workers() : kLanes, granules.size()));
  std::vector<std::unique_ptr<Chain>> chains(lanes);
  std::vector<Status> statuses(lanes);
  std::atomic<size_t> taken = 0;
  run.pool().run(lanes, [&](uint32_t lane) {
    chains[lane] = std::make_unique<Chain>(steps, 0, mergeable + 1, run, nullptr);
    expr::Evaluator evaluator;
    // The sieve looks at columns of the source: nothing may stand between.
    const auto* sieve = mergeable == 0 ? dynamic_cast<const Sieve*>(&chains[lane]->last_operator()) : nullptr;
    auto next = [&](size_t g) { return free ? taken.fetch_add(1) : g + lanes; };
    for (size_t g = free ? taken.fetch_add(1) : lane; g < granules.size() && statuses[lane].ok(); g = next(g)) {
      statuses[lane] = scan_granule(run, spec, *granules[g], evaluator, sieve, chains[lane]->first());
    }
  });
  for (uint32_t lane = 0; lane < lanes; ++lane) {
    Status status = std::move(statuses[lane]);
    bool deadline = !status.ok() && status.error().code() == Code::kDeadline;
    if (deadline && run.options().cuttable) {
      run.cut_by_time();
    } else {
      CLEW_TRY(std::move(status));
    }
    CLEW_TRY(target.absorb(chains[lane]->last_operator()));
  }
  return {};
}

}  // namespace clew::query::exec
