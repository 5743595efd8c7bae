#include <algorithm>
#include <map>

#include "base/hash.h"
#include "columnar/pruning.h"
#include "columnar/row_group.h"
#include "columnar/segment.h"
#include "columnar/segment_format.h"
#include "model/batch.h"

namespace clew::columnar {
namespace {

class FileSegmentReader final : public SegmentReader {
 public:
  FileSegmentReader(std::shared_ptr<const os::File> file, Tail tail)
      : file_(std::move(file)), identity_(std::move(tail.identity)), summary_(tail.summary),
        commits_(std::make_shared<const std::vector<CommitRange>>(std::move(tail.commits))),
        index_(std::move(tail.index)) {
    auto dataset = std::make_shared<const std::string>(identity_.dataset);
    for (RowGroupPlace& place : tail.row_groups) {
      ByteSource data(file_, place.offset, place.directory.data_bytes);
      auto group = std::make_shared<const RowGroup>(dataset, std::move(place.directory), data, Seqs::kColumn, commits_);
      groups_.push_back(group);
      row_groups_.push_back(group);
    }
  }

  const SegmentIdentity& identity() const override { return identity_; }
  const SegmentSummary& summary() const override { return summary_; }
  const std::vector<CommitRange>& commits() const override { return *commits_; }
  const std::vector<RowSourcePtr>& row_groups() const override { return row_groups_; }
  Result<std::vector<bool>> may_match(const contract::Predicate& where, contract::ScanStats& stats) const override {
    return prune({file_, index_, groups_}, where, stats);
  }
  std::vector<contract::FieldInfo> fields() const override { return fields_of(groups_); }
  Status verify() const override;

 private:
  std::shared_ptr<const os::File> file_;
  SegmentIdentity identity_;
  SegmentSummary summary_;
  CommitsPtr commits_;
  IndexPlace index_;
  std::vector<std::shared_ptr<const RowGroup>> groups_;
  std::vector<RowSourcePtr> row_groups_;
};

Status FileSegmentReader::verify() const {
  uint64_t rows = 0;
  for (size_t i = 0; i < groups_.size(); ++i) {
    Status good = groups_[i]->verify();
    if (!good.ok()) return std::move(good).error().at("row group " + std::to_string(i));
    rows += groups_[i]->rows();
  }
  if (rows != summary_.rows) return Error(Code::kCorrupt, "row groups have other rows than the summary");
  return {};
}

Result<Trailer> find_trailer(const os::File& file, std::string_view end) {
  Result<Trailer> last = read_trailer(end.substr(end.size() - kTrailerBytes));
  if (last.ok() || last.error().code() == Code::kUnsupported) return last;
  std::string front = CLEW_TRY(file.read_at(0, kTrailerBytes));
  Result<Trailer> first = read_trailer(front);
  return first.ok() ? std::move(first) : std::move(last);
}

Result<Tail> load_tail(const os::File& file, const Trailer& trailer, int copy, std::string_view end,
                       uint64_t file_bytes) {
  uint64_t offset = trailer.tail_offsets[copy];
  if (offset > file_bytes || trailer.tail_bytes > file_bytes - offset || trailer.tail_bytes > kTailBytesMax) {
    return Error(Code::kCorrupt, "a tail outside of its file");
  }
  uint64_t end_begin = file_bytes - end.size();
  std::string read;
  std::string_view bytes;
  if (offset >= end_begin) {
    bytes = end.substr(offset - end_begin, trailer.tail_bytes);
  } else {
    read = CLEW_TRY(file.read_at(offset, trailer.tail_bytes));
    bytes = read;
  }
  if (base::crc32c(bytes) != trailer.tail_crc) return Error(Code::kCorrupt, "checksum of a tail");
  return read_tail(bytes, file_bytes);
}

Result<Tail> open_tail(const os::File& file) {
  uint64_t file_bytes = CLEW_TRY(file.size_bytes());
  if (file_bytes < 2 * kTrailerBytes) return Error(Code::kCorrupt, "shorter than its trailers");
  uint64_t end_bytes = std::min<uint64_t>(file_bytes, kFirstReadBytes);
  std::string end = CLEW_TRY(file.read_at(file_bytes - end_bytes, end_bytes));
  Trailer trailer = CLEW_TRY(find_trailer(file, end));
  if (trailer.file_bytes != file_bytes) return Error(Code::kCorrupt, "a segment of another length");
  // The second tail is nearer to the end, and so more often in what was read already.
  Result<Tail> second = load_tail(file, trailer, 1, end, file_bytes);
  if (second.ok()) return second;
  return load_tail(file, trailer, 0, end, file_bytes);
}

}  // namespace

Result<std::shared_ptr<const SegmentReader>> open_segment(os::Disk& disk, const std::string& path) {
  std::shared_ptr<const os::File> file = CLEW_TRY(disk.open(path, os::OpenMode::kRead));
  Result<Tail> tail = open_tail(*file);
  if (!tail.ok()) return std::move(tail).error().at(path);
  return std::shared_ptr<const SegmentReader>(std::make_shared<FileSegmentReader>(file, std::move(tail).take()));
}

}  // namespace clew::columnar
