#include "query/ppl/regex.h"

#include "query/ppl/pattern.h"
#include "query/ppl/pushdown.h"

namespace clew::query::ppl {

namespace {

constexpr size_t kLiteralBytesMin = 3;  // shorter ones are in nearly every text

// Whether a text has a match, of rows one after the other; equal entries of a dictionary are asked once.
class Finding {
 public:
  Finding(const model::Vector& vector, const Pattern& pattern, bool negated)
      : vector_(vector), pattern_(pattern), negated_(negated) {
    if (vector.layout == model::Layout::kDict) known_.assign(vector.dict->size, -1);
  }

  bool keeps(uint32_t row) {
    std::string_view text;
    if (known_.empty()) return text_of_row(vector_, row, buffer_, text) && pattern_.found_in(text) != negated_;
    if (vector_.is_null(row)) return false;
    int8_t& answer = known_[vector_.codes[row]];
    if (answer < 0 && text_of_row(vector_, row, buffer_, text)) answer = pattern_.found_in(text) != negated_;
    return answer == 1;
  }

 private:
  const model::Vector& vector_;
  const Pattern& pattern_;
  bool negated_;
  std::vector<int8_t> known_;  // by code; -1: not asked yet
  std::string buffer_;
};

class RegexOperator final : public exec::Operator {
 public:
  RegexOperator(Slot in, const Pattern& pattern, bool negated) : in_(in), pattern_(pattern), negated_(negated) {}
  Status push(exec::Block block) override {
    if (block.find(in_) == nullptr) return {};
    Finding finding(*block.find(in_), pattern_, negated_);
    model::Selection rows;
    for (uint32_t row = 0; row < block.rows; ++row) {
      if (finding.keeps(row)) rows.push_back(row);
    }
    if (rows.empty()) return {};
    return next_->push(exec::gather(block, rows));
  }

 private:
  Slot in_;
  const Pattern& pattern_;
  bool negated_;
};

// The same right behind the scan, where texts without the expression's literal are not looked at.
class RegexCondition final : public exec::Condition {
 public:
  RegexCondition(Slot in, PatternPtr pattern, bool negated, std::optional<contract::Predicate> hint, std::string text)
      : in_(in), pattern_(std::move(pattern)), negated_(negated), hint_(std::move(hint)), text_(std::move(text)) {}
  Status narrow(exec::BlockReader& reader, model::Selection& rows) const override {
    if (hint_) CLEW_TRY(reader.filter(*hint_, rows));
    if (rows.empty()) return {};
    model::VectorPtr vector = CLEW_TRY(reader.column(in_, &rows));
    Finding finding(*vector, *pattern_, negated_);
    size_t kept = 0;
    for (uint32_t i = 0; i < rows.size(); ++i) {
      if (finding.keeps(i)) rows[kept++] = rows[i];
    }
    rows.resize(kept);
    return {};
  }
  std::string describe() const override { return text_; }

 private:
  Slot in_;
  PatternPtr pattern_;
  bool negated_;
  std::optional<contract::Predicate> hint_;
  std::string text_;
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
    if (!pipeline.context.optimise || !pipeline.at_scan() || pipeline.source == nullptr) {
      pipeline.add(std::make_shared<RegexStep>(in.slot, pattern_, negated_, print()));
      return {};
    }
    std::optional<contract::Predicate> hint;
    if (!negated_ && pattern_->literal().size() >= kLiteralBytesMin) {
      hint = contains_hint(*pipeline.source, in.slot, pattern_->literal());
    }
    exec::ScanSpec& scan = *pipeline.plan.scan;
    if (hint) scan.scan.where.children.push_back(*hint);
    scan.conditions.push_back(std::make_shared<RegexCondition>(in.slot, pattern_, negated_, std::move(hint), print()));
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
