// Aggregations that need no more than a few numbers for each group and step: sum, avg, count, min, max, group, stddev,
// stdvar. Series are read one after another, on several threads, and not kept.
#include <absl/container/flat_hash_map.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "query/promql/evaluator.h"
#include "query/promql/histogram.h"
#include "query/promql/label_pack.h"

namespace clew::query::promql {
namespace {

constexpr size_t kGrain = 128;  // series of one lane
// Cells of all lanes together; beyond, one lane adds all series.
constexpr size_t kCellsMax = 8'000'000;

// A group's histograms at one step.
struct HistogramCell {
  HistogramSum sum;  // with running_mean the mean
  double count = 0;
  bool running_mean = false;
  bool incompatible = false;
  bool went_on = false;  // hints of resets met
  bool began = false;
  bool reconciled = false;
};

// One number kept for each group and step, and what it takes to keep it.
class Lane {
 public:
  Lane(Aggregation aggregation, size_t groups, size_t steps) : aggregation_(aggregation), steps_(steps) {
    size_t cells = groups * steps;
    counts_.assign(cells, 0);
    if (aggregation != Aggregation::kCount && aggregation != Aggregation::kGroup) values_.assign(cells, 0);
    if (needs_second()) second_.assign(cells, 0);
    if (aggregation == Aggregation::kAvg) means_.assign(cells, 0);
  }

  void add(size_t group, const Column& column) {
    size_t base = group * steps_;
    switch (aggregation_) {
      case Aggregation::kSum: each(column, base, [&](size_t cell, double x) { add_kahan(cell, x); }); break;
      case Aggregation::kAvg: each(column, base, [&](size_t cell, double x) { add_average(cell, x); }); break;
      case Aggregation::kMin:
        each(column, base, [&](size_t cell, double x) { add_extreme(cell, x, x < values_[cell]); });
        break;
      case Aggregation::kMax:
        each(column, base, [&](size_t cell, double x) { add_extreme(cell, x, x > values_[cell]); });
        break;
      case Aggregation::kStddev:
      case Aggregation::kStdvar: each(column, base, [&](size_t cell, double x) { add_variance(cell, x); }); break;
      default: each(column, base, [](size_t, double) {}); break;
    }
    if (!column.histograms.empty()) add_histograms(base, column);
  }

  // Adds another lane's, which came behind.
  void merge(Lane& other) {
    for (size_t cell = 0; cell < counts_.size(); ++cell) {
      if (other.counts_[cell] > 0) merge_cell(cell, other);
    }
    ignored_histogram_ |= other.ignored_histogram_;
    if (other.cells_.empty()) return;
    if (cells_.empty()) cells_.resize(counts_.size());
    for (size_t cell = 0; cell < cells_.size(); ++cell) merge_histograms(cells_[cell], other.cells_[cell]);
  }

  void finish(size_t group, const AggregateExpr& expr, std::string_view metric, Annotations& annotations, Column& out) {
    out.reset(steps_);
    for (size_t step = 0; step < steps_; ++step) {
      size_t cell = group * steps_ + step;
      if (!cells_.empty() && cells_[cell] != nullptr) {
        finish_histograms(*cells_[cell], counts_[cell] > 0, expr, metric, annotations, out, step);
      } else if (counts_[cell] > 0) {
        out.values[step] = finish_floats(cell);
      }
    }
  }
  bool ignored_histogram() const { return ignored_histogram_; }

 private:
  bool needs_second() const {
    return aggregation_ == Aggregation::kSum || aggregation_ == Aggregation::kAvg ||
           aggregation_ == Aggregation::kStddev || aggregation_ == Aggregation::kStdvar;
  }

  template <class Add>
  void each(const Column& column, size_t base, Add add_one) {
    for (size_t step = 0; step < steps_; ++step) {
      double x = column.values[step];
      if (is_absent(x)) continue;
      counts_[base + step] += 1;
      add_one(base + step, x);
    }
  }

  // add_kahan() of a whole column without a branch, so that it runs on vectors. Both give the same bits: the rounding
  // error of a sum is a number of its own.
  void add_sums(const Column& column, size_t base) {
    double* sums = values_.data() + base;
    double* lost = second_.data() + base;
    double* counts = counts_.data() + base;
    const double* values = column.values.data();
    constexpr double kInfinity = std::numeric_limits<double>::infinity();
    for (size_t step = 0; step < steps_; ++step) {
      bool here = !is_absent(values[step]);
      double x = here ? values[step] : 0;
      double sum = sums[step];
      double total = sum + x;
      double part = total - sum;
      double error = (sum - (total - part)) + (x - part);
      lost[step] = std::fabs(total) == kInfinity ? 0 : lost[step] + error;
      sums[step] = total;
      counts[step] += here ? 1 : 0;
    }
  }

  // values_: the sum, second_: what rounding lost.
  void add_kahan(size_t cell, double x) {
    KahanSum sum{values_[cell], second_[cell]};
    sum.add(x);
    values_[cell] = sum.value;
    second_[cell] = sum.lost;
  }

  // As a sum while it does not overflow, then as a mean.
  void add_average(size_t cell, double x) {
    double count = counts_[cell];
    KahanSum sum{values_[cell], second_[cell]};
    if (means_[cell] == 0) {
      KahanSum next = sum;
      next.add(x);
      if (count == 1 || !std::isinf(next.value)) {
        values_[cell] = next.value;
        second_[cell] = next.lost;
        return;
      }
      sum = {sum.value / (count - 1), sum.lost / (count - 1)};
      means_[cell] = 1;
    }
    sum.scale((count - 1) / count);
    sum.add(x / count);
    values_[cell] = sum.value;
    second_[cell] = sum.lost;
  }

  void add_extreme(size_t cell, double x, bool better) {
    if (better || counts_[cell] == 1 || std::isnan(values_[cell])) values_[cell] = x;
  }

  // values_: the mean, second_: the sum of squared differences to it.
  void add_variance(size_t cell, double x) {
    double delta = x - values_[cell];
    values_[cell] += delta / counts_[cell];
    second_[cell] += delta * (x - values_[cell]);
  }

  void merge_cell(size_t cell, const Lane& other) {
    double mine = counts_[cell];
    double theirs = other.counts_[cell];
    if (mine == 0) {
      counts_[cell] = theirs;
      if (!values_.empty()) values_[cell] = other.values_[cell];
      if (!second_.empty()) second_[cell] = other.second_[cell];
      if (!means_.empty()) means_[cell] = other.means_[cell];
      return;
    }
    counts_[cell] += theirs;
    switch (aggregation_) {
      case Aggregation::kSum:
        add_kahan(cell, other.values_[cell]);
        second_[cell] += other.second_[cell];
        break;
      case Aggregation::kAvg: merge_average(cell, mine, theirs, other); break;
      case Aggregation::kMin: add_extreme(cell, other.values_[cell], other.values_[cell] < values_[cell]); break;
      case Aggregation::kMax: add_extreme(cell, other.values_[cell], other.values_[cell] > values_[cell]); break;
      case Aggregation::kStddev:
      case Aggregation::kStdvar: {
        double delta = other.values_[cell] - values_[cell];
        values_[cell] += delta * theirs / (mine + theirs);
        second_[cell] += other.second_[cell] + delta * delta * mine * theirs / (mine + theirs);
        break;
      }
      default: break;
    }
  }

  void merge_average(size_t cell, double mine, double theirs, const Lane& other) {
    KahanSum sum{values_[cell], second_[cell]};
    if (means_[cell] == 0 && other.means_[cell] == 0) {
      sum.add(other.values_[cell]);
      sum.lost += other.second_[cell];
      if (!std::isinf(sum.value)) {
        values_[cell] = sum.value;
        second_[cell] = sum.lost;
        return;
      }
      sum = {values_[cell], second_[cell]};
    }
    double total = mine + theirs;
    sum.scale((means_[cell] == 0 ? 1 : mine) / total);
    KahanSum more{other.values_[cell], other.second_[cell]};
    more.scale((other.means_[cell] == 0 ? 1 : theirs) / total);
    sum.add(more.value);
    sum.lost += more.lost;
    values_[cell] = sum.value;
    second_[cell] = sum.lost;
    means_[cell] = 1;
  }

  double finish_floats(size_t cell) const {
    switch (aggregation_) {
      case Aggregation::kSum: return values_[cell] + second_[cell];
      case Aggregation::kAvg:
        if (means_[cell] != 0) return values_[cell] + second_[cell];
        return values_[cell] / counts_[cell] + second_[cell] / counts_[cell];
      case Aggregation::kCount: return counts_[cell];
      case Aggregation::kGroup: return 1;
      case Aggregation::kStdvar: return second_[cell] / counts_[cell];
      case Aggregation::kStddev: return std::sqrt(second_[cell] / counts_[cell]);
      default: return values_[cell];
    }
  }

  void add_histograms(size_t base, const Column& column) {
    bool counts_only = aggregation_ == Aggregation::kCount || aggregation_ == Aggregation::kGroup;
    bool adds = aggregation_ == Aggregation::kSum || aggregation_ == Aggregation::kAvg;
    for (size_t step = 0; step < steps_; ++step) {
      const Histogram* h = column.histograms[step].get();
      if (h == nullptr) continue;
      if (counts_only) {
        counts_[base + step] += 1;
      } else if (adds) {
        if (cells_.empty()) cells_.resize(counts_.size());
        if (cells_[base + step] == nullptr) cells_[base + step] = std::make_unique<HistogramCell>();
        add_histogram(*cells_[base + step], *h);
      } else {
        ignored_histogram_ = true;
      }
    }
  }

  void meet(HistogramCell& cell, AddOutcome outcome) {
    cell.incompatible |= outcome.incompatible;
    cell.reconciled |= outcome.reconciled;
  }

  void add_histogram(HistogramCell& cell, const Histogram& h) {
    cell.went_on |= h.reset == model::CounterReset::kNotReset;
    cell.began |= h.reset == model::CounterReset::kReset;
    cell.count += 1;
    if (aggregation_ == Aggregation::kSum) return meet(cell, cell.sum.add(h, 1));
    if (!cell.running_mean) {
      HistogramSum next = cell.sum;
      meet(cell, next.add(h, 1));
      if (cell.count == 1 || !next.infinite()) {
        cell.sum = std::move(next);
        return;
      }
      to_mean(cell, cell.count - 1);
    }
    cell.sum.scale((cell.count - 1) / cell.count);
    meet(cell, cell.sum.add(divided(h, cell.count), 1));
  }

  static void to_mean(HistogramCell& cell, double count) {
    if (cell.running_mean) return;
    cell.sum.divide(count);
    cell.running_mean = true;
  }

  void merge_histograms(std::unique_ptr<HistogramCell>& into, std::unique_ptr<HistogramCell>& from) {
    if (from == nullptr) return;
    if (into == nullptr) {
      into = std::move(from);
      return;
    }
    double total = into->count + from->count;
    if (aggregation_ == Aggregation::kAvg) {
      to_mean(*into, into->count);
      to_mean(*from, from->count);
      into->sum.scale(into->count / total);
      from->sum.scale(from->count / total);
    }
    Histogram other = from->sum.result();
    meet(*into, into->sum.add(other, 1));
    into->count = total;
    into->went_on |= from->went_on;
    into->began |= from->began;
    into->incompatible |= from->incompatible;
    into->reconciled |= from->reconciled;
  }

  void finish_histograms(HistogramCell& cell, bool floats_too, const AggregateExpr& expr, std::string_view metric,
                         Annotations& annotations, Column& out, size_t step) const {
    Span place = expr.inner->span;
    if (floats_too) return annotations.mixed_floats_histograms_in_aggregation(place);
    if (cell.incompatible) return annotations.mixed_exponential_custom(place, metric);
    if (cell.reconciled) annotations.mismatched_bounds(place, "aggregation");
    if (cell.went_on && cell.began) annotations.reset_collision(place, "aggregation");
    if (aggregation_ == Aggregation::kAvg && !cell.running_mean) cell.sum.divide(cell.count);
    out.set(step, cell.sum.share());
  }

  Aggregation aggregation_;
  size_t steps_;
  std::vector<double> counts_;  // of floats, for count and group of histograms too
  std::vector<double> values_;
  std::vector<double> second_;
  std::vector<double> means_;  // 1: values_ is a mean
  std::vector<std::unique_ptr<HistogramCell>> cells_;
  bool ignored_histogram_ = false;
};

struct Groups {
  std::vector<size_t> of_series;
  std::vector<Block::Row> rows;              // labels of each
  std::vector<std::string_view> first_name;  // metric's name of the first series
};

Groups group_series(const AggregateExpr& expr, const Stream& stream) {
  Groups groups;
  LabelChoice choice(expr.grouping, !expr.without);
  absl::flat_hash_map<std::string, size_t> places;
  groups.of_series.resize(stream.size());
  std::string packed;
  for (size_t series = 0; series < stream.size(); ++series) {
    model::LabelsView labels = stream.labels(series);
    choice.pack(labels, packed);
    auto at = places.find(packed);
    if (at == places.end()) {
      at = places.emplace(packed, groups.rows.size()).first;
      groups.rows.push_back({model::Labels(model::LabelsView(packed)), false, {}});
      groups.first_name.push_back(labels.metric_name());
    }
    groups.of_series[series] = at->second;
    groups.rows[at->second].drops_name |= stream.drops_name(series);
  }
  return groups;
}

}  // namespace

Result<StreamPtr> Evaluator::aggregate(const AggregateExpr& expr, const Grid& grid) {
  if (takes_parameter(expr.aggregation)) return aggregate_rows(expr, grid);
  StreamPtr inner = CLEW_TRY(vector(*expr.inner, grid));
  Groups groups = group_series(expr, *inner);
  CLEW_TRY(context_.check_series(groups.rows.size()));
  size_t count = inner->size();
  size_t cells = groups.rows.size() * grid.count;
  size_t lane_count = count / kGrain + 1;
  if (cells * lane_count > kCellsMax) lane_count = std::max<size_t>(1, kCellsMax / std::max<size_t>(cells, 1));
  size_t grain = std::max<size_t>(1, (count + lane_count - 1) / lane_count);
  lane_count = (count + grain - 1) / grain;
  Held held;
  CLEW_TRY(held.add(context_, cells * std::max<size_t>(lane_count, 1) * 4 * sizeof(double)));
  std::vector<std::unique_ptr<Lane>> lanes(lane_count);
  auto add_lane = [&](size_t lane, size_t begin, size_t end) -> Status {
    lanes[lane] = std::make_unique<Lane>(expr.aggregation, groups.rows.size(), grid.count);
    Scratch scratch;
    for (size_t series = begin; series < end; ++series) {
      if ((series - begin) % kGrain == kGrain - 1) CLEW_TRY(context_.check());
      CLEW_TRY(inner->read(series, scratch.column, scratch));
      lanes[lane]->add(groups.of_series[series], scratch.column);
    }
    return ok_status();
  };
  CLEW_TRY(context_.parallel(count, grain, add_lane));
  auto made = std::make_unique<Block>();
  if (lanes.empty()) return StreamPtr(std::move(made));
  for (size_t lane = 1; lane < lanes.size(); ++lane) {
    lanes[0]->merge(*lanes[lane]);
    lanes[lane].reset();
  }
  if (lanes[0]->ignored_histogram()) {
    context_.annotations.ignored_in_aggregation(expr.inner->span, aggregation_text(expr.aggregation));
  }
  for (size_t group = 0; group < groups.rows.size(); ++group) {
    Block::Row& row = groups.rows[group];
    lanes[0]->finish(group, expr, groups.first_name[group], context_.annotations, row.column);
    if (row.column.any()) made->rows.push_back(std::move(row));
  }
  CLEW_TRY(made->held.add(context_, cells * sizeof(double)));
  return StreamPtr(std::move(made));
}

}  // namespace clew::query::promql
