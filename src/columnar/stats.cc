#include "columnar/stats.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstring>
#include <string>

namespace clew::columnar {
namespace {

using model::Kind;

constexpr double kPowers[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8, 1e9,
                              1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18};
constexpr int64_t kExactMantissa = int64_t{1} << 53;

constexpr uint16_t bit(Kind kind) { return static_cast<uint16_t>(1u << static_cast<int>(kind)); }
constexpr uint16_t kNumberKinds = bit(Kind::kInt) | bit(Kind::kUint) | bit(Kind::kDecimal) | bit(Kind::kFloat);

template <class F>
void for_each_int(const ColumnView& column, F fn) {
  for (uint32_t row = 0; row < column.rows; ++row) {
    if (lane_is_int(column.kind_at(row))) fn(row);
  }
}

ChunkStats int_stats(const ColumnView& column) {
  ChunkStats stats;
  int64_t least = INT64_MAX;
  int64_t most = INT64_MIN;
  if (!column.kinds) {
    for (uint32_t row = 0; row < column.rows; ++row) {
      least = std::min(least, column.ints[row]);
      most = std::max(most, column.ints[row]);
    }
  } else {
    for_each_int(column, [&](uint32_t row) {
      least = std::min(least, column.ints[row]);
      most = std::max(most, column.ints[row]);
    });
  }
  stats.form = StatsForm::kInts;
  stats.int_min = least;
  stats.int_max = most;
  return stats;
}

// Decimals of one scale: the extremes of the mantissas are those of the numbers.
ChunkStats decimal_stats(const ColumnView& column) {
  ChunkStats stats = int_stats(column);
  stats.form = StatsForm::kNumbers;
  stats.number_min = number_of(Kind::kDecimal, stats.int_min, column.scale);
  stats.number_max = number_of(Kind::kDecimal, stats.int_max, column.scale);
  return stats;
}

ChunkStats number_stats(const ColumnView& column) {
  ChunkStats stats;
  double least = INFINITY;
  double most = -INFINITY;
  bool comparable = true;
  for_each_int(column, [&](uint32_t row) {
    uint8_t scale = column.scales ? column.scales[row] : column.scale;
    double v = number_of(static_cast<Kind>(column.kind_at(row)), column.ints[row], scale);
    comparable = comparable && !std::isnan(v);
    least = std::min(least, v);
    most = std::max(most, v);
  });
  if (!comparable) return stats;
  stats.form = StatsForm::kNumbers;
  stats.number_min = least;
  stats.number_max = most;
  return stats;
}

// The first eight bytes as a number that compares like them.
uint64_t prefix_of(std::string_view text) {
  uint64_t bytes = 0;
  if (text.size() >= sizeof bytes) {
    std::memcpy(&bytes, text.data(), sizeof bytes);
    return __builtin_bswap64(bytes);
  }
  for (size_t i = 0; i < text.size(); ++i) bytes |= uint64_t{static_cast<uint8_t>(text[i])} << (56 - 8 * i);
  return bytes;
}

ChunkStats text_stats(const ColumnView& column, const std::vector<std::string_view>* entries) {
  ChunkStats stats;
  std::string_view least;
  std::string_view most;
  uint64_t least_prefix = 0;
  uint64_t most_prefix = 0;
  bool any = false;
  auto see = [&](std::string_view text) {
    uint64_t prefix = prefix_of(text);
    if (!any) {
      least = most = text;
      least_prefix = most_prefix = prefix;
      any = true;
    } else if (prefix > most_prefix ||
               (prefix == most_prefix && text > most)) {  // first: lines begin with rising times
      most = text;
      most_prefix = prefix;
    } else if (prefix < least_prefix || (prefix == least_prefix && text < least)) {
      least = text;
      least_prefix = prefix;
    }
  };
  if (entries) {
    for (std::string_view text : *entries) see(text);
  } else {
    for (uint32_t row = 0; row < column.rows; ++row) {
      if (lane_is_text(column.kind_at(row))) see(column.texts[row]);
    }
  }
  if (!any || least.size() > kStatsTextBytes || most.size() > kStatsTextBytes) return stats;
  stats.form = StatsForm::kTexts;
  stats.text_min = std::string(least);
  stats.text_max = std::string(most);
  return stats;
}

}  // namespace

double number_of(Kind kind, int64_t lane, uint8_t scale) {
  if (kind == Kind::kFloat) {
    double v;
    std::memcpy(&v, &lane, sizeof v);
    return v;
  }
  if (kind == Kind::kUint) return static_cast<double>(static_cast<uint64_t>(lane));
  if (kind != Kind::kDecimal) return static_cast<double>(lane);
  // Both sides exact: the quotient is the double nearest to the decimal.
  if (lane > -kExactMantissa && lane < kExactMantissa) return static_cast<double>(lane) / kPowers[scale];
  std::string text;
  model::print_number(kind, lane, scale, text);
  double v = 0;
  std::from_chars(text.data(), text.data() + text.size(), v);
  return v;
}

ChunkStats stats_of(const ColumnView& column, const Chunk& chunk, const std::vector<std::string_view>* entries) {
  auto kinds = static_cast<uint16_t>(chunk.kinds & ~bit(Kind::kNull));
  if (kinds == bit(Kind::kInt) || kinds == bit(Kind::kTime) || kinds == bit(Kind::kBool)) return int_stats(column);
  if (kinds == bit(Kind::kDecimal) && !column.scales) return decimal_stats(column);
  if (kinds != 0 && (kinds & ~kNumberKinds) == 0) return number_stats(column);
  if (kinds == bit(Kind::kString)) return text_stats(column, entries);
  return {};
}

}  // namespace clew::columnar
