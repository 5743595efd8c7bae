#include "api/async_queries.h"

namespace clew::api {

void AsyncQueries::drop_old() {
  const uint64_t now = clock_.monotonic_ns();
  for (auto it = kept_.begin(); it != kept_.end();) {
    const Kept& one = it->second;
    bool over = !one.state.running &&
                (now - one.ended_ns > kAsyncKeptNs || bytes_ > kAsyncBytesMax || kept_.size() >= kAsyncQueriesMax);
    if (over) bytes_ -= one.state.records.size();
    it = over ? kept_.erase(it) : std::next(it);
  }
}

Status AsyncQueries::admit() {
  base::MutexLock lock(mutex_);
  drop_old();
  if (kept_.size() < kAsyncQueriesMax) return {};
  return Error(Code::kOverloaded, std::to_string(kept_.size()) + " queries of this kind run already");
}

void AsyncQueries::began(uint64_t id, const std::string& tenant) {
  base::MutexLock lock(mutex_);
  kept_[id].state.tenant = tenant;
}

void AsyncQueries::ended(uint64_t id, std::string records, std::optional<query::Failure> failure) {
  base::MutexLock lock(mutex_);
  Kept& one = kept_[id];
  one.state.running = false;
  one.state.records = std::move(records);
  one.state.failure = std::move(failure);
  one.ended_ns = clock_.monotonic_ns();
  bytes_ += one.state.records.size();
  drop_old();
}

std::optional<AsyncState> AsyncQueries::find(uint64_t id, const std::string& tenant) {
  base::MutexLock lock(mutex_);
  drop_old();
  auto it = kept_.find(id);
  if (it == kept_.end() || it->second.state.tenant != tenant) return std::nullopt;
  return it->second.state;
}

}  // namespace clew::api
