#include "logstore/store_feed.h"

#include <algorithm>

namespace clew::logstore {

contract::FeedPiece StoreFeed::read(const contract::Access& access, contract::SeqRange range) {
  Catalog::View view = catalog_.view_of_seqs(access.tenant.get(), access.datasets, range);
  contract::FeedPiece piece;
  piece.range = {range.after, std::min(range.up_to, Seq(view.up_to))};
  auto add = [&piece](const columnar::RowSource& source, columnar::DeletedRows deleted) {
    columnar::SeqBounds bounds = source.seq_bounds();
    if (bounds.max <= piece.range.after.get() || bounds.min > piece.range.up_to.get()) return;
    // Of what lies behind the range a granule takes care by itself.
    bool whole = bounds.min > piece.range.after.get();
    piece.granules.push_back({source.granule(piece.range.up_to, std::move(deleted)), whole});
  };
  for (const Catalog::View::Part& part : view.parts) add(*part.source, part.deleted);
  for (const Catalog::View::Segment& segment : view.segments) {
    if (!segment.reader) continue;
    const auto& groups = segment.reader->row_groups();
    for (size_t g = 0; g < groups.size(); ++g) {
      add(*groups[g], g < segment.deleted.size() ? segment.deleted[g] : nullptr);
    }
  }
  return piece;
}

void StoreFeed::ring_on_commit(std::weak_ptr<contract::Bell> bell) {
  base::MutexLock lock(mutex_);
  std::erase_if(bells_, [](const auto& old) { return old.expired(); });
  bells_.push_back(std::move(bell));
  has_bells_.store(true);
}

void StoreFeed::ring() {
  if (!has_bells_.load()) return;
  std::vector<std::shared_ptr<contract::Bell>> bells;
  {
    base::MutexLock lock(mutex_);
    for (const auto& weak : bells_) {
      if (auto bell = weak.lock()) bells.push_back(std::move(bell));
    }
  }
  for (const auto& bell : bells) bell->ring();
}

}  // namespace clew::logstore
