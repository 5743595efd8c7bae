#include "text/encoding.h"

#include <algorithm>
#include <cstring>

#include "text/utf8.h"

namespace clew::text {
namespace {

constexpr char32_t kReplacement = 0xFFFD;
constexpr size_t kLookBytes = 512;

struct Name {
  std::string_view name;
  Encoding encoding;
};
constexpr Name kNames[] = {
    {"utf-8", Encoding::kUtf8},       {"utf8", Encoding::kUtf8},         {"utf-16", Encoding::kUtf16Le},
    {"utf-16le", Encoding::kUtf16Le}, {"utf-16be", Encoding::kUtf16Be},  {"latin-1", Encoding::kLatin1},
    {"latin1", Encoding::kLatin1},    {"iso-8859-1", Encoding::kLatin1}, {"windows-1252", Encoding::kLatin1}};

// Of 0x80 to 0x9F; 0: a control character, as it is.
constexpr char16_t kWindows1252[32] = {0x20AC, 0,      0x201A, 0x0192, 0x201E, 0x2026, 0x2020, 0x2021,
                                       0x02C6, 0x2030, 0x0160, 0x2039, 0x0152, 0,      0x017D, 0,
                                       0,      0x2018, 0x2019, 0x201C, 0x201D, 0x2022, 0x2013, 0x2014,
                                       0x02DC, 0x2122, 0x0161, 0x203A, 0x0153, 0,      0x017E, 0x0178};

char32_t unit_at(Encoding encoding, std::string_view bytes, size_t at) {
  auto first = static_cast<unsigned char>(bytes[at]), second = static_cast<unsigned char>(bytes[at + 1]);
  return encoding == Encoding::kUtf16Le ? first | (char32_t{second} << 8) : second | (char32_t{first} << 8);
}

bool is_high(char32_t unit) { return unit >= 0xD800 && unit < 0xDC00; }
bool is_low(char32_t unit) { return unit >= 0xDC00 && unit < 0xE000; }

void append_utf16(Encoding encoding, std::string_view bytes, std::string& out) {
  size_t at = 0;
  for (; at + 1 < bytes.size(); at += 2) {
    char32_t unit = unit_at(encoding, bytes, at);
    if (is_high(unit) && at + 3 < bytes.size() && is_low(unit_at(encoding, bytes, at + 2))) {
      at += 2;
      append_utf8(0x10000 + ((unit - 0xD800) << 10) + (unit_at(encoding, bytes, at) - 0xDC00), out);
    } else {
      append_utf8(is_high(unit) || is_low(unit) ? kReplacement : unit, out);
    }
  }
  if (at < bytes.size()) append_utf8(kReplacement, out);
}

void append_latin1(std::string_view bytes, std::string& out) {
  for (char c : bytes) {
    auto byte = static_cast<unsigned char>(c);
    char32_t character = byte;
    if (byte >= 0x80 && byte < 0xA0 && kWindows1252[byte - 0x80] != 0) character = kWindows1252[byte - 0x80];
    append_utf8(character, out);
  }
}

}  // namespace

Result<std::optional<Encoding>> encoding_by_name(std::string_view name) {
  if (name == "auto") return std::optional<Encoding>();
  for (const Name& known : kNames) {
    if (known.name == name) return std::optional<Encoding>(known.encoding);
  }
  return Error(Code::kInvalid,
               "unknown encoding " + quoted(name) + ": auto, utf-8, utf-16le, utf-16be, latin-1 or windows-1252");
}

Encoding encoding_of(std::string_view begin) {
  if (begin.starts_with("\xFF\xFE")) return Encoding::kUtf16Le;
  if (begin.starts_with("\xFE\xFF")) return Encoding::kUtf16Be;
  begin = begin.substr(0, std::min(begin.size(), kLookBytes) & ~size_t{1});
  size_t zeros[2] = {0, 0};
  for (size_t i = 0; i < begin.size(); ++i) zeros[i % 2] += begin[i] == '\0' ? 1 : 0;
  size_t most = begin.size() / 2 - begin.size() / 8;  // three of four characters are of Latin letters
  if (begin.size() >= 8 && zeros[1] >= most && zeros[0] == 0) return Encoding::kUtf16Le;
  if (begin.size() >= 8 && zeros[0] >= most && zeros[1] == 0) return Encoding::kUtf16Be;
  return Encoding::kUtf8;
}

size_t mark_bytes(Encoding encoding, std::string_view begin) {
  switch (encoding) {
    case Encoding::kUtf8: return begin.starts_with("\xEF\xBB\xBF") ? 3 : 0;
    case Encoding::kUtf16Le: return begin.starts_with("\xFF\xFE") ? 2 : 0;
    case Encoding::kUtf16Be: return begin.starts_with("\xFE\xFF") ? 2 : 0;
    case Encoding::kLatin1: return 0;
  }
  return 0;
}

size_t find_newline(Encoding encoding, std::string_view bytes, size_t at) {
  if (unit_bytes(encoding) == 1) return bytes.find('\n', at);
  while (at + 1 < bytes.size()) {
    size_t found = bytes.find('\n', at);
    if (found == std::string_view::npos) return found;
    size_t unit = found & ~size_t{1};
    if (unit + 1 < bytes.size() && unit_at(encoding, bytes, unit) == '\n') return unit;
    at = unit + 2;
  }
  return std::string_view::npos;
}

void append_as_utf8(Encoding encoding, std::string_view bytes, std::string& out) {
  switch (encoding) {
    case Encoding::kUtf8: out.append(bytes); break;
    case Encoding::kLatin1: append_latin1(bytes, out); break;
    case Encoding::kUtf16Le:
    case Encoding::kUtf16Be: append_utf16(encoding, bytes, out); break;
  }
}

}  // namespace clew::text
