// The parser's inside: parse.cc drives it, parse_selector.cc and parse_operand.cc hold its parts.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "query/promql/lexer.h"
#include "query/promql/parse.h"

namespace clew::query::promql {

// After the first failure every function gives null or false and consumes nothing.
class Parser {
 public:
  Parser(std::string_view text, const ParseOptions& options);

  ExprPtr whole();
  bool matchers_only(std::vector<contract::LabelMatcher>& matchers);
  bool failed() const { return failed_; }
  const ParseFailure& failure() const { return failure_; }

 private:
  // parse.cc
  ExprPtr binary(int precedence_min);
  ExprPtr unary();
  ExprPtr combine(Op op, ExprPtr left, const Token& token, int precedence);
  bool matching(BinaryExpr& made);
  bool fills(Matching& matching);
  bool grouping_labels(std::vector<std::string>& labels);
  bool binary_op(Op& op, int& precedence) const;

  // parse_operand.cc
  ExprPtr operand();
  ExprPtr primary();
  ExprPtr paren();
  ExprPtr identifier();
  ExprPtr call(const Token& name);
  ExprPtr aggregate(const Token& name, Aggregation aggregation);
  bool aggregate_grouping(AggregateExpr& made);
  bool arguments(std::vector<ExprPtr>& args);
  ExprPtr postfix(ExprPtr inner);
  ExprPtr bracket(ExprPtr inner);
  bool at_modifier(Expr& inner);
  bool offset_modifier(Expr& inner);
  bool extension_modifier(Expr& inner, Extension extension);

  // parse_selector.cc
  ExprPtr selector(const Token* name);
  bool matchers(SelectorExpr& made);
  bool matcher(SelectorExpr& made);
  bool label_set_name(SelectorExpr& made, const std::string& name, const Token& token);

  // parse_duration.cc
  DurationPtr duration(int precedence_min);
  DurationPtr duration_unary();
  DurationPtr duration_primary();
  DurationPtr offset_duration();
  bool check_plain(const DurationExpr& expr);

  // check.cc
  bool check(const Expr& expr);
  bool expect(const Expr& expr, ValueType wanted, std::string_view where);
  bool check_binary(const BinaryExpr& expr);
  bool check_aggregate(const AggregateExpr& expr);
  bool check_call(const CallExpr& expr);
  bool check_selector(const SelectorExpr& expr, bool label_selector);

  const Token& peek(size_t ahead = 0) const {
    return tokens_[at_ + ahead < tokens_.size() ? at_ + ahead : tokens_.size() - 1];
  }
  const Token& take() { return tokens_[at_ + 1 < tokens_.size() ? at_++ : at_]; }
  bool is_symbol(std::string_view symbol, size_t ahead = 0) const {
    return peek(ahead).kind == TokenKind::kSymbol && peek(ahead).text == symbol;
  }
  bool take_symbol(std::string_view symbol) {
    if (!is_symbol(symbol)) return false;
    take();
    return true;
  }
  bool is_word(std::string_view lower, size_t ahead = 0) const {
    return peek(ahead).kind == TokenKind::kIdentifier && to_lower(peek(ahead).text) == lower;
  }
  bool need_symbol(std::string_view symbol, std::string_view context);
  // Always false / null, so that callers return it.
  bool fail(Span span, std::string message);
  bool unexpected(std::string_view context, std::string_view expected);
  uint32_t end_of_last() const { return at_ == 0 ? 0 : tokens_[at_ - 1].span.end; }
  // Sets the depth from children; fails beyond kDepthMax.
  ExprPtr finish(ExprPtr expr, uint32_t begin);
  bool enter();
  void leave() { --depth_; }

  std::string_view text_;
  const ParseOptions& options_;
  std::vector<Token> tokens_;
  size_t at_ = 0;
  uint32_t depth_ = 0;
  bool failed_ = false;
  bool lex_failed_ = false;
  LexFailure lex_failure_;
  ParseFailure failure_;
};

// An identifier of PromQL; label names have no colons.
bool is_metric_name(std::string_view name);
bool is_label_name(std::string_view name);
// What a token is called in messages.
std::string token_text(const Token& token);

}  // namespace clew::query::promql
