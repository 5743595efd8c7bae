#include "api/promql_tree_json.h"

#include <cmath>

#include "query/promql/duration.h"
#include "query/promql/functions.h"

namespace clew::api {
namespace {

namespace promql = query::promql;

std::string_view type_name(promql::ValueType type) {
  switch (type) {
    case promql::ValueType::kScalar: return "scalar";
    case promql::ValueType::kVector: return "vector";
    case promql::ValueType::kMatrix: return "matrix";
    case promql::ValueType::kString: return "string";
  }
  return "";
}

// Milliseconds of a duration that is written as one; 0 where it is none or is computed.
int64_t millis_of(const promql::DurationPtr& duration) {
  if (duration == nullptr) return 0;
  if (duration->kind == promql::DurationExpr::Kind::kNegate) return -millis_of(duration->left);
  return duration->kind == promql::DurationExpr::Kind::kNumber ? std::llround(duration->seconds * 1000) : 0;
}

void write_at(const promql::AtModifier& at, JsonWriter& json) {
  json.key("timestamp");
  at.kind == promql::AtModifier::Kind::kTime ? json.number(at.millis) : json.null();
  json.key("startOrEnd");
  switch (at.kind) {
    case promql::AtModifier::Kind::kStart: json.text("start"); break;
    case promql::AtModifier::Kind::kEnd: json.text("end"); break;
    default: json.null();
  }
}

void write_names(std::string_view key, const std::vector<std::string>& names, JsonWriter& json) {
  json.key(key);
  json.begin_array();
  for (const std::string& name : names) json.text(name);
  json.end_array();
}

void write_child(std::string_view key, const promql::ExprPtr& expr, JsonWriter& json) {
  json.key(key);
  if (expr == nullptr) return json.null();
  write_promql_tree(*expr, json);
}

void write_selector(const promql::SelectorExpr& expr, JsonWriter& json) {
  json.member("type", expr.is_range ? "matrixSelector" : "vectorSelector");
  json.member("name", expr.name);
  if (expr.is_range) json.member("range", millis_of(expr.range));
  json.member("offset", millis_of(expr.offset));
  json.key("matchers");
  json.begin_array();
  constexpr std::string_view kOps[] = {"=", "!=", "=~", "!~"};
  for (const contract::LabelMatcher& matcher : expr.matchers) {
    json.begin_object();
    json.member("name", matcher.name);
    json.member("type", kOps[static_cast<size_t>(matcher.op)]);
    json.member("value", matcher.value);
    json.end_object();
  }
  json.end_array();
  write_at(expr.at, json);
  json.member_flag("anchored", expr.extension == promql::Extension::kAnchored);
  json.member_flag("smoothed", expr.extension == promql::Extension::kSmoothed);
}

void write_binary(const promql::BinaryExpr& expr, JsonWriter& json) {
  json.member("type", "binaryExpr");
  json.member("op", promql::op_text(expr.op));
  write_child("lhs", expr.left, json);
  write_child("rhs", expr.right, json);
  json.key("matching");
  bool vectors = promql::type_of(*expr.left) == promql::ValueType::kVector &&
                 promql::type_of(*expr.right) == promql::ValueType::kVector;
  if (vectors) {
    constexpr std::string_view kCards[] = {"one-to-one", "many-to-one", "one-to-many", "many-to-many"};
    json.begin_object();
    json.member("card", kCards[static_cast<size_t>(expr.matching.card)]);
    write_names("labels", expr.matching.labels, json);
    json.member_flag("on", expr.matching.on);
    write_names("include", expr.matching.include, json);
    json.end_object();
  } else {
    json.null();
  }
  json.member_flag("bool", expr.return_bool);
}

void write_call(const promql::CallExpr& expr, JsonWriter& json) {
  json.member("type", "call");
  json.key("func");
  json.begin_object();
  json.member("name", expr.function->name);
  json.key("argTypes");
  json.begin_array();
  for (promql::ValueType type : expr.function->args) json.text(type_name(type));
  json.end_array();
  json.member("variadic", static_cast<int64_t>(expr.function->variadic));
  json.member("returnType", type_name(expr.function->result));
  json.end_object();
  json.key("args");
  json.begin_array();
  for (const promql::ExprPtr& arg : expr.args) write_promql_tree(*arg, json);
  json.end_array();
}

}  // namespace

void write_promql_tree(const promql::Expr& expr, JsonWriter& json) {
  json.begin_object();
  switch (expr.kind) {
    case promql::ExprKind::kNumber:
      json.member("type", "numberLiteral");
      json.member("val", promql::number_text(promql::as<promql::NumberExpr>(expr).value));
      break;
    case promql::ExprKind::kString:
      json.member("type", "stringLiteral");
      json.member("val", promql::as<promql::StringExpr>(expr).value);
      break;
    case promql::ExprKind::kSelector: write_selector(promql::as<promql::SelectorExpr>(expr), json); break;
    case promql::ExprKind::kSubquery: {
      const auto& sub = promql::as<promql::SubqueryExpr>(expr);
      json.member("type", "subquery");
      write_child("expr", sub.inner, json);
      json.member("range", millis_of(sub.range));
      json.member("offset", millis_of(sub.offset));
      json.member("step", millis_of(sub.step));
      write_at(sub.at, json);
      break;
    }
    case promql::ExprKind::kUnary: {
      const auto& unary = promql::as<promql::UnaryExpr>(expr);
      json.member("type", "unaryExpr");
      json.member("op", unary.minus ? "-" : "+");
      write_child("expr", unary.inner, json);
      break;
    }
    case promql::ExprKind::kBinary: write_binary(promql::as<promql::BinaryExpr>(expr), json); break;
    case promql::ExprKind::kAggregate: {
      const auto& aggregate = promql::as<promql::AggregateExpr>(expr);
      json.member("type", "aggregation");
      json.member("op", promql::aggregation_text(aggregate.aggregation));
      write_child("expr", aggregate.inner, json);
      write_child("param", aggregate.parameter, json);
      write_names("grouping", aggregate.grouping, json);
      json.member_flag("without", aggregate.without);
      break;
    }
    case promql::ExprKind::kCall: write_call(promql::as<promql::CallExpr>(expr), json); break;
    case promql::ExprKind::kParen:
      json.member("type", "parenExpr");
      write_child("expr", promql::as<promql::ParenExpr>(expr).inner, json);
      break;
  }
  json.end_object();
}

}  // namespace clew::api
