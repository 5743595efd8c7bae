// PPL expressions over Rows.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "expr/bind.h"
#include "expr/eval.h"
#include "pipeline/rows.h"

namespace clew::geo {
class Sources;
}

namespace clew::pipeline {

// An expression, bound once; a field that no event has is null.
//
// Threads: one.
class Expression {
 public:
  enum class Kind : uint8_t { kValue, kCondition };
  // Errors: kInvalid, "1:8: what is wrong".
  static Result<std::unique_ptr<Expression>> make(const std::string& text, Kind kind, const geo::Sources* geo);

  // Of `rows` those where it is true. Errors: kInvalid when a value cannot be computed.
  Result<model::Selection> filter(Rows& batch, const model::Selection& rows);
  // One value per row of `rows`.
  Result<model::VectorPtr> eval(Rows& batch, const model::Selection& rows);

 private:
  class Names;
  Expression() = default;

  std::vector<std::string> names_;  // by slot
  expr::BoundPtr bound_;
};

}  // namespace clew::pipeline
