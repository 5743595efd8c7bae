#include "wire/xor_chunk.h"

#include <bit>

#include "base/check.h"

namespace clew::wire {
namespace {

class BitWriter {
 public:
  explicit BitWriter(std::string& out) : out_(out) {}
  // The lowest `bits` of the value, the highest first.
  void put(uint64_t value, int bits) {
    for (int i = bits - 1; i >= 0; --i) {
      if (free_ == 0) {
        out_ += '\0';
        free_ = 8;
      }
      --free_;
      if ((value >> i & 1) != 0) out_.back() = static_cast<char>(out_.back() | (1 << free_));
    }
  }
  void varint(uint64_t value) {
    for (; value >= 0x80; value >>= 7) put((value & 0x7f) | 0x80, 8);
    put(value, 8);
  }

 private:
  std::string& out_;
  int free_ = 0;  // bits of the last byte
};

class BitReader {
 public:
  explicit BitReader(std::string_view in) : in_(in) {}
  uint64_t take(int bits) {
    uint64_t value = 0;
    for (int i = 0; i < bits; ++i) {
      if (at_ / 8 >= in_.size()) {
        failed_ = true;
        return 0;
      }
      value = (value << 1) | (static_cast<uint8_t>(in_[at_ / 8]) >> (7 - at_ % 8) & 1);
      ++at_;
    }
    return value;
  }
  uint64_t varint() {
    uint64_t value = 0;
    for (int shift = 0; shift < 64 && !failed_; shift += 7) {
      uint64_t byte = take(8);
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
    failed_ = true;
    return 0;
  }
  bool failed() const { return failed_; }

 private:
  std::string_view in_;
  size_t at_ = 0;  // in bits
  bool failed_ = false;
};

// A number of `bits` bits: half of them, and one more, above zero.
bool fits(int64_t value, int bits) {
  return -((int64_t{1} << (bits - 1)) - 1) <= value && value <= int64_t{1} << (bits - 1);
}

constexpr int kDeltaBits[] = {14, 17, 20};

void put_delta(int64_t delta, BitWriter& out) {
  if (delta == 0) return out.put(0, 1);
  uint64_t prefix = 0b10;
  int prefix_bits = 2;
  for (int bits : kDeltaBits) {
    if (fits(delta, bits)) {
      out.put(prefix, prefix_bits);
      return out.put(static_cast<uint64_t>(delta), bits);
    }
    prefix = (prefix | 1) << 1;
    ++prefix_bits;
  }
  out.put(0b1111, 4);
  out.put(static_cast<uint64_t>(delta), 64);
}

int64_t take_delta(BitReader& in) {
  if (in.take(1) == 0) return 0;
  for (int bits : kDeltaBits) {
    if (in.take(1) != 0) continue;
    uint64_t value = in.take(bits);
    if (value > uint64_t{1} << (bits - 1)) value -= uint64_t{1} << bits;
    return static_cast<int64_t>(value);
  }
  return static_cast<int64_t>(in.take(64));
}

// The bits that two values differ in, and where the last difference lay.
struct ValueState {
  uint64_t bits = 0;
  int leading = 0xff;  // none yet
  int trailing = 0;
};

void put_value(double value, ValueState& state, BitWriter& out) {
  uint64_t bits = std::bit_cast<uint64_t>(value);
  uint64_t change = bits ^ state.bits;
  state.bits = bits;
  if (change == 0) return out.put(0, 1);
  int leading = std::min(std::countl_zero(change), 31);  // five bits
  int trailing = std::countr_zero(change);
  if (state.leading != 0xff && leading >= state.leading && trailing >= state.trailing) {
    out.put(0b10, 2);
    return out.put(change >> state.trailing, 64 - state.leading - state.trailing);
  }
  state.leading = leading;
  state.trailing = trailing;
  int meaning = 64 - leading - trailing;
  out.put(0b11, 2);
  out.put(static_cast<uint64_t>(leading), 5);
  out.put(static_cast<uint64_t>(meaning & 63), 6);  // 64 is written as 0
  out.put(change >> trailing, meaning);
}

bool take_value(ValueState& state, BitReader& in) {
  if (in.take(1) == 0) return true;
  if (in.take(1) != 0) {
    state.leading = static_cast<int>(in.take(5));
    int meaning = static_cast<int>(in.take(6));
    if (meaning == 0) meaning = 64;
    state.trailing = 64 - state.leading - meaning;
  }
  if (state.leading == 0xff || state.trailing < 0) return false;
  state.bits ^= in.take(64 - state.leading - state.trailing) << state.trailing;
  return true;
}

}  // namespace

void encode_xor_chunk(std::span<const int64_t> millis, std::span<const double> values, std::string& out) {
  CHECK(!millis.empty() && millis.size() <= kXorChunkSamplesMax && millis.size() == values.size(), millis.size());
  BitWriter writer(out);
  writer.put(millis.size(), 16);
  // Signed, as a varint of its zigzag.
  writer.varint((static_cast<uint64_t>(millis[0]) << 1) ^ static_cast<uint64_t>(millis[0] >> 63));
  ValueState state;
  state.bits = std::bit_cast<uint64_t>(values[0]);
  writer.put(state.bits, 64);
  int64_t step = 0;
  for (size_t i = 1; i < millis.size(); ++i) {
    int64_t delta = millis[i] - millis[i - 1];
    if (i == 1) {
      writer.varint(static_cast<uint64_t>(delta));
    } else {
      put_delta(delta - step, writer);
    }
    step = delta;
    put_value(values[i], state, writer);
  }
}

Status decode_xor_chunk(std::string_view chunk, std::vector<model::Sample>& out) {
  BitReader in(chunk);
  uint64_t count = in.take(16);
  ValueState state;
  int64_t at = 0;
  uint64_t step = 0;
  for (uint64_t i = 0; i < count && !in.failed(); ++i) {
    if (i == 0) {
      uint64_t first = in.varint();
      at = static_cast<int64_t>((first >> 1) ^ (0 - (first & 1)));
      state.bits = in.take(64);
    } else {
      // Sums wrap: what is no chunk must not overflow.
      step = i == 1 ? in.varint() : step + static_cast<uint64_t>(take_delta(in));
      at = static_cast<int64_t>(static_cast<uint64_t>(at) + step);
      if (!take_value(state, in)) return Error(Code::kInvalid, "no chunk of samples: a value refers to none before it");
    }
    if (!in.failed()) out.push_back({at, std::bit_cast<double>(state.bits)});
  }
  if (in.failed()) return Error(Code::kInvalid, "no chunk of samples: it ends early");
  return {};
}

}  // namespace clew::wire
