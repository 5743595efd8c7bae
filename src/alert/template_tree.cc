#include "alert/template_tree.h"

#include <charconv>

#include "alert/template_lexer.h"
#include "query/promql/duration.h"

namespace clew::alert {
namespace {

using Kind = TemplateWord::Kind;

// How a list of nodes ended.
enum class Ended : uint8_t { kText, kEnd, kElse };

class Parser {
 public:
  Parser(std::vector<TemplateWord> words, std::vector<std::string> variables)
      : words_(std::move(words)), variables_(std::move(variables)) {}

  Result<TemplateTree> run() {
    Ended ended = CLEW_TRY(nodes(tree_.nodes, 0));
    if (ended != Ended::kText)
      return template_mistake(line(), ended == Ended::kEnd ? "{{end}} without its begin" : "{{else}} without {{if}}");
    return std::move(tree_);
  }

 private:
  const TemplateWord& word() const { return words_[at_]; }
  uint32_t line() const { return word().line; }
  bool is(Kind kind) const { return word().kind == kind; }
  bool take(Kind kind) {
    if (!is(kind)) return false;
    ++at_;
    return true;
  }
  void spaces() {
    while (take(Kind::kSpace)) continue;
  }
  bool take_name(std::string_view name) {
    if (!is(Kind::kName) || word().text != name) return false;
    ++at_;
    return true;
  }

  Result<Ended> nodes(TemplateNodes& out, int depth) {
    if (depth > kTemplateDepthMax) return Error(Code::kTooLarge, "a template is nested too deeply");
    while (!is(Kind::kEnd)) {
      if (is(Kind::kText)) {
        TemplateNode node;
        node.line = line();
        node.text = words_[at_++].text;
        out.push_back(std::move(node));
        continue;
      }
      ++at_;  // {{
      spaces();
      if (take_name("end")) {
        CLEW_TRY(close());
        return Ended::kEnd;
      }
      if (take_name("else")) return Ended::kElse;
      CLEW_TRY(action(out, depth));
    }
    return Ended::kText;
  }

  Status close() {
    spaces();
    if (take(Kind::kClose)) return {};
    return template_mistake(line(), "unexpected " + shown() + " where }} was expected");
  }

  std::string shown() const {
    switch (word().kind) {
      case Kind::kClose: return "}}";
      case Kind::kEnd: return "end of the template";
      case Kind::kPipe: return "|";
      case Kind::kComma: return ",";
      case Kind::kDeclare: return ":=";
      case Kind::kAssign: return "=";
      case Kind::kLeft: return "(";
      case Kind::kRight: return ")";
      case Kind::kField: return quoted("." + word().text);
      default: return quoted(word().text);
    }
  }

  Status action(TemplateNodes& out, int depth) {
    TemplateNode node;
    node.line = line();
    if (is(Kind::kName) && (word().text == "if" || word().text == "range" || word().text == "with")) {
      std::string name = words_[at_++].text;
      node.kind = name == "if"      ? TemplateNode::Kind::kIf
                  : name == "range" ? TemplateNode::Kind::kRange
                                    : TemplateNode::Kind::kWith;
      CLEW_TRY(branch(node, depth));
    } else if (take_name("template")) {
      node.kind = TemplateNode::Kind::kTemplate;
      CLEW_TRY(template_name(node.text));
      spaces();
      if (!is(Kind::kClose)) node.pipe = CLEW_TRY(pipe(depth));
      CLEW_TRY(close());
    } else if (take_name("define")) {
      return define(depth);
    } else if (take_name("block")) {
      node.kind = TemplateNode::Kind::kTemplate;
      CLEW_TRY(template_name(node.text));
      spaces();
      node.pipe = CLEW_TRY(pipe(depth));
      CLEW_TRY(close());
      CLEW_TRY(defined_body(node.text, depth));
    } else if (take_name("break") || take_name("continue")) {
      bool ends = words_[at_ - 1].text == "break";
      if (ranges_ == 0) return template_mistake(node.line, "{{break}} and {{continue}} stand inside of {{range}}");
      node.kind = ends ? TemplateNode::Kind::kBreak : TemplateNode::Kind::kContinue;
      CLEW_TRY(close());
    } else {
      node.kind = TemplateNode::Kind::kAction;
      node.pipe = CLEW_TRY(pipe(depth));
      CLEW_TRY(close());
    }
    out.push_back(std::move(node));
    return {};
  }

  // Behind `if`, `range` or `with`: the value, the body, and what stands for it otherwise.
  Status branch(TemplateNode& node, int depth) {
    size_t variables = variables_.size();
    bool range = node.kind == TemplateNode::Kind::kRange;
    spaces();
    node.pipe = CLEW_TRY(pipe(depth));
    CLEW_TRY(close());
    ranges_ += range ? 1 : 0;
    Ended ended = CLEW_TRY(nodes(node.body, depth + 1));
    ranges_ -= range ? 1 : 0;
    if (ended == Ended::kElse) {
      spaces();
      bool chained = !range && is(Kind::kName) && (word().text == "if" || word().text == "with");
      if (chained) {
        // {{else if}}: one node inside, which ends both.
        CLEW_TRY(action(node.otherwise, depth + 1));
        variables_.resize(variables);
        return {};
      }
      CLEW_TRY(close());
      ended = CLEW_TRY(nodes(node.otherwise, depth + 1));
      if (ended == Ended::kElse) return template_mistake(line(), "a second {{else}}");
    }
    if (ended == Ended::kText) return template_mistake(node.line, "no {{end}} for what begins here");
    variables_.resize(variables);
    return {};
  }

  Status template_name(std::string& name) {
    spaces();
    if (!is(Kind::kString)) return template_mistake(line(), "expected the name of a template in quotes");
    name = words_[at_++].text;
    return {};
  }

  Status define(int depth) {
    std::string name;
    CLEW_TRY(template_name(name));
    CLEW_TRY(close());
    return defined_body(name, depth);
  }

  Status defined_body(const std::string& name, int depth) {
    // It sees only $, which is what it is given.
    std::vector<std::string> outer = std::move(variables_);
    variables_ = {"$"};
    uint32_t begun = line();
    TemplateNodes body;
    Ended ended = CLEW_TRY(nodes(body, depth + 1));
    if (ended != Ended::kEnd) return template_mistake(begun, "no {{end}} for the template " + quoted(name));
    variables_ = std::move(outer);
    tree_.defined[name] = std::move(body);
    return {};
  }

  Result<TemplatePipePtr> pipe(int depth) {
    if (depth > kTemplateDepthMax) return Error(Code::kTooLarge, "a template is nested too deeply");
    auto out = std::make_unique<TemplatePipe>();
    out->line = line();
    CLEW_TRY(variables(*out));
    while (true) {
      spaces();
      TemplateCommand one;
      CLEW_TRY(command(one, depth));
      if (one.operands.empty()) return template_mistake(line(), "missing value for command");
      if (!out->commands.empty() && one.operands[0].kind == TemplateOperand::Kind::kConstant) {
        return template_mistake(line(), "a constant cannot stand behind |: it is no function");
      }
      out->commands.push_back(std::move(one));
      if (!take(Kind::kPipe)) break;
    }
    if (out->declares) variables_.insert(variables_.end(), out->variables.begin(), out->variables.end());
    return out;
  }

  // `$x :=`, `$i, $x :=`, `$x =`; nothing taken where it is none.
  Status variables(TemplatePipe& out) {
    size_t begin = at_;
    std::vector<std::string> names;
    while (is(Kind::kVariable) && names.size() < 2) {
      names.push_back(words_[at_++].text);
      spaces();
      if (!take(Kind::kComma)) break;
      spaces();
    }
    if (names.empty() || !(is(Kind::kDeclare) || is(Kind::kAssign))) {
      at_ = begin;
      return {};
    }
    out.declares = is(Kind::kDeclare);
    ++at_;
    for (const std::string& name : names) {
      if (!out.declares) CLEW_TRY(known(name));
    }
    out.variables = std::move(names);
    return {};
  }

  Status known(const std::string& name) const {
    for (const std::string& one : variables_) {
      if (one == name) return {};
    }
    return template_mistake(line(), "undefined variable " + quoted(name));
  }

  Status command(TemplateCommand& out, int depth) {
    while (true) {
      spaces();
      if (is(Kind::kClose) || is(Kind::kRight) || is(Kind::kPipe) || is(Kind::kEnd)) return {};
      TemplateOperand one;
      CLEW_TRY(operand(one, depth));
      out.operands.push_back(std::move(one));
      bool goes_on = is(Kind::kSpace) || is(Kind::kClose) || is(Kind::kRight) || is(Kind::kPipe);
      if (!goes_on) return template_mistake(line(), "unexpected " + shown() + " in operand");
    }
  }

  Status operand(TemplateOperand& out, int depth) {
    const TemplateWord& first = word();
    switch (first.kind) {
      case Kind::kField:
        if (!first.text.empty()) out.fields.push_back(first.text);
        break;
      case Kind::kVariable:
        CLEW_TRY(known(first.text));
        out.kind = TemplateOperand::Kind::kVariable;
        out.name = first.text;
        break;
      case Kind::kString:
        out.kind = TemplateOperand::Kind::kConstant;
        out.constant = Value::of(first.text);
        break;
      case Kind::kCharacter:
      case Kind::kNumber: CLEW_TRY(number(first, out)); break;
      case Kind::kName: CLEW_TRY(name(first, out)); break;
      case Kind::kLeft: {
        ++at_;
        spaces();
        out.kind = TemplateOperand::Kind::kPipe;
        out.pipe = CLEW_TRY(pipe(depth + 1));
        spaces();
        if (!is(Kind::kRight)) return template_mistake(line(), "unclosed left paren");
        break;
      }
      default: return template_mistake(line(), "unexpected " + shown() + " in command");
    }
    ++at_;
    while (is(Kind::kField) && !word().text.empty()) {
      if (out.kind == TemplateOperand::Kind::kConstant) {
        return template_mistake(line(), "unexpected . after a constant: it has no fields");
      }
      out.fields.push_back(words_[at_++].text);
    }
    return {};
  }

  Status name(const TemplateWord& first, TemplateOperand& out) const {
    if (first.text == "true" || first.text == "false") {
      out.kind = TemplateOperand::Kind::kConstant;
      out.constant = Value::of(first.text == "true");
      return {};
    }
    if (first.text == "nil") {
      out.kind = TemplateOperand::Kind::kConstant;
      return {};
    }
    if (!is_template_function(first.text)) {
      return template_mistake(first.line, "function " + quoted(first.text) + " not defined");
    }
    out.kind = TemplateOperand::Kind::kFunction;
    out.name = first.text;
    return {};
  }

  static Status number(const TemplateWord& first, TemplateOperand& out) {
    out.kind = TemplateOperand::Kind::kConstant;
    std::string_view digits = first.text;
    if (digits.starts_with('+')) digits.remove_prefix(1);
    int64_t whole = 0;
    auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), whole);
    if (error == std::errc() && end == digits.data() + digits.size()) {
      out.constant = Value::of(whole);
      return {};
    }
    std::optional<double> value = query::promql::parse_number(digits);
    if (!value) return template_mistake(first.line, "bad number syntax: " + quoted(first.text));
    bool hex = digits.find('x') != std::string_view::npos || digits.find('X') != std::string_view::npos;
    out.constant = hex ? Value::of(static_cast<int64_t>(*value)) : Value::of(*value);
    return {};
  }

  std::vector<TemplateWord> words_;
  size_t at_ = 0;
  std::vector<std::string> variables_;
  int ranges_ = 0;
  TemplateTree tree_;
};

}  // namespace

Result<TemplateTree> parse_template(std::string_view text, const std::vector<std::string>& variables) {
  if (text.size() > kTemplateBytesMax) return Error(Code::kTooLarge, "a template is over 1 MiB");
  std::vector<TemplateWord> words = CLEW_TRY(split_template(text));
  return Parser(std::move(words), variables).run();
}

}  // namespace clew::alert
