#include "query/ppl/member.h"

namespace clew::query::ppl {

namespace {

model::Value find(const model::Value& value, std::string_view path) {
  if (path.empty()) return value;
  if (value.type() == model::Type::kArray) {
    model::Values found;
    for (const model::Value& item : value.items()) {
      model::Value member = find(item, path);
      if (!member.is_null()) found.push_back(std::move(member));
    }
    if (found.empty()) return {};
    return found.size() == 1 ? found[0] : model::Value::array(std::move(found));
  }
  if (value.type() != model::Type::kStruct) return {};
  for (const auto& [key, member] : value.members()) {
    if (!path.starts_with(key)) continue;
    std::string_view rest = path.substr(key.size());
    if (rest.empty()) return member;
    if (rest[0] != '.') continue;
    model::Value found = find(member, rest.substr(1));
    if (!found.is_null()) return found;
  }
  return {};
}

}  // namespace

Status MemberStep::map(exec::Block& block) const {
  std::vector<model::Value> values(block.rows);
  if (const model::Vector* base = block.find(member_.base)) {
    for (uint32_t row = 0; row < block.rows; ++row) values[row] = find(base->value(row), member_.path);
  }
  block.set(member_.out, exec::vector_of(values));
  return {};
}

}  // namespace clew::query::ppl
