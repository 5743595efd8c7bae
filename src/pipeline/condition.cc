#include "pipeline/condition.h"

#include "expr/diagnostic.h"
#include "expr/parse.h"

namespace clew::pipeline {
namespace {

constexpr int64_t kNanosPerSecond = 1'000'000'000;

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

Result<std::unique_ptr<Expression>> Expression::make(const std::string& text, Kind kind, const geo::Sources* geo,
                                                     const os::Clock& clock) {
  expr::Diagnostic diagnostic;
  Result<expr::ExprPtr> parsed = expr::parse_expression_text(text, &diagnostic);
  if (!parsed.ok()) return parsed.error();
  std::unique_ptr<Expression> made(new Expression(text, kind, geo, clock));
  made->parsed_ = std::move(parsed).take();
  CLEW_TRY(made->bind());
  return made;
}

// What is bound holds the time, folded into constants: each second it is bound anew.
Status Expression::bind() {
  int64_t now = clock_.now().get();
  if (bound_second_ == now / kNanosPerSecond) return {};
  Names names(names_);
  expr::Binder binder(names, {.now = now, .geo = geo_}, text_);
  Result<expr::BoundPtr> bound = kind_ == Kind::kCondition ? binder.bind_condition(*parsed_) : binder.bind(*parsed_);
  if (!bound.ok()) return expr::to_error(binder.diagnostic());
  bound_ = std::move(bound).take();
  bound_second_ = now / kNanosPerSecond;
  return {};
}

Result<model::Selection> Expression::filter(Rows& batch, const model::Selection& rows) {
  CLEW_TRY(bind());
  RowInputs inputs(batch, names_);
  expr::Evaluator evaluator;
  model::Selection kept = rows;
  CLEW_TRY(evaluator.filter(*bound_, inputs, kept));
  return kept;
}

Result<model::VectorPtr> Expression::eval(Rows& batch, const model::Selection& rows) {
  CLEW_TRY(bind());
  RowInputs inputs(batch, names_);
  expr::Evaluator evaluator;
  model::VectorPtr values = CLEW_TRY(evaluator.eval(*bound_, inputs, &rows));
  batch.keep_alive(values);
  return values;
}

}  // namespace clew::pipeline
