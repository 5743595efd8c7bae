// PromQL as a tree. parse.h makes it, print.h prints it, prepare.h fixes its times for one run.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "contract/metric_source.h"

namespace clew::query::promql {

// Bytes of the query's text, end behind the last.
struct Span {
  uint32_t begin = 0;
  uint32_t end = 0;
};

enum class ValueType : uint8_t { kScalar, kVector, kMatrix, kString };
// "scalar", "instant vector", "range vector", "string": as Prometheus' messages say it.
std::string_view type_text(ValueType type);

enum class Op : uint8_t {
  kAdd,
  kSub,
  kMul,
  kDiv,
  kMod,
  kPow,
  kAtan2,
  kEqual,
  kNotEqual,
  kLess,
  kLessEqual,
  kGreater,
  kGreaterEqual,
  kAnd,
  kOr,
  kUnless,
};
std::string_view op_text(Op op);
constexpr bool is_comparison(Op op) { return op >= Op::kEqual && op <= Op::kGreaterEqual; }
constexpr bool is_set_op(Op op) { return op >= Op::kAnd; }

enum class Aggregation : uint8_t {
  kSum,
  kAvg,
  kCount,
  kMin,
  kMax,
  kGroup,
  kStddev,
  kStdvar,
  kTopk,
  kBottomk,
  kQuantile,
  kCountValues,
  kLimitk,
  kLimitRatio,
};
std::string_view aggregation_text(Aggregation aggregation);
std::optional<Aggregation> aggregation_of(std::string_view lower_name);
constexpr bool takes_parameter(Aggregation a) { return a >= Aggregation::kTopk; }

struct Function;  // functions.h

// A duration that is computed: `[5m + step()]`.
struct DurationExpr {
  enum class Kind : uint8_t { kNumber, kNegate, kPlus, kAdd, kSub, kMul, kDiv, kMod, kPow, kStep, kRange, kMin, kMax };
  Kind kind = Kind::kNumber;
  double seconds = 0;
  bool is_duration = false;  // written as one (5m), not as a number
  bool parens = false;
  Span span;
  std::unique_ptr<DurationExpr> left, right;
};
using DurationPtr = std::unique_ptr<DurationExpr>;

// `@ 12.5`, `@ start()`, `@ end()`.
struct AtModifier {
  enum class Kind : uint8_t { kNone, kTime, kStart, kEnd };
  Kind kind = Kind::kNone;
  int64_t millis = 0;  // of kTime; prepare() puts it for the others too
  bool set() const { return kind != Kind::kNone; }
};

enum class ExprKind : uint8_t {
  kNumber,
  kString,
  kSelector,  // instant or range vector
  kSubquery,
  kUnary,
  kBinary,
  kAggregate,
  kCall,
  kParen,
};

struct Expr {
  explicit Expr(ExprKind k) : kind(k) {}
  virtual ~Expr() = default;
  const ExprKind kind;
  Span span;
  uint32_t depth = 1;           // of the tree from here
  bool step_invariant = false;  // prepare(): the same at every step
};
using ExprPtr = std::unique_ptr<Expr>;

struct NumberExpr final : Expr {
  NumberExpr() : Expr(ExprKind::kNumber) {}
  double value = 0;
  bool is_duration = false;
};

struct StringExpr final : Expr {
  StringExpr() : Expr(ExprKind::kString) {}
  std::string value;
};

enum class Extension : uint8_t { kNone, kSmoothed, kAnchored };

struct SelectorExpr final : Expr {
  SelectorExpr() : Expr(ExprKind::kSelector) {}
  std::string name;                              // of the metric as it stands before the braces; empty without one
  std::vector<contract::LabelMatcher> matchers;  // that of the name among them
  bool is_range = false;
  DurationPtr range;
  DurationPtr offset;
  AtModifier at;
  Extension extension = Extension::kNone;
  Span vector_span;  // without the range's brackets
  // prepare() fills:
  int64_t range_millis = 0;
  int64_t offset_millis = 0;
  bool histogram_stats = false;  // only count and sum of its histograms are looked at
};

struct SubqueryExpr final : Expr {
  SubqueryExpr() : Expr(ExprKind::kSubquery) {}
  ExprPtr inner;
  DurationPtr range;
  DurationPtr step;  // null: the default interval
  DurationPtr offset;
  AtModifier at;
  int64_t range_millis = 0;
  int64_t step_millis = 0;
  int64_t offset_millis = 0;
};

struct UnaryExpr final : Expr {
  UnaryExpr() : Expr(ExprKind::kUnary) {}
  bool minus = false;
  ExprPtr inner;
};

struct Matching {
  enum class Card : uint8_t { kOneToOne, kManyToOne, kOneToMany, kManyToMany };
  Card card = Card::kOneToOne;
  bool given = false;  // on() or ignoring() stands there
  bool on = false;
  std::vector<std::string> labels;
  std::vector<std::string> include;  // of group_left, group_right
  std::optional<double> fill_left, fill_right;
};

struct BinaryExpr final : Expr {
  BinaryExpr() : Expr(ExprKind::kBinary) {}
  Op op = Op::kAdd;
  bool return_bool = false;
  ExprPtr left, right;
  Matching matching;
};

struct AggregateExpr final : Expr {
  AggregateExpr() : Expr(ExprKind::kAggregate) {}
  Aggregation aggregation = Aggregation::kSum;
  ExprPtr inner;
  ExprPtr parameter;
  bool without = false;
  std::vector<std::string> grouping;
  bool has_grouping = false;
};

struct CallExpr final : Expr {
  CallExpr() : Expr(ExprKind::kCall) {}
  const Function* function = nullptr;
  std::vector<ExprPtr> args;
};

struct ParenExpr final : Expr {
  ParenExpr() : Expr(ExprKind::kParen) {}
  ExprPtr inner;
};

template <class T>
const T& as(const Expr& expr) {
  return static_cast<const T&>(expr);
}
template <class T>
T& as(Expr& expr) {
  return static_cast<T&>(expr);
}
const Expr& without_parens(const Expr& expr);
ValueType type_of(const Expr& expr);
// Direct children in the order of the text.
std::vector<Expr*> children_of(Expr& expr);
std::vector<const Expr*> children_of(const Expr& expr);

}  // namespace clew::query::promql
