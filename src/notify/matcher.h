// Matchers of labels: what routes, inhibit rules and silences choose alerts by.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "notify/labels.h"

namespace re2 {
class RE2;
}

namespace clew::notify {

enum class MatchKind : uint8_t { kEqual, kNotEqual, kRegex, kNotRegex };

// Threads: matches on any thread.
class Matcher {
 public:
  // A regular expression must match the whole value.  Errors: kInvalid for a name or an expression that is none.
  static Result<Matcher> make(std::string name, MatchKind kind, std::string value);

  // A label that is absent counts as empty.
  bool matches(const Labels& labels) const { return matches_value(value_of(labels, name_)); }
  bool matches_value(const std::string& value) const;
  // name="value", quotes and backslashes escaped.
  std::string text() const;

  const std::string& name() const { return name_; }
  const std::string& value() const { return value_; }
  MatchKind kind() const { return kind_; }
  bool is_regex() const { return kind_ == MatchKind::kRegex || kind_ == MatchKind::kNotRegex; }
  bool is_equal() const { return kind_ == MatchKind::kEqual || kind_ == MatchKind::kRegex; }
  friend bool operator==(const Matcher& a, const Matcher& b) {
    return a.name_ == b.name_ && a.kind_ == b.kind_ && a.value_ == b.value_;
  }

 private:
  Matcher() = default;
  std::string name_;
  MatchKind kind_ = MatchKind::kEqual;
  std::string value_;
  std::shared_ptr<const re2::RE2> regex_;
};

using Matchers = std::vector<Matcher>;

// True where all match.
bool all_match(const Matchers& matchers, const Labels& labels);
// {a="1",b=~"2"}
std::string matchers_text(const Matchers& matchers);
// By name, value, kind: the order in group keys.
void sort_matchers(Matchers& matchers);

// One: `severity=critical`, `team =~ "a|b"`.  Errors: kInvalid.
Result<Matcher> parse_matcher(std::string_view text);
// Several with commas between, also in braces: `{a="1", b!="2"}`.  Errors: kInvalid.
Result<Matchers> parse_matchers(std::string_view text);

}  // namespace clew::notify
