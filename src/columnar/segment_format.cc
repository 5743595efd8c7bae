#include "columnar/segment_format.h"

#include <algorithm>

#include "base/hash.h"
#include "codec/compress.h"

namespace clew::columnar {
namespace {

constexpr size_t kProducerBytesMax = 256;

void write_commits(const std::vector<CommitRange>& commits, base::Writer& w) {
  std::vector<std::string_view> producers;
  std::vector<uint64_t> numbers;
  for (const CommitRange& c : commits) {
    auto it = std::find(producers.begin(), producers.end(), c.key.producer);
    numbers.push_back(static_cast<uint64_t>(it - producers.begin()));
    if (it == producers.end()) producers.push_back(c.key.producer);
  }
  w.varint(producers.size());
  for (std::string_view p : producers) w.string(p);
  w.varint(commits.size());
  uint64_t next_seq = 0;
  int64_t last_time = 0;
  uint64_t last_sequence = 0;
  for (size_t i = 0; i < commits.size(); ++i) {
    const CommitRange& c = commits[i];
    w.varint(c.first_seq.get() - next_seq);
    w.varint(c.rows);
    w.varint(numbers[i]);
    w.varint_signed(static_cast<int64_t>(c.key.sequence - last_sequence));
    w.varint_signed(c.commit_time.get() - last_time);
    w.varint(c.first_row);
    w.varint(c.write_rows);
    next_seq = c.first_seq.get() + c.rows;
    last_time = c.commit_time.get();
    last_sequence = c.key.sequence;
  }
}

Result<std::vector<CommitRange>> read_commits(base::Reader& in) {
  std::vector<std::string> producers(in.varint_max(in.remaining()));
  for (std::string& p : producers) {
    p = in.string();
    if (p.size() > kProducerBytesMax) return Error(Code::kCorrupt, "a producer's name is too long");
  }
  std::vector<CommitRange> commits(in.varint_max(in.remaining()));
  uint64_t next_seq = 0;
  int64_t last_time = 0;
  uint64_t last_sequence = 0;
  for (CommitRange& c : commits) {
    c.first_seq = Seq(next_seq + in.varint());
    c.rows = static_cast<uint32_t>(in.varint_max(UINT32_MAX));
    uint64_t number = in.varint();
    if (in.failed() || number >= producers.size()) return Error(Code::kCorrupt, "a commit without its producer");
    c.key.producer = producers[number];
    c.key.sequence = last_sequence += static_cast<uint64_t>(in.varint_signed());
    last_time = static_cast<int64_t>(static_cast<uint64_t>(last_time) + static_cast<uint64_t>(in.varint_signed()));
    c.commit_time = UnixNanos(last_time);
    c.first_row = in.varint();
    c.write_rows = static_cast<uint32_t>(in.varint_max(UINT32_MAX));
    next_seq = c.first_seq.get() + c.rows;
  }
  CLEW_TRY(in.status());
  return commits;
}

void write_index(const IndexPlace& index, base::Writer& w) {
  w.u8(index.hash_bits);
  w.varint(index.entries);
  w.varint(index.pages.size());
  w.varint(index.pages.empty() ? 0 : index.pages[0].offset);
  uint64_t last = 0;
  for (const IndexPage& page : index.pages) {
    w.varint(page.first_hash - last);
    w.varint(page.bytes);
    last = page.first_hash;
  }
}

Status read_index(base::Reader& in, uint64_t file_bytes, IndexPlace& index) {
  index.hash_bits = in.u8();
  index.entries = in.varint();
  index.pages.resize(in.varint_max(in.remaining()));
  uint64_t offset = in.varint_max(file_bytes);
  uint64_t hash = 0;
  for (IndexPage& page : index.pages) {
    page.first_hash = hash += in.varint();
    page.offset = offset;
    page.bytes = static_cast<uint32_t>(in.varint_max(std::min<uint64_t>(UINT32_MAX, file_bytes - offset)));
    offset += page.bytes;
  }
  if (index.hash_bits > 64) return Error(Code::kCorrupt, "hashes above 64 bits");
  return in.status();
}

}  // namespace

void write_trailer(const Trailer& trailer, std::string& out) {
  base::Writer w(out);
  size_t begin = out.size();
  w.bytes(kSegmentMagic);
  w.u16(kSegmentVersion);
  w.u16(0);
  w.u64(trailer.tail_offsets[0]);
  w.u64(trailer.tail_offsets[1]);
  w.u32(trailer.tail_bytes);
  w.u32(trailer.tail_crc);
  w.u64(trailer.file_bytes);
  w.u32(base::crc32c(std::string_view(out).substr(begin)));
}

Result<Trailer> read_trailer(std::string_view bytes) {
  base::Reader in(bytes);
  if (in.bytes(kSegmentMagic.size()) != kSegmentMagic) return Error(Code::kCorrupt, "no segment: another magic");
  uint16_t version = in.u16();
  in.skip(2);
  Trailer t;
  t.tail_offsets[0] = in.u64();
  t.tail_offsets[1] = in.u64();
  t.tail_bytes = in.u32();
  t.tail_crc = in.u32();
  t.file_bytes = in.u64();
  uint32_t crc = in.u32();
  CLEW_TRY(in.status());
  if (base::crc32c(bytes.substr(0, kTrailerBytes - 4)) != crc) return Error(Code::kCorrupt, "checksum of a trailer");
  if (version > kSegmentVersion) return Error(Code::kUnsupported, "segment version " + std::to_string(version));
  return t;
}

void write_tail_body(const Tail& tail, std::string& out) {
  base::Writer w(out);
  w.string(tail.identity.tenant);
  w.string(tail.identity.dataset);
  w.varint_signed(tail.identity.day);
  w.string(tail.identity.retention_class);
  w.varint(tail.summary.rows);
  w.i64(tail.summary.time_min);
  w.i64(tail.summary.time_max);
  w.varint(tail.summary.seq_min);
  w.varint(tail.summary.seq_max);
  write_commits(tail.commits, w);
  w.varint(tail.row_groups.size());
  std::string directory;
  for (const RowGroupPlace& place : tail.row_groups) {
    w.varint(place.offset);
    directory.clear();
    write_directory(place.directory, directory);
    w.string(directory);
  }
  write_index(tail.index, w);
}

void write_tail(const Tail& tail, std::string& out) {
  std::string raw;
  write_tail_body(tail, raw);
  codec::write_packed(raw, codec::Method::kZstd, out);
}

Result<Tail> read_tail(std::string_view bytes, uint64_t file_bytes) {
  base::Reader packed(bytes);
  std::string raw;
  CLEW_TRY(codec::read_packed(packed, raw));
  base::Reader in(raw);
  Tail tail;
  tail.identity.tenant = in.string();
  tail.identity.dataset = in.string();
  tail.identity.day = in.varint_signed();
  tail.identity.retention_class = in.string();
  tail.summary.rows = in.varint();
  tail.summary.time_min = in.i64();
  tail.summary.time_max = in.i64();
  tail.summary.seq_min = in.varint();
  tail.summary.seq_max = in.varint();
  tail.summary.file_bytes = file_bytes;
  tail.commits = CLEW_TRY(read_commits(in));
  uint64_t groups = in.varint_max(kRowGroupsMax);
  for (uint64_t i = 0; i < groups && !in.failed(); ++i) {
    RowGroupPlace place;
    place.offset = in.varint_max(file_bytes);
    place.directory = CLEW_TRY(read_directory(in.string(), kRowGroupRowsMax));
    if (place.directory.data_bytes > file_bytes - place.offset) {
      return Error(Code::kCorrupt, "a row group outside of its file");
    }
    tail.row_groups.push_back(std::move(place));
  }
  tail.summary.row_groups = static_cast<uint32_t>(tail.row_groups.size());
  CLEW_TRY(read_index(in, file_bytes, tail.index));
  CLEW_TRY(in.finish());
  return tail;
}

}  // namespace clew::columnar
