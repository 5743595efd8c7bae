// The leaves of a JSON text, by their dotted paths.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace clew::pipeline {

constexpr size_t kLeavesMax = 10'000;
constexpr int kLeafDepthMax = 64;

struct JsonLeaf {
  enum class Kind : uint8_t { kText, kNumber, kBool, kNull, kArray };
  std::string path;
  Kind kind = Kind::kNull;
  std::string text;  // kText: unescaped; else the token
};

// The members of an object become PREFIX.key, the elements of an array PREFIX.0 and so on; arrays within stay arrays.
// False when the text is neither object nor array, or over a limit.
bool read_json_leaves(std::string_view text, const std::string& prefix, std::vector<JsonLeaf>& out);

// The whole text is a JSON number.
bool is_number(std::string_view text);

}  // namespace clew::pipeline
