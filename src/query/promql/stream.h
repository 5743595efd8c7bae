// An instant vector over the steps of a query: its series are read one by one, on several threads, and need not be in
// memory at the same time.
#pragma once

#include <memory>
#include <vector>

#include "base/result.h"
#include "contract/metric_source.h"
#include "query/promql/context.h"

namespace clew::query::promql {

// Memory of one thread, used again from series to series.
struct Scratch {
  model::SampleColumns raw;
  std::vector<int64_t> times, histogram_times, starts, histogram_starts;
  std::vector<double> values;
  std::vector<uint32_t> resets;
  std::vector<HistogramPtr> histograms;
  Column column;
};

class Stream {
 public:
  virtual ~Stream() = default;
  virtual size_t size() const = 0;
  // Views live as long as the stream.
  virtual model::LabelsView labels(size_t series) const = 0;
  // The metric's name (and type and unit) is taken off at the end of the query, or by what groups.
  virtual bool drops_name(size_t series) const = 0;
  // Fills `out` with a value per step. Threads: any, several at a time.
  virtual Status read(size_t series, Column& out, Scratch& scratch) const = 0;
};
using StreamPtr = std::unique_ptr<Stream>;

// One that is in memory.
class Block final : public Stream {
 public:
  struct Row {
    model::Labels labels;
    bool drops_name = false;
    Column column;
  };

  size_t size() const override { return rows.size(); }
  model::LabelsView labels(size_t series) const override { return rows[series].labels.view(); }
  bool drops_name(size_t series) const override { return rows[series].drops_name; }
  Status read(size_t series, Column& out, Scratch& scratch) const override;

  std::vector<Row> rows;
  Held held;
};
using BlockPtr = std::unique_ptr<Block>;

// Reads all series, on all threads. Series without any value are left out.
Result<BlockPtr> collect(Context& context, const Stream& stream);
// Joins rows of the same labels. Errors: kInvalid when two have a value at the same step.
Status join_same_labels(Block& block);
// Takes off what drops_name() says, and joins.
Status drop_names(Block& block);
// Without __name__, __type__ and __unit__.
model::Labels without_name(model::LabelsView labels);

}  // namespace clew::query::promql
