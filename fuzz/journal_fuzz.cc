// The journal's scanner over any bytes. Every record that it gives must be whole by its own checksums, lie behind the
// one before, and be found again when its bytes alone are a file.
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>

#include "base/hash.h"
#include "journal/record.h"
#include "os/sim_disk.h"

namespace {

using namespace clew;

constexpr const char* kPath = "/d/00000001.journal";
constexpr uint64_t kSalt = 0x1122334455667788;

struct Scanned {
  journal::ScanReport report;
  std::vector<journal::Record> records;
};

Scanned scan(const std::string& bytes) {
  os::SimDisk disk(1);
  disk.put(kPath, bytes);
  auto file = disk.open(kPath, os::OpenMode::kRead);
  auto header = journal::read_file_header(**file);
  if (!header.ok()) std::abort();
  Scanned out;
  auto each = [&](journal::Record&& record) -> Status {
    out.records.push_back(std::move(record));
    return {};
  };
  auto report = journal::scan_file(**file, *header, each);
  if (!report.ok()) std::abort();
  out.report = *report;
  (void)journal::describe_journal(**file, [](std::string_view) { return std::string(); });
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t bytes) {
  std::string header = journal::encode_file_header({1, kSalt, 1 << 20});
  std::string file = header + std::string(reinterpret_cast<const char*>(data), bytes);
  Scanned scanned = scan(file);
  uint64_t end = journal::kFileHeaderBytes;
  for (const journal::Record& record : scanned.records) {
    if (record.offset < end || record.offset + record.bytes > file.size()) std::abort();
    end = record.offset + record.bytes;
    for (const journal::BlobPlace& blob : record.blobs) {
      if (blob.offset < record.offset || blob.offset + blob.bytes > end) std::abort();
    }
    Scanned alone = scan(header + file.substr(record.offset, record.bytes));
    if (alone.records.size() != 1 || alone.records[0].meta != record.meta) std::abort();
  }
  if (scanned.report.records != scanned.records.size() || scanned.report.end_offset != end) std::abort();
  return 0;
}
