// Comparisons of stored numbers with a constant.
#pragma once

#include <optional>

#include "columnar/column_view.h"
#include "columnar/directory.h"
#include "contract/event_source.h"

namespace clew::columnar {

// A comparison with one number, prepared for a chunk whose values are all numbers (or all times).
class NumberFilter {
 public:
  // Empty when the chunk's kinds and the constant do not compare plainly as numbers.
  static std::optional<NumberFilter> make(const contract::Predicate& leaf, const Chunk& chunk);

  // False: no value of the chunk can match, by its statistics.
  bool may_match() const { return may_match_; }
  // Keeps the matching rows of a block that begins at row `begin`.
  void narrow(const BlockValues& values, uint32_t begin, model::Selection& rows) const;

 private:
  static std::optional<NumberFilter> make_exact(const contract::Predicate& leaf, const Chunk& chunk);
  // Least and greatest integer that match; false when there is no such range.
  bool int_range(int64_t& low, int64_t& high) const;
  bool matches(double v) const;
  // Least and greatest mantissa of that scale that match; false when an int64 does not hold them exactly.
  bool lane_range(uint8_t scale, int64_t& low, int64_t& high) const;

  contract::Predicate::Op op_ = contract::Predicate::Op::kEquals;
  bool matches_int(int64_t v) const;

  std::vector<double> constants_;  // one, but for kIn
  std::vector<int64_t> ints_;      // instead, where the values and all constants are integers
  bool may_match_ = true;
};

}  // namespace clew::columnar
