// Operands: numbers, strings, selectors, calls, aggregations, brackets, and what stands behind them.
#include <fmt/format.h>

#include "query/promql/functions.h"
#include "query/promql/parser.h"

namespace clew::query::promql {

ExprPtr Parser::operand() {
  ExprPtr expr = primary();
  return expr ? postfix(std::move(expr)) : nullptr;
}

ExprPtr Parser::primary() {
  const Token& token = peek();
  switch (token.kind) {
    case TokenKind::kNumber:
    case TokenKind::kDuration: {
      auto made = std::make_unique<NumberExpr>();
      made->is_duration = token.kind == TokenKind::kDuration;
      made->value = made->is_duration ? static_cast<double>(token.millis) / 1000 : token.number;
      uint32_t begin = take().span.begin;
      return finish(std::move(made), begin);
    }
    case TokenKind::kString: {
      auto made = std::make_unique<StringExpr>();
      made->value = token.text;
      uint32_t begin = take().span.begin;
      return finish(std::move(made), begin);
    }
    case TokenKind::kIdentifier: return identifier();
    case TokenKind::kSymbol:
      if (token.text == "(") return paren();
      if (token.text == "{") return selector(nullptr);
      break;
    case TokenKind::kEnd: break;
  }
  unexpected("", "");
  return nullptr;
}

ExprPtr Parser::paren() {
  uint32_t begin = take().span.begin;
  auto made = std::make_unique<ParenExpr>();
  made->inner = binary(1);
  if (!made->inner || !need_symbol(")", "paren expression")) return nullptr;
  return finish(std::move(made), begin);
}

ExprPtr Parser::identifier() {
  Token name = take();
  std::string lower = to_lower(name.text);
  bool opens = is_symbol("(");
  if (std::optional<Aggregation> aggregation = aggregation_of(lower)) {
    if (opens || is_word("by") || is_word("without")) return aggregate(name, *aggregation);
  } else if (opens) {
    return call(name);
  }
  return selector(&name);
}

bool Parser::arguments(std::vector<ExprPtr>& args) {
  take();  // (
  while (!is_symbol(")")) {
    if (!args.empty()) {
      if (!take_symbol(",")) return unexpected("function call args", "\",\" or \")\"");
      if (is_symbol(")")) return fail(peek().span, "trailing commas not allowed in function call args");
    }
    // The second argument of info() is no selector of samples: an empty one is checked by its call.
    ExprPtr arg = binary(1);
    if (!arg) return false;
    args.push_back(std::move(arg));
  }
  take();
  return true;
}

ExprPtr Parser::call(const Token& name) {
  const Function* function = find_function(name.text);
  if (function == nullptr) {
    fail(name.span, fmt::format("unknown function with name {}", quote(name.text)));
    return nullptr;
  }
  if (function->experimental && !options_.experimental_functions) {
    fail(name.span, fmt::format("function {} is not enabled", quote(name.text)));
    return nullptr;
  }
  auto made = std::make_unique<CallExpr>();
  made->function = function;
  if (!arguments(made->args)) return nullptr;
  return finish(std::move(made), name.span.begin);
}

bool Parser::aggregate_grouping(AggregateExpr& made) {
  if (!is_word("by") && !is_word("without")) return true;
  if (made.has_grouping) return unexpected("aggregation", "");
  made.has_grouping = true;
  made.without = to_lower(take().text) == "without";
  return grouping_labels(made.grouping);
}

ExprPtr Parser::aggregate(const Token& name, Aggregation aggregation) {
  auto made = std::make_unique<AggregateExpr>();
  made->aggregation = aggregation;
  if (!aggregate_grouping(*made)) return nullptr;
  if (!is_symbol("(")) {
    unexpected("aggregation", "\"(\"");
    return nullptr;
  }
  std::vector<ExprPtr> args;
  if (!arguments(args) || !aggregate_grouping(*made)) return nullptr;
  Span span{name.span.begin, end_of_last()};
  if (args.empty()) {
    fail(span, "no arguments for aggregate expression provided");
    return nullptr;
  }
  size_t wanted = takes_parameter(aggregation) ? 2 : 1;
  if (args.size() != wanted) {
    fail(span, fmt::format("wrong number of arguments for aggregate expression provided, expected {}, got {}", wanted,
                           args.size()));
    return nullptr;
  }
  bool experimental = aggregation == Aggregation::kLimitk || aggregation == Aggregation::kLimitRatio;
  if (experimental && !options_.experimental_functions) {
    fail(span, fmt::format("{}() is experimental and must be enabled", aggregation_text(aggregation)));
    return nullptr;
  }
  if (wanted == 2) made->parameter = std::move(args[0]);
  made->inner = std::move(args[wanted - 1]);
  return finish(std::move(made), name.span.begin);
}

ExprPtr Parser::postfix(ExprPtr inner) {
  for (;;) {
    if (!inner || failed_) return nullptr;
    uint32_t begin = inner->span.begin;
    bool done = true;
    if (is_symbol("[")) {
      inner = bracket(std::move(inner));
      continue;
    }
    if (is_symbol("@")) {
      if (!at_modifier(*inner)) return nullptr;
    } else if (is_word("offset")) {
      if (!offset_modifier(*inner)) return nullptr;
    } else if (is_word("smoothed") || is_word("anchored")) {
      Extension extension = is_word("smoothed") ? Extension::kSmoothed : Extension::kAnchored;
      if (!extension_modifier(*inner, extension)) return nullptr;
    } else {
      done = false;
    }
    if (!done) return inner;
    inner->span = {begin, end_of_last()};
  }
}

ExprPtr Parser::bracket(ExprPtr inner) {
  uint32_t begin = inner->span.begin;
  take();
  DurationPtr range = duration(1);
  if (!range) return nullptr;
  if (take_symbol(":")) {
    auto made = std::make_unique<SubqueryExpr>();
    made->range = std::move(range);
    if (!is_symbol("]")) {
      made->step = duration(1);
      if (!made->step) return nullptr;
    }
    if (!need_symbol("]", "subquery selector")) return nullptr;
    made->inner = std::move(inner);
    return finish(std::move(made), begin);
  }
  if (!need_symbol("]", "matrix selector")) return nullptr;
  if (inner->kind != ExprKind::kSelector || as<SelectorExpr>(*inner).is_range) {
    fail(inner->span, "ranges only allowed for vector selectors");
    return nullptr;
  }
  auto& selected = as<SelectorExpr>(*inner);
  if (selected.offset || selected.at.set()) {
    fail(inner->span,
         selected.offset ? "no offset modifiers allowed before range" : "no @ modifiers allowed before range");
    return nullptr;
  }
  selected.vector_span = inner->span;
  selected.is_range = true;
  selected.range = std::move(range);
  return finish(std::move(inner), begin);
}

bool Parser::at_modifier(Expr& inner) {
  const Token& sign = take();
  AtModifier* at = inner.kind == ExprKind::kSelector   ? &as<SelectorExpr>(inner).at
                   : inner.kind == ExprKind::kSubquery ? &as<SubqueryExpr>(inner).at
                                                       : nullptr;
  if (at == nullptr) {
    return fail(sign.span,
                "@ modifier must be preceded by an instant vector selector or range vector selector or a subquery");
  }
  if (at->set()) return fail(sign.span, "@ <timestamp> may not be set multiple times");
  if (is_word("start") || is_word("end")) {
    at->kind = is_word("start") ? AtModifier::Kind::kStart : AtModifier::Kind::kEnd;
    take();
    return need_symbol("(", "@") && need_symbol(")", "@");
  }
  bool minus = false;
  if (is_symbol("-") || is_symbol("+")) minus = take().text == "-";
  const Token& token = peek();
  if (token.kind != TokenKind::kNumber && token.kind != TokenKind::kDuration) return unexpected("@", "timestamp");
  double seconds = token.kind == TokenKind::kNumber ? token.number : static_cast<double>(token.millis) / 1000;
  take();
  if (minus) seconds = -seconds;
  // As far as 64 bits of milliseconds reach; Inf and NaN do not.
  if (!(seconds > -9.2e15 && seconds < 9.2e15)) {
    return fail(token.span, fmt::format("timestamp out of bounds for @ modifier: {:f}", seconds));
  }
  at->kind = AtModifier::Kind::kTime;
  at->millis = static_cast<int64_t>(seconds < 0 ? seconds * 1000 - 0.5 : seconds * 1000 + 0.5);
  return true;
}

bool Parser::offset_modifier(Expr& inner) {
  const Token& word = take();
  DurationPtr offset = offset_duration();
  if (!offset) return false;
  DurationPtr* place = inner.kind == ExprKind::kSelector   ? &as<SelectorExpr>(inner).offset
                       : inner.kind == ExprKind::kSubquery ? &as<SubqueryExpr>(inner).offset
                                                           : nullptr;
  if (place == nullptr) {
    return fail(
        word.span,
        "offset modifier must be preceded by an instant vector selector or range vector selector or a subquery");
  }
  if (*place) return fail(word.span, "offset may not be set multiple times");
  *place = std::move(offset);
  return true;
}

bool Parser::extension_modifier(Expr& inner, Extension extension) {
  std::string_view name = extension == Extension::kSmoothed ? "smoothed" : "anchored";
  const Token& word = take();
  if (!options_.extended_range_selectors)
    return fail(word.span, fmt::format("{} modifier is experimental and not enabled", name));
  if (inner.kind != ExprKind::kSelector) {
    return fail(word.span, fmt::format("{} modifier must be preceded by a vector or range selector", name));
  }
  auto& selected = as<SelectorExpr>(inner);
  if (extension == Extension::kAnchored && !selected.is_range) {
    return fail(word.span, "anchored modifier can only be used with a range selector");
  }
  if (selected.extension == extension) return fail(word.span, fmt::format("{} may not be set multiple times", name));
  if (selected.extension != Extension::kNone)
    return fail(word.span, "smoothed and anchored modifiers cannot be used together");
  selected.extension = extension;
  return true;
}

}  // namespace clew::query::promql
