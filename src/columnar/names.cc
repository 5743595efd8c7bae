#include "columnar/names.h"

#include <algorithm>

#include "base/hash.h"
#include "columnar/row_group.h"
#include "model/batch.h"

namespace clew::columnar {

bool Names::maybe_in_rest(std::string_view name) const {
  const std::vector<uint32_t>& names = group_.directory().rest_names;
  return std::binary_search(names.begin(), names.end(), static_cast<uint32_t>(base::hash64(name)));
}

bool Names::stored(std::string_view name) const {
  return group_.directory().find(name) != nullptr || maybe_in_rest(name);
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
    std::vector<RestName> rest = CLEW_TRY(read_rest_table(group_.directory().rest_table));
    for (RestName& r : rest) names.push_back(std::move(r.name));
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
  std::vector<RestName> rest = CLEW_TRY(read_rest_table(group_.directory().rest_table));
  for (RestName& r : rest) {
    if (!group_.directory().find(r.name)) names.push_back(std::move(r.name));
  }
  return names;
}

}  // namespace clew::columnar
