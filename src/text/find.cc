#include "text/find.h"

#include <bit>
#include <cstdint>
#include <cstring>

namespace clew::text {
namespace {

constexpr size_t kPlaces = 16;

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }
bool is_letter(char lower_case) { return lower_case >= 'a' && lower_case <= 'z'; }
char case_bit(char c, bool folded) { return folded && is_letter(c) ? 0x20 : 0; }

__m128i load(const char* p) { return _mm_loadu_si128(reinterpret_cast<const __m128i*>(p)); }

}  // namespace

Finder::Finder(std::string_view piece, CaseRule rule)
    : piece_(piece),
      folded_(rule == CaseRule::kFolded),
      first_(_mm_set1_epi8(piece.front())),
      last_(_mm_set1_epi8(piece.back())),
      first_or_(_mm_set1_epi8(case_bit(piece.front(), folded_))),
      last_or_(_mm_set1_epi8(case_bit(piece.back(), folded_))) {}

bool Finder::stands(std::string_view text, size_t at) const {
  if (!folded_) return std::memcmp(text.data() + at, piece_.data(), piece_.size()) == 0;
  for (size_t i = 0; i < piece_.size(); ++i) {
    if (lower(text[at + i]) != piece_[i]) return false;
  }
  return true;
}

size_t Finder::find(std::string_view text, size_t at) const {
  size_t n = piece_.size();
  for (; at + n + kPlaces - 1 <= text.size(); at += kPlaces) {
    __m128i a = _mm_cmpeq_epi8(_mm_or_si128(load(text.data() + at), first_or_), first_);
    __m128i b = _mm_cmpeq_epi8(_mm_or_si128(load(text.data() + at + n - 1), last_or_), last_);
    auto hits = static_cast<uint32_t>(_mm_movemask_epi8(_mm_and_si128(a, b)));
    for (; hits != 0; hits &= hits - 1) {
      size_t place = at + static_cast<size_t>(std::countr_zero(hits));
      if (stands(text, place)) return place;
    }
  }
  for (; at + n <= text.size(); ++at) {
    if (stands(text, at)) return at;
  }
  return std::string_view::npos;
}

}  // namespace clew::text
