#include "text/words.h"

#include <smmintrin.h>

#include <algorithm>

#include "base/hash.h"
#include "text/find.h"
#include "text/utf8.h"

namespace clew::text {
namespace {

__m128i load(const char* p) { return _mm_loadu_si128(reinterpret_cast<const __m128i*>(p)); }

// 0xFF where first <= x < first + count, unsigned.
__m128i in_range(__m128i x, char first, char count) {
  __m128i offset = _mm_sub_epi8(x, _mm_set1_epi8(first));
  return _mm_cmpeq_epi8(_mm_min_epu8(offset, _mm_set1_epi8(static_cast<char>(count - 1))), offset);
}

__m128i word_bytes(__m128i x) {
  __m128i letters = in_range(_mm_or_si128(x, _mm_set1_epi8(0x20)), 'a', 26);
  __m128i digits = in_range(x, '0', 10);
  return _mm_or_si128(_mm_or_si128(letters, digits), _mm_cmpeq_epi8(x, _mm_set1_epi8('_')));
}

uint64_t bits(__m128i bytes) { return static_cast<uint32_t>(_mm_movemask_epi8(bytes)); }

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }
bool is_ascii_word(char c) {
  return is_word_char(static_cast<unsigned char>(c)) && static_cast<unsigned char>(c) < 0x80;
}

bool equals_lower(std::string_view text, size_t at, std::string_view word) {
  for (size_t i = 0; i < word.size(); ++i) {
    if (lower(text[at + i]) != word[i]) return false;
  }
  return true;
}

// True when `words` from the second on follow the first, which ends at `at`.
bool others_follow(std::string_view text, size_t at, const std::vector<std::string>& words) {
  for (size_t i = 1; i < words.size(); ++i) {
    size_t start = at;
    while (start < text.size() && !is_ascii_word(text[start])) ++start;
    at = start + words[i].size();
    if (at > text.size() || !equals_lower(text, start, words[i])) return false;
    if (at < text.size() && is_ascii_word(text[at])) return false;
  }
  return true;
}

bool follow_in_order(std::string_view text, const std::vector<std::string>& words) {
  // Words seen so far that may still become the phrase: `open` holds how many words each candidate has matched.
  std::vector<size_t> open;
  bool found = false;
  for_each_word(text, [&](std::string_view word) {
    if (found) return;
    size_t kept = 0;
    open.push_back(0);
    for (size_t matched : open) {
      if (words[matched] != word) continue;
      if (matched + 1 == words.size())
        found = true;
      else
        open[kept++] = matched + 1;
    }
    open.resize(kept);
  });
  return found;
}

bool wildcard_folded(std::string_view pattern, std::string_view text) {
  size_t p = 0;
  size_t t = 0;
  size_t star = std::string_view::npos;  // pattern after the last `*`
  size_t star_text = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = ++p;
      star_text = t;
      continue;
    }
    if (p < pattern.size() && pattern[p] == '?') {
      t += decode_utf8(text, t).bytes;
      ++p;
      continue;
    }
    bool escaped = p + 1 < pattern.size() && pattern[p] == '\\';
    size_t literal = escaped ? p + 1 : p;
    if (literal < pattern.size() && pattern[literal] == text[t]) {
      p = literal + 1;
      ++t;
      continue;
    }
    if (star == std::string_view::npos) return false;
    p = star;
    t = ++star_text;
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

}  // namespace

namespace detail {

uint64_t word_mask(const char* p) {
  return bits(word_bytes(load(p))) | bits(word_bytes(load(p + 16))) << 16 | bits(word_bytes(load(p + 32))) << 32 |
         bits(word_bytes(load(p + 48))) << 48;
}

Shape shape_of(std::string_view text) {
  const char* p = text.data();
  size_t n = text.size();
  __m128i high = _mm_setzero_si128();
  __m128i capital = _mm_setzero_si128();
  auto see = [&](__m128i x) {
    high = _mm_or_si128(high, x);
    capital = _mm_or_si128(capital, in_range(x, 'A', 26));
  };
  for (; n >= 16; p += 16, n -= 16) see(load(p));
  if (n > 0) {
    char tail[16] = {};
    std::copy(p, p + n, tail);
    see(load(tail));
  }
  if (bits(high) != 0) return Shape::kOther;
  return bits(capital) != 0 ? Shape::kAscii : Shape::kLowerAscii;
}

void lower_ascii(std::string_view text, char* out) {
  const char* p = text.data();
  size_t n = text.size();
  for (; n >= 16; p += 16, out += 16, n -= 16) {
    __m128i x = load(p);
    __m128i bit = _mm_and_si128(in_range(x, 'A', 26), _mm_set1_epi8(0x20));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(out), _mm_or_si128(x, bit));
  }
  for (; n > 0; --n) *out++ = lower(*p++);
}

bool SlowWords::next() {
  word_.clear();
  while (at_ < text_.size()) {
    Decoded d = decode_utf8(text_, at_);
    bool word = is_word_char(d.c);
    if (word && is_cjk(d.c)) {
      if (!word_.empty()) return true;
      at_ += d.bytes;
      append_utf8(fold_char(d.c), word_);
      return true;
    }
    at_ += d.bytes;
    if (word)
      append_utf8(fold_char(d.c), word_);
    else if (!word_.empty())
      return true;
  }
  return !word_.empty();
}

}  // namespace detail

uint64_t word_hash(std::string_view folded) { return base::hash64(folded.substr(0, kWordBytesIndexed)); }

std::string fold(std::string_view text) {
  std::string out;
  if (is_ascii(text)) {
    out.resize(text.size());
    detail::lower_ascii(text, out.data());
    return out;
  }
  for (size_t at = 0; at < text.size();) {
    Decoded d = decode_utf8(text, at);
    if (d.c == kInvalid)
      out.push_back(text[at]);
    else
      append_utf8(fold_char(d.c), out);
    at += d.bytes;
  }
  return out;
}

std::vector<std::string> words_of(std::string_view text) {
  std::vector<std::string> out;
  for_each_word(text, [&](std::string_view word) { out.emplace_back(word); });
  return out;
}

Phrase::Phrase(std::string_view term) : term_(term), words_(words_of(term)) {
  ascii_ = std::all_of(words_.begin(), words_.end(), [](const std::string& w) { return is_ascii(w); });
}

bool Phrase::matches(std::string_view text) const {
  if (words_.empty()) return text.find(term_) != std::string_view::npos;
  if (!is_ascii(text)) return matches_slowly(text);
  return ascii_ && matches_ascii(text);
}

bool Phrase::matches_ascii(std::string_view text) const {
  const std::string& word = words_.front();
  Finder finder(word, CaseRule::kFolded);
  for (size_t at = finder.find(text, 0); at != std::string_view::npos; at = finder.find(text, at + 1)) {
    size_t end = at + word.size();
    bool whole = (at == 0 || !is_ascii_word(text[at - 1])) && (end == text.size() || !is_ascii_word(text[end]));
    if (whole && others_follow(text, end, words_)) return true;
  }
  return false;
}

bool Phrase::matches_slowly(std::string_view text) const { return follow_in_order(text, words_); }

bool contains_phrase(std::string_view text, const std::vector<std::string>& folded_words) {
  return folded_words.empty() || follow_in_order(text, folded_words);
}

bool wildcard_match(std::string_view pattern, std::string_view text, CaseRule rule) {
  if (rule == CaseRule::kExact) return wildcard_folded(pattern, text);
  std::string folded_pattern = fold(pattern);
  return wildcard_folded(folded_pattern, fold(text));
}

bool any_word_matches(std::string_view pattern, std::string_view text) {
  std::string folded = fold(pattern);
  bool found = false;
  for_each_word(text, [&](std::string_view word) { found = found || wildcard_folded(folded, word); });
  return found;
}

}  // namespace clew::text
