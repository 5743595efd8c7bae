// The inner loops of JSON reading: strings, numbers and blanks over raw bytes. Nothing here allocates.
//
// Every function takes `p` and `end`, reads only [p, end), and gives the place after what it read, or null when the
// bytes are not that.
#pragma once

#include <smmintrin.h>

#include <bit>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace clew::wire {

// Whether a newline is a blank: not where each line is a document of its own.
enum class Newlines : uint8_t { kBlank, kEndDocument };

// What a string holds beside plain ASCII.
constexpr unsigned kSawEscape = 1;
constexpr unsigned kSawHigh = 2;  // bytes above 0x7F

namespace scan {

inline bool is_digit(char c) { return static_cast<unsigned char>(c - '0') <= 9; }
inline bool is_hex(char c) {
  char l = static_cast<char>(c | 0x20);
  return is_digit(c) || (l >= 'a' && l <= 'f');
}

template <Newlines kNewlines>
inline const char* blanks(const char* p, const char* end) {
  while (p != end && (*p == ' ' || *p == '\t' || *p == '\r' || (kNewlines == Newlines::kBlank && *p == '\n'))) ++p;
  return p;
}

// The bytes after a backslash: 1 or 5 (u and four digits), 0 when that is no escape.
inline size_t escape_bytes(const char* p, const char* end) {
  if (p == end) return 0;
  switch (*p) {
    case '"':
    case '\\':
    case '/':
    case 'b':
    case 'f':
    case 'n':
    case 'r':
    case 't': return 1;
    case 'u': return end - p >= 5 && is_hex(p[1]) && is_hex(p[2]) && is_hex(p[3]) && is_hex(p[4]) ? 5 : 0;
    default: return 0;
  }
}

// From behind the opening quote to the closing one (not after it). Adds to `seen`.
inline const char* string_end(const char* p, const char* end, unsigned& seen) {
  const __m128i quote = _mm_set1_epi8('"');
  const __m128i slash = _mm_set1_epi8('\\');
  const __m128i control = _mm_set1_epi8(0x1F);
  for (;;) {
    while (end - p >= 16) {
      __m128i x = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
      __m128i stop = _mm_or_si128(_mm_or_si128(_mm_cmpeq_epi8(x, quote), _mm_cmpeq_epi8(x, slash)),
                                  _mm_cmpeq_epi8(_mm_min_epu8(x, control), x));
      unsigned stops = static_cast<unsigned>(_mm_movemask_epi8(stop));
      unsigned high = static_cast<unsigned>(_mm_movemask_epi8(x));
      if (stops == 0) {
        if (high != 0) seen |= kSawHigh;
        p += 16;
        continue;
      }
      int at = std::countr_zero(stops);
      if ((high & ((1u << at) - 1)) != 0) seen |= kSawHigh;
      p += at;
      break;
    }
    while (p != end && *p != '"' && *p != '\\' && static_cast<unsigned char>(*p) >= 0x20) {
      if (static_cast<unsigned char>(*p) >= 0x80) seen |= kSawHigh;
      ++p;
      if (end - p >= 16) break;
    }
    if (p == end) return nullptr;
    if (*p == '"') return p;
    if (*p == '\\') {
      size_t n = escape_bytes(p + 1, end);
      if (n == 0) return nullptr;
      seen |= kSawEscape;
      p += 1 + n;
    } else if (static_cast<unsigned char>(*p) < 0x20) {
      return nullptr;
    }
  }
}

// A number by JSON's grammar.
inline const char* number_end(const char* p, const char* end) {
  if (p != end && *p == '-') ++p;
  if (p == end || !is_digit(*p)) return nullptr;
  if (*p == '0') {
    ++p;
  } else {
    while (p != end && is_digit(*p)) ++p;
  }
  if (p != end && *p == '.') {
    ++p;
    if (p == end || !is_digit(*p)) return nullptr;
    while (p != end && is_digit(*p)) ++p;
  }
  if (p != end && (*p == 'e' || *p == 'E')) {
    ++p;
    if (p != end && (*p == '+' || *p == '-')) ++p;
    if (p == end || !is_digit(*p)) return nullptr;
    while (p != end && is_digit(*p)) ++p;
  }
  return p;
}

inline const char* word_end(const char* p, const char* end, std::string_view word) {
  if (static_cast<size_t>(end - p) < word.size() || std::string_view(p, word.size()) != word) return nullptr;
  return p + word.size();
}

}  // namespace scan

// What unescaping met: texts that are kept as they came and flagged.
struct Unescaped {
  bool lone_surrogate = false;
};
// Appends the text of a JSON string (between its quotes, checked by string_end). A lone surrogate stays as its escape.
Unescaped append_unescaped(std::string_view raw, std::string& out);

// What a value that was passed over holds.
struct SkipInfo {
  size_t depth = 0;           // of nesting: 0 for a scalar, 1 for [] and {}
  bool blanks = false;        // blanks between tokens
  bool high = false;          // bytes above 0x7F
  bool not_a_number = false;  // NaN, Infinity, -Infinity
  bool lone_surrogate = false;
  const char* error_at = nullptr;  // where it stopped being JSON
};

enum class Grammar : uint8_t {
  kStrict,  // RFC 8259, and UTF-8 without surrogates
  kIngest,  // takes NaN, Infinity and -Infinity too, and any bytes above 0x7F
};

// Passes over one value of any depth, checking it. Gives null and info.error_at when it is none.
// Cost: no recursion; one bit of memory per level beyond 64.
const char* skip_value(const char* p, const char* end, Grammar grammar, Newlines newlines, SkipInfo& info);

// Appends a checked value without blanks between its tokens; NaN and its relatives become strings.
void append_compact(std::string_view value, std::string& out);

// True when the text is one JSON value with nothing but blanks around it.
bool is_json(std::string_view text);

}  // namespace clew::wire
