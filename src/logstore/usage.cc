#include "logstore/usage.h"

#include <algorithm>
#include <map>
#include <optional>
#include <tuple>

#include "columnar/column_use.h"

namespace clew::logstore {
namespace {

using model::Selection;

constexpr int64_t kDayNanos = 86'400'000'000'000;
constexpr const char* kServiceField = "service.name";

int64_t day_of(int64_t nanos) { return nanos / kDayNanos - (nanos % kDayNanos < 0 ? 1 : 0); }

// Rows that are told apart, and how many.
struct Group {
  int64_t day = 0;
  std::string service;
  friend auto operator<=>(const Group&, const Group&) = default;
};
using Groups = std::map<Group, uint64_t>;

uint64_t rows_of(const Groups& groups) {
  uint64_t sum = 0;
  for (const auto& [group, rows] : groups) sum += rows;
  return sum;
}

// The share of each group of `amount`, by rows; the shares sum up to it.
template <class F>
void share_out(uint64_t amount, const Groups& groups, F give) {
  uint64_t all = rows_of(groups);
  if (all == 0) return;
  uint64_t rows_before = 0;
  uint64_t given = 0;
  for (const auto& [group, rows] : groups) {
    rows_before += rows;
    // amount * rows_before / all, without its product; a file has fewer than 2^32 rows.
    uint64_t up_to = amount / all * rows_before + amount % all * rows_before / all;
    give(group, up_to - given);
    given = up_to;
  }
}

std::string service_text(const model::Value& value) {
  if (value.is_null()) return {};
  return value.type() == model::Type::kString ? std::string(value.text()) : "(no text)";
}

class UsageCounter {
 public:
  UsageCounter(const UsageRequest& request, const std::stop_token& stop) : request_(request), stop_(stop) {}

  Status add_part(const Catalog::View::Part& part) {
    usage_.journal_bytes += part.entry->bytes;
    return add_sources({part.source}, part.entry->bytes, std::nullopt);
  }

  Status add_segment(const Catalog::View::Segment& segment) {
    if (!segment.reader) {
      add_damaged(segment.meta);
      return {};
    }
    return add_sources(segment.reader->row_groups(), segment.meta.bytes, segment.meta.day);
  }

  Usage take() {
    for (auto& [key, amounts] : found_) {
      const auto& [day, dataset, service, field] = key;
      usage_.rows.push_back({dataset, service, field, day, amounts.events, amounts.bytes});
    }
    std::stable_sort(usage_.rows.begin(), usage_.rows.end(), [](const UsageRow& a, const UsageRow& b) {
      return a.day != b.day ? a.day < b.day : a.bytes > b.bytes;
    });
    return std::move(usage_);
  }

 private:
  struct Amounts {
    uint64_t events = 0;
    uint64_t bytes = 0;
  };

  // All of a file: row groups or a part. `day`: the one that all rows lie in.
  Status add_sources(const std::vector<columnar::RowSourcePtr>& sources, uint64_t bytes, std::optional<int64_t> day) {
    if (sources.empty()) return {};
    dataset_ = request_.by.dataset ? sources.front()->dataset() : std::string();
    uint64_t columns_bytes = 0;
    Groups all;
    for (const columnar::RowSourcePtr& source : sources) {
      if (stop_.stop_requested()) return Error(Code::kCancelled, "the caller has gone");
      CLEW_TRY(add_source(*source, day, columns_bytes, all));
    }
    share_out(bytes - std::min(bytes, columns_bytes), all,
              [&](const Group& group, uint64_t share) { add(group, kUsageOverhead, 0, share); });
    for (const auto& [group, count] : all) add_events(group, count);
    return {};
  }

  Status add_source(const columnar::RowSource& source, std::optional<int64_t> day, uint64_t& columns_bytes,
                    Groups& all) {
    contract::GranulePtr granule = source.granule(Seq(UINT64_MAX), nullptr);
    std::vector<Groups> blocks = CLEW_TRY(groups_of(source, *granule, day));
    Groups own;
    for (const Groups& block : blocks) {
      for (const auto& [group, rows] : block) own[group] += rows;
    }
    for (const columnar::ColumnUse& column : columnar::column_use(source)) {
      columns_bytes += column.bytes();
      add_column(column, blocks, own);
      if (request_.by.field) CLEW_TRY(add_values(column, source, *granule, blocks, own));
    }
    for (const auto& [group, rows] : own) all[group] += rows;
    return {};
  }

  void add_column(const columnar::ColumnUse& column, const std::vector<Groups>& blocks, const Groups& own) {
    for (size_t i = 0; i < column.block_bytes.size(); ++i) {
      share_out(column.block_bytes[i], blocks[i],
                [&](const Group& group, uint64_t share) { add(group, column.name, 0, share); });
    }
    share_out(column.shared_bytes, own, [&](const Group& group, uint64_t share) { add(group, column.name, 0, share); });
  }

  // How many rows have the field. One group: the directory says. Of several (a part of more than one day) they are
  // looked at.
  Status add_values(const columnar::ColumnUse& column, const columnar::RowSource& source,
                    const contract::Granule& granule, const std::vector<Groups>& blocks, const Groups& own) {
    if (own.size() == 1) {
      add(own.begin()->first, column.name, column.values, 0);
      return {};
    }
    contract::ScanStats stats;
    for (uint32_t block = 0; block < blocks.size(); ++block) {
      Result<model::VectorPtr> times = granule.column("@timestamp", block, rows_of_block(granule, block), stats);
      Result<std::vector<bool>> there = columnar::rows_with(source, column.name, block);
      if (!times.ok() || !there.ok()) continue;  // damaged: their bytes are told, their values are not known
      for (uint32_t row = 0; row < there->size(); ++row) {
        if ((*there)[row]) add({day_of((*times)->value(row).i64()), ""}, column.name, 1, 0);
      }
    }
    return {};
  }

  static Selection rows_of_block(const contract::Granule& granule, uint32_t block) {
    Selection rows;
    uint32_t begin = block * contract::kBlockRows;
    for (uint32_t row = begin; row < std::min(granule.rows(), begin + contract::kBlockRows); ++row) rows.push_back(row);
    return rows;
  }

  // What the rows of each block are told apart by.
  Result<std::vector<Groups>> groups_of(const columnar::RowSource& source, const contract::Granule& granule,
                                        std::optional<int64_t> day) const {
    if (!day && day_of(source.time_min()) == day_of(source.time_max())) day = day_of(source.time_min());
    if (!needs_days()) day = 0;
    std::optional<std::string> service;
    if (!request_.by.service) service = "";
    if (!service) service = only_service(granule);
    uint32_t count = (source.rows() + contract::kBlockRows - 1) / contract::kBlockRows;
    std::vector<Groups> out(count);
    for (uint32_t block = 0; block < count; ++block) {
      if (stop_.stop_requested()) return Error(Code::kCancelled, "the caller has gone");
      Selection rows = rows_of_block(granule, block);
      if (day && service) {
        out[block][{*day, *service}] = rows.size();
        continue;
      }
      CLEW_TRY(group_rows(granule, block, rows, day, service, out[block]));
    }
    return out;
  }

  static Status group_rows(const contract::Granule& granule, uint32_t block, const Selection& rows,
                           std::optional<int64_t> day, const std::optional<std::string>& service, Groups& out) {
    contract::ScanStats stats;
    model::VectorPtr times;
    model::VectorPtr services;
    Result<model::VectorPtr> read = granule.column("@timestamp", block, rows, stats);
    if (read.ok()) times = *read;
    // Days of a damaged block are not known; its rows are told by the day that the granule ends.
    if (!times && !day) day = day_of(granule.time_max());
    read = granule.column(kServiceField, block, rows, stats);
    if (read.ok()) services = *read;
    if (!read.ok() && read.error().code() != Code::kCorrupt) return read.error();
    for (uint32_t i = 0; i < rows.size(); ++i) {
      Group group;
      group.day = day ? *day : day_of(times->value(i).i64());
      group.service = service ? *service : !services ? kUsageDamaged : service_text(services->value(i));
      ++out[group];
    }
    return {};
  }

  // The service of all rows, where the statistics tell.
  static std::optional<std::string> only_service(const contract::Granule& granule) {
    Result<contract::ColumnStats> stats = granule.column_stats(kServiceField);
    if (!stats.ok() || !stats->known) return std::nullopt;
    if (stats->all_null) return "";
    bool one = stats->nulls == 0 && stats->min.type() == model::Type::kString &&
               stats->max.type() == model::Type::kString && stats->min.text() == stats->max.text();
    if (!one) return std::nullopt;
    return std::string(stats->min.text());
  }

  void add_damaged(const SegmentMeta& meta) {
    dataset_ = request_.by.dataset ? meta.dataset : std::string();
    Group group{needs_days() ? meta.day : 0, request_.by.service ? kUsageDamaged : ""};
    add(group, kUsageDamaged, meta.rows, meta.bytes);
    add_events(group, meta.rows);
  }

  bool needs_days() const { return request_.by.day || request_.day_from != INT64_MIN || request_.day_to != INT64_MAX; }
  bool is_wanted(const Group& group) const {
    return !needs_days() || (group.day >= request_.day_from && group.day <= request_.day_to);
  }

  Amounts& entry(const Group& group, const std::string& field) {
    return found_[{request_.by.day ? group.day : 0, dataset_, group.service, field}];
  }

  // `events` count where fields are told apart.
  void add(const Group& group, const std::string& column, uint64_t events, uint64_t bytes) {
    if (!is_wanted(group)) return;
    usage_.bytes += bytes;
    if (!request_.by.field) {
      entry(group, "").bytes += bytes;
      return;
    }
    Amounts& amounts = entry(group, column);
    amounts.events += events;
    amounts.bytes += bytes;
  }

  void add_events(const Group& group, uint64_t events) {
    if (!is_wanted(group)) return;
    usage_.events += events;
    if (!request_.by.field) entry(group, "").events += events;
  }

  const UsageRequest& request_;
  const std::stop_token& stop_;
  std::string dataset_;
  std::map<std::tuple<int64_t, std::string, std::string, std::string>, Amounts> found_;
  Usage usage_;
};

}  // namespace

Result<Usage> usage_of(const Catalog::View& view, const UsageRequest& request, const std::stop_token& stop) {
  if (request.by.service && request.by.field) {
    return Error(Code::kInvalid,
                 "by: service and field exclude each other: a column's blocks hold rows of many services");
  }
  UsageCounter counter(request, stop);
  for (const Catalog::View::Part& part : view.parts) CLEW_TRY(counter.add_part(part));
  for (const Catalog::View::Segment& segment : view.segments) CLEW_TRY(counter.add_segment(segment));
  return counter.take();
}

}  // namespace clew::logstore
