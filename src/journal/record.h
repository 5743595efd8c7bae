// The journal's bytes (docs/formats/journal.md): file headers and records.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "os/disk.h"

namespace clew::journal {

constexpr uint32_t kFileVersion = 1;
constexpr uint64_t kFileHeaderBytes = 4096;  // two copies of the header, half this apart
constexpr uint64_t kFileHeaderCopyBytes = 48;
constexpr uint32_t kRecordMagic = 0x4345524a;  // "JREC"
constexpr uint64_t kRecordHeaderBytes = 32;
constexpr uint64_t kRecordAlign = 8;  // a record begins at a multiple of it, so does each blob
constexpr uint32_t kMetaBytesMax = 16u << 20;
constexpr uint32_t kBlobsMax = 16384;
constexpr uint64_t kRecordBytesMax = uint64_t{1} << 30;

struct FileHeader {
  uint64_t number = 0;      // as in the file's name; rises with each file
  uint64_t salt = 0;        // random: bytes that a client sends are never taken for a record
  uint64_t file_bytes = 0;  // size when made
};
std::string encode_file_header(const FileHeader& header);
// Reads the first copy that is whole.
// Errors: kCorrupt when neither is; kUnsupported for a later version; kIo.
Result<FileHeader> read_file_header(const os::File& file);

// What a record holds: `meta` belongs to the store that wrote it, blobs are the parts.
struct Blob {
  std::string_view bytes;
  uint32_t crc = 0;  // base::crc32c(bytes), made by the thread that made the bytes
};
struct Entry {
  std::string_view meta;
  std::span<const Blob> blobs;
};

// Bytes of the record as it lies in the file, padding included.
uint64_t record_bytes(const Entry& entry);
// Appends everything up to the first blob.
void encode_record_head(const Entry& entry, uint64_t salt, std::string& out);

struct BlobPlace {
  uint64_t offset = 0;  // in the file
  uint64_t bytes = 0;
};
struct Record {
  uint64_t offset = 0;
  uint64_t bytes = 0;
  std::string meta;
  std::vector<BlobPlace> blobs;
};

struct DamagedRange {
  uint64_t offset = 0;
  uint64_t bytes = 0;
};
struct ScanReport {
  uint64_t records = 0;
  uint64_t end_offset = kFileHeaderBytes;  // after the last good record
  std::vector<DamagedRange> damaged;       // between good records
  bool torn_tail = false;                  // something unfinished lies behind the last good record
};

// Gives every whole record of a file to `each`, in order. A damaged one is left out, the later ones are found again.
// Cost:   reads the file once; memory of one record's meta and 256 KiB.
// Errors: kIo, and what `each` gives.
Result<ScanReport> scan_file(const os::File& file, const FileHeader& header,
                             const std::function<Status(Record&&)>& each);

// The file as text, one line a record, for `clew inspect`. Shows as much as it can of a damaged one.
std::string describe_journal(const os::File& file,
                             const std::function<std::string(std::string_view meta)>& describe_meta);

}  // namespace clew::journal
