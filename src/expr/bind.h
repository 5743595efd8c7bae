// Binding: names become columns, calls become functions, constants are folded.
//
// The types of log fields are known only roughly before their values are read (a field may have another type in every
// row group), so a bound type is a promise only where it is not kMixed, and evaluation goes by the types of the
// vectors.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "expr/ast.h"
#include "expr/diagnostic.h"
#include "model/value.h"

namespace clew::geo {
class Sources;
}

namespace clew::expr {

constexpr uint32_t kNoSlot = UINT32_MAX;  // a field that is null in every row

struct FieldRef {
  uint32_t slot = kNoSlot;  // what Inputs::column is asked for
  model::Type type = model::Type::kMixed;
  std::shared_ptr<const model::Value> constant = nullptr;  // the field is this value in every row
};

// The columns that an expression may name.
class Schema {
 public:
  virtual ~Schema() = default;
  // None: there is no such field, which is an error except in coalesce(). A field that should be null instead (rules,
  // search expressions) is a FieldRef with kNoSlot.
  virtual std::optional<FieldRef> find(std::string_view name) = 0;
  // For "did you mean"; may be empty.
  virtual std::vector<std::string> names() { return {}; }
};

// Column i of a list is slot i.
class ListSchema final : public Schema {
 public:
  struct Column {
    std::string name;
    model::Type type = model::Type::kMixed;
  };
  explicit ListSchema(std::vector<Column> columns) : columns_(std::move(columns)) {}
  std::optional<FieldRef> find(std::string_view name) override;
  std::vector<std::string> names() override;

 private:
  std::vector<Column> columns_;
};

struct FunctionDef;
struct Bound;
using BoundPtr = std::shared_ptr<const Bound>;

// A bound expression. Frozen after binding.
struct Bound {
  enum class Op : uint8_t { kConst, kField, kCall, kLambda };
  Op op = Op::kConst;
  model::Type type = model::Type::kNull;  // kMixed: known only when evaluated
  SourceSpan span;
  model::Value constant;                  // kConst
  uint32_t slot = kNoSlot;                // kField
  std::string name;                       // kField: the field
  const FunctionDef* function = nullptr;  // kCall
  std::vector<BoundPtr> args;             // kCall; kLambda: the body
  std::shared_ptr<const void> prepared;   // kCall: what the function made of its constant arguments
  int64_t now = 0;                        // kCall: the query's time, ns
  std::vector<uint32_t> parameters;       // kLambda: slots of the parameters, all from kLambdaSlotFirst on
};
constexpr uint32_t kLambdaSlotFirst = 0x80000000u;

struct BindOptions {
  int64_t now = 0;                    // the query's time in ns: now() and all that depends on it
  const geo::Sources* geo = nullptr;  // what geoip() asks; null: there is none
};

// Threads: one at a time.  Lifetime: the schema outlives the binder; what is bound outlives both.
class Binder {
 public:
  Binder(Schema& schema, BindOptions options, std::string_view source_text = {})
      : schema_(schema), options_(options), source_text_(source_text) {}

  // Errors: kInvalid with diagnostic(): FIELD_NOT_FOUND, TYPE_ERROR, SEMANTIC_ERROR, EVALUATION_ERROR.
  Result<BoundPtr> bind(const Expr& expr);
  // As bind, for a condition: the type must be boolean (or known only later).
  Result<BoundPtr> bind_condition(const Expr& expr);

  const Diagnostic& diagnostic() const { return diagnostic_; }
  const BindOptions& options() const { return options_; }
  // Records what is wrong at `span` and gives the error to return.
  Error fail(SourceSpan span, std::string_view code, std::string message, std::string suggestion = "");

 private:
  struct Scope {
    std::string name;
    uint32_t slot;
    model::Type type;
  };
  Result<BoundPtr> bind_field(const Expr& expr);
  Result<BoundPtr> bind_unknown_field(const Expr& expr);
  Result<BoundPtr> bind_call(const Expr& expr);
  Result<BoundPtr> bind_lambda(const Expr& expr);
  Result<std::vector<BoundPtr>> bind_args(const Expr& expr, const FunctionDef& function);
  Result<BoundPtr> finish_call(const FunctionDef& function, std::vector<BoundPtr> args, SourceSpan span);
  Result<BoundPtr> bind_mvmap(const Expr& expr);
  BoundPtr level_word(const Expr& expr);

  Schema& schema_;
  BindOptions options_;
  std::string_view source_text_;
  Diagnostic diagnostic_;
  std::vector<Scope> scope_;  // lambda parameters in sight
  uint32_t lambda_slots_ = 0;
};

BoundPtr bound_constant(model::Value value, SourceSpan span = {});
inline bool is_constant(const Bound& bound) { return bound.op == Bound::Op::kConst; }

// True for the fields whose values are severities: level, severity, severityText, log.level.
bool is_level_field(std::string_view name);

// Slots that the expression reads, each once.
std::vector<uint32_t> slots_of(const Bound& bound);
// The conjuncts of a bound condition.
void split_conjuncts(const BoundPtr& bound, std::vector<BoundPtr>& out);
// Name of the function of a call ("=", "and", "lower"), else empty.
std::string_view call_name(const Bound& bound);

}  // namespace clew::expr
