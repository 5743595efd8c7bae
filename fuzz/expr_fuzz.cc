// Any text through the parser and the binder. What parses must print to a text that parses to the same tree, and what
// binds must evaluate without a crash.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "expr/aggregate.h"
#include "expr/bind.h"
#include "expr/builder.h"
#include "expr/eval.h"
#include "expr/parse.h"

namespace {

using clew::model::Type;
using clew::model::Value;

class AnySchema final : public clew::expr::Schema {
 public:
  std::optional<clew::expr::FieldRef> find(std::string_view name) override {
    if (name.size() > 2) return std::nullopt;
    constexpr Type kTypes[] = {Type::kLong, Type::kDouble, Type::kString, Type::kTimestamp, Type::kMixed};
    auto slot = static_cast<uint32_t>(name.empty() ? 0 : static_cast<uint8_t>(name[0]) % 5);
    return clew::expr::FieldRef{slot, kTypes[slot]};
  }
};

clew::model::VectorPtr column(const Value& value) {
  clew::expr::VectorBuilder out;
  out.add(clew::expr::cell_of(value));
  out.add_null();
  out.add(clew::expr::cell_of(value));
  return out.finish();
}

void evaluate(const clew::expr::Expr& expr) {
  AnySchema schema;
  clew::expr::Binder binder(schema, {.now = 1706778611500000000});
  auto bound = binder.bind(expr);
  if (!bound.ok()) return;
  Value list = Value::array({Value::integer(1), Value::string("x"), Value()});
  clew::expr::VectorInputs inputs({column(Value::bigint(INT64_MIN)), column(Value::real(-0.5)),
                                   column(Value::string("aB%")), column(Value::timestamp(-1)), column(list)},
                                  3);
  clew::expr::Evaluator evaluator;
  auto values = evaluator.eval(**bound, inputs);
  if (values.ok() && (*values)->size != 3) abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view text(reinterpret_cast<const char*>(data), size);
  auto expr = clew::expr::parse_expression_text(text);
  if (!expr.ok()) return 0;
  std::string printed = clew::expr::print(**expr);
  auto again = clew::expr::parse_expression_text(printed);
  if (!again.ok() || !clew::expr::equal(**expr, **again)) abort();
  evaluate(**expr);
  return 0;
}
