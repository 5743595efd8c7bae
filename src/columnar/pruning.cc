#include "columnar/pruning.h"

#include <algorithm>
#include <map>

#include "columnar/fields.h"
#include "columnar/to_vector.h"
#include "model/rest.h"

namespace clew::columnar {

Result<std::vector<bool>> prune(const PruneInput& in, const contract::Predicate&, contract::ScanStats&) {
  return std::vector<bool>(in.groups.size(), true);
}

namespace {

struct Seen {
  std::map<model::Type, uint64_t> types;
  int64_t first = INT64_MAX;
  int64_t last = INT64_MIN;
};

model::Type type_of(model::Kind kind) {
  switch (kind) {
    case model::Kind::kNull: return model::Type::kNull;
    case model::Kind::kBool: return model::Type::kBool;
    case model::Kind::kInt: return model::Type::kLong;
    case model::Kind::kUint: return model::Type::kULong;
    case model::Kind::kDecimal:
    case model::Kind::kFloat:
    case model::Kind::kNumberText: return model::Type::kDouble;
    case model::Kind::kString:
    case model::Kind::kBytes: return model::Type::kString;
    case model::Kind::kTime: return model::Type::kTimestamp;
    case model::Kind::kArray: return model::Type::kArray;
    case model::Kind::kEmptyObject: return model::Type::kStruct;
  }
  return model::Type::kNull;
}

}  // namespace

std::vector<contract::FieldInfo> fields_of(const std::vector<std::shared_ptr<const RowGroup>>& groups) {
  std::map<std::string, Seen, std::less<>> seen;
  auto note = [&](std::string_view name, model::Type type, uint64_t values, const RowGroup& group) {
    auto it = seen.find(name);
    if (it == seen.end()) it = seen.emplace(std::string(name), Seen{}).first;
    if (type != model::Type::kNull) it->second.types[type] += values;
    it->second.first = std::min(it->second.first, group.time_min());
    it->second.last = std::max(it->second.last, group.time_max());
  };
  for (const auto& group : groups) {
    for (const Chunk& chunk : group->directory().chunks) {
      if (chunk.name.starts_with('_')) continue;
      // How the values divide among several kinds is not kept; each counts as the share it would have.
      auto kinds = static_cast<uint64_t>(__builtin_popcount(chunk.kinds));
      for (int k = 0; k < 16; ++k) {
        if (chunk.kinds >> k & 1) note(chunk.name, type_of(static_cast<model::Kind>(k)), chunk.values / kinds + 1, *group);
      }
    }
    if (group->directory().rest_names.empty()) continue;
    Fields fields(*group);
    Result<std::vector<std::string>> names = fields.public_names();
    if (!names.ok()) continue;
    for (const std::string& name : *names) {
      if (!group->directory().find(name)) note(name, model::Type::kString, 1, *group);
    }
  }
  std::vector<contract::FieldInfo> out;
  for (auto& [name, s] : seen) {
    contract::FieldInfo info;
    info.name = name;
    info.first_seen = s.first;
    info.last_seen = s.last;
    std::vector<std::pair<uint64_t, model::Type>> order;
    for (auto [type, count] : s.types) order.emplace_back(count, type);
    std::sort(order.rbegin(), order.rend());
    for (auto [count, type] : order) info.types.push_back(type);
    out.push_back(std::move(info));
  }
  return out;
}

}  // namespace clew::columnar
