#include "plain_row.h"

#include <algorithm>

#include "expr/aggregate.h"
#include "expr/bind.h"
#include "expr/coerce.h"
#include "expr/eval.h"
#include "expr/parse.h"

namespace clew::query::testing {

using expr::Expr;
using expr::ExprKind;
using expr::ExprPtr;
using model::Type;
using model::Value;

namespace {

// Every field is the constant that it is in this row.
class RowSchema final : public expr::Schema {
 public:
  RowSchema(const PlainColumns& columns, const std::vector<Value>& values) : names_(columns.names), values_(values) {}
  std::optional<expr::FieldRef> find(std::string_view name) override {
    for (size_t i = 0; i < names_.size(); ++i) {
      if (names_[i] != name) continue;
      expr::FieldRef field;
      field.type = values_[i].type();
      field.constant = std::make_shared<const Value>(values_[i]);
      return field;
    }
    return std::nullopt;
  }

 private:
  const std::vector<std::string>& names_;
  const std::vector<Value>& values_;
};

class TypedSchema final : public expr::Schema {
 public:
  explicit TypedSchema(const PlainColumns& columns) : columns_(columns) {}
  std::optional<expr::FieldRef> find(std::string_view name) override {
    for (uint32_t i = 0; i < columns_.names.size(); ++i) {
      if (columns_.names[i] == name) return expr::FieldRef{i, columns_.types[i]};
    }
    return std::nullopt;
  }

 private:
  const PlainColumns& columns_;
};

bool stays_as_written(const Expr& arg) { return arg.kind != ExprKind::kCall; }

bool is_true(const Value& value) { return value.type() == Type::kBool && value.i64() != 0; }

}  // namespace

Result<Type> plain_type(const PlainColumns& columns, const Expr& expr, int64_t now) {
  TypedSchema schema(columns);
  expr::Binder binder(schema, {.now = now});
  expr::BoundPtr bound = CLEW_TRY(binder.bind(expr));
  return bound->type;
}

Result<Type> plain_type_of_aggregate(const PlainColumns& columns, const std::string& call, int64_t now) {
  ExprPtr parsed = CLEW_TRY(expr::parse_expression_text(call));
  TypedSchema schema(columns);
  expr::Binder binder(schema, {.now = now});
  expr::BoundAggregate bound = CLEW_TRY(expr::bind_aggregate(binder, *parsed));
  return bound.type;
}

// Branches of different number types give doubles, whichever is taken.
std::optional<Value> PlainRow::widened(const Expr& expr, std::optional<Value> value) {
  bool whole = value && expr::is_number(value->type()) && value->type() != Type::kDouble;
  if (!whole) return value;
  Result<Type> type = plain_type(columns_, expr, now_);
  if (!type.ok() || *type != Type::kDouble) return value;
  return Value::real(*expr::to_double(expr::cell_of(*value)));
}

std::optional<Value> PlainRow::value(const Expr& expr) {
  if (expr.kind == ExprKind::kLiteral) return expr.literal;
  if (expr.kind != ExprKind::kCall) return call(expr);
  const std::string& name = expr.name;
  if (name == "and" || name == "or") return connective(expr, name == "and");
  if (name == "xor") return either(expr);
  if (name == "case" || name == "if") return widened(expr, choice(expr));
  if (name == "coalesce" || name == "ifnull") return widened(expr, first_of(expr));
  if (name == "not" || name == "isnull" || name == "isnotnull") {
    std::optional<Value> v = value(*expr.args.at(0));
    if (!v) return std::nullopt;
    if (name != "not") return Value::boolean(v->is_null() == (name == "isnull"));
    return v->type() == Type::kBool ? Value::boolean(v->i64() == 0) : Value();
  }
  return call(expr);
}

std::optional<Value> PlainRow::connective(const Expr& expr, bool conjunction) {
  bool unknown = false;
  for (const ExprPtr& arg : expr.args) {
    std::optional<Value> v = value(*arg);
    if (!v) return std::nullopt;
    if (v->type() != Type::kBool) {
      unknown = true;
    } else if ((v->i64() != 0) != conjunction) {
      return v;
    }
  }
  return unknown ? Value() : Value::boolean(conjunction);
}

std::optional<Value> PlainRow::either(const Expr& expr) {
  bool known = true;
  bool odd = false;
  for (const ExprPtr& arg : expr.args) {
    std::optional<Value> v = value(*arg);
    if (!v) return std::nullopt;
    known = known && v->type() == Type::kBool;
    odd = odd != is_true(*v);
  }
  return known ? Value::boolean(odd) : Value();
}

std::optional<Value> PlainRow::choice(const Expr& expr) {
  for (size_t i = 0; i + 1 < expr.args.size(); i += 2) {
    std::optional<Value> condition = value(*expr.args[i]);
    if (!condition) return std::nullopt;
    if (is_true(*condition)) return value(*expr.args[i + 1]);
  }
  return expr.args.size() % 2 == 1 ? value(*expr.args.back()) : Value();
}

std::optional<Value> PlainRow::first_of(const Expr& expr) {
  for (const ExprPtr& arg : expr.args) {
    std::optional<Value> v = value(*arg);
    if (!v || !v->is_null()) return v;
  }
  return Value();
}

std::optional<Value> PlainRow::call(const Expr& expr) {
  Expr flat = expr;
  for (ExprPtr& arg : flat.args) {
    if (stays_as_written(*arg)) continue;
    std::optional<Value> v = value(*arg);
    if (!v) return std::nullopt;
    arg = expr::make_literal(std::move(*v));
  }
  RowSchema schema(columns_, values_);
  expr::Binder binder(schema, {.now = now_});
  Result<expr::BoundPtr> bound = binder.bind(flat);
  if (!bound.ok()) {
    why_ = bound.error().message();
    return std::nullopt;
  }
  if (expr::is_constant(**bound)) return (*bound)->constant;
  expr::VectorInputs inputs({}, 1);
  Result<model::VectorPtr> result = expr::Evaluator().eval(**bound, inputs);
  if (!result.ok()) {
    why_ = result.error().message();
    return std::nullopt;
  }
  return (*result)->value(0);
}

namespace {

std::optional<bool> truth_of(std::string name, const Value& a, const std::vector<Value>& others, int64_t now) {
  PlainColumns none;
  std::vector<Value> values;
  std::vector<ExprPtr> args = {expr::make_literal(a)};
  for (const Value& other : others) args.push_back(expr::make_literal(other));
  std::optional<Value> v = PlainRow(none, values, now).value(*expr::make_call(std::move(name), std::move(args)));
  if (!v || v->type() != Type::kBool) return std::nullopt;
  return v->i64() != 0;
}

}  // namespace

std::optional<bool> plain_equal(const Value& a, const Value& b, int64_t now) { return truth_of("=", a, {b}, now); }

std::optional<bool> plain_in(const Value& a, const std::vector<Value>& list, int64_t now) {
  return list.empty() ? false : truth_of("in", a, list, now);
}

}  // namespace clew::query::testing
