// Functions of JSON text. Paths are `a.b`, `a{0}.b`, `a{}` for every element and `['a.b']` for a name with dots.
#include <nlohmann/json.hpp>

#include <charconv>

#include "expr/coerce.h"
#include "expr/functions.h"
#include "expr/print.h"

namespace clew::expr {
namespace {

using Json = nlohmann::ordered_json;
using model::Type;

constexpr int kJsonDepthMax = 64;  // deeper texts count as no JSON
constexpr size_t kPathStepsMax = 256;

bool is_shallow(std::string_view text) {
  int depth = 0;
  bool in_string = false;
  for (size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (in_string) {
      if (c == '\\') ++i;
      in_string = c != '"';
    } else if (c == '"') {
      in_string = true;
    } else if (c == '{' || c == '[') {
      if (++depth > kJsonDepthMax) return false;
    } else if (c == '}' || c == ']') {
      --depth;
    }
  }
  return true;
}

// discarded when the text is no JSON; the parser's form that does not throw.
Json parsed(const Cell& cell) {
  if (!is_text(cell.type) || !is_shallow(cell.text)) return Json(Json::value_t::discarded);
  return Json::parse(cell.text.begin(), cell.text.end(), nullptr, false);
}

std::string dumped(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace); }

// A JSON text for what a function was given: text stays text, numbers numbers.
Json json_of(const Cell& cell) {
  if (is_text(cell.type)) return Json(std::string(cell.text));
  std::string text;
  append_json(value_of(cell), text);
  return Json::parse(text, nullptr, false);
}

struct Step {
  std::string key;    // of an object
  int64_t index = 0;  // of an array, when `key` is not meant
  enum class Kind : uint8_t { kKey, kIndex, kEvery } kind = Kind::kKey;
};

bool parse_brace(std::string_view& path, std::vector<Step>& steps) {
  size_t close = path.find('}');
  if (close == std::string_view::npos) return false;
  std::string_view inner = path.substr(1, close - 1);
  path.remove_prefix(close + 1);
  Step step;
  if (inner.empty() || inner == "*") {
    step.kind = Step::Kind::kEvery;
  } else {
    step.kind = Step::Kind::kIndex;
    auto [end, failed] = std::from_chars(inner.data(), inner.data() + inner.size(), step.index);
    if (failed != std::errc() || end != inner.data() + inner.size() || step.index < 0) return false;
  }
  steps.push_back(std::move(step));
  return true;
}

// Empty when the path cannot be read.
std::vector<Step> parse_path(std::string_view path) {
  std::vector<Step> steps;
  if (path.substr(0, 2) == "$.") path.remove_prefix(2);
  while (!path.empty() && steps.size() < kPathStepsMax) {
    if (path[0] == '.') {
      path.remove_prefix(1);
    } else if (path.starts_with("['") || path.starts_with("[\"")) {
      size_t close = path.find(std::string(1, path[1]) + "]", 2);
      if (close == std::string_view::npos) return {};
      Step step;
      step.key = std::string(path.substr(2, close - 2));
      steps.push_back(std::move(step));
      path.remove_prefix(close + 2);
    } else if (path[0] == '{') {
      if (!parse_brace(path, steps)) return {};
    } else {
      size_t end = std::min(path.find_first_of(".{", 1), path.size());
      Step step;
      step.key = std::string(path.substr(0, end));
      steps.push_back(std::move(step));
      path.remove_prefix(end);
    }
  }
  return steps;
}

// Calls f(node) for every node that the steps reach.
template <class F>
void visit(Json& node, std::span<const Step> steps, const F& f) {
  if (steps.empty()) {
    f(node);
    return;
  }
  const Step& step = steps.front();
  if (step.kind == Step::Kind::kKey) {
    if (!node.is_object()) return;
    auto found = node.find(step.key);
    if (found != node.end()) visit(found.value(), steps.subspan(1), f);
  } else if (node.is_array()) {
    if (step.kind == Step::Kind::kEvery) {
      for (Json& item : node) visit(item, steps.subspan(1), f);
    } else if (static_cast<size_t>(step.index) < node.size()) {
      visit(node[static_cast<size_t>(step.index)], steps.subspan(1), f);
    }
  }
}

bool many(const std::vector<Step>& steps) {
  return std::any_of(steps.begin(), steps.end(), [](const Step& step) { return step.kind == Step::Kind::kEvery; });
}

// What one path gives: a value, a list where the path has `{}`, or discarded.
Json extracted(Json& json, std::string_view path) {
  std::vector<Step> steps = parse_path(path);
  Json list = Json::array();
  if (!steps.empty()) visit(json, steps, [&list](Json& node) { list.push_back(node); });
  if (list.empty()) return Json(Json::value_t::discarded);
  if (many(steps)) return list;
  return list[0];
}

Status extract(const Bound&, std::span<const Cell> args, VectorBuilder& out) {
  Json json = parsed(args[0]);
  if (json.is_discarded()) {
    out.add_null();
    return {};
  }
  if (args.size() == 2) {
    Json found = extracted(json, args[1].text);
    if (found.is_discarded() || found.is_null()) {
      out.add_null();
    } else {
      out.add_string(found.is_string() ? found.get_ref<const std::string&>() : dumped(found));
    }
    return {};
  }
  Json all = Json::array();
  for (const Cell& path : args.subspan(1)) {
    Json found = extracted(json, path.text);
    all.push_back(found.is_discarded() ? Json() : std::move(found));
  }
  out.add_string(dumped(all));
  return {};
}

Status valid(const Bound&, std::span<const Cell> args, VectorBuilder& out) {
  out.add_bool(!parsed(args[0]).is_discarded());
  return {};
}

Status json(const Bound&, std::span<const Cell> args, VectorBuilder& out) {
  if (parsed(args[0]).is_discarded()) {
    out.add_null();
  } else {
    out.add_string(args[0].text);
  }
  return {};
}

Status object(const Bound&, std::span<const Cell> args, VectorBuilder& out) {
  if (args.size() % 2 != 0) return evaluation_error("json_object() takes pairs of a name and a value");
  Json made = Json::object();
  for (size_t i = 0; i < args.size(); i += 2) {
    std::string buffer;
    made[std::string(text_of(args[i], buffer))] = json_of(args[i + 1]);
  }
  out.add_string(dumped(made));
  return {};
}

Status list(const Bound&, std::span<const Cell> args, VectorBuilder& out) {
  Json made = Json::array();
  for (const Cell& arg : args) made.push_back(json_of(arg));
  out.add_string(dumped(made));
  return {};
}

Status list_length(const Bound&, std::span<const Cell> args, VectorBuilder& out) {
  Json json = parsed(args[0]);
  if (json.is_array()) {
    out.add_lane(Type::kInt, static_cast<int64_t>(json.size()));
  } else {
    out.add_null();
  }
  return {};
}

Status keys(const Bound&, std::span<const Cell> args, VectorBuilder& out) {
  Json json = parsed(args[0]);
  if (!json.is_object()) {
    out.add_null();
    return {};
  }
  Json names = Json::array();
  for (const auto& item : json.items()) names.push_back(item.key());
  out.add_string(dumped(names));
  return {};
}

void put_changed(const Json& json, VectorBuilder& out) {
  if (json.is_discarded()) {
    out.add_null();
  } else {
    out.add_string(dumped(json));
  }
}

void erase_step(Json& parent, const Step& last) {
  if (last.kind == Step::Kind::kKey) {
    if (parent.is_object()) parent.erase(last.key);
  } else if (parent.is_array()) {
    if (last.kind == Step::Kind::kEvery) {
      parent.clear();
    } else if (static_cast<size_t>(last.index) < parent.size()) {
      parent.erase(static_cast<size_t>(last.index));
    }
  }
}

Status remove(const Bound&, std::span<const Cell> args, VectorBuilder& out) {
  Json json = parsed(args[0]);
  for (const Cell& path : args.subspan(1)) {
    std::vector<Step> steps = parse_path(path.text);
    if (json.is_discarded() || steps.empty()) continue;
    visit(json, std::span(steps).first(steps.size() - 1), [&](Json& parent) { erase_step(parent, steps.back()); });
  }
  put_changed(json, out);
  return {};
}

void set_step(Json& parent, const Step& last, const Json& value) {
  if (last.kind == Step::Kind::kKey) {
    if (parent.is_object()) parent[last.key] = value;
  } else if (parent.is_array()) {
    for (size_t i = 0; i < parent.size(); ++i) {
      bool chosen = last.kind == Step::Kind::kEvery || i == static_cast<size_t>(last.index);
      if (chosen) parent[i] = value;
    }
  }
}

Status set(const Bound&, std::span<const Cell> args, VectorBuilder& out) {
  Json json = parsed(args[0]);
  for (size_t i = 1; i + 1 < args.size(); i += 2) {
    std::vector<Step> steps = parse_path(args[i].text);
    if (json.is_discarded() || steps.empty()) continue;
    Json value = json_of(args[i + 1]);
    visit(json, std::span(steps).first(steps.size() - 1), [&](Json& parent) { set_step(parent, steps.back(), value); });
  }
  put_changed(json, out);
  return {};
}

// Numbers of a list given as text become doubles, as the original has it.
Json as_doubles(const Json& item) { return item.is_number_integer() ? Json(item.get<double>()) : item; }

void extend_list(Json& target, const Cell& value, bool take_apart) {
  if (!target.is_array()) return;
  Json items = take_apart ? parsed(value) : Json(Json::value_t::discarded);
  if (!items.is_array()) {
    target.push_back(json_of(value));
    return;
  }
  for (const Json& item : items) target.push_back(as_doubles(item));
}

template <bool kTakeApart>
Status append(const Bound&, std::span<const Cell> args, VectorBuilder& out) {
  Json json = parsed(args[0]);
  for (size_t i = 1; i + 1 < args.size(); i += 2) {
    std::vector<Step> steps = parse_path(args[i].text);
    if (json.is_discarded() || steps.empty()) continue;
    visit(json, steps, [&](Json& target) { extend_list(target, args[i + 1], kTakeApart); });
  }
  put_changed(json, out);
  return {};
}

constexpr TypeRule kText = always<Type::kString>;

constexpr FunctionDef kTable[] = {
    {"json", 1, 1, kText, json},
    {"json_valid", 1, 1, always<Type::kBool>, valid},
    {"json_object", 0, kAnyCount, kText, object, kNullsToo},
    {"json_array", 0, kAnyCount, kText, list, kNullsToo},
    {"json_array_length", 1, 1, always<Type::kInt>, list_length},
    {"json_extract", 2, kAnyCount, kText, extract},
    {"json_keys", 1, 1, kText, keys},
    {"json_delete", 2, kAnyCount, kText, remove},
    {"json_set", 3, kAnyCount, kText, set},
    {"json_append", 3, kAnyCount, kText, append<false>},
    {"json_extend", 3, kAnyCount, kText, append<true>},
};

}  // namespace

std::span<const FunctionDef> json_functions() { return kTable; }

}  // namespace clew::expr
