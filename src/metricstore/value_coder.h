// Whole numbers of a chunk, coded close to what they say: the length of each difference in a Huffman code of the
// chunk's own, then its bits; zeros in a row as one symbol (docs/formats/metric-part.md, "Coded run").
//
// Bit packing gives every value the room that the greatest needs; counters of machines grow by steps whose sizes vary
// by powers of two, and mostly not at all.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"

namespace clew::metricstore {

// Threads: one at a time; keeps its scratch memory.
class ValueCoder {
 public:
  // Appends the run unless it takes `bytes_max` bytes or more; says whether it did.
  // Requires: 1 to kChunkSamplesMax values.
  bool encode(std::span<const int64_t> values, size_t bytes_max, std::string& out);

 private:
  struct Plan;
  Plan choose(std::span<const int64_t> values);
  void to_symbols();

  std::vector<uint64_t> deltas_;
  std::vector<uint64_t> chosen_;
  std::vector<uint64_t> sorted_;
  std::vector<uint8_t> symbols_;
  std::vector<uint64_t> rest_;  // bits behind each symbol
};

// Writes the run's `count` values to `out`. Errors: kCorrupt.
Status decode_coded(base::Reader& in, size_t count, int64_t* out);

}  // namespace clew::metricstore
