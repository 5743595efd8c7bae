// The order of values: what sort, top and the order of groups go by.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "model/value.h"
#include "model/vector.h"

namespace clew::query::exec {

// A value made ready for many comparisons in the order of expr::total_order.
struct SortCell {
  // Numbers are three kinds, which meet in one order.
  enum class Rank : uint8_t {
    kNull,
    kBool,
    kInt,
    kBig,
    kDouble,
    kTimeOfDay,
    kMoment,
    kInterval,
    kText,
    kAddress,
    kNested
  };
  Rank rank = Rank::kNull;
  int64_t i64 = 0;                      // kBool, kInt, times; kBig: the bits of an integer beyond int64
  double f64 = 0;                       // kDouble; kMoment, kInterval: what decides between equal i64
  std::string_view text;                // kText: lives in the vector; kAddress: bytes in the order of addresses
  const model::Value* value = nullptr;  // kNested
};

// How sort takes a column's values.
enum class SortAs : uint8_t {
  kAuto,    // as they are
  kNumber,  // texts as numbers; what is no number as null
  kText,
  kIp,
  kLevel,  // by severity
};

// -1, 0 or 1, null first.
int compare(const SortCell& a, const SortCell& b);
int compare(const model::Value& a, const model::Value& b);

// Cells of all rows. `texts` keeps texts that had to be made.
void sort_cells(const model::Vector& vector, SortAs as, std::vector<SortCell>& out,
                std::vector<std::shared_ptr<const std::string>>& texts);

}  // namespace clew::query::exec
