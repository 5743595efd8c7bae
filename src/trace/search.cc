#include "trace/search.h"

#include <algorithm>
#include <atomic>
#include <iterator>
#include <map>
#include <optional>
#include <span>
#include <unordered_map>

#include "base/mutex.h"
#include "model/canonical.h"
#include "trace/assemble.h"
#include "trace/draft.h"
#include "trace/loader.h"
#include "trace/narrow.h"

namespace clew::trace {
namespace {

using contract::Granule;
using contract::Predicate;
using contract::ScanStats;
using model::Selection;
using model::VectorPtr;

constexpr const char* kTraces = "traces";
constexpr size_t kCandidatesMin = 128;      // traces kept in the first pass, at least
constexpr size_t kCandidatesMax = 1 << 20;  // in the last one
constexpr size_t kGrowth = 8;               // of the passes that follow
constexpr size_t kTracesAtOnce = 20;        // put together at a time
constexpr double kNanosPerMilli = 1e6;

// A trace with its best match so far.
struct Candidate {
  std::string trace_id;
  int64_t key = 0;  // start or duration; greater is better
  int64_t longest = 0;
};

Predicate failed_condition() {
  return any_of({equals("status.code", "error"), one_of("outcome", {"failed", "failure", "error"})});
}

Predicate open_condition() {
  return any_of({equals("event", "goal.start"), equals("event.name", "goal.start"), equals("outcome", "open")});
}

// Tags are given as text; the field may be a number or a boolean.
Predicate tag_condition(const std::string& name, const std::string& value) {
  if (value != "true" && value != "false") return equals(name, value);
  Predicate boolean = equals(name, value);
  boolean.values = {model::Value::boolean(value == "true")};
  return any_of({equals(name, value), std::move(boolean)});
}

Predicate duration_condition(const std::string& dataset, const SearchSpec& spec) {
  std::vector<Predicate> bounds;
  bool nanos = dataset == kTraces;
  std::string field = nanos ? "duration_ns" : "duration_ms";
  double unit = nanos ? 1 : kNanosPerMilli;
  if (spec.duration_min) bounds.push_back(at_least(field, static_cast<double>(*spec.duration_min) / unit));
  if (spec.duration_max) bounds.push_back(at_most(field, static_cast<double>(*spec.duration_max) / unit));
  return all_of(std::move(bounds));
}

Predicate condition(const std::string& dataset, const SearchSpec& spec) {
  std::vector<Predicate> all;
  if (!spec.service.empty()) all.push_back(equals("service.name", spec.service));
  if (!spec.operation.empty()) all.push_back(equals("name", spec.operation));
  all.push_back(duration_condition(dataset, spec));
  for (const auto& [name, value] : spec.tags) all.push_back(tag_condition(name, value));
  if (spec.goals) all.push_back(exists("goal"));
  for (const std::string& name : spec.present) all.push_back(exists(name));
  if (spec.outcome == Outcome::kFailed) all.push_back(failed_condition());
  if (spec.outcome == Outcome::kOpen && dataset != kTraces) all.push_back(open_condition());
  all.push_back(span_condition(dataset));
  return all_of(std::move(all));
}

// Keeps the best traces of what it is shown.
//
// Threads: all functions on any thread.
class Best {
 public:
  explicit Best(size_t limit) : limit_(limit) {}

  void take(std::vector<Candidate> found) {
    base::MutexLock lock(mutex_);
    for (Candidate& c : found) take(std::move(c));
  }

  // Keys below are of no use any more.
  int64_t threshold() const { return threshold_.load(std::memory_order_relaxed); }
  bool overflowed() const {
    base::MutexLock lock(mutex_);
    return overflowed_;
  }

  std::vector<Candidate> best_first() {
    base::MutexLock lock(mutex_);
    std::vector<Candidate> out;
    for (auto& [id, candidate] : by_id_) out.push_back(candidate);
    std::sort(out.begin(), out.end(), [](const Candidate& a, const Candidate& b) {
      return a.key != b.key ? a.key > b.key : a.trace_id < b.trace_id;
    });
    if (out.size() > limit_) {
      out.resize(limit_);
      overflowed_ = true;
    }
    return out;
  }

 private:
  void take(Candidate found) CLEW_REQUIRES(mutex_) {
    auto it = by_id_.find(found.trace_id);
    if (it == by_id_.end()) {
      if (found.key < threshold()) return;
      std::string id = found.trace_id;
      by_id_.emplace(std::move(id), std::move(found));
      if (by_id_.size() >= 2 * limit_) shrink();
      return;
    }
    it->second.key = std::max(it->second.key, found.key);
    it->second.longest = std::max(it->second.longest, found.longest);
  }

  void shrink() CLEW_REQUIRES(mutex_) {
    std::vector<int64_t> keys;
    for (const auto& [id, candidate] : by_id_) keys.push_back(candidate.key);
    std::nth_element(keys.begin(), keys.begin() + static_cast<std::ptrdiff_t>(limit_) - 1, keys.end(),
                     std::greater<>());
    int64_t threshold = keys[limit_ - 1];
    threshold_.store(threshold, std::memory_order_relaxed);
    std::erase_if(by_id_, [&](const auto& entry) { return entry.second.key < threshold; });
    overflowed_ = true;
  }

  const size_t limit_;
  std::atomic<int64_t> threshold_{INT64_MIN};
  mutable base::Mutex mutex_;
  bool overflowed_ CLEW_GUARDED_BY(mutex_) = false;
  std::unordered_map<std::string, Candidate> by_id_ CLEW_GUARDED_BY(mutex_);
};

class CandidateScan {
 public:
  CandidateScan(contract::EventSource& source, const SearchSpec& spec, base::WorkerPool& pool, std::stop_token stop,
                Best& best)
      : source_(source), spec_(spec), pool_(pool), stop_(std::move(stop)), best_(best) {}

  Status run(const std::string& dataset) {
    nanos_ = dataset == kTraces;
    where_ = condition(dataset, spec_);
    contract::Scan scan{
        .datasets = {dataset}, .range = spec_.range, .where = where_, .order = contract::Order::kNewestFirst};
    contract::Snapshot snapshot = CLEW_TRY(source_.snapshot(spec_.access, scan, stats_));
    if (slowest()) sort_by_longest(snapshot);
    // Granules of promise first, several at a time.
    std::atomic<size_t> next{0};
    std::vector<Status> statuses(pool_.workers());
    pool_.run(pool_.workers(), [&](uint32_t worker) { statuses[worker] = scan_from(snapshot.granules, next); });
    for (Status& status : statuses) CLEW_TRY(std::move(status));
    return {};
  }
  uint64_t damaged_rows() const { return damaged_rows_.load(); }

 private:
  Status scan_from(const std::vector<contract::GranulePtr>& granules, std::atomic<size_t>& next) {
    for (size_t i = next.fetch_add(1); i < granules.size(); i = next.fetch_add(1)) {
      if (bound_of(*granules[i]) < best_.threshold()) break;
      CLEW_TRY(scan_granule(*granules[i]));
    }
    return {};
  }

  bool slowest() const { return spec_.order == TraceOrder::kSlowest; }
  // No row of the granule has a greater key.
  int64_t bound_of(const Granule& granule) const {
    if (!slowest()) return granule.time_max();
    if (!nanos_) return INT64_MAX;
    Result<contract::ColumnStats> stats = granule.column_stats("duration_ns");
    if (!stats.ok() || !stats->known) return INT64_MAX;
    if (stats->all_null) return 0;
    std::optional<double> max = number_of(stats->max);
    return max && *max < 9e18 ? static_cast<int64_t>(*max) + 1 : INT64_MAX;
  }
  void sort_by_longest(contract::Snapshot& snapshot) const {
    std::vector<std::pair<int64_t, contract::GranulePtr>> bounds;
    for (contract::GranulePtr& granule : snapshot.granules) bounds.emplace_back(bound_of(*granule), std::move(granule));
    std::stable_sort(bounds.begin(), bounds.end(), [](const auto& a, const auto& b) { return a.first > b.first; });
    for (size_t i = 0; i < bounds.size(); ++i) snapshot.granules[i] = std::move(bounds[i].second);
  }

  Status scan_granule(const Granule& granule) {
    uint32_t blocks = (granule.rows() + contract::kBlockRows - 1) / contract::kBlockRows;
    for (uint32_t b = blocks; b-- > 0;) {
      if (stop_.stop_requested()) return Error(Code::kCancelled, "the caller has gone");
      Selection rows;
      granule.alive(b, rows);
      size_t alive = rows.size();
      Status read = scan_block(granule, b, rows);
      if (!read.ok() && read.error().code() != Code::kCorrupt) return read;
      if (!read.ok()) damaged_rows_.fetch_add(alive);
    }
    return {};
  }

  Status scan_block(const Granule& granule, uint32_t block, Selection& rows) {
    if (slowest() && best_.threshold() > 0) {
      double least = static_cast<double>(best_.threshold());
      Predicate longer = at_least(nanos_ ? "duration_ns" : "duration_ms", nanos_ ? least : least / kNanosPerMilli);
      CLEW_TRY(narrow(granule, block, longer, rows, stats_));
    }
    CLEW_TRY(narrow(granule, block, where_, rows, stats_));
    CLEW_TRY(narrow_time(granule, block, spec_.range, rows, stats_));
    if (rows.empty()) return {};
    VectorPtr times = CLEW_TRY(granule.column("@timestamp", block, rows, stats_));
    VectorPtr durations = CLEW_TRY(granule.column(nanos_ ? "duration_ns" : "duration_ms", block, rows, stats_));
    VectorPtr ids = CLEW_TRY(granule.column("trace_id", block, rows, stats_));
    Records keeper;
    std::vector<Candidate> found;
    for (uint32_t i = 0; i < rows.size(); ++i) {
      int64_t time = times->is_null(i) ? 0 : times->i64[times->at(i)];
      std::optional<double> number = durations->is_null(i) ? std::nullopt : number_of(durations->value(i));
      int64_t duration = number ? static_cast<int64_t>(*number * (nanos_ ? 1 : kNanosPerMilli)) : 0;
      int64_t key = slowest() ? duration : time;
      if (key < best_.threshold()) continue;
      std::string_view id = text_at(*ids, i, keeper);
      if (!id.empty()) found.push_back({std::string(id), key, duration});
    }
    if (!found.empty()) best_.take(std::move(found));
    return {};
  }

  contract::EventSource& source_;
  const SearchSpec& spec_;
  base::WorkerPool& pool_;
  const std::stop_token stop_;
  Best& best_;
  bool nanos_ = false;
  Predicate where_;
  ScanStats stats_;
  std::atomic<uint64_t> damaged_rows_{0};
};

// Does a step meet what the search asks of an outcome?
bool meets_outcome(const Trace& trace, const SearchSpec& spec) {
  if (!spec.outcome && !spec.goals) return true;
  return std::any_of(trace.steps.begin(), trace.steps.end(), [&](const Step& s) {
    if (spec.outcome && s.outcome != *spec.outcome) return false;
    if (spec.goals && !s.goal) return false;
    if (!spec.service.empty() && s.service != spec.service) return false;
    return spec.operation.empty() || s.name == spec.operation;
  });
}

// Some candidates put together.
struct Made {
  std::vector<std::optional<Summary>> summaries;  // by candidate; none where the trace does not meet the search
  uint64_t damaged_rows = 0;
};

class SummaryMaker {
 public:
  SummaryMaker(contract::EventSource& source, const SearchSpec& spec, base::WorkerPool& pool, std::stop_token stop)
      : source_(source), spec_(spec), pool_(pool), stop_(std::move(stop)) {}

  Status open() {
    datasets_ = CLEW_TRY(span_datasets(source_, spec_.access));
    return {};
  }

  // Candidates side by side, a share for each worker.
  Result<Made> make(std::span<const Candidate> candidates) {
    auto workers = static_cast<uint32_t>(std::min<size_t>(pool_.workers(), candidates.size()));
    std::vector<Made> shares(workers);
    std::vector<Status> statuses(workers);
    pool_.run(workers, [&](uint32_t w) {
      size_t begin = candidates.size() * w / workers;
      size_t end = candidates.size() * (w + 1) / workers;
      statuses[w] = make_share(candidates.subspan(begin, end - begin), shares[w]);
    });
    Made all;
    for (uint32_t w = 0; w < workers; ++w) {
      CLEW_TRY(std::move(statuses[w]));
      all.damaged_rows += shares[w].damaged_rows;
      std::move(shares[w].summaries.begin(), shares[w].summaries.end(), std::back_inserter(all.summaries));
    }
    return all;
  }

 private:
  Status make_share(std::span<const Candidate> candidates, Made& made) const {
    std::vector<std::string> ids;
    for (const Candidate& c : candidates) ids.push_back(c.trace_id);
    LoadSpec load{.access = spec_.access,
                  .datasets = datasets_,
                  .range = {},
                  .where = all_of({one_of("trace_id", ids), exists("span_id")})};
    load.texts = false;
    Records all;
    CLEW_TRY(Loader(source_).load(load, stop_, all));
    made.damaged_rows = all.damaged_rows;
    std::unordered_map<std::string_view, std::unique_ptr<Records>> apart;
    for (const Record& r : all.rows) {
      std::unique_ptr<Records>& own = apart[r.trace_id];
      if (!own) own = std::make_unique<Records>();
      if (is_span(r)) own->rows.push_back(r);
    }
    for (const Candidate& candidate : candidates) {
      std::optional<Summary>& summary = made.summaries.emplace_back();
      auto it = apart.find(candidate.trace_id);
      if (it == apart.end() || !it->second) continue;
      AssembleOptions options{.correct_clocks = false, .infer_lines = false};
      Trace trace = assemble(std::move(it->second), candidate.trace_id, "trace_id", options);
      if (!meets_outcome(trace, spec_)) continue;
      summary = summarize(trace);
      summary->longest_match = candidate.longest;
    }
    return {};
  }

  contract::EventSource& source_;
  const SearchSpec& spec_;
  base::WorkerPool& pool_;
  const std::stop_token stop_;
  std::vector<std::string> datasets_;
};

// Puts traces together, a few at a time, until there are enough.
Status add_summaries(contract::EventSource& source, const SearchSpec& spec, const std::vector<Candidate>& candidates,
                     base::WorkerPool& pool, std::stop_token stop, SearchAnswer& answer) {
  SummaryMaker maker(source, spec, pool, std::move(stop));
  CLEW_TRY(maker.open());
  for (size_t begin = 0; begin < candidates.size(); begin += kTracesAtOnce) {
    size_t count = std::min(kTracesAtOnce, candidates.size() - begin);
    if (answer.traces.size() >= spec.limit) {
      answer.more = true;
      return {};
    }
    Made made = CLEW_TRY(maker.make(std::span(candidates).subspan(begin, count)));
    answer.damaged_rows += made.damaged_rows;
    for (size_t i = 0; i < count && answer.traces.size() < spec.limit; ++i) {
      if (!made.summaries[i]) continue;
      answer.traces.push_back(std::move(*made.summaries[i]));
      answer.more = answer.traces.size() == spec.limit && begin + i + 1 < candidates.size();
    }
  }
  return {};
}

}  // namespace

Summary summarize(const Trace& trace) {
  Summary out;
  out.trace_id = trace.id;
  out.start = trace.start == kNoTime ? 0 : trace.start;
  out.duration = trace.duration();
  std::map<std::string_view, ServicePart> services;
  for (const Step& s : trace.steps) {
    if (s.has(Problem::kMissing)) continue;
    ++out.spans;
    out.failed += s.outcome == Outcome::kFailed ? 1 : 0;
    out.open += s.outcome == Outcome::kOpen ? 1 : 0;
    ServicePart& part = services[s.service];
    ++part.spans;
    part.failed += s.outcome == Outcome::kFailed ? 1 : 0;
  }
  for (auto& [name, part] : services) {
    part.name = name;
    out.services.push_back(std::move(part));
  }
  if (trace.main_root == kNone) return out;
  const Step& root = trace.steps[trace.main_root];
  out.root_service = root.service;
  out.root_name = root.name;
  out.outcome = root.outcome;
  out.reason = root.reason;
  return out;
}

Result<std::vector<std::string>> span_datasets(contract::EventSource& source, const contract::Access& access) {
  std::vector<contract::DatasetInfo> known = CLEW_TRY(source.datasets(access));
  std::vector<std::string> out;
  for (const contract::DatasetInfo& info : known) {
    if (is_own_dataset(info.name)) continue;
    if (info.name == kTraces) {
      out.push_back(info.name);
      continue;
    }
    Result<std::vector<contract::FieldInfo>> fields = source.fields(access, info.name);
    if (!fields.ok()) continue;
    std::vector<std::string> names;
    for (const contract::FieldInfo& field : *fields) names.push_back(field.name);
    if (!model::canonical_steps("span_id", names).empty()) out.push_back(info.name);
  }
  return out;
}

Predicate span_condition(const std::string& dataset) {
  if (dataset == kTraces) return exists("span_id");
  std::vector<std::string> goal = {"goal.start", "goal.end"};
  Predicate timed = all_of({exists("name"), any_of({exists("duration_ms"), exists("duration_ns"), exists("end")})});
  return all_of({exists("span_id"), any_of({one_of("event", goal), one_of("event.name", goal), std::move(timed)})});
}

Result<SearchAnswer> search_traces(contract::EventSource& source, const SearchSpec& spec, base::WorkerPool& pool,
                                   std::stop_token stop) {
  if (spec.limit > kTracesFoundMax) return Error(Code::kInvalid, "limit: at most 1000");
  std::vector<std::string> datasets = CLEW_TRY(span_datasets(source, spec.access));
  for (size_t kept = std::max<size_t>(kCandidatesMin, spec.limit + 1);; kept *= kGrowth) {
    Best best(kept);
    SearchAnswer answer;
    for (const std::string& dataset : datasets) {
      CandidateScan scan(source, spec, pool, stop, best);
      CLEW_TRY(scan.run(dataset));
      answer.damaged_rows += scan.damaged_rows();
    }
    std::vector<Candidate> candidates = best.best_first();
    CLEW_TRY(add_summaries(source, spec, candidates, pool, stop, answer));
    if (answer.traces.size() >= spec.limit || !best.overflowed() || kept * kGrowth > kCandidatesMax) {
      answer.more = answer.more || best.overflowed();
      return answer;
    }
  }
}

}  // namespace clew::trace
