// PPL expressions over Rows.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "expr/bind.h"
#include "expr/eval.h"
#include "os/clock.h"
#include "pipeline/rows.h"

namespace clew::geo {
class Sources;
}

namespace clew::pipeline {

// An expression; a field that no event has is null. now() and what depends on it is of the second of the call.
//
// Threads:  one.
// Lifetime: geo and clock outlive it.
class Expression {
 public:
  enum class Kind : uint8_t { kValue, kCondition };
  // Errors: kInvalid, "1:8: what is wrong".
  static Result<std::unique_ptr<Expression>> make(const std::string& text, Kind kind, const geo::Sources* geo,
                                                  const os::Clock& clock);

  // Of `rows` those where it is true. Errors: kInvalid when a value cannot be computed.
  Result<model::Selection> filter(Rows& batch, const model::Selection& rows);
  // One value per row of `rows`.
  Result<model::VectorPtr> eval(Rows& batch, const model::Selection& rows);

 private:
  class Names;
  Expression(std::string text, Kind kind, const geo::Sources* geo, const os::Clock& clock)
      : text_(std::move(text)), kind_(kind), geo_(geo), clock_(clock) {}
  Status bind();

  const std::string text_;
  const Kind kind_;
  const geo::Sources* const geo_;
  const os::Clock& clock_;
  expr::ExprPtr parsed_;
  std::vector<std::string> names_;  // by slot
  expr::BoundPtr bound_;
  int64_t bound_second_ = INT64_MIN;  // of now() in it
};

}  // namespace clew::pipeline
