#include "codec/text_forms.h"

#include <tmmintrin.h>

#include <array>
#include <bit>
#include <cstring>

namespace clew::codec {
namespace {

constexpr std::array<uint8_t, 256> make_nibbles() {
  std::array<uint8_t, 256> t{};
  for (size_t i = 0; i < 256; ++i) t[i] = 0xff;
  for (uint8_t i = 0; i < 10; ++i) t[static_cast<size_t>('0' + i)] = i;
  for (uint8_t i = 0; i < 6; ++i) t[static_cast<size_t>('a' + i)] = static_cast<uint8_t>(10 + i);
  return t;
}
constexpr std::array<uint8_t, 256> kNibbles = make_nibbles();

bool parse_hex_slowly(std::string_view text, char* out) {
  for (size_t i = 0; i < text.size(); i += 2) {
    uint8_t high = kNibbles[static_cast<uint8_t>(text[i])];
    uint8_t low = kNibbles[static_cast<uint8_t>(text[i + 1])];
    if ((high | low) > 15) return false;
    out[i / 2] = static_cast<char>(high << 4 | low);
  }
  return true;
}

// Sixteen digits to eight bytes; gives false when one of them is no lower-case hex digit.
bool parse_hex16(const char* text, char* out) {
  __m128i c = _mm_loadu_si128(reinterpret_cast<const __m128i*>(text));
  __m128i digit = _mm_sub_epi8(c, _mm_set1_epi8('0'));
  __m128i letter = _mm_sub_epi8(c, _mm_set1_epi8('a'));
  __m128i is_digit = _mm_cmpeq_epi8(_mm_min_epu8(digit, _mm_set1_epi8(9)), digit);
  __m128i is_letter = _mm_cmpeq_epi8(_mm_min_epu8(letter, _mm_set1_epi8(5)), letter);
  if (_mm_movemask_epi8(_mm_or_si128(is_digit, is_letter)) != 0xffff) return false;
  __m128i nibble =
      _mm_or_si128(_mm_and_si128(is_digit, digit), _mm_and_si128(is_letter, _mm_add_epi8(letter, _mm_set1_epi8(10))));
  // Each pair is high * 16 + low.
  __m128i pairs = _mm_maddubs_epi16(nibble, _mm_set1_epi16(0x0110));
  __m128i bytes = _mm_packus_epi16(pairs, pairs);
  _mm_storel_epi64(reinterpret_cast<__m128i*>(out), bytes);
  return true;
}

void print_hex8(const char* bytes, char* out) {
  __m128i b = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(bytes));
  __m128i high = _mm_and_si128(_mm_srli_epi16(b, 4), _mm_set1_epi8(15));
  __m128i low = _mm_and_si128(b, _mm_set1_epi8(15));
  __m128i nibbles = _mm_unpacklo_epi8(high, low);
  __m128i table = _mm_setr_epi8('0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f');
  _mm_storeu_si128(reinterpret_cast<__m128i*>(out), _mm_shuffle_epi8(table, nibbles));
}

constexpr std::array<size_t, 5> kUuidParts = {8, 4, 4, 4, 12};

}  // namespace

bool parse_hex(std::string_view text, char* out) {
  if (text.size() % 2 != 0) return false;
  size_t at = 0;
  for (; at + 16 <= text.size(); at += 16) {
    if (!parse_hex16(text.data() + at, out + at / 2)) return false;
  }
  return parse_hex_slowly(text.substr(at), out + at / 2);
}

void print_hex(const char* bytes, size_t count, char* out) {
  size_t at = 0;
  for (; at + 8 <= count; at += 8) print_hex8(bytes + at, out + at * 2);
  for (; at < count; ++at) {
    auto b = static_cast<uint8_t>(bytes[at]);
    out[at * 2] = "0123456789abcdef"[b >> 4];
    out[at * 2 + 1] = "0123456789abcdef"[b & 15];
  }
}

bool parse_uuid(std::string_view text, char* out) {
  if (text.size() != kUuidChars || text[8] != '-' || text[13] != '-' || text[18] != '-' || text[23] != '-')
    return false;
  char digits[32];
  size_t from = 0;
  size_t to = 0;
  for (size_t part : kUuidParts) {
    std::memcpy(digits + to, text.data() + from, part);
    to += part;
    from += part + 1;
  }
  return parse_hex(std::string_view(digits, sizeof digits), out);
}

void print_uuid(const char* bytes, char* out) {
  char digits[32];
  print_hex(bytes, kUuidBytes, digits);
  size_t from = 0;
  size_t to = 0;
  for (size_t part : kUuidParts) {
    std::memcpy(out + to, digits + from, part);
    from += part;
    to += part;
    if (to < kUuidChars) out[to++] = '-';
  }
}

namespace {

// Sixteen bytes of which the first are the text's; the others are anything. A load that stays in a page cannot fault,
// whatever lies behind the text; the sanitizers do not know that.
__attribute__((no_sanitize("address", "thread"))) __m128i load16(std::string_view text) {
  constexpr uintptr_t kPageBytes = 4096;
  if ((reinterpret_cast<uintptr_t>(text.data()) & (kPageBytes - 1)) <= kPageBytes - 16) {
    return _mm_loadu_si128(reinterpret_cast<const __m128i*>(text.data()));
  }
  alignas(16) char bytes[16] = {};
  std::memcpy(bytes, text.data(), text.size());
  return _mm_load_si128(reinterpret_cast<const __m128i*>(bytes));
}

}  // namespace

// Without a branch by the length of a part, which would be guessed wrong half of the time.
bool parse_ip4(std::string_view text, uint32_t& out) {
  size_t n = text.size();
  if (n < 7 || n > kIp4CharsMax) return false;
  __m128i c = load16(text);
  // The text behind three bytes of 0, so that the four bytes that end with a part's last digit can be taken together.
  alignas(16) char bytes[32];
  _mm_store_si128(reinterpret_cast<__m128i*>(bytes), _mm_slli_si128(c, 3));
  _mm_store_si128(reinterpret_cast<__m128i*>(bytes + 16), _mm_srli_si128(c, 13));
  __m128i digit = _mm_sub_epi8(c, _mm_set1_epi8('0'));
  auto digits = static_cast<uint32_t>(_mm_movemask_epi8(_mm_cmpeq_epi8(_mm_min_epu8(digit, _mm_set1_epi8(9)), digit)));
  auto dots = static_cast<uint32_t>(_mm_movemask_epi8(_mm_cmpeq_epi8(c, _mm_set1_epi8('.'))));
  uint32_t all = (1u << n) - 1;
  dots &= all;
  if (((digits | dots) & all) != all || std::popcount(dots) != 3) return false;
  dots |= 1u << n;  // the end closes the last part
  uint32_t ip = 0;
  uint32_t begin = 0;
  bool bad = false;
  for (int part = 0; part < 4; ++part) {
    auto end = static_cast<uint32_t>(std::countr_zero(dots));
    dots &= dots - 1;
    uint32_t length = end - begin;
    if (length - 1 > 2) return false;
    uint32_t four;
    std::memcpy(&four, bytes + end - 1, sizeof four);  // the part's last digit in the uppermost byte
    four = (four & (0xffffffffu << (8 * (4 - length)))) - (0x30303030u & (0xffffffffu << (8 * (4 - length))));
    uint32_t v = (four >> 24) + (four >> 16 & 15) * 10 + (four >> 8 & 15) * 100;
    bool leading_zero = length > 1 && (four >> (8 * (4 - length)) & 15) == 0;
    bad |= v > 255 || leading_zero;
    ip = ip << 8 | v;
    begin = end + 1;
  }
  if (bad) return false;
  out = ip;
  return true;
}

size_t print_ip4(uint32_t ip, char* out) {
  char* to = out;
  for (int shift = 24; shift >= 0; shift -= 8) {
    uint32_t v = ip >> shift & 255;
    if (v >= 100) *to++ = static_cast<char>('0' + v / 100);
    if (v >= 10) *to++ = static_cast<char>('0' + v / 10 % 10);
    *to++ = static_cast<char>('0' + v % 10);
    if (shift > 0) *to++ = '.';
  }
  return static_cast<size_t>(to - out);
}

}  // namespace clew::codec
