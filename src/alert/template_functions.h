// The functions of templates: Go's own and those that Prometheus adds.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "alert/template_value.h"
#include "base/result.h"

namespace clew::alert {

// What functions need from outside.
struct TemplateDoor {
  // A list of samples, {Labels, Value} each.
  std::function<Result<Value>(const std::string& expr)> query;
  std::string external_url;
  int64_t at_millis = 0;
};

using TemplateFunction = Result<Value> (*)(const TemplateDoor& door, const ValueList& args);

struct TemplateFunctionEntry {
  std::string_view name;
  size_t args_min = 0;
  size_t args_max = 0;
  TemplateFunction run = nullptr;  // null: `and` and `or`, which look at no more than they need
};

// Null where there is none.
const TemplateFunctionEntry* find_template_function(std::string_view name);

// Where people see what a query gives now: "/graph?g0.expr=...&g0.tab=1".
std::string expression_link(std::string_view expr);

// Numbers as people read them. Errors: kInvalid for what is no number.
Result<Value> humanize(const TemplateDoor& door, const ValueList& args);
Result<Value> humanize1024(const TemplateDoor& door, const ValueList& args);
Result<Value> humanize_duration(const TemplateDoor& door, const ValueList& args);
Result<Value> humanize_percentage(const TemplateDoor& door, const ValueList& args);
Result<Value> humanize_timestamp(const TemplateDoor& door, const ValueList& args);
Result<Value> to_time(const TemplateDoor& door, const ValueList& args);
Result<Value> to_duration(const TemplateDoor& door, const ValueList& args);

}  // namespace clew::alert
