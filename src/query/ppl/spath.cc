#include "query/ppl/spath.h"

#include <algorithm>

#include "expr/print.h"
#include "query/exec/gather.h"
#include "query/exec/json_value.h"
#include "query/exec/rows.h"
#include "query/ppl/pattern.h"

namespace clew::query::ppl {

namespace {

using model::Type;
using model::Value;

constexpr size_t kPathsMax = 10'000;  // of one document

// All values of a JSON text by their paths, as texts: `a.b`, `tags{}`, `list{}.id`. Several values of one path are
// shown as a list.
class PathsStep final : public exec::MapStep {
 public:
  PathsStep(Slot in, Slot out) : in_(in), out_(out) {}
  std::string name() const override { return "spath"; }
  void reads(std::vector<Slot>& out) const override { out.push_back(in_); }
  Status map(exec::Block& block) const override {
    model::VectorPtr column = exec::column_of(block, in_);
    std::vector<Value> values(block.rows);
    for (uint32_t row = 0; row < block.rows; ++row) {
      std::string buffer;
      std::string_view text;
      if (!text_of_row(*column, row, buffer, text)) continue;
      Result<Value> parsed = exec::parse_json(text);
      if (parsed.ok() && parsed->type() == Type::kStruct) values[row] = paths_of(*parsed);
    }
    block.set(out_, exec::vector_of(values));
    return {};
  }

 private:
  using Paths = std::vector<std::pair<std::string, std::vector<std::string>>>;

  static void collect(const Value& value, const std::string& path, Paths& out) {
    if (out.size() >= kPathsMax) return;
    if (value.type() == Type::kStruct) {
      for (const auto& [key, member] : value.members()) collect(member, path.empty() ? key : path + "." + key, out);
    } else if (value.type() == Type::kArray) {
      for (const Value& item : value.items()) collect(item, path + "{}", out);
    } else if (!value.is_null()) {
      auto known = std::find_if(out.begin(), out.end(), [&](const auto& p) { return p.first == path; });
      if (known == out.end()) known = out.insert(out.end(), {path, {}});
      known->second.push_back(value.type() == Type::kBool ? (value.i64() != 0 ? "true" : "false")
                                                          : expr::print_value(value));
    }
  }

  static Value paths_of(const Value& document) {
    Paths paths;
    collect(document, "", paths);
    model::Members members;
    for (const auto& [path, values] : paths) {
      std::string text;
      for (size_t i = 0; i < values.size(); ++i) text += (i == 0 ? "" : ", ") + values[i];
      members.emplace_back(path, Value::string(values.size() == 1 ? text : "[" + text + "]"));
    }
    return Value::structure(std::move(members));
  }

  Slot in_;
  Slot out_;
};

class Spath final : public Command {
 public:
  Spath(std::string input, std::string output, std::string path)
      : input_(std::move(input)), output_(std::move(output)), path_(std::move(path)) {}
  std::string print() const override {
    std::string out = "spath input=" + expr::print_name(input_);
    if (!output_.empty()) out += " output=" + expr::print_name(output_);
    return path_.empty() ? out : out + " path=" + expr::print_string(path_);
  }

  Status bind(Pipeline& pipeline) const override {
    Slot out = pipeline.context.new_slot();
    if (path_.empty()) {
      Column in = CLEW_TRY(pipeline.field(input_));
      pipeline.add(std::make_shared<PathsStep>(in.slot, out));
      pipeline.scope.set({output_.empty() ? input_ : output_, out, Type::kStruct});
      return {};
    }
    expr::ExprPtr path = expr::make_literal(Value::string(path_));
    Column in = CLEW_TRY(pipeline.field(input_));
    expr::BoundPtr bound = CLEW_TRY(pipeline.bind(*expr::make_call("json_extract", {expr::make_field(in.name), path})));
    pipeline.add(
        std::make_shared<exec::ComputeStep>(std::vector<exec::Computed>{{out, std::move(bound)}}, "spath", print()));
    pipeline.scope.set({output_.empty() ? path_ : output_, out, Type::kString});
    return {};
  }

 private:
  std::string input_;
  std::string output_;
  std::string path_;
};

}  // namespace

Result<CommandPtr> parse_spath(CommandParser& parser) {
  std::string input = "_raw";
  std::string output;
  std::string path;
  while (!parser.at_end()) {
    if (auto name = CLEW_TRY(parser.option("input"))) {
      input = *name;
      continue;
    }
    if (auto name = CLEW_TRY(parser.option("output"))) {
      output = *name;
      continue;
    }
    if (!path.empty()) return parser.tokens.fail_expected("`|` or the end");
    if (parser.tokens.peek().is_word("path") && parser.tokens.peek(1).is("=")) {
      parser.tokens.next();
      parser.tokens.next();
    }
    // A path holds brackets and dots: it is a word or stands in quotes.
    path = parser.tokens.peek().kind == expr::TokenKind::kString ? parser.tokens.next().text
                                                                 : parser.tokens.next_word("|]'\"").text;
    if (path.empty()) return parser.tokens.fail_expected("a path such as a.b{0}");
  }
  return CommandPtr(std::make_shared<Spath>(std::move(input), std::move(output), std::move(path)));
}

}  // namespace clew::query::ppl
