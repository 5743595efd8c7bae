#include "expr/parse.h"

#include <algorithm>
#include <charconv>

#include "expr/coerce.h"
#include "expr/relevance.h"

namespace clew::expr {
namespace {

using model::Type;
using model::Value;

// Functions whose first argument may be a word: a unit, or the type of a format.
constexpr std::string_view kKeywordFirst[] = {"timestampadd", "timestampdiff", "get_format"};

constexpr std::pair<std::string_view, std::string_view> kComparisons[] = {
    {"=", "="}, {"==", "="}, {"!=", "!="}, {"<>", "!="}, {"<", "<"}, {"<=", "<="}, {">", ">"}, {">=", ">="},
};

Value real_value(std::string_view text, Type type) {
  double d = parse_double(text).value_or(0);  // the lexer took it for a number
  Value v = Value::real(type == Type::kFloat ? static_cast<double>(static_cast<float>(d)) : d);
  v.set_type(type);
  return v;
}

Value integer_value(std::string_view digits) {
  int64_t v = 0;
  auto [end, failed] = std::from_chars(digits.data(), digits.data() + digits.size(), v);
  if (failed == std::errc()) return v <= INT32_MAX ? Value::integer(v) : Value::bigint(v);
  uint64_t u = 0;
  auto [uend, ufailed] = std::from_chars(digits.data(), digits.data() + digits.size(), u);
  if (ufailed == std::errc()) return Value::ubigint(u);
  return real_value(digits, Type::kDouble);
}

// Exact when 18 digits are enough.
Value decimal_value(std::string_view text) {
  size_t dot = text.find('.');
  std::string digits(text.substr(0, dot));
  std::string_view fraction = text.substr(dot + 1);
  digits += fraction;
  int64_t mantissa = 0;
  auto [end, failed] = std::from_chars(digits.data(), digits.data() + digits.size(), mantissa);
  if (failed != std::errc() || fraction.size() > 18 || mantissa > 999999999999999999) {
    return real_value(text, Type::kDouble);
  }
  return Value::decimal(mantissa, static_cast<uint8_t>(fraction.size()));
}

// The negative of a number literal; null when the value is none.
ExprPtr negated_literal(const Expr& expr, SourceSpan span) {
  if (expr.kind != ExprKind::kLiteral) return nullptr;
  const Value& v = expr.literal;
  constexpr uint64_t kMinMagnitude = 1ull << 63;
  switch (v.type()) {
    case Type::kInt: return make_literal(Value::integer(-v.i64()), span);
    case Type::kLong:
      if (v.i64() == INT64_MIN) return make_literal(Value::ubigint(kMinMagnitude), span);
      return make_literal(v.i64() == INT32_MAX + 1ll ? Value::integer(INT32_MIN) : Value::bigint(-v.i64()), span);
    case Type::kULong:
      if (static_cast<uint64_t>(v.i64()) != kMinMagnitude) {
        return make_literal(Value::real(-static_cast<double>(static_cast<uint64_t>(v.i64()))), span);
      }
      return make_literal(Value::bigint(INT64_MIN), span);
    case Type::kDecimal: return make_literal(Value::decimal(-v.i64(), v.scale()), span);
    case Type::kDouble:
    case Type::kFloat: {
      Value negative = Value::real(-v.f64());
      negative.set_type(v.type());
      return make_literal(negative, span);
    }
    default: return nullptr;
  }
}

class Parser {
 public:
  Parser(TokenStream& tokens, const ParseOptions& options) : tokens_(tokens), options_(options) {}

  Result<ExprPtr> expression() {
    CLEW_TRY(enter());
    ExprPtr expr = CLEW_TRY(chain(0));
    --depth_;
    return expr;
  }

 private:
  static constexpr std::string_view kConnectives[] = {"or", "xor", "and"};

  // `or`, `xor` and `and`, loosest first; `level` indexes kConnectives.
  Result<ExprPtr> chain(size_t level) {
    if (level == std::size(kConnectives)) return negation();
    uint32_t begin = tokens_.offset();
    ExprPtr first = CLEW_TRY(chain(level + 1));
    std::string name(kConnectives[level]);
    if (!tokens_.peek().is_word(name)) return first;
    std::vector<ExprPtr> args;
    append_chain(name, first, args);
    while (tokens_.accept_word(name)) {
      ExprPtr following = CLEW_TRY(chain(level + 1));
      append_chain(name, following, args);
    }
    return made(make_call(name, std::move(args), span_from(begin)));
  }

  // A parenthesised chain of the same connective is taken apart: the meaning is the same.
  static void append_chain(const std::string& name, const ExprPtr& expr, std::vector<ExprPtr>& args) {
    if (expr->is_call(name)) {
      args.insert(args.end(), expr->args.begin(), expr->args.end());
    } else {
      args.push_back(expr);
    }
  }

  Result<ExprPtr> negation() {
    uint32_t begin = tokens_.offset();
    if (!tokens_.accept_word("not")) return comparison();
    CLEW_TRY(enter());
    ExprPtr arg = CLEW_TRY(negation());
    --depth_;
    return made(make_call("not", {arg}, span_from(begin)));
  }

  Result<ExprPtr> comparison() {
    uint32_t begin = tokens_.offset();
    ExprPtr left = CLEW_TRY(sum());
    while (true) {
      ExprPtr next = CLEW_TRY(predicate(left, begin));
      if (next == nullptr) return left;
      left = next;
    }
  }

  // What stands behind `left`, or null when it is no comparison.
  Result<ExprPtr> predicate(const ExprPtr& left, uint32_t begin) {
    for (auto [sign, name] : kComparisons) {
      if (!tokens_.accept(sign)) continue;
      ExprPtr right = CLEW_TRY(sum());
      return made(make_call(std::string(name), {left, right}, span_from(begin)));
    }
    if (tokens_.accept_word("is")) return is_null(left, begin);
    bool negated = tokens_.peek().is_word("not") && is_predicate_word(tokens_.peek(1));
    if (negated) tokens_.next();
    ExprPtr found = CLEW_TRY(word_predicate(left, begin));
    if (found == nullptr || !negated) return found;
    return made(make_call("not", {found}, span_from(begin)));
  }

  static bool is_predicate_word(const Token& token) {
    for (std::string_view word : {"in", "between", "like", "ilike", "regexp", "rlike", "contains"}) {
      if (token.is_word(word)) return true;
    }
    return false;
  }

  Result<ExprPtr> is_null(const ExprPtr& left, uint32_t begin) {
    bool negated = tokens_.accept_word("not");
    CLEW_TRY(tokens_.expect_word("null"));
    return made(make_call(negated ? "isnotnull" : "isnull", {left}, span_from(begin)));
  }

  Result<ExprPtr> word_predicate(const ExprPtr& left, uint32_t begin) {
    if (tokens_.accept_word("in")) return in_list(left, begin);
    if (tokens_.accept_word("between")) {
      ExprPtr low = CLEW_TRY(sum());
      CLEW_TRY(tokens_.expect_word("and"));
      ExprPtr high = CLEW_TRY(sum());
      return made(make_call("between", {left, low, high}, span_from(begin)));
    }
    for (std::string_view word : {"like", "ilike", "regexp", "rlike", "contains"}) {
      if (!tokens_.accept_word(word)) continue;
      ExprPtr right = CLEW_TRY(sum());
      return made(make_call(word == "rlike" ? "regexp" : std::string(word), {left, right}, span_from(begin)));
    }
    return ExprPtr();
  }

  Result<ExprPtr> in_list(const ExprPtr& left, uint32_t begin) {
    std::vector<ExprPtr> args{left};
    if (tokens_.peek().is("[")) {
      ExprPtr inner = CLEW_TRY(subsearch());
      args.push_back(inner);
      return made(make_call("in", std::move(args), span_from(begin)));
    }
    CLEW_TRY(tokens_.expect("("));
    do {
      ExprPtr item = CLEW_TRY(expression());
      args.push_back(item);
    } while (tokens_.accept(","));
    CLEW_TRY(tokens_.expect(")"));
    return made(make_call("in", std::move(args), span_from(begin)));
  }

  Result<ExprPtr> sum() { return left_chain({"+", "-"}, &Parser::product); }
  Result<ExprPtr> product() { return left_chain({"*", "/", "%"}, &Parser::minus); }

  Result<ExprPtr> left_chain(std::initializer_list<std::string_view> signs, Result<ExprPtr> (Parser::*operand)()) {
    uint32_t begin = tokens_.offset();
    ExprPtr left = CLEW_TRY((this->*operand)());
    while (true) {
      auto sign = std::find_if(signs.begin(), signs.end(), [&](std::string_view s) { return tokens_.peek().is(s); });
      if (sign == signs.end()) return left;
      tokens_.next();
      ExprPtr right = CLEW_TRY((this->*operand)());
      left = CLEW_TRY(made(make_call(std::string(*sign), {left, right}, span_from(begin))));
    }
  }

  Result<ExprPtr> minus() {
    uint32_t begin = tokens_.offset();
    if (!tokens_.accept("-")) {
      if (tokens_.peek().is("+")) tokens_.next();
      return primary();
    }
    CLEW_TRY(enter());
    ExprPtr arg = CLEW_TRY(minus());
    --depth_;
    ExprPtr literal = negated_literal(*arg, span_from(begin));
    if (literal != nullptr) return literal;
    return made(make_call("neg", {arg}, span_from(begin)));
  }

  Result<ExprPtr> primary() {
    const Token& token = tokens_.peek();
    switch (token.kind) {
      case TokenKind::kString: {
        Token taken = tokens_.next();
        return made(make_literal(Value::string(taken.text), taken.span));
      }
      case TokenKind::kInteger:
      case TokenKind::kDecimal:
      case TokenKind::kFloat:
      case TokenKind::kDouble:
      case TokenKind::kSpan: return number();
      case TokenKind::kIdentifier: return name();
      default: break;
    }
    if (token.is("[")) return subsearch();
    if (!token.is("(")) return tokens_.fail_expected("an expression");
    if (is_lambda()) return lambda();
    uint32_t begin = tokens_.next().span.begin;
    ExprPtr inner = CLEW_TRY(expression());
    if (tokens_.peek().is(",")) return tuple(inner, begin);
    CLEW_TRY(tokens_.expect(")"));
    return inner;
  }

  // `(a, b)`, which only `in [ .. ]` can follow.
  Result<ExprPtr> tuple(const ExprPtr& first, uint32_t begin) {
    std::vector<ExprPtr> items{first};
    while (tokens_.accept(",")) {
      ExprPtr item = CLEW_TRY(expression());
      items.push_back(item);
    }
    CLEW_TRY(tokens_.expect(")"));
    bool in = tokens_.peek().is_word("in") && tokens_.peek(1).is("[");
    bool not_in = tokens_.peek().is_word("not") && tokens_.peek(1).is_word("in") && tokens_.peek(2).is("[");
    if (!in && !not_in) return tokens_.fail_expected("`in [ search .. ]` after several values in parentheses");
    return made(make_call("tuple", std::move(items), span_from(begin)));
  }

  Result<ExprPtr> number() {
    Token token = tokens_.next();
    switch (token.kind) {
      case TokenKind::kInteger: return made(make_literal(integer_value(token.text), token.span));
      case TokenKind::kDecimal: return made(make_literal(decimal_value(token.text), token.span));
      case TokenKind::kFloat: return made(make_literal(real_value(token.text, Type::kFloat), token.span));
      case TokenKind::kDouble: return made(make_literal(real_value(token.text, Type::kDouble), token.span));
      default: break;
    }
    std::string_view text = token.text;
    bool is_double =
        (text.back() == 'd' || text.back() == 'D') && text.find_first_not_of("0123456789.eE+-") == text.size() - 1;
    if (is_double && !in_span_) {
      return made(make_literal(real_value(text.substr(0, text.size() - 1), Type::kDouble), token.span));
    }
    Result<TimeSpan> span = parse_time_span(text);
    if (!span.ok()) return tokens_.fail(token.span, kSyntaxError, span.error().message());
    auto expr = std::make_shared<Expr>();
    expr->kind = ExprKind::kTimeSpan;
    expr->time_span = *span;
    expr->span = token.span;
    return made(ExprPtr(std::move(expr)));
  }

  Result<ExprPtr> name() {
    const Token& token = tokens_.peek();
    if (!token.quoted) {
      if (token.is_word("true") || token.is_word("false")) {
        Token taken = tokens_.next();
        return made(make_literal(Value::boolean(taken.is_word("true")), taken.span));
      }
      if (token.is_word("null")) {
        Token taken = tokens_.next();
        return made(make_literal(Value(), taken.span));
      }
      bool call_follows = tokens_.peek(1).is("(");
      bool string_follows = tokens_.peek(1).kind == TokenKind::kString;
      for (std::string_view type : {"date", "time", "timestamp"}) {
        if (tokens_.peek().is_word(type) && string_follows) return typed_literal();
      }
      if (tokens_.peek().is_word("interval") && !call_follows) return interval();
      if (tokens_.peek().is_word("exists") && tokens_.peek(1).is("[")) return exists();
      if (tokens_.peek().is_word("case") && !call_follows) return case_when();
      if (call_follows) return call();
      if (tokens_.peek(1).is("->")) return lambda();
      for (std::string_view word : {"and", "or", "xor", "in", "between", "is", "like", "ilike", "regexp", "rlike",
                                    "contains", "else", "as", "by", "from"}) {
        if (tokens_.peek().is_word(word)) return tokens_.fail_expected("an expression");
      }
    }
    Token taken = tokens_.next();
    auto expr = std::make_shared<Expr>();
    expr->kind = ExprKind::kField;
    // Backticks around a dotted path name the same field; only what is no plain path has to be taken whole.
    expr->quoted = taken.quoted && taken.text.find('-') != std::string::npos;
    expr->name = std::move(taken.text);
    expr->span = taken.span;
    if (expr->name.empty()) return tokens_.fail(taken.span, kSyntaxError, "an empty field name");
    return made(ExprPtr(std::move(expr)));
  }

  Result<ExprPtr> typed_literal() {
    Token type = tokens_.next();
    Token text = tokens_.next();
    ExprPtr literal = CLEW_TRY(made(make_literal(Value::string(text.text), text.span)));
    return made(make_call(to_lower_ascii(type.text), {literal}, {type.span.begin, text.span.end}));
  }

  Result<ExprPtr> interval() {
    uint32_t begin = tokens_.next().span.begin;
    ExprPtr count = CLEW_TRY(minus());
    ExprPtr unit = CLEW_TRY(keyword("a unit of time"));
    return made(make_call("interval", {count, unit}, span_from(begin)));
  }

  Result<ExprPtr> exists() {
    uint32_t begin = tokens_.next().span.begin;
    ExprPtr inner = CLEW_TRY(subsearch());
    return made(make_call("exists", {inner}, span_from(begin)));
  }

  Result<ExprPtr> keyword(std::string_view what) {
    if (tokens_.peek().kind != TokenKind::kIdentifier || tokens_.peek().quoted) return tokens_.fail_expected(what);
    Token token = tokens_.next();
    auto expr = std::make_shared<Expr>();
    expr->kind = ExprKind::kKeyword;
    expr->name = token.text;
    std::transform(expr->name.begin(), expr->name.end(), expr->name.begin(),
                   [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; });
    expr->span = token.span;
    return made(ExprPtr(std::move(expr)));
  }

  Result<ExprPtr> call() {
    Token name = tokens_.next();
    tokens_.next();  // (
    std::string function = to_lower_ascii(name.text);
    uint32_t begin = name.span.begin;
    if (function == "case") return case_call(begin);
    if (function == "cast") return cast(begin);
    if (function == "extract") return extract(begin);
    if (function == "position") return position(begin);
    std::vector<ExprPtr> args;
    if (takes_field_list(function) && tokens_.peek().is("[")) {
      ExprPtr fields = CLEW_TRY(field_list());
      args.push_back(fields);
      if (tokens_.accept(",") && tokens_.peek().is(")")) return tokens_.fail_expected("the text to look for");
    }
    if (tokens_.peek().is("*") && tokens_.peek(1).is(")")) tokens_.next();  // count(*)
    bool outer_span = in_span_;
    in_span_ = function == "span";
    if (!tokens_.peek().is(")")) {
      bool word_first =
          std::find(std::begin(kKeywordFirst), std::end(kKeywordFirst), function) != std::end(kKeywordFirst);
      do {
        ExprPtr arg = CLEW_TRY(word_first && args.empty() ? keyword("a unit or type") : expression());
        args.push_back(arg);
      } while (tokens_.accept(","));
    }
    in_span_ = outer_span;
    CLEW_TRY(tokens_.expect(")"));
    return made(make_call(std::move(function), std::move(args), span_from(begin)));
  }

  // `['title', body ^ 2]`; the weights say nothing about what matches.
  Result<ExprPtr> field_list() {
    uint32_t begin = tokens_.next().span.begin;
    std::vector<ExprPtr> fields;
    while (!tokens_.accept("]")) {
      const Token& token = tokens_.peek();
      bool name = token.kind == TokenKind::kString || token.kind == TokenKind::kIdentifier || token.is("*");
      if (!name) return tokens_.fail_expected("a field name");
      Token taken = tokens_.next();
      ExprPtr field = CLEW_TRY(made(make_literal(Value::string(taken.text), taken.span)));
      fields.push_back(field);
      bool weight = tokens_.accept("^") || tokens_.peek().kind == TokenKind::kInteger ||
                    tokens_.peek().kind == TokenKind::kDecimal;
      if (weight) tokens_.next();
      if (!tokens_.accept(",") && !tokens_.peek().is("]")) return tokens_.fail_expected("`,` or `]`");
    }
    return made(make_call("field list", std::move(fields), span_from(begin)));
  }

  // position(a in b), or with a comma; the parenthesis taken.
  Result<ExprPtr> position(uint32_t begin) {
    ExprPtr part = CLEW_TRY(sum());
    if (!tokens_.accept_word("in")) {
      CLEW_TRY(tokens_.expect(","));
    }
    ExprPtr text = CLEW_TRY(sum());
    CLEW_TRY(tokens_.expect(")"));
    return made(make_call("position", {part, text}, span_from(begin)));
  }

  // case(c, v, c, v else v), the parenthesis taken.
  Result<ExprPtr> case_call(uint32_t begin) {
    std::vector<ExprPtr> args;
    do {
      ExprPtr condition = CLEW_TRY(expression());
      CLEW_TRY(tokens_.expect(","));
      ExprPtr value = CLEW_TRY(expression());
      args.push_back(condition);
      args.push_back(value);
    } while (tokens_.accept(","));
    if (tokens_.accept_word("else")) {
      ExprPtr otherwise = CLEW_TRY(expression());
      args.push_back(otherwise);
    }
    CLEW_TRY(tokens_.expect(")"));
    return made(make_call("case", std::move(args), span_from(begin)));
  }

  // SQL's form: case when c then v [when ..] [else v] end.
  Result<ExprPtr> case_when() {
    uint32_t begin = tokens_.offset();
    if (!tokens_.peek(1).is_word("when")) {
      Token token = tokens_.next();
      return made(make_field(token.text, token.span));
    }
    tokens_.next();
    std::vector<ExprPtr> args;
    while (tokens_.accept_word("when")) {
      ExprPtr condition = CLEW_TRY(expression());
      CLEW_TRY(tokens_.expect_word("then"));
      ExprPtr value = CLEW_TRY(expression());
      args.push_back(condition);
      args.push_back(value);
    }
    if (tokens_.accept_word("else")) {
      ExprPtr otherwise = CLEW_TRY(expression());
      args.push_back(otherwise);
    }
    CLEW_TRY(tokens_.expect_word("end"));
    return made(make_call("case", std::move(args), span_from(begin)));
  }

  Result<ExprPtr> cast(uint32_t begin) {
    ExprPtr value = CLEW_TRY(expression());
    CLEW_TRY(tokens_.expect_word("as"));
    ExprPtr type = CLEW_TRY(keyword("a type name"));
    CLEW_TRY(tokens_.expect(")"));
    return made(make_call("cast", {value, type}, span_from(begin)));
  }

  Result<ExprPtr> extract(uint32_t begin) {
    ExprPtr unit = CLEW_TRY(keyword("a unit of time"));
    CLEW_TRY(tokens_.expect_word("from"));
    ExprPtr value = CLEW_TRY(expression());
    CLEW_TRY(tokens_.expect(")"));
    return made(make_call("extract", {unit, value}, span_from(begin)));
  }

  bool is_lambda() {
    size_t at = 1;
    while (tokens_.peek(at).kind == TokenKind::kIdentifier) {
      if (tokens_.peek(at + 1).is(")")) return tokens_.peek(at + 2).is("->");
      if (!tokens_.peek(at + 1).is(",")) return false;
      at += 2;
      if (at > kLambdaTokensMax) return false;
    }
    return false;
  }

  Result<ExprPtr> lambda() {
    uint32_t begin = tokens_.offset();
    auto expr = std::make_shared<Expr>();
    expr->kind = ExprKind::kLambda;
    if (tokens_.accept("(")) {
      do {
        expr->parameters.push_back(tokens_.next().text);
      } while (tokens_.accept(","));
      CLEW_TRY(tokens_.expect(")"));
    } else {
      expr->parameters.push_back(tokens_.next().text);
    }
    CLEW_TRY(tokens_.expect("->"));
    ExprPtr body = CLEW_TRY(expression());
    expr->args.push_back(body);
    expr->depth = body->depth + 1;
    expr->span = span_from(begin);
    return made(ExprPtr(std::move(expr)));
  }

  Result<ExprPtr> subsearch() {
    uint32_t begin = tokens_.offset();
    if (!options_.subsearch) {
      return tokens_.fail(tokens_.peek().span, kUnsupportedOperation, "a subsearch cannot stand here");
    }
    CLEW_TRY(tokens_.expect("["));
    CLEW_TRY(enter());
    auto expr = std::make_shared<Expr>();
    expr->kind = ExprKind::kSubsearch;
    expr->subsearch = CLEW_TRY(options_.subsearch(tokens_));
    --depth_;
    CLEW_TRY(tokens_.expect("]"));
    expr->span = span_from(begin);
    return made(ExprPtr(std::move(expr)));
  }

  Status enter() {
    if (++depth_ <= kExprDepthMax) return {};
    return tokens_.fail(tokens_.peek().span, kResourceLimitExceeded,
                        "an expression nested deeper than " + std::to_string(kExprDepthMax) + " levels");
  }

  // Every node passes here: the limits on size and depth.
  Result<ExprPtr> made(ExprPtr expr) {
    if (++nodes_ > kExprNodesMax) {
      return tokens_.fail(expr->span, kResourceLimitExceeded,
                          "an expression of more than " + std::to_string(kExprNodesMax) + " parts");
    }
    if (expr->depth > kExprTreeDepthMax) {
      return tokens_.fail(expr->span, kResourceLimitExceeded,
                          "more than " + std::to_string(kExprTreeDepthMax) + " operators in one chain");
    }
    return expr;
  }

  SourceSpan span_from(uint32_t begin) const { return {begin, tokens_.last_end()}; }

  static constexpr size_t kLambdaTokensMax = 64;

  TokenStream& tokens_;
  const ParseOptions& options_;
  int depth_ = 0;
  size_t nodes_ = 0;
  bool in_span_ = false;  // inside span(..), where `1d` is a day
};

}  // namespace

Result<ExprPtr> parse_expression(TokenStream& tokens, const ParseOptions& options) {
  return Parser(tokens, options).expression();
}

Result<ExprPtr> parse_expression_text(std::string_view text, Diagnostic* diagnostic) {
  TokenStream tokens(text);
  Result<ExprPtr> expr = parse_expression(tokens);
  if (expr.ok() && !tokens.at_end()) expr = tokens.fail_expected("the end of the expression");
  if (diagnostic != nullptr) *diagnostic = tokens.diagnostic();
  return expr;
}

Result<std::string> parse_field_name(TokenStream& tokens) {
  const Token& token = tokens.peek();
  if (token.kind != TokenKind::kIdentifier || token.text.empty()) return tokens.fail_expected("a field name");
  return tokens.next().text;
}

Result<std::string> parse_field_pattern(TokenStream& tokens) {
  std::string pattern;
  while (true) {
    const Token& token = tokens.peek();
    bool joined = pattern.empty() || !token.space_before;
    bool part = token.kind == TokenKind::kIdentifier || token.is("*");
    if (!pattern.empty()) {
      part = part || token.is(".") || token.is("-") || token.kind == TokenKind::kInteger ||
             token.kind == TokenKind::kDecimal || token.kind == TokenKind::kSpan;
    }
    if (!joined || !part) break;
    pattern += token.quoted ? token.text : std::string(tokens.source(token.span));
    tokens.next();
  }
  if (pattern.empty()) return tokens.fail_expected("a field name");
  return pattern;
}

std::string source_text(const TokenStream& tokens, SourceSpan span) {
  std::string out;
  bool line_break = false;
  for (char c : tokens.source(span)) {
    if (c == '\n' || c == '\r') {
      while (!out.empty() && (out.back() == ' ' || out.back() == '\t')) out.pop_back();
      line_break = true;
    } else if (line_break && (c == ' ' || c == '\t')) {
      continue;
    } else {
      if (line_break) out += ' ';
      line_break = false;
      out += c;
    }
  }
  return out;
}

}  // namespace clew::expr
