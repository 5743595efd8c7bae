#include "logstore/created_ids.h"

#include "base/bytes.h"
#include "base/hash.h"
#include "logstore/store_options.h"

namespace clew::logstore {

CreatedIds::Hash128 CreatedIds::hash_of(const std::string& tenant, const std::string& dataset, std::string_view id) {
  std::string bytes;
  base::Writer out(bytes);
  out.string(tenant);
  out.string(dataset);
  out.bytes(id);
  return {base::hash64(bytes), base::hash64(bytes, 0x6964)};
}

void CreatedIds::remember(const Hash128& hash, int64_t time) {
  auto [it, is_new] = times_.try_emplace(hash, time);
  if (!is_new) {
    it->second = std::max(it->second, time);
    return;
  }
  order_.push_back(hash);
  if (order_.size() <= ids_max_) return;
  times_.erase(order_.front());
  order_.pop_front();
}

bool CreatedIds::seen_or_note(const std::string& tenant, const std::string& dataset, std::string_view id, int64_t now) {
  Hash128 hash = hash_of(tenant, dataset, id);
  base::MutexLock lock(mutex_);
  auto it = times_.find(hash);
  if (it != times_.end() && now - it->second < static_cast<int64_t>(kCreateWindowNs)) return true;
  if (it != times_.end()) {
    it->second = now;
    return false;
  }
  remember(hash, now);
  return false;
}

void CreatedIds::note(const std::string& tenant, const std::string& dataset, std::string_view id, int64_t time) {
  Hash128 hash = hash_of(tenant, dataset, id);
  base::MutexLock lock(mutex_);
  remember(hash, time);
}

void CreatedIds::forget(const std::string& tenant, const std::string& dataset, std::string_view id) {
  Hash128 hash = hash_of(tenant, dataset, id);
  base::MutexLock lock(mutex_);
  auto it = times_.find(hash);
  if (it != times_.end()) it->second = INT64_MIN / 2;  // its place in the order stays until it is evicted
}

uint64_t CreatedIds::ids_count() const {
  base::MutexLock lock(mutex_);
  return times_.size();
}

}  // namespace clew::logstore
