#include "wire/delta_sums.h"

#include <algorithm>

namespace clew::wire {
namespace {

constexpr size_t kEntryBytes = 120;  // of the map and the list, besides the key and the state

}  // namespace

DeltaSums::State& DeltaSums::find(std::string_view series, DeltaInterval interval, DeltaAdded& added) {
  auto found = states_.find(series);
  if (found == states_.end()) {
    found = states_.emplace(std::string(series), State{}).first;
    State& fresh = found->second;
    fresh.start = interval.start;
    fresh.newest = interval.end;
    fresh.used = used_.insert(used_.end(), found->first);
    added = {DeltaOutcome::kBegun, fresh.start, true};
    return fresh;
  }
  State& state = found->second;
  used_.splice(used_.end(), used_, state.used);
  added.start = state.start;
  if (interval.end > state.newest) {
    added.outcome = DeltaOutcome::kAdded;
    state.newest = interval.end;
    state.first = false;
  } else {
    added.outcome = interval.end == state.newest ? DeltaOutcome::kRepeated : DeltaOutcome::kOld;
  }
  added.first = state.first;
  return state;
}

void DeltaSums::account(std::string_view series, State& state) {
  size_t bytes = kEntryBytes + sizeof(State) + series.size() +
                 sizeof(double) * (state.values.capacity() + state.histogram.positive.counts.capacity() +
                                   state.histogram.negative.counts.capacity());
  bytes_ += bytes - state.bytes;
  state.bytes = bytes;
  make_room();
}

// The newest stays, however large it is.
void DeltaSums::make_room() {
  while (used_.size() > 1 && (used_.size() > limits_.series_max || bytes_ > limits_.bytes_max)) {
    auto oldest = states_.find(used_.front());
    used_.pop_front();
    bytes_ -= oldest->second.bytes;
    states_.erase(oldest);
    ++forgotten_;
  }
}

DeltaAdded DeltaSums::add(std::string_view series, DeltaInterval interval, std::span<double> values) {
  base::MutexLock lock(mutex_);
  DeltaAdded added;
  State& state = find(series, interval, added);
  if (added.outcome == DeltaOutcome::kOld) return added;
  state.values.resize(values.size());
  for (size_t i = 0; i < values.size(); ++i) {
    if (added.outcome != DeltaOutcome::kRepeated) state.values[i] += values[i];
    values[i] = state.values[i];
  }
  account(series, state);
  return added;
}

DeltaAdded DeltaSums::add(std::string_view series, DeltaInterval interval, ExponentialHistogram& histogram) {
  base::MutexLock lock(mutex_);
  DeltaAdded added;
  State& state = find(series, interval, added);
  if (added.outcome == DeltaOutcome::kOld) return added;
  if (added.outcome == DeltaOutcome::kBegun)
    state.histogram = histogram;
  else if (added.outcome == DeltaOutcome::kAdded)
    state.histogram.add(histogram, kDeltaBucketsMax);
  histogram = state.histogram;
  account(series, state);
  return added;
}

size_t DeltaSums::series_count() const {
  base::MutexLock lock(mutex_);
  return states_.size();
}

uint64_t DeltaSums::forgotten_count() const {
  base::MutexLock lock(mutex_);
  return forgotten_;
}

}  // namespace clew::wire
