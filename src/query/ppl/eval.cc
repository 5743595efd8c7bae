#include "query/ppl/eval.h"

#include "query/exec/rows.h"

namespace clew::query::ppl {

namespace {

struct Assignment {
  std::string name;
  expr::ExprPtr value;
};

class Eval final : public Command {
 public:
  explicit Eval(std::vector<Assignment> assignments) : assignments_(std::move(assignments)) {}

  std::string print() const override {
    std::string out = "eval ";
    for (size_t i = 0; i < assignments_.size(); ++i) {
      out +=
          (i == 0 ? "" : ", ") + expr::print_name(assignments_[i].name) + " = " + expr::print(*assignments_[i].value);
    }
    return out;
  }

  Status bind(Pipeline& pipeline) const override {
    for (const Assignment& assignment : assignments_) {
      expr::BoundPtr bound = CLEW_TRY(pipeline.bind(*assignment.value));
      Slot slot = pipeline.context.new_slot();
      model::Type type = bound->type;
      std::string text = "eval " + assignment.name + " = " + expr::print(*assignment.value);
      pipeline.add(std::make_shared<exec::ComputeStep>(std::vector<exec::Computed>{{slot, std::move(bound)}}, "eval",
                                                       std::move(text)));
      pipeline.scope.set({assignment.name, slot, type});
    }
    return {};
  }

 private:
  std::vector<Assignment> assignments_;
};

}  // namespace

namespace {

// `'Age: '.tostring(age).' years'`: texts with dots between are joined.
Result<expr::ExprPtr> parse_dotted(CommandParser& parser) {
  std::vector<expr::ExprPtr> parts;
  do {
    expr::ExprPtr part = CLEW_TRY(parser.expression());
    parts.push_back(std::move(part));
  } while (parser.tokens.accept("."));
  if (parts.size() == 1) return parts[0];
  expr::SourceSpan span{parts.front()->span.begin, parts.back()->span.end};
  return expr::make_call("concat", std::move(parts), span);
}

Result<CommandPtr> parse_assignments(CommandParser& parser, Result<expr::ExprPtr> (*parse_value)(CommandParser&)) {
  std::vector<Assignment> assignments;
  do {
    std::string name = CLEW_TRY(parser.name());
    CLEW_TRY(parser.tokens.expect("="));
    expr::ExprPtr value = CLEW_TRY(parse_value(parser));
    assignments.push_back({std::move(name), std::move(value)});
  } while (parser.tokens.accept(","));
  return CommandPtr(std::make_shared<Eval>(std::move(assignments)));
}

Result<expr::ExprPtr> parse_plain(CommandParser& parser) { return parser.expression(); }

}  // namespace

Result<CommandPtr> parse_eval(CommandParser& parser) { return parse_assignments(parser, parse_plain); }
Result<CommandPtr> parse_fieldformat(CommandParser& parser) { return parse_assignments(parser, parse_dotted); }

}  // namespace clew::query::ppl
