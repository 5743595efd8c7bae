// UTF-8 as it arrives: mostly ASCII, sometimes wrong.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace clew::text {

constexpr char32_t kInvalid = 0xFFFFFFFF;

struct Decoded {
  char32_t c = kInvalid;
  uint32_t bytes = 1;  // of the character; 1 for a byte that begins none
};

// The character at `at`; strict: no overlong forms, no surrogates, nothing above U+10FFFF.
// Requires: at < text.size().
Decoded decode_utf8(std::string_view text, size_t at);

// Requires: a Unicode scalar value.
void append_utf8(char32_t c, std::string& out);

bool is_ascii(std::string_view text);
bool is_valid_utf8(std::string_view text);

// Letters and decimal digits of any script, and `_`.
bool is_word_char(char32_t c);
// Han, kana and hangul: each is a word of its own.
bool is_cjk(char32_t c);
// Simple case folding.
char32_t fold_char(char32_t c);

}  // namespace clew::text
