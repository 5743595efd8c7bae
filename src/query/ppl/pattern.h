// Regular expressions of commands: RE2, with `(?<name>..)` as well as `(?P<name>..)`.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "model/vector.h"

namespace re2 {
class RE2;
}

namespace clew::query::ppl {

constexpr size_t kPatternBytesMax = 8192;

// Threads: any.
class Pattern {
 public:
  // Errors: kInvalid with RE2's words.
  static Result<std::shared_ptr<const Pattern>> compile(std::string_view text);
  ~Pattern();

  // Named groups in the order of the expression.
  const std::vector<std::string>& names() const { return names_; }
  bool found_in(std::string_view text) const;
  // Bytes that stand in every text with a match, as the expression says them; empty when that is not plain to see.
  const std::string& literal() const { return literal_; }

  struct Place {
    bool found = false;
    size_t begin = 0;
    size_t end = 0;
  };
  // Places of the named groups in the first match at or after `from`; false without one. `whole` is the match itself.
  bool match(std::string_view text, size_t from, Place& whole, std::vector<Place>& groups) const;
  // sed's s///: `\1` and `$1` in the replacement. `occurrence` 0: all; n: the n-th only.
  std::string substitute(std::string_view text, std::string_view replacement, int occurrence) const;

 private:
  Pattern(std::unique_ptr<re2::RE2> regex, std::string literal);
  std::unique_ptr<re2::RE2> regex_;
  std::string literal_;
  std::vector<std::string> names_;
  std::vector<int> numbers_;  // of the named groups
};
using PatternPtr = std::shared_ptr<const Pattern>;

// The text of a row, numbers printed; false for null.
bool text_of_row(const model::Vector& vector, uint32_t row, std::string& buffer, std::string_view& text);

}  // namespace clew::query::ppl
