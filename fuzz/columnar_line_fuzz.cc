// Any bytes as text lines, each cut into columns: a row group gives every line back, composed of the columns or not,
// and so does one that is gathered from it again. A line of the input is `line` 0x1f `text` 0x1f `number`; what is
// missing lies inside of the line.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "columnar/part.h"
#include "columnar/segment.h"
#include "model/batch.h"
#include "os/sim_disk.h"

namespace {

using namespace clew;

constexpr char kCut = 0x1f;
constexpr uint32_t kRowsMax = 2000;
constexpr int64_t kStart = 1'763'719'200'000'000'000;

std::string_view next(std::string_view& rest, char end) {
  size_t at = rest.find(end);
  std::string_view piece = rest.substr(0, at);
  rest = at == std::string_view::npos ? std::string_view() : rest.substr(at + 1);
  return piece;
}

void add_row(model::Batch& batch, std::string_view given, std::vector<std::string>& lines) {
  std::string_view line = next(given, kCut);
  std::string_view text = next(given, kCut);
  if (text.empty()) text = line.substr(line.size() / 3, line.size() / 2);
  std::string_view number = given.empty() ? line.substr(0, line.find(' ')) : given;
  uint32_t row = batch.begin_row();
  batch.column("_time")->add_time(row, kStart + row * int64_t{1'000'000'007});
  if (!text.empty()) batch.column("text")->add_string(row, text);
  if (!number.empty()) batch.column("number")->add_number(row, number);
  batch.column("_raw")->add_string(row, line);
  lines.emplace_back(line);
  batch.end_row();
}

std::shared_ptr<const columnar::SegmentReader> write(os::Disk& disk, const std::string& path,
                                                     const columnar::RowSourcePtr& source) {
  std::vector<columnar::RowRef> rows;
  for (uint32_t i = 0; i < source->rows(); ++i) rows.push_back({0, i});
  auto writer =
      columnar::create_segment(disk, path, {.tenant = "t", .dataset = "fuzz", .day = 1, .retention_class = ""});
  if (!writer.ok() || !(*writer)->add_row_group(std::span(&source, 1), rows).ok()) std::abort();
  columnar::CommitRange commit{Seq(1), source->rows(), {"fuzz", 1}, UnixNanos(kStart), 0, source->rows()};
  if (!(*writer)->finish({commit}).ok()) std::abort();
  auto reader = columnar::open_segment(disk, path);
  if (!reader.ok() || !(*reader)->verify().ok()) std::abort();
  return *reader;
}

void expect(const columnar::SegmentReader& reader, const std::vector<std::string>& lines) {
  contract::ScanStats stats;
  model::Selection rows;
  auto granule = reader.row_groups()[0]->granule(Seq(UINT64_MAX), nullptr);
  granule->alive(0, rows);
  auto documents = granule->documents(0, rows, stats);
  if (!documents.ok() || *documents != lines) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t bytes) {
  std::string_view in(reinterpret_cast<const char*>(data), bytes);
  model::Batch batch("fuzz");
  std::vector<std::string> lines;
  while (!in.empty() && batch.rows() < kRowsMax) add_row(batch, next(in, '\n'), lines);
  if (batch.rows() == 0) return 0;
  auto encoded = std::make_shared<const std::string>(columnar::BatchEncoder().encode(batch));
  columnar::CommitRange commit{Seq(1), batch.rows(), {"fuzz", 1}, UnixNanos(kStart), 0, batch.rows()};
  auto part = columnar::open_part(encoded, {commit});
  if (!part.ok()) std::abort();
  os::SimDisk disk(1);
  auto first = write(disk, "first", *part);
  expect(*first, lines);
  expect(*write(disk, "second", first->row_groups()[0]), lines);
  return 0;
}
