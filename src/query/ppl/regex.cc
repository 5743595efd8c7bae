#include "query/ppl/regex.h"

#include "query/ppl/pattern.h"

namespace clew::query::ppl {

namespace {

class RegexOperator final : public exec::Operator {
 public:
  RegexOperator(Slot in, const Pattern& pattern, bool negated) : in_(in), pattern_(pattern), negated_(negated) {}
  Status push(exec::Block block) override {
    model::Selection rows;
    for (uint32_t row = 0; row < block.rows; ++row) {
      std::string buffer;
      std::string_view text;
      if (block.find(in_) == nullptr || !text_of_row(*block.find(in_), row, buffer, text)) continue;
      if (pattern_.found_in(text) != negated_) rows.push_back(row);
    }
    if (rows.empty()) return {};
    return next_->push(exec::gather(block, rows));
  }

 private:
  Slot in_;
  const Pattern& pattern_;
  bool negated_;
};

class RegexStep final : public exec::Step {
 public:
  RegexStep(Slot in, PatternPtr pattern, bool negated, std::string text)
      : in_(in), pattern_(std::move(pattern)), negated_(negated), text_(std::move(text)) {}
  std::string name() const override { return "regex"; }
  std::string describe() const override { return text_; }
  std::unique_ptr<exec::Operator> start(exec::Run&) const override {
    return std::make_unique<RegexOperator>(in_, *pattern_, negated_);
  }
  void reads(std::vector<Slot>& out) const override { out.push_back(in_); }
  exec::Needs needs() const override { return exec::Needs::kRow; }

 private:
  Slot in_;
  PatternPtr pattern_;
  bool negated_;
  std::string text_;
};

class Regex final : public Command {
 public:
  Regex(std::string field, bool negated, std::string regex, PatternPtr pattern)
      : field_(std::move(field)), negated_(negated), regex_(std::move(regex)), pattern_(std::move(pattern)) {}
  std::string print() const override {
    return "regex " + expr::print_name(field_) + (negated_ ? "!=" : "=") + expr::print_string(regex_);
  }
  Status bind(Pipeline& pipeline) const override {
    Column in = CLEW_TRY(pipeline.field(field_));
    pipeline.add(std::make_shared<RegexStep>(in.slot, pattern_, negated_, print()));
    return {};
  }

 private:
  std::string field_;
  bool negated_;
  std::string regex_;
  PatternPtr pattern_;
};

}  // namespace

Result<CommandPtr> parse_regex(CommandParser& parser) {
  std::string field = "_raw";
  bool negated = false;
  if (parser.tokens.peek().kind != expr::TokenKind::kString) {
    field = CLEW_TRY(parser.name());
    negated = parser.tokens.accept("!=");
    if (!negated) CLEW_TRY(parser.tokens.expect("="));
  }
  expr::SourceSpan span = parser.tokens.peek().span;
  std::string regex = CLEW_TRY(parser.string());
  Result<PatternPtr> pattern = Pattern::compile(regex);
  if (!pattern.ok()) return parser.tokens.fail(span, expr::kSyntaxError, pattern.error().message());
  return CommandPtr(std::make_shared<Regex>(std::move(field), negated, std::move(regex), *pattern));
}

}  // namespace clew::query::ppl
