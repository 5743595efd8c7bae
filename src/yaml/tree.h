// Tree: a piece of YAML with its line numbers, free of the library that read it.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace clew::yaml {

constexpr int kTreeDepthMax = 32;
constexpr size_t kTreeNodesMax = 100'000;  // aliases may repeat a node many times

struct Tree {
  enum class Kind : uint8_t { kNull, kText, kList, kMap };
  uint32_t line = 0;  // from 1
  Kind kind = Kind::kNull;
  std::string text;                            // kText
  bool quoted = false;                         // kText: never a number or yes and no
  std::vector<Tree> items;                     // kList
  std::vector<std::pair<Tree, Tree>> members;  // kMap, in order

  bool is_text() const { return kind == Kind::kText; }
  bool is_list() const { return kind == Kind::kList; }
  bool is_map() const { return kind == Kind::kMap; }
  bool is_null() const { return kind == Kind::kNull; }
  // Null where there is none.
  const Tree* find(std::string_view key) const;
};

// What is wrong with a configuration, and where.
struct Mistake {
  uint32_t line = 0;  // from 1; 0 for the whole
  std::string message;
};
using Mistakes = std::vector<Mistake>;

// Changes the text of every scalar, as ${ENV} does.  Errors: are told with the line.
using Substitute = std::function<Result<std::string>(const std::string& text)>;

// Reads YAML. What is wrong goes to `mistakes`; the tree is then what could be read.
Tree parse_yaml(const std::string& text, Mistakes& mistakes, const Substitute& substitute = {});

}  // namespace clew::yaml
