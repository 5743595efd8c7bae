#include "query/exec/page.h"

#include <algorithm>

#include <fmt/format.h>

namespace clew::query::exec {

using model::Selection;
using model::VectorPtr;

namespace {

constexpr const char* kSeq = "_seq";

// The least and the greatest _seq of a granule; nothing where it does not say.
struct Seqs {
  uint64_t least = 0;
  uint64_t greatest = UINT64_MAX;
};
Seqs seqs_of(const contract::Granule& granule) {
  Result<contract::ColumnStats> stats = granule.column_stats(kSeq);
  if (!stats.ok() || !stats->known || stats->min.is_null() || stats->max.is_null()) return {};
  return {static_cast<uint64_t>(stats->min.i64()), static_cast<uint64_t>(stats->max.i64())};
}

uint64_t seq_at(const model::Vector& seqs, uint32_t row) {
  return seqs.is_null(row) ? 0 : static_cast<uint64_t>(seqs.value(row).i64());
}

}  // namespace

bool PageCondition::may_match(const contract::Granule& granule) const {
  if (up_to_ != 0 && seqs_of(granule).least > up_to_) return false;
  if (!after_) return true;
  return newest_ ? granule.time_min() <= after_->time : granule.time_max() >= after_->time;
}

Status PageCondition::narrow(BlockReader& reader, Selection& rows) const {
  CLEW_TRY(narrow_seqs(reader, rows));
  return narrow_places(reader, rows);
}

Status PageCondition::narrow_seqs(BlockReader& reader, Selection& rows) const {
  if (rows.empty() || up_to_ == 0 || seqs_of(reader.granule()).greatest <= up_to_) return {};
  VectorPtr seqs = CLEW_TRY(reader.field(kSeq, rows));
  Selection kept;
  for (uint32_t i = 0; i < rows.size(); ++i) {
    if (seq_at(*seqs, i) <= up_to_) kept.push_back(rows[i]);
  }
  rows = std::move(kept);
  return {};
}

Status PageCondition::narrow_places(BlockReader& reader, Selection& rows) const {
  if (rows.empty() || !after_) return {};
  const contract::Granule& granule = reader.granule();
  if (newest_ ? granule.time_max() < after_->time : granule.time_min() > after_->time) return {};
  VectorPtr times = CLEW_TRY(reader.field("@timestamp", rows));
  VectorPtr seqs = CLEW_TRY(reader.field(kSeq, rows));
  Selection kept;
  for (uint32_t i = 0; i < rows.size(); ++i) {
    Place place{times->is_null(i) ? 0 : times->value(i).i64(), seq_at(*seqs, i)};
    bool later = place.time != after_->time ? place.time > after_->time : place.seq > after_->seq;
    bool earlier = place.time != after_->time ? place.time < after_->time : place.seq < after_->seq;
    if (newest_ ? earlier : later) kept.push_back(rows[i]);
  }
  rows = std::move(kept);
  return {};
}

std::string PageCondition::describe() const {
  std::string text = up_to_ == 0 ? "page" : fmt::format("page: _seq <= {}", up_to_);
  if (after_) text += fmt::format(", {} than ({}, {})", newest_ ? "earlier" : "later", after_->time, after_->seq);
  return text;
}

contract::TimeRange range_behind(contract::TimeRange range, contract::Order order, const Place& after) {
  if (order == contract::Order::kNewestFirst) {
    if (after.time != INT64_MAX) range.to = std::min(range.to, after.time + 1);
  } else {
    range.from = std::max(range.from, after.time);
  }
  return range;
}

}  // namespace clew::query::exec
