#include "expr/aggregate.h"

#include <algorithm>
#include <charconv>
#include <optional>

#include "base/check.h"
#include "expr/aggregate_states.h"
#include "expr/coerce.h"
#include "expr/functions.h"

namespace clew::expr {
namespace {

using model::Type;

enum class Kind : uint8_t {
  kCount,
  kCountIf,
  kSum,
  kAverage,
  kMin,
  kMax,
  kDistinct,
  kPercentile,
  kMedian,
  kVarSamp,
  kVarPop,
  kStddevSamp,
  kStddevPop,
  kValues,
  kList,
  kTake,
  kFirst,
  kLast,
  kEarliest,
  kLatest,
  kMode,
};

struct Name {
  std::string_view name;
  Kind kind;
  int args_min;
  int args_max;
};
constexpr Name kNames[] = {
    {"count", Kind::kCount, 0, 1},
    {"c", Kind::kCount, 0, 1},
    {"sum", Kind::kSum, 1, 1},
    {"avg", Kind::kAverage, 1, 1},
    {"mean", Kind::kAverage, 1, 1},
    {"min", Kind::kMin, 1, 1},
    {"max", Kind::kMax, 1, 1},
    {"distinct_count", Kind::kDistinct, 1, 1},
    {"dc", Kind::kDistinct, 1, 1},
    {"distinct_count_approx", Kind::kDistinct, 1, 1},
    {"estdc", Kind::kDistinct, 1, 1},
    {"percentile", Kind::kPercentile, 2, 3},
    {"percentile_approx", Kind::kPercentile, 2, 3},
    {"median", Kind::kMedian, 1, 1},
    {"var_samp", Kind::kVarSamp, 1, 1},
    {"variance", Kind::kVarSamp, 1, 1},
    {"var", Kind::kVarSamp, 1, 1},
    {"var_pop", Kind::kVarPop, 1, 1},
    {"varp", Kind::kVarPop, 1, 1},
    {"stddev_samp", Kind::kStddevSamp, 1, 1},
    {"stddev", Kind::kStddevSamp, 1, 1},
    {"stdev", Kind::kStddevSamp, 1, 1},
    {"stddev_pop", Kind::kStddevPop, 1, 1},
    {"stdevp", Kind::kStddevPop, 1, 1},
    {"values", Kind::kValues, 1, 1},
    {"list", Kind::kList, 1, 1},
    {"take", Kind::kTake, 1, 2},
    {"first", Kind::kFirst, 1, 1},
    {"last", Kind::kLast, 1, 1},
    {"earliest", Kind::kEarliest, 1, 2},
    {"latest", Kind::kLatest, 1, 2},
    {"mode", Kind::kMode, 1, 1},
    // What bind_aggregate makes of count(eval(..)).
    {"count if", Kind::kCountIf, 1, 1},
};

constexpr int64_t kTakeDefault = 10;
constexpr std::string_view kTimeFieldName = "@timestamp";

const Name* find_name(std::string_view name) {
  for (const Name& known : kNames) {
    if (known.name == name) return &known;
  }
  return nullptr;
}

// p95, perc95, p99.9: the share of a percentile that stands in the name.
std::optional<double> share_in_name(std::string_view name) {
  if (name.substr(0, 4) == "perc") {
    name.remove_prefix(4);
  } else if (name.substr(0, 1) == "p") {
    name.remove_prefix(1);
  } else {
    return std::nullopt;
  }
  double percent = 0;
  auto [end, failed] = std::from_chars(name.data(), name.data() + name.size(), percent, std::chars_format::fixed);
  bool whole = !name.empty() && failed == std::errc() && end == name.data() + name.size();
  if (!whole || percent < 0 || percent > 100) return std::nullopt;
  return percent / 100;
}

Type result_type(Kind kind, std::span<const BoundPtr> args) {
  Type input = args.empty() ? Type::kNull : args[0]->type;
  switch (kind) {
    case Kind::kCount:
    case Kind::kCountIf:
    case Kind::kDistinct: return Type::kLong;
    case Kind::kSum:
      if (is_integer(input)) return Type::kLong;
      return input == Type::kMixed ? Type::kMixed : input == Type::kDecimal ? Type::kDecimal : Type::kDouble;
    case Kind::kAverage:
    case Kind::kVarSamp:
    case Kind::kVarPop:
    case Kind::kStddevSamp:
    case Kind::kStddevPop: return Type::kDouble;
    case Kind::kValues:
    case Kind::kList:
    case Kind::kTake: return Type::kArray;
    default: return input;
  }
}

bool keeps_order(Kind kind) {
  switch (kind) {
    case Kind::kFirst:
    case Kind::kLast:
    case Kind::kList:
    case Kind::kTake:
    case Kind::kEarliest:
    case Kind::kLatest: return true;
    default: return false;
  }
}

// The constant second argument of percentile and take.
Result<double> constant_argument(Binder& binder, const Expr& arg, std::string_view what) {
  BoundPtr bound = CLEW_TRY(binder.bind(arg));
  std::optional<double> value;
  if (is_constant(*bound)) value = to_double(cell_of(bound->constant));
  if (!value) return binder.fail(arg.span, kSemanticError, std::string(what) + " must be a number");
  return *value;
}

Status bind_parameter(Binder& binder, const Expr& expr, Kind kind, BoundAggregate& bound) {
  if (kind == Kind::kMedian) bound.fraction = 0.5;
  if (kind == Kind::kTake) bound.limit = kTakeDefault;
  if (expr.args.size() < 2) return {};
  if (kind == Kind::kPercentile) {
    double percent = CLEW_TRY(constant_argument(binder, *expr.args[1], "the percentage"));
    if (!(percent >= 0 && percent <= 100)) {
      return binder.fail(expr.args[1]->span, kSemanticError, "a percentage is between 0 and 100");
    }
    bound.fraction = percent / 100;
  } else if (kind == Kind::kTake) {
    double count = CLEW_TRY(constant_argument(binder, *expr.args[1], "the number of values"));
    if (!(count >= 1 && count <= 1e9)) {
      return binder.fail(expr.args[1]->span, kSemanticError, "take() keeps one value or more");
    }
    bound.limit = static_cast<int64_t>(count);
  } else if (kind == Kind::kEarliest || kind == Kind::kLatest) {
    auto value = CLEW_TRY(binder.bind(*expr.args[1]));
    bound.args.push_back(std::move(value));
  }
  return {};
}

// count(eval(condition)).
Result<BoundAggregate> bind_count_if(Binder& binder, const Expr& condition) {
  BoundAggregate bound;
  bound.name = "count if";
  bound.type = Type::kLong;
  auto value = CLEW_TRY(binder.bind_condition(condition));
  bound.args.push_back(std::move(value));
  return bound;
}

Error unknown_aggregate(Binder& binder, const Expr& expr) {
  std::string closest = closest_name(expr.name, aggregate_names());
  return binder.fail(expr.span, kSemanticError, "unknown aggregate " + quoted(expr.name),
                     closest.empty() ? "" : "did you mean " + closest + "()?");
}

}  // namespace

bool is_aggregate(std::string_view name) { return find_name(name) != nullptr || share_in_name(name).has_value(); }

std::vector<std::string_view> aggregate_names() {
  std::vector<std::string_view> names;
  for (const Name& known : kNames) {
    if (known.kind != Kind::kCountIf) names.push_back(known.name);
  }
  return names;
}

Result<BoundAggregate> bind_aggregate(Binder& binder, const Expr& expr) {
  bool bare =
      expr.kind == ExprKind::kField && (equals_ignore_case(expr.name, "count") || equals_ignore_case(expr.name, "c"));
  if (expr.kind != ExprKind::kCall && !bare) {
    return binder.fail(expr.span, kSemanticError, "expected an aggregate such as count() or avg(field)");
  }
  std::string name = to_lower_ascii(expr.name);
  BoundAggregate bound;
  std::optional<double> share = share_in_name(name);
  const Name* known = find_name(share ? "median" : name);
  if (known == nullptr || known->kind == Kind::kCountIf) return unknown_aggregate(binder, expr);
  int count = static_cast<int>(expr.args.size());
  if (count < known->args_min || count > known->args_max) {
    std::string low = std::to_string(known->args_min);
    std::string range = known->args_min == known->args_max ? low : low + " to " + std::to_string(known->args_max);
    return binder.fail(expr.span, kSemanticError,
                       name + "() takes " + range + " arguments, not " + std::to_string(count));
  }
  if (known->kind == Kind::kCount && count == 1 && expr.args[0]->is_call("eval") && expr.args[0]->args.size() == 1) {
    return bind_count_if(binder, *expr.args[0]->args[0]);
  }
  if (count > 0) {
    auto value = CLEW_TRY(binder.bind(*expr.args[0]));
    bound.args.push_back(std::move(value));
  }
  CLEW_TRY(bind_parameter(binder, expr, known->kind, bound));
  if (share) bound.fraction = *share;
  bool by_time = known->kind == Kind::kEarliest || known->kind == Kind::kLatest;
  if (by_time && count == 1) {
    auto value = CLEW_TRY(binder.bind(*make_field(std::string(kTimeFieldName), expr.span)));
    bound.args.push_back(std::move(value));
  }
  bound.name = std::string(known->name);
  bound.type = result_type(known->kind, bound.args);
  bound.order_sensitive = keeps_order(known->kind);
  return bound;
}

std::unique_ptr<Aggregate> make_aggregate(const BoundAggregate& bound) {
  const Name* known = find_name(bound.name);
  CHECK(known != nullptr, bound.name);
  switch (known->kind) {
    case Kind::kCount: return make_count();
    case Kind::kCountIf: return make_count_if();
    case Kind::kSum: return make_sum();
    case Kind::kAverage: return make_average();
    case Kind::kMin: return make_extreme(false);
    case Kind::kMax: return make_extreme(true);
    case Kind::kDistinct: return make_distinct_count();
    case Kind::kPercentile:
    case Kind::kMedian: return make_percentile(bound.fraction);
    case Kind::kVarSamp: return make_spread(Spread::kVarianceSample);
    case Kind::kVarPop: return make_spread(Spread::kVariancePopulation);
    case Kind::kStddevSamp: return make_spread(Spread::kDeviationSample);
    case Kind::kStddevPop: return make_spread(Spread::kDeviationPopulation);
    case Kind::kValues: return make_values();
    case Kind::kList: return make_list(0, true);
    case Kind::kTake: return make_list(bound.limit, false);
    case Kind::kFirst: return make_edge(false);
    case Kind::kLast: return make_edge(true);
    case Kind::kEarliest: return make_by_time(false);
    case Kind::kLatest: return make_by_time(true);
    case Kind::kMode: return make_mode();
  }
  return nullptr;
}

}  // namespace clew::expr
