// Matcher: a regular expression whose groups are wanted of every line. Where RE2 takes its slow way as soon as groups
// are asked for, this one tries alternatives in order, as Perl does, and gives up after a number of steps in proportion
// to the text; its caller then asks RE2, whose time has a bound. What it finds is what RE2 finds.
//
// Beyond RE2 it knows what grok patterns are written with: lookahead, lookbehind of a fixed length, atomic groups and
// possessive repetition. Text is bytes: a character beyond ASCII is matched by `.` and by negated classes, as a whole.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace clew::text {

constexpr size_t kMatcherStepsMax = 20'000;  // of a compiled expression
constexpr int kMatcherDepthMax = 60;         // groups inside groups

// Bytes that a step accepts.
struct ByteSet {
  std::array<uint64_t, 4> bits{};
  bool has(unsigned char c) const { return (bits[c >> 6] >> (c & 63) & 1) != 0; }
  void add(unsigned char c) { bits[c >> 6] |= uint64_t{1} << (c & 63); }
  void add_range(int from, int to) {
    for (int c = from; c <= to; ++c) add(static_cast<unsigned char>(c));
  }
  void merge(const ByteSet& other) {
    for (size_t i = 0; i < 4; ++i) bits[i] |= other.bits[i];
  }
  bool operator==(const ByteSet&) const = default;
};

// Threads: const functions on any thread at once, each with a Work of its own.
class Matcher {
 public:
  // Memory of a search, for reuse.
  struct Work {
    struct Entry {
      uint32_t kind = 0;
      uint32_t step = 0;
      uint32_t from = 0;
      uint32_t to = 0;
    };
    std::vector<Entry> stack;
    std::vector<uint32_t> saves;
    uint64_t steps = 0;
    uint64_t steps_max = 0;
  };
  enum class Found : uint8_t { kYes, kNo, kTooCostly };

  // Errors: kInvalid for what is no expression; kUnsupported for backreferences, \p{..} and characters beyond ASCII in
  // classes; kTooLarge beyond the limits.
  static Result<std::unique_ptr<const Matcher>> compile(std::string_view pattern);
  ~Matcher();

  // Group 0 is the whole match; names are empty where a group has none.
  const std::vector<std::string>& group_names() const { return names_; }
  // It does what RE2 cannot: then nobody can be asked instead.
  bool beyond_re2() const { return beyond_re2_; }

  // Finds the first match. group() then tells of it.  Requires: text under 4 GiB.
  Found search(std::string_view text, Work& work) const;
  // Nothing (null data) where the group took no part.
  std::string_view group(std::string_view text, const Work& work, size_t index) const {
    uint32_t begin = work.saves[2 * index];
    uint32_t end = work.saves[2 * index + 1];
    return begin == kUnset || end == kUnset ? std::string_view() : text.substr(begin, end - begin);
  }

 private:
  friend class MatcherBuilder;
  friend class MatcherRun;
  static constexpr uint32_t kUnset = UINT32_MAX;

  enum class Op : uint8_t {
    kMatch,
    kText,     // bytes
    kSet,      // one character
    kRun,      // many
    kSplit,    // `next`, else `other`
    kSave,     // the place into slot `min`
    kAssert,   // `min`: an Assertion
    kLook,     // `other` matches here (or does not: `negate`), `min` bytes back
    kAtomic,   // `other`, of whose ways only the first counts
    kLoopEnd,  // `next` again unless nothing was taken since slot `min` was saved; then `other`
  };
  enum class Assertion : uint8_t { kBegin, kEnd, kLineBegin, kLineEnd, kEndOrNewline, kWord, kNotWord };
  enum class Take : uint8_t { kMost, kLeast, kAllOrNothing };

  struct Step {
    Op op = Op::kMatch;
    Take take = Take::kMost;
    bool wide = false;  // characters beyond ASCII are taken whole
    bool negate = false;
    bool may_end = true;  // can match at the end of the text
    uint32_t next = 0;
    uint32_t other = 0;
    uint32_t min = 0;
    uint32_t max = 0;
    std::string bytes;
    ByteSet set;
    ByteSet first;  // bytes that it can begin with, when there are any left
  };

  Matcher() = default;

  std::vector<Step> steps_;
  std::vector<std::string> names_;
  uint32_t entry_ = 0;
  uint32_t slots_ = 2;
  bool anchored_ = false;
  bool beyond_re2_ = false;
};

}  // namespace clew::text
