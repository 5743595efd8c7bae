#include "text/utf8.h"

#include <emmintrin.h>

#include <algorithm>
#include <iterator>

namespace clew::text {
namespace {

struct Range {
  char32_t first;
  char32_t last;
};
struct Fold {
  char32_t from;
  char32_t to;
};
#include "text/unicode_tables.inc"

constexpr Range kCjk[] = {
    {0x3041, 0x30ff},                                                          // kana
    {0x3105, 0x312f},                                                          // bopomofo
    {0x3131, 0x318e},                                                          // hangul letters
    {0x31a0, 0x31bf}, {0x31f0, 0x31ff}, {0x3400, 0x4dbf},   {0x4e00, 0x9fff},  // Han
    {0xac00, 0xd7a3},                                                          // hangul syllables
    {0xf900, 0xfaff}, {0xff66, 0xffdc}, {0x1b000, 0x1b16f}, {0x20000, 0x3134f},
};

template <size_t n>
bool in_ranges(const Range (&ranges)[n], char32_t c) {
  const Range* it =
      std::upper_bound(std::begin(ranges), std::end(ranges), c, [](char32_t v, const Range& r) { return v < r.first; });
  return it != std::begin(ranges) && c <= std::prev(it)->last;
}

uint8_t byte_at(std::string_view text, size_t at) { return static_cast<uint8_t>(text[at]); }

bool continues(std::string_view text, size_t at) { return at < text.size() && (byte_at(text, at) & 0xC0) == 0x80; }

char32_t low6(std::string_view text, size_t at) { return byte_at(text, at) & 0x3Fu; }

}  // namespace

Decoded decode_utf8(std::string_view text, size_t at) {
  uint8_t lead = byte_at(text, at);
  if (lead < 0x80) return {lead, 1};
  if (lead < 0xC2 || lead > 0xF4 || !continues(text, at + 1)) return {};
  if (lead < 0xE0) return {((lead & 0x1Fu) << 6) | low6(text, at + 1), 2};
  if (!continues(text, at + 2)) return {};
  if (lead < 0xF0) {
    char32_t c = ((lead & 0x0Fu) << 12) | (low6(text, at + 1) << 6) | low6(text, at + 2);
    if (c < 0x800 || (c >= 0xD800 && c <= 0xDFFF)) return {};
    return {c, 3};
  }
  if (!continues(text, at + 3)) return {};
  char32_t c = ((lead & 0x07u) << 18) | (low6(text, at + 1) << 12) | (low6(text, at + 2) << 6) | low6(text, at + 3);
  if (c < 0x10000 || c > 0x10FFFF) return {};
  return {c, 4};
}

void append_utf8(char32_t c, std::string& out) {
  auto put = [&](char32_t byte) { out.push_back(static_cast<char>(static_cast<uint8_t>(byte))); };
  if (c < 0x80) {
    put(c);
  } else if (c < 0x800) {
    put(0xC0 | (c >> 6));
    put(0x80 | (c & 0x3F));
  } else if (c < 0x10000) {
    put(0xE0 | (c >> 12));
    put(0x80 | ((c >> 6) & 0x3F));
    put(0x80 | (c & 0x3F));
  } else {
    put(0xF0 | (c >> 18));
    put(0x80 | ((c >> 12) & 0x3F));
    put(0x80 | ((c >> 6) & 0x3F));
    put(0x80 | (c & 0x3F));
  }
}

bool is_ascii(std::string_view text) {
  const char* p = text.data();
  size_t n = text.size();
  __m128i seen = _mm_setzero_si128();
  for (; n >= 16; p += 16, n -= 16) seen = _mm_or_si128(seen, _mm_loadu_si128(reinterpret_cast<const __m128i*>(p)));
  uint8_t tail = 0;
  for (; n > 0; ++p, --n) tail = static_cast<uint8_t>(tail | static_cast<uint8_t>(*p));
  return _mm_movemask_epi8(seen) == 0 && tail < 0x80;
}

bool is_valid_utf8(std::string_view text) {
  if (is_ascii(text)) return true;
  for (size_t at = 0; at < text.size();) {
    Decoded d = decode_utf8(text, at);
    if (d.c == kInvalid) return false;
    at += d.bytes;
  }
  return true;
}

bool is_word_char(char32_t c) {
  if (c < 0x80) {
    char32_t l = c | 0x20;
    return (l >= 'a' && l <= 'z') || (c >= '0' && c <= '9') || c == '_';
  }
  return c != kInvalid && in_ranges(kWordRanges, c);
}

bool is_cjk(char32_t c) { return c >= kCjk[0].first && c != kInvalid && in_ranges(kCjk, c); }

char32_t fold_char(char32_t c) {
  if (c < 0x80) return c >= 'A' && c <= 'Z' ? c + 32 : c;
  const Fold* it =
      std::lower_bound(std::begin(kFolds), std::end(kFolds), c, [](const Fold& f, char32_t v) { return f.from < v; });
  return it != std::end(kFolds) && it->from == c ? it->to : c;
}

}  // namespace clew::text
