// Durations of ranges, steps and offsets, computed ones too: [5m], [2 * 30s:step()], offset -(1h / 2).
#include <fmt/format.h>

#include "query/promql/parser.h"

namespace clew::query::promql {
namespace {

constexpr int kPowPrecedence = 3;

int precedence_of(const Token& token, DurationExpr::Kind& kind) {
  using Kind = DurationExpr::Kind;
  if (token.kind != TokenKind::kSymbol || token.text.size() != 1) return 0;
  switch (token.text[0]) {
    case '+': kind = Kind::kAdd; return 1;
    case '-': kind = Kind::kSub; return 1;
    case '*': kind = Kind::kMul; return 2;
    case '/': kind = Kind::kDiv; return 2;
    case '%': kind = Kind::kMod; return 2;
    case '^': kind = Kind::kPow; return kPowPrecedence;
    default: return 0;
  }
}

}  // namespace

// Without the option a duration is a number or duration with a sign.
bool Parser::check_plain(const DurationExpr& expr) {
  using Kind = DurationExpr::Kind;
  bool plain = expr.kind == Kind::kNumber || expr.kind == Kind::kNegate || expr.kind == Kind::kPlus;
  if (options_.duration_expressions || plain) return true;
  return fail(expr.span, "experimental duration expression is not enabled");
}

DurationPtr Parser::duration(int precedence_min) {
  if (!enter()) return nullptr;
  DurationPtr left = duration_unary();
  DurationExpr::Kind kind{};
  int precedence = 0;
  while (left && (precedence = precedence_of(peek(), kind)) >= precedence_min && precedence > 0) {
    auto made = std::make_unique<DurationExpr>();
    made->kind = kind;
    uint32_t begin = left->span.begin;
    take();
    made->left = std::move(left);
    made->right = duration(kind == DurationExpr::Kind::kPow ? precedence : precedence + 1);
    if (!made->right) break;
    made->span = {begin, end_of_last()};
    left = check_plain(*made) ? std::move(made) : nullptr;
  }
  leave();
  return failed_ ? nullptr : std::move(left);
}

DurationPtr Parser::duration_unary() {
  if (!is_symbol("-") && !is_symbol("+")) return duration_primary();
  auto made = std::make_unique<DurationExpr>();
  uint32_t begin = peek().span.begin;
  made->kind = take().text == "-" ? DurationExpr::Kind::kNegate : DurationExpr::Kind::kPlus;
  made->left = duration(kPowPrecedence);
  if (!made->left) return nullptr;
  made->span = {begin, end_of_last()};
  return made;
}

DurationPtr Parser::duration_primary() {
  auto made = std::make_unique<DurationExpr>();
  const Token& token = peek();
  uint32_t begin = token.span.begin;
  if (token.kind == TokenKind::kNumber || token.kind == TokenKind::kDuration) {
    made->is_duration = token.kind == TokenKind::kDuration;
    made->seconds = made->is_duration ? static_cast<double>(token.millis) / 1000 : token.number;
    take();
  } else if (take_symbol("(")) {
    made = duration(1);
    if (!made || !need_symbol(")", "duration expression")) return nullptr;
    made->parens = true;
    if (!options_.duration_expressions) {
      fail({begin, end_of_last()}, "experimental duration expression is not enabled");
      return nullptr;
    }
  } else if ((is_word("step") || is_word("range")) && is_symbol("(", 1)) {
    made->kind = is_word("step") ? DurationExpr::Kind::kStep : DurationExpr::Kind::kRange;
    take();
    take();
    if (!need_symbol(")", "duration expression")) return nullptr;
  } else if ((is_word("min") || is_word("max")) && is_symbol("(", 1)) {
    made->kind = is_word("min") ? DurationExpr::Kind::kMin : DurationExpr::Kind::kMax;
    take();
    take();
    made->left = duration(1);
    if (!made->left || !need_symbol(",", "duration expression")) return nullptr;
    made->right = duration(1);
    if (!made->right || !need_symbol(")", "duration expression")) return nullptr;
  } else {
    unexpected("", "number or duration");
    return nullptr;
  }
  made->span = {begin, end_of_last()};
  return check_plain(*made) ? std::move(made) : nullptr;
}

// Behind `offset` operators belong to the expression around, so that `x offset 5m * 2` is (x offset 5m) * 2.
DurationPtr Parser::offset_duration() {
  if (!is_symbol("-") && !is_symbol("+")) return duration_primary();
  auto made = std::make_unique<DurationExpr>();
  uint32_t begin = peek().span.begin;
  made->kind = take().text == "-" ? DurationExpr::Kind::kNegate : DurationExpr::Kind::kPlus;
  made->left = duration_primary();
  if (!made->left) return nullptr;
  made->span = {begin, end_of_last()};
  return made;
}

}  // namespace clew::query::promql
