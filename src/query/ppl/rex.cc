#include "query/ppl/rex.h"

#include "query/exec/rows.h"
#include "query/ppl/pattern.h"

namespace clew::query::ppl {

namespace {

constexpr int64_t kMatchesMax = 10;

struct Options {
  std::string field = "_raw";
  int64_t max_match = 1;
  std::string offset_field;
  bool sed = false;
};

// `s/regex/replacement/flags` in parts; flags: g, or a number.
struct Substitution {
  std::string regex;
  std::string replacement;
  int occurrence = 1;  // 0: all
};

class RexStep final : public exec::MapStep {
 public:
  RexStep(Slot in, std::vector<Slot> out, Slot offsets, int64_t max_match, PatternPtr pattern, std::string text)
      : in_(in),
        out_(std::move(out)),
        offsets_(offsets),
        max_match_(max_match),
        pattern_(std::move(pattern)),
        text_(std::move(text)) {}
  std::string name() const override { return "rex"; }
  std::string describe() const override { return text_; }
  void reads(std::vector<Slot>& out) const override { out.push_back(in_); }

  Status map(exec::Block& block) const override {
    std::vector<std::vector<model::Value>> values(out_.size(), std::vector<model::Value>(block.rows));
    std::vector<model::Value> offsets(block.rows);
    for (uint32_t row = 0; row < block.rows; ++row) {
      std::string buffer;
      std::string_view text;
      if (block.find(in_) == nullptr || !text_of_row(*block.find(in_), row, buffer, text)) continue;
      extract(text, row, values, offsets);
    }
    for (size_t i = 0; i < out_.size(); ++i) block.set(out_[i], exec::vector_of(values[i]));
    if (offsets_ != exec::kNoSlot) block.set(offsets_, exec::vector_of(offsets));
    return {};
  }

 private:
  void extract(std::string_view text, uint32_t row, std::vector<std::vector<model::Value>>& values,
               std::vector<model::Value>& offsets) const {
    std::vector<model::Values> found(out_.size());
    std::string places;
    size_t from = 0;
    Pattern::Place whole;
    std::vector<Pattern::Place> groups;
    for (int64_t n = 0; n < max_match_ && from <= text.size() && pattern_->match(text, from, whole, groups); ++n) {
      for (size_t i = 0; i < out_.size(); ++i) {
        if (!groups[i].found) continue;
        found[i].push_back(
            model::Value::string(std::string(text.substr(groups[i].begin, groups[i].end - groups[i].begin))));
        size_t last = groups[i].end > groups[i].begin ? groups[i].end - 1 : groups[i].begin;
        places += (places.empty() ? "" : "&") + pattern_->names()[i] + "=" + std::to_string(groups[i].begin) + "-" +
                  std::to_string(last);
      }
      from = whole.end > whole.begin ? whole.end : whole.end + 1;
    }
    for (size_t i = 0; i < out_.size(); ++i) {
      if (found[i].empty()) continue;
      values[i][row] = max_match_ == 1 ? found[i][0] : model::Value::array(std::move(found[i]));
    }
    if (!places.empty()) offsets[row] = model::Value::string(std::move(places));
  }

  Slot in_;
  std::vector<Slot> out_;
  Slot offsets_;
  int64_t max_match_;
  PatternPtr pattern_;
  std::string text_;
};

class SedStep final : public exec::MapStep {
 public:
  SedStep(Slot in, Slot out, PatternPtr pattern, Substitution substitution)
      : in_(in), out_(out), pattern_(std::move(pattern)), substitution_(std::move(substitution)) {}
  std::string name() const override { return "rex"; }
  void reads(std::vector<Slot>& out) const override { out.push_back(in_); }

  Status map(exec::Block& block) const override {
    std::vector<model::Value> values(block.rows);
    for (uint32_t row = 0; row < block.rows; ++row) {
      std::string buffer;
      std::string_view text;
      if (block.find(in_) == nullptr || !text_of_row(*block.find(in_), row, buffer, text)) continue;
      values[row] =
          model::Value::string(pattern_->substitute(text, substitution_.replacement, substitution_.occurrence));
    }
    block.set(out_, exec::vector_of(values));
    return {};
  }

 private:
  Slot in_;
  Slot out_;
  PatternPtr pattern_;
  Substitution substitution_;
};

class Rex final : public Command {
 public:
  Rex(Options options, std::string text, PatternPtr pattern, Substitution substitution)
      : options_(std::move(options)),
        text_(std::move(text)),
        pattern_(std::move(pattern)),
        substitution_(std::move(substitution)) {}

  std::string print() const override {
    std::string out = "rex field=" + expr::print_name(options_.field);
    if (options_.sed) out += " mode=sed";
    if (options_.max_match != 1) out += " max_match=" + std::to_string(options_.max_match);
    if (!options_.offset_field.empty()) out += " offset_field=" + expr::print_name(options_.offset_field);
    return out + " " + expr::print_string(text_);
  }

  Status bind(Pipeline& pipeline) const override {
    Column in = CLEW_TRY(pipeline.field(options_.field));
    if (options_.sed) {
      Slot out = pipeline.context.new_slot();
      pipeline.add(std::make_shared<SedStep>(in.slot, out, pattern_, substitution_));
      pipeline.scope.set({options_.field, out, model::Type::kString});
      return {};
    }
    std::vector<Slot> slots;
    for (size_t i = 0; i < pattern_->names().size(); ++i) slots.push_back(pipeline.context.new_slot());
    Slot offsets = options_.offset_field.empty() ? exec::kNoSlot : pipeline.context.new_slot();
    pipeline.add(std::make_shared<RexStep>(in.slot, slots, offsets, options_.max_match, pattern_, print()));
    model::Type type = options_.max_match == 1 ? model::Type::kString : model::Type::kArray;
    for (size_t i = 0; i < slots.size(); ++i) pipeline.scope.set({pattern_->names()[i], slots[i], type});
    if (offsets != exec::kNoSlot) pipeline.scope.set({options_.offset_field, offsets, model::Type::kString});
    return {};
  }

 private:
  Options options_;
  std::string text_;
  PatternPtr pattern_;
  Substitution substitution_;
};

// s/a/b/g; any character may stand for `/`. y/abc/xyz/ is not known.
bool split_sed(std::string_view text, Substitution& out) {
  if (text.size() < 4 || text[0] != 's') return false;
  char mark = text[1];
  std::string parts[2];
  size_t part = 0;
  size_t at = 2;
  for (; at < text.size() && part < 2; ++at) {
    if (text[at] == '\\' && at + 1 < text.size() && text[at + 1] == mark)
      parts[part].push_back(text[++at]);
    else if (text[at] == mark)
      ++part;
    else
      parts[part].push_back(text[at]);
  }
  if (part < 2) return false;
  out.regex = parts[0];
  out.replacement = parts[1];
  std::string_view flags = text.substr(at);
  if (flags == "g")
    out.occurrence = 0;
  else if (!flags.empty() && flags.size() < 4 && flags.find_first_not_of("0123456789") == std::string_view::npos)
    out.occurrence = std::stoi(std::string(flags));
  else if (!flags.empty())
    return false;
  return true;
}

Status take_options(CommandParser& parser, Options& options) {
  for (int i = 0; i < 4; ++i) {
    if (auto field = CLEW_TRY(parser.option("field"))) options.field = *field;
    if (auto most = CLEW_TRY(parser.int_option("max_match"))) {
      if (*most < 0) return parser.fail("max_match is 0 or more");
      options.max_match = *most == 0 || *most > kMatchesMax ? kMatchesMax : *most;
    }
    if (auto name = CLEW_TRY(parser.option("offset_field"))) options.offset_field = *name;
    if (auto mode = CLEW_TRY(parser.option("mode"))) {
      if (*mode != "sed" && *mode != "extract") return parser.fail("mode is extract or sed, not " + quoted(*mode));
      options.sed = *mode == "sed";
    }
  }
  return {};
}

}  // namespace

Result<CommandPtr> parse_rex(CommandParser& parser) {
  Options options;
  CLEW_TRY(take_options(parser, options));
  expr::SourceSpan span = parser.tokens.peek().span;
  std::string text = CLEW_TRY(parser.string());
  CLEW_TRY(take_options(parser, options));
  Substitution substitution;
  if (options.sed && !split_sed(text, substitution)) {
    return parser.tokens.fail(span, expr::kSyntaxError,
                              "mode=sed takes s/regex/replacement/ with the flag g or a number");
  }
  Result<PatternPtr> pattern = Pattern::compile(options.sed ? substitution.regex : text);
  if (!pattern.ok()) return parser.tokens.fail(span, expr::kSyntaxError, pattern.error().message());
  if (!options.sed && (*pattern)->names().empty()) {
    return parser.tokens.fail(span, expr::kSemanticError, "rex needs at least one named group: (?<name>..)");
  }
  return CommandPtr(std::make_shared<Rex>(std::move(options), std::move(text), *pattern, std::move(substitution)));
}

}  // namespace clew::query::ppl
