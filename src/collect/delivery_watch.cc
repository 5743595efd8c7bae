#include "collect/delivery_watch.h"

#include <algorithm>

namespace clew::collect {
namespace {

uint64_t quantile(std::vector<uint64_t>& values, double share) {
  if (values.empty()) return 0;
  auto at = static_cast<size_t>(share * static_cast<double>(values.size() - 1) + 0.5);
  std::nth_element(values.begin(), values.begin() + static_cast<ptrdiff_t>(at), values.end());
  return values[at];
}

}  // namespace

void DeliveryWatch::sent(const std::string& source, uint64_t events) {
  base::MutexLock lock(mutex_);
  kept_[source].delivery.sent += events;
}

void DeliveryWatch::done(const std::string& source, uint64_t events, int64_t nanos) {
  uint64_t millis = static_cast<uint64_t>(std::max<int64_t>(0, nanos)) / 1'000'000;
  base::MutexLock lock(mutex_);
  Kept& kept = kept_[source];
  kept.delivery.done += events;
  kept.delivery.last_ms = millis;
  if (kept.millis.size() < kBatchesKept) {
    kept.millis.push_back(millis);
  } else {
    kept.millis[kept.next++ % kBatchesKept] = millis;
  }
}

std::map<std::string, Delivery> DeliveryWatch::all() const {
  base::MutexLock lock(mutex_);
  std::map<std::string, Delivery> out;
  for (const auto& [source, kept] : kept_) {
    Delivery& delivery = out[source] = kept.delivery;
    std::vector<uint64_t> millis = kept.millis;
    delivery.p50_ms = quantile(millis, 0.5);
    delivery.p99_ms = quantile(millis, 0.99);
  }
  return out;
}

}  // namespace clew::collect
