// What a store of metrics holds and whether it is whole, read without opening it.
#include <fmt/format.h>

#include <algorithm>

#include "journal/record.h"
#include "metricstore/metric_record.h"
#include "metricstore/metric_store.h"

namespace clew::metricstore {
namespace {

constexpr size_t kGroupsListed = 20;
constexpr size_t kSeriesListed = 10;

struct Examination {
  os::Disk& disk;
  const std::string& dir;
  MetricStoreReport report;

  void find(const std::string& path, const std::string& what) { report.findings.push_back(path + ": " + what); }
};

// Goes through every group; what is wrong becomes a finding.
void examine_part(Examination& e, const PartEntry& entry) {
  const std::string path = part_path(e.dir, entry.number);
  GroupCache cache(0);
  Result<std::unique_ptr<os::File>> file = e.disk.open(path, os::OpenMode::kRead);
  if (!file.ok()) return e.find(path, file.error().message());
  Result<PartPtr> part = Part::open(std::move(*file), entry.number, cache);
  if (!part.ok()) return e.find(path, part.error().message());
  const PartFooter& footer = (*part)->footer();
  e.report.text += fmt::format("  part {}: day {}, level {}, {} series, {} samples, {} bytes\n", entry.number,
                               entry.day, entry.level, footer.series, footer.samples, (*part)->file_bytes());
  uint64_t samples = 0, series_count = 0;
  SeriesId before = kNoSeries;
  model::SampleColumns columns;
  for (size_t g = 0; g < footer.groups.size(); ++g) {
    Result<Group> group = (*part)->unpack(g);
    if (!group.ok()) {
      e.find(path, group.error().message());
      continue;
    }
    for (const ChunkView& chunk : group->chunks()) {
      columns.clear();
      Status read = group->read(chunk, INT64_MIN, INT64_MAX, columns);
      if (!read.ok()) e.find(path, fmt::format("series {}: {}", chunk.series, read.error().message()));
      bool in_order = std::is_sorted(columns.millis.begin(), columns.millis.end());
      if (!in_order) e.find(path, fmt::format("series {}: its times do not rise", chunk.series));
      if (before != kNoSeries && chunk.series < before) e.find(path, "its series do not rise");
      bool listed = footer.ids.empty() || footer.ids.has(chunk.series);
      if (!listed) e.find(path, fmt::format("series {} is not in the list of its series", chunk.series));
      series_count += chunk.series != before ? 1 : 0;
      before = chunk.series;
      samples += columns.size();
    }
  }
  if (samples != footer.samples || series_count != footer.series) {
    e.find(path, fmt::format("holds {} samples of {} series, its footer says {} of {}", samples, series_count,
                             footer.samples, footer.series));
  }
}

Status examine_journal(Examination& e) {
  bool there = CLEW_TRY(e.disk.exists(e.dir + "/journal"));
  if (!there) return {};
  std::vector<os::DirEntry> entries = CLEW_TRY(e.disk.list(e.dir + "/journal"));
  std::sort(entries.begin(), entries.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
  for (const os::DirEntry& entry : entries) {
    std::string path = e.dir + "/journal/" + entry.name;
    if (entry.name.ends_with(".bad")) e.find(path, "a journal file that could not be read at a start");
    if (!entry.name.ends_with(".journal")) continue;
    std::unique_ptr<os::File> opened = CLEW_TRY(e.disk.open(path, os::OpenMode::kRead));
    std::shared_ptr<const os::File> file = std::move(opened);
    Result<journal::FileHeader> header = journal::read_file_header(*file);
    if (!header.ok()) {
      e.find(path, header.error().message());
      continue;
    }
    uint64_t records = 0, samples = 0;
    auto each = [&](journal::Record&& record) -> Status {
      ++records;
      for (const journal::BlobPlace& place : record.blobs) {
        std::string bytes = CLEW_TRY(file->read_at(place.offset, place.bytes));
        Result<MetricRecord> decoded = decode_record(bytes);
        if (!decoded.ok()) {
          e.find(path, fmt::format("the record at {}: {}", place.offset, decoded.error().message()));
        } else {
          samples += decoded->batch.samples_count();
        }
      }
      return {};
    };
    journal::ScanReport scan = CLEW_TRY(journal::scan_file(*file, *header, each));
    for (const auto& d : scan.damaged) e.find(path, fmt::format("{} damaged bytes at {}", d.bytes, d.offset));
    e.report.text += fmt::format("  {}: {} records, {} samples\n", path, records, samples);
  }
  return {};
}

std::string name_of(const std::string& path) { return path.substr(path.rfind('/') + 1); }
std::string dir_of(const std::string& path) {
  size_t slash = path.rfind('/');
  return slash == std::string::npos ? "." : path.substr(0, slash);
}

std::string manifest_text(const MetricManifest& manifest) {
  std::string text = fmt::format(
      "manifest of metrics: series log {} ({} bytes), next part {}, journal counts from file {} byte {}, {} parts\n",
      manifest.series_log, manifest.series_log_bytes, manifest.next_part, manifest.replayed_file, manifest.replayed_end,
      manifest.parts.size());
  for (const Tombstone& tombstone : manifest.tombstones) {
    text += fmt::format("  deleted: {} series from {} to {} in parts below {}\n", tombstone.series.size(),
                        tombstone.from_millis, tombstone.to_millis, tombstone.before_part);
  }
  return text;
}

Result<std::string> describe_part(os::Disk& disk, const std::string& path) {
  std::unique_ptr<os::File> file = CLEW_TRY(disk.open(path, os::OpenMode::kRead));
  PartFooter footer = CLEW_TRY(read_footer(*file));
  uint64_t bytes = CLEW_TRY(file->size_bytes());
  std::string text =
      fmt::format("metric part: {} series, {} samples, {} bytes, times {} to {}, {} groups\n", footer.series,
                  footer.samples, bytes, footer.min_millis, footer.max_millis, footer.groups.size());
  for (size_t g = 0; g < std::min(kGroupsListed, footer.groups.size()); ++g) {
    const GroupEntry& group = footer.groups[g];
    text += fmt::format("  group {}: series {} to {}, {} samples, {} bytes at {}\n", g, group.first, group.last,
                        group.samples, group.bytes, group.offset);
  }
  if (footer.groups.size() > kGroupsListed)
    text += fmt::format("  and {} more\n", footer.groups.size() - kGroupsListed);
  return text;
}

Result<std::string> describe_log(os::Disk& disk, const std::string& path) {
  const std::string name = name_of(path);
  uint64_t number = std::strtoull(name.c_str() + std::string_view("series-").size(), nullptr, 10);
  std::unique_ptr<os::File> file = CLEW_TRY(disk.open(path, os::OpenMode::kRead));
  uint64_t bytes = CLEW_TRY(file->size_bytes());
  std::unique_ptr<SeriesLog> log = CLEW_TRY(SeriesLog::open(disk, dir_of(path), number, bytes));
  uint64_t damaged = 0, count = 0, metrics = 0;
  std::string first;
  CLEW_TRY(log->read(
      [&](SeriesLog::Entries&& entries) {
        for (const auto& [id, labels] : entries.series) {
          if (count++ < kSeriesListed) first += fmt::format("  {} {}\n", id, model::to_text(labels));
        }
        metrics += entries.metadata.size();
      },
      damaged));
  std::string text =
      fmt::format("series log: {} series, metadata of {} metrics, {} bytes\n{}", count, metrics, bytes, first);
  if (damaged > 0) text += fmt::format("  DAMAGED: {} frames\n", damaged);
  return text;
}

}  // namespace

Result<MetricStoreReport> examine_metric_store(os::Disk& disk, const std::string& dir) {
  std::optional<MetricManifest> manifest = CLEW_TRY(read_manifest(disk, dir));
  if (!manifest) return Error(Code::kNotFound, dir + " has no MANIFEST");
  Examination e{disk, dir, {}};
  e.report.text = manifest_text(*manifest);
  for (const PartEntry& entry : manifest->parts) examine_part(e, entry);
  Result<std::unique_ptr<SeriesLog>> log = SeriesLog::open(disk, dir, manifest->series_log, manifest->series_log_bytes);
  uint64_t damaged = 0, series = 0;
  if (log.ok()) {
    CLEW_TRY((*log)->read([&](SeriesLog::Entries&& entries) { series += entries.series.size(); }, damaged));
    e.report.text += fmt::format("  series log: {} series\n", series);
  }
  const std::string path = series_log_path(dir, manifest->series_log);
  if (!log.ok()) e.find(path, log.error().message());
  if (damaged > 0) e.find(path, fmt::format("{} damaged frames: what they name is called __lost__", damaged));
  for (const os::DirEntry& entry : CLEW_TRY(disk.list(dir))) {
    if (entry.name.ends_with(".bad")) e.find(dir + "/" + entry.name, "a part that could not be read at a start");
  }
  CLEW_TRY(examine_journal(e));
  return std::move(e.report);
}

Result<std::string> describe_metric_file(os::Disk& disk, const std::string& path) {
  const std::string name = name_of(path);
  if (name.ends_with(".mpart") || name.ends_with(".mpart.bad")) return describe_part(disk, path);
  if (name.starts_with("series-") && name.ends_with(".log")) return describe_log(disk, path);
  if (name == "MANIFEST") {
    std::optional<MetricManifest> manifest = CLEW_TRY(read_manifest(disk, dir_of(path)));
    if (!manifest) return Error(Code::kNotFound, path + " is not there");
    return manifest_text(*manifest);
  }
  return Error(Code::kInvalid, path + " is no file of a store of metrics");
}

}  // namespace clew::metricstore
