// Functions of arrays, and of lambdas over them. A value that is no array counts as an array of one.
#include <algorithm>
#include <unordered_map>

#include "expr/coerce.h"
#include "expr/eval.h"
#include "expr/functions.h"
#include "expr/pattern.h"
#include "expr/print.h"

namespace clew::expr {
namespace {

using model::Selection;
using model::Type;
using model::Value;
using model::Values;
using model::VectorPtr;

Values items_of(const Cell& cell) {
  if (cell.type == Type::kArray) return cell.value->items();
  if (cell.is_null()) return {};
  return {value_of(cell)};
}

void add_array(Values items, VectorBuilder& out) { out.add_value(Value::array(std::move(items))); }

constexpr int kNestingMax = 64;  // of arrays inside arrays

bool is_deeper(const Value& value, int levels) {
  if (value.type() != Type::kArray) return false;
  if (levels == 0) return true;
  return std::any_of(value.items().begin(), value.items().end(),
                     [levels](const Value& item) { return is_deeper(item, levels - 1); });
}

Status array(const Bound&, std::span<const Cell> args, VectorBuilder& out) {
  Values items;
  for (const Cell& arg : args) {
    if (arg.type == Type::kArray && is_deeper(*arg.value, kNestingMax - 1)) {
      return evaluation_error("arrays nested deeper than " + std::to_string(kNestingMax) + " levels");
    }
  }
  for (const Cell& arg : args) items.push_back(value_of(arg));
  add_array(std::move(items), out);
  return {};
}

Status array_length(const Bound&, std::span<const Cell> args, VectorBuilder& out) {
  out.add_lane(Type::kInt, static_cast<int64_t>(items_of(args[0]).size()));
  return {};
}

// Nulls are left out, arrays are taken apart; of nothing it makes null.
Status append(const Bound&, std::span<const Cell> args, VectorBuilder& out) {
  Values items;
  for (const Cell& arg : args) {
    for (Value& item : items_of(arg)) {
      if (!item.is_null()) items.push_back(std::move(item));
    }
  }
  if (items.empty()) {
    out.add_null();
  } else {
    add_array(std::move(items), out);
  }
  return {};
}

Status join(const Bound&, std::span<const Cell> args, VectorBuilder& out) {
  std::string buffer;
  std::string separator(text_of(args[1], buffer));
  std::string joined;
  bool first = true;
  for (const Value& item : items_of(args[0])) {
    if (item.is_null()) continue;
    if (!first) joined += separator;
    first = false;
    joined += text_of(cell_of(item), buffer);
  }
  out.add_string(joined);
  return {};
}

// An empty separator cuts between the characters.
Status split(const Bound&, std::span<const Cell> args, VectorBuilder& out) {
  std::string text_buffer;
  std::string separator_buffer;
  std::string_view text = text_of(args[0], text_buffer);
  std::string_view separator = text_of(args[1], separator_buffer);
  Values items;
  size_t begin = 0;
  while (begin < text.size() || (begin == text.size() && begin > 0 && !separator.empty())) {
    size_t end = text.size();
    if (separator.empty()) {
      end = begin + 1;
      while (end < text.size() && (static_cast<uint8_t>(text[end]) & 0xc0) == 0x80) ++end;
    } else {
      end = std::min(text.find(separator, begin), text.size());
    }
    items.push_back(Value::string(std::string(text.substr(begin, end - begin))));
    if (!separator.empty() && end == text.size()) break;
    begin = end + separator.size();
  }
  add_array(std::move(items), out);
  return {};
}

struct CellLess {
  bool operator()(const Value& a, const Value& b) const { return total_order(cell_of(a), cell_of(b)) < 0; }
};

// Each value once, where it came first.
Status dedup(const Bound&, std::span<const Cell> args, VectorBuilder& out) {
  std::vector<Value> sorted;
  Values items;
  for (Value& item : items_of(args[0])) {
    if (item.is_null()) continue;
    auto at = std::lower_bound(sorted.begin(), sorted.end(), item, CellLess());
    if (at != sorted.end() && !CellLess()(item, *at)) continue;
    sorted.insert(at, item);
    items.push_back(std::move(item));
  }
  add_array(std::move(items), out);
  return {};
}

Result<std::shared_ptr<const void>> prepare_find(Binder& binder, std::span<const BoundPtr> args, SourceSpan) {
  if (!is_constant(*args[1]) || args[1]->type != Type::kString) return std::shared_ptr<const void>();
  auto regex = compile_regex(args[1]->constant.text());
  if (!regex.ok()) return binder.fail(args[1]->span, kSemanticError, regex.error().message());
  return std::shared_ptr<const void>(*regex);
}

// Index of the first element that matches, from 0.
Status find(const Bound& call, std::span<const Cell> args, VectorBuilder& out) {
  std::string buffer;
  std::shared_ptr<const re2::RE2> made;
  auto regex = static_cast<const re2::RE2*>(call.prepared.get());
  if (regex == nullptr) {
    made = CLEW_TRY(compile_regex(text_of(args[1], buffer)));
    regex = made.get();
  }
  int64_t index = 0;
  for (const Value& item : items_of(args[0])) {
    if (!item.is_null() && regex_found(*regex, text_of(cell_of(item), buffer))) {
      out.add_lane(Type::kInt, index);
      return {};
    }
    ++index;
  }
  out.add_null();
  return {};
}

// mvindex(array, i) is an element, mvindex(array, from, to) the elements between, both inclusive; negative from the
// end.
Status element(const Bound&, std::span<const Cell> args, VectorBuilder& out) {
  Values items = items_of(args[0]);
  auto size = static_cast<int64_t>(items.size());
  std::optional<int64_t> from = to_integer(args[1]);
  std::optional<int64_t> to = args.size() > 2 ? to_integer(args[2]) : from;
  if (!from || !to) {
    out.add_null();
    return {};
  }
  int64_t first = *from < 0 ? *from + size : *from;
  int64_t last = *to < 0 ? *to + size : *to;
  if (args.size() == 2) {
    out.add_value(first >= 0 && first < size ? items[static_cast<size_t>(first)] : Value());
    return {};
  }
  Values chosen;
  for (int64_t i = std::max<int64_t>(first, 0); i <= last && i < size; ++i) {
    chosen.push_back(items[static_cast<size_t>(i)]);
  }
  add_array(std::move(chosen), out);
  return {};
}

Status zip(const Bound&, std::span<const Cell> args, VectorBuilder& out) {
  Values left = items_of(args[0]);
  Values right = items_of(args[1]);
  std::string buffer;
  std::string separator = args.size() > 2 ? std::string(text_of(args[2], buffer)) : ",";
  Values items;
  for (size_t i = 0; i < left.size() && i < right.size(); ++i) {
    std::string joined(text_of(cell_of(left[i]), buffer));
    joined += separator;
    joined += text_of(cell_of(right[i]), buffer);
    items.push_back(Value::string(std::move(joined)));
  }
  add_array(std::move(items), out);
  return {};
}

// The rows of a lambda: one for every element of every array. Parameters are columns of their own; the outer columns
// are repeated for the elements of their row.
class LambdaInputs final : public Inputs {
 public:
  LambdaInputs(Inputs& outer, const Selection* rows, std::vector<uint32_t> owners)
      : outer_(outer), rows_(rows), owners_(std::move(owners)) {}

  void bind(uint32_t slot, VectorPtr values) { columns_[slot] = std::move(values); }
  uint32_t rows() const override { return static_cast<uint32_t>(owners_.size()); }

  Result<VectorPtr> column(uint32_t slot, const Selection* rows) override {
    auto found = columns_.find(slot);
    if (found == columns_.end()) {
      VectorPtr values = CLEW_TRY(outer_.column(slot, rows_));
      VectorBuilder repeated;
      for (uint32_t owner : owners_) repeated.add(cell_of(*values, owner));
      found = columns_.emplace(slot, repeated.finish()).first;
    }
    if (rows == nullptr) return found->second;
    return gather(found->second, *rows);
  }

 private:
  Inputs& outer_;
  const Selection* rows_;
  std::vector<uint32_t> owners_;
  std::unordered_map<uint32_t, VectorPtr> columns_;
};

// The arrays of all rows, laid end to end.
struct Elements {
  VectorPtr arrays;
  std::vector<Values> items;     // per row
  std::vector<uint32_t> owners;  // row of each element
  VectorPtr values;
  VectorPtr indexes;
};

Elements lay_out(const VectorPtr& arrays, uint32_t count) {
  Elements all;
  all.arrays = arrays;
  VectorBuilder values;
  VectorBuilder indexes;
  for (uint32_t row = 0; row < count; ++row) {
    all.items.push_back(items_of(cell_of(*arrays, row)));
    int64_t index = 0;
    for (const Value& item : all.items.back()) {
      all.owners.push_back(row);
      values.add(cell_of(item));
      indexes.add_lane(Type::kInt, index++);
    }
  }
  all.values = values.finish();
  all.indexes = indexes.finish();
  return all;
}

// The lambda's value for every element.
Result<VectorPtr> map_elements(Evaluator& evaluator, const Bound& lambda, Inputs& inputs, const Selection* rows,
                               const Elements& all) {
  LambdaInputs elements(inputs, rows, all.owners);
  if (!lambda.parameters.empty()) elements.bind(lambda.parameters[0], all.values);
  if (lambda.parameters.size() > 1) elements.bind(lambda.parameters[1], all.indexes);
  return evaluator.eval(*lambda.args[0], elements);
}

// Makes one value per row of the lambda's values of that row's elements; null for null arrays.
template <class Make>
Result<VectorPtr> per_row(Evaluator& evaluator, const Bound& call, Inputs& inputs, const Selection* rows,
                          uint32_t count, Make make) {
  VectorPtr arrays = CLEW_TRY(evaluator.eval(*call.args[0], inputs, rows));
  Elements all = lay_out(arrays, count);
  VectorPtr mapped = CLEW_TRY(map_elements(evaluator, *call.args[1], inputs, rows, all));
  VectorBuilder out;
  uint32_t at = 0;
  for (uint32_t row = 0; row < count; ++row) {
    auto size = static_cast<uint32_t>(all.items[row].size());
    if (arrays->is_null(row)) {
      out.add_null();
    } else {
      make(all.items[row], *mapped, at, out);
    }
    at += size;
  }
  return out.finish();
}

Result<VectorPtr> transform(Evaluator& evaluator, const Bound& call, Inputs& inputs, const Selection* rows,
                            uint32_t count) {
  return per_row(evaluator, call, inputs, rows, count,
                 [](const Values& items, const model::Vector& mapped, uint32_t at, VectorBuilder& out) {
                   Values results;
                   for (uint32_t i = 0; i < items.size(); ++i) results.push_back(value_of(cell_of(mapped, at + i)));
                   add_array(std::move(results), out);
                 });
}

Result<VectorPtr> filter(Evaluator& evaluator, const Bound& call, Inputs& inputs, const Selection* rows,
                         uint32_t count) {
  return per_row(evaluator, call, inputs, rows, count,
                 [](const Values& items, const model::Vector& mapped, uint32_t at, VectorBuilder& out) {
                   Values kept;
                   for (uint32_t i = 0; i < items.size(); ++i) {
                     if (truth_of(cell_of(mapped, at + i)) == 1) kept.push_back(items[i]);
                   }
                   add_array(std::move(kept), out);
                 });
}

template <bool kAll>
Result<VectorPtr> quantify(Evaluator& evaluator, const Bound& call, Inputs& inputs, const Selection* rows,
                           uint32_t count) {
  return per_row(evaluator, call, inputs, rows, count,
                 [](const Values& items, const model::Vector& mapped, uint32_t at, VectorBuilder& out) {
                   bool all = true;
                   bool any = false;
                   for (uint32_t i = 0; i < items.size(); ++i) {
                     bool yes = truth_of(cell_of(mapped, at + i)) == 1;
                     all = all && yes;
                     any = any || yes;
                   }
                   out.add_bool(kAll ? all : any);
                 });
}

// Step k takes the k-th element of every array that has one; all rows at once.
Result<VectorPtr> fold_arrays(Evaluator& evaluator, const Bound& lambda, Inputs& inputs, const Selection* rows,
                              const std::vector<Values>& items, Values& totals) {
  size_t longest = 0;
  for (const Values& of_row : items) longest = std::max(longest, of_row.size());
  for (size_t step = 0; step < longest; ++step) {
    std::vector<uint32_t> owners;
    VectorBuilder totals_now;
    VectorBuilder elements;
    for (uint32_t row = 0; row < items.size(); ++row) {
      if (step >= items[row].size()) continue;
      owners.push_back(row);
      totals_now.add(cell_of(totals[row]));
      elements.add(cell_of(items[row][step]));
    }
    LambdaInputs stepped(inputs, rows, owners);
    if (!lambda.parameters.empty()) stepped.bind(lambda.parameters[0], totals_now.finish());
    if (lambda.parameters.size() > 1) stepped.bind(lambda.parameters[1], elements.finish());
    VectorPtr next = CLEW_TRY(evaluator.eval(*lambda.args[0], stepped));
    for (uint32_t i = 0; i < owners.size(); ++i) totals[owners[i]] = value_of(cell_of(*next, i));
  }
  return VectorPtr();
}

// reduce(array, begin, (total, x) -> .. [, total -> ..]).
Result<VectorPtr> reduce(Evaluator& evaluator, const Bound& call, Inputs& inputs, const Selection* rows,
                         uint32_t count) {
  VectorPtr arrays = CLEW_TRY(evaluator.eval(*call.args[0], inputs, rows));
  VectorPtr begin = CLEW_TRY(evaluator.eval(*call.args[1], inputs, rows));
  Elements all = lay_out(arrays, count);
  Values totals;
  for (uint32_t row = 0; row < count; ++row) totals.push_back(value_of(cell_of(*begin, row)));
  VectorPtr none = CLEW_TRY(fold_arrays(evaluator, *call.args[2], inputs, rows, all.items, totals));
  if (call.args.size() == 4) {
    std::vector<Values> once(count);
    for (Values& of_row : once) of_row.emplace_back();
    none = CLEW_TRY(fold_arrays(evaluator, *call.args[3], inputs, rows, once, totals));
  }
  VectorBuilder out;
  for (uint32_t row = 0; row < count; ++row) {
    if (arrays->is_null(row)) {
      out.add_null();
    } else {
      out.add(cell_of(totals[row]));
    }
  }
  return out.finish();
}

Result<std::shared_ptr<const void>> check_lambda(Binder& binder, std::span<const BoundPtr> args, SourceSpan) {
  for (size_t i = args.size() > 2 ? 2 : 1; i < args.size(); ++i) {
    if (args[i]->op == Bound::Op::kLambda) continue;
    return binder.fail(args[i]->span, kSemanticError, "expected a lambda such as x -> x > 0");
  }
  if (args[0]->op == Bound::Op::kLambda) {
    return binder.fail(args[0]->span, kSemanticError, "the array comes first, then the lambda");
  }
  return std::shared_ptr<const void>();
}

constexpr TypeRule kArray = always<Type::kArray>;
constexpr TypeRule kMixed = always<Type::kMixed>;
constexpr TypeRule kBoolean = always<Type::kBool>;

Type element_type(std::span<const BoundPtr> args) { return args.size() == 2 ? Type::kMixed : Type::kArray; }

constexpr FunctionDef kTable[] = {
    {"array", 0, kAnyCount, kArray, array, kNullsToo},
    {"array_length", 1, 1, always<Type::kInt>, array_length},
    {"mvcount", 1, 1, always<Type::kInt>, array_length},
    {"mvappend", 1, kAnyCount, kArray, append, kNullsToo},
    {"mvjoin", 2, 2, always<Type::kString>, join},
    {"split", 2, 2, kArray, split},
    {"mvdedup", 1, 1, kArray, dedup},
    {"mvfind", 2, 2, always<Type::kInt>, find, 0, nullptr, prepare_find},
    {"mvindex", 2, 3, element_type, element},
    {"mvzip", 2, 3, kArray, zip},
    {"transform", 2, 2, kArray, nullptr, kLambdas, nullptr, check_lambda, transform},
    {"filter", 2, 2, kArray, nullptr, kLambdas, nullptr, check_lambda, filter},
    {"exists", 2, 2, kBoolean, nullptr, kLambdas, nullptr, check_lambda, quantify<false>},
    {"forall", 2, 2, kBoolean, nullptr, kLambdas, nullptr, check_lambda, quantify<true>},
    {"reduce", 3, 4, kMixed, nullptr, kLambdas, nullptr, check_lambda, reduce},
};

}  // namespace

std::span<const FunctionDef> array_functions() { return kTable; }

}  // namespace clew::expr
