// Scan: granules to blocks of rows that meet the conditions, in the query's order or on parallel lanes.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "contract/event_source.h"
#include "expr/bind.h"
#include "expr/eval.h"
#include "query/exec/block.h"
#include "query/exec/operator.h"
#include "query/exec/run.h"

namespace clew::query::exec {

constexpr Slot kNoSlot = expr::kNoSlot;

// A column that the query may ask a granule for.
struct SourceColumn {
  enum class From : uint8_t { kField, kDocument, kObject, kConverted };
  Slot slot = kNoSlot;
  std::string field;  // kField: name to ask for; kObject: dotted path of an object in the document
  From from = From::kField;
  expr::BoundPtr convert;  // kConverted: computed from other source columns (a text that is a time)
};

// One block of one granule, read column by column. Positions are inside the block.
//
// Threads: one at a time.
class BlockReader final : public expr::Inputs {
 public:
  BlockReader(const contract::Granule& granule, uint32_t block, const std::vector<SourceColumn>& columns,
              expr::Evaluator& evaluator, contract::ScanStats& stats);

  uint32_t rows() const override { return rows_; }
  Result<model::VectorPtr> column(uint32_t slot, const model::Selection* rows) override;
  // A field of the granule, as stored.
  Result<model::VectorPtr> field(const std::string& name, const model::Selection& rows);
  // Granule::filter on positions of the block.
  Result<bool> filter(const contract::Predicate& leaf, model::Selection& rows);
  // Takes out rows that do not meet the predicate, where its leaves can be asked of the encoded form. Gives true when
  // all rows left meet it.
  Result<bool> narrow(const contract::Predicate& predicate, model::Selection& rows);
  void alive(model::Selection& rows) const;

  const contract::Granule& granule() const { return granule_; }
  expr::Evaluator& evaluator() { return evaluator_; }

 private:
  struct Cached {
    std::vector<uint32_t> rows;
    model::VectorPtr vector;
  };
  Result<bool> narrow_any(const contract::Predicate& predicate, model::Selection& rows);
  Result<model::VectorPtr> load(const SourceColumn& source, const model::Selection& rows);
  Result<model::VectorPtr> documents(const model::Selection& rows);
  Result<model::VectorPtr> objects(const std::string& path, const model::Selection& rows);
  model::Selection in_granule(const model::Selection& rows) const;

  const contract::Granule& granule_;
  const uint32_t block_;
  const uint32_t first_;
  const uint32_t rows_;
  const std::vector<SourceColumn>& columns_;
  expr::Evaluator& evaluator_;
  contract::ScanStats& stats_;
  std::vector<Cached> cache_;  // by slot
};

// What rows must meet. Conditions of a scan are all to be met; cheap ones come first.
//
// Threads: narrow() on any thread.
class Condition {
 public:
  virtual ~Condition() = default;
  // Takes out the rows that do not meet it.
  virtual Status narrow(BlockReader& reader, model::Selection& rows) const = 0;
  // False when no row of the granule can meet it; a cheap look at its statistics.
  virtual bool may_match(const contract::Granule&) const { return true; }
  virtual std::string describe() const = 0;
};
using ConditionPtr = std::shared_ptr<const Condition>;

// What a condition says in a source's words: every row for which it is TRUE meets `where`.
struct ConditionHint {
  contract::Predicate where;
  bool whole = false;  // and the other way round
};

// A bound expression that must be TRUE. A granule may do the hint's part of the work on its encoded form; the
// expression is computed of the rows left, unless the hint is whole.
class ExprCondition final : public Condition {
 public:
  ExprCondition(expr::BoundPtr expr, std::optional<ConditionHint> hint, std::string text)
      : expr_(std::move(expr)), hint_(std::move(hint)), text_(std::move(text)) {}
  Status narrow(BlockReader& reader, model::Selection& rows) const override;
  std::string describe() const override { return text_; }

 private:
  expr::BoundPtr expr_;
  std::optional<ConditionHint> hint_;
  std::string text_;
};

// Where a row's place is carried.
struct PlaceSlots {
  Slot time = kNoSlot;
  Slot seq = kNoSlot;
};

// An operator that can say of rows, by few columns, that it will not need them: asked before all columns are read.
class Sieve {
 public:
  virtual ~Sieve() = default;
  virtual Status leave_out(BlockReader& reader, model::Selection& rows) const = 0;
};

struct ScanSpec {
  contract::Access access;
  contract::Scan scan;
  std::vector<SourceColumn> columns;  // all that conditions or pipeline read
  std::vector<Slot> output;           // what the pipeline reads
  std::vector<ConditionPtr> conditions;
  std::optional<bool> seq_falls;     // order of rows of one @timestamp; by default that of the scan
  std::optional<PlaceSlots> places;  // an ordered scan also gives each row's place
};

// Leaves of `rows`, positions in the reader's block, those that lie in the scan's time range and meet all conditions.
// Errors: kCorrupt when a block that a condition needs is damaged.
Status narrow(const ScanSpec& spec, BlockReader& reader, model::Selection& rows);

// Pushes the matching rows into `sink` in spec.scan.order, by (@timestamp, _seq), until it wants no more. `enough`: no
// more rows than these will be needed. Does not finish the sink.
Status scan_ordered(Run& run, const ScanSpec& spec, const contract::Snapshot& snapshot, uint64_t enough,
                    Operator& sink);

// Granules go to a fixed number of lanes, each with a chain of `steps[0..mergeable]`; then the lanes' last operators
// are absorbed by `target`, the operator of steps[mergeable], in lane order. Requires: steps before `mergeable` need
// only rows; steps[mergeable]->mergeable().
Status scan_lanes(Run& run, const ScanSpec& spec, const std::vector<contract::GranulePtr>& granules,
                  const std::vector<StepPtr>& steps, size_t mergeable, Operator& target);

}  // namespace clew::query::exec
