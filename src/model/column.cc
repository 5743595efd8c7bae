#include "model/column.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstring>

namespace clew::model {
namespace {

constexpr size_t kDigitsMax = 18;  // any 18 digits fit an int64

struct Digits {
  int64_t value = 0;
  size_t count = 0;
};

Digits read_digits(std::string_view token, size_t at) {
  Digits d;
  while (at + d.count < token.size() && d.count <= kDigitsMax) {
    auto c = static_cast<unsigned char>(token[at + d.count] - '0');
    if (c > 9) break;
    if (d.count < kDigitsMax) d.value = d.value * 10 + c;  // one more digit only counts
    ++d.count;
  }
  return d;
}

}  // namespace

void TextBuffer::grow(size_t n) {
  constexpr size_t kFirstBytes = 512;
  size_t wanted = std::max({kFirstBytes, size_ + n, capacity_ * 2});
  std::unique_ptr<char[]> larger(new char[wanted]);
  if (size_ > 0) std::memcpy(larger.get(), bytes_.get(), size_);
  bytes_ = std::move(larger);
  capacity_ = wanted;
}

void Column::add_float(uint32_t row, double v) {
  int64_t bits;
  std::memcpy(&bits, &v, sizeof bits);
  add_int_lane(row, Kind::kFloat, bits);
}

void Column::add_number(uint32_t row, std::string_view token) {
  bool negative = !token.empty() && token[0] == '-';
  size_t start = negative ? 1 : 0;
  Digits whole = read_digits(token, start);
  size_t end = start + whole.count;
  if (end == token.size() && whole.count <= kDigitsMax && whole.count > 0 && !(negative && whole.value == 0)) {
    add_int(row, negative ? -whole.value : whole.value);
    return;
  }
  if (end < token.size() && token[end] == '.' && whole.count > 0 && whole.count < kDigitsMax) {
    Digits fraction = read_digits(token, end + 1);
    bool plain = end + 1 + fraction.count == token.size() && whole.count + fraction.count <= kDigitsMax;
    if (plain && fraction.count > 0) {
      int64_t mantissa = whole.value;
      for (size_t i = 0; i < fraction.count; ++i) mantissa *= 10;
      mantissa += fraction.value;
      if (!(negative && mantissa == 0)) {
        add_decimal(row, negative ? -mantissa : mantissa, static_cast<uint8_t>(fraction.count));
        return;
      }
    }
  }
  int64_t as_int = 0;
  auto [int_end, int_error] = std::from_chars(token.data(), token.data() + token.size(), as_int);
  if (int_error == std::errc() && int_end == token.data() + token.size() && !(negative && as_int == 0)) {
    add_int(row, as_int);
    return;
  }
  uint64_t as_uint = 0;
  auto [uint_end, uint_error] = std::from_chars(token.data(), token.data() + token.size(), as_uint);
  if (uint_error == std::errc() && uint_end == token.data() + token.size()) {
    add_uint(row, as_uint);
    return;
  }
  double as_double = 0;
  auto [double_end, double_error] = std::from_chars(token.data(), token.data() + token.size(), as_double);
  if (double_error == std::errc() && double_end == token.data() + token.size()) {
    char printed[32];
    auto [print_end, print_error] = std::to_chars(printed, printed + sizeof printed, as_double);
    if (print_error == std::errc() && std::string_view(printed, static_cast<size_t>(print_end - printed)) == token) {
      add_float(row, as_double);
      return;
    }
  }
  add_text(row, Kind::kNumberText, token);
}

void Column::begin_run(uint32_t row, Kind kind) { runs_.push_back({row, 1, kind}); }

void Column::reserve(const Sizes& sizes) {
  ints_.reserve(sizes.ints);
  scales_.reserve(sizes.scales);
  text_ends_.reserve(sizes.texts);
  if (sizes.text_bytes > 0) text_.room(sizes.text_bytes);
}

void Column::clear() {
  runs_.clear();
  ints_.clear();
  scales_.clear();
  text_.shrink(0);
  text_ends_.clear();
  values_ = 0;
}

void Column::truncate_rows(uint32_t row) {
  while (!runs_.empty() && rows_end() > row) {
    KindRun& last = runs_.back();
    uint32_t keep = last.row < row ? row - last.row : 0;
    uint32_t gone = last.count - keep;
    values_ -= gone;
    if (kind_has_int(last.kind)) ints_.erase(ints_.end() - static_cast<std::ptrdiff_t>(gone), ints_.end());
    if (last.kind == Kind::kDecimal) scales_.erase(scales_.end() - static_cast<std::ptrdiff_t>(gone), scales_.end());
    if (kind_has_text(last.kind)) {
      text_ends_.erase(text_ends_.end() - static_cast<std::ptrdiff_t>(gone), text_ends_.end());
      text_.shrink(text_ends_.empty() ? 0 : text_ends_.back());
    }
    last.count = keep;
    if (keep == 0) runs_.pop_back();
  }
}

size_t Column::memory_bytes() const {
  return sizeof *this + name_.capacity() + runs_.capacity() * sizeof(KindRun) + ints_.capacity() * sizeof(int64_t) +
         scales_.capacity() + text_.capacity() + text_ends_.capacity() * sizeof(uint32_t);
}

void print_number(Kind kind, int64_t lane, uint8_t scale, std::string& out) {
  char buffer[40];
  char* end = buffer;
  if (kind == Kind::kFloat) {
    double v;
    std::memcpy(&v, &lane, sizeof v);
    end = std::to_chars(buffer, buffer + sizeof buffer, v).ptr;
  } else if (kind == Kind::kUint) {
    end = std::to_chars(buffer, buffer + sizeof buffer, static_cast<uint64_t>(lane)).ptr;
  } else if (kind == Kind::kDecimal) {
    uint64_t magnitude = lane < 0 ? 0 - static_cast<uint64_t>(lane) : static_cast<uint64_t>(lane);
    char digits[24];
    char* digits_end = std::to_chars(digits, digits + sizeof digits, magnitude).ptr;
    size_t count = static_cast<size_t>(digits_end - digits);
    if (lane < 0) *end++ = '-';
    size_t whole = count > scale ? count - scale : 0;
    if (whole == 0) *end++ = '0';
    std::memcpy(end, digits, whole);
    end += whole;
    *end++ = '.';
    for (size_t i = count - whole; i < scale; ++i) *end++ = '0';
    std::memcpy(end, digits + whole, count - whole);
    end += count - whole;
  } else {
    end = std::to_chars(buffer, buffer + sizeof buffer, lane).ptr;
  }
  out.append(buffer, static_cast<size_t>(end - buffer));
}

}  // namespace clew::model
