#include "query/promql/evaluator.h"

#include <fmt/format.h>

#include <cmath>

#include "query/promql/binary_value.h"

namespace clew::query::promql {
namespace {

class Repeated final : public Stream {
 public:
  Repeated(StreamPtr inner, size_t count) : inner_(std::move(inner)), count_(count) {}
  size_t size() const override { return inner_->size(); }
  model::LabelsView labels(size_t series) const override { return inner_->labels(series); }
  bool drops_name(size_t series) const override { return inner_->drops_name(series); }
  Status read(size_t series, Column& out, Scratch& scratch) const override {
    CLEW_TRY(inner_->read(series, out, scratch));
    out.values.resize(count_, out.values[0]);
    if (!out.histograms.empty()) out.histograms.resize(count_, out.histograms[0]);
    return ok_status();
  }

 private:
  StreamPtr inner_;
  size_t count_;
};

class Mapped final : public Stream {
 public:
  Mapped(StreamPtr inner, Names names, ColumnChange change)
      : inner_(std::move(inner)), names_(names), change_(std::move(change)) {}
  size_t size() const override { return inner_->size(); }
  model::LabelsView labels(size_t series) const override { return inner_->labels(series); }
  bool drops_name(size_t series) const override { return names_ == Names::kDropped || inner_->drops_name(series); }
  Status read(size_t series, Column& out, Scratch& scratch) const override {
    CLEW_TRY(inner_->read(series, out, scratch));
    return change_(series, inner_->labels(series), out);
  }

 private:
  StreamPtr inner_;
  Names names_;
  ColumnChange change_;
};

// Counts what a node gives, for `explain analyze`.
class Counted final : public Stream {
 public:
  Counted(StreamPtr inner, Context& context, NodeCount& count)
      : inner_(std::move(inner)), context_(context), count_(count) {
    count_.series += inner_->size();
  }
  size_t size() const override { return inner_->size(); }
  model::LabelsView labels(size_t series) const override { return inner_->labels(series); }
  bool drops_name(size_t series) const override { return inner_->drops_name(series); }
  Status read(size_t series, Column& out, Scratch& scratch) const override {
    uint64_t begun = context_.now_ns();
    CLEW_TRY(inner_->read(series, out, scratch));
    count_.nanos += context_.now_ns() - begun;
    uint64_t points = 0;
    for (size_t i = 0; i < out.values.size(); ++i) points += out.present(i) ? 1 : 0;
    count_.samples += points;
    return ok_status();
  }

 private:
  StreamPtr inner_;
  Context& context_;
  NodeCount& count_;
};

}  // namespace

StreamPtr repeated(StreamPtr inner, size_t count) { return std::make_unique<Repeated>(std::move(inner), count); }

StreamPtr mapped(StreamPtr inner, Names names, ColumnChange change) {
  return std::make_unique<Mapped>(std::move(inner), names, std::move(change));
}

Result<StreamPtr> Evaluator::vector(const Expr& expr, const Grid& grid) {
  CLEW_TRY(context_.check());
  if (expr.kind == ExprKind::kParen) return vector(*as<ParenExpr>(expr).inner, grid);
  uint64_t begun = context_.options.analyze ? context_.now_ns() : 0;
  StreamPtr made;
  if (expr.step_invariant && grid.count > 1) {
    made = CLEW_TRY(vector_at(expr, Grid{grid.start, grid.step, 1}));
    made = repeated(std::move(made), grid.count);
  } else {
    made = CLEW_TRY(vector_at(expr, grid));
  }
  if (!context_.options.analyze) return made;
  NodeCount& count = context_.node(expr);
  count.nanos += context_.now_ns() - begun;
  return StreamPtr(std::make_unique<Counted>(std::move(made), context_, count));
}

Result<StreamPtr> Evaluator::vector_at(const Expr& expr, const Grid& grid) {
  switch (expr.kind) {
    case ExprKind::kSelector: return selector(as<SelectorExpr>(expr), grid, Wanted::kValues, "");
    case ExprKind::kUnary: return unary(as<UnaryExpr>(expr), grid);
    case ExprKind::kBinary: return binary(as<BinaryExpr>(expr), grid);
    case ExprKind::kAggregate: return aggregate(as<AggregateExpr>(expr), grid);
    case ExprKind::kCall: return call(as<CallExpr>(expr), grid);
    default: return Error(Code::kInternal, "the expression gives no instant vector");
  }
}

Result<BlockPtr> Evaluator::block(const Expr& expr, const Grid& grid) {
  StreamPtr stream = CLEW_TRY(vector(expr, grid));
  return collect(context_, *stream);
}

Result<OpenRange> Evaluator::range(const Expr& expr, const Grid& grid, std::string_view function) {
  const Expr& inner = without_parens(expr);
  if (inner.kind == ExprKind::kSelector) return selector_range(as<SelectorExpr>(inner), grid, function);
  if (inner.kind == ExprKind::kSubquery) return subquery_range(as<SubqueryExpr>(inner), grid);
  return Error(Code::kInternal, "the expression gives no range vector");
}

Result<std::vector<double>> Evaluator::scalar(const Expr& expr, const Grid& grid) {
  switch (expr.kind) {
    case ExprKind::kNumber: return std::vector<double>(grid.count, as<NumberExpr>(expr).value);
    case ExprKind::kParen: return scalar(*as<ParenExpr>(expr).inner, grid);
    case ExprKind::kUnary: {
      std::vector<double> values = CLEW_TRY(scalar(*as<UnaryExpr>(expr).inner, grid));
      for (double& value : values) value = as<UnaryExpr>(expr).minus ? -value : value;
      return values;
    }
    case ExprKind::kBinary: {
      const auto& binary = as<BinaryExpr>(expr);
      std::vector<double> left = CLEW_TRY(scalar(*binary.left, grid));
      std::vector<double> right = CLEW_TRY(scalar(*binary.right, grid));
      for (size_t i = 0; i < left.size(); ++i) {
        left[i] = is_comparison(binary.op) ? (compare(binary.op, left[i], right[i]) ? 1 : 0)
                                           : compute(binary.op, left[i], right[i]);
      }
      return left;
    }
    case ExprKind::kCall: return scalar_of(as<CallExpr>(expr), grid);
    default: return Error(Code::kInternal, "the expression gives no scalar");
  }
}

}  // namespace clew::query::promql
