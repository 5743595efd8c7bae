// Conditions and branches: if, case, coalesce, isnull and their like.
#include <algorithm>

#include "expr/coerce.h"
#include "expr/eval.h"
#include "expr/functions.h"
#include "expr/kernels.h"
#include "expr/pattern.h"

namespace clew::expr {
namespace {

using model::Selection;
using model::Type;
using model::VectorPtr;

// Puts together the values of branches, each evaluated only for the rows that take it.
class Branches {
 public:
  Branches(Evaluator& evaluator, Inputs& inputs, const Selection* rows, uint32_t count)
      : evaluator_(evaluator), inputs_(inputs), rows_(rows), sources_(count, kNoSource), positions_(count) {}

  Result<VectorPtr> eval(const Bound& expr, const std::vector<uint32_t>& open) {
    Selection chosen(open.size());
    for (size_t i = 0; i < open.size(); ++i) chosen[i] = rows_ == nullptr ? open[i] : (*rows_)[open[i]];
    return evaluator_.eval(expr, inputs_, chosen.size() == inputs_.rows() ? nullptr : &chosen);
  }

  // Row open[i] takes row i of `values` where `takes(i)`; the others stay open.
  template <class Takes>
  void take(const VectorPtr& values, std::vector<uint32_t>& open, Takes takes) {
    size_t kept = 0;
    auto source = static_cast<uint32_t>(values_.size());
    values_.push_back(values);
    for (size_t i = 0; i < open.size(); ++i) {
      uint32_t row = open[i];
      if (takes(static_cast<uint32_t>(i))) {
        sources_[row] = source;
        positions_[row] = static_cast<uint32_t>(i);
      } else {
        open[kept++] = row;
      }
    }
    open.resize(kept);
  }

  // `type` is the call's: branches of different number types all give doubles.
  VectorPtr finish(Type type) {
    bool one = values_.size() == 1 && (type != Type::kDouble || values_[0]->type == Type::kDouble) &&
               std::find(sources_.begin(), sources_.end(), kNoSource) == sources_.end();
    if (one && values_[0]->size == sources_.size()) return values_[0];
    VectorBuilder out;
    for (size_t row = 0; row < sources_.size(); ++row) {
      if (sources_[row] == kNoSource) {
        out.add_null();
      } else {
        Cell cell = cell_of(*values_[sources_[row]], positions_[row]);
        if (type == Type::kDouble && is_number(cell.type)) {
          out.add_real(*to_double(cell));
        } else {
          out.add(cell);
        }
      }
    }
    return out.finish();
  }

 private:
  static constexpr uint32_t kNoSource = UINT32_MAX;
  Evaluator& evaluator_;
  Inputs& inputs_;
  const Selection* rows_;
  std::vector<uint32_t> sources_;
  std::vector<uint32_t> positions_;
  std::vector<VectorPtr> values_;
};

// case(c1, v1, c2, v2 .. [else]); if(c, a, b) is the same with one condition.
Result<VectorPtr> choose(Evaluator& evaluator, const Bound& call, Inputs& inputs, const Selection* rows,
                         uint32_t count) {
  Branches branches(evaluator, inputs, rows, count);
  std::vector<uint32_t> open = all_rows(count);
  size_t pairs = call.args.size() / 2;
  for (size_t i = 0; i < pairs && !open.empty(); ++i) {
    VectorPtr condition = CLEW_TRY(branches.eval(*call.args[2 * i], open));
    std::vector<uint32_t> taken;
    std::vector<uint32_t> left;
    for (uint32_t k = 0; k < open.size(); ++k) {
      (truth_of(cell_of(*condition, k)) == 1 ? taken : left).push_back(open[k]);
    }
    if (!taken.empty()) {
      VectorPtr values = CLEW_TRY(branches.eval(*call.args[2 * i + 1], taken));
      branches.take(values, taken, [](uint32_t) { return true; });
    }
    open.swap(left);
  }
  if (call.args.size() % 2 == 1 && !open.empty()) {
    VectorPtr values = CLEW_TRY(branches.eval(*call.args.back(), open));
    branches.take(values, open, [](uint32_t) { return true; });
  }
  return branches.finish(call.type);
}

Type case_type(std::span<const BoundPtr> args) {
  Type type = Type::kNull;
  for (size_t i = 0; i < args.size(); ++i) {
    bool value = i % 2 == 1 || (i + 1 == args.size() && args.size() % 2 == 1);
    if (value) type = common_type(type, args[i]->type);
  }
  return type;
}

Result<std::shared_ptr<const void>> check_cases(Binder& binder, std::span<const BoundPtr> args, SourceSpan) {
  for (size_t i = 0; i + 1 < args.size(); i += 2) {
    Type type = args[i]->type;
    if (type != Type::kBool && type != Type::kNull && type != Type::kMixed) {
      return binder.fail(args[i]->span, kTypeError,
                         "a condition must be true or false; this is " + std::string(model::type_name(type)));
    }
  }
  return std::shared_ptr<const void>();
}

// The first value that is not null.
Result<VectorPtr> coalesce(Evaluator& evaluator, const Bound& call, Inputs& inputs, const Selection* rows,
                           uint32_t count) {
  Branches branches(evaluator, inputs, rows, count);
  std::vector<uint32_t> open = all_rows(count);
  for (const BoundPtr& arg : call.args) {
    if (open.empty()) break;
    VectorPtr values = CLEW_TRY(branches.eval(*arg, open));
    branches.take(values, open, [&](uint32_t i) { return !values->is_null(i); });
  }
  return branches.finish(call.type);
}

Type if_type(std::span<const BoundPtr> args) { return common_type(args[1]->type, args[2]->type); }

Status is_null(const Bound&, std::span<const Cell> args, VectorBuilder& out) {
  out.add_bool(args[0].is_null());
  return {};
}

Status is_not_null(const Bound&, std::span<const Cell> args, VectorBuilder& out) {
  out.add_bool(!args[0].is_null());
  return {};
}

Status null_if(const Bound& call, std::span<const Cell> args, VectorBuilder& out) {
  if (compare(args[0], args[1], call.now) == Order::kEqual) {
    out.add_null();
  } else {
    out.add(args[0]);
  }
  return {};
}

Status is_empty(const Bound&, std::span<const Cell> args, VectorBuilder& out) {
  out.add_bool(args[0].is_null() || (is_text(args[0].type) && args[0].text.empty()));
  return {};
}

Status is_blank(const Bound&, std::span<const Cell> args, VectorBuilder& out) {
  bool blank = is_text(args[0].type) && args[0].text.find_first_not_of(" \t\r\n\f\v") == std::string_view::npos;
  out.add_bool(args[0].is_null() || blank);
  return {};
}

Result<std::shared_ptr<const void>> prepare_network(Binder& binder, std::span<const BoundPtr> args, SourceSpan) {
  if (!is_constant(*args[1]) || args[1]->constant.type() != Type::kString) return std::shared_ptr<const void>();
  std::optional<IpNetwork> network = parse_network(args[1]->constant.text());
  if (!network) {
    return binder.fail(args[1]->span, kSemanticError, "not a network address: " + quoted(args[1]->constant.text()));
  }
  return std::shared_ptr<const void>(std::make_shared<const IpNetwork>(*network));
}

Status cidr_match(const Bound& call, std::span<const Cell> args, VectorBuilder& out) {
  std::optional<IpNetwork> network;
  if (call.prepared != nullptr) {
    network = *static_cast<const IpNetwork*>(call.prepared.get());
  } else if (is_text(args[1].type)) {
    network = parse_network(args[1].text);
  }
  std::optional<IpAddress> ip;
  if (is_text(args[0].type)) ip = parse_ip(args[0].text);
  if (ip && network) {
    out.add_bool(in_network(*ip, *network));
  } else {
    out.add_null();
  }
  return {};
}

// max(a, b ..) and min(a, b ..) in eval: nulls are left out; numbers stand before text.
Status largest(const Bound&, std::span<const Cell> args, VectorBuilder& out) {
  const Cell* best = &args[0];
  for (const Cell& arg : args) {
    if (!arg.is_null() && (best->is_null() || total_order(arg, *best) > 0)) best = &arg;
  }
  out.add(*best);
  return {};
}

Status smallest(const Bound&, std::span<const Cell> args, VectorBuilder& out) {
  const Cell* best = &args[0];
  for (const Cell& arg : args) {
    if (!arg.is_null() && (best->is_null() || total_order(arg, *best) < 0)) best = &arg;
  }
  out.add(*best);
  return {};
}

constexpr TypeRule kBoolean = always<Type::kBool>;

constexpr FunctionDef kTable[] = {
    {"case", 2, kAnyCount, case_type, nullptr, 0, nullptr, check_cases, choose},
    {"if", 3, 3, if_type, nullptr, 0, nullptr, check_cases, choose},
    {"coalesce", 1, kAnyCount, common_type, nullptr, 0, nullptr, nullptr, coalesce},
    {"ifnull", 2, 2, common_type, nullptr, 0, nullptr, nullptr, coalesce},
    {"nullif", 2, 2, type_of_first, null_if, kNullsToo},
    {"isnull", 1, 1, kBoolean, is_null, kNullsToo, isnull_vector},
    {"isnotnull", 1, 1, kBoolean, is_not_null, kNullsToo, isnotnull_vector},
    {"ispresent", 1, 1, kBoolean, is_not_null, kNullsToo, isnotnull_vector},
    {"isempty", 1, 1, kBoolean, is_empty, kNullsToo},
    {"isblank", 1, 1, kBoolean, is_blank, kNullsToo},
    {"cidrmatch", 2, 2, kBoolean, cidr_match, 0, nullptr, prepare_network},
    {"max", 1, kAnyCount, common_type, largest, kNullsToo},
    {"min", 1, kAnyCount, common_type, smallest, kNullsToo},
};

}  // namespace

std::span<const FunctionDef> condition_functions() { return kTable; }

}  // namespace clew::expr
