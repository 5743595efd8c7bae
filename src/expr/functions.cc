#include "expr/functions.h"

#include <algorithm>
#include <unordered_map>

#include "expr/print.h"

namespace clew::expr {
namespace {

using model::Type;

using FunctionMap = std::unordered_map<std::string_view, const FunctionDef*>;

FunctionMap collect() {
  FunctionMap map;
  for (auto family :
       {arithmetic_functions(), compare_functions(), pattern_functions(), condition_functions(), math_functions(),
        text_functions(), convert_functions(), time_functions(), time_format_functions(), crypto_functions(),
        array_functions(), json_functions(), geo_functions()}) {
    for (const FunctionDef& function : family) map.emplace(function.name, &function);
  }
  return map;
}

const FunctionMap& all_functions() {
  static const FunctionMap map = collect();
  return map;
}

}  // namespace

const FunctionDef* find_function(std::string_view name) {
  auto found = all_functions().find(name);
  return found == all_functions().end() ? nullptr : found->second;
}

std::vector<std::string_view> function_names() {
  std::vector<std::string_view> names;
  for (const auto& [name, function] : all_functions()) {
    bool word = name[0] >= 'a' && name[0] <= 'z';
    if (word && (function->flags & kHidden) == 0) names.push_back(name);
  }
  std::sort(names.begin(), names.end());
  return names;
}

Type type_of_first(std::span<const BoundPtr> args) { return args.empty() ? Type::kNull : args[0]->type; }

Type type_of_second(std::span<const BoundPtr> args) { return args.size() < 2 ? Type::kNull : args[1]->type; }

Type common_type(Type a, Type b) {
  if (a == b || b == Type::kNull) return a;
  if (a == Type::kNull) return b;
  if (is_integer(a) && is_integer(b)) return Type::kLong;
  bool numbers = is_number(a) && is_number(b) && a != Type::kULong && b != Type::kULong;
  return numbers ? Type::kDouble : Type::kMixed;
}

Type common_type(std::span<const BoundPtr> args) {
  Type type = Type::kNull;
  for (const BoundPtr& arg : args) type = common_type(type, arg->type);
  return type;
}

std::string_view text_of(const Cell& cell, std::string& buffer) {
  if (is_text(cell.type)) return cell.text;
  buffer = print_value(value_of(cell));
  return buffer;
}

Error evaluation_error(std::string message) { return Error(Code::kInvalid, std::move(message)); }

}  // namespace clew::expr
