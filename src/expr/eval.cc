#include "expr/eval.h"

#include <algorithm>
#include <numeric>

#include "base/check.h"
#include "expr/functions.h"
#include "expr/kernels.h"

namespace clew::expr {
namespace {

using model::Layout;
using model::Selection;
using model::Type;
using model::Vector;
using model::VectorPtr;

template <class T>
std::vector<T> picked(const std::vector<T>& lane, const Selection& rows) {
  std::vector<T> out(rows.size());
  for (size_t i = 0; i < rows.size(); ++i) out[i] = lane[rows[i]];
  return out;
}

// The dictionary entry of every row.
template <class T>
std::vector<T> by_code(const std::vector<T>& entries, const std::vector<uint32_t>& codes,
                       const std::vector<uint8_t>& nulls) {
  std::vector<T> out(codes.size());
  if (entries.empty()) return out;
  for (size_t i = 0; i < codes.size(); ++i) {
    if (nulls.empty() || nulls[i] == 0) out[i] = entries[codes[i]];
  }
  return out;
}

// The rows of `dict`, a flat vector that may hold nulls, by the codes of `like`.
VectorPtr expand_flat(const VectorPtr& dict, const Vector& like) {
  Vector out;
  out.type = dict->type;
  out.layout = Layout::kFlat;
  out.size = like.size;
  out.scale = dict->scale;
  out.owners = dict->owners;
  out.nulls = like.nulls;
  if (!dict->nulls.empty()) {
    out.nulls.resize(like.size, 0);
    for (uint32_t i = 0; i < like.size; ++i) {
      if (out.nulls[i] == 0) out.nulls[i] = dict->nulls[like.codes[i]];
    }
  }
  if (is_real(dict->type)) {
    out.f64 = by_code(dict->f64, like.codes, like.nulls);
  } else if (is_text(dict->type)) {
    out.strings = by_code(dict->strings, like.codes, like.nulls);
  } else {
    out.i64 = by_code(dict->i64, like.codes, like.nulls);
  }
  return std::make_shared<const Vector>(std::move(out));
}

VectorPtr expand_values(const VectorPtr& dict, const Vector& like) {
  Vector out;
  out.type = dict->type;
  out.layout = Layout::kValues;
  out.size = like.size;
  out.values.resize(like.size);
  for (uint32_t i = 0; i < like.size; ++i) {
    if (like.nulls.empty() || like.nulls[i] == 0) out.values[i] = dict->values[like.codes[i]];
  }
  return std::make_shared<const Vector>(std::move(out));
}

VectorPtr constant_vector(const VectorPtr& one, uint32_t count) {
  if (one->layout == Layout::kConst) {
    Vector out = *one;
    out.size = count;
    return std::make_shared<const Vector>(std::move(out));
  }
  return std::make_shared<const Vector>(Vector::constant(one->value(0), count));
}

// A string result per dictionary entry stays a dictionary; everything else is spread over the rows.
VectorPtr expand(const VectorPtr& entries, const Vector& like) {
  if (entries->type == Type::kNull) return std::make_shared<const Vector>(Vector::all_null(like.size));
  if (entries->layout == Layout::kConst) {
    if (like.nulls.empty()) return constant_vector(entries, like.size);
    return expand(flatten(entries), like);
  }
  if (entries->layout == Layout::kValues) return expand_values(entries, like);
  if (entries->layout == Layout::kDict) return expand(flatten(entries), like);
  if (entries->type != Type::kString || !entries->nulls.empty()) return expand_flat(entries, like);
  Vector out;
  out.type = Type::kString;
  out.layout = Layout::kDict;
  out.size = like.size;
  out.nulls = like.nulls;
  out.codes = like.codes;
  out.dict = entries;
  return std::make_shared<const Vector>(std::move(out));
}

VectorPtr flat_constant(const Vector& constant) {
  VectorBuilder out;
  Cell cell = constant.size == 0 ? Cell() : cell_of(constant, 0);
  for (uint32_t i = 0; i < constant.size; ++i) out.add(cell);
  return out.finish();
}

Result<VectorPtr> by_rows(const Bound& call, std::span<const VectorPtr> args, uint32_t rows) {
  bool nulls_too = (call.function->flags & kNullsToo) != 0;
  VectorBuilder out;
  std::vector<Cell> cells(args.size());
  for (uint32_t row = 0; row < rows; ++row) {
    bool null = false;
    for (size_t i = 0; i < args.size(); ++i) {
      cells[i] = cell_of(*args[i], row);
      null = null || cells[i].is_null();
    }
    if (null && !nulls_too) {
      out.add_null();
    } else {
      CLEW_TRY(call.function->scalar(call, cells, out));
    }
    if (out.bytes() > kVectorBytesMax) {
      return Error(Code::kLimit, std::string(call.function->name) + "() makes more than " +
                                     std::to_string(kVectorBytesMax >> 20) + " MiB of values at once");
    }
    DCHECK(out.size() == row + 1, call.function->name);
  }
  return out.finish();
}

Result<VectorPtr> apply(const Bound& call, std::span<const VectorPtr> args, uint32_t rows) {
  if (call.function->vector != nullptr) {
    VectorPtr out = CLEW_TRY(call.function->vector(call, args, rows));
    if (out != nullptr) return out;
  }
  return by_rows(call, args, rows);
}

bool is_one_value(const Vector& v) { return v.layout == Layout::kConst || v.type == Type::kNull; }

// The one dictionary among the arguments where the others are constants; null otherwise.
const Vector* only_dictionary(std::span<const VectorPtr> args) {
  const Vector* found = nullptr;
  for (const VectorPtr& arg : args) {
    if (arg->layout == Layout::kDict && arg->type != Type::kNull) {
      if (found != nullptr) return nullptr;
      found = arg.get();
    } else if (!is_one_value(*arg)) {
      return nullptr;
    }
  }
  return found;
}

void keep_true(const Vector& condition, Selection& rows) {
  size_t kept = 0;
  if (condition.type != Type::kBool) {
    for (size_t i = 0; i < rows.size(); ++i) {
      Cell cell = cell_of(condition, static_cast<uint32_t>(i));
      rows[kept] = rows[i];
      kept += cell.type == Type::kBool && cell.i64 != 0 ? 1 : 0;
    }
  } else if (condition.layout == Layout::kConst) {
    kept = condition.size > 0 && !condition.is_null(0) && condition.i64[0] != 0 ? rows.size() : 0;
  } else if (condition.layout == Layout::kFlat) {
    for (size_t i = 0; i < rows.size(); ++i) {
      rows[kept] = rows[i];
      bool null = !condition.nulls.empty() && condition.nulls[i] != 0;
      kept += condition.i64[i] != 0 && !null ? 1 : 0;
    }
  } else {
    for (size_t i = 0; i < rows.size(); ++i) {
      Cell cell = cell_of(condition, static_cast<uint32_t>(i));
      rows[kept] = rows[i];
      kept += !cell.is_null() && cell.i64 != 0 ? 1 : 0;
    }
  }
  rows.resize(kept);
}

}  // namespace

Result<VectorPtr> VectorInputs::column(uint32_t slot, const Selection* rows) {
  if (rows == nullptr) return columns_[slot];
  return gather(columns_[slot], *rows);
}

Selection all_rows(uint32_t rows) {
  Selection out(rows);
  std::iota(out.begin(), out.end(), 0u);
  return out;
}

VectorPtr gather(const VectorPtr& vector, const Selection& rows) {
  auto count = static_cast<uint32_t>(rows.size());
  if (is_one_value(*vector)) {
    if (count == vector->size) return vector;
    Vector out = *vector;
    out.size = count;
    return std::make_shared<const Vector>(std::move(out));
  }
  if (count == vector->size) return vector;  // rising rows below the size: all of them
  Vector out;
  out.type = vector->type;
  out.layout = vector->layout;
  out.size = count;
  out.scale = vector->scale;
  out.owners = vector->owners;
  out.dict = vector->dict;
  if (!vector->nulls.empty()) out.nulls = picked(vector->nulls, rows);
  if (!vector->i64.empty()) out.i64 = picked(vector->i64, rows);
  if (!vector->f64.empty()) out.f64 = picked(vector->f64, rows);
  if (!vector->strings.empty()) out.strings = picked(vector->strings, rows);
  if (!vector->values.empty()) out.values = picked(vector->values, rows);
  if (!vector->codes.empty()) out.codes = picked(vector->codes, rows);
  return std::make_shared<const Vector>(std::move(out));
}

VectorPtr flatten(const VectorPtr& vector) {
  if (vector->layout == Layout::kConst && vector->type != Type::kNull) return flat_constant(*vector);
  if (vector->layout != Layout::kDict) return vector;
  return expand_flat(vector->dict, *vector);
}

Result<VectorPtr> Evaluator::eval(const Bound& expr, Inputs& inputs, const Selection* rows) {
  uint32_t count = rows != nullptr ? static_cast<uint32_t>(rows->size()) : inputs.rows();
  switch (expr.op) {
    case Bound::Op::kConst: return std::make_shared<const Vector>(Vector::constant(expr.constant, count));
    case Bound::Op::kField: return inputs.column(expr.slot, rows);
    case Bound::Op::kCall: return eval_call(expr, inputs, rows, count);
    case Bound::Op::kLambda: break;
  }
  return Error(Code::kInternal, "a lambda has no value of its own");
}

Result<VectorPtr> Evaluator::eval_call(const Bound& expr, Inputs& inputs, const Selection* rows, uint32_t count) {
  if (expr.function->special != nullptr) return expr.function->special(*this, expr, inputs, rows, count);
  std::vector<VectorPtr> args = CLEW_TRY(eval_args(expr, inputs, rows));
  return call(expr, args, count);
}

Result<std::vector<VectorPtr>> Evaluator::eval_args(const Bound& expr, Inputs& inputs, const Selection* rows) {
  std::vector<VectorPtr> args;
  args.reserve(expr.args.size());
  for (const BoundPtr& arg : expr.args) {
    VectorPtr value = CLEW_TRY(eval(*arg, inputs, rows));
    args.push_back(std::move(value));
  }
  return args;
}

Result<VectorPtr> Evaluator::call(const Bound& expr, std::vector<VectorPtr>& args, uint32_t count) {
  bool one_value = count > 0 && (expr.function->flags & kVolatile) == 0 &&
                   std::all_of(args.begin(), args.end(), [](const VectorPtr& arg) { return is_one_value(*arg); });
  if (one_value) {
    VectorPtr one = CLEW_TRY(apply(expr, args, 1));
    if (one->size == count) return one;
    return constant_vector(one, count);
  }
  const Vector* dict = only_dictionary(args);
  if (dict == nullptr) return apply(expr, args, count);
  VectorPtr entries = CLEW_TRY(eval_entries(expr, args, *dict, count));
  if (entries != nullptr) return spread(expr, args, entries, *dict);
  for (VectorPtr& arg : args) {
    if (arg->layout == Layout::kDict) arg = flatten(arg);
  }
  return apply(expr, args, count);
}

// The function over the entries of a dictionary, remembered for the next block with the same one. Null when the
// dictionary is so much larger than the block that the rows themselves are less work.
Result<VectorPtr> Evaluator::eval_entries(const Bound& expr, std::span<const VectorPtr> args, const Vector& dict,
                                          uint32_t rows) {
  constexpr uint32_t kEntriesPerRow = 2;
  bool same_everywhere = true;  // a column that is constant in this block only must not be remembered
  for (size_t i = 0; i < args.size(); ++i) {
    same_everywhere = same_everywhere && (args[i]->layout == Layout::kDict || is_constant(*expr.args[i]));
  }
  if (same_everywhere) {
    auto known = dict_results_.find(&expr);
    if (known != dict_results_.end() && known->second.dict == dict.dict) return known->second.result;
  }
  uint32_t entries = dict.dict->size;
  if (entries > kEntriesPerRow * rows && entries > kEntriesAlways) return VectorPtr();
  std::vector<VectorPtr> entry_args(args.begin(), args.end());
  for (VectorPtr& arg : entry_args) {
    if (arg->layout == Layout::kDict && arg->type != Type::kNull) {
      arg = dict.dict;
    } else {
      arg = constant_vector(arg, entries);
    }
  }
  VectorPtr result = CLEW_TRY(apply(expr, entry_args, entries));
  if (same_everywhere) dict_results_[&expr] = {dict.dict, result};
  return result;
}

// Rows that are null in the dictionary column: null, unless the function wants to see nulls.
Result<VectorPtr> Evaluator::spread(const Bound& expr, std::span<const VectorPtr> args, const VectorPtr& entries,
                                    const Vector& dict) {
  VectorPtr out = expand(entries, dict);
  if (dict.nulls.empty() || (expr.function->flags & kNullsToo) == 0) return out;
  std::vector<VectorPtr> null_args(args.begin(), args.end());
  for (VectorPtr& arg : null_args) {
    arg = arg->layout == Layout::kDict ? std::make_shared<const Vector>(Vector::all_null(1)) : constant_vector(arg, 1);
  }
  VectorPtr of_null = CLEW_TRY(apply(expr, null_args, 1));
  if (of_null->is_null(0)) return out;
  VectorBuilder both;
  Cell null_result = cell_of(*of_null, 0);
  for (uint32_t i = 0; i < out->size; ++i) both.add(dict.nulls[i] != 0 ? null_result : cell_of(*out, i));
  return both.finish();
}

Status Evaluator::filter(const Bound& expr, Inputs& inputs, Selection& rows) {
  if (rows.empty()) return {};
  std::string_view name = call_name(expr);
  if (name == "and") {
    for (const BoundPtr& arg : expr.args) {
      CLEW_TRY(filter(*arg, inputs, rows));
    }
    return {};
  }
  if (name == "or") return filter_any(expr, inputs, rows);
  const Selection* chosen = rows.size() == inputs.rows() ? nullptr : &rows;
  if (is_vector_comparison(expr)) {
    std::vector<VectorPtr> args = CLEW_TRY(eval_args(expr, inputs, chosen));
    if (select_comparison(expr, *args[0], *args[1], rows)) return {};
    VectorPtr condition = CLEW_TRY(call(expr, args, static_cast<uint32_t>(rows.size())));
    keep_true(*condition, rows);
    return {};
  }
  VectorPtr condition = CLEW_TRY(eval(expr, inputs, chosen));
  keep_true(*condition, rows);
  return {};
}

Status Evaluator::filter_any(const Bound& expr, Inputs& inputs, Selection& rows) {
  Selection left = rows;
  Selection taken;
  Selection merged;
  for (const BoundPtr& arg : expr.args) {
    Selection found = left;
    CLEW_TRY(filter(*arg, inputs, found));
    if (found.empty()) continue;
    merged.clear();
    std::set_union(taken.begin(), taken.end(), found.begin(), found.end(), std::back_inserter(merged));
    taken.swap(merged);
    merged.clear();
    std::set_difference(left.begin(), left.end(), found.begin(), found.end(), std::back_inserter(merged));
    left.swap(merged);
    if (left.empty()) break;
  }
  rows.swap(taken);
  return {};
}

}  // namespace clew::expr
