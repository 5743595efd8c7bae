#include "metricstore/part_format.h"

#include <algorithm>

#include "base/hash.h"
#include "codec/compress.h"

namespace clew::metricstore {
namespace {

constexpr uint64_t kTailBytes = 32;  // u64 offset of the first copy, u64 its bytes, u32 CRC of it, u32 version, magic
constexpr uint8_t kHasStarts = 0x80;
constexpr size_t kTimesLooked = 8;  // of the last time runs of the group, for one that is the same
constexpr uint64_t kGroupsMax = 1u << 26;

std::string encode_footer(const PartFooter& footer) {
  std::string out;
  base::Writer to(out);
  to.varint(footer.groups.size());
  to.varint(footer.samples);
  to.varint(footer.series);
  uint64_t offset = 0;
  SeriesId series = 0;
  int64_t millis = 0;
  for (const GroupEntry& group : footer.groups) {
    to.varint(group.first - series);
    to.varint(group.last - group.first);
    to.varint(group.offset - offset);
    to.varint(group.bytes);
    to.u32(group.crc);
    to.varint(group.samples);
    to.varint_signed(group.min_millis - millis);
    to.varint(static_cast<uint64_t>(group.max_millis - group.min_millis));
    offset = group.offset;
    series = group.first;
    millis = group.min_millis;
  }
  footer.ids.write(to);
  return out;
}

Result<PartFooter> decode_footer(std::string_view bytes, uint32_t version) {
  base::Reader in(bytes);
  PartFooter footer;
  uint64_t count = in.varint_max(std::min<uint64_t>(kGroupsMax, bytes.size()));
  footer.samples = in.varint();
  footer.series = in.varint();
  uint64_t offset = 0, series = 0;
  int64_t millis = 0;
  for (uint64_t i = 0; i < count && !in.failed(); ++i) {
    GroupEntry group;
    series += in.varint_max(UINT32_MAX);
    uint64_t last = series + in.varint_max(UINT32_MAX);
    if (last > UINT32_MAX) in.fail();
    group.first = static_cast<SeriesId>(series);
    group.last = static_cast<SeriesId>(last);
    offset += in.varint();
    group.offset = offset;
    group.bytes = in.varint_max(kGroupBytesMax);
    group.crc = in.u32();
    group.samples = static_cast<uint32_t>(in.varint_max(UINT32_MAX));
    millis = static_cast<int64_t>(static_cast<uint64_t>(millis) + static_cast<uint64_t>(in.varint_signed()));
    group.min_millis = millis;
    group.max_millis = static_cast<int64_t>(static_cast<uint64_t>(millis) + in.varint());
    footer.min_millis = std::min(footer.min_millis, group.min_millis);
    footer.max_millis = std::max(footer.max_millis, group.max_millis);
    footer.groups.push_back(group);
  }
  if (version >= 2) footer.ids = SeriesRuns::read(in);
  CLEW_TRY(in.finish());
  return footer;
}

}  // namespace

void append_footer(const PartFooter& footer, uint64_t at_offset, std::string& out) {
  std::string copy = encode_footer(footer);
  out += copy;
  out += copy;
  base::Writer to(out);
  to.u64(at_offset);
  to.u64(copy.size());
  to.u32(base::crc32c(copy));
  to.u32(kPartVersion);
  to.bytes(kPartMagic);
}

Result<PartFooter> read_footer(const os::File& file) {
  uint64_t size = CLEW_TRY(file.size_bytes());
  if (size < kPartHeaderBytes + kTailBytes)
    return Error(Code::kCorrupt, file.path() + " is too short for a metric part");
  std::string tail = CLEW_TRY(file.read_at(size - kTailBytes, kTailBytes));
  base::Reader in(tail);
  uint64_t offset = in.u64(), bytes = in.u64();
  uint32_t crc = in.u32(), version = in.u32();
  if (in.bytes(kPartMagic.size()) != kPartMagic) return Error(Code::kCorrupt, file.path() + " is no metric part");
  if (version > kPartVersion) {
    return Error(Code::kUnsupported, file.path() + " was written by a newer clew: version " + std::to_string(version));
  }
  if (offset < kPartHeaderBytes || bytes > size || offset > size - kTailBytes ||
      2 * bytes != size - kTailBytes - offset) {
    return Error(Code::kCorrupt, "the footer of " + file.path() + " does not fit the file");
  }
  for (uint64_t copy = 0; copy < 2; ++copy) {
    std::string footer = CLEW_TRY(file.read_at(offset + copy * bytes, bytes));
    if (base::crc32c(footer) == crc) return decode_footer(footer, version);
  }
  return Error(Code::kCorrupt, "both footers of " + file.path() + " are damaged");
}

uint32_t GroupBuilder::times_of(std::span<const int64_t> millis) {
  size_t looked = std::min(times_.size(), kTimesLooked);
  for (size_t i = 0; i < looked; ++i) {
    size_t at = times_.size() - 1 - i;
    if (std::equal(millis.begin(), millis.end(), times_[at].begin(), times_[at].end()))
      return static_cast<uint32_t>(at);
  }
  times_.emplace_back(millis.begin(), millis.end());
  bytes_estimate_ += 2 * millis.size();
  return static_cast<uint32_t>(times_.size() - 1);
}

void GroupBuilder::add(SeriesId series, const model::SampleColumns& samples, size_t from, size_t to) {
  size_t begin = values_.size();
  std::span<const int64_t> millis(samples.millis.data() + from, to - from);
  auto kind = samples.histogram(from) == nullptr ? ChunkKind::kFloats : ChunkKind::kHistograms;
  bool starts = false;
  for (size_t i = from; i < to && !samples.starts.empty(); ++i) starts = starts || samples.starts[i] != 0;
  if (kind == ChunkKind::kFloats) {
    encoder_.floats({samples.values.data() + from, to - from}, values_);
  } else {
    encoder_.histograms({samples.histograms.data() + from, to - from}, values_);
  }
  if (starts) encoder_.starts({samples.starts.data() + from, to - from}, millis, values_);
  chunks_.push_back({.series = series,
                     .flags = static_cast<uint8_t>(static_cast<uint8_t>(kind) | (starts ? kHasStarts : 0)),
                     .count = static_cast<uint32_t>(to - from),
                     .times = times_of(millis),
                     .value_bytes = static_cast<uint32_t>(values_.size() - begin)});
  bytes_estimate_ += values_.size() - begin + 8;
  samples_ += to - from;
  min_ = std::min(min_, millis.front());
  max_ = std::max(max_, millis.back());
}

GroupEntry GroupBuilder::pack(uint64_t offset, std::string& out) {
  std::string raw;
  base::Writer to(raw);
  to.varint(times_.size());
  for (const std::vector<int64_t>& times : times_) {
    to.varint(times.size());
    encoder_.times(times, raw);
  }
  to.varint(chunks_.size());
  SeriesId last = 0;
  for (const Chunk& chunk : chunks_) {
    to.varint(chunk.series - last);
    to.u8(chunk.flags);
    to.varint(chunk.times);
    to.varint(chunk.value_bytes);
    last = chunk.series;
  }
  raw += values_;
  size_t begin = out.size();
  codec::write_packed(raw, codec::Method::kZstd, out);
  GroupEntry entry;
  entry.first = chunks_.front().series;
  entry.last = chunks_.back().series;
  entry.offset = offset;
  entry.bytes = out.size() - begin;
  entry.crc = base::crc32c(std::string_view(out).substr(begin));
  entry.samples = static_cast<uint32_t>(samples_);
  entry.min_millis = min_;
  entry.max_millis = max_;
  chunks_.clear();
  values_.clear();
  times_.clear();
  bytes_estimate_ = samples_ = 0;
  min_ = INT64_MAX;
  max_ = INT64_MIN;
  return entry;
}

Result<Group> Group::unpack(std::string_view packed) {
  Group group;
  base::Reader compressed(packed);
  CLEW_TRY(codec::read_packed(compressed, group.bytes_));
  CLEW_TRY(compressed.finish());
  base::Reader in(group.bytes_);
  uint64_t runs = in.varint_max(kGroupChunksMax);
  for (uint64_t i = 0; i < runs; ++i) {
    uint64_t count = in.varint_max(kChunkSamplesMax);
    CLEW_TRY(in.status());
    group.times_.emplace_back();
    CLEW_TRY(read_times(in, count, group.times_.back()));
  }
  uint64_t chunks = in.varint_max(kGroupChunksMax);
  uint64_t series = 0;
  size_t value_bytes = 0;
  for (uint64_t i = 0; i < chunks; ++i) {
    ChunkView chunk;
    series += in.varint_max(UINT32_MAX);
    uint8_t flags = in.u8();
    uint64_t times = in.varint();
    uint64_t bytes = in.varint_max(group.bytes_.size());
    bool kind = (flags & 0x7F) <= static_cast<uint8_t>(ChunkKind::kHistograms);
    if (series > UINT32_MAX || times >= group.times_.size() || group.times_[times].empty() || !kind) in.fail();
    CLEW_TRY(in.status());
    chunk.series = static_cast<SeriesId>(series);
    chunk.kind = static_cast<ChunkKind>(flags & 0x7F);
    chunk.has_starts = (flags & kHasStarts) != 0;
    chunk.times = static_cast<uint32_t>(times);
    chunk.count = static_cast<uint32_t>(group.times_[times].size());
    chunk.begin = value_bytes;
    chunk.end = value_bytes += bytes;
    group.chunks_.push_back(chunk);
  }
  CLEW_TRY(in.status());
  if (in.remaining() != value_bytes) return Error(Code::kCorrupt, "a metric group's chunks do not fill it");
  for (ChunkView& chunk : group.chunks_) {
    chunk.begin += in.position();
    chunk.end += in.position();
  }
  return group;
}

std::pair<size_t, size_t> Group::chunks_of(SeriesId series) const {
  auto [begin, end] = std::equal_range(chunks_.begin(), chunks_.end(), ChunkView{.series = series},
                                       [](const ChunkView& a, const ChunkView& b) { return a.series < b.series; });
  return {static_cast<size_t>(begin - chunks_.begin()), static_cast<size_t>(end - chunks_.begin())};
}

Status Group::read(const ChunkView& chunk, int64_t from_millis, int64_t to_millis, model::SampleColumns& out) const {
  const std::vector<int64_t>& times = times_[chunk.times];
  size_t from = static_cast<size_t>(std::lower_bound(times.begin(), times.end(), from_millis) - times.begin());
  size_t to = static_cast<size_t>(std::upper_bound(times.begin(), times.end(), to_millis) - times.begin());
  if (from >= to) return {};
  const size_t at = out.size();
  base::Reader in(std::string_view(bytes_).substr(chunk.begin, chunk.end - chunk.begin));
  bool histograms = chunk.kind == ChunkKind::kHistograms;
  if (histograms) {
    out.histograms.resize(at);
    CLEW_TRY(read_histograms(in, chunk.count, out.histograms));
    for (size_t i = at; i < out.histograms.size(); ++i) out.values.push_back(out.histograms[i]->sum);
  } else {
    CLEW_TRY(read_floats(in, chunk.count, out.values));
    if (!out.histograms.empty()) out.histograms.resize(at + chunk.count);
  }
  if (chunk.has_starts) {
    out.starts.resize(at);
    CLEW_TRY(read_starts(in, times, out.starts));
  } else if (!out.starts.empty()) {
    out.starts.resize(at + chunk.count);
  }
  CLEW_TRY(in.finish());
  out.millis.insert(out.millis.end(), times.begin() + static_cast<ptrdiff_t>(from),
                    times.begin() + static_cast<ptrdiff_t>(to));
  auto keep = [&](auto& lane) {
    if (lane.empty()) return;
    lane.erase(lane.begin() + static_cast<ptrdiff_t>(at + to), lane.end());
    lane.erase(lane.begin() + static_cast<ptrdiff_t>(at), lane.begin() + static_cast<ptrdiff_t>(at + from));
  };
  keep(out.values);
  keep(out.histograms);
  keep(out.starts);
  return {};
}

size_t Group::memory_bytes() const {
  size_t bytes = bytes_.capacity() + chunks_.capacity() * sizeof(ChunkView);
  for (const std::vector<int64_t>& times : times_) bytes += times.capacity() * sizeof(int64_t) + sizeof(times);
  return bytes;
}

}  // namespace clew::metricstore
