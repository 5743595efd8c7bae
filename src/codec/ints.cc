#include "codec/ints.h"

#include <emmintrin.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "base/check.h"
#include "codec/bitpack.h"

namespace clew::codec {
namespace {

enum Form : uint8_t { kConstant = 0, kFrame = 1, kDelta = 2, kRuns = 3, kDistinct = 4, kBytes = 5 };
constexpr std::array<int64_t, 4> kUnits = {1, 1000, 1000000, 1000000000};
constexpr size_t kDistinctMax = 256;
constexpr int kExceptionBits = 24;  // what an exception costs beside its high bits, position and overhead

uint64_t u(int64_t v) { return static_cast<uint64_t>(v); }
int64_t s(uint64_t v) { return static_cast<int64_t>(v); }

// Least width so that packing at it and listing what needs more is smallest.
struct Widths {
  int width = 0;
  int widest = 0;
  size_t bits = 0;
};

Widths choose_width(std::span<const uint64_t> values, Effort effort) {
  uint64_t all = 0;
  for (uint64_t v : values) all |= v;
  Widths best;
  best.width = best.widest = bits_of(all);
  best.bits = values.size() * static_cast<size_t>(best.width);
  if (effort != Effort::kFull || best.widest < 4) return best;
  // Values whose middle is near their greatest have no outliers to set apart.
  uint64_t sum = 0;
  for (uint64_t v : values) sum += v >> 8;
  if (best.widest > 16 && bits_of(sum / values.size()) + 9 >= best.widest && best.widest < 48) return best;
  std::array<size_t, 65> count{};
  for (uint64_t v : values) ++count[static_cast<size_t>(bits_of(v))];
  size_t exceptions = 0;
  for (int width = best.widest - 1; width >= 0; --width) {
    exceptions += count[static_cast<size_t>(width) + 1];
    size_t bits = values.size() * static_cast<size_t>(width) +
                  exceptions * static_cast<size_t>(best.widest - width + kExceptionBits);
    if (bits < best.bits) {
      best.bits = bits;
      best.width = width;
    }
  }
  return best;
}

// What a sample says of the differences of neighbours.
struct Differences {
  int64_t low = 0;       // all but about one in 64 are greater
  uint64_t reach = 0;    // from `low` to the middle one
  bool sampled = false;  // there were enough
};

Differences sample_differences(std::span<const int64_t> values) {
  constexpr size_t kSample = 256;
  size_t n = values.size() - 1;
  if (n < 2 * kSample) return {};
  std::array<int64_t, kSample> sample;
  for (size_t i = 0; i < kSample; ++i) {
    size_t at = i * n / kSample;
    sample[i] = s(u(values[at + 1]) - u(values[at]));
  }
  auto middle = sample.begin() + kSample / 2;
  std::nth_element(sample.begin(), middle, sample.end());
  uint64_t median = u(*middle);
  std::nth_element(sample.begin(), sample.begin() + 2, middle);
  return {sample[2], median - u(sample[2]), true};
}

}  // namespace

void IntEncoder::encode(std::span<const int64_t> values, Effort effort, std::string& out) {
  CHECK(values.size() <= kIntRunMax, values.size());
  if (try_units(values, out, effort)) return;
  encode_in(values, effort, 0, out);
}

// Constant divisors: the compiler multiplies instead of dividing.
template <int64_t kUnit>
bool all_divide(std::span<const int64_t> values) {
  for (int64_t v : values) {
    if (v % kUnit != 0) return false;
  }
  return true;
}

template <int64_t kUnit>
void divide(std::span<const int64_t> values, std::vector<int64_t>& out) {
  out.resize(values.size());
  for (size_t i = 0; i < values.size(); ++i) out[i] = values[i] / kUnit;
}

bool IntEncoder::try_units(std::span<const int64_t> values, std::string& out, Effort effort) {
  if (values.size() < 2 || values[0] == 0 || values[0] % 1000 != 0 || values.back() % 1000 != 0) return false;
  std::vector<int64_t> scaled = std::move(scaled_);
  uint8_t unit = 0;
  if (all_divide<kUnits[3]>(values)) {
    unit = 3;
    divide<kUnits[3]>(values, scaled);
  } else if (all_divide<kUnits[2]>(values)) {
    unit = 2;
    divide<kUnits[2]>(values, scaled);
  } else if (all_divide<kUnits[1]>(values)) {
    unit = 1;
    divide<kUnits[1]>(values, scaled);
  }
  if (unit != 0) encode_in(scaled, effort, static_cast<uint8_t>(unit << 4), out);
  scaled_ = std::move(scaled);
  return unit != 0;
}

void IntEncoder::encode_in(std::span<const int64_t> values, Effort effort, uint8_t unit, std::string& out) {
  base::Writer w(out);
  size_t n = values.size();
  int64_t least = n > 0 ? values[0] : 0;
  size_t runs = n > 0 ? 1 : 0;
  int64_t least_difference = INT64_MAX;
  int64_t most_difference = INT64_MIN;
  for (size_t i = 1; i < n; ++i) {
    least = std::min(least, values[i]);
    int64_t d = s(u(values[i]) - u(values[i - 1]));
    least_difference = std::min(least_difference, d);
    most_difference = std::max(most_difference, d);
    runs += d != 0;
  }
  if (runs <= 1) {
    w.u8(kConstant | unit);
    w.varint_signed(n > 0 ? values[0] : 0);
    return;
  }
  size_t begin = out.size();
  if (effort != Effort::kNested && runs * 8 < n) {
    w.u8(kRuns | unit);
    write_runs(values, runs, out);
    return;
  }
  scratch_.resize(n);
  for (size_t i = 0; i < n; ++i) scratch_[i] = u(values[i]) - u(least);
  Widths frame = choose_width(scratch_, effort);
  int delta_width = bits_of(u(most_difference) - u(least_difference));
  bool delta = delta_width < frame.widest;
  Widths chosen = frame;
  bool tried = delta || (effort == Effort::kFull && frame.width > 8);
  Differences sampled;
  if (tried && effort == Effort::kFull) sampled = sample_differences(values);
  // Half of the differences are as wide as the values themselves.
  if (sampled.sampled && bits_of(sampled.reach) >= frame.width) tried = delta = false;
  if (tried) {
    // A few differences far below the others (where sorted rows begin anew) become exceptions, not the base of all.
    bool outliers = sampled.sampled && u(sampled.low) - u(least_difference) > 2 * sampled.reach;
    if (outliers) least_difference = sampled.low;
    std::vector<uint64_t>& d = high_;
    d.resize(n - 1);
    for (size_t i = 1; i < n; ++i) d[i - 1] = u(values[i]) - u(values[i - 1]) - u(least_difference);
    Widths by_delta = choose_width(d, effort);
    delta = by_delta.bits + 64 < frame.bits;
    if (delta) {
      std::swap(scratch_, high_);
      chosen = by_delta;
    }
  }
  if (effort == Effort::kFull && chosen.width > 1 && try_distinct(values, chosen.bits / 8, out)) {
    out[begin] = static_cast<char>(static_cast<uint8_t>(out[begin]) | unit);
    return;
  }
  if (chosen.bits > n * 48) {
    std::string bytes(n * 8, '\0');
    for (size_t i = 0; i < n; ++i) {
      for (size_t b = 0; b < 8; ++b) bytes[b * n + i] = static_cast<char>(u(values[i]) >> (8 * b));
    }
    w.u8(kBytes | unit);
    write_packed(bytes, method_of(effort), out);
    return;
  }
  w.u8((delta ? kDelta : kFrame) | unit);
  w.varint_signed(delta ? values[0] : least);
  if (delta) w.varint_signed(least_difference);
  write_packed_values(chosen.width, out);
}

void IntEncoder::write_runs(std::span<const int64_t> values, size_t runs, std::string& out) {
  std::vector<int64_t> run_values;
  std::vector<int64_t> lengths;
  run_values.reserve(runs);
  lengths.reserve(runs);
  for (int64_t v : values) {
    if (run_values.empty() || run_values.back() != v) {
      run_values.push_back(v);
      lengths.push_back(0);
    }
    ++lengths.back();
  }
  base::Writer(out).varint(runs);
  encode_in(run_values, Effort::kNested, 0, out);
  encode_in(lengths, Effort::kNested, 0, out);
}

bool IntEncoder::try_distinct(std::span<const int64_t> values, size_t other_bytes, std::string& out) {
  // A small open table; 0 marks a free slot in `used`.
  constexpr size_t kSlots = 1024;
  std::array<int64_t, kSlots> keys;
  std::array<uint16_t, kSlots> codes{};
  std::vector<int64_t> distinct;
  std::vector<uint64_t>& positions = positions_;
  positions.resize(values.size());
  for (size_t i = 0; i < values.size(); ++i) {
    size_t slot = (u(values[i]) * 0x9e3779b97f4a7c15ull) >> 54;
    while (codes[slot] != 0 && keys[slot] != values[i]) slot = (slot + 1) % kSlots;
    if (codes[slot] == 0) {
      if (distinct.size() == kDistinctMax) return false;
      distinct.push_back(values[i]);
      keys[slot] = values[i];
      codes[slot] = static_cast<uint16_t>(distinct.size());
    }
    positions[i] = codes[slot] - 1u;
  }
  int width = bits_of(distinct.size() - 1);
  if (packed_bytes(values.size(), width) + distinct.size() * 8 >= other_bytes) return false;
  base::Writer w(out);
  w.u8(kDistinct);
  w.varint(distinct.size());
  encode_in(distinct, Effort::kNested, 0, out);
  w.u8(static_cast<uint8_t>(width));
  pack_bits(positions.data(), positions.size(), width, out);
  return true;
}

void IntEncoder::write_packed_values(int width, std::string& out) {
  base::Writer w(out);
  w.u8(static_cast<uint8_t>(width));
  std::vector<uint64_t>& values = scratch_;
  high_.clear();
  std::vector<uint16_t> positions;
  uint64_t widest = 0;
  if (width < 64) {
    for (size_t i = 0; i < values.size(); ++i) {
      uint64_t above = values[i] >> width;
      if (above == 0) continue;
      high_.push_back(above);
      widest |= above;
      positions.push_back(static_cast<uint16_t>(i));
      values[i] &= width == 0 ? 0 : (1ull << width) - 1;
    }
  }
  w.varint(high_.size());
  if (!high_.empty()) {
    w.u8(static_cast<uint8_t>(bits_of(widest)));
    for (uint16_t p : positions) w.u16(p);
    pack_bits(high_.data(), high_.size(), bits_of(widest), out);
  }
  pack_bits(values.data(), values.size(), width, out);
}

namespace {

Status read_packed_values(base::Reader& in, size_t count, uint64_t* out) {
  int width = in.u8();
  uint64_t exceptions = in.varint_max(count);
  if (width > 64) return Error(Code::kCorrupt, "a width above 64 bits");
  std::vector<uint64_t> high(exceptions);
  std::string_view positions;
  if (exceptions > 0) {
    int high_width = in.u8();
    if (high_width > 64 || width + high_width > 64) return Error(Code::kCorrupt, "a width above 64 bits");
    positions = in.bytes(exceptions * 2);
    std::string_view packed = in.bytes(packed_bytes(exceptions, high_width));
    CLEW_TRY(in.status());
    unpack_bits(packed, exceptions, high_width, high.data());
  }
  std::string_view packed = in.bytes(packed_bytes(count, width));
  CLEW_TRY(in.status());
  unpack_bits(packed, count, width, out);
  for (size_t i = 0; i < exceptions; ++i) {
    uint16_t p;
    std::memcpy(&p, positions.data() + i * 2, sizeof p);
    if (p >= count || width == 64) return Error(Code::kCorrupt, "an exception outside of its run");
    out[p] |= high[i] << width;
  }
  return {};
}

// Values from their bytes: all lowest ones first.
void join_bytes(const char* bytes, size_t count, uint64_t* out) {
  constexpr size_t kAtOnce = 16;
  auto plane = [&](size_t b, size_t i) {
    return _mm_loadu_si128(reinterpret_cast<const __m128i*>(bytes + b * count + i));
  };
  size_t i = 0;
  for (; i + kAtOnce <= count; i += kAtOnce) {
    auto* to = reinterpret_cast<__m128i*>(out + i);
    __m128i pairs[8];  // two bytes of a value each: of the first eight values, and of the others
    for (size_t b = 0; b < 4; ++b) {
      pairs[2 * b] = _mm_unpacklo_epi8(plane(2 * b, i), plane(2 * b + 1, i));
      pairs[2 * b + 1] = _mm_unpackhi_epi8(plane(2 * b, i), plane(2 * b + 1, i));
    }
    for (size_t half = 0; half < 2; ++half) {
      __m128i low_a = _mm_unpacklo_epi16(pairs[half], pairs[2 + half]);
      __m128i low_b = _mm_unpackhi_epi16(pairs[half], pairs[2 + half]);
      __m128i high_a = _mm_unpacklo_epi16(pairs[4 + half], pairs[6 + half]);
      __m128i high_b = _mm_unpackhi_epi16(pairs[4 + half], pairs[6 + half]);
      _mm_storeu_si128(to++, _mm_unpacklo_epi32(low_a, high_a));
      _mm_storeu_si128(to++, _mm_unpackhi_epi32(low_a, high_a));
      _mm_storeu_si128(to++, _mm_unpacklo_epi32(low_b, high_b));
      _mm_storeu_si128(to++, _mm_unpackhi_epi32(low_b, high_b));
    }
  }
  for (; i < count; ++i) {
    out[i] = 0;
    for (size_t b = 0; b < 8; ++b) out[i] |= static_cast<uint64_t>(static_cast<uint8_t>(bytes[b * count + i])) << 8 * b;
  }
}

Status decode_runs(base::Reader& in, size_t count, int64_t* out);
Status decode_nested(base::Reader& in, size_t count, int64_t* out);

Status decode_form(base::Reader& in, int form, size_t count, int64_t* out) {
  auto* raw = reinterpret_cast<uint64_t*>(out);
  switch (form) {
    case kConstant: {
      std::fill_n(out, count, in.varint_signed());
      return in.status();
    }
    case kFrame: {
      uint64_t least = u(in.varint_signed());
      CLEW_TRY(read_packed_values(in, count, raw));
      for (size_t i = 0; i < count; ++i) raw[i] += least;
      return {};
    }
    case kDelta: {
      uint64_t value = u(in.varint_signed());
      uint64_t least = u(in.varint_signed());
      if (count == 0) return Error(Code::kCorrupt, "differences without values");
      CLEW_TRY(read_packed_values(in, count - 1, raw + 1));
      raw[0] = value;
      for (size_t i = 1; i < count; ++i) raw[i] = value += raw[i] + least;
      return {};
    }
    case kRuns: return decode_runs(in, count, out);
    case kDistinct: {
      uint64_t distinct = in.varint_max(kDistinctMax);
      if (distinct == 0) return Error(Code::kCorrupt, "no distinct values");
      std::array<int64_t, kDistinctMax> values{};
      CLEW_TRY(decode_nested(in, distinct, values.data()));
      int width = in.u8();
      if (width > 8) return Error(Code::kCorrupt, "positions above 8 bits");
      std::string_view packed = in.bytes(packed_bytes(count, width));
      CLEW_TRY(in.status());
      unpack_bits(packed, count, width, raw);
      for (size_t i = 0; i < count; ++i) {
        if (raw[i] >= distinct) return Error(Code::kCorrupt, "a position outside of the distinct values");
        out[i] = values[raw[i]];
      }
      return {};
    }
    case kBytes: {
      std::string bytes;
      CLEW_TRY(read_packed(in, bytes));
      if (bytes.size() != count * 8) return Error(Code::kCorrupt, "bytes of another count");
      join_bytes(bytes.data(), count, raw);
      return {};
    }
    default: return Error(Code::kUnsupported, "unknown form of integers");
  }
}

// A run inside a run is never made of runs again; that bounds the recursion.
Status decode_nested(base::Reader& in, size_t count, int64_t* out) {
  uint8_t tag = in.u8();
  if ((tag & 15) == kRuns || (tag & 15) == kDistinct || tag >> 4 != 0) return Error(Code::kCorrupt, "nested too deep");
  return decode_form(in, tag & 15, count, out);
}

Status decode_runs(base::Reader& in, size_t count, int64_t* out) {
  uint64_t runs = in.varint_max(count);
  std::vector<int64_t> values(runs);
  std::vector<int64_t> lengths(runs);
  CLEW_TRY(decode_nested(in, runs, values.data()));
  CLEW_TRY(decode_nested(in, runs, lengths.data()));
  size_t at = 0;
  for (size_t r = 0; r < runs; ++r) {
    if (lengths[r] < 0 || static_cast<uint64_t>(lengths[r]) > count - at) return Error(Code::kCorrupt, "runs too long");
    std::fill_n(out + at, static_cast<size_t>(lengths[r]), values[r]);
    at += static_cast<size_t>(lengths[r]);
  }
  if (at != count) return Error(Code::kCorrupt, "runs too short");
  return {};
}

}  // namespace

Status decode_ints(base::Reader& in, size_t count, int64_t* out) {
  uint8_t tag = in.u8();
  if (in.failed() || count > kIntRunMax) return Error(Code::kCorrupt, "no integers there");
  size_t unit = tag >> 4;
  if (unit >= kUnits.size()) return Error(Code::kUnsupported, "unknown unit of integers");
  CLEW_TRY(decode_form(in, tag & 15, count, out));
  if (unit != 0) {
    for (size_t i = 0; i < count; ++i) out[i] = s(u(out[i]) * u(kUnits[unit]));
  }
  return {};
}

namespace {

uint32_t greatest(const uint32_t* codes, size_t count) {
  uint32_t most = 0;
  for (size_t i = 0; i < count; ++i) most = std::max(most, codes[i]);
  return most;
}

// A frame of few bits without exceptions, which most codes are. False, with nothing read, when it is not that.
bool decode_frame_of_codes(base::Reader& in, size_t count, uint32_t limit, uint32_t* out) {
  base::Reader probe = in;
  if (probe.u8() != kFrame) return false;
  int64_t least = probe.varint_signed();
  int width = probe.u8();
  uint64_t exceptions = probe.varint();
  if (probe.failed() || exceptions != 0 || width > 31 || least < 0 || least >= limit) return false;
  std::string_view packed = probe.bytes(packed_bytes(count, width));
  if (probe.failed()) return false;
  unpack_bits(packed, count, width, out);
  auto base = static_cast<uint32_t>(least);
  bool fits = (uint64_t{1} << width) - 1 + base < limit;
  if (base != 0) {
    if (!fits && greatest(out, count) >= limit - base) return false;
    for (size_t i = 0; i < count; ++i) out[i] += base;
  } else if (!fits && greatest(out, count) >= limit) {
    return false;
  }
  in = probe;
  return true;
}

}  // namespace

Status decode_codes(base::Reader& in, size_t count, uint32_t limit, uint32_t* out) {
  if (decode_frame_of_codes(in, count, limit, out)) return {};
  std::vector<int64_t> codes(count);
  CLEW_TRY(decode_ints(in, count, codes.data()));
  bool inside = true;
  for (size_t i = 0; i < count; ++i) {
    inside = inside && codes[i] >= 0 && codes[i] < limit;
    out[i] = static_cast<uint32_t>(codes[i]);
  }
  if (!inside) return Error(Code::kCorrupt, "a code outside of its dictionary");
  return {};
}

}  // namespace clew::codec
