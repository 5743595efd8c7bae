// SampleBuffers: samples that came and are not in a part yet.
#pragma once

#include <cstdint>
#include <memory>
#include <unordered_map>
#include <vector>

#include "metricstore/part_format.h"
#include "model/metric.h"

namespace clew::metricstore {

// Threads: any number that read, or one that adds; the caller locks.
class SampleBuffers {
 public:
  void add(SeriesId series, int64_t millis, double value);
  void add_histogram(SeriesId series, int64_t millis, model::HistogramPtr histogram);
  // When the sample's series began to count.
  void note_start(SeriesId series, int64_t millis, int64_t start_millis);

  // Appends what a series has within the range, both ends included, in the order of arrival but histograms last.
  void collect(SeriesId series, int64_t from_millis, int64_t to_millis, model::SampleColumns& out) const;

  bool has(SeriesId series) const;
  // All series with samples are below.
  SeriesId series_end() const;
  size_t samples() const { return samples_; }
  size_t memory_bytes() const;

 private:
  static constexpr uint32_t kBlockSamples = 6;
  static constexpr uint32_t kSlabBlocks = 1024;
  static constexpr uint32_t kNone = UINT32_MAX;
  struct Block {
    uint32_t next = kNone;
    uint32_t count = 0;
    model::Sample samples[kBlockSamples];
  };
  struct Chain {
    uint32_t first = kNone;
    uint32_t last = kNone;
  };
  struct TimedHistogram {
    int64_t millis;
    model::HistogramPtr histogram;
  };
  Block& block(uint32_t i) { return slabs_[i / kSlabBlocks][i % kSlabBlocks]; }
  const Block& block(uint32_t i) const { return slabs_[i / kSlabBlocks][i % kSlabBlocks]; }
  uint32_t make_block();

  std::vector<Chain> chains_;  // by series
  std::vector<std::unique_ptr<Block[]>> slabs_;
  uint32_t blocks_ = 0;
  std::unordered_map<SeriesId, std::vector<TimedHistogram>> histograms_;
  std::unordered_map<SeriesId, std::unordered_map<int64_t, int64_t>> starts_;
  size_t samples_ = 0;
  size_t histogram_bytes_ = 0;
};

}  // namespace clew::metricstore
