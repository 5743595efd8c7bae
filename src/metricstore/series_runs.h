// SeriesRuns: a set of series, as runs of ids that follow each other.
#pragma once

#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "base/bytes.h"

namespace clew::metricstore {

using SeriesId = uint32_t;  // given out by the store, from 0 on; names a series in parts, buffers and the journal

// Threads: any number that read, or one that adds.
class SeriesRuns {
 public:
  SeriesRuns() = default;
  // Requires: rising, each once.
  static SeriesRuns of(std::span<const SeriesId> series);

  // Requires: above all that are in.
  void add(SeriesId series);
  bool has(SeriesId series) const;
  bool empty() const { return runs_.empty(); }
  uint64_t size() const;
  // First and last of each, rising.
  const std::vector<std::pair<SeriesId, SeriesId>>& runs() const { return runs_; }

  // Varint runs; for each varint first less the last of the run before (0 for the first), varint last less first.
  void write(base::Writer& to) const;
  // The reader has failed when they are none.
  static SeriesRuns read(base::Reader& in);

 private:
  std::vector<std::pair<SeriesId, SeriesId>> runs_;
};

}  // namespace clew::metricstore
