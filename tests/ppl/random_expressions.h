// Random expressions over columns, for the differential test.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "random_case.h"

namespace clew::query::testing {

// Lifetime: dice and columns outlive it.
class Expressions {
 public:
  Expressions(Dice& dice, const std::vector<RandomColumn>& columns) : dice_(dice), columns_(columns) {}

  // An expression that mostly gives such values, of calls at most `depth` deep.
  std::string of(Kind kind, int depth);
  std::string any(int depth) { return of(some_kind(), depth); }

 private:
  Kind some_kind() { return static_cast<Kind>(dice_.below(static_cast<uint64_t>(Kind::kMixed))); }
  std::string leaf(Kind kind);
  std::string filled(std::string_view shape, int depth);
  std::string argument(char hole, int depth);

  Dice& dice_;
  const std::vector<RandomColumn>& columns_;
};

}  // namespace clew::query::testing
