// Words: what the index knows of a text and what a search term is compared with (DESIGN.md section 4a.8).
//
// A word is a maximal run of Unicode letters, digits and `_`, case folded; each CJK character is a word; bytes that are
// no UTF-8 separate. Words are part of the disk formats: a change here is a change of format.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace clew::text {

constexpr size_t kWordBytesIndexed = 128;  // longer words are indexed by their first bytes

// Hash of a folded word as the index keeps it; looks at the first kWordBytesIndexed bytes.
uint64_t word_hash(std::string_view folded);

// The whole text case folded; bytes that are no UTF-8 stay.
std::string fold(std::string_view text);

namespace detail {

constexpr size_t kScanBytes = 64;

// Bit i is set when p[i] is an ASCII letter, digit or `_`.  Requires: kScanBytes readable bytes.
uint64_t word_mask(const char* p);

enum class Shape : uint8_t { kLowerAscii, kAscii, kOther };
Shape shape_of(std::string_view text);
void lower_ascii(std::string_view text, char* out);

// Words of a text that is not ASCII, one after the other.
class SlowWords {
 public:
  explicit SlowWords(std::string_view text) : text_(text) {}
  bool next();
  std::string_view word() const { return word_; }

 private:
  std::string_view text_;
  size_t at_ = 0;
  std::string word_;
};

template <class F>
void scan_lower_ascii(std::string_view text, F& fn) {
  constexpr size_t kNone = SIZE_MAX;
  size_t start = kNone;
  uint64_t carry = 0;
  for (size_t base = 0; base < text.size(); base += kScanBytes) {
    uint64_t mask;
    size_t left = text.size() - base;
    if (left >= kScanBytes) {
      mask = word_mask(text.data() + base);
    } else {
      char tail[kScanBytes] = {};
      text.copy(tail, left, base);
      mask = word_mask(tail);
    }
    // Each set bit of `edges` begins or ends a word, in turns.
    uint64_t edges = mask ^ ((mask << 1) | carry);
    carry = mask >> 63;
    for (; edges != 0; edges &= edges - 1) {
      size_t at = base + static_cast<size_t>(std::countr_zero(edges));
      if (start == kNone) {
        start = at;
      } else {
        fn(text.substr(start, at - start));
        start = kNone;
      }
    }
  }
  if (start != kNone) fn(text.substr(start));
}

}  // namespace detail

// Calls fn(std::string_view word) for each word of `text`, folded and whole (word_hash cuts). The view lives until fn
// returns.
// Cost: about 10 ns and 2 ns per word for lower-case ASCII; a copy of the text when it has capitals.
template <class F>
void for_each_word(std::string_view text, F fn) {
  constexpr size_t kStackBytes = 1024;
  switch (detail::shape_of(text)) {
    case detail::Shape::kLowerAscii: detail::scan_lower_ascii(text, fn); return;
    case detail::Shape::kAscii: {
      char small[kStackBytes];
      std::string large;
      char* lower = small;
      if (text.size() > kStackBytes) {
        large.resize(text.size());
        lower = large.data();
      }
      detail::lower_ascii(text, lower);
      detail::scan_lower_ascii(std::string_view(lower, text.size()), fn);
      return;
    }
    case detail::Shape::kOther: {
      detail::SlowWords words(text);
      while (words.next()) fn(words.word());
      return;
    }
  }
}

std::vector<std::string> words_of(std::string_view text);

// A search term made ready: its words must stand in a text one after the other.
// Threads: matches() on any thread.
class Phrase {
 public:
  // A term without any word ("---") is looked for as it stands.
  explicit Phrase(std::string_view term);
  const std::vector<std::string>& words() const { return words_; }
  bool matches(std::string_view text) const;

 private:
  bool matches_ascii(std::string_view text) const;
  bool matches_slowly(std::string_view text) const;

  std::string term_;
  std::vector<std::string> words_;
  bool ascii_ = false;
};

// Convenience for few texts; for many make a Phrase.
bool contains_phrase(std::string_view text, const std::vector<std::string>& folded_words);

// `*` stands for any run of characters, `?` for one; a backslash takes away the meaning of the next character.
enum class CaseRule : uint8_t { kExact, kFolded };
bool wildcard_match(std::string_view pattern, std::string_view text, CaseRule rule = CaseRule::kExact);
// True when some word of `text` matches the pattern; the pattern is folded here.
bool any_word_matches(std::string_view pattern, std::string_view text);

}  // namespace clew::text
