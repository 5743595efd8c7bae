#include "expr/pattern.h"

#include <re2/re2.h>
#include <re2/stringpiece.h>

#include <emmintrin.h>

#include <bit>
#include <cstring>

#include "expr/lexer.h"

namespace clew::expr {
namespace {

re2::StringPiece piece_of(std::string_view text) { return {text.data(), text.size()}; }

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

bool is_ascii(std::string_view text) {
  for (char c : text) {
    if (static_cast<uint8_t>(c) >= 0x80) return false;
  }
  return true;
}

// `(?<name>` of Java and .NET is `(?P<name>` in RE2; lookbehinds stay, to be refused.
std::string re2_spelling(std::string_view pattern) {
  std::string out;
  bool in_class = false;
  for (size_t i = 0; i < pattern.size(); ++i) {
    char c = pattern[i];
    if (c == '\\' && i + 1 < pattern.size()) {
      out += c;
      out += pattern[++i];
      continue;
    }
    if (c == '[') in_class = true;
    if (c == ']') in_class = false;
    bool named = !in_class && pattern.substr(i, 3) == "(?<" && i + 3 < pattern.size() && pattern[i + 3] != '=' &&
                 pattern[i + 3] != '!';
    if (named) {
      out += "(?P<";
      i += 2;
    } else {
      out += c;
    }
  }
  return out;
}

size_t code_point_bytes(std::string_view text, size_t at) {
  size_t n = 1;
  while (at + n < text.size() && (static_cast<uint8_t>(text[at + n]) & 0xc0) == 0x80) ++n;
  return n;
}

template <bool kFold>
bool same_bytes(const char* text, std::string_view needle) {
  if constexpr (!kFold) return std::memcmp(text, needle.data(), needle.size()) == 0;
  for (size_t i = 0; i < needle.size(); ++i) {
    if (lower(text[i]) != needle[i]) return false;
  }
  return true;
}

// What makes an upper-case letter its lower-case one; nothing for other bytes.
template <bool kFold>
char case_bit(char c) {
  return kFold && c >= 'a' && c <= 'z' ? 0x20 : 0;
}

// Looks at 16 places at a time: only where the first and the last byte of the needle both fit is the rest compared.
template <bool kFold>
size_t find_bytes(std::string_view text, std::string_view needle, size_t from) {
  size_t n = needle.size();
  if (from > text.size() || text.size() - from < n) return std::string_view::npos;
  if (n == 0) return from;
  const char* data = text.data();
  size_t last_place = text.size() - n;
  __m128i first = _mm_set1_epi8(needle[0]);
  __m128i last = _mm_set1_epi8(needle[n - 1]);
  __m128i first_case = _mm_set1_epi8(case_bit<kFold>(needle[0]));
  __m128i last_case = _mm_set1_epi8(case_bit<kFold>(needle[n - 1]));
  size_t at = from;
  constexpr size_t kStep = sizeof(__m128i);
  for (; at + kStep + n - 1 <= text.size(); at += kStep) {
    __m128i begins = _mm_loadu_si128(reinterpret_cast<const __m128i*>(data + at));
    __m128i ends = _mm_loadu_si128(reinterpret_cast<const __m128i*>(data + at + n - 1));
    __m128i both = _mm_and_si128(_mm_cmpeq_epi8(_mm_or_si128(begins, first_case), first),
                                 _mm_cmpeq_epi8(_mm_or_si128(ends, last_case), last));
    for (auto mask = static_cast<unsigned>(_mm_movemask_epi8(both)); mask != 0; mask &= mask - 1) {
      size_t place = at + static_cast<size_t>(std::countr_zero(mask));
      if (same_bytes<kFold>(data + place, needle)) return place;
    }
  }
  for (; at <= last_place; ++at) {
    if (same_bytes<kFold>(data + at, needle)) return at;
  }
  return std::string_view::npos;
}

std::string like_as_regex(std::string_view pattern) {
  std::string out = "(?s)\\A";
  for (size_t i = 0; i < pattern.size(); ++i) {
    char c = pattern[i];
    if (c == '%') {
      out += ".*";
    } else if (c == '_') {
      out += '.';
    } else {
      if (c == '\\' && i + 1 < pattern.size()) c = pattern[++i];
      out += re2::RE2::QuoteMeta(re2::StringPiece(&c, 1));
    }
  }
  return out + "\\z";
}

}  // namespace

Result<std::shared_ptr<const re2::RE2>> compile_regex(std::string_view pattern, bool ignore_case) {
  if (pattern.size() > kRegexBytesMax) {
    return Error(Code::kTooLarge, "a regular expression of more than " + std::to_string(kRegexBytesMax) + " bytes");
  }
  re2::RE2::Options options;
  options.set_log_errors(false);
  options.set_max_mem(kRegexMemoryBytesMax);
  options.set_case_sensitive(!ignore_case);
  auto regex = std::make_shared<const re2::RE2>(re2_spelling(pattern), options);
  if (regex->ok()) return regex;
  Code code = regex->error_code() == re2::RE2::ErrorPatternTooLarge ? Code::kTooLarge : Code::kInvalid;
  return Error(code, "regular expression " + quoted(pattern) + ": " + regex->error());
}

bool regex_found(const re2::RE2& regex, std::string_view text) { return re2::RE2::PartialMatch(piece_of(text), regex); }

bool regex_spans(const re2::RE2& regex, std::string_view text) { return re2::RE2::FullMatch(piece_of(text), regex); }

Result<std::string> rewrite_of(const re2::RE2& regex, std::string_view replacement) {
  std::string out;
  for (size_t i = 0; i < replacement.size(); ++i) {
    char c = replacement[i];
    char following = i + 1 < replacement.size() ? replacement[i + 1] : '\0';
    bool digit = following >= '0' && following <= '9';
    if ((c == '$' || c == '\\') && digit) {
      out += '\\';
      out += following;
      ++i;
    } else if (c == '\\' && following == '\\') {
      out += "\\\\";
      ++i;
    } else if (c == '\\' && following == '$') {
      out += '$';
      ++i;
    } else if (c == '$' && following == '{') {
      size_t close = replacement.find('}', i);
      if (close == std::string_view::npos) return Error(Code::kInvalid, "`${` without `}` in a replacement");
      std::string name(replacement.substr(i + 2, close - i - 2));
      auto group = regex.NamedCapturingGroups().find(name);
      if (group == regex.NamedCapturingGroups().end() || group->second > 9) {
        return Error(Code::kInvalid, "no group " + quoted(name) + " in the regular expression");
      }
      out += '\\';
      out += std::to_string(group->second);
      i = close;
    } else if (c == '\\') {
      out += "\\\\";
    } else {
      out += c;
    }
  }
  std::string error;
  if (!regex.CheckRewriteString(piece_of(out), &error)) return Error(Code::kInvalid, "replacement: " + error);
  return out;
}

std::string regex_replace_all(const re2::RE2& regex, std::string_view text, const std::string& rewrite) {
  std::string out(text);
  re2::RE2::GlobalReplace(&out, regex, rewrite);
  return out;
}

Result<std::shared_ptr<const LikePattern>> LikePattern::compile(std::string_view pattern, bool ignore_case) {
  auto like = std::make_shared<LikePattern>();
  like->ignore_case_ = ignore_case;
  if (ignore_case && !is_ascii(pattern)) {
    like->regex_ = CLEW_TRY(compile_regex(like_as_regex(pattern), true));
    return std::shared_ptr<const LikePattern>(std::move(like));
  }
  like->pieces_.emplace_back();
  for (size_t i = 0; i < pattern.size(); ++i) {
    char c = pattern[i];
    if (c == '%') {
      like->pieces_.emplace_back();
      continue;
    }
    bool any = c == '_';
    if (c == '\\' && i + 1 < pattern.size()) c = pattern[++i];
    Piece& piece = like->pieces_.back();
    piece.bytes += ignore_case ? lower(c) : c;
    piece.any.push_back(any);
    piece.plain = piece.plain && !any;
  }
  return std::shared_ptr<const LikePattern>(std::move(like));
}

bool LikePattern::matches_at(const Piece& piece, std::string_view text, size_t at, size_t& end) const {
  for (size_t i = 0; i < piece.bytes.size(); ++i) {
    if (at >= text.size()) return false;
    if (piece.any[i]) {
      at += code_point_bytes(text, at);
      continue;
    }
    char c = ignore_case_ ? lower(text[at]) : text[at];
    if (c != piece.bytes[i]) return false;
    ++at;
  }
  end = at;
  return true;
}

bool LikePattern::find_piece(const Piece& piece, std::string_view text, size_t from, size_t& end) const {
  if (piece.plain) {
    size_t at = ignore_case_ ? find_folded(text, piece.bytes, from) : find_text(text, piece.bytes, from);
    end = at + piece.bytes.size();
    return at != std::string_view::npos;
  }
  for (size_t at = from; at < text.size(); at += code_point_bytes(text, at)) {
    if (matches_at(piece, text, at, end)) return true;
  }
  return false;
}

// The last piece has to end where the text ends.
bool LikePattern::matches_end(const Piece& piece, std::string_view text, size_t from) const {
  size_t end = 0;
  if (piece.plain) {
    if (text.size() < from + piece.bytes.size()) return false;
    return matches_at(piece, text, text.size() - piece.bytes.size(), end);
  }
  for (size_t at = from; at <= text.size(); at += at < text.size() ? code_point_bytes(text, at) : 1) {
    if (matches_at(piece, text, at, end) && end == text.size()) return true;
  }
  return false;
}

bool LikePattern::matches(std::string_view text) const {
  if (regex_ != nullptr) return regex_found(*regex_, text);
  size_t at = 0;
  if (!matches_at(pieces_.front(), text, 0, at)) return false;
  if (pieces_.size() == 1) return at == text.size();
  for (size_t i = 1; i + 1 < pieces_.size(); ++i) {
    if (pieces_[i].bytes.empty()) continue;
    if (!find_piece(pieces_[i], text, at, at)) return false;
  }
  return pieces_.back().bytes.empty() || matches_end(pieces_.back(), text, at);
}

size_t find_text(std::string_view text, std::string_view needle, size_t from) {
  return find_bytes<false>(text, needle, from);
}

size_t find_folded(std::string_view text, std::string_view lower_needle, size_t from) {
  return find_bytes<true>(text, lower_needle, from);
}

}  // namespace clew::expr
