// Patterns over text: regular expressions, LIKE, and substrings without regard to case.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace re2 {
class RE2;
}

namespace clew::expr {

constexpr size_t kRegexBytesMax = 4 << 10;         // of the pattern
constexpr int64_t kRegexMemoryBytesMax = 8 << 20;  // of the compiled program

// Compiles a regular expression in Java's or RE2's spelling: `(?<name>..)` is understood. No backtracking: lookaround
// and backreferences are refused.
// Errors: kInvalid with what is wrong; kTooLarge beyond the limits.
Result<std::shared_ptr<const re2::RE2>> compile_regex(std::string_view pattern, bool ignore_case = false);

// True when the expression is found anywhere in the text, or spans all of it.
bool regex_found(const re2::RE2& regex, std::string_view text);
bool regex_spans(const re2::RE2& regex, std::string_view text);

// A replacement as Java or sed writes it (`$1`, `\1`, `$$`) in RE2's spelling; group numbers beyond the pattern's are
// an error.
Result<std::string> rewrite_of(const re2::RE2& regex, std::string_view replacement);
std::string regex_replace_all(const re2::RE2& regex, std::string_view text, const std::string& rewrite);

// A LIKE pattern: `%` any run, `_` one code point, `\` takes the next character as it is.
//
// Threads: matches() on any thread.
class LikePattern {
 public:
  static Result<std::shared_ptr<const LikePattern>> compile(std::string_view pattern, bool ignore_case);
  bool matches(std::string_view text) const;

 private:
  // A stretch without `%`; `any[i]` marks a `_` at byte i of `bytes`.
  struct Piece {
    std::string bytes;
    std::vector<bool> any;
    bool plain = true;  // no `_`
  };
  bool matches_at(const Piece& piece, std::string_view text, size_t at, size_t& end) const;
  bool find_piece(const Piece& piece, std::string_view text, size_t from, size_t& end) const;
  bool matches_end(const Piece& piece, std::string_view text, size_t from) const;

  bool ignore_case_ = false;
  std::vector<Piece> pieces_;              // between the `%`; at least one
  std::shared_ptr<const re2::RE2> regex_;  // letters beyond ASCII whose case is ignored
};

// Position of `needle` in `text` from `from` on; npos when it is not there. `needle` of the folding form is lower case
// ASCII.
size_t find_text(std::string_view text, std::string_view needle, size_t from);
size_t find_folded(std::string_view text, std::string_view lower_needle, size_t from);

}  // namespace clew::expr
