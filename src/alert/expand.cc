#include "alert/expand.h"

#include <fmt/format.h>

#include "alert/template_functions.h"
#include "alert/template_lexer.h"
#include "alert/template_tree.h"

namespace clew::alert {
namespace {

namespace promql = query::promql;

// What templates of rules may say without saying where it is from.
const std::vector<std::string> kGiven = {"$", "$labels", "$externalLabels", "$externalURL", "$value"};

enum class Flow : uint8_t { kNext, kBreak, kContinue };

class Runner {
 public:
  Runner(const TemplateTree& tree, const TemplateDoor& door) : tree_(tree), door_(door) {}

  void set(std::string name, Value value) { variables_.emplace_back(std::move(name), std::move(value)); }
  Result<Flow> run(const TemplateNodes& nodes, const Value& dot) {
    for (const TemplateNode& node : nodes) {
      Flow flow = CLEW_TRY(run(node, dot));
      if (flow != Flow::kNext) return flow;
    }
    return Flow::kNext;
  }
  std::string take() { return std::move(out_); }

 private:
  Status count() {
    if (++steps_ > kTemplateStepsMax) return Error(Code::kLimit, "a template takes more than 100000 steps");
    if (out_.size() > kExpandedBytesMax) return Error(Code::kLimit, "a template gives more than 1 MiB");
    return {};
  }

  Result<Flow> run(const TemplateNode& node, const Value& dot) {
    CLEW_TRY(count());
    switch (node.kind) {
      case TemplateNode::Kind::kText: out_ += node.text; return Flow::kNext;
      case TemplateNode::Kind::kBreak: return Flow::kBreak;
      case TemplateNode::Kind::kContinue: return Flow::kContinue;
      case TemplateNode::Kind::kAction: {
        Value value = CLEW_TRY(pipe(*node.pipe, dot));
        if (node.pipe->variables.empty()) out_ += print_value(value);
        return Flow::kNext;
      }
      case TemplateNode::Kind::kTemplate: return run_template(node, dot);
      case TemplateNode::Kind::kRange: return run_range(node, dot);
      default: return run_branch(node, dot);
    }
  }

  Result<Flow> run_branch(const TemplateNode& node, const Value& dot) {
    size_t mark = variables_.size();
    Value value = CLEW_TRY(pipe(*node.pipe, dot));
    bool with = node.kind == TemplateNode::Kind::kWith;
    Flow flow = Flow::kNext;
    if (value.is_true()) {
      flow = CLEW_TRY(run(node.body, with ? value : dot));
    } else {
      flow = CLEW_TRY(run(node.otherwise, dot));
    }
    variables_.resize(mark);
    return flow;
  }

  Result<Flow> run_range(const TemplateNode& node, const Value& dot) {
    size_t mark = variables_.size();
    Value over = CLEW_TRY(pipe(*node.pipe, dot));
    std::vector<std::pair<Value, Value>> items;
    if (over.kind == Value::Kind::kList) {
      for (const Value& one : *over.list) items.emplace_back(Value::of(static_cast<int64_t>(items.size())), one);
    } else if (over.kind == Value::Kind::kMap) {
      for (const auto& [name, one] : *over.map) items.emplace_back(Value::of(name), one);
    } else if (over.kind == Value::Kind::kInt) {
      for (int64_t i = 0; i < over.integer && items.size() <= kTemplateStepsMax; ++i) {
        items.emplace_back(Value::of(i), Value::of(i));
      }
    } else if (over.kind != Value::Kind::kNone) {
      return template_mistake(node.line, "range can't iterate over a " + std::string(over.type_text()));
    }
    if (items.empty()) {
      Flow flow = CLEW_TRY(run(node.otherwise, dot));
      variables_.resize(mark);
      return flow;
    }
    const std::vector<std::string>& names = node.pipe->variables;
    for (const auto& [key, one] : items) {
      CLEW_TRY(count());
      if (names.size() == 1) assign(names[0], one);
      if (names.size() == 2) {
        assign(names[0], key);
        assign(names[1], one);
      }
      size_t inner = variables_.size();
      Flow flow = CLEW_TRY(run(node.body, one));
      variables_.resize(inner);
      if (flow == Flow::kBreak) break;
    }
    variables_.resize(mark);
    return Flow::kNext;
  }

  Result<Flow> run_template(const TemplateNode& node, const Value& dot) {
    auto found = tree_.defined.find(node.text);
    if (found == tree_.defined.end()) {
      return template_mistake(node.line, "template " + quoted(node.text) + " not defined");
    }
    if (++depth_ > kTemplateDepthMax) return template_mistake(node.line, "templates call each other without an end");
    Value given;
    if (node.pipe != nullptr) given = CLEW_TRY(pipe(*node.pipe, dot));
    std::vector<std::pair<std::string, Value>> outer = std::move(variables_);
    variables_.clear();
    set("$", given);
    CLEW_TRY(run(found->second, given));
    variables_ = std::move(outer);
    --depth_;
    return Flow::kNext;
  }

  void assign(const std::string& name, const Value& value) {
    for (size_t i = variables_.size(); i-- > 0;) {
      if (variables_[i].first != name) continue;
      variables_[i].second = value;
      return;
    }
  }

  Result<Value> pipe(const TemplatePipe& pipe, const Value& dot) {
    CLEW_TRY(count());
    Value value;
    for (size_t i = 0; i < pipe.commands.size(); ++i) {
      value = CLEW_TRY(command(pipe.commands[i], pipe.line, dot, i == 0 ? nullptr : &value));
    }
    for (const std::string& name : pipe.variables) {
      if (pipe.declares) {
        set(name, value);
      } else {
        assign(name, value);
      }
    }
    return value;
  }

  // `last`: what came through the pipe, given behind the other arguments.
  Result<Value> command(const TemplateCommand& command, uint32_t line, const Value& dot, const Value* last) {
    const TemplateOperand& first = command.operands[0];
    if (first.kind == TemplateOperand::Kind::kFunction) {
      Value value = CLEW_TRY(call(command, line, dot, last));
      return fields(std::move(value), first.fields, line);
    }
    if (command.operands.size() > 1 || last != nullptr) {
      return template_mistake(line, "can't give argument to non-function");
    }
    return operand(first, line, dot);
  }

  Result<Value> operand(const TemplateOperand& operand, uint32_t line, const Value& dot) {
    Value value;
    switch (operand.kind) {
      case TemplateOperand::Kind::kDot: value = dot; break;
      case TemplateOperand::Kind::kConstant: return operand.constant;
      case TemplateOperand::Kind::kPipe: value = CLEW_TRY(pipe(*operand.pipe, dot)); break;
      case TemplateOperand::Kind::kVariable:
        for (size_t i = variables_.size(); i-- > 0;) {
          if (variables_[i].first != operand.name) continue;
          value = variables_[i].second;
          break;
        }
        break;
      case TemplateOperand::Kind::kFunction: {
        const TemplateFunctionEntry* function = find_template_function(operand.name);
        value = CLEW_TRY(run_function(*function, {}, line));
        break;
      }
    }
    return fields(std::move(value), operand.fields, line);
  }

  static Result<Value> fields(Value value, const std::vector<std::string>& names, uint32_t line) {
    for (const std::string& name : names) {
      if (value.kind != Value::Kind::kMap && value.kind != Value::Kind::kStruct) {
        return template_mistake(line, fmt::format("can't evaluate field {} in type {}", name, value.type_text()));
      }
      auto found = value.map->find(name);
      if (found == value.map->end() && value.kind == Value::Kind::kStruct) {
        return template_mistake(line, fmt::format("can't evaluate field {} in type {}", name, value.type_text()));
      }
      value = found == value.map->end() ? Value::of(std::string()) : Value(found->second);
    }
    return value;
  }

  Result<Value> call(const TemplateCommand& command, uint32_t line, const Value& dot, const Value* last) {
    const TemplateFunctionEntry* function = find_template_function(command.operands[0].name);
    if (function->run == nullptr) return run_logic(*function, command, line, dot, last);
    ValueList args;
    for (size_t i = 1; i < command.operands.size(); ++i) {
      Value one = CLEW_TRY(operand(command.operands[i], line, dot));
      args.push_back(std::move(one));
    }
    if (last != nullptr) args.push_back(*last);
    return run_function(*function, args, line);
  }

  Result<Value> run_function(const TemplateFunctionEntry& function, const ValueList& args, uint32_t line) {
    if (args.size() < function.args_min || args.size() > function.args_max) {
      return template_mistake(line, fmt::format("wrong number of args for {}: want {} got {}", function.name,
                                                function.args_min, args.size()));
    }
    Result<Value> done = function.run(door_, args);
    if (done.ok()) return done;
    Code code = done.error().code();
    return Error(code, fmt::format("template:{}: error calling {}: {}", line, function.name, done.error().message()));
  }

  // `and` and `or` stop at the first argument that decides.
  Result<Value> run_logic(const TemplateFunctionEntry& function, const TemplateCommand& command, uint32_t line,
                          const Value& dot, const Value* last) {
    bool ends_at = function.name == "or";
    Value value;
    size_t given = command.operands.size() - 1 + (last != nullptr ? 1 : 0);
    if (given == 0)
      return template_mistake(line, fmt::format("wrong number of args for {}: want at least 1 got 0", function.name));
    for (size_t i = 1; i < command.operands.size(); ++i) {
      value = CLEW_TRY(operand(command.operands[i], line, dot));
      if (value.is_true() == ends_at) return value;
    }
    return last != nullptr ? *last : value;
  }

  const TemplateTree& tree_;
  const TemplateDoor& door_;
  std::vector<std::pair<std::string, Value>> variables_;
  std::string out_;
  uint64_t steps_ = 0;
  int depth_ = 0;
};

Value map_of(model::LabelsView labels) {
  ValueMap map;
  for (model::Label label : labels) map.emplace(std::string(label.name), Value::of(std::string(label.value)));
  return Value::map_of(std::move(map));
}

Value sample_of(const model::Labels& labels, double value) {
  ValueMap fields;
  fields.emplace("Labels", map_of(labels));
  fields.emplace("Value", Value::of(value));
  return Value::struct_of(std::move(fields));
}

Result<Value> ask(const Ask& ask, const std::string& expr, int64_t at_millis) {
  promql::Answer answer = CLEW_TRY(ask(expr, at_millis));
  ValueList samples;
  if (answer.type == promql::ValueType::kScalar) samples.push_back(sample_of({}, answer.scalar));
  if (answer.type == promql::ValueType::kString) {
    samples.push_back(sample_of(model::LabelsBuilder().set("__value__", answer.text).build(), 0));
  }
  for (const promql::ResultSeries& series : answer.series) {
    if (series.samples.size() > 0) samples.push_back(sample_of(series.labels, series.samples.values.back()));
  }
  return Value::of(std::move(samples));
}

}  // namespace

Result<std::string> expand(std::string_view text, const Surroundings& around) {
  // Most texts say nothing but themselves.
  if (text.find("{{") == std::string_view::npos) return std::string(text);
  TemplateTree tree = CLEW_TRY(parse_template(text, kGiven));
  TemplateDoor door;
  door.at_millis = around.at_millis;
  if (around.externals != nullptr) door.external_url = around.externals->url;
  if (around.ask != nullptr) {
    door.query = [&around](const std::string& expr) { return ask(*around.ask, expr, around.at_millis); };
  }
  ValueMap external;
  if (around.externals != nullptr) {
    for (const auto& [name, value] : around.externals->labels) external.emplace(name, Value::of(value));
  }
  ValueMap dot;
  dot.emplace("Labels", map_of(around.labels));
  dot.emplace("ExternalLabels", Value::map_of(std::move(external)));
  dot.emplace("ExternalURL", Value::of(door.external_url));
  dot.emplace("Value", Value::of(around.value));
  Runner runner(tree, door);
  runner.set("$labels", dot.at("Labels"));
  runner.set("$externalLabels", dot.at("ExternalLabels"));
  runner.set("$externalURL", dot.at("ExternalURL"));
  runner.set("$value", dot.at("Value"));
  Value root = Value::struct_of(std::move(dot));
  runner.set("$", root);
  CLEW_TRY(runner.run(tree.nodes, root));
  return runner.take();
}

std::string expand_or_error(std::string_view text, const Surroundings& around) {
  Result<std::string> done = expand(text, around);
  if (done.ok()) return std::move(done).take();
  return "<error expanding template: " + done.error().message() + ">";
}

Status check_template(std::string_view text) {
  if (text.find("{{") == std::string_view::npos) return {};
  CLEW_TRY(parse_template(text, kGiven));
  return {};
}

}  // namespace clew::alert
