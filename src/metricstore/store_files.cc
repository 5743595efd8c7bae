#include "metricstore/store_files.h"

#include <fmt/format.h>

#include <functional>

#include "base/bytes.h"
#include "base/hash.h"
#include "codec/compress.h"
#include "metricstore/metric_record.h"

namespace clew::metricstore {
namespace {

constexpr std::string_view kManifestMagic = "clewmman";
constexpr uint32_t kManifestVersion = 2;
constexpr uint64_t kManifestBytesMax = 256u << 20;
constexpr uint32_t kPlainFrameMagic = 0x474f4c53;  // "SLOG", of the first version: the record as it is
constexpr uint32_t kFrameMagic = 0x5a4f4c53;       // "SLOZ": the record packed
constexpr uint64_t kFrameHeaderBytes = 12;         // magic, u32 bytes, u32 CRC-32C of the bytes
constexpr uint64_t kFrameBytesMax = 1u << 30;
constexpr size_t kFrameSeriesMax = 20'000;

std::string encode(const MetricManifest& manifest) {
  std::string out;
  base::Writer to(out);
  to.varint(manifest.next_part);
  to.varint(manifest.series_log);
  to.varint(manifest.series_log_bytes);
  to.varint(manifest.replayed_file);
  to.varint(manifest.replayed_end);
  to.varint(manifest.parts.size());
  for (const PartEntry& part : manifest.parts) {
    to.varint(part.number);
    to.varint_signed(part.day);
    to.varint(part.level);
    to.varint(part.first);
  }
  to.varint(manifest.tombstones.size());
  for (const Tombstone& tombstone : manifest.tombstones) {
    to.varint(tombstone.before_part);
    to.varint_signed(tombstone.from_millis);
    to.varint_signed(tombstone.to_millis);
    tombstone.series.write(to);
  }
  return out;
}

Result<MetricManifest> decode(std::string_view bytes, uint32_t version) {
  base::Reader in(bytes);
  MetricManifest manifest;
  manifest.next_part = in.varint();
  manifest.series_log = in.varint();
  manifest.series_log_bytes = in.varint();
  if (version >= 2) {
    manifest.replayed_file = in.varint();
    manifest.replayed_end = in.varint();
  }
  uint64_t parts = in.varint_max(bytes.size());
  for (uint64_t i = 0; i < parts; ++i) {
    PartEntry part;
    part.number = in.varint();
    part.day = in.varint_signed();
    part.level = static_cast<uint32_t>(in.varint_max(UINT32_MAX));
    part.first = in.varint();
    manifest.parts.push_back(part);
  }
  uint64_t tombstones = version >= 2 ? in.varint_max(bytes.size()) : 0;
  for (uint64_t i = 0; i < tombstones && !in.failed(); ++i) {
    Tombstone tombstone;
    tombstone.before_part = in.varint();
    tombstone.from_millis = in.varint_signed();
    tombstone.to_millis = in.varint_signed();
    tombstone.series = SeriesRuns::read(in);
    manifest.tombstones.push_back(std::move(tombstone));
  }
  CLEW_TRY(in.finish());
  return manifest;
}

bool is_frame(uint32_t magic) { return magic == kFrameMagic || magic == kPlainFrameMagic; }

Result<MetricRecord> read_frame(uint32_t magic, std::string_view payload) {
  if (magic == kPlainFrameMagic) return decode_record(payload);
  base::Reader in(payload);
  std::string record;
  CLEW_TRY(codec::read_packed(in, record));
  CLEW_TRY(in.finish());
  return decode_record(record);
}

}  // namespace

std::string part_path(const std::string& dir, uint64_t number) { return fmt::format("{}/{:012}.mpart", dir, number); }
std::string series_log_path(const std::string& dir, uint64_t number) {
  return fmt::format("{}/series-{}.log", dir, number);
}

// magic, u32 version, u32 bytes of a copy, u32 CRC-32C of it; the copy twice.
Status write_manifest(os::Disk& disk, const std::string& dir, const MetricManifest& manifest) {
  std::string copy = encode(manifest);
  std::string bytes(kManifestMagic);
  base::Writer to(bytes);
  to.u32(kManifestVersion);
  to.u32(static_cast<uint32_t>(copy.size()));
  to.u32(base::crc32c(copy));
  bytes += copy;
  bytes += copy;
  const std::string made = dir + "/MANIFEST.new";
  {
    std::unique_ptr<os::File> file = CLEW_TRY(disk.open(made, os::OpenMode::kReplace));
    CLEW_TRY(file->write_at(0, bytes));
    CLEW_TRY(file->sync());
  }
  CLEW_TRY(disk.rename(made, dir + "/MANIFEST"));
  return disk.sync_dir(dir);
}

Result<std::optional<MetricManifest>> read_manifest(os::Disk& disk, const std::string& dir) {
  const std::string path = dir + "/MANIFEST";
  bool exists = CLEW_TRY(disk.exists(path));
  if (!exists) return std::optional<MetricManifest>();
  std::unique_ptr<os::File> file = CLEW_TRY(disk.open(path, os::OpenMode::kRead));
  uint64_t size = CLEW_TRY(file->size_bytes());
  if (size > kManifestBytesMax) return Error(Code::kCorrupt, path + " is too large for a manifest");
  std::string bytes = CLEW_TRY(file->read_at(0, size));
  base::Reader in(bytes);
  if (in.bytes(kManifestMagic.size()) != kManifestMagic)
    return Error(Code::kCorrupt, path + " is no manifest of metrics");
  uint32_t version = in.u32(), length = in.u32(), crc = in.u32();
  if (version > kManifestVersion) {
    return Error(Code::kUnsupported, path + " was written by a newer clew: version " + std::to_string(version));
  }
  for (int copy = 0; copy < 2; ++copy) {
    std::string_view text = in.bytes(length);
    if (in.failed() || base::crc32c(text) != crc) continue;
    MetricManifest manifest = CLEW_TRY(decode(text, version));
    return std::optional<MetricManifest>(std::move(manifest));
  }
  return Error(Code::kCorrupt, "both copies in " + path + " are damaged");
}

Result<std::unique_ptr<SeriesLog>> SeriesLog::open(os::Disk& disk, const std::string& dir, uint64_t number,
                                                   uint64_t bytes) {
  const std::string path = series_log_path(dir, number);
  bool exists = CLEW_TRY(disk.exists(path));
  if (!exists && bytes > 0) return Error(Code::kCorrupt, path + " is missing: it names the series");
  std::unique_ptr<os::File> file = CLEW_TRY(disk.open(path, exists ? os::OpenMode::kReadWrite : os::OpenMode::kCreate));
  if (!exists) CLEW_TRY(disk.sync_dir(dir));
  return std::unique_ptr<SeriesLog>(new SeriesLog(std::move(file), bytes));
}

Result<std::unique_ptr<SeriesLog>> SeriesLog::create(os::Disk& disk, const std::string& dir, uint64_t number) {
  std::unique_ptr<os::File> file = CLEW_TRY(disk.open(series_log_path(dir, number), os::OpenMode::kReplace));
  CLEW_TRY(disk.sync_dir(dir));
  return std::unique_ptr<SeriesLog>(new SeriesLog(std::move(file), 0));
}

Status SeriesLog::append(const Entries& entries) {
  std::string bytes;
  std::string payload, packed;
  auto frame = [&](size_t from, size_t to, bool metadata) {
    payload.clear();
    model::MetricBatch told;
    if (metadata) {
      for (const auto& [metric, what] : entries.metadata) told.set_metadata(metric, what);
    }
    encode_record(std::span(entries.series).subspan(from, to - from), {}, told, payload);
    packed.clear();
    codec::write_packed(payload, codec::Method::kZstd, packed);
    base::Writer out(bytes);
    out.u32(kFrameMagic);
    out.u32(static_cast<uint32_t>(packed.size()));
    out.u32(base::crc32c(packed));
    out.bytes(packed);
  };
  for (size_t from = 0; from < entries.series.size(); from += kFrameSeriesMax) {
    frame(from, std::min(entries.series.size(), from + kFrameSeriesMax), false);
  }
  if (!entries.metadata.empty()) frame(0, 0, true);
  if (bytes.empty()) return {};
  CLEW_TRY(file_->write_at(bytes_, bytes));
  CLEW_TRY(file_->sync());
  bytes_ += bytes.size();
  return {};
}

Status SeriesLog::read(const std::function<void(Entries&&)>& each, uint64_t& damaged) const {
  uint64_t at = 0;
  while (at + kFrameHeaderBytes <= bytes_) {
    std::string header = CLEW_TRY(file_->read_at(at, kFrameHeaderBytes));
    base::Reader in(header);
    uint32_t magic = in.u32(), length = in.u32(), crc = in.u32();
    if (!is_frame(magic) || length > kFrameBytesMax || at + kFrameHeaderBytes + length > bytes_) {
      // Where the frame ends cannot be known: the next one is looked for.
      ++damaged;
      uint64_t next = at + 1;
      for (; next + 4 <= bytes_; ++next) {
        std::string word = CLEW_TRY(file_->read_at(next, 4));
        base::Reader found(word);
        if (is_frame(found.u32())) break;
      }
      at = next;
      continue;
    }
    std::string payload = CLEW_TRY(file_->read_at(at + kFrameHeaderBytes, length));
    at += kFrameHeaderBytes + length;
    Result<MetricRecord> record = base::crc32c(payload) == crc ? read_frame(magic, payload)
                                                               : Result<MetricRecord>(Error(Code::kCorrupt, "a frame"));
    if (!record.ok()) {
      ++damaged;
      continue;
    }
    each({std::move(record->defined), record->batch.metadata()});
  }
  return {};
}

}  // namespace clew::metricstore
