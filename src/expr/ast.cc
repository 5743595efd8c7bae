#include "expr/ast.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <set>

#include "expr/print.h"

namespace clew::expr {
namespace {

using model::Type;

// How tightly an operator binds; operands of a lower level stand in parentheses.
enum Level : int { kOr = 1, kXor, kAnd, kNot, kCompare, kSum, kProduct, kMinus, kPrimary };

struct Operator {
  std::string_view name;
  Level level;
};
constexpr Operator kOperators[] = {
    {"or", kOr},          {"xor", kXor},           {"and", kAnd},      {"not", kNot},
    {"=", kCompare},      {"!=", kCompare},        {"<", kCompare},    {"<=", kCompare},
    {">", kCompare},      {">=", kCompare},        {"like", kCompare}, {"ilike", kCompare},
    {"regexp", kCompare}, {"contains", kCompare},  {"in", kCompare},   {"between", kCompare},
    {"isnull", kCompare}, {"isnotnull", kCompare}, {"+", kSum},        {"-", kSum},
    {"*", kProduct},      {"/", kProduct},         {"%", kProduct},    {"neg", kMinus},
};

// Words that end an operand or begin something else, so that a field of that name needs backticks.
constexpr std::string_view kReservedWords[] = {
    "and",    "or",    "xor",      "not",  "in",   "between", "is",   "like",      "ilike",
    "regexp", "rlike", "contains", "null", "true", "false",   "case", "cast",      "interval",
    "exists", "else",  "as",       "by",   "from", "date",    "time", "timestamp",
};

Level level_of(const Expr& expr) {
  if (expr.kind == ExprKind::kLambda) return kOr;
  if (expr.kind != ExprKind::kCall) return kPrimary;
  for (const Operator& op : kOperators) {
    if (op.name != expr.name) continue;
    // Written as a call with another number of arguments it stays a call.
    bool unary = op.name == "not" || op.name == "neg" || op.name == "isnull" || op.name == "isnotnull";
    bool many = op.level < kNot || op.name == "in";
    size_t count = expr.args.size();
    bool fits = unary ? count == 1 : op.name == "between" ? count == 3 : many ? count >= 2 : count == 2;
    if (!fits) return kPrimary;
    return op.level;
  }
  return kPrimary;
}

void print_to(const Expr& expr, std::string& out);

void print_operand(const Expr& expr, Level at_least, std::string& out) {
  bool parentheses = level_of(expr) < at_least;
  if (parentheses) out += '(';
  print_to(expr, out);
  if (parentheses) out += ')';
}

void print_list(const std::vector<ExprPtr>& args, size_t from, std::string& out) {
  for (size_t i = from; i < args.size(); ++i) {
    if (i > from) out += ", ";
    print_to(*args[i], out);
  }
}

// A double has an exponent, not the suffix d, which is a day within span().
void print_number(const model::Value& v, std::string& out) {
  char buffer[32];
  std::string_view text(buffer,
                        static_cast<size_t>(std::to_chars(buffer, buffer + sizeof buffer, v.f64()).ptr - buffer));
  if (std::isinf(v.f64())) text = v.f64() < 0 ? "-1e999" : "1e999";
  out += text;
  if (v.type() == Type::kFloat) {
    out += 'f';
  } else if (text.find('e') == std::string_view::npos) {
    out += "e0";
  }
}

void print_literal(const model::Value& v, std::string& out) {
  switch (v.type()) {
    case Type::kNull: out += "null"; break;
    case Type::kBool: out += v.i64() != 0 ? "true" : "false"; break;
    case Type::kDouble:
    case Type::kFloat: print_number(v, out); break;
    case Type::kString: out += print_string(v.text()); break;
    case Type::kDate:
    case Type::kTime:
    case Type::kTimestamp:
      out += std::string(model::type_name(v.type())) + "(" + print_string(print_value(v)) + ")";
      break;
    default: out += print_value(v);
  }
}

std::string_view unit_text(TimeUnit unit) {
  constexpr std::string_view kTexts[] = {"us", "ms", "cs", "ds", "s", "m", "h", "d", "w", "M", "q", "y"};
  return kTexts[static_cast<size_t>(unit)];
}

void print_time_span(const TimeSpan& span, std::string& out) {
  char buffer[32];
  char* end = std::to_chars(buffer, buffer + sizeof buffer, span.count, std::chars_format::fixed).ptr;
  out.append(buffer, end);
  out += unit_text(span.unit);
}

void print_case(const Expr& expr, std::string& out) {
  out += "case(";
  size_t pairs = expr.args.size() / 2 * 2;
  for (size_t i = 0; i < pairs; ++i) {
    if (i > 0) out += ", ";
    print_to(*expr.args[i], out);
  }
  if (pairs < expr.args.size()) {
    out += " else ";
    print_to(*expr.args.back(), out);
  }
  out += ')';
}

void print_predicate(const Expr& expr, std::string& out) {
  print_operand(*expr.args[0], kCompare, out);
  if (expr.name == "isnull") {
    out += " is null";
  } else if (expr.name == "isnotnull") {
    out += " is not null";
  } else if (expr.name == "between") {
    out += " between ";
    print_operand(*expr.args[1], kSum, out);
    out += " and ";
    print_operand(*expr.args[2], kSum, out);
  } else if (expr.name == "in" && expr.args[1]->kind == ExprKind::kSubsearch) {
    out += " in ";
    print_to(*expr.args[1], out);
  } else if (expr.name == "in") {
    out += " in (";
    print_list(expr.args, 1, out);
    out += ')';
  } else {
    out += " " + expr.name + " ";
    print_operand(*expr.args[1], kSum, out);
  }
}

void print_operator(const Expr& expr, Level level, std::string& out) {
  if (level == kCompare) return print_predicate(expr, out);
  if (level == kNot) {
    out += "not ";
    return print_operand(*expr.args[0], kNot, out);
  }
  if (level == kMinus) {
    out += '-';
    size_t at = out.size();
    print_operand(*expr.args[0], kMinus, out);
    if (out[at] == '-') out.insert(at, 1, ' ');
    return;
  }
  for (size_t i = 0; i < expr.args.size(); ++i) {
    if (i > 0) out += " " + expr.name + " ";
    print_operand(*expr.args[i], i == 0 ? level : static_cast<Level>(level + 1), out);
  }
}

void print_call(const Expr& expr, std::string& out) {
  Level level = level_of(expr);
  if (level != kPrimary) return print_operator(expr, level, out);
  if (expr.name == "case") return print_case(expr, out);
  if (expr.name == "cast" || expr.name == "extract") {
    bool cast = expr.name == "cast";
    out += expr.name + "(";
    print_to(*expr.args[0], out);
    out += cast ? " as " : " from ";
    print_to(*expr.args[1], out);
    out += ')';
  } else if (expr.name == "interval") {
    out += "interval ";
    print_operand(*expr.args[0], kMinus, out);
    out += ' ';
    print_to(*expr.args[1], out);
  } else if (expr.name == "field list") {
    out += '[';
    print_list(expr.args, 0, out);
    out += ']';
  } else if (expr.name == "tuple") {
    out += '(';
    print_list(expr.args, 0, out);
    out += ')';
  } else if (expr.name == "exists" && expr.args.size() == 1) {
    out += "exists ";
    print_to(*expr.args[0], out);
  } else {
    out += expr.name + "(";
    print_list(expr.args, 0, out);
    out += ')';
  }
}

// A backtick of the name is doubled.
std::string in_backticks(std::string_view name) {
  std::string out = "`";
  for (char c : name) out.append(c == '`' ? 2 : 1, c);
  return out + "`";
}

void print_lambda(const Expr& expr, std::string& out) {
  if (expr.parameters.size() == 1) {
    out += print_name(expr.parameters[0]);
  } else {
    out += '(';
    for (size_t i = 0; i < expr.parameters.size(); ++i) {
      if (i > 0) out += ", ";
      out += print_name(expr.parameters[i]);
    }
    out += ')';
  }
  out += " -> ";
  print_to(*expr.args[0], out);
}

void print_to(const Expr& expr, std::string& out) {
  switch (expr.kind) {
    case ExprKind::kLiteral: print_literal(expr.literal, out); break;
    case ExprKind::kField: out += expr.quoted ? in_backticks(expr.name) : print_name(expr.name); break;
    case ExprKind::kCall: print_call(expr, out); break;
    case ExprKind::kLambda: print_lambda(expr, out); break;
    case ExprKind::kTimeSpan: print_time_span(expr.time_span, out); break;
    case ExprKind::kKeyword: out += expr.name; break;
    case ExprKind::kSubsearch: out += "[" + expr.subsearch->print() + "]"; break;
  }
}

bool equal_values(const model::Value& a, const model::Value& b) {
  return a.type() == b.type() && print_value(a) == print_value(b) && a.scale() == b.scale();
}

void collect_fields(const Expr& expr, std::vector<std::string>& bound, std::set<std::string>& seen,
                    std::vector<std::string>& out) {
  if (expr.kind == ExprKind::kField) {
    bool parameter = std::find(bound.begin(), bound.end(), expr.name) != bound.end();
    if (!parameter && seen.insert(expr.name).second) out.push_back(expr.name);
  }
  size_t outer = bound.size();
  bound.insert(bound.end(), expr.parameters.begin(), expr.parameters.end());
  for (const ExprPtr& arg : expr.args) collect_fields(*arg, bound, seen, out);
  bound.resize(outer);
}

}  // namespace

ExprPtr make_literal(model::Value value, SourceSpan span) {
  auto expr = std::make_shared<Expr>();
  expr->kind = ExprKind::kLiteral;
  expr->literal = std::move(value);
  expr->span = span;
  return expr;
}

ExprPtr make_field(std::string name, SourceSpan span) {
  auto expr = std::make_shared<Expr>();
  expr->kind = ExprKind::kField;
  expr->name = std::move(name);
  expr->span = span;
  return expr;
}

ExprPtr make_call(std::string name, std::vector<ExprPtr> args, SourceSpan span) {
  auto expr = std::make_shared<Expr>();
  expr->kind = ExprKind::kCall;
  expr->name = std::move(name);
  expr->args = std::move(args);
  expr->span = span;
  for (const ExprPtr& arg : expr->args) expr->depth = std::max(expr->depth, arg->depth + 1);
  return expr;
}

std::string print(const Expr& expr) {
  std::string out;
  print_to(expr, out);
  return out;
}

std::string print_name(std::string_view name) {
  bool plain = !name.empty();
  for (std::string_view word : kReservedWords) plain = plain && !equals_ignore_case(word, name);
  if (plain) {
    TokenStream tokens(name);
    const Token& token = tokens.peek();
    plain =
        token.kind == TokenKind::kIdentifier && !token.quoted && token.text == name && token.span.end == name.size();
  }
  return plain ? std::string(name) : in_backticks(name);
}

std::string print_string(std::string_view text) {
  std::string out = "'";
  for (char c : text) {
    if (c == '\\' || c == '\'') out += '\\';
    out += c;
  }
  out += '\'';
  return out;
}

bool equal(const Expr& a, const Expr& b) {
  if (a.kind != b.kind || a.name != b.name || a.quoted != b.quoted || a.parameters != b.parameters) return false;
  if (a.kind == ExprKind::kLiteral && !equal_values(a.literal, b.literal)) return false;
  if (a.kind == ExprKind::kTimeSpan &&
      (a.time_span.count != b.time_span.count || a.time_span.unit != b.time_span.unit)) {
    return false;
  }
  if (a.kind == ExprKind::kSubsearch && a.subsearch->print() != b.subsearch->print()) return false;
  if (a.args.size() != b.args.size()) return false;
  for (size_t i = 0; i < a.args.size(); ++i) {
    if (!equal(*a.args[i], *b.args[i])) return false;
  }
  return true;
}

void split_conjuncts(const ExprPtr& expr, std::vector<ExprPtr>& out) {
  if (!expr->is_call("and")) {
    out.push_back(expr);
    return;
  }
  for (const ExprPtr& arg : expr->args) split_conjuncts(arg, out);
}

std::vector<std::string> fields_of(const Expr& expr) {
  std::vector<std::string> out;
  std::vector<std::string> bound;
  std::set<std::string> seen;
  collect_fields(expr, bound, seen, out);
  return out;
}

}  // namespace clew::expr
