#include "feed/expression.h"

#include <algorithm>

#include "expr/diagnostic.h"
#include "expr/parse.h"

namespace clew::feed {
namespace {

class BlockInputs final : public expr::Inputs {
 public:
  BlockInputs(Block& block, const std::vector<std::string>& names) : block_(block), names_(names) {}
  uint32_t rows() const override { return block_.rows(); }
  Result<model::VectorPtr> column(uint32_t slot, const model::Selection* rows) override {
    model::VectorPtr all = CLEW_TRY(block_.column(names_[slot]));
    return rows == nullptr ? all : expr::gather(all, *rows);
  }

 private:
  Block& block_;
  const std::vector<std::string>& names_;
};

}  // namespace

class Expression::Names final : public expr::Schema {
 public:
  explicit Names(std::vector<std::string>& names) : names_(names) {}
  std::optional<expr::FieldRef> find(std::string_view name) override {
    auto known = std::find(names_.begin(), names_.end(), name);
    auto slot = static_cast<uint32_t>(known - names_.begin());
    if (known == names_.end()) names_.emplace_back(name);
    return expr::FieldRef{.slot = slot};
  }

 private:
  std::vector<std::string>& names_;
};

Result<std::unique_ptr<Expression>> Expression::make(const std::string& text, Kind kind, int64_t now) {
  expr::Diagnostic diagnostic;
  Result<expr::ExprPtr> parsed = expr::parse_expression_text(text, &diagnostic);
  if (!parsed.ok()) return std::move(parsed).error();
  std::unique_ptr<Expression> made(new Expression(text));
  made->parsed_ = std::move(parsed).take();
  Names names(made->names_);
  expr::Binder binder(names, {.now = now, .geo = nullptr}, made->text_);
  Result<expr::BoundPtr> bound =
      kind == Kind::kCondition ? binder.bind_condition(*made->parsed_) : binder.bind(*made->parsed_);
  if (!bound.ok()) return expr::to_error(binder.diagnostic());
  made->bound_ = std::move(bound).take();
  return made;
}

Result<model::Selection> Expression::filter(Block& block) {
  BlockInputs inputs(block, names_);
  expr::Evaluator evaluator;
  model::Selection kept = expr::all_rows(block.rows());
  CLEW_TRY(evaluator.filter(*bound_, inputs, kept));
  return kept;
}

Result<model::VectorPtr> Expression::eval(Block& block) {
  BlockInputs inputs(block, names_);
  expr::Evaluator evaluator;
  return evaluator.eval(*bound_, inputs, nullptr);
}

}  // namespace clew::feed
