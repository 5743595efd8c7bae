// The store's small files: the manifest, which says what counts, and the series log (docs/formats/metric-store.md).
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "metricstore/part_format.h"
#include "metricstore/tombstones.h"
#include "model/metric.h"
#include "os/disk.h"

namespace clew::metricstore {

struct PartEntry {
  uint64_t number = 0;
  int64_t day = 0;     // of its samples: days since 1970-01-01, UTC
  uint32_t level = 0;  // how many merges its samples went through
  uint64_t first = 0;  // the least number of the parts that it was merged from: in this order samples were stored
};

struct MetricManifest {
  uint64_t next_part = 1;
  uint64_t series_log = 0;        // number of the file; 0: none yet
  uint64_t series_log_bytes = 0;  // of it that count
  // What lies before in the journal lies in parts too: a start does not read it again.
  uint64_t replayed_file = 0;
  uint64_t replayed_end = 0;
  std::vector<PartEntry> parts;  // in the order of `first`
  Tombstones tombstones;
};

// Writes DIR/MANIFEST as a whole, under a new name first; durable when it returns ok. Errors: kFull, kIo.
Status write_manifest(os::Disk& disk, const std::string& dir, const MetricManifest& manifest);
// Nothing when there is none. Errors: kCorrupt when both copies in it are damaged; kUnsupported; kIo.
Result<std::optional<MetricManifest>> read_manifest(os::Disk& disk, const std::string& dir);

std::string part_path(const std::string& dir, uint64_t number);
std::string series_log_path(const std::string& dir, uint64_t number);

// Which id belongs to which labels, and what is known of metrics; only ever appended to.
//
// Threads: one.
class SeriesLog {
 public:
  struct Entries {
    std::vector<std::pair<SeriesId, model::Labels>> series;
    std::map<std::string, model::MetricMetadata, std::less<>> metadata;
  };
  // Goes on behind the bytes that count; what lies behind them is overwritten. Makes the file when it is not there.
  static Result<std::unique_ptr<SeriesLog>> open(os::Disk& disk, const std::string& dir, uint64_t number,
                                                 uint64_t bytes);
  // An empty one in place of what is there under that number.
  static Result<std::unique_ptr<SeriesLog>> create(os::Disk& disk, const std::string& dir, uint64_t number);
  // Gives every entry of the bytes that count to `each`. A damaged frame is left out and counted.
  Status read(const std::function<void(Entries&&)>& each, uint64_t& damaged) const;
  // Durable when it returns ok. Errors: kFull, kIo.
  Status append(const Entries& entries);
  uint64_t bytes() const { return bytes_; }

 private:
  SeriesLog(std::unique_ptr<os::File> file, uint64_t bytes) : file_(std::move(file)), bytes_(bytes) {}
  std::unique_ptr<os::File> file_;
  uint64_t bytes_;
};

}  // namespace clew::metricstore
