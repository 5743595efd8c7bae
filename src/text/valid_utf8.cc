#include "text/valid_utf8.h"

#include "text/utf8.h"

namespace clew::text {
namespace {

constexpr char32_t kReplacement = 0xFFFD;

}  // namespace

std::string valid_utf8(std::string text) {
  if (is_valid_utf8(text)) return text;
  std::string out;
  for (size_t at = 0; at < text.size();) {
    Decoded decoded = decode_utf8(text, at);
    append_utf8(decoded.c == kInvalid ? kReplacement : decoded.c, out);
    at += decoded.bytes;
  }
  return out;
}

}  // namespace clew::text
