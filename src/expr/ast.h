// The tree of an expression as it was written. Operators are calls too ("+", "=", "and", "in" ...), so that printing,
// binding and walking need one rule.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "expr/diagnostic.h"
#include "expr/lexer.h"
#include "model/value.h"

namespace clew::expr {

struct Expr;
using ExprPtr = std::shared_ptr<const Expr>;

// What a bracketed subsearch `[ search ... ]` became; made and understood by the query folder.
class Subsearch {
 public:
  virtual ~Subsearch() = default;
  virtual std::string print() const = 0;  // without the brackets
};

enum class ExprKind : uint8_t {
  kLiteral,    // literal
  kField,      // name
  kCall,       // name and args
  kLambda,     // parameters, args[0] is the body
  kTimeSpan,   // time_span: `5m` as an argument of span()
  kKeyword,    // name: a unit or type word as an argument: extract(YEAR from x), cast(x as INT), get_format(DATE, ..)
  kSubsearch,  // subsearch
};

// The calls that operators become, all with lower-case names:
//   unary    not neg
//   binary   + - * / % = != < <= > >= like ilike regexp contains
//   any      and or xor (`a and b and c` is one call of three)
//   others   in(x, a, b ..)  between(x, a, b)  isnull(x)  isnotnull(x)  case(c, v, .. [else])  cast(x, TYPE)
//            interval(n, UNIT)  exists([..])
// `x not in (..)` and the like become not(in(..)).
struct Expr {
  ExprKind kind = ExprKind::kLiteral;
  SourceSpan span;
  model::Value literal;
  std::string name;     // kField: dotted; kCall: lower case
  bool quoted = false;  // kField: it stood in backticks and is taken whole
  std::vector<ExprPtr> args;
  std::vector<std::string> parameters;
  TimeSpan time_span;
  std::shared_ptr<const Subsearch> subsearch;
  int depth = 1;  // levels of the tree from here down

  bool is_call(std::string_view call_name) const { return kind == ExprKind::kCall && name == call_name; }
};

ExprPtr make_literal(model::Value value, SourceSpan span = {});
ExprPtr make_field(std::string name, SourceSpan span = {});
ExprPtr make_call(std::string name, std::vector<ExprPtr> args, SourceSpan span = {});

// Text that parses to an equal tree, with as few parentheses as that needs.
std::string print(const Expr& expr);
// A name as it must stand in a query: in backticks when it needs them.
std::string print_name(std::string_view name);
std::string print_string(std::string_view text);  // in single quotes, escaped
// Same tree, spans left out.
bool equal(const Expr& a, const Expr& b);

// The conjuncts of `a and b and c`, left to right; the expression itself when it is no conjunction.
void split_conjuncts(const ExprPtr& expr, std::vector<ExprPtr>& out);
// Every field name that the expression reads, once each, in order of appearance; lambda parameters left out.
std::vector<std::string> fields_of(const Expr& expr);

}  // namespace clew::expr
