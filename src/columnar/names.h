// Names: how a field's name is answered by a row group's stored columns and `_rest`.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/mutex.h"
#include "base/result.h"
#include "model/canonical.h"

namespace clew::columnar {

class RowGroup;
using StepsPtr = std::shared_ptr<const std::vector<model::CanonicalStep>>;

constexpr size_t kStepsRemembered = 256;  // names per row group; queries name few

// Threads:  all functions on any thread.
// Lifetime: the row group outlives it.
class Names {
 public:
  explicit Names(const RowGroup& group) : group_(group) {}

  // A stored field, in a column of its own or perhaps in `_rest`.
  bool stored(std::string_view name) const;
  bool maybe_in_rest(std::string_view name) const;
  // The stored fields that answer for the name; empty when none does. Remembered.
  Result<StepsPtr> steps(std::string_view field) const;
  // Fields without those that begin with `_`.
  Result<std::vector<std::string>> public_names() const;

 private:
  const RowGroup& group_;
  mutable base::Mutex mutex_;
  mutable std::unordered_map<std::string, StepsPtr> steps_ CLEW_GUARDED_BY(mutex_);
};

}  // namespace clew::columnar
