// Payment cards' numbers: runs of digits with an issuer's beginning, a length of his, and Luhn's digit.
#include <immintrin.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

#include "process/redact_rules.h"

namespace clew::process {
namespace {

constexpr size_t kDigitsMin = 14;
constexpr size_t kDigitsMax = 19;
constexpr size_t kGroupsMax = 64;  // of digits in one run; a longer run is taken in pieces
constexpr size_t kBlock = 64;

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool in_run(char c) { return is_digit(c) || c == ' ' || c == '-'; }
bool joins(char c) { return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '.'; }

int number_of(std::string_view digits, size_t count) {
  int n = 0;
  for (size_t i = 0; i < count; ++i) n = n * 10 + (digits[i] - '0');
  return n;
}

bool is_issued(std::string_view d) {
  int two = number_of(d, 2);
  int three = number_of(d, 3);
  int four = number_of(d, 4);
  size_t n = d.size();
  if (d[0] == '4') return n == 16 || n == 19;                                                    // Visa
  if (two == 34 || two == 37) return n == 15;                                                    // Amex
  if ((two >= 51 && two <= 55) || (four >= 2221 && four <= 2720)) return n == 16;                // Mastercard
  if (four == 6011 || two == 65 || two == 62 || (three >= 644 && three <= 649)) return n >= 16;  // Discover, UnionPay
  if (four >= 3528 && four <= 3589) return n == 16;                                              // JCB
  return n == 14 && (two == 36 || two == 38 || (three >= 300 && three <= 305));                  // Diners
}

bool passes_luhn(std::string_view digits) {
  int sum = 0;
  bool twice = false;
  for (size_t i = digits.size(); i-- > 0; twice = !twice) {
    int v = digits[i] - '0';
    if (twice) v = v > 4 ? 2 * v - 9 : 2 * v;
    sum += v;
  }
  return sum % 10 == 0;
}

struct Group {
  size_t begin = 0;
  size_t end = 0;
};

// Sizes of the groups that cards are printed in.
constexpr std::array<std::array<size_t, 5>, 4> kPrinted = {
    {{4, 4, 4, 4, 3}, {4, 4, 4, 4, 0}, {4, 6, 5, 0, 0}, {4, 6, 4, 0, 0}}};

bool take(std::string_view text, const Group* groups, size_t count, size_t& begin, size_t& end) {
  std::array<char, 32> digits;
  size_t n = 0;
  for (size_t i = 0; i < count; ++i) {
    for (size_t at = groups[i].begin; at < groups[i].end; ++at) {
      if (n == kDigitsMax) return false;
      digits[n++] = text[at];
    }
  }
  begin = groups[0].begin;
  end = groups[count - 1].end;
  if (begin > 0 && (joins(text[begin - 1]) || (text[begin - 1] == '-' && count == 1))) return false;
  if (end < text.size() &&
      (text[end] == '_' || (text[end] == '-' && count == 1) || (joins(text[end]) && text[end] != '.')))
    return false;
  if (end + 1 < text.size() && text[end] == '.' && is_digit(text[end + 1])) return false;
  if (n > 16 && count == 1) return false;  // ids and hashes have as many; a card's would be printed in groups
  return is_card_number({digits.data(), n});
}

bool printed(std::string_view text, const Group* groups, size_t left, size_t& begin, size_t& end) {
  for (const auto& sizes : kPrinted) {
    size_t count = sizes[3] == 0 ? 3 : sizes[4] == 0 ? 4 : 5;
    if (left < count) continue;
    bool fits = true;
    char separator = text[groups[0].end];
    for (size_t i = 0; i < count && fits; ++i) {
      fits = groups[i].end - groups[i].begin == sizes[i];
      if (i > 0) fits = fits && groups[i].begin - groups[i - 1].end == 1 && text[groups[i - 1].end] == separator;
    }
    if (fits && take(text, groups, count, begin, end)) return true;
  }
  return false;
}

}  // namespace

bool is_card_number(std::string_view digits) {
  return digits.size() >= kDigitsMin && digits.size() <= kDigitsMax && is_issued(digits) && passes_luhn(digits);
}

// Whether the run around `at`, from `first` on, has digits enough for a card; `at` moves behind it. Most runs are dates
// and small numbers side by side: to know that here saves looking at their texts. What lies before `first` is of other
// texts: in a column of numbers it is one run, and to go back over it for each would be quadratic.
static bool has_card_digits(std::string_view text, size_t first, size_t& at) {
  size_t begin = at;
  while (begin > first && in_run(text[begin - 1])) --begin;
  size_t digits = 0;
  size_t end = begin;
  for (; end < text.size() && in_run(text[end]) && digits < kDigitsMin; ++end) digits += is_digit(text[end]) ? 1 : 0;
  if (digits >= kDigitsMin) return true;
  at = std::max(end, at + 1);
  return false;
}

namespace {

// Bits of the 64 bytes that may stand in a run.
uint64_t run_bits(const char* block) {
  const __m128i below = _mm_set1_epi8('0' - 1);
  const __m128i above = _mm_set1_epi8('9' + 1);
  const __m128i space = _mm_set1_epi8(' ');
  const __m128i dash = _mm_set1_epi8('-');
  uint64_t mask = 0;
  for (unsigned i = 0; i < 4; ++i) {
    __m128i v = _mm_loadu_si128(reinterpret_cast<const __m128i*>(block + 16 * i));
    __m128i digit = _mm_and_si128(_mm_cmpgt_epi8(v, below), _mm_cmplt_epi8(v, above));
    __m128i other = _mm_or_si128(_mm_cmpeq_epi8(v, space), _mm_cmpeq_epi8(v, dash));
    auto bits = static_cast<uint32_t>(_mm_movemask_epi8(_mm_or_si128(digit, other)));
    mask |= uint64_t{bits} << (16 * i);
  }
  return mask;
}

__attribute__((target("avx2"))) uint64_t run_bits_wide(const char* block) {
  const __m256i below = _mm256_set1_epi8('0' - 1);
  const __m256i nine = _mm256_set1_epi8('9');
  const __m256i space = _mm256_set1_epi8(' ');
  const __m256i dash = _mm256_set1_epi8('-');
  uint64_t mask = 0;
  for (unsigned i = 0; i < 2; ++i) {
    __m256i v = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(block + 32 * i));
    __m256i digit = _mm256_andnot_si256(_mm256_cmpgt_epi8(v, nine), _mm256_cmpgt_epi8(v, below));
    __m256i other = _mm256_or_si256(_mm256_cmpeq_epi8(v, space), _mm256_cmpeq_epi8(v, dash));
    auto bits = static_cast<uint32_t>(_mm256_movemask_epi8(_mm256_or_si256(digit, other)));
    mask |= uint64_t{bits} << (32 * i);
  }
  return mask;
}

template <class RunBits>
[[gnu::always_inline]] inline size_t find_digits(std::string_view text, size_t from, RunBits run_bits_of) {
  const size_t first = from;
  while (from < text.size()) {
    alignas(32) char last[kBlock];
    const char* block = text.data() + from;
    if (text.size() - from < kBlock) {
      std::memset(last, 0, kBlock);
      std::memcpy(last, block, text.size() - from);
      block = last;
    }
    uint64_t mask = run_bits_of(block);
    // A bit that stays is the first of 14 in a row; or 7 of them lie at this block's edge.
    uint64_t run = mask & mask >> 1;
    run &= run >> 2;
    run &= run >> 4;
    run &= run >> 6;
    constexpr uint64_t kSeven = 0x7f;
    size_t at = from + kBlock;
    if (run != 0)
      at = from + static_cast<size_t>(std::countr_zero(run));
    else if ((mask & kSeven) == kSeven)
      at = from;
    else if (mask >> (kBlock - 7) == kSeven)
      at = from + kBlock - 7;
    if (at < from + kBlock && has_card_digits(text, first, at)) return at;
    from = at;
  }
  return text.size();
}

__attribute__((target("avx2"))) size_t next_digits_wide(std::string_view text, size_t from) {
  return find_digits(text, from, run_bits_wide);
}

}  // namespace

size_t next_digits(std::string_view text, size_t from) {
  static const bool wide = __builtin_cpu_supports("avx2") > 0;
  return wide ? next_digits_wide(text, from) : find_digits(text, from, run_bits);
}

bool next_card(std::string_view text, size_t from, size_t& begin, size_t& end) {
  while (from < text.size()) {
    size_t at = next_digits(text, from);
    if (at >= text.size()) return false;
    size_t run_begin = at;
    while (run_begin > from && in_run(text[run_begin - 1])) --run_begin;
    size_t run_end = at;
    std::array<Group, kGroupsMax> groups;
    size_t count = 0;
    size_t i = run_begin;
    while (i < text.size() && in_run(text[i]) && count < kGroupsMax) {
      if (!is_digit(text[i])) {
        ++i;
        continue;
      }
      Group& group = groups[count++];
      group.begin = i;
      while (i < text.size() && is_digit(text[i])) ++i;
      group.end = i;
    }
    run_end = std::max(i, at + 1);
    for (size_t g = 0; g < count; ++g) {
      if (take(text, &groups[g], 1, begin, end)) return true;
      if (groups[g].end < text.size() && printed(text, &groups[g], count - g, begin, end)) return true;
    }
    from = run_end;
  }
  return false;
}

}  // namespace clew::process
