// Finding a short text in a long one, sixteen places at a time.
#pragma once

#include <emmintrin.h>

#include <cstddef>
#include <string_view>

#include "text/words.h"

namespace clew::text {

// Looks for `piece` by its first and last byte.
//
// Threads:  find() on any thread.
// Lifetime: `piece` outlives it.
class Finder {
 public:
  // Requires: a piece that is not empty; with kFolded one of ASCII without capitals, which is then found in any case.
  Finder(std::string_view piece, CaseRule rule);

  // The first place from `at` on where the piece stands, else npos.
  size_t find(std::string_view text, size_t at = 0) const;

 private:
  bool stands(std::string_view text, size_t at) const;

  std::string_view piece_;
  bool folded_;
  __m128i first_, last_, first_or_, last_or_;
};

}  // namespace clew::text
