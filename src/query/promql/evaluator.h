// Runs a prepared tree. Nodes that treat series one by one are streams, which others read or gather; what needs all
// series of a step at once gathers them into a block.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "query/promql/ast.h"
#include "query/promql/context.h"
#include "query/promql/functions.h"
#include "query/promql/stream.h"
#include "query/promql/window.h"

namespace clew::query::promql {

// Series whose samples in ranges are wanted: those of a store, or of a subquery.
class RangeSource {
 public:
  virtual ~RangeSource() = default;
  virtual size_t size() const = 0;
  virtual model::LabelsView labels(size_t series) const = 0;
  virtual bool drops_name(size_t series) const = 0;
  // Views live until the scratch is used again.
  virtual Status read(size_t series, Scratch& scratch, Floats& floats, Histograms& histograms) const = 0;
};
struct OpenRange {
  std::unique_ptr<RangeSource> source;
  RangeShape shape;
  Extension extension = Extension::kNone;
};

// Threads: one; the streams it makes are read on several.
class Evaluator {
 public:
  explicit Evaluator(Context& context) : context_(context) {}

  Result<StreamPtr> vector(const Expr& expr, const Grid& grid);
  Result<std::vector<double>> scalar(const Expr& expr, const Grid& grid);
  Result<BlockPtr> block(const Expr& expr, const Grid& grid);
  Result<OpenRange> range(const Expr& expr, const Grid& grid, std::string_view function);

 private:
  friend class InfoJoin;
  Result<StreamPtr> vector_at(const Expr& expr, const Grid& grid);
  // selector.cc
  enum class Wanted : uint8_t { kValues, kTimes };
  Result<StreamPtr> selector(const SelectorExpr& expr, const Grid& grid, Wanted wanted, std::string_view function);
  Result<OpenRange> selector_range(const SelectorExpr& expr, const Grid& grid, std::string_view function);
  Result<OpenRange> subquery_range(const SubqueryExpr& expr, const Grid& grid);
  // range_stream.cc
  Result<StreamPtr> range_call(const CallExpr& expr, const Grid& grid);
  Result<StreamPtr> absent_over_time(const CallExpr& expr, const Grid& grid);
  // call.cc
  Result<StreamPtr> call(const CallExpr& expr, const Grid& grid);
  Result<StreamPtr> absent_call(const CallExpr& expr, const Grid& grid);
  Result<StreamPtr> clamp_call(const CallExpr& expr, const Grid& grid);
  Result<StreamPtr> round_call(const CallExpr& expr, const Grid& grid);
  Result<StreamPtr> sorted(const CallExpr& expr, const Grid& grid);
  Result<StreamPtr> timestamp(const CallExpr& expr, const Grid& grid);
  Result<std::vector<double>> scalar_of(const CallExpr& expr, const Grid& grid);
  // histogram_call.cc
  Result<StreamPtr> histogram_part(const CallExpr& expr, const Grid& grid);
  Result<StreamPtr> histogram_distribution(const CallExpr& expr, const Grid& grid);
  // label_call.cc
  Result<StreamPtr> label_replace(const CallExpr& expr, const Grid& grid);
  Result<StreamPtr> label_join(const CallExpr& expr, const Grid& grid);
  Result<StreamPtr> sorted_by_label(const CallExpr& expr, const Grid& grid);
  // info.cc
  Result<StreamPtr> info(const CallExpr& expr, const Grid& grid);
  // aggregate.cc, aggregate_rows.cc
  Result<StreamPtr> aggregate(const AggregateExpr& expr, const Grid& grid);
  Result<StreamPtr> aggregate_rows(const AggregateExpr& expr, const Grid& grid);
  // binary.cc, binary_scalar.cc
  Result<StreamPtr> binary(const BinaryExpr& expr, const Grid& grid);
  Result<StreamPtr> set_operation(const BinaryExpr& expr, const Grid& grid);
  Result<StreamPtr> binary_with_scalar(const BinaryExpr& expr, const Grid& grid);
  Result<StreamPtr> unary(const UnaryExpr& expr, const Grid& grid);

  Context& context_;
};

// The same at every step: a stream of one step, repeated.
StreamPtr repeated(StreamPtr inner, size_t count);
// Changes columns of another stream in place; takes the metric's name off when `drops` says so.
enum class Names : uint8_t { kKept, kDropped };
using ColumnChange = std::function<Status(size_t series, model::LabelsView labels, Column& column)>;
StreamPtr mapped(StreamPtr inner, Names names, ColumnChange change);
// Labels that absent() gives: those that the selector's matchers fix.
model::Labels labels_of_absent(const Expr& expr);

}  // namespace clew::query::promql
