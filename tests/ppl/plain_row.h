// Expressions of the plain evaluator: one row, one value.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "expr/ast.h"
#include "model/value.h"

namespace clew::query::testing {

// Threads: one. Lifetime: names and values outlive it.
class PlainRow {
 public:
  PlainRow(const std::vector<std::string>& names, const std::vector<model::Value>& values, int64_t now)
      : names_(names), values_(values), now_(now) {}

  // None: it cannot be computed for this row.
  std::optional<model::Value> value(const expr::Expr& expr);

 private:
  std::optional<model::Value> connective(const expr::Expr& expr, bool conjunction);
  std::optional<model::Value> choice(const expr::Expr& expr);
  std::optional<model::Value> first_of(const expr::Expr& expr);
  std::optional<model::Value> call(const expr::Expr& expr);

  const std::vector<std::string>& names_;
  const std::vector<model::Value>& values_;
  int64_t now_;
};

// `a = b` of two values, as where sees it.
std::optional<bool> plain_equal(const model::Value& a, const model::Value& b, int64_t now);

// `a in (list)` of values, as where sees it.
std::optional<bool> plain_in(const model::Value& a, const std::vector<model::Value>& list, int64_t now);

}  // namespace clew::query::testing
