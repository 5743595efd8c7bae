#include "query/ppl/replace.h"

#include "query/exec/rows.h"
#include "query/ppl/pattern.h"

namespace clew::query::ppl {

namespace {

struct Rewrite {
  std::string from;
  std::string to;
};

// `from` as a regular expression whose groups are what its stars stand for: the shortest but for the last.
std::string regex_of(std::string_view from) {
  std::string out = "^(?s)";
  for (size_t i = 0; i < from.size(); ++i) {
    if (from[i] == '\\' && i + 1 < from.size() && (from[i + 1] == '*' || from[i + 1] == '\\')) {
      out += "\\";
      out += from[++i];
    } else if (from[i] == '*') {
      out += "(.*?)";
    } else {
      bool plain = (from[i] >= 'a' && from[i] <= 'z') || (from[i] >= 'A' && from[i] <= 'Z') ||
                   (from[i] >= '0' && from[i] <= '9') || (static_cast<unsigned char>(from[i]) & 0x80) != 0;
      if (!plain) out += "\\";
      out += from[i];
    }
  }
  return out + "$";
}

std::string replacement_of(std::string_view to) {
  std::string out;
  char group = '1';
  for (size_t i = 0; i < to.size(); ++i) {
    if (to[i] == '\\' && i + 1 < to.size())
      out.push_back(to[++i]);
    else if (to[i] == '*')
      out += {'\\', group++};
    else
      out.push_back(to[i]);
  }
  return out;
}

// Stars that stand for text: those without a backslash before.
size_t stars(std::string_view text) {
  size_t count = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\')
      ++i;
    else if (text[i] == '*')
      ++count;
  }
  return count;
}

struct ReadyRewrite {
  PatternPtr pattern;
  std::string replacement;
};

class ReplaceStep final : public exec::MapStep {
 public:
  ReplaceStep(std::vector<std::pair<Slot, Slot>> columns, std::vector<ReadyRewrite> rewrites, std::string text)
      : columns_(std::move(columns)), rewrites_(std::move(rewrites)), text_(std::move(text)) {}
  std::string name() const override { return "replace"; }
  std::string describe() const override { return text_; }
  void reads(std::vector<Slot>& out) const override {
    for (const auto& [in, result] : columns_) out.push_back(in);
  }

  Status map(exec::Block& block) const override {
    for (const auto& [in, out] : columns_) {
      std::vector<model::Value> values(block.rows);
      const model::Vector* vector = block.find(in);
      for (uint32_t row = 0; row < block.rows; ++row) {
        std::string buffer;
        std::string_view text;
        if (vector != nullptr && text_of_row(*vector, row, buffer, text)) values[row] = rewritten(*vector, row, text);
      }
      block.set(out, exec::vector_of(values));
    }
    return {};
  }

 private:
  model::Value rewritten(const model::Vector& vector, uint32_t row, std::string_view text) const {
    for (const ReadyRewrite& rewrite : rewrites_) {
      if (rewrite.pattern->found_in(text))
        return model::Value::string(rewrite.pattern->substitute(text, rewrite.replacement, 1));
    }
    return vector.value(row);
  }

  std::vector<std::pair<Slot, Slot>> columns_;
  std::vector<ReadyRewrite> rewrites_;
  std::string text_;
};

class Replace final : public Command {
 public:
  Replace(std::vector<Rewrite> rewrites, std::vector<std::string> names)
      : rewrites_(std::move(rewrites)), names_(std::move(names)) {}

  std::string print() const override {
    std::string out = "replace ";
    for (size_t i = 0; i < rewrites_.size(); ++i) {
      out +=
          (i == 0 ? "" : ", ") + expr::print_string(rewrites_[i].from) + " with " + expr::print_string(rewrites_[i].to);
    }
    for (size_t i = 0; i < names_.size(); ++i) out += (i == 0 ? " in " : ", ") + expr::print_name(names_[i]);
    return out;
  }

  Status bind(Pipeline& pipeline) const override {
    std::vector<ReadyRewrite> ready;
    for (const Rewrite& rewrite : rewrites_) {
      PatternPtr pattern = CLEW_TRY(Pattern::compile(regex_of(rewrite.from)));
      ready.push_back({std::move(pattern), replacement_of(rewrite.to)});
    }
    std::vector<std::pair<Slot, Slot>> columns;
    std::vector<Column> made;
    for (const std::string& name : names_) {
      Column column = CLEW_TRY(pipeline.field(name));
      made.push_back({name, pipeline.context.new_slot(), column.type});
      columns.emplace_back(column.slot, made.back().slot);
    }
    pipeline.add(std::make_shared<ReplaceStep>(std::move(columns), std::move(ready), print()));
    for (Column& column : made) pipeline.scope.set(std::move(column));
    return {};
  }

 private:
  std::vector<Rewrite> rewrites_;
  std::vector<std::string> names_;
};

}  // namespace

Result<CommandPtr> parse_replace(CommandParser& parser) {
  std::vector<Rewrite> rewrites;
  do {
    Rewrite rewrite;
    rewrite.from = CLEW_TRY(parser.string());
    CLEW_TRY(parser.tokens.expect_word("with"));
    expr::SourceSpan span = parser.tokens.peek().span;
    rewrite.to = CLEW_TRY(parser.string());
    if (stars(rewrite.to) != 0 && stars(rewrite.to) != stars(rewrite.from)) {
      return parser.tokens.fail(span, expr::kSemanticError, "a replacement has no `*`, or as many as the pattern");
    }
    rewrites.push_back(std::move(rewrite));
  } while (parser.tokens.accept(","));
  CLEW_TRY(parser.tokens.expect_word("in"));
  std::vector<std::string> names = CLEW_TRY(parser.names());
  return CommandPtr(std::make_shared<Replace>(std::move(rewrites), std::move(names)));
}

}  // namespace clew::query::ppl
