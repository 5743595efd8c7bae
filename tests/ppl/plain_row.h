// Expressions of the plain evaluator: one row, one value.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "expr/ast.h"
#include "model/value.h"

namespace clew::query::testing {

// Columns of a table: what they are called, and the types that the language gives them. Types matter for branches:
// those of different number types all give doubles.
struct PlainColumns {
  std::vector<std::string> names;
  std::vector<model::Type> types;
  std::vector<double> slacks;  // how far its numbers may be off, for they depend on the order of additions

  void add_name(std::string name, model::Type type, double slack = 0) {
    names.push_back(std::move(name));
    types.push_back(type);
    slacks.push_back(slack);
  }
};

// The type that the language gives to an expression; kMixed: known only row by row.
// Errors: it is none for these columns.
Result<model::Type> plain_type(const PlainColumns& columns, const expr::Expr& expr, int64_t now);

// The same of an aggregate, `sum(x)`.
Result<model::Type> plain_type_of_aggregate(const PlainColumns& columns, const std::string& call, int64_t now);

// Threads: one. Lifetime: columns and values outlive it.
class PlainRow {
 public:
  PlainRow(const PlainColumns& columns, const std::vector<model::Value>& values, int64_t now)
      : columns_(columns), values_(values), now_(now) {}

  // None: it cannot be computed for this row; why() tells.
  std::optional<model::Value> value(const expr::Expr& expr);
  const std::string& why() const { return why_; }

 private:
  std::optional<model::Value> widened(const expr::Expr& expr, std::optional<model::Value> value);
  std::optional<model::Value> connective(const expr::Expr& expr, bool conjunction);
  std::optional<model::Value> either(const expr::Expr& expr);
  std::optional<model::Value> choice(const expr::Expr& expr);
  std::optional<model::Value> first_of(const expr::Expr& expr);
  std::optional<model::Value> call(const expr::Expr& expr);

  const PlainColumns& columns_;
  const std::vector<model::Value>& values_;
  int64_t now_;
  std::string why_;
};

// `a = b` of two values, as where sees it.
std::optional<bool> plain_equal(const model::Value& a, const model::Value& b, int64_t now);

// `a in (list)` of values, as where sees it.
std::optional<bool> plain_in(const model::Value& a, const std::vector<model::Value>& list, int64_t now);

}  // namespace clew::query::testing
