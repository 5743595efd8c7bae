#include "query/ppl/fillnull.h"

#include "query/exec/rows.h"

namespace clew::query::ppl {

namespace {

struct Fill {
  std::string field;
  expr::ExprPtr value;
};

class Fillnull final : public Command {
 public:
  // `everywhere`: the value for all columns, when no field is named.
  Fillnull(std::vector<Fill> fills, expr::ExprPtr everywhere)
      : fills_(std::move(fills)), everywhere_(std::move(everywhere)) {}

  std::string print() const override {
    if (everywhere_ != nullptr) return "fillnull with " + expr::print(*everywhere_);
    std::string out = "fillnull using ";
    for (size_t i = 0; i < fills_.size(); ++i) {
      out += (i == 0 ? "" : ", ") + expr::print_name(fills_[i].field) + " = " + expr::print(*fills_[i].value);
    }
    return out;
  }

  Status bind(Pipeline& pipeline) const override {
    std::vector<Fill> fills = fills_;
    if (everywhere_ != nullptr) {
      for (const Column& column : pipeline.scope.all()) fills.push_back({column.name, everywhere_});
    }
    std::vector<exec::Computed> computed;
    std::vector<Column> columns;
    for (const Fill& fill : fills) {
      expr::ExprPtr value = expr::make_call("ifnull", {expr::make_field(fill.field), fill.value});
      expr::BoundPtr bound = CLEW_TRY(pipeline.bind(*value));
      columns.push_back({fill.field, pipeline.context.new_slot(), bound->type});
      computed.push_back({columns.back().slot, std::move(bound)});
    }
    pipeline.add(std::make_shared<exec::ComputeStep>(std::move(computed), "fillnull", print()));
    for (Column& column : columns) pipeline.scope.set(std::move(column));
    return {};
  }

 private:
  std::vector<Fill> fills_;
  expr::ExprPtr everywhere_;
};

// `with x in a, b`: the value ends where the `in` outside of brackets stands, which would else belong to it.
Result<expr::ExprPtr> value_before_in(CommandParser& parser) {
  expr::TokenStream& tokens = parser.tokens;
  uint32_t begin = tokens.offset();
  int depth = 0;
  expr::Token token = tokens.peek();
  while (token.kind != expr::TokenKind::kEnd && !token.is("|") &&
         !(depth == 0 && (token.is_word("in") || token.is("]")))) {
    if (token.is("(") || token.is("[")) ++depth;
    if (token.is(")") || token.is("]")) --depth;
    tokens.next();
    token = tokens.peek();
  }
  uint32_t end = tokens.offset();
  expr::TokenStream value(tokens.text().substr(0, end));
  value.seek(begin);
  Result<expr::ExprPtr> parsed = expr::parse_expression(value);
  if (!parsed.ok() || !value.at_end()) {
    tokens.seek(begin);
    const expr::Diagnostic& d = value.diagnostic();
    return tokens.fail(d.code.empty() ? value.peek().span : d.span, expr::kSyntaxError,
                       d.code.empty() ? "expected a value, then IN and fields" : d.message);
  }
  tokens.seek(end);
  return parsed;
}

}  // namespace

Result<CommandPtr> parse_fillnull(CommandParser& parser) {
  std::vector<Fill> fills;
  if (parser.tokens.accept_word("using")) {
    do {
      Fill fill;
      fill.field = CLEW_TRY(parser.name());
      CLEW_TRY(parser.tokens.expect("="));
      fill.value = CLEW_TRY(parser.expression());
      fills.push_back(std::move(fill));
    } while (parser.tokens.accept(","));
    return CommandPtr(std::make_shared<Fillnull>(std::move(fills), nullptr));
  }
  bool with = parser.tokens.accept_word("with");
  if (!with) {
    CLEW_TRY(parser.tokens.expect_word("value"));
    CLEW_TRY(parser.tokens.expect("="));
  }
  expr::ExprPtr value;
  if (with) {
    value = CLEW_TRY(value_before_in(parser));
  } else {
    expr::Token token = parser.tokens.next();
    bool number = token.kind == expr::TokenKind::kInteger;
    value = expr::make_literal(
        number ? model::Value::bigint(std::atoll(token.text.c_str())) : model::Value::string(token.text), token.span);
  }
  if (with ? !parser.tokens.accept_word("in") : parser.at_end()) {
    return CommandPtr(std::make_shared<Fillnull>(std::move(fills), std::move(value)));
  }
  std::vector<std::string> names = CLEW_TRY(parser.names());
  for (std::string& name : names) fills.push_back({std::move(name), value});
  return CommandPtr(std::make_shared<Fillnull>(std::move(fills), nullptr));
}

}  // namespace clew::query::ppl
