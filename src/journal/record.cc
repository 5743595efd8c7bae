#include "journal/record.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "base/bytes.h"
#include "base/hash.h"

namespace clew::journal {
namespace {

constexpr std::string_view kFileMagic = "clewjrnl";
constexpr uint64_t kWindowBytes = 256u << 10;
constexpr uint64_t kBlobEntryBytes = 8;  // bytes u32, crc u32

constexpr uint64_t aligned(uint64_t n) { return (n + kRecordAlign - 1) & ~(kRecordAlign - 1); }

static_assert(kFileHeaderBytes % kRecordAlign == 0);
static_assert(kRecordHeaderBytes % kRecordAlign == 0);

struct RecordHead {
  uint32_t crc = 0;
  uint32_t meta_bytes = 0;
  uint32_t blobs = 0;
  uint64_t record_bytes = 0;
  uint64_t head_bytes() const { return kRecordHeaderBytes + blobs * kBlobEntryBytes + meta_bytes; }
};

// A head whose lengths are within limits; its checksum is not looked at yet.
bool parse_head(std::string_view bytes, uint64_t salt, RecordHead& head) {
  base::Reader in(bytes);
  if (in.u32() != kRecordMagic) return false;
  head.crc = in.u32();
  if (in.u64() != salt) return false;
  head.meta_bytes = in.u32();
  head.blobs = in.u32();
  head.record_bytes = in.u64();
  return !in.failed() && head.meta_bytes <= kMetaBytesMax && head.blobs <= kBlobsMax &&
         head.record_bytes <= kRecordBytesMax && aligned(head.head_bytes()) <= head.record_bytes;
}

// Reads through a window, so that many small records cost few reads.
class Window {
 public:
  Window(const os::File& file, uint64_t file_bytes) : file_(file), file_bytes_(file_bytes) {}

  // Up to `bytes` at `offset`; fewer only at the end of the file. Valid until the next call.
  Result<std::string_view> view(uint64_t offset, uint64_t bytes) {
    if (offset >= file_bytes_) return std::string_view();
    bytes = std::min(bytes, file_bytes_ - offset);
    if (offset < begin_ || offset + bytes > begin_ + data_.size()) {
      uint64_t want = std::min(std::max(bytes, kWindowBytes), file_bytes_ - offset);
      data_.resize(want);
      begin_ = offset;
      Status read = file_.read_into(offset, data_.data(), want);
      if (!read.ok()) {
        data_.clear();
        return std::move(read).error();
      }
    }
    return std::string_view(data_).substr(offset - begin_, bytes);
  }
  uint64_t file_bytes() const { return file_bytes_; }

 private:
  const os::File& file_;
  uint64_t file_bytes_;
  uint64_t begin_ = 0;
  std::string data_;
};

Result<uint32_t> crc_of(Window& window, uint64_t offset, uint64_t bytes) {
  uint32_t crc = 0;
  while (bytes > 0) {
    std::string_view piece = CLEW_TRY(window.view(offset, std::min(bytes, kWindowBytes)));
    if (piece.empty()) return Error(Code::kCorrupt, "blob ends behind the file");
    crc = base::crc32c(piece, crc);
    offset += piece.size();
    bytes -= piece.size();
  }
  return crc;
}

enum class Found : uint8_t { kNothing, kGood, kDamagedBody };

// Looks for a record at exactly `offset`. kDamagedBody: its head is whole, so its length is known.
Result<Found> read_record(Window& window, uint64_t offset, uint64_t salt, Record& record) {
  std::string_view fixed = CLEW_TRY(window.view(offset, kRecordHeaderBytes));
  RecordHead head;
  if (!parse_head(fixed, salt, head)) return Found::kNothing;
  std::string_view all = CLEW_TRY(window.view(offset, head.head_bytes()));
  if (all.size() < head.head_bytes() || base::crc32c(all.substr(8)) != head.crc) return Found::kNothing;

  base::Reader in(all.substr(kRecordHeaderBytes));
  std::vector<uint32_t> crcs;
  record = Record{.offset = offset, .bytes = head.record_bytes, .meta = {}, .blobs = {}};
  uint64_t at = aligned(head.head_bytes());
  for (uint32_t i = 0; i < head.blobs; ++i) {
    uint32_t bytes = in.u32();
    crcs.push_back(in.u32());
    record.blobs.push_back({.offset = offset + at, .bytes = bytes});
    at = aligned(at + bytes);
  }
  record.meta = std::string(in.bytes(head.meta_bytes));
  if (at != head.record_bytes) return Found::kNothing;
  if (offset + head.record_bytes > window.file_bytes()) return Found::kDamagedBody;
  for (size_t i = 0; i < record.blobs.size(); ++i) {
    uint32_t crc = CLEW_TRY(crc_of(window, record.blobs[i].offset, record.blobs[i].bytes));
    if (crc != crcs[i]) return Found::kDamagedBody;
  }
  return Found::kGood;
}

// The next offset from `offset` on where a record's magic and salt stand, or the end of the file.
Result<uint64_t> find_magic(Window& window, uint64_t offset, uint64_t salt, bool& seen_bytes) {
  while (offset + kRecordHeaderBytes <= window.file_bytes()) {
    std::string_view piece = CLEW_TRY(window.view(offset, kWindowBytes));
    uint64_t i = 0;
    for (; i + 16 <= piece.size(); i += kRecordAlign) {
      uint64_t word;
      std::memcpy(&word, piece.data() + i, sizeof word);
      if (word == 0) continue;
      seen_bytes = true;
      uint64_t found;
      std::memcpy(&found, piece.data() + i + 8, sizeof found);
      if (static_cast<uint32_t>(word) == kRecordMagic && found == salt) return offset + i;
    }
    offset += i;
  }
  return window.file_bytes();
}

Result<FileHeader> parse_file_header(std::string_view bytes) {
  base::Reader in(bytes);
  if (in.bytes(kFileMagic.size()) != kFileMagic) return Error(Code::kCorrupt, "not a journal file");
  uint32_t crc = in.u32();
  if (base::crc32c(bytes.substr(12)) != crc) return Error(Code::kCorrupt, "journal file header fails its checksum");
  uint32_t version = in.u32();
  if (version > kFileVersion) {
    return Error(Code::kUnsupported, "journal version " + std::to_string(version) + " is newer than this build");
  }
  FileHeader header{.number = in.u64(), .salt = in.u64(), .file_bytes = in.u64()};
  CLEW_TRY(in.status());
  return header;
}

}  // namespace

std::string encode_file_header(const FileHeader& header) {
  std::string body;
  base::Writer out(body);
  out.u32(kFileVersion);
  out.u64(header.number);
  out.u64(header.salt);
  out.u64(header.file_bytes);
  body.resize(kFileHeaderCopyBytes - 12, '\0');
  std::string copy;
  base::Writer whole(copy);
  whole.bytes(kFileMagic);
  whole.u32(base::crc32c(body));
  whole.bytes(body);
  copy.resize(kFileHeaderBytes / 2, '\0');
  return copy + copy;
}

Result<FileHeader> read_file_header(const os::File& file) {
  Error first(Code::kCorrupt, "shorter than a journal file header");
  for (uint64_t offset : {uint64_t{0}, kFileHeaderBytes / 2}) {
    Result<std::string> bytes = file.read_at(offset, kFileHeaderCopyBytes);
    if (!bytes.ok() && bytes.error().code() == Code::kIo) return Error(bytes.error()).at(file.path());
    if (!bytes.ok()) continue;
    Result<FileHeader> header = parse_file_header(*bytes);
    if (header.ok()) return header;
    first = header.error();
  }
  return std::move(first).at(file.path());
}

uint64_t record_bytes(const Entry& entry) {
  uint64_t bytes = aligned(kRecordHeaderBytes + entry.blobs.size() * kBlobEntryBytes + entry.meta.size());
  for (const Blob& blob : entry.blobs) bytes += aligned(blob.bytes.size());
  return bytes;
}

void encode_record_head(const Entry& entry, uint64_t salt, std::string& out) {
  size_t begin = out.size();
  base::Writer w(out);
  w.u32(kRecordMagic);
  w.u32(0);
  w.u64(salt);
  w.u32(static_cast<uint32_t>(entry.meta.size()));
  w.u32(static_cast<uint32_t>(entry.blobs.size()));
  w.u64(record_bytes(entry));
  for (const Blob& blob : entry.blobs) {
    w.u32(static_cast<uint32_t>(blob.bytes.size()));
    w.u32(blob.crc);
  }
  w.bytes(entry.meta);
  w.patch_u32(begin + 4, base::crc32c(std::string_view(out).substr(begin + 8)));
  out.resize(begin + aligned(out.size() - begin), '\0');
}

Result<ScanReport> scan_file(const os::File& file, const FileHeader& header,
                             const std::function<Status(Record&&)>& each) {
  uint64_t file_bytes = CLEW_TRY(file.size_bytes());
  Window window(file, file_bytes);
  ScanReport report;
  uint64_t at = kFileHeaderBytes;
  while (at < file_bytes) {
    Record record;
    Found found = CLEW_TRY(read_record(window, at, header.salt, record));
    if (found == Found::kGood) {
      // What lies before it is damage: a torn tail has nothing good behind it.
      if (at > report.end_offset) report.damaged.push_back({report.end_offset, at - report.end_offset});
      report.end_offset = at + record.bytes;
      report.torn_tail = false;
      ++report.records;
      at = report.end_offset;
      CLEW_TRY(each(std::move(record)));
      continue;
    }
    if (found == Found::kDamagedBody) report.torn_tail = true;
    uint64_t from = found == Found::kDamagedBody ? std::min(at + record.bytes, file_bytes) : at + kRecordAlign;
    if (found == Found::kNothing) {
      std::string_view word = CLEW_TRY(window.view(at, kRecordAlign));
      report.torn_tail = report.torn_tail || word.find_first_not_of('\0') != std::string_view::npos;
    }
    at = CLEW_TRY(find_magic(window, from, header.salt, report.torn_tail));
  }
  return report;
}

std::string describe_journal(const os::File& file, const std::function<std::string(std::string_view)>& describe_meta) {
  Result<FileHeader> header = read_file_header(file);
  if (!header.ok()) return fmt::format("damaged: {}\n", header.error().message());
  std::string out = fmt::format("journal file {}, version {}, salt {:016x}, made with {} bytes\n", header->number,
                                kFileVersion, header->salt, header->file_bytes);
  auto each = [&](Record&& r) -> Status {
    uint64_t blob_bytes = 0;
    for (const BlobPlace& b : r.blobs) blob_bytes += b.bytes;
    out += fmt::format("{:>10}  record {} bytes, {} blobs of {} bytes  {}\n", r.offset, r.bytes, r.blobs.size(),
                       blob_bytes, describe_meta(r.meta));
    return {};
  };
  Result<ScanReport> report = scan_file(file, *header, each);
  if (!report.ok()) return out + fmt::format("stopped: {}\n", report.error().message());
  for (const DamagedRange& d : report->damaged) out += fmt::format("{:>10}  damaged, {} bytes\n", d.offset, d.bytes);
  out += fmt::format("{} records end at {}{}\n", report->records, report->end_offset,
                     report->torn_tail ? ", a torn tail behind them" : "");
  return out;
}

}  // namespace clew::journal
