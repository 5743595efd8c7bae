// Words of a query's text.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "query/promql/ast.h"

namespace clew::query::promql {

enum class TokenKind : uint8_t {
  kEnd,
  kIdentifier,  // keywords too: what one is, its place says
  kNumber,
  kDuration,
  kString,
  kSymbol,  // operators, brackets, comma ...
};

struct Token {
  TokenKind kind = TokenKind::kEnd;
  std::string text;  // as it stands; of strings what they say
  Span span;
  double number = 0;   // of kNumber
  int64_t millis = 0;  // of kDuration
};

struct LexFailure {
  Span span;
  std::string message;
};

// Ends with a kEnd; on failure the tokens before it.
struct LexResult {
  std::vector<Token> tokens;
  bool failed = false;
  LexFailure failure;
};
LexResult lex(std::string_view text);

// "line:column" of a byte, both from 1; columns are bytes, as Prometheus counts them.
std::string place_text(std::string_view text, size_t byte);
std::string to_lower(std::string_view text);
// A Go string literal.
std::string quote(std::string_view text);

}  // namespace clew::query::promql
