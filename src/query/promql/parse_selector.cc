// Selectors: NAME{label="value", ...}, {"quoted name", "quoted label"=~"..."}.
#include <fmt/format.h>
#include <re2/re2.h>

#include <algorithm>

#include "query/promql/matcher.h"
#include "query/promql/parser.h"

namespace clew::query::promql {

using contract::LabelMatcher;
using contract::MatchOp;

bool is_metric_name(std::string_view name) {
  auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == ':'; };
  return !name.empty() && letter(name[0]) &&
         std::all_of(name.begin(), name.end(), [&](char c) { return letter(c) || (c >= '0' && c <= '9'); });
}

bool is_label_name(std::string_view name) { return is_metric_name(name) && name.find(':') == std::string_view::npos; }

ExprPtr Parser::selector(const Token* name) {
  auto made = std::make_unique<SelectorExpr>();
  uint32_t begin = name != nullptr ? name->span.begin : peek().span.begin;
  if (name != nullptr) {
    made->name = name->text;
    made->matchers.push_back({MatchOp::kEqual, std::string(model::kMetricNameLabel), name->text});
  }
  if (is_symbol("{") && !matchers(*made)) return nullptr;
  made->vector_span = {begin, end_of_last()};
  return finish(std::move(made), begin);
}

bool Parser::matchers(SelectorExpr& made) {
  take();  // {
  while (!is_symbol("}")) {
    if (!matcher(made)) return false;
    if (!is_symbol("}") && !take_symbol(",")) return unexpected("label matching", "\",\" or \"}\"");
  }
  take();
  return true;
}

bool Parser::label_set_name(SelectorExpr& made, const std::string& name, const Token& token) {
  if (!made.name.empty()) {
    return fail(token.span, fmt::format("metric name must not be set twice: {} or {}", quote(made.name), quote(name)));
  }
  made.name = name;
  made.matchers.push_back({MatchOp::kEqual, std::string(model::kMetricNameLabel), name});
  return true;
}

bool Parser::matcher(SelectorExpr& made) {
  Token name = peek();
  if (name.kind != TokenKind::kIdentifier && name.kind != TokenKind::kString &&
      !(name.kind == TokenKind::kNumber && is_label_name(name.text))) {
    return unexpected("label matching", "identifier or \"}\"");
  }
  take();
  if (name.kind == TokenKind::kString && (is_symbol(",") || is_symbol("}")))
    return label_set_name(made, name.text, name);
  LabelMatcher made_matcher;
  made_matcher.name = name.text;
  if (take_symbol("=")) {
    made_matcher.op = MatchOp::kEqual;
  } else if (take_symbol("!=")) {
    made_matcher.op = MatchOp::kNotEqual;
  } else if (take_symbol("=~")) {
    made_matcher.op = MatchOp::kRegex;
  } else if (take_symbol("!~")) {
    made_matcher.op = MatchOp::kNotRegex;
  } else {
    return unexpected("label matching", "label matching operator");
  }
  if (peek().kind != TokenKind::kString) return unexpected("label matching", "string");
  const Token& value = take();
  made_matcher.value = value.text;
  if (made_matcher.op == MatchOp::kRegex || made_matcher.op == MatchOp::kNotRegex) {
    Result<Matcher> compiled = Matcher::make(made_matcher);
    if (!compiled.ok()) return fail(value.span, compiled.error().message());
  }
  if (!made.name.empty() && made_matcher.name == model::kMetricNameLabel) {
    return fail(name.span,
                fmt::format("metric name must not be set twice: {} or {}", quote(made.name), quote(value.text)));
  }
  made.matchers.push_back(std::move(made_matcher));
  return true;
}

bool Parser::matchers_only(std::vector<LabelMatcher>& matchers) {
  ExprPtr expr = whole();
  if (!expr) return false;
  if (expr->kind != ExprKind::kSelector || as<SelectorExpr>(*expr).is_range || as<SelectorExpr>(*expr).offset ||
      as<SelectorExpr>(*expr).at.set()) {
    return fail(expr->span, "expected a series selector alone");
  }
  matchers = as<SelectorExpr>(*expr).matchers;
  return true;
}

Result<std::vector<LabelMatcher>> parse_selector(std::string_view text) {
  if (text.size() > kQueryBytesMax) return Error(Code::kTooLarge, "the selector is too long");
  ParseOptions options;
  Parser parser(text, options);
  std::vector<LabelMatcher> matchers;
  if (parser.matchers_only(matchers)) return matchers;
  return Error(Code::kInvalid, fmt::format("{}: parse error: {}", place_text(text, parser.failure().span.begin),
                                           parser.failure().message));
}

}  // namespace clew::query::promql
