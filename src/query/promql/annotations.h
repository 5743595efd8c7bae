// What a query has to say beside its answer: warnings and infos, each with its place in the text.
#pragma once

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/mutex.h"
#include "query/promql/ast.h"

namespace clew::query::promql {

// Each text once.
//
// Threads: add functions on any thread.
class Annotations {
 public:
  explicit Annotations(std::string_view query) : query_(query) {}

  void warn(Span place, std::string_view message) { add(warnings_, "PromQL warning: ", place, message); }
  void info(Span place, std::string_view message) { add(infos_, "PromQL info: ", place, message); }

  void mixed_floats_histograms(Span place, std::string_view metric);
  void mixed_floats_histograms_in_aggregation(Span place);
  void mixed_classic_native(Span place, std::string_view metric);
  void mixed_exponential_custom(Span place, std::string_view metric);
  void incompatible_buckets(Span place, Op op);
  void not_counter(Span place, std::string_view metric);
  void not_gauge(Span place, std::string_view metric);
  void invalid_quantile(Span place, double q);
  void invalid_ratio(Span place, double ratio, double capped);
  void bad_bucket_label(Span place, std::string_view metric, std::string_view value);
  // `during`: "addition", "subtraction" or "aggregation".
  void reset_collision(Span place, std::string_view during);
  void start_overlap(Span place, std::string_view metric);
  void possible_non_counter(Span place, std::string_view metric);
  void possible_non_counter_type(Span place, std::string_view metric, std::string_view type);
  void forced_monotonic(Span place, std::string_view metric);
  void incompatible_types(Span place, std::string_view left, Op op, std::string_view right);
  void ignored_in_aggregation(Span place, std::string_view aggregation);
  void ignored_in_range(Span place, std::string_view metric);
  void mismatched_bounds(Span place, std::string_view during);
  void quantile_nan_result(Span place, std::string_view metric);
  void quantile_nan_skew(Span place, std::string_view metric);
  void fraction_nan(Span place, std::string_view metric);

  // In the order of their texts.
  std::vector<std::string> warnings() const;
  std::vector<std::string> infos() const;

 private:
  void add(std::set<std::string>& to, std::string_view kind, Span place, std::string_view message);

  const std::string query_;
  mutable base::Mutex mutex_;
  std::set<std::string> warnings_ CLEW_GUARDED_BY(mutex_);
  std::set<std::string> infos_ CLEW_GUARDED_BY(mutex_);
};

}  // namespace clew::query::promql
