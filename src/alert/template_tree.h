// A template as a tree: text, actions, and what runs through them (the grammar of Go's text/template).
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "alert/template_value.h"
#include "base/result.h"

namespace clew::alert {

constexpr size_t kTemplateBytesMax = 1u << 20;
constexpr int kTemplateDepthMax = 100;

struct TemplatePipe;
using TemplatePipePtr = std::unique_ptr<TemplatePipe>;

// One word of a command: `.`, `.Labels.job`, `$x.y`, `"text"`, `printf`, `(query "up" | first).Value`.
struct TemplateOperand {
  enum class Kind : uint8_t { kDot, kConstant, kVariable, kFunction, kPipe };
  Kind kind = Kind::kDot;
  Value constant;                   // kConstant
  std::string name;                 // of a variable ("$x", "$") or function
  TemplatePipePtr pipe;             // kPipe
  std::vector<std::string> fields;  // looked up in it, one behind the other
};

struct TemplateCommand {
  std::vector<TemplateOperand> operands;  // the first one is called with the rest
};

struct TemplatePipe {
  std::vector<std::string> variables;  // set to the value: `$x :=`, `$i, $x :=`
  bool declares = false;               // := and not =
  std::vector<TemplateCommand> commands;
  uint32_t line = 0;
};

struct TemplateNode;
using TemplateNodes = std::vector<TemplateNode>;

struct TemplateNode {
  enum class Kind : uint8_t { kText, kAction, kIf, kRange, kWith, kTemplate, kBreak, kContinue };
  Kind kind = Kind::kText;
  uint32_t line = 0;
  std::string text;      // kText; of kTemplate its name
  TemplatePipePtr pipe;  // null of a {{template "x"}} without one
  TemplateNodes body;
  TemplateNodes otherwise;
};

struct TemplateTree {
  TemplateNodes nodes;
  std::map<std::string, TemplateNodes> defined;
};

// `variables` are set from outside. Errors: kInvalid "template:LINE: what is wrong"; kTooLarge over a limit.
Result<TemplateTree> parse_template(std::string_view text, const std::vector<std::string>& variables);

// Names that a command may call; functions.h of this folder has their work.
bool is_template_function(std::string_view name);

}  // namespace clew::alert
