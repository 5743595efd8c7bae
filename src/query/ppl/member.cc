#include "query/ppl/member.h"

#include <absl/container/flat_hash_map.h>

#include "query/exec/coded_texts.h"

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

// Where few structs serve many rows (geoip()) and the member is a text: a dictionary. Null where it is not so.
model::VectorPtr coded(const model::Vector& base, std::string_view path) {
  constexpr uint32_t kRowsPerStruct = 4;
  constexpr uint32_t kNull = UINT32_MAX;
  if (base.layout != model::Layout::kValues || base.type != model::Type::kStruct) return nullptr;
  exec::CodedTexts out(base.size);
  absl::flat_hash_map<const model::Members*, uint32_t> codes;
  for (const model::Value& value : base.values) {
    uint32_t code = kNull;
    if (value.type() == model::Type::kStruct) {
      auto [it, fresh] = codes.try_emplace(&value.members(), kNull);
      if (fresh && codes.size() * kRowsPerStruct > base.size) return nullptr;
      if (fresh) {
        model::Value member = find(value, path);
        if (!member.is_null() && member.type() != model::Type::kString) return nullptr;
        if (!member.is_null()) it->second = out.code(member.text());
      }
      code = it->second;
    }
    code == kNull ? out.add_null() : out.add(code);
  }
  return out.finish();
}

}  // namespace

Status MemberStep::map(exec::Block& block) const {
  std::vector<model::Value> values(block.rows);
  if (const model::Vector* base = block.find(member_.base)) {
    if (model::VectorPtr few = coded(*base, member_.path)) {
      block.set(member_.out, std::move(few));
      return {};
    }
    for (uint32_t row = 0; row < block.rows; ++row) values[row] = find(base->value(row), member_.path);
  }
  block.set(member_.out, exec::vector_of(values));
  return {};
}

}  // namespace clew::query::ppl
