// Loops over whole lanes: comparison and arithmetic without a call per row.
#pragma once

#include <span>

#include "base/result.h"
#include "expr/bind.h"
#include "model/vector.h"

namespace clew::expr {

// True for a call of = != < <= > >= that select_comparison may know.
bool is_vector_comparison(const Bound& call);

// Keeps of `rows` those where the comparison holds; row i of the vectors is rows[i]. False, with rows untouched, when
// there is no fast way for these types and layouts.
bool select_comparison(const Bound& call, const model::Vector& a, const model::Vector& b, model::Selection& rows);

// Forms of FunctionDef::vector.
Result<model::VectorPtr> compare_vectors(const Bound& call, std::span<const model::VectorPtr> args, uint32_t rows);
Result<model::VectorPtr> add_vectors(const Bound& call, std::span<const model::VectorPtr> args, uint32_t rows);
Result<model::VectorPtr> subtract_vectors(const Bound& call, std::span<const model::VectorPtr> args, uint32_t rows);
Result<model::VectorPtr> multiply_vectors(const Bound& call, std::span<const model::VectorPtr> args, uint32_t rows);
Result<model::VectorPtr> divide_vectors(const Bound& call, std::span<const model::VectorPtr> args, uint32_t rows);
Result<model::VectorPtr> isnull_vector(const Bound& call, std::span<const model::VectorPtr> args, uint32_t rows);
Result<model::VectorPtr> isnotnull_vector(const Bound& call, std::span<const model::VectorPtr> args, uint32_t rows);

}  // namespace clew::expr
