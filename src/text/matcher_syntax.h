// The tree of a regular expression, and its reader. Inside of matcher.h.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "text/matcher.h"

namespace clew::text {

constexpr uint32_t kNoEnd = UINT32_MAX;  // of a repetition

struct RegexNode {
  enum class Kind : uint8_t { kEmpty, kSet, kAll, kAny, kRepeat, kGroup, kAssert, kLook, kAtomic };
  enum class At : uint8_t { kBegin, kEnd, kLineBegin, kLineEnd, kEndOrNewline, kWord, kNotWord };
  Kind kind = Kind::kEmpty;
  std::vector<std::unique_ptr<RegexNode>> nodes;  // kAll: one after the other; kAny: one of them; else the inside
  ByteSet set;
  bool wide = false;  // kSet: with all characters beyond ASCII
  uint32_t min = 0;   // kRepeat
  uint32_t max = 0;
  bool least = false;
  bool possessive = false;
  uint32_t group = 0;  // kGroup: from 1
  At at = At::kBegin;
  bool behind = false;  // kLook
  bool negate = false;
};
using RegexNodePtr = std::unique_ptr<RegexNode>;

struct RegexTree {
  RegexNodePtr root;
  std::vector<std::string> names;  // of groups; the first is the whole
  bool beyond_re2 = false;
};

Result<RegexTree> parse_regex(std::string_view pattern);

}  // namespace clew::text
