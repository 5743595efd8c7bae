// The table of functions. Adding one costs a line in functions.cc, its code in the file of its family, and lines in
// tests/expr.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "expr/bind.h"
#include "expr/builder.h"
#include "expr/cell.h"
#include "model/vector.h"

namespace clew::expr {

class Evaluator;
class Inputs;

// The type that a call gives; kMixed where only the values tell.
using TypeRule = model::Type (*)(std::span<const BoundPtr> args);
// Adds exactly one value to `out`.
using ScalarFunction = Status (*)(const Bound& call, std::span<const Cell> args, VectorBuilder& out);
// A whole vector at once. Null when it has no way for these types and layouts; then the scalar form is used.
using VectorFunction = Result<model::VectorPtr> (*)(const Bound& call, std::span<const model::VectorPtr> args,
                                                    uint32_t rows);
// Compiles constant arguments. May fail with a diagnostic of the binder; null when there is nothing to prepare.
using PrepareFunction = Result<std::shared_ptr<const void>> (*)(Binder& binder, std::span<const BoundPtr> args,
                                                                SourceSpan span);
// Evaluates its own arguments: branches, lambdas.
using SpecialFunction = Result<model::VectorPtr> (*)(Evaluator& evaluator, const Bound& call, Inputs& inputs,
                                                     const model::Selection* rows, uint32_t count);

enum FunctionFlag : uint8_t {
  kNullsToo = 1,  // called with null arguments; without it any null gives null
  kVolatile = 2,  // another value at every call: not folded
  kKeywords = 4,  // takes unit or type words and span literals
  kLambdas = 8,   // takes lambdas
  kHidden = 16,   // made by the binder; has no name in the language
};

constexpr int8_t kAnyCount = 127;

struct FunctionDef {
  std::string_view name;
  int8_t args_min = 0;
  int8_t args_max = 0;
  TypeRule type = nullptr;
  ScalarFunction scalar = nullptr;
  uint8_t flags = 0;
  VectorFunction vector = nullptr;
  PrepareFunction prepare = nullptr;
  SpecialFunction special = nullptr;
};

// Null when there is no such function. `name` is lower case.
const FunctionDef* find_function(std::string_view name);
std::vector<std::string_view> function_names();

// Tables of the families, one per file.
std::span<const FunctionDef> arithmetic_functions();
std::span<const FunctionDef> compare_functions();
std::span<const FunctionDef> pattern_functions();
std::span<const FunctionDef> condition_functions();
std::span<const FunctionDef> math_functions();
std::span<const FunctionDef> text_functions();
std::span<const FunctionDef> convert_functions();
std::span<const FunctionDef> time_functions();
std::span<const FunctionDef> time_format_functions();
std::span<const FunctionDef> crypto_functions();
std::span<const FunctionDef> array_functions();
std::span<const FunctionDef> json_functions();
std::span<const FunctionDef> geo_functions();

// Type rules.
template <model::Type kType>
model::Type always(std::span<const BoundPtr>) {
  return kType;
}
model::Type type_of_first(std::span<const BoundPtr> args);
model::Type type_of_second(std::span<const BoundPtr> args);
// The type that holds values of all the arguments; kMixed when there is none.
model::Type common_type(std::span<const BoundPtr> args);
model::Type common_type(model::Type a, model::Type b);

// A truth value of any cell: 0, 1, or 2 where it is null or no boolean.
inline uint8_t truth_of(const Cell& cell) {
  if (cell.type != model::Type::kBool) return 2;
  return cell.i64 != 0 ? 1 : 0;
}

// The text of a value as patterns and text functions see it: numbers as they print. `buffer` keeps what had to be made.
std::string_view text_of(const Cell& cell, std::string& buffer);

// Error of a value that cannot be computed.
Error evaluation_error(std::string message);

}  // namespace clew::expr
