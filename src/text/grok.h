// Grok: regular expressions out of named parts. `%{IP:client} %{NUMBER:bytes:int}`.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace clew::text {

constexpr size_t kGrokBytesMax = 16 << 10;  // of the pattern, and of what it expands to
constexpr int kGrokDepthMax = 16;           // parts inside parts

enum class GrokType : uint8_t { kText, kInteger, kReal };

struct GrokField {
  std::string group;  // name of the group in the expression
  std::string name;   // as the pattern says
  GrokType type = GrokType::kText;
};

struct Grok {
  std::string regex;  // of RE2
  std::vector<GrokField> fields;
};

struct GrokOptions {
  bool unnamed = true;  // a `%{PART}` of the pattern itself gives a field, too
  // Parts of the user's own; they go before those that come with clew.
  std::map<std::string, std::string, std::less<>> definitions;
};

// Every `%{PART:name}`, also inside parts, and every `%{PART}` of the pattern itself gives a field; `(?<name>..)` too.
// Errors: kInvalid for an unknown part or an open bracket, kTooLarge beyond the limits.
Result<Grok> expand_grok(std::string_view pattern, const GrokOptions& options = {});

// Expression of a part, empty when there is none.
std::string_view grok_part(std::string_view name);
std::vector<std::string_view> grok_part_names();

}  // namespace clew::text
