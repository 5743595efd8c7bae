#include "query/ppl/grok.h"

#include "expr/coerce.h"
#include "expr/print.h"
#include "query/exec/gather.h"
#include "query/exec/rows.h"
#include "query/ppl/pattern.h"
#include "text/grok.h"

namespace clew::query::ppl {

namespace {

using model::Type;
using model::Value;

struct Output {
  std::string name;
  text::GrokType type = text::GrokType::kText;
  std::vector<size_t> groups;  // places of the groups that give it: the first that was found
};

Value value_of(text::GrokType type, std::string_view text) {
  if (type == text::GrokType::kText) return Value::string(std::string(text));
  std::optional<double> number = expr::parse_double(text);
  if (!number) return {};
  if (type == text::GrokType::kReal) return Value::real(*number);
  std::optional<int64_t> whole = expr::to_integer(expr::cell_of(Value::real(*number)));
  return whole ? Value::bigint(*whole) : Value();
}

class GrokStep final : public exec::MapStep {
 public:
  GrokStep(Slot in, std::vector<Output> outputs, std::vector<Slot> slots, PatternPtr pattern, std::string text)
      : in_(in),
        outputs_(std::move(outputs)),
        slots_(std::move(slots)),
        pattern_(std::move(pattern)),
        text_(std::move(text)) {}
  std::string name() const override { return "grok"; }
  std::string describe() const override { return text_; }
  void reads(std::vector<Slot>& out) const override { out.push_back(in_); }

  Status map(exec::Block& block) const override {
    model::VectorPtr column = exec::column_of(block, in_);
    std::vector<std::vector<Value>> values(outputs_.size(), std::vector<Value>(block.rows));
    Pattern::Place whole;
    std::vector<Pattern::Place> groups;
    for (uint32_t row = 0; row < block.rows; ++row) {
      std::string buffer;
      std::string_view text;
      bool found = text_of_row(*column, row, buffer, text) && pattern_->match(text, 0, whole, groups);
      for (size_t i = 0; i < outputs_.size(); ++i) values[i][row] = value(outputs_[i], found, text, groups);
    }
    for (size_t i = 0; i < outputs_.size(); ++i) block.set(slots_[i], exec::vector_of(values[i]));
    return {};
  }

 private:
  // Without a match empty, as of `parse`.
  static Value value(const Output& output, bool found, std::string_view text,
                     const std::vector<Pattern::Place>& groups) {
    for (size_t group : output.groups) {
      if (found && groups[group].found) {
        return value_of(output.type, text.substr(groups[group].begin, groups[group].end - groups[group].begin));
      }
    }
    return value_of(output.type, "");
  }

  Slot in_;
  std::vector<Output> outputs_;
  std::vector<Slot> slots_;
  PatternPtr pattern_;
  std::string text_;
};

class GrokCommand final : public Command {
 public:
  GrokCommand(std::string field, std::string text, std::vector<Output> outputs, PatternPtr pattern)
      : field_(std::move(field)), text_(std::move(text)), outputs_(std::move(outputs)), pattern_(std::move(pattern)) {}
  std::string print() const override { return "grok " + expr::print_name(field_) + " " + expr::print_string(text_); }
  Status bind(Pipeline& pipeline) const override {
    Column in = CLEW_TRY(pipeline.field(field_));
    std::vector<Slot> slots;
    for (size_t i = 0; i < outputs_.size(); ++i) slots.push_back(pipeline.context.new_slot());
    pipeline.add(std::make_shared<GrokStep>(in.slot, outputs_, slots, pattern_, print()));
    for (size_t i = 0; i < outputs_.size(); ++i)
      pipeline.scope.set({outputs_[i].name, slots[i], column_type(outputs_[i].type)});
    return {};
  }

 private:
  static Type column_type(text::GrokType type) {
    return type == text::GrokType::kText ? Type::kString : type == text::GrokType::kReal ? Type::kDouble : Type::kLong;
  }

  std::string field_;
  std::string text_;
  std::vector<Output> outputs_;
  PatternPtr pattern_;
};

// Groups are named in the expression's order; several may give one field.
std::vector<Output> outputs_of(const text::Grok& grok, const Pattern& pattern) {
  std::vector<Output> out;
  for (const text::GrokField& field : grok.fields) {
    size_t place = 0;
    while (place < pattern.names().size() && pattern.names()[place] != field.group) ++place;
    size_t known = 0;
    while (known < out.size() && out[known].name != field.name) ++known;
    if (known == out.size()) out.push_back({field.name, field.type, {}});
    out[known].groups.push_back(place);
  }
  return out;
}

}  // namespace

Result<CommandPtr> parse_grok(CommandParser& parser) {
  std::string field = CLEW_TRY(parser.name());
  expr::SourceSpan span = parser.tokens.peek().span;
  std::string text = CLEW_TRY(parser.string());
  Result<text::Grok> grok = text::expand_grok(text);
  if (!grok.ok()) return parser.tokens.fail(span, expr::kSyntaxError, grok.error().message());
  if (grok->fields.empty())
    return parser.tokens.fail(span, expr::kSemanticError, "a grok pattern names parts: %{NUMBER:ms}");
  Result<PatternPtr> pattern = Pattern::compile(grok->regex);
  if (!pattern.ok()) return parser.tokens.fail(span, expr::kSyntaxError, pattern.error().message());
  std::vector<Output> outputs = outputs_of(*grok, **pattern);
  return CommandPtr(std::make_shared<GrokCommand>(std::move(field), std::move(text), std::move(outputs), *pattern));
}

}  // namespace clew::query::ppl
