// PPL expressions over blocks of the feed.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "expr/bind.h"
#include "expr/eval.h"
#include "feed/block.h"

namespace clew::feed {

// A condition, or a value, of each event by itself; a field that no event has is null.
//
// Threads: one.
class Expression {
 public:
  enum class Kind : uint8_t { kValue, kCondition };
  // `now`: what now() in it is, in ns since the epoch.
  // Errors: kInvalid, "1:8: what is wrong".
  static Result<std::unique_ptr<Expression>> make(const std::string& text, Kind kind, int64_t now);

  const std::string& text() const { return text_; }
  // Rows of the block where it is true. Errors: kInvalid when a value cannot be computed; those of Block::column().
  Result<model::Selection> filter(Block& block);
  // One value per row of the block. Errors: the same.
  Result<model::VectorPtr> eval(Block& block);

 private:
  class Names;
  explicit Expression(std::string text) : text_(std::move(text)) {}

  const std::string text_;
  expr::ExprPtr parsed_;
  std::vector<std::string> names_;  // by slot
  expr::BoundPtr bound_;
};

}  // namespace clew::feed
