// Operators between two vectors. Partners are found once per series; then columns are put together step by step, since
// which series are there changes from step to step.
#include "query/promql/binary_value.h"

#include <absl/container/flat_hash_map.h>
#include <fmt/format.h>

#include "query/promql/evaluator.h"
#include "query/promql/label_pack.h"

namespace clew::query::promql {
namespace {

LabelChoice choice_of(const Matching& matching) { return {matching.labels, matching.on}; }

// Rows that match each other.
struct MatchGroup {
  std::vector<size_t> many;
  std::vector<size_t> one;
  std::string labels;  // packed: those that match
};

class Pairing {
 public:
  Pairing(Context& context, const BinaryExpr& expr, const Block& left, const Block& right, size_t steps)
      : context_(context),
        expr_(expr),
        swapped_(expr.matching.card == Matching::Card::kOneToMany),
        many_(swapped_ ? right : left),
        one_(swapped_ ? left : right),
        steps_(steps),
        call_{expr.op, expr.return_bool, expr.span, &context.annotations},
        // As Prometheus has it, fill_left fills the side that many() is taken from, also after group_right.
        fill_many_(expr.matching.fill_left),
        fill_one_(expr.matching.fill_right) {}

  Result<BlockPtr> run() {
    auto made = std::make_unique<Block>();
    made_ = made.get();
    group();
    for (const MatchGroup& group : groups_) CLEW_TRY(join(group));
    std::erase_if(made->rows, [](const Block::Row& row) { return !row.column.any(); });
    uint64_t bytes = 0;
    for (const Block::Row& row : made->rows) bytes += row.column.bytes() + row.labels.packed().size();
    CLEW_TRY(made->held.add(context_, bytes));
    return made;
  }

 private:
  void group() {
    LabelChoice choice = choice_of(expr_.matching);
    absl::flat_hash_map<std::string, size_t> places;
    std::string packed;
    auto put = [&](const Block& block, std::vector<size_t> MatchGroup::*side) {
      for (size_t i = 0; i < block.rows.size(); ++i) {
        choice.pack(block.rows[i].labels, packed);
        auto [at, fresh] = places.emplace(packed, groups_.size());
        if (fresh) groups_.push_back({{}, {}, packed});
        (groups_[at->second].*side).push_back(i);
      }
    };
    put(many_, &MatchGroup::many);
    put(one_, &MatchGroup::one);
  }

  // At every step at most one row of the "one" side may be there.
  Status check_one(const MatchGroup& group) const {
    for (size_t a = 0; a < group.one.size(); ++a) {
      for (size_t b = a + 1; b < group.one.size(); ++b) {
        const Block::Row& first = one_.rows[group.one[a]];
        const Block::Row& second = one_.rows[group.one[b]];
        for (size_t i = 0; i < steps_; ++i) {
          if (!first.column.present(i) || !second.column.present(i)) continue;
          return Error(
              Code::kInvalid,
              fmt::format("found duplicate series for the match group {} on the {} hand-side of the operation: [{}, {}]"
                          ";many-to-many matching not allowed: matching labels must be unique on one side",
                          model::to_text(model::LabelsView(group.labels)), swapped_ ? "left" : "right",
                          model::to_text(second.labels), model::to_text(first.labels)));
        }
      }
    }
    return ok_status();
  }

  Status join(const MatchGroup& group) {
    if (group.one.size() > 1) CLEW_TRY(check_one(group));
    matched_.assign(steps_, false);
    for (size_t m : group.many) {
      for (size_t o : group.one) CLEW_TRY(join_pair(m, o));
      if (fill_one_) CLEW_TRY(fill_one(group, m));
    }
    if (!fill_many_) return ok_status();
    for (size_t o : group.one) CLEW_TRY(fill_many(group, o));
    return ok_status();
  }

  void operate_at(const Operand& many, const Operand& one, Column& out, size_t i) const {
    const Operand& left = swapped_ ? one : many;
    operate(call_, left, swapped_ ? many : one, left, out, i);
  }

  Status join_pair(size_t m, size_t o) {
    const Block::Row& many = many_.rows[m];
    const Block::Row& one = one_.rows[o];
    Column out;
    out.reset(steps_);
    bool plain = many.column.histograms.empty() && one.column.histograms.empty() && !is_comparison(call_.op);
    for (size_t i = 0; i < steps_; ++i) {
      if (plain) {
        double a = many.column.values[i];
        double b = one.column.values[i];
        if (!is_absent(a) && !is_absent(b))
          out.values[i] = swapped_ ? compute(call_.op, b, a) : compute(call_.op, a, b);
      } else if (many.column.present(i) && one.column.present(i)) {
        operate_at(Operand::at(many.column, i), Operand::at(one.column, i), out, i);
      }
    }
    return add(result_labels(many.labels, one.labels), many.drops_name, std::move(out));
  }

  static bool any_present(const Block& block, const std::vector<size_t>& rows, size_t i) {
    for (size_t row : rows) {
      if (block.rows[row].column.present(i)) return true;
    }
    return false;
  }

  Status fill_one(const MatchGroup& group, size_t m) {
    const Block::Row& many = many_.rows[m];
    Column out;
    out.reset(steps_);
    for (size_t i = 0; i < steps_; ++i) {
      if (!many.column.present(i) || any_present(one_, group.one, i)) continue;
      operate_at(Operand::at(many.column, i), {*fill_one_, nullptr}, out, i);
    }
    return add(result_labels(many.labels, model::LabelsView(group.labels)), many.drops_name, std::move(out));
  }

  Status fill_many(const MatchGroup& group, size_t o) {
    const Block::Row& one = one_.rows[o];
    Column out;
    out.reset(steps_);
    for (size_t i = 0; i < steps_; ++i) {
      if (!one.column.present(i) || any_present(many_, group.many, i)) continue;
      operate_at({*fill_many_, nullptr}, Operand::at(one.column, i), out, i);
    }
    return add(result_labels(model::LabelsView(group.labels), one.labels), one.drops_name, std::move(out));
  }

  model::Labels result_labels(model::LabelsView many, model::LabelsView one) const {
    const Matching& matching = expr_.matching;
    model::LabelsBuilder builder(many);
    if (!is_comparison(expr_.op)) {
      for (std::string_view name : {"__name__", "__type__", "__unit__"}) builder.remove(name);
    }
    if (matching.card == Matching::Card::kOneToOne) {
      if (matching.on) {
        LabelChoice choice = choice_of(matching);
        for (model::Label label : many) {
          if (!choice.has(label.name)) builder.remove(label.name);
        }
      } else {
        for (const std::string& name : matching.labels) builder.remove(name);
      }
    }
    for (const std::string& name : matching.include) builder.set(name, one.get(name));
    return builder.build();
  }

  Status add(model::Labels labels, bool drops_name, Column column) {
    if (!column.any()) return ok_status();
    drops_name |= expr_.return_bool;
    bool one_to_one = expr_.matching.card == Matching::Card::kOneToOne;
    for (size_t i = 0; one_to_one && i < steps_; ++i) {
      if (!column.present(i)) continue;
      if (matched_[i]) {
        return Error(Code::kInvalid,
                     "multiple matches for labels: many-to-one matching must be explicit (group_left/group_right)");
      }
      matched_[i] = true;
    }
    auto [at, fresh] = places_.emplace(labels.packed(), made_->rows.size());
    if (fresh) {
      made_->rows.push_back({std::move(labels), drops_name, std::move(column)});
      return context_.check_series(made_->rows.size());
    }
    Block::Row& row = made_->rows[at->second];
    for (size_t i = 0; i < steps_; ++i) {
      if (!column.present(i)) continue;
      if (row.column.present(i)) {
        return Error(Code::kInvalid, "multiple matches for labels: grouping labels must ensure unique matches");
      }
      if (column.has_histogram(i)) {
        row.column.set(i, column.histograms[i]);
      } else {
        row.column.values[i] = column.values[i];
      }
    }
    row.drops_name |= drops_name;
    return ok_status();
  }

  Context& context_;
  const BinaryExpr& expr_;
  bool swapped_;
  const Block& many_;
  const Block& one_;
  size_t steps_;
  OperatorCall call_;
  std::optional<double> fill_many_, fill_one_;
  std::vector<MatchGroup> groups_;
  std::vector<bool> matched_;  // steps at which the group has a result
  Block* made_ = nullptr;
  absl::flat_hash_map<std::string, size_t> places_;
};

// Which match groups have a series, at each step.
class Presence {
 public:
  Presence(const Block& block, const LabelChoice& choice) : choice_(choice) {
    std::string packed;
    for (const Block::Row& row : block.rows) {
      choice_.pack(row.labels, packed);
      std::vector<bool>& there = groups_[packed];
      there.resize(row.column.values.size());
      for (size_t i = 0; i < there.size(); ++i) there[i] = there[i] || row.column.present(i);
    }
  }
  const std::vector<bool>* of(model::LabelsView labels) const {
    std::string packed;
    choice_.pack(labels, packed);
    auto at = groups_.find(packed);
    return at == groups_.end() ? nullptr : &at->second;
  }

 private:
  const LabelChoice& choice_;
  absl::flat_hash_map<std::string, std::vector<bool>> groups_;
};

// Keeps values at steps where the other side is there, or is not.
void filter(Block& block, const Presence& other, bool keep_present) {
  for (Block::Row& row : block.rows) {
    const std::vector<bool>* there = other.of(row.labels);
    for (size_t i = 0; i < row.column.values.size(); ++i) {
      if ((there != nullptr && (*there)[i]) != keep_present) row.column.clear(i);
    }
  }
  std::erase_if(block.rows, [](const Block::Row& row) { return !row.column.any(); });
}

}  // namespace

Result<StreamPtr> Evaluator::set_operation(const BinaryExpr& expr, const Grid& grid) {
  BlockPtr left = CLEW_TRY(block(*expr.left, grid));
  BlockPtr right = CLEW_TRY(block(*expr.right, grid));
  LabelChoice choice = choice_of(expr.matching);
  if (expr.op != Op::kOr) {
    filter(*left, Presence(*right, choice), expr.op == Op::kAnd);
    return StreamPtr(std::move(left));
  }
  filter(*right, Presence(*left, choice), false);
  for (Block::Row& row : right->rows) left->rows.push_back(std::move(row));
  uint64_t bytes = 0;
  for (const Block::Row& row : left->rows) bytes += row.column.bytes();
  right.reset();
  CLEW_TRY(left->held.add(context_, bytes));
  CLEW_TRY(join_same_labels(*left));
  return StreamPtr(std::move(left));
}

Result<StreamPtr> Evaluator::binary(const BinaryExpr& expr, const Grid& grid) {
  bool left_scalar = type_of(*expr.left) == ValueType::kScalar;
  if (left_scalar || type_of(*expr.right) == ValueType::kScalar) return binary_with_scalar(expr, grid);
  if (is_set_op(expr.op)) return set_operation(expr, grid);
  BlockPtr left = CLEW_TRY(block(*expr.left, grid));
  BlockPtr right = CLEW_TRY(block(*expr.right, grid));
  BlockPtr made = CLEW_TRY(Pairing(context_, expr, *left, *right, grid.count).run());
  return StreamPtr(std::move(made));
}

}  // namespace clew::query::promql
