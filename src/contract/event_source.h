// EventSource answers questions about stored events. The executor in query/ sees stores only through here.
//
// A snapshot is a fixed set of granules: immutable slices of up to 64K rows of one dataset and day. The source leaves
// out granules that cannot match; the executor evaluates the rest block by block, column by column.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.h"
#include "base/result.h"
#include "contract/access.h"
#include "model/origin.h"
#include "model/value.h"
#include "model/vector.h"

namespace clew::contract {

constexpr uint32_t kBlockRows = 4096;  // rows of a block; the last block of a granule may have fewer
constexpr uint32_t kGranuleRowsMax = 65536;

// [from, to) in nanoseconds.
struct TimeRange {
  int64_t from = INT64_MIN;
  int64_t to = INT64_MAX;
  bool contains(int64_t t) const { return t >= from && t < to; }
};

// A condition that sources may use to leave rows out early. Leaving out is optional, keeping a matching row is not.
struct Predicate {
  enum class Op : uint8_t {
    kAll,     // of `children`
    kAny,     // of `children`
    kEquals,  // field equals values[0] by PPL's comparison of that type
    kIn,      // field equals one of `values`
    kLess,    // field < values[0]
    kLessEq,
    kGreater,
    kGreaterEq,
    kPhrase,    // the words of values[0] (a string) stand in the field in order, case folded; field "" = in any field
    kContains,  // values[0] is a substring of the field's text, exact case
    kExists,    // field is there and not null
  };
  Op op = Op::kAll;
  std::string field;
  model::Values values;
  std::vector<Predicate> children;
};

enum class Order : uint8_t { kNewestFirst, kOldestFirst };

struct Scan {
  std::vector<std::string> datasets;  // exact names; see EventSource::datasets() for expanding patterns
  TimeRange range;
  Predicate where;                    // kAll without children: everything
  Order order = Order::kNewestFirst;  // order of the granules in the snapshot
};

// Minimum and maximum of a column in one granule.
struct ColumnStats {
  bool known = false;
  bool all_null = false;  // no row has a value
  uint32_t nulls = 0;
  model::Value min;  // null when the type has no order
  model::Value max;
};

struct MinuteCount {
  int64_t minute = 0;  // UnixNanos / 60e9, floored
  std::string level;   // canonical lower-case level, "unknown" where there is none
  uint64_t count = 0;
};

struct ValueCount {
  model::Value value;  // null: rows without the field, or with a null in it
  uint64_t rows = 0;
};

// Bits and pieces that a query reports (`explain analyze`, statistics). Filled by many threads.
struct ScanStats {
  std::atomic<uint64_t> granules_total{0};
  std::atomic<uint64_t> granules_pruned_by_time{0};
  std::atomic<uint64_t> granules_pruned_by_stats{0};
  std::atomic<uint64_t> granules_pruned_by_index{0};
  std::atomic<uint64_t> index_reads{0};
  std::atomic<uint64_t> column_reads{0};
  std::atomic<uint64_t> bytes_read{0};
  std::atomic<uint64_t> blocks_decoded{0};
  std::atomic<uint64_t> damaged_rows{0};  // rows left out because a block they need is damaged
};

// Threads: all functions on any thread. Reads disk when needed.
class Granule {
 public:
  virtual ~Granule() = default;

  virtual const std::string& dataset() const = 0;
  virtual uint32_t rows() const = 0;
  // Smallest and largest @timestamp, both inclusive.
  virtual int64_t time_min() const = 0;
  virtual int64_t time_max() const = 0;

  // Rows of the block (positions in the granule) that are alive: not deleted, inside the snapshot. Usually all.
  virtual void alive(uint32_t block, model::Selection& rows) const = 0;

  // Values of a field for the chosen rows of one block: result row i is rows[i]. `rows` are positions in the granule,
  // rising, all inside `block`. An unknown field gives all nulls. Canonical fields (DESIGN.md section 4) answer by
  // derivation, `@timestamp` from `_time`. A field name also reaches into objects only as a whole dotted name.
  // Errors: kCorrupt when the block is damaged (the caller leaves the rows out and counts them); kIo.
  virtual Result<model::VectorPtr> column(std::string_view field, uint32_t block, const model::Selection& rows,
                                          ScanStats& stats) const = 0;

  // Narrows `rows` by one leaf, or by a list of words of one field, on the encoded form where that is cheaper than
  // column(). Gives false, with rows untouched, when it has no such way.
  virtual Result<bool> filter(const Predicate& leaf, uint32_t block, model::Selection& rows,
                              ScanStats& stats) const = 0;

  virtual Result<ColumnStats> column_stats(std::string_view field) const = 0;

  // Counts by minute and level of all rows; null when rows of this granule are deleted or the counts are not kept.
  virtual const std::vector<MinuteCount>* minute_counts() const = 0;

  // How many of all rows have each value of a field, as column() gives the values; no value twice. Empty when rows of
  // this granule are deleted or outside the snapshot, or the counts are not kept for the field.
  // Errors: those of column().
  virtual Result<std::vector<ValueCount>> value_counts(std::string_view field, ScanStats& stats) const {
    (void)field, (void)stats;
    return std::vector<ValueCount>();
  }

  // Names of the fields that rows of this granule have (stored ones, without those that begin with `_`).
  virtual Result<std::vector<std::string>> field_names() const = 0;

  // The events of the chosen rows as they came: the raw text line, or the rebuilt JSON document.
  virtual Result<std::vector<std::string>> documents(uint32_t block, const model::Selection& rows,
                                                     ScanStats& stats) const = 0;
};
using GranulePtr = std::shared_ptr<const Granule>;

struct Snapshot {
  Seq up_to;                         // events with a greater _seq are not in it
  std::vector<GranulePtr> granules;  // ordered as asked: by time_max falling or time_min rising
};

struct FieldInfo {
  std::string name;
  std::vector<model::Type> types;  // every type seen, most frequent first
  int64_t first_seen = 0;          // @timestamp, ns
  int64_t last_seen = 0;
  model::Origins origins = 0;  // every origin seen; 0 when none is known
};

struct DatasetInfo {
  std::string name;
  uint64_t rows = 0;
  uint64_t bytes = 0;  // on disk
  int64_t time_min = 0;
  int64_t time_max = 0;
};

// Threads: all functions on any thread.
class EventSource {
 public:
  virtual ~EventSource() = default;

  // Everything committed before the call, less what cannot match. `stats` counts what was left out and why.
  virtual Result<Snapshot> snapshot(const Access& access, const Scan& scan, ScanStats& stats) = 0;

  virtual Result<std::vector<DatasetInfo>> datasets(const Access& access) = 0;

  // The catalogue of fields that a dataset has ever seen (at most 100,000 names).
  // Errors: kNotFound for an unknown dataset.
  virtual Result<std::vector<FieldInfo>> fields(const Access& access, const std::string& dataset) = 0;

  // Types that a client declared for a dataset's fields (PUT /INDEX with mappings); empty when none.
  virtual std::vector<std::pair<std::string, model::Type>> declared_types(const Access& access,
                                                                          const std::string& dataset) = 0;
};

}  // namespace clew::contract
