// Comparison, logic, and members of structs.
#include <algorithm>
#include <unordered_set>

#include "expr/coerce.h"
#include "expr/eval.h"
#include "expr/functions.h"
#include "expr/kernels.h"

namespace clew::expr {
namespace {

using model::Selection;
using model::Type;
using model::Value;
using model::Vector;
using model::VectorPtr;

bool holds(std::string_view op, Order order) {
  if (op == "=") return order == Order::kEqual;
  if (op == "!=") return order != Order::kEqual;
  if (op == "<") return order == Order::kLess;
  if (op == "<=") return order != Order::kGreater;
  if (op == ">") return order == Order::kGreater;
  return order != Order::kLess;
}

using Comparer = Order (*)(const Cell& a, const Cell& b, int64_t now);

// A truth value, or nothing for null.
std::optional<bool> test(std::string_view op, const Cell& a, const Cell& b, int64_t now, Comparer comparer) {
  bool a_list = a.type == Type::kArray && b.type != Type::kArray;
  bool b_list = b.type == Type::kArray && a.type != Type::kArray;
  if (!a_list && !b_list) {
    Order order = comparer(a, b, now);
    if (order != Order::kNone) return holds(op, order);
    bool numbers = is_number(a.type) && is_number(b.type);  // NaN: in no order to anything
    return numbers ? std::optional<bool>(false) : std::nullopt;
  }
  // Any element may match; `!=` says that none is equal.
  bool negated = op == "!=";
  bool known = false;
  for (const Value& item : (a_list ? a : b).value->items()) {
    Cell element = cell_of(item);
    std::optional<bool> found = test(negated ? "=" : op, a_list ? element : a, b_list ? element : b, now, comparer);
    if (found && *found) return !negated;
    known = known || found.has_value();
  }
  return known ? std::optional<bool>(negated) : std::nullopt;
}

void put(std::optional<bool> truth, VectorBuilder& out) {
  if (truth) {
    out.add_bool(*truth);
  } else {
    out.add_null();
  }
}

Status compare_cells(const Bound& call, std::span<const Cell> args, VectorBuilder& out) {
  put(test(call.function->name, args[0], args[1], call.now, compare), out);
  return {};
}

// A number beside a level word is read as a level too: `level >= 'warn'` where level is 50.
Order by_level(const Cell& a, const Cell& b, int64_t now) {
  if (a.type == Type::kString && b.type == Type::kString) return compare_levels(a.text, b.text);
  if (a.type == Type::kString && is_integer(b.type) && !parse_double(a.text)) {
    return compare_levels(a.text, std::to_string(b.i64));
  }
  if (b.type == Type::kString && is_integer(a.type) && !parse_double(b.text)) {
    return compare_levels(std::to_string(a.i64), b.text);
  }
  return compare(a, b, now);
}

// Of two levels that have no order only "not equal" is known.
std::optional<bool> test_levels(std::string_view op, const Cell& a, const Cell& b, int64_t now) {
  std::optional<bool> truth = test(op, a, b, now, by_level);
  bool texts = a.type == Type::kString && b.type == Type::kString;
  if (truth || !texts) return truth;
  if (op == "=") return false;
  if (op == "!=") return true;
  return std::nullopt;
}

Status compare_level_cells(const Bound& call, std::span<const Cell> args, VectorBuilder& out) {
  put(test_levels(call.function->name.substr(6), args[0], args[1], call.now), out);
  return {};
}

std::optional<bool> test_by(bool levels, std::string_view op, const Cell& a, const Cell& b, int64_t now) {
  if (a.is_null() || b.is_null()) return std::nullopt;
  return levels ? test_levels(op, a, b, now) : test(op, a, b, now, compare);
}

bool of_levels(const Bound& call) { return call.function->name.substr(0, 6) == "level "; }

// Constants of an `in`, all texts or all integers, for lists that are too long to try one by one.
struct ConstantSet {
  std::unordered_set<std::string_view> texts;
  std::unordered_set<int64_t> integers;
  std::vector<model::Value> kept;  // what `texts` points into
  bool has_null = false;
};
constexpr size_t kSetFrom = 8;

Result<std::shared_ptr<const void>> prepare_in(Binder&, std::span<const BoundPtr> args, SourceSpan) {
  if (args.size() <= kSetFrom) return std::shared_ptr<const void>();
  auto set = std::make_shared<ConstantSet>();
  bool texts = true;
  bool integers = true;
  for (size_t i = 1; i < args.size(); ++i) {
    if (!is_constant(*args[i])) return std::shared_ptr<const void>();
    const model::Value& value = args[i]->constant;
    set->has_null = set->has_null || value.is_null();
    texts = texts && (value.is_null() || value.type() == Type::kString);
    integers = integers && (value.is_null() || is_integer(value.type()));
    if (!value.is_null()) set->kept.push_back(value);
  }
  if (!texts && !integers) return std::shared_ptr<const void>();
  for (const model::Value& value : set->kept) {
    if (texts)
      set->texts.insert(value.text());
    else
      set->integers.insert(value.i64());
  }
  return std::shared_ptr<const void>(std::move(set));
}

// What the set says; none when only comparing one by one tells.
std::optional<bool> in_set(const Bound& call, const Cell& cell) {
  const auto* set = static_cast<const ConstantSet*>(call.prepared.get());
  if (set == nullptr || of_levels(call)) return std::nullopt;
  if (cell.type == Type::kString && !set->texts.empty()) return set->texts.contains(cell.text);
  if (is_integer(cell.type) && !set->integers.empty()) return set->integers.contains(cell.i64);
  return std::nullopt;
}

// x in (a, b ..): true when equal to one, else null when x or one of them is null. A value of a type that cannot be
// compared with x is another value.
Status in_list(const Bound& call, std::span<const Cell> args, VectorBuilder& out) {
  if (args[0].is_null()) {
    out.add_null();
    return {};
  }
  if (std::optional<bool> found = in_set(call, args[0])) {
    bool null = !*found && static_cast<const ConstantSet*>(call.prepared.get())->has_null;
    put(null ? std::nullopt : found, out);
    return {};
  }
  bool unknown = false;
  for (size_t i = 1; i < args.size(); ++i) {
    std::optional<bool> equal = test_by(of_levels(call), "=", args[0], args[i], call.now);
    if (equal && *equal) {
      out.add_bool(true);
      return {};
    }
    unknown = unknown || args[i].is_null();
  }
  put(unknown ? std::nullopt : std::optional<bool>(false), out);
  return {};
}

Status between(const Bound& call, std::span<const Cell> args, VectorBuilder& out) {
  std::optional<bool> low = test_by(of_levels(call), ">=", args[0], args[1], call.now);
  std::optional<bool> high = test_by(of_levels(call), "<=", args[0], args[2], call.now);
  bool no = (low && !*low) || (high && !*high);
  if (no) {
    out.add_bool(false);
  } else {
    put(low && high ? std::optional<bool>(true) : std::nullopt, out);
  }
  return {};
}

std::vector<uint8_t> truths_of(const Vector& v, uint32_t count) {
  std::vector<uint8_t> out(count);
  for (uint32_t i = 0; i < count; ++i) out[i] = truth_of(cell_of(v, i));
  return out;
}

VectorPtr vector_of_truths(const std::vector<uint8_t>& truths) {
  Vector out;
  out.type = Type::kBool;
  out.layout = model::Layout::kFlat;
  out.size = static_cast<uint32_t>(truths.size());
  out.i64.resize(truths.size());
  bool nulls = std::find(truths.begin(), truths.end(), 2) != truths.end();
  if (nulls) out.nulls.resize(truths.size());
  for (size_t i = 0; i < truths.size(); ++i) {
    out.i64[i] = truths[i] == 1 ? 1 : 0;
    if (nulls) out.nulls[i] = truths[i] == 2 ? 1 : 0;
  }
  return std::make_shared<const Vector>(std::move(out));
}

// `and` with decided = 0, `or` with decided = 1: rows that are decided are not evaluated further.
Result<VectorPtr> connect(Evaluator& evaluator, const Bound& call, Inputs& inputs, const Selection* rows,
                          uint32_t count, uint8_t decided) {
  std::vector<uint8_t> truths(count, decided == 0 ? 1 : 0);
  std::vector<uint32_t> open = all_rows(count);
  for (const BoundPtr& arg : call.args) {
    Selection chosen(open.size());
    for (size_t i = 0; i < open.size(); ++i) chosen[i] = rows == nullptr ? open[i] : (*rows)[open[i]];
    bool all = chosen.size() == inputs.rows();
    VectorPtr values = CLEW_TRY(evaluator.eval(*arg, inputs, all ? nullptr : &chosen));
    std::vector<uint8_t> found = truths_of(*values, static_cast<uint32_t>(open.size()));
    size_t kept = 0;
    for (size_t i = 0; i < open.size(); ++i) {
      uint32_t row = open[i];
      if (found[i] == decided || (found[i] == 2 && truths[row] != decided)) truths[row] = found[i];
      open[kept] = row;
      kept += found[i] == decided ? 0 : 1;
    }
    open.resize(kept);
    if (open.empty()) break;
  }
  return vector_of_truths(truths);
}

Result<VectorPtr> and_rows(Evaluator& evaluator, const Bound& call, Inputs& inputs, const Selection* rows,
                           uint32_t count) {
  return connect(evaluator, call, inputs, rows, count, 0);
}

Result<VectorPtr> or_rows(Evaluator& evaluator, const Bound& call, Inputs& inputs, const Selection* rows,
                          uint32_t count) {
  return connect(evaluator, call, inputs, rows, count, 1);
}

Status exclusive_or(const Bound&, std::span<const Cell> args, VectorBuilder& out) {
  bool odd = false;
  for (const Cell& arg : args) {
    uint8_t truth = truth_of(arg);
    if (truth == 2) {
      out.add_null();
      return {};
    }
    odd = odd != (truth == 1);
  }
  out.add_bool(odd);
  return {};
}

Status negation(const Bound&, std::span<const Cell> args, VectorBuilder& out) {
  uint8_t truth = truth_of(args[0]);
  if (truth == 2) {
    out.add_null();
  } else {
    out.add_bool(truth == 0);
  }
  return {};
}

Result<std::shared_ptr<const void>> check_conditions(Binder& binder, std::span<const BoundPtr> args, SourceSpan) {
  for (const BoundPtr& arg : args) {
    bool condition = arg->type == Type::kBool || arg->type == Type::kNull || arg->type == Type::kMixed;
    if (!condition) {
      return binder.fail(arg->span, kTypeError,
                         "a condition must be true or false; this is " + std::string(model::type_name(arg->type)));
    }
  }
  return std::shared_ptr<const void>();
}

const Value* member(const Value& from, std::string_view path) {
  if (from.type() != Type::kStruct) return nullptr;
  for (const auto& [name, value] : from.members()) {
    if (name == path) return &value;
  }
  for (const auto& [name, value] : from.members()) {
    bool prefix = path.size() > name.size() && path.substr(0, name.size()) == name && path[name.size()] == '.';
    if (!prefix) continue;
    if (const Value* found = member(value, path.substr(name.size() + 1))) return found;
  }
  return nullptr;
}

// Of an array of structs: the member of each.
Status member_of(const Bound&, std::span<const Cell> args, VectorBuilder& out) {
  if (args[0].type == Type::kStruct) {
    const Value* found = member(*args[0].value, args[1].text);
    out.add_value(found == nullptr ? Value() : *found);
    return {};
  }
  if (args[0].type != Type::kArray) {
    out.add_null();
    return {};
  }
  model::Values found;
  for (const Value& item : args[0].value->items()) {
    if (const Value* value = member(item, args[1].text)) found.push_back(*value);
  }
  out.add_value(found.empty() ? Value() : Value::array(std::move(found)));
  return {};
}

constexpr TypeRule kBoolean = always<Type::kBool>;

constexpr FunctionDef kTable[] = {
    {"=", 2, 2, kBoolean, compare_cells, 0, compare_vectors},
    {"!=", 2, 2, kBoolean, compare_cells, 0, compare_vectors},
    {"<", 2, 2, kBoolean, compare_cells, 0, compare_vectors},
    {"<=", 2, 2, kBoolean, compare_cells, 0, compare_vectors},
    {">", 2, 2, kBoolean, compare_cells, 0, compare_vectors},
    {">=", 2, 2, kBoolean, compare_cells, 0, compare_vectors},
    {"in", 2, kAnyCount, kBoolean, in_list, kNullsToo, nullptr, prepare_in},
    {"between", 3, 3, kBoolean, between, kNullsToo},
    {"level =", 2, 2, kBoolean, compare_level_cells, kHidden},
    {"level !=", 2, 2, kBoolean, compare_level_cells, kHidden},
    {"level <", 2, 2, kBoolean, compare_level_cells, kHidden},
    {"level <=", 2, 2, kBoolean, compare_level_cells, kHidden},
    {"level >", 2, 2, kBoolean, compare_level_cells, kHidden},
    {"level >=", 2, 2, kBoolean, compare_level_cells, kHidden},
    {"level in", 2, kAnyCount, kBoolean, in_list, kNullsToo | kHidden},
    {"level between", 3, 3, kBoolean, between, kNullsToo | kHidden},
    {"and", 2, kAnyCount, kBoolean, nullptr, 0, nullptr, check_conditions, and_rows},
    {"or", 2, kAnyCount, kBoolean, nullptr, 0, nullptr, check_conditions, or_rows},
    {"xor", 2, kAnyCount, kBoolean, exclusive_or, kNullsToo, nullptr, check_conditions},
    {"not", 1, 1, kBoolean, negation, 0, nullptr, check_conditions},
    {"member of", 2, 2, always<Type::kMixed>, member_of, kHidden},
};

}  // namespace

std::span<const FunctionDef> compare_functions() { return kTable; }

}  // namespace clew::expr
