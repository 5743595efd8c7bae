#include "query/exec/plan.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "model/canonical.h"
#include "query/exec/aggregate.h"
#include "query/exec/sort.h"

namespace clew::query::exec {

using contract::GranulePtr;
using model::VectorPtr;

namespace {

constexpr int64_t kMinuteNanos = 60'000'000'000;

size_t first_gathering(const Plan& plan) {
  size_t k = 0;
  while (k < plan.steps.size() && plan.steps[k]->needs() == Needs::kRow) ++k;
  return k;
}

bool runs_on_lanes(const Plan& plan, size_t k) {
  return plan.lanes && k < plan.steps.size() && plan.steps[k]->needs() == Needs::kAny && plan.steps[k]->mergeable();
}

uint64_t input_enough(const Plan& plan) {
  uint64_t wanted = UINT64_MAX;
  for (size_t i = plan.steps.size(); i-- > 0;) wanted = plan.steps[i]->input_enough(wanted);
  return wanted;
}

int64_t floor_div(int64_t a, int64_t b) { return a / b - (a % b != 0 && (a < 0) != (b < 0) ? 1 : 0); }

// ---- answering from the counts by minute and level

// How a granule spells its levels: the stored text by severity. None when a severity has several spellings, or when
// rows without a level and rows with an unknown one are mixed.
struct LevelNames {
  model::Value of_rank[8];
};

// The dictionary of a granule's levels, when one serves all its blocks.
std::shared_ptr<const model::Vector> level_dictionary(const contract::Granule& granule, contract::ScanStats& stats) {
  std::shared_ptr<const model::Vector> dict;
  uint32_t last = (granule.rows() - 1) / contract::kBlockRows;
  for (uint32_t block : {0u, last}) {
    Result<VectorPtr> vector = granule.column("level", block, model::Selection{block * contract::kBlockRows}, stats);
    if (!vector.ok() || (*vector)->layout != model::Layout::kDict) return nullptr;
    if (dict != nullptr && dict != (*vector)->dict) return nullptr;
    dict = (*vector)->dict;
  }
  return dict->type == model::Type::kString ? dict : nullptr;
}

std::optional<LevelNames> level_names(const contract::Granule& granule, contract::ScanStats& stats) {
  LevelNames names;
  Result<contract::ColumnStats> known = granule.column_stats("level");
  if (known.ok() && known->known) {
    if (known->all_null) return names;
    if (known->nulls == 0 && known->min.type() == model::Type::kString && known->max.type() == model::Type::kString &&
        known->min.text() == known->max.text()) {
      names.of_rank[model::level_rank(known->min.text())] = known->min;
      return names;
    }
  }
  std::shared_ptr<const model::Vector> dict = level_dictionary(granule, stats);
  if (dict == nullptr) return std::nullopt;
  for (uint32_t code = 0; code < dict->size; ++code) {
    std::string_view text = dict->strings[code];
    int rank = model::level_rank(text);
    if (rank <= 0 || rank > 7 || !names.of_rank[rank].is_null()) return std::nullopt;
    names.of_rank[rank] = model::Value::string(std::string(text));
  }
  return names;
}

struct CountRows {
  std::vector<model::Value> times;
  std::vector<model::Value> values;  // of the other key
  std::vector<uint64_t> counts;
};

// Rows of a granule's counts whose minutes lie in [from, to), in minutes. False: the counts do not tell.
bool take_counts(const CountsPlan& plan, const contract::Granule& granule, int64_t from, int64_t to,
                 contract::ScanStats& stats, CountRows& out) {
  const std::vector<contract::MinuteCount>* counts = granule.minute_counts();
  if (counts == nullptr) return false;
  bool by_level = std::find(plan.keys.begin(), plan.keys.end(), CountsPlan::Key::kLevel) != plan.keys.end();
  std::optional<LevelNames> names;
  if (by_level) {
    names = level_names(granule, stats);
    if (!names) return false;
  }
  bool by_time = std::find(plan.keys.begin(), plan.keys.end(), CountsPlan::Key::kTime) != plan.keys.end();
  CountRows rows;
  // Minutes of one span lie side by side, so that a row of counts goes on where that of its level was left.
  std::array<std::optional<size_t>, 8> row_of_rank;
  std::array<int64_t, 8> time_of_rank{};
  for (const contract::MinuteCount& count : *counts) {
    if (count.minute < from || count.minute >= to) continue;
    int rank = by_level ? model::level_rank(count.level) : 0;
    // A level that the names do not have: the first row's vector said less than the granule holds.
    if (by_level && rank != 0 && names->of_rank[rank].is_null()) return false;
    int64_t time = by_time ? count.minute * kMinuteNanos : 0;
    if (plan.span_nanos > 0) time = floor_div(time, plan.span_nanos) * plan.span_nanos;
    auto place = static_cast<size_t>(rank);
    if (row_of_rank[place] && time_of_rank[place] == time) {
      rows.counts[*row_of_rank[place]] += count.count;
      continue;
    }
    row_of_rank[place] = rows.counts.size();
    time_of_rank[place] = time;
    rows.times.push_back(model::Value::timestamp(time));
    rows.values.push_back(by_level ? names->of_rank[rank] : model::Value());
    rows.counts.push_back(count.count);
  }
  out.times.insert(out.times.end(), rows.times.begin(), rows.times.end());
  out.values.insert(out.values.end(), rows.values.begin(), rows.values.end());
  out.counts.insert(out.counts.end(), rows.counts.begin(), rows.counts.end());
  return true;
}

// Whole minutes of a range, and the edges left and right of them.
struct Minutes {
  int64_t from = INT64_MIN / kMinuteNanos;
  int64_t to = INT64_MAX / kMinuteNanos;
  contract::TimeRange left;
  contract::TimeRange right;
};

Minutes minutes_of(const contract::TimeRange& range) {
  Minutes out;
  out.left = out.right = {0, 0};
  if (range.from != INT64_MIN) {
    out.from = floor_div(range.from, kMinuteNanos);
    if (out.from * kMinuteNanos != range.from) {
      ++out.from;
      out.left = {range.from, out.from * kMinuteNanos};
    }
  }
  if (range.to != INT64_MAX) {
    out.to = floor_div(range.to, kMinuteNanos);
    if (out.to * kMinuteNanos != range.to) out.right = {out.to * kMinuteNanos, range.to};
  }
  return out;
}

class LaneRun {
 public:
  LaneRun(Run& run, const Plan& plan, size_t step, Operator& target)
      : run_(run), plan_(plan), step_(step), target_(target) {}

  Status scan(const std::vector<GranulePtr>& granules) {
    if (!plan_.counts || plan_.counts->step != step_) return scan_rows(granules, plan_.scan->scan.range);
    if (!plan_.counts->field.empty()) return scan_values(granules);
    Minutes minutes = minutes_of(plan_.scan->scan.range);
    if (minutes.from >= minutes.to) return scan_rows(granules, plan_.scan->scan.range);
    std::vector<GranulePtr> rest;
    std::vector<GranulePtr> counted;
    CountRows rows;
    for (const GranulePtr& granule : granules) {
      bool told = take_counts(*plan_.counts, *granule, minutes.from, minutes.to, run_.scan, rows);
      (told ? counted : rest).push_back(granule);
    }
    run_.granules_from_counts.fetch_add(counted.size());
    CLEW_TRY(add(rows));
    CLEW_TRY(scan_rows(overlapping(counted, minutes.left), minutes.left));
    CLEW_TRY(scan_rows(overlapping(counted, minutes.right), minutes.right));
    return scan_rows(rest, plan_.scan->scan.range);
  }

 private:
  // Granules that lie in the range whole say how many rows have each value.
  Status scan_values(const std::vector<GranulePtr>& granules) {
    const contract::TimeRange& range = plan_.scan->scan.range;
    std::vector<GranulePtr> rest;
    CountRows rows;
    for (const GranulePtr& granule : granules) {
      std::vector<contract::ValueCount> counts;
      if (range.contains(granule->time_min()) && range.contains(granule->time_max())) {
        // A damaged dictionary is the scan's to report.
        auto known = granule->value_counts(plan_.counts->field, run_.scan);
        if (known.ok()) counts = std::move(known).take();
      }
      if (counts.empty()) {
        rest.push_back(granule);
        continue;
      }
      for (contract::ValueCount& count : counts) {
        rows.values.push_back(std::move(count.value));
        rows.counts.push_back(count.rows);
      }
    }
    run_.granules_from_counts.fetch_add(granules.size() - rest.size());
    CLEW_TRY(add(rows));
    return scan_rows(rest, range);
  }

  static std::vector<GranulePtr> overlapping(const std::vector<GranulePtr>& granules,
                                             const contract::TimeRange& range) {
    std::vector<GranulePtr> out;
    for (const GranulePtr& granule : granules) {
      if (granule->time_max() >= range.from && granule->time_min() < range.to) out.push_back(granule);
    }
    return out;
  }

  Status add(const CountRows& rows) {
    std::vector<VectorPtr> keys;
    for (CountsPlan::Key key : plan_.counts->keys) {
      keys.push_back(vector_of(key == CountsPlan::Key::kTime ? rows.times : rows.values));
    }
    uint64_t sum = 0;
    for (uint64_t count : rows.counts) sum += count;
    run_.rows_matched.fetch_add(sum);
    return add_counts(target_, keys, rows.counts);
  }

  Status scan_rows(const std::vector<GranulePtr>& granules, const contract::TimeRange& range) {
    if (granules.empty()) return {};
    ScanSpec spec = *plan_.scan;
    spec.scan.range = range;
    return scan_lanes(run_, spec, granules, plan_.steps, step_, target_);
  }

  Run& run_;
  const Plan& plan_;
  const size_t step_;
  Operator& target_;
};

// Beyond so many rows a limited sort by time runs on lanes; an ordered scan keeps a place for each.
constexpr uint64_t kOrderedRowsMax = 100'000;

// The first rows by @timestamp, in either direction, are what an ordered scan finds with an early stop. The scan for
// that, when step `k` is such a sort and no step before it takes rows out; `enough` is set to the rows it needs.
std::optional<ScanSpec> ordered_for_sort(const Plan& plan, size_t k, uint64_t& enough) {
  auto sort = plan.lanes && k < plan.steps.size() ? std::dynamic_pointer_cast<const SortStep>(plan.steps[k]) : nullptr;
  if (sort == nullptr || sort->limit() > kOrderedRowsMax || sort->keys().size() < 2) return std::nullopt;
  auto reads = [&](const SortKey& key, std::string_view field) {
    return std::any_of(plan.scan->columns.begin(), plan.scan->columns.end(), [&](const SourceColumn& c) {
      return c.slot == key.slot && c.from == SourceColumn::From::kField && c.field == field;
    });
  };
  // @timestamp, then the ties that the planner adds: @timestamp again, and _seq.
  const std::vector<SortKey>& keys = sort->keys();
  if (!reads(keys.front(), "@timestamp") || !reads(keys.back(), "_seq")) return std::nullopt;
  bool only_time =
      std::all_of(keys.begin(), keys.end() - 1, [&](const SortKey& key) { return reads(key, "@timestamp"); });
  if (!only_time) return std::nullopt;
  enough = sort->limit();
  for (size_t i = k; i-- > 0;) enough = plan.steps[i]->input_enough(enough);
  if (enough > kOrderedRowsMax) return std::nullopt;
  ScanSpec spec = *plan.scan;
  spec.scan.order = keys.front().descending ? contract::Order::kNewestFirst : contract::Order::kOldestFirst;
  spec.seq_falls = keys.back().descending;
  return spec;
}

// Tells the aggregation at step `k` when the steps behind it will look at its first groups only.
void expect_few(const Plan& plan, size_t k, Operator& target) {
  auto aggregate = std::dynamic_pointer_cast<const AggregateStep>(plan.steps[k]);
  if (aggregate == nullptr || aggregate->folds()) return;
  uint64_t enough = UINT64_MAX;
  for (size_t i = plan.steps.size(); i-- > k + 1;) {
    if (auto sort = std::dynamic_pointer_cast<const SortStep>(plan.steps[i]); sort != nullptr && i == k + 1) {
      if (sort->limit() > 0 && sort->limit() < UINT64_MAX) expect_first(target, sort->keys(), sort->limit());
      return;
    }
    enough = plan.steps[i]->input_enough(enough);
  }
  if (enough > 0 && enough < UINT64_MAX) expect_first(target, {}, enough);
}

Status execute_scan(Run& run, contract::EventSource& source, const Plan& plan, Operator& sink) {
  // A scan that names no dataset asks for all of them; a query that found none to read reads none.
  size_t k = first_gathering(plan);
  uint64_t enough = 0;
  std::optional<ScanSpec> ordered = ordered_for_sort(plan, k, enough);
  const ScanSpec& spec = ordered ? *ordered : *plan.scan;
  contract::Snapshot snapshot;
  if (!spec.scan.datasets.empty()) snapshot = CLEW_TRY(source.snapshot(spec.access, spec.scan, run.scan));
  run.granules_planned.fetch_add(snapshot.granules.size());
  run.scanned.up_to = snapshot.up_to.get();
  if (ordered) {
    Chain chain(plan.steps, 0, plan.steps.size(), run, &sink);
    CLEW_TRY(scan_ordered(run, spec, snapshot, enough, chain.first()));
    return chain.first().finish();
  }
  if (runs_on_lanes(plan, k)) {
    Chain chain(plan.steps, k, plan.steps.size(), run, &sink);
    expect_few(plan, k, chain.first_operator());
    CLEW_TRY(LaneRun(run, plan, k, chain.first_operator()).scan(snapshot.granules));
    return chain.first().finish();
  }
  Chain chain(plan.steps, 0, plan.steps.size(), run, &sink);
  CLEW_TRY(scan_ordered(run, *plan.scan, snapshot, input_enough(plan), chain.first()));
  return chain.first().finish();
}

}  // namespace

bool Plan::row_query() const {
  return std::all_of(steps.begin(), steps.end(), [](const StepPtr& step) { return step->row_query(); });
}

std::vector<std::string> describe(const Plan& plan) {
  std::vector<std::string> out;
  if (plan.scan) {
    size_t k = first_gathering(plan);
    std::string line = "scan";
    for (const std::string& dataset : plan.scan->scan.datasets) line += " " + dataset;
    const contract::TimeRange& range = plan.scan->scan.range;
    if (range.from != INT64_MIN || range.to != INT64_MAX) line += fmt::format(" time [{}, {})", range.from, range.to);
    uint64_t enough = 0;
    std::optional<ScanSpec> ordered = ordered_for_sort(plan, k, enough);
    if (ordered) {
      bool newest = ordered->scan.order == contract::Order::kNewestFirst;
      line += fmt::format(", {} first for the sort, until {} rows are there", newest ? "newest" : "oldest", enough);
    }
    line += ordered                                                  ? ""
            : runs_on_lanes(plan, k)                                 ? ", on parallel lanes"
            : plan.scan->scan.order == contract::Order::kNewestFirst ? ", newest first"
                                                                     : ", oldest first";
    if (plan.counts)
      line += plan.counts->field.empty() ? ", from the counts by minute and level where they tell"
                                         : ", from the counts of " + plan.counts->field + " where they tell";
    out.push_back(std::move(line));
    for (const ConditionPtr& condition : plan.scan->conditions) out.push_back("  keeps " + condition->describe());
    std::string columns;
    for (const SourceColumn& column : plan.scan->columns) {
      bool read = std::find(plan.scan->output.begin(), plan.scan->output.end(), column.slot) != plan.scan->output.end();
      if (read && !column.field.empty()) columns += (columns.empty() ? "" : ", ") + column.field;
    }
    if (!columns.empty()) out.push_back("  reads " + columns);
  } else {
    out.push_back("rows made by the query");
  }
  for (const StepPtr& step : plan.steps) out.push_back(step->describe());
  return out;
}

Status execute(Run& run, contract::EventSource& source, const Plan& plan, Operator& sink) {
  run.begin_stages(plan.steps.size());
  if (plan.scan) return execute_scan(run, source, plan, sink);
  Chain chain(plan.steps, 0, plan.steps.size(), run, &sink);
  for (const Block& block : plan.made) CLEW_TRY(chain.first().push(block));
  return chain.first().finish();
}

}  // namespace clew::query::exec
