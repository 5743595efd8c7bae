// Words of a template: texts outside of {{ }}, and what stands inside.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace clew::alert {

struct TemplateWord {
  enum class Kind : uint8_t {
    kText,   // outside, white space trimmed as {{- and -}} ask
    kOpen,   // {{
    kClose,  // }}
    kName,   // if, range, printf
    kField,  // .name, without the dot; "" for a dot alone
    kVariable,
    kNumber,
    kString,     // the quotes undone
    kCharacter,  // its code in `text`
    kPipe,
    kComma,
    kDeclare,  // :=
    kAssign,   // =
    kLeft,
    kRight,
    kSpace,
    kEnd,
  };
  Kind kind = Kind::kEnd;
  std::string text;
  uint32_t line = 1;
};

// Errors: kInvalid "template:LINE: what is wrong".
Result<std::vector<TemplateWord>> split_template(std::string_view text);

Error template_mistake(uint32_t line, const std::string& message);

}  // namespace clew::alert
