#include "model/selection.h"

#include <algorithm>

namespace clew::model {

Selection without(const Selection& all, const Selection& taken) {
  if (taken.empty()) return all;
  Selection out(all.size());
  size_t kept = 0;
  size_t at = 0;
  // Without branches: whether a row is taken is as good as random.
  for (size_t i = 0; i < all.size() && at < taken.size(); ++i) {
    bool gone = all[i] == taken[at];
    out[kept] = all[i];
    kept += gone ? 0 : 1;
    at += gone ? 1 : 0;
  }
  size_t seen = kept + at;
  std::copy(all.begin() + static_cast<ptrdiff_t>(seen), all.end(), out.begin() + static_cast<ptrdiff_t>(kept));
  out.resize(all.size() - at);
  return out;
}

}  // namespace clew::model
