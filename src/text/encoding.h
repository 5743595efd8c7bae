// Encodings of text files other than UTF-8, on their way to it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace clew::text {

enum class Encoding : uint8_t {
  kUtf8,     // bytes as they are, whatever they are
  kUtf16Le,  // RFC 2781
  kUtf16Be,
  kLatin1,  // ISO 8859-1, with Windows-1252's characters where that has controls (as the WHATWG decodes "latin1")
};

// "auto" gives nothing: the file's first bytes then say (encoding_of). Errors: kInvalid naming those there are.
Result<std::optional<Encoding>> encoding_by_name(std::string_view name);

// What the byte order mark at the begin of a text says; UTF-16 without one where every other byte of its begin is zero.
Encoding encoding_of(std::string_view begin);
// Bytes of the mark that the text begins with; 0 without one.
size_t mark_bytes(Encoding encoding, std::string_view begin);

// Bytes of one unit: what a text of the encoding is a multiple of, and how far characters may be apart.
constexpr size_t unit_bytes(Encoding encoding) {
  return encoding == Encoding::kUtf16Le || encoding == Encoding::kUtf16Be ? 2 : 1;
}
// Where the next newline begins, from `at` on, which is a multiple of a unit; npos when there is none.
size_t find_newline(Encoding encoding, std::string_view bytes, size_t at);

// Appends the text in UTF-8. What is no character of the encoding (half a pair, an odd byte at the end) becomes U+FFFD.
void append_as_utf8(Encoding encoding, std::string_view bytes, std::string& out);

}  // namespace clew::text
