// Integer runs: up to a few thousand int64 in the smallest of several forms.
//
//   u8 form + 16 * unit, then
//   0 constant  varint_signed value
//   1 frame     varint_signed least, packed offsets
//   2 delta     varint_signed first, varint_signed least difference, packed differences less that
//   3 runs      varint count, integer run of values, integer run of lengths
//   4 distinct  varint count (at most 256), integer run of the values, u8 width, packed positions
//   5 bytes     the 8-byte values transposed (all lowest bytes first), compressed (codec/compress.h)
//
// unit 1, 2, 3: every value is that of the form times 1e3, 1e6, 1e9.
// packed: u8 width, varint exceptions; with exceptions u8 high width, their positions as frames of 16 bits each, the
// bits above `width` packed; then all low parts packed. An exception is a value that needs more than `width` bits.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "codec/compress.h"

namespace clew::codec {

constexpr size_t kIntRunMax = 1u << 16;  // values of one run: positions have 16 bits

// kNested: for runs that are parts of a run, in one of the forms 0, 1, 2 and 5. kNone: as kFast, and bytes are stored
// without being compressed.
enum class Effort : uint8_t { kNested, kFast, kFull, kNone };

constexpr Method method_of(Effort effort) {
  return effort == Effort::kFull ? Method::kZstd : effort == Effort::kNone ? Method::kStored : Method::kLz4;
}

// Threads: one at a time; keeps its scratch memory.
class IntEncoder {
 public:
  // Requires: at most kIntRunMax values.
  void encode(std::span<const int64_t> values, Effort effort, std::string& out);

 private:
  bool try_units(std::span<const int64_t> values, std::string& out, Effort effort);
  void write_runs(std::span<const int64_t> values, size_t runs, std::string& out);
  bool try_distinct(std::span<const int64_t> values, size_t other_bytes, std::string& out);
  void write_packed_values(int width, std::string& out);
  void encode_in(std::span<const int64_t> values, Effort effort, uint8_t unit, std::string& out);

  std::vector<uint64_t> scratch_;
  std::vector<uint64_t> high_;
  std::vector<int64_t> scaled_;
  std::vector<uint64_t> positions_;
};

// Writes the run's `count` values to `out`.
// Errors: kCorrupt, kUnsupported.
Status decode_ints(base::Reader& in, size_t count, int64_t* out);

// The same for a run of numbers below `limit`.
// Errors: kCorrupt also when one is not.
Status decode_codes(base::Reader& in, size_t count, uint32_t limit, uint32_t* out);

}  // namespace clew::codec
