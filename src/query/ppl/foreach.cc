#include "query/ppl/foreach.h"

#include <algorithm>

#include "query/exec/gather.h"
#include "query/exec/json_value.h"
#include "query/exec/rows.h"
#include "query/ppl/eval.h"
#include "query/ppl/fields.h"

namespace clew::query::ppl {

namespace {

using model::Type;
using model::Value;

constexpr size_t kFieldsMax = 1'000;
constexpr size_t kElementsMax = 10'000;

enum class Mode : uint8_t { kFields, kArray, kJson, kAuto };

struct Options {
  Mode mode = Mode::kFields;
  bool mode_given = false;
  std::string field = "FIELD";
  std::string match = "MATCHSTR";
  std::string item = "ITEM";
  std::string iter = "ITER";
};

bool name_char(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '.' || c == '@';
}

// What a placeholder stands for; `whole`: also a word that is the placeholder's name alone.
struct Placeholder {
  std::string name;
  std::string value;
  bool whole = false;
};

// The text with its placeholders filled in; a name made of them stands in backticks when it must.
class Template {
 public:
  Template(std::string_view text, std::span<const Placeholder> placeholders)
      : text_(text), placeholders_(placeholders) {}

  std::string filled() {
    while (at_ < text_.size()) {
      char c = text_[at_];
      if (c == '\'' || c == '"')
        take_quoted(c);
      else if (c == '`')
        take_backticks();
      else if (name_char(c) || placeholder_here() != nullptr)
        take_name();
      else
        out_.push_back(text_[at_++]);
    }
    return std::move(out_);
  }

 private:
  const Placeholder* placeholder_here() const {
    for (const Placeholder& one : placeholders_) {
      if (text_.substr(at_).starts_with("<<" + one.name + ">>")) return &one;
    }
    return nullptr;
  }

  bool take_placeholder(std::string& out) {
    const Placeholder* one = placeholder_here();
    if (one == nullptr) return false;
    out += one->value;
    at_ += one->name.size() + 4;
    return true;
  }

  void take_quoted(char quote) {
    out_.push_back(text_[at_++]);
    while (at_ < text_.size()) {
      if (take_placeholder(out_)) continue;
      char c = text_[at_++];
      out_.push_back(c);
      if (c == '\\' && at_ < text_.size())
        out_.push_back(text_[at_++]);
      else if (c == quote)
        return;
    }
  }

  void take_backticks() {
    out_.push_back(text_[at_++]);
    while (at_ < text_.size()) {
      if (take_placeholder(out_)) continue;
      char c = text_[at_++];
      out_.push_back(c);
      if (c == '`') return;
    }
  }

  void take_name() {
    std::string name;
    bool made = false;
    while (at_ < text_.size()) {
      if (take_placeholder(name))
        made = true;
      else if (name_char(text_[at_]))
        name.push_back(text_[at_++]);
      else
        break;
    }
    for (const Placeholder& one : placeholders_) {
      if (made || !one.whole || name != one.name) continue;
      name = one.value;
      made = true;
    }
    out_ += made ? expr::print_name(name) : name;
  }

  std::string_view text_;
  std::span<const Placeholder> placeholders_;
  size_t at_ = 0;
  std::string out_;
};

// Applies steps to every row once for each element of its array; what they make of the targets goes into the next turn.
class FoldStep final : public exec::Step {
 public:
  struct Slots {
    Slot array = 0;
    Slot item = 0;
    Slot iter = 0;
    std::vector<std::pair<Slot, Slot>> carried;  // made by the steps, the target it goes to
  };
  FoldStep(Slots slots, bool json, std::vector<exec::StepPtr> steps, std::string text)
      : slots_(std::move(slots)), json_(json), steps_(std::move(steps)), text_(std::move(text)) {}
  std::string name() const override { return "foreach"; }
  std::string describe() const override { return text_; }
  exec::Needs needs() const override { return exec::Needs::kRow; }
  uint64_t input_enough(uint64_t wanted) const override { return wanted; }
  void reads(std::vector<Slot>& out) const override {
    out.push_back(slots_.array);
    for (const exec::StepPtr& step : steps_) step->reads(out);
    for (const auto& [made, target] : slots_.carried) out.push_back(target);
  }
  std::unique_ptr<exec::Operator> start(exec::Run& run) const override { return std::make_unique<Folder>(*this, run); }

 private:
  class Catcher final : public exec::Operator {
   public:
    Status push(exec::Block block) override {
      caught = std::move(block);
      return {};
    }
    Status finish() override { return {}; }
    exec::Block caught;
  };

  class Folder final : public exec::Operator {
   public:
    Folder(const FoldStep& step, exec::Run& run)
        : step_(step), run_(run), chain_(step.steps_, 0, step.steps_.size(), run, &catcher_) {}
    Status push(exec::Block block) override {
      model::VectorPtr arrays = exec::column_of(block, step_.slots_.array);
      std::vector<model::Values> elements(block.rows);
      size_t longest = 0;
      for (uint32_t row = 0; row < block.rows; ++row) {
        elements[row] = step_.elements_of(arrays->value(row));
        longest = std::max(longest, elements[row].size());
      }
      if (longest > kElementsMax) {
        return Error(Code::kLimit, "foreach goes over at most " + std::to_string(kElementsMax) + " elements");
      }
      for (size_t turn = 0; turn < longest; ++turn) {
        CLEW_TRY(run_.check());
        CLEW_TRY(take_turn(block, elements, turn));
      }
      return next_->push(std::move(block));
    }

   private:
    Status take_turn(exec::Block& block, const std::vector<model::Values>& elements, size_t turn) {
      model::Selection rows;
      std::vector<Value> items;
      for (uint32_t row = 0; row < block.rows; ++row) {
        if (turn >= elements[row].size()) continue;
        rows.push_back(row);
        items.push_back(elements[row][turn]);
      }
      exec::Block some = exec::gather(block, rows);
      some.set(step_.slots_.item, exec::vector_of(items));
      some.set(step_.slots_.iter,
               exec::vector_of(std::vector<Value>(items.size(), Value::integer(static_cast<int64_t>(turn)))));
      CLEW_TRY(chain_.first().push(std::move(some)));
      for (const auto& [made, target] : step_.slots_.carried) {
        std::vector<model::VectorPtr> columns = {exec::column_of(block, target),
                                                 exec::column_of(catcher_.caught, made)};
        std::vector<exec::RowRef> refs;
        for (uint32_t row = 0; row < block.rows; ++row) refs.push_back({0, row});
        for (uint32_t i = 0; i < rows.size(); ++i) refs[rows[i]] = {1, i};
        block.set(target, exec::gather_column(columns, refs));
      }
      return {};
    }

    const FoldStep& step_;
    exec::Run& run_;
    Catcher catcher_;
    exec::Chain chain_;
  };

  // Numbers of JSON are doubles.
  model::Values elements_of(const Value& value) const {
    if (value.type() == Type::kArray) return value.items();
    if (!json_ || value.type() != Type::kString) return {};
    Result<Value> parsed = exec::parse_json(value.text());
    if (!parsed.ok() || parsed->type() != Type::kArray) return {};
    model::Values out = parsed->items();
    for (Value& item : out) {
      if (item.type() == Type::kLong || item.type() == Type::kInt) item = Value::real(static_cast<double>(item.i64()));
    }
    return out;
  }

  Slots slots_;
  bool json_;
  std::vector<exec::StepPtr> steps_;
  std::string text_;
};

std::string_view mode_name(Mode mode) {
  switch (mode) {
    case Mode::kFields: return "multifield";
    case Mode::kArray: return "multivalue";
    case Mode::kJson: return "json_array";
    case Mode::kAuto: return "auto_collections";
  }
  return "";
}

// What the wildcards of a pattern stood for, joined.
std::string matched_part(std::string_view pattern, std::string_view name) {
  size_t star = pattern.find('*');
  if (star == std::string_view::npos) return "";
  size_t last = pattern.rfind('*');
  std::string_view behind = pattern.substr(last + 1);
  return std::string(name.substr(star, name.size() - star - behind.size()));
}

class Foreach final : public Command {
 public:
  Foreach(Options options, std::vector<std::string> targets, expr::ExprPtr collection, std::string body)
      : options_(std::move(options)),
        targets_(std::move(targets)),
        collection_(std::move(collection)),
        body_(std::move(body)) {}

  std::string print() const override {
    Options plain;
    std::string out = "foreach mode=" + std::string(mode_name(options_.mode));
    if (options_.field != plain.field) out += " fieldstr=" + expr::print_string(options_.field);
    if (options_.match != plain.match) out += " matchstr=" + expr::print_string(options_.match);
    if (options_.item != plain.item) out += " itemstr=" + expr::print_string(options_.item);
    if (options_.iter != plain.iter) out += " iterstr=" + expr::print_string(options_.iter);
    for (const std::string& target : targets_) out += " " + expr::print_name(target);
    if (collection_ != nullptr) out += " " + expr::print(*collection_);
    return out + " [ " + body_ + " ]";
  }

  Status bind(Pipeline& pipeline) const override {
    return options_.mode == Mode::kFields ? bind_fields(pipeline) : bind_elements(pipeline);
  }

 private:
  Status bind_fields(Pipeline& pipeline) const {
    std::vector<std::pair<std::string, std::string>> fields;  // name, the wildcard's part
    for (const std::string& target : targets_) {
      std::vector<Column> columns = CLEW_TRY(matching_columns(pipeline, target));
      for (const Column& column : columns) fields.emplace_back(column.name, matched_part(target, column.name));
    }
    if (fields.size() > kFieldsMax) {
      return pipeline.fail(expr::kResourceLimitExceeded,
                           "foreach goes over at most " + std::to_string(kFieldsMax) + " fields");
    }
    for (const auto& [name, part] : fields) {
      std::vector<Placeholder> placeholders = {{options_.field, name, false}, {options_.match, part, false}};
      CLEW_TRY(bind_body(pipeline, placeholders));
    }
    return {};
  }

  Status bind_body(Pipeline& pipeline, std::span<const Placeholder> placeholders) const {
    std::string text = Template(body_, placeholders).filled();
    expr::TokenStream tokens(text);
    Result<CommandPtr> eval = parse_body(tokens);
    if (!eval.ok()) return pipeline.fail(expr::kSyntaxError, "in [ " + text + " ]: " + tokens.diagnostic().message);
    return (*eval)->bind(pipeline);
  }

 public:
  static Result<CommandPtr> parse_body(expr::TokenStream& tokens) {
    if (!tokens.accept_word("eval")) return tokens.fail_expected("`eval`");
    CommandParser parser(tokens, tokens.peek().span, {});
    CommandPtr eval = CLEW_TRY(parse_eval(parser));
    if (!tokens.at_end()) return tokens.fail_expected("`]`");
    return eval;
  }

 private:
  Status bind_elements(Pipeline& pipeline) const {
    FoldStep::Slots slots;
    bool json = options_.mode != Mode::kArray;
    slots.array = CLEW_TRY(bind_collection(pipeline));
    slots.item = pipeline.context.new_slot();
    slots.iter = pipeline.context.new_slot();
    std::vector<Column> before = pipeline.scope.all();
    Pipeline inner(pipeline.context);
    inner.scope.replace(before);
    std::string item = "<<" + options_.item + ">>";
    std::string iter = "<<" + options_.iter + ">>";
    inner.scope.set({item, slots.item, Type::kMixed});
    inner.scope.set({iter, slots.iter, Type::kInt});
    std::vector<Placeholder> placeholders = {{options_.item, item, options_.item != "ITEM"},
                                             {options_.iter, iter, options_.iter != "ITER"}};
    CLEW_TRY(bind_body(inner, placeholders));
    for (const Column& column : inner.scope.all()) {
      if (column.name == item || column.name == iter) continue;
      auto known = std::find_if(before.begin(), before.end(), [&](const Column& c) { return c.name == column.name; });
      if (known == before.end()) {
        return pipeline.fail(expr::kFieldNotFound, "Field [" + column.name + "] not found.", std::nullopt,
                             "give it a first value with eval before foreach");
      }
      if (known->slot != column.slot) slots.carried.emplace_back(column.slot, known->slot);
    }
    for (auto& [made, target] : slots.carried) {
      auto known = std::find_if(before.begin(), before.end(), [&, t = target](const Column& c) { return c.slot == t; });
      known->type = Type::kMixed;
      pipeline.scope.set(*known);
    }
    pipeline.add(std::make_shared<FoldStep>(std::move(slots), json, std::move(inner.plan.steps), print()));
    return {};
  }

  Result<Slot> bind_collection(Pipeline& pipeline) const {
    if (collection_ != nullptr) {
      expr::BoundPtr bound = CLEW_TRY(pipeline.bind(*collection_));
      Slot slot = pipeline.context.new_slot();
      pipeline.add(std::make_shared<exec::ComputeStep>(std::vector<exec::Computed>{{slot, std::move(bound)}}, "foreach",
                                                       print()));
      return slot;
    }
    if (!targets_.empty()) {
      Column column = CLEW_TRY(pipeline.field(targets_[0]));
      return column.slot;
    }
    for (const Column& column : pipeline.scope.all()) {
      if (column.type == Type::kArray) return column.slot;
    }
    return pipeline.fail(expr::kSemanticError, "foreach finds no array field; name one");
  }

  Options options_;
  std::vector<std::string> targets_;
  expr::ExprPtr collection_;
  std::string body_;
};

Status set_mode(CommandParser& parser, const std::string& text, Options& options) {
  options.mode_given = true;
  for (Mode mode : {Mode::kFields, Mode::kArray, Mode::kJson, Mode::kAuto}) {
    if (!expr::equals_ignore_case(mode_name(mode), text)) continue;
    options.mode = mode;
    return {};
  }
  return parser.fail("mode is multifield, multivalue, json_array or auto_collections, not " + quoted(text));
}

Result<bool> take_option(CommandParser& parser, Options& options) {
  if (auto mode = CLEW_TRY(parser.option("mode"))) {
    CLEW_TRY(set_mode(parser, *mode, options));
    return true;
  }
  const std::pair<std::string_view, std::string*> kNames[] = {{"fieldstr", &options.field},
                                                              {"matchstr", &options.match},
                                                              {"itemstr", &options.item},
                                                              {"iterstr", &options.iter}};
  for (const auto& [key, name] : kNames) {
    if (auto text = CLEW_TRY(parser.option(key))) {
      // Written with or without its marks.
      std::string_view bare = *text;
      if (bare.starts_with("<<") && bare.ends_with(">>")) bare = bare.substr(2, bare.size() - 4);
      *name = std::string(bare);
      return true;
    }
  }
  return false;
}

// The text between `[` and its `]`, which are taken.
Result<std::string> take_body(CommandParser& parser) {
  CLEW_TRY(parser.tokens.expect("["));
  std::string_view text = parser.tokens.text();
  uint32_t begin = parser.tokens.last_end();
  int depth = 1;
  char quote = 0;
  for (uint32_t at = begin; at < text.size(); ++at) {
    char c = text[at];
    if (quote != 0) {
      if (c == '\\' && quote != '`')
        ++at;
      else if (c == quote)
        quote = 0;
    } else if (c == '\'' || c == '"' || c == '`') {
      quote = c;
    } else if (c == '[') {
      ++depth;
    } else if (c == ']' && --depth == 0) {
      parser.tokens.seek(at);
      CLEW_TRY(parser.tokens.expect("]"));
      std::string_view body = text.substr(begin, at - begin);
      while (!body.empty() && (body.front() == ' ' || body.front() == '\n')) body.remove_prefix(1);
      while (!body.empty() && (body.back() == ' ' || body.back() == '\n')) body.remove_suffix(1);
      return std::string(body);
    }
  }
  return parser.fail("the `[` of foreach is not closed");
}

}  // namespace

Result<CommandPtr> parse_foreach(CommandParser& parser) {
  Options options;
  std::vector<std::string> targets;
  expr::ExprPtr collection;
  while (!parser.at_end() && !parser.tokens.peek().is("[")) {
    bool taken = CLEW_TRY(take_option(parser, options));
    if (taken || parser.tokens.accept(",")) continue;
    bool literal = parser.tokens.peek().kind == expr::TokenKind::kString;
    if (literal || parser.tokens.peek(1).is("(")) {
      collection = CLEW_TRY(parser.expression());
      if (!options.mode_given) options.mode = Mode::kJson;
      continue;
    }
    std::string name = CLEW_TRY(parser.name());
    targets.push_back(std::move(name));
  }
  expr::SourceSpan span = parser.tokens.peek().span;
  std::string body = CLEW_TRY(take_body(parser));
  bool fields = options.mode == Mode::kFields;
  if (fields ? targets.empty() : targets.size() > 1) {
    return parser.tokens.fail(span, expr::kSyntaxError,
                              fields ? "foreach needs field names" : "this mode of foreach takes one array");
  }
  // What the placeholders stand for is known later; with any name in their place the body must be an eval.
  std::vector<Placeholder> any = {
      {options.field, "x", false}, {options.match, "x", false}, {options.item, "x", false}, {options.iter, "x", false}};
  std::string sample = Template(body, any).filled();
  expr::TokenStream tokens(sample);
  Result<CommandPtr> eval = Foreach::parse_body(tokens);
  if (!eval.ok())
    return parser.tokens.fail(span, expr::kSyntaxError, "in the brackets of foreach: " + tokens.diagnostic().message);
  return CommandPtr(
      std::make_shared<Foreach>(std::move(options), std::move(targets), std::move(collection), std::move(body)));
}

}  // namespace clew::query::ppl
