#include "logstore/dedupe.h"

#include "base/bytes.h"
#include "base/hash.h"

namespace clew::logstore {

Dedupe::Hash128 Dedupe::hash_of(const std::string& tenant, const contract::BatchKey& key) {
  std::string bytes;
  base::Writer out(bytes);
  out.string(tenant);
  out.string(key.producer);
  out.u64(key.sequence);
  return {base::hash64(bytes), base::hash64(bytes, 0x636c6577)};
}

Dedupe::Verdict Dedupe::begin(const std::string& tenant, const contract::BatchKey& key, contract::EventSink::Done& done,
                              contract::Ack& answer) {
  Hash128 hash = hash_of(tenant, key);
  base::MutexLock lock(mutex_);
  auto stored = stored_.find(hash);
  if (stored != stored_.end()) {
    answer = contract::Ack{.key = key,
                           .first_seq = Seq(stored->second.first_seq),
                           .first_row = 0,
                           .rows = stored->second.rows,
                           .duplicate = true,
                           .conflicts = {}};
    if (stored->second.conflicts) answer.conflicts = *stored->second.conflicts;
    return Verdict::kStored;
  }
  auto [writing, is_new] = writing_.try_emplace(hash);
  if (is_new) return Verdict::kNew;
  writing->second.push_back(std::move(done));
  return Verdict::kWaiting;
}

void Dedupe::remember(const Hash128& hash, const contract::Ack& answer) {
  Stored entry{.first_seq = answer.first_seq.get(), .rows = answer.rows, .conflicts = nullptr};
  if (!answer.conflicts.empty()) {
    entry.conflicts = std::make_shared<const std::vector<contract::CreateRow>>(answer.conflicts);
  }
  if (!stored_.emplace(hash, std::move(entry)).second) return;
  order_.push_back(hash);
  if (order_.size() <= keys_max_) return;
  stored_.erase(order_.front());
  order_.pop_front();
  evicted_.add();
}

std::vector<contract::EventSink::Done> Dedupe::finish(const std::string& tenant, const contract::Ack& answer) {
  Hash128 hash = hash_of(tenant, answer.key);
  base::MutexLock lock(mutex_);
  remember(hash, answer);
  auto node = writing_.extract(hash);
  return node.empty() ? std::vector<contract::EventSink::Done>() : std::move(node.mapped());
}

std::vector<contract::EventSink::Done> Dedupe::abort(const std::string& tenant, const contract::BatchKey& key) {
  base::MutexLock lock(mutex_);
  auto node = writing_.extract(hash_of(tenant, key));
  return node.empty() ? std::vector<contract::EventSink::Done>() : std::move(node.mapped());
}

void Dedupe::restore(const std::string& tenant, const contract::Ack& answer) {
  base::MutexLock lock(mutex_);
  remember(hash_of(tenant, answer.key), answer);
}

uint64_t Dedupe::keys_count() const {
  base::MutexLock lock(mutex_);
  return stored_.size();
}

}  // namespace clew::logstore
