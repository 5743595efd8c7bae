// Operators on values: numbers, histograms, either.
#pragma once

#include "query/promql/annotations.h"
#include "query/promql/column.h"

namespace clew::query::promql {

// Arithmetic of two numbers.
double compute(Op op, double left, double right);
bool compare(Op op, double left, double right);

// A float or a histogram.
struct Operand {
  double value = 0;
  const HistogramPtr* histogram = nullptr;
  static Operand at(const Column& column, size_t i) {
    if (column.has_histogram(i)) return {0, &column.histograms[i]};
    return {column.values[i], nullptr};
  }
};

struct OperatorCall {
  Op op;
  bool return_bool;
  Span place;
  Annotations* annotations;
};

// Puts `left op right` at step i; nothing where a comparison does not hold or types do not go together. `kept` is what
// a comparison keeps: the left operand, as a rule.
void operate(const OperatorCall& call, const Operand& left, const Operand& right, const Operand& kept, Column& out,
             size_t i);

}  // namespace clew::query::promql
