#include "metricstore/part.h"

#include <algorithm>
#include <numeric>

#include "base/hash.h"

namespace clew::metricstore {
namespace {

constexpr size_t kWriteBytes = 1u << 20;

template <class T>
void permute(std::vector<T>& lane, const std::vector<uint32_t>& order) {
  if (lane.empty()) return;
  std::vector<T> sorted;
  sorted.reserve(order.size());
  for (uint32_t i : order) sorted.push_back(std::move(lane[i]));
  lane = std::move(sorted);
}

}  // namespace

void order_samples(model::SampleColumns& samples) {
  const std::vector<int64_t>& millis = samples.millis;
  bool rising = std::adjacent_find(millis.begin(), millis.end(), std::greater_equal<>()) == millis.end();
  if (rising) return;
  std::vector<uint32_t> order(samples.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](uint32_t a, uint32_t b) { return millis[a] < millis[b]; });
  order.erase(std::unique(order.begin(), order.end(), [&](uint32_t a, uint32_t b) { return millis[a] == millis[b]; }),
              order.end());
  permute(samples.values, order);
  permute(samples.histograms, order);
  permute(samples.starts, order);
  permute(samples.millis, order);
}

void append_samples(model::SampleColumns& to_samples, const model::SampleColumns& samples, size_t from, size_t to) {
  if (from >= to) return;
  const size_t at = to_samples.size();
  auto append = [&](auto& to_lane, const auto& lane, bool optional) {
    if (optional && lane.empty() && to_lane.empty()) return;
    to_lane.resize(at);
    if (lane.empty()) {
      to_lane.resize(at + (to - from));
    } else {
      to_lane.insert(to_lane.end(), lane.begin() + static_cast<ptrdiff_t>(from),
                     lane.begin() + static_cast<ptrdiff_t>(to));
    }
  };
  append(to_samples.histograms, samples.histograms, true);
  append(to_samples.starts, samples.starts, true);
  append(to_samples.values, samples.values, false);
  append(to_samples.millis, samples.millis, false);
}

Result<GroupPtr> GroupCache::get(uint64_t part, size_t group, const std::function<Result<Group>()>& load) {
  Key key{part, group};
  {
    base::MutexLock lock(mutex_);
    auto known = known_.find(key);
    if (known != known_.end()) {
      recent_.splice(recent_.begin(), recent_, known->second);
      return known->second->second;
    }
  }
  Group loaded = CLEW_TRY(load());
  auto made = std::make_shared<const Group>(std::move(loaded));
  base::MutexLock lock(mutex_);
  if (known_.count(key) != 0) return made;  // another thread was faster
  recent_.emplace_front(key, made);
  known_[key] = recent_.begin();
  bytes_ += made->memory_bytes();
  while (bytes_ > bytes_max_ && recent_.size() > 1) {
    bytes_ -= recent_.back().second->memory_bytes();
    known_.erase(recent_.back().first);
    recent_.pop_back();
  }
  return made;
}

size_t GroupCache::bytes() const {
  base::MutexLock lock(mutex_);
  return bytes_;
}

Status PartWriter::write(std::string_view bytes) {
  CLEW_TRY(file_.write_at(offset_, bytes));
  offset_ += bytes.size();
  return {};
}

Status PartWriter::write_group() {
  if (!group_.empty()) footer_.groups.push_back(group_.pack(offset_ + buffer_.size(), buffer_));
  if (buffer_.size() < kWriteBytes) return {};
  CLEW_TRY(write(buffer_));
  buffer_.clear();
  return {};
}

Status PartWriter::add(SeriesId series, const model::SampleColumns& samples) {
  if (offset_ == 0 && buffer_.empty()) {
    base::Writer to(buffer_);
    to.bytes(kPartMagic);
    to.u32(kPartVersion);
    to.u32(0);
  }
  for (size_t from = 0; from < samples.size();) {
    size_t to = from + 1;
    const model::Histogram* first = samples.histogram(from);
    while (to < samples.size() && to - from < kChunkSamplesMax) {
      const model::Histogram* next = samples.histogram(to);
      if ((first == nullptr) != (next == nullptr) || (first != nullptr && !same_layout(*first, *next))) break;
      ++to;
    }
    group_.add(series, samples, from, to);
    if (group_.full()) CLEW_TRY(write_group());
    from = to;
  }
  ++footer_.series;
  footer_.ids.add(series);
  footer_.samples += samples.size();
  footer_.min_millis = std::min(footer_.min_millis, samples.millis.front());
  footer_.max_millis = std::max(footer_.max_millis, samples.millis.back());
  return {};
}

Result<PartFooter> PartWriter::finish() {
  CLEW_TRY(write_group());
  append_footer(footer_, offset_ + buffer_.size(), buffer_);
  CLEW_TRY(write(buffer_));
  buffer_.clear();
  return footer_;
}

Result<std::shared_ptr<const Part>> Part::open(std::shared_ptr<const os::File> file, uint64_t number,
                                               GroupCache& cache) {
  std::shared_ptr<Part> part(new Part(std::move(file), number, cache));
  part->footer_ = CLEW_TRY(read_footer(*part->file_));
  part->file_bytes_ = CLEW_TRY(part->file_->size_bytes());
  return std::shared_ptr<const Part>(std::move(part));
}

Result<Group> Part::unpack(size_t index) const {
  const GroupEntry& entry = footer_.groups[index];
  std::string bytes = CLEW_TRY(file_->read_at(entry.offset, entry.bytes));
  if (base::crc32c(bytes) != entry.crc) {
    return Error(Code::kCorrupt,
                 "a group of " + file_->path() + " at byte " + std::to_string(entry.offset) + " is damaged");
  }
  return Group::unpack(bytes);
}

Result<GroupPtr> Part::group(size_t index) const {
  return cache_.get(number_, index, [&] { return unpack(index); });
}

// The first group whose last series is not before it.
size_t Part::first_group_of(SeriesId series) const {
  auto at = std::lower_bound(footer_.groups.begin(), footer_.groups.end(), series,
                             [](const GroupEntry& group, SeriesId wanted) { return group.last < wanted; });
  return static_cast<size_t>(at - footer_.groups.begin());
}

bool Part::may_have(SeriesId series, int64_t from_millis, int64_t to_millis) const {
  if (footer_.max_millis < from_millis || footer_.min_millis > to_millis) return false;
  if (!footer_.ids.empty() && !footer_.ids.has(series)) return false;
  for (size_t i = first_group_of(series); i < footer_.groups.size() && footer_.groups[i].first <= series; ++i) {
    if (footer_.groups[i].max_millis >= from_millis && footer_.groups[i].min_millis <= to_millis) return true;
  }
  return false;
}

Status Part::read(SeriesId series, int64_t from_millis, int64_t to_millis, model::SampleColumns& out) const {
  if (footer_.max_millis < from_millis || footer_.min_millis > to_millis) return {};
  for (size_t i = first_group_of(series); i < footer_.groups.size() && footer_.groups[i].first <= series; ++i) {
    const GroupEntry& entry = footer_.groups[i];
    if (entry.max_millis < from_millis || entry.min_millis > to_millis) continue;
    GroupPtr unpacked = CLEW_TRY(group(i));
    auto [begin, end] = unpacked->chunks_of(series);
    for (size_t c = begin; c < end; ++c) CLEW_TRY(unpacked->read(unpacked->chunks()[c], from_millis, to_millis, out));
  }
  return {};
}

Result<bool> PartScan::next(SeriesId& series, model::SampleColumns& samples) {
  samples.clear();
  bool any = false;
  while (true) {
    if (!group_ || chunk_ >= group_->chunks().size()) {
      if (next_group_ >= part_->footer().groups.size()) return any;
      if (any && part_->footer().groups[next_group_].first != series) return true;
      Group unpacked = CLEW_TRY(part_->unpack(next_group_));
      group_ = std::move(unpacked);
      ++next_group_;
      chunk_ = 0;
      continue;
    }
    const ChunkView& chunk = group_->chunks()[chunk_];
    if (any && chunk.series != series) return true;
    series = chunk.series;
    any = true;
    CLEW_TRY(group_->read(chunk, INT64_MIN, INT64_MAX, samples));
    ++chunk_;
  }
}

}  // namespace clew::metricstore
