// Parser of expressions (docs/PPL.md section 1).
//
// Precedence, tightest first: unary minus; * / %; + -; comparisons, in, between, is, like, ilike, regexp, contains;
// not; and; xor; or.
#pragma once

#include <functional>
#include <memory>

#include "base/result.h"
#include "expr/ast.h"
#include "expr/lexer.h"

namespace clew::expr {

constexpr int kExprDepthMax = 64;        // parentheses, calls, `not` and minus inside each other
constexpr int kExprTreeDepthMax = 256;   // levels of the tree: chains like a + b + c + ... count too
constexpr size_t kExprNodesMax = 20000;  // nodes of one expression

// Parses the inside of `[ ... ]` and stops before the closing bracket. Null: subsearches are refused.
using SubsearchParser = std::function<Result<std::shared_ptr<const Subsearch>>(TokenStream&)>;

struct ParseOptions {
  SubsearchParser subsearch;
};

// Takes one expression from the stream and leaves what follows it.
// Errors: kInvalid, with the place in tokens.diagnostic(); kTooLarge beyond the limits.
Result<ExprPtr> parse_expression(TokenStream& tokens, const ParseOptions& options = {});

// A whole text; anything left over is an error.
Result<ExprPtr> parse_expression_text(std::string_view text, Diagnostic* diagnostic = nullptr);

// A field name: an identifier, where keywords of the language may be names too.
Result<std::string> parse_field_name(TokenStream& tokens);

// A field name that may hold `*`: names, stars, dots and digits that stand together without a blank. A name in
// backticks is taken as it is, with its stars.
Result<std::string> parse_field_pattern(TokenStream& tokens);

// The source text of an expression as the default name of a column: as it stands, line breaks and the blanks around
// them become one blank.
std::string source_text(const TokenStream& tokens, SourceSpan span);

}  // namespace clew::expr
