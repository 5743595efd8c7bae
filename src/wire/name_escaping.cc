#include "wire/name_escaping.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "text/utf8.h"

namespace clew::wire {
namespace {

constexpr std::string_view kTexts[] = {"allow-utf-8", "underscores", "dots", "values"};

bool is_letter(char32_t c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == ':'; }
bool is_plain(char32_t c, bool first) { return is_letter(c) || (!first && c >= '0' && c <= '9'); }

bool is_plain_name(std::string_view name) {
  for (size_t i = 0; i < name.size(); ++i) {
    if (!is_plain(static_cast<unsigned char>(name[i]), i == 0)) return false;
  }
  return !name.empty();
}

// What a character becomes that may not stand as it is, or has a meaning of its own.
void append_escaped(char32_t c, bool first, NameEscaping escaping, std::string& out) {
  bool plain = is_plain(c, first);
  if (escaping == NameEscaping::kUnderscores) {
    out += plain ? static_cast<char>(c) : '_';
  } else if (c == '_') {
    out += "__";
  } else if (plain) {
    out += static_cast<char>(c);
  } else if (escaping == NameEscaping::kDots) {
    out += c == '.' ? "_dot_" : "__";
  } else {
    std::array<char, 16> hex{};
    char* end = std::to_chars(hex.data(), hex.data() + hex.size(), static_cast<uint32_t>(c), 16).ptr;
    out += '_';
    out.append(hex.data(), end);
    out += '_';
  }
}

}  // namespace

NameEscaping name_escaping_of(std::string_view accept) {
  constexpr std::string_view kMark = "escaping=";
  size_t at = accept.find(kMark);
  if (at == std::string_view::npos) return NameEscaping::kUnderscores;
  std::string_view rest = accept.substr(at + kMark.size());
  for (size_t i = 0; i < std::size(kTexts); ++i) {
    if (rest.starts_with(kTexts[i])) return static_cast<NameEscaping>(i);
  }
  return NameEscaping::kUnderscores;
}

std::string_view name_escaping_text(NameEscaping escaping) { return kTexts[static_cast<size_t>(escaping)]; }

std::string escape_name(std::string_view name, NameEscaping escaping) {
  bool as_it_is =
      escaping == NameEscaping::kAllowUtf8 || name.empty() || (is_plain_name(name) && escaping != NameEscaping::kDots);
  if (as_it_is) return std::string(name);
  std::string out = escaping == NameEscaping::kValues ? "U__" : "";
  for (size_t at = 0; at < name.size();) {
    text::Decoded next = text::decode_utf8(name, at);
    append_escaped(next.c == text::kInvalid ? 0xFFFD : next.c, at == 0, escaping, out);
    at += next.bytes;
  }
  return out;
}

}  // namespace clew::wire
