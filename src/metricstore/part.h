// Parts: immutable files of samples. A part belongs to one UTC day.
#pragma once

#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/mutex.h"
#include "base/result.h"
#include "metricstore/part_format.h"
#include "model/metric.h"
#include "os/disk.h"

namespace clew::metricstore {

using GroupPtr = std::shared_ptr<const Group>;

// Unpacked groups that are likely to be read again, least recently used out first.
//
// Threads: all functions on any thread.
class GroupCache {
 public:
  explicit GroupCache(size_t bytes_max) : bytes_max_(bytes_max) {}
  // The group under this number, or what `load` gives. Errors: those of load.
  Result<GroupPtr> get(uint64_t part, size_t group, const std::function<Result<Group>()>& load);
  size_t bytes() const;

 private:
  using Key = std::pair<uint64_t, size_t>;
  struct KeyHash {
    size_t operator()(const Key& key) const {
      return std::hash<uint64_t>()(key.first * 0x9E3779B97F4A7C15u + key.second);
    }
  };
  const size_t bytes_max_;
  mutable base::Mutex mutex_;
  std::list<std::pair<Key, GroupPtr>> recent_ CLEW_GUARDED_BY(mutex_);
  std::unordered_map<Key, std::list<std::pair<Key, GroupPtr>>::iterator, KeyHash> known_ CLEW_GUARDED_BY(mutex_);
  size_t bytes_ CLEW_GUARDED_BY(mutex_) = 0;
};

// Writes a part. Threads: one.
class PartWriter {
 public:
  // The file is empty; it is the caller's to sync and name.
  PartWriter(os::File& file) : file_(file) {}
  // Requires: samples not empty, in the order of their times, each once; series rises from call to call.
  // Errors: kFull, kIo.
  Status add(SeriesId series, const model::SampleColumns& samples);
  // Writes the footer; the file is whole then.
  Result<PartFooter> finish();

 private:
  Status write_group();
  Status write(std::string_view bytes);

  os::File& file_;
  uint64_t offset_ = 0;
  GroupBuilder group_;
  PartFooter footer_;
  std::string buffer_;
};

// Threads:  all functions on any thread.
// Lifetime: the cache outlives it. The file's name may be removed: it is read on.
class Part {
 public:
  // `number` names the part in the cache. Errors: those of read_footer.
  static Result<std::shared_ptr<const Part>> open(std::shared_ptr<const os::File> file, uint64_t number,
                                                  GroupCache& cache);

  uint64_t number() const { return number_; }
  const PartFooter& footer() const { return footer_; }
  uint64_t file_bytes() const { return file_bytes_; }
  // Appends the samples of a series within the range, both ends included, in order.
  // Errors: kIo; kCorrupt for a damaged group.
  Status read(SeriesId series, int64_t from_millis, int64_t to_millis, model::SampleColumns& out) const;
  // Whether the series may have samples here.
  bool may_have(SeriesId series, int64_t from_millis, int64_t to_millis) const;
  Result<GroupPtr> group(size_t index) const;
  // Unpacks it without the cache, for readers that go through all.
  Result<Group> unpack(size_t index) const;

 private:
  Part(std::shared_ptr<const os::File> file, uint64_t number, GroupCache& cache)
      : file_(std::move(file)), number_(number), cache_(cache) {}
  size_t first_group_of(SeriesId series) const;

  std::shared_ptr<const os::File> file_;
  const uint64_t number_;
  GroupCache& cache_;
  PartFooter footer_;
  uint64_t file_bytes_ = 0;
};
using PartPtr = std::shared_ptr<const Part>;

// Goes through a part series by series. Threads: one.
class PartScan {
 public:
  explicit PartScan(PartPtr part) : part_(std::move(part)) {}
  // The next series and all its samples; false at the end. Errors: kIo, kCorrupt.
  Result<bool> next(SeriesId& series, model::SampleColumns& samples);

 private:
  PartPtr part_;
  size_t next_group_ = 0;
  std::optional<Group> group_;
  size_t chunk_ = 0;
};

// Sorts by time where it is not in order; of samples with the same time the first stays.
void order_samples(model::SampleColumns& samples);
// Appends samples of another, from `from` to before `to`.
void append_samples(model::SampleColumns& to_samples, const model::SampleColumns& samples, size_t from, size_t to);
inline void append_samples(model::SampleColumns& to_samples, const model::SampleColumns& samples) {
  append_samples(to_samples, samples, 0, samples.size());
}

}  // namespace clew::metricstore
