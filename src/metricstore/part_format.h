// The bytes of a metric part (docs/formats/metric-part.md): groups of chunks of neighbouring series, and a footer that
// says where they lie.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "metricstore/chunk.h"
#include "metricstore/series_runs.h"
#include "os/disk.h"

namespace clew::metricstore {

constexpr std::string_view kPartMagic = "clewmprt";
constexpr uint32_t kPartVersion = 2;       // 1 had no list of series, scales of a tenth only, no coded runs
constexpr uint64_t kPartHeaderBytes = 16;  // magic, u32 version, u32 zero
constexpr size_t kGroupBytes = 64u << 10;  // of a group before it is compressed, about
constexpr size_t kGroupBytesMax = 64u << 20;
constexpr size_t kGroupChunksMax = 4096;

// One group, as the footer knows it.
struct GroupEntry {
  SeriesId first = 0;  // series of its first and last chunk; a series may go on in the next group
  SeriesId last = 0;
  uint64_t offset = 0;
  uint64_t bytes = 0;
  uint32_t crc = 0;  // of the bytes in the file
  uint32_t samples = 0;
  int64_t min_millis = 0;
  int64_t max_millis = 0;
};

struct PartFooter {
  std::vector<GroupEntry> groups;  // in order
  uint64_t samples = 0;
  uint64_t series = 0;
  SeriesRuns ids;  // of its series; empty in version 1
  int64_t min_millis = INT64_MAX;
  int64_t max_millis = INT64_MIN;
};

// The footer twice, and where they begin.
void append_footer(const PartFooter& footer, uint64_t at_offset, std::string& out);
// Errors: kCorrupt when neither copy is whole; kUnsupported for a later version; kIo.
Result<PartFooter> read_footer(const os::File& file);

// A chunk of a group that was unpacked.
struct ChunkView {
  SeriesId series = 0;
  ChunkKind kind = ChunkKind::kFloats;
  bool has_starts = false;
  uint32_t count = 0;
  uint32_t times = 0;  // which of the group's time runs is its
  size_t begin = 0;    // of its values in `bytes`
  size_t end = 0;
};

// A group, unpacked. Chunks of one series follow each other in time.
class Group {
 public:
  // Errors: kCorrupt.
  static Result<Group> unpack(std::string_view packed);

  const std::vector<ChunkView>& chunks() const { return chunks_; }
  // The chunks of a series, as a range of indexes.
  std::pair<size_t, size_t> chunks_of(SeriesId series) const;
  // Appends a chunk's samples that lie within the range, both ends included.
  // Errors: kCorrupt.
  Status read(const ChunkView& chunk, int64_t from_millis, int64_t to_millis, model::SampleColumns& out) const;
  size_t memory_bytes() const;

 private:
  std::string bytes_;
  std::vector<ChunkView> chunks_;
  std::vector<std::vector<int64_t>> times_;
};

// Collects chunks and packs them. Threads: one.
class GroupBuilder {
 public:
  // Adds samples from `from` to `to` of one kind and layout. Requires: 1 to kChunkSamplesMax; series not less than the
  // one before.
  void add(SeriesId series, const model::SampleColumns& samples, size_t from, size_t to);
  bool full() const { return bytes_estimate_ >= kGroupBytes || chunks_.size() >= kGroupChunksMax; }
  bool empty() const { return chunks_.empty(); }
  // Appends the group's bytes, and describes it; begins anew.
  GroupEntry pack(uint64_t offset, std::string& out);

 private:
  struct Chunk {
    SeriesId series;
    uint8_t flags;
    uint32_t count;
    uint32_t times;
    uint32_t value_bytes;
  };
  uint32_t times_of(std::span<const int64_t> millis);

  ChunkEncoder encoder_;
  std::vector<Chunk> chunks_;
  std::string values_;
  std::vector<std::vector<int64_t>> times_;
  size_t bytes_estimate_ = 0;
  uint64_t samples_ = 0;
  int64_t min_ = INT64_MAX;
  int64_t max_ = INT64_MIN;
};

}  // namespace clew::metricstore
