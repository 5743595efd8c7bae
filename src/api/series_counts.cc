#include "api/series_counts.h"

#include <algorithm>
#include <map>
#include <string>
#include <unordered_map>

namespace clew::api {
namespace {

using Count = metricstore::SeriesIndex::Count;

template <class Counts>
std::vector<Count> greatest(const Counts& counts, size_t most) {
  std::vector<Count> out;
  for (const auto& [name, count] : counts) out.push_back({std::string(name), count});
  size_t kept = std::min(most, out.size());
  std::partial_sort(
      out.begin(), out.begin() + static_cast<ptrdiff_t>(kept), out.end(),
      [](const Count& a, const Count& b) { return a.count != b.count ? a.count > b.count : a.name < b.name; });
  out.resize(kept);
  return out;
}

}  // namespace

SeriesCounts count_series(const contract::SeriesSet& set, size_t most) {
  std::unordered_map<std::string, uint64_t> metrics, pairs;
  std::map<std::string, uint64_t> labels;
  std::string pair;
  for (size_t i = 0; i < set.size(); ++i) {
    for (model::Label label : set.labels(i)) {
      pair.assign(label.name);
      pair += '=';
      pair += label.value;
      if (++pairs[pair] == 1) ++labels[std::string(label.name)];
      if (label.name == model::kMetricNameLabel) ++metrics[std::string(label.value)];
    }
  }
  return {.series = set.size(),
          .by_metric = greatest(metrics, most),
          .values_by_label = greatest(labels, most),
          .by_pair = greatest(pairs, most)};
}

}  // namespace clew::api
