#include "query/promql/parse.h"

#include <fmt/format.h>

#include <algorithm>

#include "query/promql/parser.h"

namespace clew::query::promql {
namespace {

constexpr int kUnaryPrecedence = 6;  // binds as * does

struct OpInfo {
  std::string_view text;
  Op op;
  int precedence;
};
constexpr OpInfo kOps[] = {
    {"or", Op::kOr, 1},           {"and", Op::kAnd, 2}, {"unless", Op::kUnless, 2}, {"==", Op::kEqual, 4},
    {"!=", Op::kNotEqual, 4},     {"<", Op::kLess, 4},  {"<=", Op::kLessEqual, 4},  {">", Op::kGreater, 4},
    {">=", Op::kGreaterEqual, 4}, {"+", Op::kAdd, 5},   {"-", Op::kSub, 5},         {"*", Op::kMul, 6},
    {"/", Op::kDiv, 6},           {"%", Op::kMod, 6},   {"atan2", Op::kAtan2, 6},   {"^", Op::kPow, 7},
};

}  // namespace

Parser::Parser(std::string_view text, const ParseOptions& options) : text_(text), options_(options) {
  LexResult lexed = lex(text);
  tokens_ = std::move(lexed.tokens);
  lex_failed_ = lexed.failed;
  lex_failure_ = std::move(lexed.failure);
}

bool Parser::fail(Span span, std::string message) {
  if (failed_) return false;
  failed_ = true;
  failure_ = {span, std::move(message)};
  return false;
}

std::string token_text(const Token& token) {
  switch (token.kind) {
    case TokenKind::kEnd: return "end of input";
    case TokenKind::kIdentifier: return "identifier " + quote(token.text);
    case TokenKind::kNumber: return "number " + quote(token.text);
    case TokenKind::kDuration: return "duration " + quote(token.text);
    case TokenKind::kString: return "string " + quote(token.text);
    case TokenKind::kSymbol: return quote(token.text);
  }
  return "";
}

bool Parser::unexpected(std::string_view context, std::string_view expected) {
  // A text that ends where its words are not understood says that.
  if (lex_failed_ && peek().kind == TokenKind::kEnd) return fail(lex_failure_.span, lex_failure_.message);
  std::string message = "unexpected " + token_text(peek());
  if (!context.empty()) message += fmt::format(" in {}", context);
  if (!expected.empty()) message += fmt::format(", expected {}", expected);
  return fail(peek().span, std::move(message));
}

bool Parser::need_symbol(std::string_view symbol, std::string_view context) {
  if (failed_) return false;
  return take_symbol(symbol) || unexpected(context, quote(symbol));
}

bool Parser::enter() {
  if (failed_) return false;
  if (++depth_ <= kDepthMax) return true;
  --depth_;
  return fail(peek().span, fmt::format("nested deeper than {}", kDepthMax));
}

ExprPtr Parser::finish(ExprPtr expr, uint32_t begin) {
  if (failed_) return nullptr;
  expr->span = {begin, end_of_last()};
  uint32_t deepest = 0;
  for (const Expr* child : children_of(*expr)) deepest = std::max(deepest, child->depth);
  expr->depth = deepest + 1;
  if (expr->depth > kDepthMax) {
    fail(expr->span, fmt::format("nested deeper than {}", kDepthMax));
    return nullptr;
  }
  return expr;
}

ExprPtr Parser::whole() {
  if (lex_failed_) {
    fail(lex_failure_.span, lex_failure_.message);
    return nullptr;
  }
  if (peek().kind == TokenKind::kEnd) {
    fail(peek().span, "no expression found in input");
    return nullptr;
  }
  ExprPtr expr = binary(1);
  if (!expr) return nullptr;
  if (peek().kind != TokenKind::kEnd) {
    unexpected("", "");
    return nullptr;
  }
  return check(*expr) ? std::move(expr) : nullptr;
}

bool Parser::binary_op(Op& op, int& precedence) const {
  const Token& token = peek();
  if (token.kind != TokenKind::kSymbol && token.kind != TokenKind::kIdentifier) return false;
  std::string lower = to_lower(token.text);
  for (const OpInfo& info : kOps) {
    if (info.text != lower) continue;
    op = info.op;
    precedence = info.precedence;
    return true;
  }
  return false;
}

ExprPtr Parser::binary(int precedence_min) {
  if (!enter()) return nullptr;
  ExprPtr left = unary();
  Op op = Op::kAdd;
  int precedence = 0;
  while (left && binary_op(op, precedence) && precedence >= precedence_min) {
    Token token = take();
    left = combine(op, std::move(left), token, precedence);
  }
  leave();
  return left;
}

ExprPtr Parser::combine(Op op, ExprPtr left, const Token& token, int precedence) {
  auto made = std::make_unique<BinaryExpr>();
  made->op = op;
  uint32_t begin = left->span.begin;
  made->left = std::move(left);
  if (is_word("bool")) {
    take();
    made->return_bool = true;
  }
  if (!matching(*made)) return nullptr;
  if (made->return_bool && !is_comparison(op)) {
    fail(token.span, "bool modifier can only be used on comparison operators");
    return nullptr;
  }
  // ^ binds to the right.
  made->right = binary(op == Op::kPow ? precedence : precedence + 1);
  if (!made->right) return nullptr;
  if (is_set_op(op)) made->matching.card = Matching::Card::kManyToMany;
  return finish(std::move(made), begin);
}

bool Parser::matching(BinaryExpr& made) {
  Matching& matching = made.matching;
  if ((is_word("on") || is_word("ignoring")) && is_symbol("(", 1)) {
    matching.given = true;
    matching.on = to_lower(take().text) == "on";
    if (!grouping_labels(matching.labels)) return false;
    bool left = is_word("group_left");
    if (left || is_word("group_right")) {
      const Token& word = take();
      if (is_set_op(made.op))
        return fail(word.span, fmt::format("no grouping allowed for \"{}\" operation", op_text(made.op)));
      matching.card = left ? Matching::Card::kManyToOne : Matching::Card::kOneToMany;
      if (is_symbol("(") && !grouping_labels(matching.include)) return false;
    }
  }
  return fills(matching);
}

bool Parser::fills(Matching& matching) {
  for (;;) {
    bool both = is_word("fill");
    bool left = is_word("fill_left");
    if ((!both && !left && !is_word("fill_right")) || !is_symbol("(", 1)) return true;
    const Token& word = take();
    if (!options_.fill_modifiers) return fail(word.span, "fill modifiers are experimental and not enabled");
    take();
    bool minus = false;
    if (is_symbol("-") || is_symbol("+")) minus = take().text == "-";
    if (peek().kind != TokenKind::kNumber) return unexpected("fill modifier", "number");
    double value = take().number;
    if (minus) value = -value;
    if (!need_symbol(")", "fill modifier")) return false;
    bool to_left = both || left;
    bool to_right = both || !left;
    if ((to_left && matching.fill_left) || (to_right && matching.fill_right)) {
      return fail(word.span, "fill modifier may not be set multiple times");
    }
    if (to_left) matching.fill_left = value;
    if (to_right) matching.fill_right = value;
  }
}

bool Parser::grouping_labels(std::vector<std::string>& labels) {
  if (!need_symbol("(", "grouping opts")) return false;
  while (!is_symbol(")")) {
    const Token& token = peek();
    if (token.kind == TokenKind::kIdentifier) {
      if (!is_label_name(token.text)) return unexpected("grouping opts", "label");
    } else if (token.kind != TokenKind::kString) {
      return unexpected("grouping opts", "label");
    } else if (token.text.empty()) {
      return fail(token.span, "invalid label name for grouping: \"\"");
    }
    labels.push_back(take().text);
    if (!is_symbol(")") && !take_symbol(",")) return unexpected("grouping opts", "\",\" or \")\"");
  }
  take();
  return true;
}

ExprPtr Parser::unary() {
  if (!is_symbol("-") && !is_symbol("+")) return operand();
  uint32_t begin = peek().span.begin;
  bool minus = take().text == "-";
  // The operand holds what binds tighter than *, so that -2^2 is -(2^2).
  ExprPtr inner = binary(kUnaryPrecedence + 1);
  if (!inner) return nullptr;
  if (inner->kind == ExprKind::kNumber) {
    auto& number = as<NumberExpr>(*inner);
    if (minus) number.value = -number.value;
    return finish(std::move(inner), begin);
  }
  auto made = std::make_unique<UnaryExpr>();
  made->minus = minus;
  made->inner = std::move(inner);
  return finish(std::move(made), begin);
}

Result<ExprPtr> parse(std::string_view text, const ParseOptions& options, ParseFailure* failure) {
  if (text.size() > kQueryBytesMax) {
    return Error(Code::kTooLarge,
                 fmt::format("the query has {} bytes, at most {} are read", text.size(), kQueryBytesMax));
  }
  Parser parser(text, options);
  ExprPtr expr = parser.whole();
  if (expr) return expr;
  if (failure != nullptr) *failure = parser.failure();
  Code code = parser.failure().message.starts_with("nested deeper") ? Code::kTooLarge : Code::kInvalid;
  return Error(code, fmt::format("{}: parse error: {}", place_text(text, parser.failure().span.begin),
                                 parser.failure().message));
}

}  // namespace clew::query::promql
