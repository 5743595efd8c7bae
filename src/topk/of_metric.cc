#include "topk/of_metric.h"

#include <fmt/format.h>

#include <algorithm>

namespace clew::topk {
namespace {

constexpr int64_t kNanosPerMilli = 1'000'000;

bool is_identifier(std::string_view name) {
  return !name.empty() &&
         name.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") == name.npos &&
         (name[0] < '0' || name[0] > '9');
}

// Names that only UTF-8 labels have stand in quotes.
std::string label_text(const std::string& name) {
  if (is_identifier(name)) return name;
  std::string out = "\"";
  for (char c : name) {
    if (c == '"' || c == '\\') out.push_back('\\');
    out.push_back(c);
  }
  return out + "\"";
}

std::string metric_name(const std::string& selector) { return selector.substr(0, selector.find('{')); }

bool is_counter(const std::string& metric, model::MetricType type) {
  if (type != model::MetricType::kUnknown) {
    return type == model::MetricType::kCounter || type == model::MetricType::kHistogram ||
           type == model::MetricType::kSummary;
  }
  return metric.ends_with("_total") || metric.ends_with("_count") || metric.ends_with("_sum") ||
         metric.ends_with("_bucket");
}

}  // namespace

Result<std::string> promql_of(const Question& question, int64_t last_nanos, model::MetricType type) {
  CLEW_TRY(check_question(question));
  std::string labels;
  for (const std::string& label : question.by) labels += (labels.empty() ? "" : ", ") + label_text(label);
  const char* over = is_counter(metric_name(question.metric), type) ? "increase" : "avg_over_time";
  return fmt::format("topk({}, sum by ({}) ({}({}[{}ms])) > 0)", question.rows, labels, over, question.metric,
                     last_nanos / kNanosPerMilli);
}

Result<TopAnswer> ask_metric(const contract::MetricSource& source, const contract::Access& access,
                             const Question& question, contract::TimeRange range,
                             const query::promql::Options& options) {
  auto metadata = CLEW_TRY(source.metadata(access));
  auto known = metadata.find(metric_name(question.metric));
  model::MetricType type = known == metadata.end() ? model::MetricType::kUnknown : known->second.type;
  TopAnswer answer;
  answer.range = range;
  answer.promql = CLEW_TRY(promql_of(question, range.to - range.from, type));
  query::promql::Answer found =
      CLEW_TRY(query::promql::run_instant(source, access, answer.promql, (range.to - 1) / kNanosPerMilli, options));
  for (const query::promql::ResultSeries& series : found.series) {
    TopRow row;
    for (const std::string& label : question.by) row.values.emplace_back(series.labels.get(label));
    row.sum = series.samples.values.empty() ? 0 : series.samples.values.front();
    answer.total += row.sum;
    answer.rows.push_back(std::move(row));
  }
  std::stable_sort(answer.rows.begin(), answer.rows.end(),
                   [](const TopRow& a, const TopRow& b) { return a.sum > b.sum; });
  answer.keys = answer.rows.size();
  return answer;
}

}  // namespace clew::topk
