#include "yaml/fields.h"

#include "base/result.h"

namespace clew::yaml {

Fields::Fields(std::string where, const Tree& tree, Mistakes& mistakes)
    : where_(std::move(where)), tree_(tree), mistakes_(mistakes) {
  if (!tree.is_map() && !tree.is_null()) blame(tree.line, "expected keys and values");
}

const Tree* Fields::find(std::string_view key, Tree::Kind kind, std::string_view expected) {
  const Tree* value = any(key);
  if (value == nullptr || value->kind == kind) return value;
  blame(value->line, std::string(key) + ": expected " + std::string(expected));
  return nullptr;
}

const Tree* Fields::any(std::string_view key) {
  asked_.emplace(key);
  const Tree* value = tree_.find(key);
  return value == nullptr || value->is_null() ? nullptr : value;
}

const Tree* Fields::text(std::string_view key) { return find(key, Tree::Kind::kText, "one value"); }
const Tree* Fields::list(std::string_view key) {
  return find(key, Tree::Kind::kList, "a list, each entry begins with -");
}
const Tree* Fields::map(std::string_view key) { return find(key, Tree::Kind::kMap, "keys and values"); }

std::string Fields::text_or_empty(std::string_view key) {
  const Tree* value = text(key);
  return value == nullptr ? std::string() : value->text;
}

std::vector<std::pair<std::string, std::string>> Fields::texts(std::string_view key) {
  std::vector<std::pair<std::string, std::string>> out;
  const Tree* all = map(key);
  if (all == nullptr) return out;
  for (const auto& [name, value] : all->members) {
    if (!value.is_text() && !value.is_null())
      blame(value.line, std::string(key) + "." + name.text + ": expected a text");
    out.emplace_back(name.text, value.text);
  }
  return out;
}

bool Fields::yes(std::string_view key, bool otherwise) {
  const Tree* value = text(key);
  if (value == nullptr) return otherwise;
  if (value->text == "true" || value->text == "yes") return true;
  if (value->text != "false" && value->text != "no") {
    blame(value->line, std::string(key) + ": " + quoted(value->text) + " is neither true nor false");
  }
  return false;
}

uint32_t Fields::line_of(std::string_view key) const {
  for (const auto& [name, value] : tree_.members) {
    if (name.text == key) return name.line;
  }
  return tree_.line;
}

void Fields::blame(uint32_t line, const std::string& message) {
  mistakes_.push_back({line, where_.empty() ? message : where_ + ": " + message});
}

void Fields::finish() {
  for (const auto& [name, value] : tree_.members) {
    if (asked_.count(name.text) > 0) continue;
    std::string known;
    for (const std::string& one : asked_) known += (known.empty() ? "" : ", ") + one;
    blame(name.line, "no key " + quoted(name.text) + "; known here: " + known);
  }
}

}  // namespace clew::yaml
