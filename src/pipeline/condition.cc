#include "pipeline/condition.h"

#include "expr/diagnostic.h"
#include "expr/parse.h"

namespace clew::pipeline {
namespace {

class RowInputs final : public expr::Inputs {
 public:
  RowInputs(Rows& batch, const std::vector<std::string>& names) : batch_(batch), names_(names) {}
  uint32_t rows() const override { return batch_.rows(); }
  Result<model::VectorPtr> column(uint32_t slot, const model::Selection* rows) override {
    model::VectorPtr vector = batch_.vector(names_[slot], rows);
    batch_.keep_alive(vector);
    return vector;
  }

 private:
  Rows& batch_;
  const std::vector<std::string>& names_;
};

}  // namespace

class Expression::Names final : public expr::Schema {
 public:
  explicit Names(std::vector<std::string>& names) : names_(names) {}
  std::optional<expr::FieldRef> find(std::string_view name) override {
    for (size_t i = 0; i < names_.size(); ++i) {
      if (names_[i] == name) return expr::FieldRef{.slot = static_cast<uint32_t>(i)};
    }
    names_.emplace_back(name);
    return expr::FieldRef{.slot = static_cast<uint32_t>(names_.size() - 1)};
  }

 private:
  std::vector<std::string>& names_;
};

Result<std::unique_ptr<Expression>> Expression::make(const std::string& text, Kind kind, const geo::Sources* geo) {
  expr::Diagnostic diagnostic;
  Result<expr::ExprPtr> parsed = expr::parse_expression_text(text, &diagnostic);
  if (!parsed.ok()) return parsed.error();
  std::unique_ptr<Expression> made(new Expression());
  Names names(made->names_);
  expr::Binder binder(names, {.now = 0, .geo = geo}, text);
  Result<expr::BoundPtr> bound = kind == Kind::kCondition ? binder.bind_condition(**parsed) : binder.bind(**parsed);
  if (!bound.ok()) return expr::to_error(binder.diagnostic());
  made->bound_ = std::move(bound).take();
  return made;
}

Result<model::Selection> Expression::filter(Rows& batch, const model::Selection& rows) {
  RowInputs inputs(batch, names_);
  expr::Evaluator evaluator;
  model::Selection kept = rows;
  CLEW_TRY(evaluator.filter(*bound_, inputs, kept));
  return kept;
}

Result<model::VectorPtr> Expression::eval(Rows& batch, const model::Selection& rows) {
  RowInputs inputs(batch, names_);
  expr::Evaluator evaluator;
  model::VectorPtr values = CLEW_TRY(evaluator.eval(*bound_, inputs, &rows));
  batch.keep_alive(values);
  return values;
}

}  // namespace clew::pipeline
