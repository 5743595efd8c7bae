#include "api/flag_counts.h"

#include <algorithm>
#include <cmath>

namespace clew::api {

void FlagCounts::add(const std::vector<model::Batch>& batches) {
  for (const model::Batch& batch : batches) {
    const model::Column* flags = batch.find(model::kFlagsField);
    if (flags == nullptr) continue;
    for (int64_t of_row : flags->ints()) {
      for (size_t i = 0; i < kCounted.size(); ++i) {
        counts_[i] += (of_row & static_cast<int64_t>(kCounted[i].second)) != 0 ? 1 : 0;
      }
    }
  }
}

void FlagCounts::add(const FlagCounts& other) {
  for (size_t i = 0; i < counts_.size(); ++i) counts_[i] += other.counts_[i];
}

bool FlagCounts::any() const {
  return std::any_of(counts_.begin(), counts_.end(), [](uint64_t n) { return n > 0; });
}

Json FlagCounts::json() const {
  Json out = Json::object();
  for (size_t i = 0; i < counts_.size(); ++i) {
    if (counts_[i] > 0) out[std::string(kCounted[i].first)] = counts_[i];
  }
  return out;
}

Json FlagCounts::percent(uint64_t events) const {
  Json out = Json::object();
  for (size_t i = 0; i < counts_.size(); ++i) {
    if (counts_[i] == 0) continue;
    double share = static_cast<double>(counts_[i]) / static_cast<double>(std::max<uint64_t>(1, events));
    out[std::string(kCounted[i].first)] = std::round(share * 10'000) / 100;
  }
  return out;
}

void FlagCounts::read(const Json& json) {
  if (!json.is_object()) return;
  for (size_t i = 0; i < counts_.size(); ++i) {
    auto found = json.find(std::string(kCounted[i].first));
    if (found == json.end() || !found->is_number_integer()) continue;
    counts_[i] = static_cast<uint64_t>(std::max<int64_t>(0, found->get<int64_t>()));
  }
}

}  // namespace clew::api
