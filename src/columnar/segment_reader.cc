#include "columnar/pruning.h"
#include "columnar/row_group.h"
#include "columnar/segment.h"
#include "columnar/segment_open.h"
#include "columnar/token_index.h"
#include "model/batch.h"

namespace clew::columnar {
namespace {

class FileSegmentReader final : public SegmentReader {
 public:
  FileSegmentReader(std::shared_ptr<const os::File> file, Tail tail)
      : file_(std::move(file)),
        identity_(std::move(tail.identity)),
        summary_(tail.summary),
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
  std::vector<contract::FieldInfo> fields() const override;
  Result<std::vector<GroupWords>> words() const override { return words_of_groups(*file_, index_, groups_.size()); }
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

std::vector<contract::FieldInfo> FileSegmentReader::fields() const {
  std::vector<const RowGroup*> groups;
  for (const auto& group : groups_) groups.push_back(group.get());
  return fields_of(groups);
}

Status FileSegmentReader::verify() const {
  uint64_t rows = 0;
  for (size_t i = 0; i < groups_.size(); ++i) {
    Status good = groups_[i]->verify();
    if (!good.ok()) return std::move(good).error().at("row group " + std::to_string(i));
    rows += groups_[i]->rows();
  }
  if (rows != summary_.rows) return Error(Code::kCorrupt, "row groups have other rows than the summary");
  return verify_index(*file_, index_, groups_.size());
}

}  // namespace

Result<std::shared_ptr<const SegmentReader>> open_segment(os::Disk& disk, const std::string& path) {
  OpenedTail opened = CLEW_TRY(open_segment_tail(disk, path));
  return std::shared_ptr<const SegmentReader>(
      std::make_shared<FileSegmentReader>(std::move(opened.file), std::move(opened.tail)));
}

}  // namespace clew::columnar
