// Aggregations that look at all series of a group at once: topk, bottomk, quantile, count_values, limitk, limit_ratio.
#include <absl/container/flat_hash_map.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "query/promql/duration.h"
#include "query/promql/evaluator.h"
#include "query/promql/histogram.h"
#include "query/promql/label_name.h"
#include "query/promql/label_pack.h"
#include "query/promql/lexer.h"
#include "query/promql/quantile.h"

namespace clew::query::promql {
namespace {

struct Group {
  model::Labels labels;
  bool drops_name = false;
  std::vector<size_t> rows;
};

std::vector<Group> group_rows(const AggregateExpr& expr, const Block& block) {
  std::vector<Group> groups;
  LabelChoice choice(expr.grouping, !expr.without);
  absl::flat_hash_map<std::string, size_t> places;
  std::string packed;
  for (size_t row = 0; row < block.rows.size(); ++row) {
    choice.pack(block.rows[row].labels, packed);
    auto [at, fresh] = places.emplace(packed, groups.size());
    if (fresh) groups.push_back({model::Labels(model::LabelsView(packed)), false, {}});
    groups[at->second].rows.push_back(row);
    groups[at->second].drops_name |= block.rows[row].drops_name;
  }
  return groups;
}

class RowAggregator {
 public:
  RowAggregator(Context& context, const AggregateExpr& expr, BlockPtr block, const Grid& grid)
      : context_(context),
        expr_(expr),
        block_(std::move(block)),
        steps_(grid.count),
        groups_(group_rows(expr, *block_)) {}

  // Series as they are, at the steps at which they are chosen.
  Result<BlockPtr> choose(const std::vector<double>& parameters) {
    std::vector<std::vector<bool>> chosen(block_->rows.size(), std::vector<bool>(steps_));
    std::vector<size_t> order;  // of an instant query's result
    for (const Group& group : groups_) {
      for (size_t step = 0; step < steps_; ++step) {
        choose_at(group, step, parameters[step]);
        for (size_t row : picked_) chosen[row][step] = true;
        if (steps_ == 1) order.insert(order.end(), picked_.begin(), picked_.end());
      }
    }
    auto made = std::make_unique<Block>();
    if (steps_ > 1) {
      for (size_t row = 0; row < block_->rows.size(); ++row) order.push_back(row);
    }
    for (size_t row : order) {
      Block::Row& from = block_->rows[row];
      for (size_t step = 0; step < steps_; ++step) {
        if (!chosen[row][step]) from.column.clear(step);
      }
      if (from.column.any()) made->rows.push_back(std::move(from));
    }
    made->held = std::move(block_->held);
    return made;
  }

  Result<BlockPtr> quantiles(const std::vector<double>& parameters) {
    auto made = std::make_unique<Block>();
    std::vector<double> values;
    for (const Group& group : groups_) {
      Block::Row row{group.labels, group.drops_name, {}};
      row.column.reset(steps_);
      for (size_t step = 0; step < steps_; ++step) {
        values.clear();
        for (size_t each : group.rows) {
          const Column& column = block_->rows[each].column;
          if (column.has_histogram(step)) ignore_histogram();
          if (!is_absent(column.values[step])) values.push_back(column.values[step]);
        }
        if (!values.empty()) row.column.values[step] = quantile_of(parameters[step], values);
      }
      if (row.column.any()) made->rows.push_back(std::move(row));
    }
    return made;
  }

  Result<BlockPtr> count_values(const std::string& label) {
    auto made = std::make_unique<Block>();
    absl::flat_hash_map<std::string, size_t> places;
    for (const Group& group : groups_) {
      for (size_t each : group.rows) {
        const Column& column = block_->rows[each].column;
        for (size_t step = 0; step < steps_; ++step) {
          if (!column.present(step)) continue;
          std::string value =
              column.has_histogram(step) ? histogram_text(*column.histograms[step]) : number_text(column.values[step]);
          model::Labels labels = model::LabelsBuilder(group.labels).set(label, value).build();
          auto [at, fresh] = places.emplace(labels.packed(), made->rows.size());
          if (fresh) {
            made->rows.push_back({std::move(labels), group.drops_name, {}});
            made->rows.back().column.reset(steps_);
            CLEW_TRY(context_.check_series(made->rows.size()));
            CLEW_TRY(made->held.add(context_, steps_ * sizeof(double)));
          }
          double& count = made->rows[at->second].column.values[step];
          count = is_absent(count) ? 1 : count + 1;
        }
      }
    }
    return made;
  }

 private:
  void ignore_histogram() {
    if (!ignored_) context_.annotations.ignored_in_aggregation(expr_.inner->span, aggregation_text(expr_.aggregation));
    ignored_ = true;
  }

  void choose_at(const Group& group, size_t step, double parameter) {
    picked_.clear();
    if (expr_.aggregation == Aggregation::kLimitRatio) return pick_ratio(group, step, parameter);
    if (!(parameter >= 1)) return;
    if (expr_.aggregation == Aggregation::kLimitk) return pick_first(group, step, parameter);
    ranked_.clear();
    for (size_t row : group.rows) {
      const Column& column = block_->rows[row].column;
      if (column.has_histogram(step)) {
        ignore_histogram();
      } else if (!is_absent(column.values[step])) {
        ranked_.emplace_back(column.values[step], row);
      }
    }
    auto count = static_cast<size_t>(std::min(parameter, static_cast<double>(ranked_.size())));
    bool top = expr_.aggregation == Aggregation::kTopk;
    auto before = [top](const std::pair<double, size_t>& a, const std::pair<double, size_t>& b) {
      // NaN comes last; of equal ones that which came first.
      if (std::isnan(a.first) || std::isnan(b.first)) {
        if (std::isnan(a.first) != std::isnan(b.first)) return std::isnan(b.first);
      } else if (a.first != b.first) {
        return top ? a.first > b.first : a.first < b.first;
      }
      return a.second < b.second;
    };
    std::partial_sort(ranked_.begin(), ranked_.begin() + static_cast<ptrdiff_t>(count), ranked_.end(), before);
    for (size_t i = 0; i < count; ++i) picked_.push_back(ranked_[i].second);
  }

  void pick_first(const Group& group, size_t step, double limit) {
    for (size_t row : group.rows) {
      if (static_cast<double>(picked_.size()) + 1 > limit) return;
      if (block_->rows[row].column.present(step)) picked_.push_back(row);
    }
  }

  // The same series for the same ratio, and for ratio - 1 the others.
  void pick_ratio(const Group& group, size_t step, double ratio) {
    for (size_t row : group.rows) {
      if (!block_->rows[row].column.present(step)) continue;
      double place = static_cast<double>(model::hash_of(block_->rows[row].labels)) /
                     static_cast<double>(std::numeric_limits<uint64_t>::max());
      bool in = ratio >= 0 ? place < ratio || ratio >= 1 : place >= 1 + ratio;
      if (in) picked_.push_back(row);
    }
  }

  Context& context_;
  const AggregateExpr& expr_;
  BlockPtr block_;
  size_t steps_;
  std::vector<Group> groups_;
  std::vector<size_t> picked_;
  std::vector<std::pair<double, size_t>> ranked_;
  bool ignored_ = false;
};

Status check_parameters(Context& context, const AggregateExpr& expr, std::vector<double>& parameters) {
  for (double& parameter : parameters) {
    switch (expr.aggregation) {
      case Aggregation::kTopk:
      case Aggregation::kBottomk:
      case Aggregation::kLimitk:
        if (std::isnan(parameter)) return Error(Code::kInvalid, "Parameter value is NaN");
        if (std::fabs(parameter) >= 9.3e18) {
          return Error(Code::kInvalid, fmt::format("Scalar value {} {} int64", number_text(parameter),
                                                   parameter > 0 ? "overflows" : "underflows"));
        }
        break;
      case Aggregation::kLimitRatio: {
        if (std::isnan(parameter)) return Error(Code::kInvalid, "Ratio value is NaN");
        double capped = std::clamp(parameter, -1.0, 1.0);
        if (capped != parameter) context.annotations.invalid_ratio(expr.parameter->span, parameter, capped);
        parameter = capped;
        break;
      }
      case Aggregation::kQuantile:
        if (!(parameter >= 0 && parameter <= 1)) context.annotations.invalid_quantile(expr.parameter->span, parameter);
        break;
      default: break;
    }
  }
  return ok_status();
}

}  // namespace

Result<StreamPtr> Evaluator::aggregate_rows(const AggregateExpr& expr, const Grid& grid) {
  if (expr.aggregation == Aggregation::kCountValues) {
    const std::string& label = as<StringExpr>(without_parens(*expr.parameter)).value;
    if (!is_utf8_label_name(label)) return Error(Code::kInvalid, fmt::format("invalid label name {}", quote(label)));
    BlockPtr inner = CLEW_TRY(block(*expr.inner, grid));
    BlockPtr made = CLEW_TRY(RowAggregator(context_, expr, std::move(inner), grid).count_values(label));
    return StreamPtr(std::move(made));
  }
  std::vector<double> parameters = CLEW_TRY(scalar(*expr.parameter, grid));
  CLEW_TRY(check_parameters(context_, expr, parameters));
  BlockPtr inner = CLEW_TRY(block(*expr.inner, grid));
  RowAggregator aggregator(context_, expr, std::move(inner), grid);
  BlockPtr made;
  if (expr.aggregation == Aggregation::kQuantile) {
    made = CLEW_TRY(aggregator.quantiles(parameters));
  } else {
    made = CLEW_TRY(aggregator.choose(parameters));
  }
  return StreamPtr(std::move(made));
}

}  // namespace clew::query::promql
