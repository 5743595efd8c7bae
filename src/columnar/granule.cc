#include "columnar/granule.h"

#include <algorithm>
#include <map>
#include <numeric>
#include <utility>

#include "base/hash.h"
#include "base/mutex.h"
#include "columnar/documents.h"
#include "columnar/fields.h"
#include "columnar/filter.h"
#include "columnar/to_vector.h"
#include "model/batch.h"
#include "model/canonical.h"

namespace clew::columnar {
namespace {

using contract::ScanStats;
using model::Selection;
using model::VectorPtr;

bool all_in(const RowGroup& group, Seq up_to) {
  if (group.seqs_form() == Seqs::kFromCommits) {
    if (group.commits().empty()) return true;
    const CommitRange& last = group.commits().back();
    return last.first_seq.get() + last.rows - 1 <= up_to.get();
  }
  const Chunk* seq = group.directory().find(kSeqColumn);
  return seq && seq->stats.form == StatsForm::kInts && static_cast<uint64_t>(seq->stats.int_max) <= up_to.get();
}

// Threads: all functions on any thread; what is remembered is behind a mutex inside Fields.
class RowGroupGranule final : public contract::Granule {
 public:
  RowGroupGranule(std::shared_ptr<const RowGroup> group, Seq up_to, DeletedRows deleted, Reading reading)
      : group_(std::move(group)),
        up_to_(up_to),
        deleted_(std::move(deleted)),
        all_seqs_(all_in(*group_, up_to)),
        fields_(*group_),
        reading_(reading) {}

  const std::string& dataset() const override { return group_->dataset(); }
  uint32_t rows() const override { return group_->rows(); }
  int64_t time_min() const override { return group_->time_min(); }
  int64_t time_max() const override { return group_->time_max(); }

  void alive(uint32_t block, Selection& rows) const override;
  Result<VectorPtr> column(std::string_view field, uint32_t block, const Selection& rows,
                           ScanStats& stats) const override {
    read_whole(stats);
    return fields_.column(field, block, rows, stats);
  }
  Result<bool> filter(const contract::Predicate& leaf, uint32_t block, Selection& rows,
                      ScanStats& stats) const override {
    read_whole(stats);
    return filter_rows(fields_, leaf, block, rows, stats);
  }
  Result<contract::ColumnStats> column_stats(std::string_view field) const override {
    return fields_.column_stats(field);
  }
  const std::vector<contract::MinuteCount>* minute_counts() const override {
    const auto& minutes = group_->directory().minutes;
    return minutes.empty() || deleted_ || !all_seqs_ ? nullptr : &minutes;
  }
  Result<std::vector<contract::ValueCount>> value_counts(std::string_view field, ScanStats& stats) const override {
    if (deleted_ || !all_seqs_) return std::vector<contract::ValueCount>();
    return fields_.value_counts(field, stats);
  }
  Result<std::vector<std::string>> field_names() const override { return group_->names().public_names(); }
  Result<std::vector<std::string>> documents(uint32_t block, const Selection& rows, ScanStats& stats) const override {
    read_whole(stats);
    return documents_of(fields_, block, rows, stats);
  }

 private:
  void read_whole(ScanStats& stats) const;

  std::shared_ptr<const RowGroup> group_;
  Seq up_to_;
  DeletedRows deleted_;
  bool all_seqs_;
  Fields fields_;
  const Reading reading_;
  mutable base::Mutex mutex_;
  mutable bool tried_ CLEW_GUARDED_BY(mutex_) = false;
  mutable std::shared_ptr<const void> whole_ CLEW_GUARDED_BY(mutex_);  // keeps what the row group reads from
};

// A second reader meanwhile goes block by block; so does everyone when it fails, as errors have their place there.
void RowGroupGranule::read_whole(ScanStats& stats) const {
  if (reading_ != Reading::kWhole) return;
  {
    base::MutexLock lock(mutex_);
    if (std::exchange(tried_, true)) return;
  }
  Result<std::shared_ptr<const void>> whole = group_->hold_whole(stats);
  if (!whole.ok()) return;
  base::MutexLock lock(mutex_);
  whole_ = std::move(whole).take();
}

void RowGroupGranule::alive(uint32_t block, Selection& rows) const {
  uint32_t begin = block * kBlockRows;
  uint32_t count = block_rows(group_->rows(), block);
  rows.clear();
  if (all_seqs_ && !deleted_) {
    rows.resize(count);
    std::iota(rows.begin(), rows.end(), begin);
    return;
  }
  rows.reserve(count);
  std::vector<uint64_t> seqs;
  if (!all_seqs_) {
    // A damaged _seq says nothing about its rows, so that none of them may be shown.
    Result<std::vector<uint64_t>> read = group_->block_seqs(block);
    if (!read.ok()) return;
    seqs = std::move(read).take();
  }
  for (uint32_t i = 0; i < count; ++i) {
    uint32_t row = begin + i;
    if (!seqs.empty() && seqs[i] > up_to_.get()) continue;
    if (deleted_ && row < deleted_->size() && (*deleted_)[row]) continue;
    rows.push_back(row);
  }
}

}  // namespace

contract::GranulePtr make_granule(std::shared_ptr<const RowGroup> group, Seq up_to, DeletedRows deleted,
                                  Reading reading) {
  return std::make_shared<RowGroupGranule>(std::move(group), up_to, std::move(deleted), reading);
}

}  // namespace clew::columnar
