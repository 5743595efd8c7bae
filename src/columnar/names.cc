#include "columnar/names.h"

#include <algorithm>
#include <set>

#include "base/hash.h"
#include "columnar/row_group.h"
#include "model/batch.h"
#include "model/rest.h"

namespace clew::columnar {

bool Names::maybe_in_rest(std::string_view name) const {
  const std::vector<uint32_t>& names = group_.directory().rest_names;
  return std::binary_search(names.begin(), names.end(), static_cast<uint32_t>(base::hash64(name)));
}

bool Names::stored(std::string_view name) const {
  return group_.directory().find(name) != nullptr || maybe_in_rest(name);
}

Result<std::shared_ptr<const std::vector<std::string>>> Names::rest_names() const {
  {
    base::MutexLock lock(mutex_);
    if (rest_names_) return rest_names_;
  }
  std::set<std::string, std::less<>> names;
  const Chunk* chunk = group_.directory().find(model::kRestField);
  for (uint32_t b = 0; chunk && b < chunk->blocks.size(); ++b) {
    ChunkEntries known = CLEW_TRY(group_.entries(*chunk, nullptr));
    Result<BlockValues> values = group_.block(*chunk, b, known, nullptr);
    if (!values.ok()) continue;  // its names are lost with it; the other blocks' are not
    for (uint32_t row = 0; row < values->rows; ++row) {
      if (!lane_is_text(values->kind_at(row))) continue;
      model::RestReader reader(values->text_at(row));
      model::RestField field;
      while (reader.next(field)) {
        if (names.find(field.name) == names.end()) names.emplace(field.name);
      }
    }
  }
  auto list = std::make_shared<const std::vector<std::string>>(names.begin(), names.end());
  base::MutexLock lock(mutex_);
  rest_names_ = list;
  return list;
}

Result<StepsPtr> Names::steps(std::string_view field) const {
  std::string key(field);
  {
    base::MutexLock lock(mutex_);
    auto it = steps_.find(key);
    if (it != steps_.end()) return it->second;
  }
  std::vector<model::CanonicalStep> found;
  if (model::is_canonical(field)) {
    std::vector<std::string> names;
    for (const Chunk& chunk : group_.directory().chunks) names.push_back(chunk.name);
    if (!group_.directory().rest_names.empty()) {
      auto rest = CLEW_TRY(rest_names());
      names.insert(names.end(), rest->begin(), rest->end());
    }
    found = model::canonical_steps(field, names);
  } else if (stored(field)) {
    found.push_back({key, model::Derive::kCopy});
  }
  auto list = std::make_shared<const std::vector<model::CanonicalStep>>(std::move(found));
  base::MutexLock lock(mutex_);
  if (steps_.size() >= kStepsRemembered) steps_.clear();
  steps_.emplace(std::move(key), list);
  return list;
}

Result<std::vector<std::string>> Names::public_names() const {
  std::vector<std::string> names;
  for (const Chunk& chunk : group_.directory().chunks) {
    if (!chunk.name.starts_with('_')) names.push_back(chunk.name);
  }
  if (!group_.directory().rest_names.empty()) {
    auto rest = CLEW_TRY(rest_names());
    for (const std::string& name : *rest) {
      if (!group_.directory().find(name)) names.push_back(name);
    }
  }
  return names;
}

}  // namespace clew::columnar
