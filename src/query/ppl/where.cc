#include "query/ppl/where.h"

#include <algorithm>

#include "query/exec/rows.h"
#include "query/ppl/pushdown.h"
#include "query/ppl/subsearch.h"

namespace clew::query::ppl {

namespace {

class Where final : public Command {
 public:
  explicit Where(expr::ExprPtr condition) : condition_(std::move(condition)) {}
  std::string print() const override { return "where " + expr::print(*condition_); }

  Status bind(Pipeline& pipeline) const override {
    if (!has_subsearch(*condition_)) return add(pipeline, *condition_);
    // What needs no subsearch may still move into the scan.
    std::vector<expr::ExprPtr> conjuncts;
    expr::split_conjuncts(condition_, conjuncts);
    std::stable_partition(conjuncts.begin(), conjuncts.end(),
                          [](const expr::ExprPtr& one) { return !has_subsearch(*one); });
    for (const expr::ExprPtr& conjunct : conjuncts) CLEW_TRY(add(pipeline, *conjunct));
    return {};
  }

 private:
  Status add(Pipeline& pipeline, const expr::Expr& condition) const {
    expr::BoundPtr bound = CLEW_TRY(pipeline.bind_condition(condition));
    note_range(pipeline, bound);
    if (!pipeline.context.optimise || !pipeline.at_scan()) {
      pipeline.add(std::make_shared<exec::FilterStep>(std::move(bound), print()));
      return {};
    }
    std::vector<expr::BoundPtr> conjuncts;
    expr::split_conjuncts(bound, conjuncts);
    for (const expr::BoundPtr& conjunct : conjuncts) move_into_scan(pipeline, conjunct);
    return {};
  }

  static void note_range(Pipeline& pipeline, const expr::BoundPtr& bound) {
    if (pipeline.source == nullptr) return;
    std::vector<expr::BoundPtr> conjuncts;
    expr::split_conjuncts(bound, conjuncts);
    for (const expr::BoundPtr& conjunct : conjuncts) {
      if (auto range = condition_range(*pipeline.source, *conjunct)) pipeline.asked = intersect(pipeline.asked, *range);
    }
  }

  void move_into_scan(Pipeline& pipeline, const expr::BoundPtr& conjunct) const {
    exec::ScanSpec& scan = *pipeline.plan.scan;
    if (auto range = condition_range(*pipeline.source, *conjunct)) {
      scan.scan.range = intersect(scan.scan.range, *range);
      return;
    }
    auto hint = condition_hint(*pipeline.source, *conjunct);
    if (hint) scan.scan.where.children.push_back(hint->where);
    scan.conditions.push_back(std::make_shared<exec::ExprCondition>(conjunct, std::move(hint), print()));
  }

  expr::ExprPtr condition_;
};

}  // namespace

Result<CommandPtr> parse_where(CommandParser& parser) {
  expr::ExprPtr condition = CLEW_TRY(parser.expression());
  return CommandPtr(std::make_shared<Where>(std::move(condition)));
}

}  // namespace clew::query::ppl
