// The fixed and final parts of a segment file (docs/formats/segment.md).
//
// A segment is: trailer (the copy at the front), row groups, index pages, tail, tail again, trailer. The trailer says
// where both tails lie; a reader needs one good trailer and one good tail.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "columnar/directory.h"
#include "columnar/row_source.h"
#include "columnar/segment.h"

namespace clew::columnar {

constexpr std::string_view kSegmentMagic = "CLSG";
constexpr uint16_t kSegmentVersion = 1;
constexpr uint32_t kTrailerBytes = 44;
constexpr uint32_t kFirstReadBytes = 128u << 10;  // read at the end when opening; most tails are smaller
constexpr uint64_t kTailBytesMax = 1u << 30;
constexpr uint32_t kRowGroupsMax = 1u << 16;

struct Trailer {
  uint64_t tail_offsets[2] = {0, 0};
  uint32_t tail_bytes = 0;
  uint32_t tail_crc = 0;
  uint64_t file_bytes = 0;
};

void write_trailer(const Trailer& trailer, std::string& out);
// Errors: kCorrupt, kUnsupported for a greater version.
Result<Trailer> read_trailer(std::string_view bytes);

struct RowGroupPlace {
  uint64_t offset = 0;
  Directory directory;
};

// Where a page of the token index lies, and the first hash in it.
struct IndexPage {
  uint64_t first_hash = 0;
  uint64_t offset = 0;
  uint32_t bytes = 0;
};
struct IndexPlace {
  uint8_t hash_bits = 0;  // 0: the segment has no index
  uint64_t entries = 0;
  std::vector<IndexPage> pages;
};

struct Tail {
  SegmentIdentity identity;
  SegmentSummary summary;
  std::vector<CommitRange> commits;
  std::vector<RowGroupPlace> row_groups;
  IndexPlace index;
};

void write_tail(const Tail& tail, std::string& out);
// The same before it is packed.
void write_tail_body(const Tail& tail, std::string& out);
// Errors: kCorrupt. Every offset lies inside `file_bytes` afterwards.
Result<Tail> read_tail(std::string_view bytes, uint64_t file_bytes);

}  // namespace clew::columnar
