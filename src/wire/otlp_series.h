// OtlpSeries makes series and samples of OTLP's data points.
#pragma once

#include <deque>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "model/metric_batch.h"
#include "wire/delta_sums.h"
#include "wire/keyed_rows.h"
#include "wire/metric_names.h"
#include "wire/otlp_points.h"
#include "wire/series_labels.h"

namespace clew::wire {

struct OtlpMetricOptions;

// Usage:    begin_request(); for each scope begin_scope(), for each metric begin_metric(), for each of its points
//           begin_point() and a put_...(); end_request(), then batch().
// Threads:  one; keeps its memory.
// Lifetime: what is given to begin_...() lives until the next one of its kind.
class OtlpSeries {
 public:
  void begin_request(const OtlpMetricOptions& options);
  // What all points of the scope have: of the scope, then of the resource.
  void begin_scope(const std::vector<SharedValue>& shared);
  void begin_metric(std::string_view name) { metric_ = name; }
  // Reads the point's labels.
  // Errors: what is malformed, and where.
  ProtoProblem begin_point(const OtlpPoint& point);
  void end_request();

  // `sums` is where the point is to be added up; null for one that is a total, whose `start` says since when.
  // Errors: kInvalid for a point that contradicts itself, and for one that is older than its series' newest where it
  //         had to be added up.
  Status put_number(OtlpPoint& point, DeltaSums* sums);
  Status put_histogram(OtlpPoint& point, DeltaSums* sums);
  Status put_exponential(OtlpPoint& point, DeltaSums* sums);
  Status put_summary(OtlpPoint& point);

  model::MetricBatch& batch() { return batch_; }
  const model::MetricBatch& batch() const { return batch_; }

 private:
  // A point's times in milliseconds; `zero` is where a total begins that was not known before, 0 for none.
  struct Times {
    int64_t at = 0;
    int64_t start = 0;
    int64_t zero = 0;
  };
  std::string_view label_name(std::string_view name);
  void begin_resource(const std::vector<SharedValue>& shared);
  void put_target_info();
  std::string& new_text();
  ProtoProblem add_attribute(std::string_view key_value);
  ProtoProblem read_exemplars(const OtlpPoint& point);
  ProtoProblem read_exemplar_labels(model::LabelsBuilder& labels);
  // What names the series in sums: `kind` and `more` tell those of one name apart.
  std::string_view sums_key(char kind, std::string_view more = {});
  Status settle(const DeltaAdded& added, const OtlpPoint& point, Times& times);
  // The series of the metric with that suffix, and one label more unless its name is empty.
  void begin_series(std::string_view suffix, std::string_view name = {}, std::string_view value = {});
  void put(const Times& times, double value);
  void put_extremes(const OtlpPoint& point, const Times& times);
  void put_exemplars(double above, double up_to);

  const OtlpMetricOptions* options_ = nullptr;
  model::MetricBatch batch_;
  SeriesLabels labels_;
  size_t scope_labels_ = 0;  // of labels_
  std::string_view metric_;
  std::string name_;               // with its suffix
  std::string key_;                // of sums
  std::deque<std::string> texts_;  // of attributes that are no text
  size_t texts_used_ = 0;
  size_t scope_texts_ = 0;
  AnyValues values_;
  std::vector<SharedValue> flat_;  // of an attribute that is a map
  std::vector<double> totals_;
  struct Hash {
    using is_transparent = void;
    size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
  };
  std::unordered_map<std::string, std::string, Hash, std::equal_to<>> label_names_;
  NameStyle label_style_ = NameStyle::kSuffixes;  // of label_names_
  std::vector<model::Exemplar> exemplars_;
  OtlpExemplar exemplar_;
  std::string hex_;

  // The resource.
  std::string resource_key_;
  std::string next_key_;
  std::string job_;
  std::string instance_;
  model::Labels target_;
  int64_t newest_ = 0;  // of its points
};

}  // namespace clew::wire
