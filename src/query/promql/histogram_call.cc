// Functions over histograms: parts of native ones; quantiles and fractions of native and classic ones.
#include <absl/container/flat_hash_map.h>

#include <cmath>
#include <limits>

#include "query/promql/duration.h"
#include "query/promql/evaluator.h"
#include "query/promql/histogram.h"
#include "query/promql/label_pack.h"
#include "query/promql/quantile.h"

namespace clew::query::promql {
namespace {

using Id = FunctionId;
constexpr std::string_view kBucketLabel = "le";

double part_of(Id id, const Histogram& h) {
  switch (id) {
    case Id::kHistogramCount: return h.count;
    case Id::kHistogramSum: return h.sum;
    case Id::kHistogramAvg: return h.sum / h.count;
    case Id::kHistogramStdvar: return histogram_variance(h);
    default: return std::sqrt(histogram_variance(h));
  }
}

// What is asked of each distribution.
struct Question {
  Id id;
  Span place;                                // of the vector
  std::vector<std::vector<double>> numbers;  // by step: quantiles, or lower and upper
  std::string label;                         // of histogram_quantiles
};

// A histogram's series: classic buckets, native ones, or, by mistake, both.
struct Distribution {
  model::Labels labels;  // without le
  bool drops_name = false;
  std::vector<std::pair<double, size_t>> buckets;  // upper bound, row
  std::vector<size_t> rows;                        // that may have native histograms
};

class Distributions {
 public:
  Distributions(Context& context, const Question& question, const Block& block, size_t steps)
      : annotations_(context.annotations), question_(question), block_(block), steps_(steps) {}

  BlockPtr run() {
    group();
    auto made = std::make_unique<Block>();
    size_t answers = question_.id == Id::kHistogramQuantiles ? question_.numbers.size() : 1;
    for (const Distribution& distribution : all_) {
      for (size_t answer = 0; answer < answers; ++answer) add(distribution, answer, *made);
    }
    return made;
  }

 private:
  void group() {
    absl::flat_hash_map<std::string, size_t> places;
    for (size_t row = 0; row < block_.rows.size(); ++row) {
      const Block::Row& series = block_.rows[row];
      std::string packed;
      for (model::Label label : series.labels) {
        if (label.name != kBucketLabel) model::append_packed(label, packed);
      }
      auto [at, fresh] = places.emplace(packed, all_.size());
      if (fresh) {
        all_.emplace_back();
        all_.back().labels = model::Labels(model::LabelsView(packed));
        all_.back().drops_name = true;
      }
      Distribution& distribution = all_[at->second];
      bool floats = false;
      for (double value : series.column.values) floats |= !is_absent(value);
      if (floats) add_bucket(distribution, series, row);
      if (!series.column.histograms.empty()) distribution.rows.push_back(row);
    }
  }

  void add_bucket(Distribution& distribution, const Block::Row& series, size_t row) {
    std::string_view bound = series.labels.get(kBucketLabel);
    std::optional<double> upper = parse_number(bound);
    if (upper) {
      distribution.buckets.emplace_back(*upper, row);
    } else {
      annotations_.bad_bucket_label(question_.place, series.labels.metric_name(), bound);
    }
  }

  void add(const Distribution& distribution, size_t answer, Block& made) {
    Block::Row row;
    row.labels = distribution.labels;
    row.drops_name = true;
    if (question_.id == Id::kHistogramQuantiles) {
      // The label is the quantile at the first step; quantiles that change from step to step make no sense.
      row.labels =
          model::LabelsBuilder(row.labels).set(question_.label, number_text(question_.numbers[answer][0])).build();
    }
    row.column.reset(steps_);
    for (size_t step = 0; step < steps_; ++step) row.column.values[step] = at(distribution, answer, step);
    if (row.column.any()) made.rows.push_back(std::move(row));
  }

  double at(const Distribution& distribution, size_t answer, size_t step) {
    const Histogram* native = nullptr;
    for (size_t row : distribution.rows) {
      if (block_.rows[row].column.has_histogram(step)) native = block_.rows[row].column.histograms[step].get();
    }
    buckets_.clear();
    for (const auto& [upper, row] : distribution.buckets) {
      double count = block_.rows[row].column.values[step];
      if (!is_absent(count)) buckets_.push_back({upper, count});
    }
    std::string_view metric = distribution.labels.metric_name();
    if (native != nullptr && !buckets_.empty()) {
      annotations_.mixed_classic_native(question_.place, metric);
      return absent();
    }
    if (native != nullptr) return of_native(*native, metric, answer, step);
    return buckets_.empty() ? absent() : of_classic(metric, answer, step);
  }

  double of_native(const Histogram& h, std::string_view metric, size_t answer, size_t step) {
    if (question_.id == Id::kHistogramFraction) {
      if (std::isnan(h.sum)) annotations_.fraction_nan(question_.place, metric);
      return histogram_fraction(question_.numbers[0][step], question_.numbers[1][step], h);
    }
    QuantileNote note;
    double value = histogram_quantile(question_.numbers[answer][step], h, note);
    if (note.nan_result) annotations_.quantile_nan_result(question_.place, metric);
    if (note.nan_skew) annotations_.quantile_nan_skew(question_.place, metric);
    return value;
  }

  double of_classic(std::string_view metric, size_t answer, size_t step) {
    if (question_.id == Id::kHistogramFraction) {
      return classic_fraction(question_.numbers[0][step], question_.numbers[1][step], buckets_);
    }
    ClassicNote note;
    double value = classic_quantile(question_.numbers[answer][step], buckets_, note);
    if (note.forced_monotonic) annotations_.forced_monotonic(question_.place, metric);
    return value;
  }

  Annotations& annotations_;
  const Question& question_;
  const Block& block_;
  size_t steps_;
  std::vector<Distribution> all_;
  std::vector<ClassicBucket> buckets_;
};

}  // namespace

Result<StreamPtr> Evaluator::histogram_part(const CallExpr& expr, const Grid& grid) {
  StreamPtr inner = CLEW_TRY(vector(*expr.args[0], grid));
  Id id = expr.function->id;
  return mapped(std::move(inner), Names::kDropped, [id](size_t, model::LabelsView, Column& column) {
    for (size_t i = 0; i < column.values.size(); ++i) {
      column.values[i] = column.has_histogram(i) ? part_of(id, *column.histograms[i]) : absent();
    }
    column.histograms.clear();
    return ok_status();
  });
}

Result<StreamPtr> Evaluator::histogram_distribution(const CallExpr& expr, const Grid& grid) {
  Question question;
  question.id = expr.function->id;
  const Expr* inner = nullptr;
  for (const ExprPtr& arg : expr.args) {
    if (type_of(*arg) == ValueType::kVector) {
      inner = arg.get();
    } else if (type_of(*arg) == ValueType::kString) {
      question.label = as<StringExpr>(without_parens(*arg)).value;
    } else {
      std::vector<double> numbers = CLEW_TRY(scalar(*arg, grid));
      for (double q : numbers) {
        if (question.id == Id::kHistogramFraction || (q >= 0 && q <= 1)) continue;
        context_.annotations.invalid_quantile(arg->span, q);
      }
      question.numbers.push_back(std::move(numbers));
    }
  }
  question.place = inner->span;
  BlockPtr values = CLEW_TRY(block(*inner, grid));
  BlockPtr made = Distributions(context_, question, *values, grid.count).run();
  uint64_t bytes = 0;
  for (const Block::Row& row : made->rows) bytes += row.column.bytes();
  CLEW_TRY(made->held.add(context_, bytes));
  return StreamPtr(std::move(made));
}

}  // namespace clew::query::promql
