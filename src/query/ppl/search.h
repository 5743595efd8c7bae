// Search expressions: `level=error amount>100 "timed out" NOT host=web-*` (docs/language/search.md).
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "expr/lexer.h"

namespace clew::query::ppl {

constexpr int kSearchDepthMax = 64;
constexpr size_t kSearchNodesMax = 10'000;

struct SearchNode;
using SearchPtr = std::shared_ptr<const SearchNode>;

struct SearchNode {
  enum class Kind : uint8_t { kAnd, kOr, kNot, kTerm, kCompare, kIn, kTime };
  enum class Op : uint8_t { kEq, kNe, kLt, kLe, kGt, kGe };
  Kind kind = Kind::kTerm;
  expr::SourceSpan span;
  std::vector<SearchPtr> children;  // kAnd, kOr: two or more; kNot: one
  std::string field;                // kCompare, kIn; kTime: "earliest" or "latest"
  Op op = Op::kEq;                  // kCompare
  std::vector<std::string> values;  // kTerm, kCompare, kTime: one; kIn: one or more
  bool phrase = false;              // kTerm: it stood in quotes
};

// What stands before the first pipe: the expression (null: everything) and the datasets named by source=.
struct Search {
  SearchPtr where;
  std::vector<std::string> sources;  // names and patterns; empty: none named
  expr::SourceSpan sources_span;
  std::string alias;  // `source=logs as l`
};

// Takes a search up to `|`, `]` or the end. The word `search` has been taken.
// Errors: kInvalid with the place in tokens.diagnostic().
Result<Search> parse_search(expr::TokenStream& tokens);

// `source=a,b [as x]` alone; what follows is left.
Result<Search> parse_sources(expr::TokenStream& tokens);

// Text that parses to an equal search, `source=` first.
std::string print(const Search& search);
std::string print(const SearchNode& node);

}  // namespace clew::query::ppl
