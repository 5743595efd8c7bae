// Evaluation of bound expressions over vectors.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "expr/bind.h"
#include "model/vector.h"

namespace clew::expr {

// The rows that an expression is evaluated on, column by column and only on demand. Columns are named by the slots that
// the Schema gave out at binding.
//
// Threads: one at a time.
class Inputs {
 public:
  virtual ~Inputs() = default;
  // Rows of the batch; positions in a selection are below it.
  virtual uint32_t rows() const = 0;
  // Values of a column: result row i is rows[i], or row i when `rows` is null (all of them).
  virtual Result<model::VectorPtr> column(uint32_t slot, const model::Selection* rows) = 0;
};

// Inputs over vectors in memory: slot i is columns[i].
class VectorInputs final : public Inputs {
 public:
  VectorInputs(std::vector<model::VectorPtr> columns, uint32_t rows) : columns_(std::move(columns)), rows_(rows) {}
  uint32_t rows() const override { return rows_; }
  Result<model::VectorPtr> column(uint32_t slot, const model::Selection* rows) override;

 private:
  std::vector<model::VectorPtr> columns_;
  uint32_t rows_;
};

// The chosen rows of a vector. Constants and dictionaries stay what they are.
model::VectorPtr gather(const model::VectorPtr& vector, const model::Selection& rows);
// kDict becomes kFlat; everything else stays.
model::VectorPtr flatten(const model::VectorPtr& vector);

// Evaluates bound expressions; remembers what it computed per dictionary, so keep one per worker thread for the length
// of a query.
//
// Threads:  one at a time. Many evaluators may share a Bound.
// Lifetime: Bounds outlive the evaluator.
class Evaluator {
 public:
  // The values for the chosen rows (null: all). Layout as it comes: a function of one dictionary gives a dictionary,
  // whose entries may repeat.
  // Errors: kInvalid when a value cannot be computed (integer overflow): EVALUATION_ERROR.
  Result<model::VectorPtr> eval(const Bound& expr, Inputs& inputs, const model::Selection* rows = nullptr);

  // Keeps of `rows` those where the expression is TRUE; null and FALSE go. Conjuncts are taken one after the other on
  // what the earlier ones left, disjuncts on what the earlier ones did not take.
  Status filter(const Bound& expr, Inputs& inputs, model::Selection& rows);

 private:
  static constexpr uint32_t kEntriesAlways = 256;  // dictionaries up to this size are always taken by entry
  struct DictResult {
    std::shared_ptr<const model::Vector> dict;  // kept so that its address is not taken again
    model::VectorPtr result;
  };
  Result<model::VectorPtr> eval_call(const Bound& expr, Inputs& inputs, const model::Selection* rows, uint32_t count);
  Result<std::vector<model::VectorPtr>> eval_args(const Bound& expr, Inputs& inputs, const model::Selection* rows);
  Result<model::VectorPtr> call(const Bound& expr, std::vector<model::VectorPtr>& args, uint32_t count);
  Result<model::VectorPtr> eval_entries(const Bound& expr, std::span<const model::VectorPtr> args,
                                        const model::Vector& dict, uint32_t rows);
  Result<model::VectorPtr> spread(const Bound& expr, std::span<const model::VectorPtr> args,
                                  const model::VectorPtr& entries, const model::Vector& dict);
  Status filter_any(const Bound& expr, Inputs& inputs, model::Selection& rows);

  std::unordered_map<const Bound*, DictResult> dict_results_;
};

// All rows of a batch.
model::Selection all_rows(uint32_t rows);

}  // namespace clew::expr
