// Instrument: metrics that are counted together by the same labels, as a span's calls and durations are.
//
// Counters and histograms are cumulative and are kept across restarts (state_file.h); what is written to the store of
// metrics is never ahead of what is kept, so that a counter never goes back.
#pragma once

#include <absl/container/flat_hash_map.h>

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/metrics.h"
#include "model/metric_batch.h"

namespace clew::derive {

using Json = nlohmann::json;

enum class MetricKind : uint8_t { kCounter, kGauge, kHistogram };

// Histograms with the buckets of their family, with exponential ones (Prometheus' native histograms: each bucket 9 %
// wider than the one before), or in both forms.
enum class HistogramForm : uint8_t { kClassic, kNative, kBoth };

struct Family {
  std::string name;  // as PromQL knows it; of a histogram without _bucket
  MetricKind kind = MetricKind::kCounter;
  std::string help;
  std::vector<double> bounds = {};  // of a histogram: rising, without +Inf
};

struct InstrumentPlan {
  std::string name;                 // in the state
  std::vector<std::string> labels;  // names that PromQL takes
  std::vector<Family> families;
  HistogramForm form = HistogramForm::kClassic;
};

// How many time series all instruments together may have.
class SeriesBudget {
 public:
  SeriesBudget(uint64_t most, base::Counter& refused) : most_(most), refused_(refused) {}
  // False when there is no room for so many; then it is counted.
  bool take(uint64_t series) {
    if (used_ + series > most_) {
      refused_.add();
      return false;
    }
    used_ += series;
    return true;
  }
  void give_back(uint64_t series) { used_ -= series; }
  uint64_t used() const { return used_; }

 private:
  const uint64_t most_;
  uint64_t used_ = 0;
  base::Counter& refused_;
};

// What a sample stands for: a trace, or an event.
struct Origin {
  std::string_view trace_id;
  std::string_view span_id;
  std::string_view event_id;
};

// Threads: one at a time.  Lifetime: the budget outlives it.
class Instrument {
 public:
  Instrument(InstrumentPlan plan, SeriesBudget& budget);
  ~Instrument();
  Instrument(const Instrument&) = delete;
  Instrument& operator=(const Instrument&) = delete;

  using RowId = uint32_t;
  // The row of these values, one per label. Beyond the budget: the row that counts what has no room, whose series have
  // the label overflow="true" and no other. Texts longer than kValueBytesMax are cut.
  static constexpr size_t kValueBytesMax = 256;
  RowId row(std::span<const std::string_view> values, int64_t now_millis);
  void add(RowId row, size_t family, double amount) { add(row, family, amount, {}, 0); }
  void add(RowId row, size_t family, double amount, const Origin& origin, int64_t millis);
  // The value with the greatest `order` holds, whatever comes first.
  void set(RowId row, size_t family, double value, uint64_t order);
  void observe(RowId row, size_t family, double value, const Origin& origin, int64_t millis, double weight = 1);

  // Rows that begin get the moment that their counters are said to have been 0 at. Before the state is kept.
  void settle(int64_t zero_millis);
  // All series as they are now. `begin(n)` is called before each row of n series, so that a batch may be sent.
  void emit(int64_t now_millis, model::MetricBatch& batch, const std::function<void()>& between);
  // What emit() gave is stored: it need not be told again. True when that is news to the state.
  bool told();
  // Rows that nothing was added to since then go; their series end now.
  void end_idle(int64_t changed_before_millis, int64_t now_millis, model::MetricBatch& batch);

  Json state() const;
  // Takes rows of a state() of the same plan; of another one nothing.
  void restore(const Json& state);

  const InstrumentPlan& plan() const { return plan_; }
  size_t rows_count() const { return by_values_.size(); }

 private:
  struct Exemplar {
    double value = 0;
    int64_t millis = 0;
    std::string trace_id;
    std::string span_id;
    std::string event_id;
  };
  using NativeBuckets = std::map<int32_t, double>;
  struct Row {
    std::vector<std::string> values;
    std::vector<double> cells;
    std::vector<std::optional<Exemplar>> exemplars;  // by family; the last since it was told
    std::vector<NativeBuckets> native;               // by family, where the form has them
    int64_t changed_millis = 0;
    int64_t zero_millis = 0;  // 0: not settled yet
    uint64_t order = 0;       // of the gauge's value
    bool told = false;
    bool overflow = false;
    bool used = false;
  };
  Row make_row(std::span<const std::string_view> values, int64_t now_millis) const;
  void emit_row(const Row& row, int64_t millis, std::optional<double> instead, model::MetricBatch& batch);
  void emit_classic(const Row& row, size_t family, int64_t millis, std::optional<double> instead,
                    model::MetricBatch& batch);
  void emit_native(const Row& row, size_t family, int64_t millis, std::optional<double> instead,
                   model::MetricBatch& batch);
  bool has_classic() const { return plan_.form != HistogramForm::kNative; }
  bool has_native() const { return plan_.form != HistogramForm::kClassic; }
  uint64_t series_of(const Family& family) const;
  void begin_series(const Row& row, std::string_view name, std::string_view bound, model::MetricBatch& batch);
  static void keep_exemplar(std::optional<Exemplar>& kept, double value, const Origin& origin, int64_t millis);
  static model::Exemplar exemplar_of(const Exemplar& exemplar);

  const InstrumentPlan plan_;
  SeriesBudget& budget_;
  std::vector<size_t> offsets_;  // of a family's cells
  size_t cells_ = 0;
  uint64_t row_series_ = 0;
  std::vector<std::pair<std::string, size_t>> order_;  // labels by name; SIZE_MAX for __name__, SIZE_MAX - 1 for le
  std::deque<Row> rows_;
  std::vector<RowId> free_;
  absl::flat_hash_map<std::string, RowId> by_values_;
  std::optional<RowId> overflow_;
  std::string key_;
  std::string text_;
  std::string packed_;
};

}  // namespace clew::derive
