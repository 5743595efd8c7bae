#include "query/ppl/parse.h"

#include "query/exec/rows.h"
#include "query/ppl/pattern.h"

namespace clew::query::ppl {

namespace {

class ParseStep final : public exec::MapStep {
 public:
  ParseStep(Slot in, std::vector<Slot> out, PatternPtr pattern, std::string text)
      : in_(in), out_(std::move(out)), pattern_(std::move(pattern)), text_(std::move(text)) {}
  std::string name() const override { return "parse"; }
  std::string describe() const override { return text_; }
  void reads(std::vector<Slot>& out) const override { out.push_back(in_); }

  Status map(exec::Block& block) const override {
    std::vector<std::vector<model::Value>> values(out_.size(), std::vector<model::Value>(block.rows));
    for (uint32_t row = 0; row < block.rows; ++row) {
      std::string buffer;
      std::string_view text;
      bool there = block.find(in_) != nullptr && text_of_row(*block.find(in_), row, buffer, text);
      Pattern::Place whole;
      std::vector<Pattern::Place> groups;
      bool found = there && pattern_->match(text, 0, whole, groups);
      for (size_t i = 0; i < out_.size(); ++i) {
        bool part = found && groups[i].found;
        values[i][row] = model::Value::string(
            part ? std::string(text.substr(groups[i].begin, groups[i].end - groups[i].begin)) : "");
      }
    }
    for (size_t i = 0; i < out_.size(); ++i) block.set(out_[i], exec::vector_of(values[i]));
    return {};
  }

 private:
  Slot in_;
  std::vector<Slot> out_;
  PatternPtr pattern_;
  std::string text_;
};

class Parse final : public Command {
 public:
  Parse(std::string field, std::string regex, PatternPtr pattern)
      : field_(std::move(field)), regex_(std::move(regex)), pattern_(std::move(pattern)) {}
  std::string print() const override { return "parse " + expr::print_name(field_) + " " + expr::print_string(regex_); }

  Status bind(Pipeline& pipeline) const override {
    Column in = CLEW_TRY(pipeline.field(field_));
    std::vector<Slot> slots;
    for (size_t i = 0; i < pattern_->names().size(); ++i) slots.push_back(pipeline.context.new_slot());
    pipeline.add(std::make_shared<ParseStep>(in.slot, slots, pattern_, print()));
    for (size_t i = 0; i < slots.size(); ++i)
      pipeline.scope.set({pattern_->names()[i], slots[i], model::Type::kString});
    return {};
  }

 private:
  std::string field_;
  std::string regex_;
  PatternPtr pattern_;
};

}  // namespace

Result<CommandPtr> parse_parse(CommandParser& parser) {
  std::string field = CLEW_TRY(parser.name());
  expr::SourceSpan span = parser.tokens.peek().span;
  std::string regex = CLEW_TRY(parser.string());
  Result<PatternPtr> pattern = Pattern::compile(regex);
  if (!pattern.ok()) return parser.tokens.fail(span, expr::kSyntaxError, pattern.error().message());
  return CommandPtr(std::make_shared<Parse>(std::move(field), std::move(regex), *pattern));
}

}  // namespace clew::query::ppl
