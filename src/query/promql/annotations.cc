#include "query/promql/annotations.h"

#include <fmt/format.h>

#include "query/promql/duration.h"
#include "query/promql/lexer.h"

namespace clew::query::promql {
namespace {

constexpr size_t kAnnotationsMax = 1'000;  // of each kind

std::string for_metric(std::string_view message, std::string_view metric) {
  return metric.empty() ? std::string(message) : fmt::format("{} for metric name {}", message, quote(metric));
}

}  // namespace

void Annotations::add(std::set<std::string>& to, std::string_view kind, Span place, std::string_view message) {
  std::string text = fmt::format("{}{} ({})", kind, message, place_text(query_, place.begin));
  base::MutexLock lock(mutex_);
  if (to.size() < kAnnotationsMax) to.insert(std::move(text));
}

std::vector<std::string> Annotations::warnings() const {
  base::MutexLock lock(mutex_);
  return {warnings_.begin(), warnings_.end()};
}

std::vector<std::string> Annotations::infos() const {
  base::MutexLock lock(mutex_);
  return {infos_.begin(), infos_.end()};
}

void Annotations::mixed_floats_histograms(Span place, std::string_view metric) {
  warn(place, fmt::format("encountered a mix of histograms and floats for metric name {}", quote(metric)));
}
void Annotations::mixed_floats_histograms_in_aggregation(Span place) {
  warn(place, "encountered a mix of histograms and floats for aggregation");
}
void Annotations::mixed_classic_native(Span place, std::string_view metric) {
  warn(place, for_metric("vector contains a mix of classic and native histograms", metric));
}
void Annotations::mixed_exponential_custom(Span place, std::string_view metric) {
  warn(place,
       fmt::format("vector contains a mix of histograms with exponential and custom buckets schemas for metric name {}",
                   quote(metric)));
}
void Annotations::incompatible_buckets(Span place, Op op) {
  warn(place, fmt::format("incompatible bucket layout encountered for binary operator {}", op_text(op)));
}
void Annotations::not_counter(Span place, std::string_view metric) {
  warn(place, fmt::format("this native histogram metric is not a counter: {}", quote(metric)));
}
void Annotations::not_gauge(Span place, std::string_view metric) {
  warn(place, fmt::format("this native histogram metric is not a gauge: {}", quote(metric)));
}
void Annotations::invalid_quantile(Span place, double q) {
  warn(place, fmt::format("quantile value should be between 0 and 1, got {}", number_text(q)));
}
void Annotations::invalid_ratio(Span place, double ratio, double capped) {
  warn(place, fmt::format("ratio value should be between -1 and 1, got {}, capping to {}", number_text(ratio),
                          number_text(capped)));
}
void Annotations::bad_bucket_label(Span place, std::string_view metric, std::string_view value) {
  warn(place,
       for_metric(fmt::format("bucket label \"le\" is missing or has a malformed value of {}", quote(value)), metric));
}
void Annotations::reset_collision(Span place, std::string_view during) {
  warn(place, fmt::format("conflicting counter resets during histogram {}", during));
}
void Annotations::start_overlap(Span place, std::string_view metric) {
  warn(place,
       fmt::format("sample has start time that overlaps with previous sample timestamp for metric {}", quote(metric)));
}
void Annotations::possible_non_counter(Span place, std::string_view metric) {
  info(place, fmt::format("metric might not be a counter, name does not end in _total/_sum/_count/_bucket: {}",
                          quote(metric)));
}
void Annotations::possible_non_counter_type(Span place, std::string_view metric, std::string_view type) {
  info(place,
       fmt::format(
           "metric might not be a counter, __type__ label is not set to \"counter\" or \"histogram\", got {}: {}",
           quote(type), quote(metric)));
}
void Annotations::forced_monotonic(Span place, std::string_view metric) {
  info(place, for_metric("input to histogram_quantile needed to be fixed for monotonicity (see "
                         "https://prometheus.io/docs/prometheus/latest/querying/functions/#histogram_quantile)",
                         metric));
}
void Annotations::incompatible_types(Span place, std::string_view left, Op op, std::string_view right) {
  info(place, fmt::format("incompatible sample types encountered for binary operator \"{0}\": {1} {0} {2}", op_text(op),
                          left, right));
}
void Annotations::ignored_in_aggregation(Span place, std::string_view aggregation) {
  info(place, fmt::format("ignored histogram in {} aggregation", aggregation));
}
void Annotations::ignored_in_range(Span place, std::string_view metric) {
  info(place, fmt::format("ignored histograms in a range containing both floats and histograms for metric name {}",
                          quote(metric)));
}
void Annotations::mismatched_bounds(Span place, std::string_view during) {
  info(place, fmt::format("mismatched custom buckets were reconciled during {}", during));
}
void Annotations::quantile_nan_result(Span place, std::string_view metric) {
  info(place, for_metric("input to histogram_quantile has NaN observations, result is NaN", metric));
}
void Annotations::quantile_nan_skew(Span place, std::string_view metric) {
  info(place, for_metric("input to histogram_quantile has NaN observations, result is skewed higher", metric));
}
void Annotations::fraction_nan(Span place, std::string_view metric) {
  info(place,
       for_metric("input to histogram_fraction has NaN observations, which are excluded from all fractions", metric));
}

}  // namespace clew::query::promql
