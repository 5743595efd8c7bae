#include "metricstore/value_coder.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>

namespace clew::metricstore {
namespace {

// What is coded; on disk.
enum class Order : uint8_t {
  kValues = 0,
  kDeltas = 1,       // differences of neighbours
  kDeltaDeltas = 2,  // differences of those
};
constexpr uint8_t kUnsigned = 0x80;  // with the order: no number is below the base, they are written without sign

constexpr size_t kRunSymbol =
    65;  // 0 to 64: lengths of numbers in bits; from here on: 2^k zeros and k bits more of them
constexpr size_t kSymbols = kRunSymbol + 13;
constexpr int kCodeBitsMax = 12;
using Lengths = std::array<uint8_t, kSymbols>;
using Counts = std::array<uint32_t, kSymbols>;

uint64_t u(int64_t v) { return static_cast<uint64_t>(v); }
int64_t s(uint64_t v) { return static_cast<int64_t>(v); }

// Bits of an entropy code for the lengths of numbers, and the numbers' own.
double cost_of(const std::array<uint32_t, 65>& counts, size_t all) {
  double bits = 0;
  const double total = std::log2(static_cast<double>(all));
  for (size_t c = 0; c < counts.size(); ++c) {
    if (counts[c] == 0) continue;
    auto n = static_cast<double>(counts[c]);
    bits += n * (total - std::log2(n) + (c > 1 ? static_cast<double>(c - 1) : 0)) + 4;
  }
  return bits;
}

// Lengths of a Huffman code, none above kCodeBitsMax. One symbol alone has length 1.
Lengths lengths_of(const Counts& counts) {
  struct Node {
    uint64_t weight;
    int left, right;
  };
  std::vector<Node> nodes;
  std::vector<int> open;
  std::vector<uint8_t> used;
  for (size_t c = 0; c < kSymbols; ++c) {
    if (counts[c] == 0) continue;
    used.push_back(static_cast<uint8_t>(c));
    nodes.push_back({counts[c], -1, -1});
    open.push_back(static_cast<int>(nodes.size()) - 1);
  }
  Lengths lengths{};
  if (used.size() == 1) {
    lengths[used[0]] = 1;
    return lengths;
  }
  auto heavier = [&](int a, int b) {
    const Node &x = nodes[static_cast<size_t>(a)], &y = nodes[static_cast<size_t>(b)];
    return x.weight != y.weight ? x.weight > y.weight : a > b;
  };
  std::make_heap(open.begin(), open.end(), heavier);
  auto take = [&] {
    std::pop_heap(open.begin(), open.end(), heavier);
    int node = open.back();
    open.pop_back();
    return node;
  };
  while (open.size() > 1) {
    int left = take(), right = take();
    nodes.push_back({nodes[static_cast<size_t>(left)].weight + nodes[static_cast<size_t>(right)].weight, left, right});
    open.push_back(static_cast<int>(nodes.size()) - 1);
    std::push_heap(open.begin(), open.end(), heavier);
  }
  // A parent stands behind its children.
  std::vector<uint8_t> depth(nodes.size());
  for (size_t i = nodes.size(); i-- > used.size();) {
    depth[static_cast<size_t>(nodes[i].left)] = depth[static_cast<size_t>(nodes[i].right)] =
        static_cast<uint8_t>(depth[i] + 1);
  }
  uint32_t room = 0;  // used of 2^kCodeBitsMax
  for (size_t i = 0; i < used.size(); ++i) {
    lengths[used[i]] = std::min<uint8_t>(depth[i], kCodeBitsMax);
    room += 1u << (kCodeBitsMax - lengths[used[i]]);
  }
  // Cut lengths take more room than there is: the rarest that are not longest become longer.
  while (room > 1u << kCodeBitsMax) {
    size_t longest = kSymbols;
    for (uint8_t c : used) {
      if (lengths[c] < kCodeBitsMax && (longest == kSymbols || lengths[c] > lengths[longest])) longest = c;
    }
    ++lengths[longest];
    room -= 1u << (kCodeBitsMax - lengths[longest]);
  }
  return lengths;
}

// Codes in the order of lengths, then symbols; bits reversed, as the stream is read from its low end.
std::array<uint16_t, kSymbols> codes_of(const Lengths& lengths) {
  std::array<uint16_t, kSymbols> codes{};
  uint32_t next = 0;
  for (int length = 1; length <= kCodeBitsMax; ++length) {
    next <<= 1;
    for (size_t c = 0; c < kSymbols; ++c) {
      if (lengths[c] != length) continue;
      uint32_t reversed = 0;
      for (int b = 0; b < length; ++b) reversed |= (next >> b & 1) << (length - 1 - b);
      codes[c] = static_cast<uint16_t>(reversed);
      ++next;
    }
  }
  return codes;
}

void write_lengths(const Lengths& lengths, size_t from, size_t to, base::Writer& out) {
  size_t first = from, end = to;
  while (first < end && lengths[first] == 0) ++first;
  while (end > first && lengths[end - 1] == 0) --end;
  out.u8(static_cast<uint8_t>(end - first));
  if (first == end) return;
  out.u8(static_cast<uint8_t>(first - from));
  for (size_t c = first; c < end; c += 2) {
    out.u8(static_cast<uint8_t>(lengths[c] | (c + 1 < end ? lengths[c + 1] << 4 : 0)));
  }
}

void read_lengths(base::Reader& in, size_t from, size_t to, Lengths& lengths) {
  size_t count = in.u8();
  if (count == 0) return;
  size_t first = from + in.u8();
  if (first + count > to) return in.fail();
  for (size_t i = 0; i < count; i += 2) {
    uint8_t two = in.u8();
    lengths[first + i] = two & 0xF;
    if (i + 1 < count) lengths[first + i + 1] = two >> 4;
  }
}

class BitWriter {
 public:
  explicit BitWriter(std::string& out) : out_(out) {}
  void put(uint64_t bits, int count) {
    if (count > 32) {
      put(bits & 0xFFFFFFFF, 32);
      bits >>= 32;
      count -= 32;
    }
    word_ |= bits << filled_;
    filled_ += count;
    while (filled_ >= 8) {
      out_.push_back(static_cast<char>(word_));
      word_ >>= 8;
      filled_ -= 8;
    }
  }
  void finish() {
    if (filled_ > 0) out_.push_back(static_cast<char>(word_));
  }

 private:
  std::string& out_;
  uint64_t word_ = 0;
  int filled_ = 0;
};

// Reads behind its end as zeros, and knows that it did.
class BitReader {
 public:
  explicit BitReader(std::string_view in) : in_(in) {}
  // At least 56 bits.
  uint64_t peek() const {
    uint64_t word = 0;
    size_t byte = at_ >> 3;
    if (byte + 8 <= in_.size()) {
      std::memcpy(&word, in_.data() + byte, 8);
    } else if (byte < in_.size()) {
      std::memcpy(&word, in_.data() + byte, in_.size() - byte);
    }
    return word >> (at_ & 7);
  }
  void skip(int bits) { at_ += static_cast<size_t>(bits); }
  uint64_t take(int bits) {
    if (bits > 32) {
      uint64_t low = take(32);
      return low | take(bits - 32) << 32;
    }
    uint64_t got = peek() & ((uint64_t{1} << bits) - 1);
    skip(bits);
    return got;
  }
  bool over() const { return at_ > in_.size() * 8; }
  bool done() const { return !over() && (at_ + 7) / 8 == in_.size(); }

 private:
  std::string_view in_;
  size_t at_ = 0;
};

}  // namespace

struct ValueCoder::Plan {
  Order order = Order::kValues;
  bool with_sign = true;
  int64_t base = 0;
  double bits = 1e300;
};

// Tries the orders and bases; the best one's numbers lie in chosen_ then.
ValueCoder::Plan ValueCoder::choose(std::span<const int64_t> values) {
  Plan best;
  auto attempt = [&](Order order, std::span<const uint64_t> numbers, int64_t from, bool with_sign) {
    std::array<uint32_t, 65> counts{};
    for (uint64_t v : numbers) {
      uint64_t number = v - u(from);
      if (with_sign) number = base::zigzag(s(number));
      ++counts[static_cast<size_t>(std::bit_width(number))];
    }
    double bits = cost_of(counts, numbers.size());
    if (bits >= best.bits) return;
    best = {order, with_sign, from, bits};
  };
  auto attempt_bases = [&](Order order, std::span<const uint64_t> numbers) {
    sorted_.assign(numbers.begin(), numbers.end());
    auto middle = sorted_.begin() + static_cast<ptrdiff_t>(sorted_.size() / 2);
    auto less = [](uint64_t a, uint64_t b) { return s(a) < s(b); };
    std::nth_element(sorted_.begin(), middle, sorted_.end(), less);
    int64_t median = s(*middle);
    int64_t least = s(*std::min_element(sorted_.begin(), middle + 1, less));
    attempt(order, numbers, median, true);
    attempt(order, numbers, least, false);
    if (median != 0 && least != 0) attempt(order, numbers, 0, true);
  };
  const size_t n = values.size();
  std::span<const uint64_t> all(reinterpret_cast<const uint64_t*>(values.data()), n);
  attempt_bases(Order::kValues, all);
  deltas_.resize(n - 1);
  for (size_t i = 1; i < n; ++i) deltas_[i - 1] = all[i] - all[i - 1];
  if (n > 1) attempt_bases(Order::kDeltas, deltas_);
  if (n > 2) {
    chosen_.resize(n - 2);
    for (size_t i = 2; i < n; ++i) chosen_[i - 2] = deltas_[i - 1] - deltas_[i - 2];
    attempt(Order::kDeltaDeltas, chosen_, 0, true);
  }
  if (best.order == Order::kValues) chosen_.assign(all.begin(), all.end());
  if (best.order == Order::kDeltas) chosen_ = deltas_;
  for (uint64_t& v : chosen_) v = best.with_sign ? base::zigzag(s(v - u(best.base))) : v - u(best.base);
  return best;
}

void ValueCoder::to_symbols() {
  symbols_.clear();
  rest_.clear();
  for (size_t i = 0; i < chosen_.size();) {
    uint64_t v = chosen_[i];
    if (v != 0) {
      auto length = static_cast<int>(std::bit_width(v));
      symbols_.push_back(static_cast<uint8_t>(length));
      rest_.push_back(v ^ (uint64_t{1} << (length - 1)));
      ++i;
      continue;
    }
    size_t end = i + 1;
    while (end < chosen_.size() && chosen_[end] == 0) ++end;
    const size_t run = end - i;
    int k = static_cast<int>(std::bit_width(run)) - 1;
    symbols_.push_back(static_cast<uint8_t>(run == 1 ? 0 : kRunSymbol + static_cast<size_t>(k)));
    rest_.push_back(run - (size_t{1} << k));
    i = end;
  }
}

bool ValueCoder::encode(std::span<const int64_t> values, size_t bytes_max, std::string& out) {
  Plan plan = choose(values);
  const size_t began = out.size();
  to_symbols();
  base::Writer to(out);
  to.u8(static_cast<uint8_t>(static_cast<uint8_t>(plan.order) | (plan.with_sign ? 0 : kUnsigned)));
  to.varint_signed(plan.base);
  if (plan.order != Order::kValues) to.varint_signed(values[0]);
  if (plan.order == Order::kDeltaDeltas) to.varint_signed(s(deltas_[0]));
  Counts counts{};
  for (uint8_t symbol : symbols_) ++counts[symbol];
  Lengths lengths{};
  if (!symbols_.empty()) lengths = lengths_of(counts);
  std::array<uint16_t, kSymbols> codes = codes_of(lengths);
  uint64_t bits = 0;
  auto rest_bits = [](uint8_t symbol) {
    return symbol >= kRunSymbol ? static_cast<int>(symbol - kRunSymbol) : symbol > 1 ? symbol - 1 : 0;
  };
  for (size_t c = 0; c < kSymbols; ++c) {
    if (counts[c] > 0)
      bits += uint64_t{counts[c]} * static_cast<uint64_t>(lengths[c] + rest_bits(static_cast<uint8_t>(c)));
  }
  write_lengths(lengths, 0, kRunSymbol, to);
  write_lengths(lengths, kRunSymbol, kSymbols, to);
  to.varint((bits + 7) / 8);
  if (out.size() - began + (bits + 7) / 8 >= bytes_max) {
    out.resize(began);
    return false;
  }
  BitWriter stream(out);
  for (size_t i = 0; i < symbols_.size(); ++i) {
    stream.put(codes[symbols_[i]], lengths[symbols_[i]]);
    if (int more = rest_bits(symbols_[i]); more > 0) stream.put(rest_[i], more);
  }
  stream.finish();
  return true;
}

namespace {

struct Entry {
  uint8_t symbol = 0;
  uint8_t length = 0;  // 0: no code
};

// Errors: kCorrupt for lengths that are no prefix code.
Status make_table(const Lengths& lengths, std::vector<Entry>& table, int& table_bits) {
  table_bits = 0;
  uint32_t room = 0;
  for (uint8_t length : lengths) {
    if (length > kCodeBitsMax) return Error(Code::kCorrupt, "a code of a metric chunk is too long");
    table_bits = std::max<int>(table_bits, length);
    if (length > 0) room += 1u << (kCodeBitsMax - length);
  }
  if (room > 1u << kCodeBitsMax) return Error(Code::kCorrupt, "the codes of a metric chunk are no prefix code");
  table.assign(size_t{1} << table_bits, Entry());
  std::array<uint16_t, kSymbols> codes = codes_of(lengths);
  for (size_t c = 0; c < kSymbols; ++c) {
    if (lengths[c] == 0) continue;
    for (size_t at = codes[c]; at < table.size(); at += size_t{1} << lengths[c]) {
      table[at] = {static_cast<uint8_t>(c), lengths[c]};
    }
  }
  return {};
}

// Numbers as they were before sign and base were taken off.
Status read_numbers(base::Reader& in, size_t count, uint64_t* out) {
  Lengths lengths{};
  read_lengths(in, 0, kRunSymbol, lengths);
  read_lengths(in, kRunSymbol, kSymbols, lengths);
  uint64_t bytes = in.varint();
  std::string_view stream = in.bytes(bytes);
  CLEW_TRY(in.status());
  if (count == 0) return {};
  thread_local std::vector<Entry> table;
  int table_bits = 0;
  CLEW_TRY(make_table(lengths, table, table_bits));
  const uint64_t mask = (uint64_t{1} << table_bits) - 1;
  BitReader bits(stream);
  for (size_t i = 0; i < count;) {
    Entry entry = table[bits.peek() & mask];
    bits.skip(entry.length);
    if (entry.length == 0 || bits.over()) return Error(Code::kCorrupt, "a metric chunk's codes end too early");
    if (entry.symbol >= kRunSymbol) {
      int k = entry.symbol - static_cast<int>(kRunSymbol);
      uint64_t run = (uint64_t{1} << k) + bits.take(k);
      if (run > count - i) return Error(Code::kCorrupt, "a metric chunk has more values than times");
      std::fill(out + i, out + i + run, 0);
      i += run;
    } else if (entry.symbol == 0) {
      out[i++] = 0;
    } else {
      int length = entry.symbol - 1;
      out[i++] = uint64_t{1} << length | bits.take(length);
    }
  }
  if (!bits.done()) return Error(Code::kCorrupt, "a metric chunk's codes do not end with its values");
  return {};
}

}  // namespace

Status decode_coded(base::Reader& in, size_t count, int64_t* out) {
  uint8_t head = in.u8();
  auto order = static_cast<Order>(head & ~kUnsigned);
  const bool with_sign = (head & kUnsigned) == 0;
  const uint64_t base = u(in.varint_signed());
  const size_t skipped = static_cast<size_t>(order);
  if (order > Order::kDeltaDeltas || count < std::max<size_t>(1, skipped)) in.fail();
  uint64_t first = order != Order::kValues ? u(in.varint_signed()) : 0;
  uint64_t delta = order == Order::kDeltaDeltas ? u(in.varint_signed()) : 0;
  CLEW_TRY(in.status());
  auto* numbers = reinterpret_cast<uint64_t*>(out);
  CLEW_TRY(read_numbers(in, count - skipped, numbers + skipped));
  if (with_sign) {
    for (size_t i = skipped; i < count; ++i) numbers[i] = u(base::unzigzag(numbers[i])) + base;
  } else {
    for (size_t i = skipped; i < count; ++i) numbers[i] += base;
  }
  if (order == Order::kValues) return {};
  numbers[0] = first;
  if (order == Order::kDeltas) {
    for (size_t i = 1; i < count; ++i) numbers[i] += numbers[i - 1];
    return {};
  }
  numbers[1] = first + delta;
  for (size_t i = 2; i < count; ++i) {
    delta += numbers[i];
    numbers[i] = numbers[i - 1] + delta;
  }
  return {};
}

}  // namespace clew::metricstore
