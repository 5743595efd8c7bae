// The keys of the store of metrics.
#include <fmt/format.h>

#include "app/config_keys.h"
#include "app/config_values.h"
#include "app/metric_options.h"
#include "query/promql/promql.h"

namespace clew::app {
namespace {

constexpr int64_t kMillisPerDay = 86'400'000;
constexpr uint64_t kOutOfOrderMost = 30ull * 86'400'000;
constexpr uint64_t kSeriesMost = 1ull << 31;
constexpr uint64_t kBytesLeast = 1u << 20;

Status set_selector(const std::string& text, std::vector<contract::LabelMatcher>& to) {
  Result<std::vector<contract::LabelMatcher>> matchers = query::promql::parse_selector(text);
  if (!matchers.ok()) {
    return Error(Code::kInvalid, matchers.error().message() + ": write match: 'node_cpu_seconds_total{mode=\"idle\"}'");
  }
  to = std::move(*matchers);
  return {};
}

const ConfigEntry kMetricEntries[] = {
    {{"metrics.keep", "days", "retention.total", "Days until samples are deleted."},
     [](ServeOptions& o, const ConfigNames&, const std::string& text) { return set_days(text, o.metrics.keep_days); }},
    {{"metrics.max_bytes", "size", "no limit", "Oldest days of samples go when their parts take more."},
     [](ServeOptions& o, const ConfigNames&, const std::string& text) {
       return set_bounded_size(text, kBytesLeast, UINT64_MAX, o.metrics.bytes_max);
     }},
    {{"metrics.rules.*.match", "selector", "none",
      "Series that are kept otherwise, as PromQL selects them; of several rules the first by name holds."},
     [](ServeOptions& o, const ConfigNames& n, const std::string& text) {
       return set_selector(text, o.metrics.rules[n[0]].matchers);
     }},
    {{"metrics.rules.*.keep", "days", "metrics.keep",
      "Days until their samples are deleted; less or more than of others."},
     [](ServeOptions& o, const ConfigNames& n, const std::string& text) {
       return set_days(text, o.metrics.rules[n[0]].keep_days);
     }},
    {{"metrics.out_of_order", "duration", "1h",
      "How far behind its series' newest sample one may come; older ones are refused. A series that is new may begin "
      "at any time."},
     [](ServeOptions& o, const ConfigNames&, const std::string& text) {
       return set_millis(text, kOutOfOrderMost, o.metrics.out_of_order_millis);
     }},
    {{"metrics.series", "number", "10000000", "Series at a time; samples of further ones are refused."},
     [](ServeOptions& o, const ConfigNames&, const std::string& text) {
       return set_count(text, 1, kSeriesMost, o.metrics.series_max);
     }},
    {{"metrics.series_per_metric", "number", "no limit", "The same of one metric's name."},
     [](ServeOptions& o, const ConfigNames&, const std::string& text) {
       return set_count(text, 1, kSeriesMost, o.metrics.series_per_metric_max);
     }},
    {{"metrics.values_per_label", "number", "no limit",
      "Values of one label's name; samples of series with further ones are refused."},
     [](ServeOptions& o, const ConfigNames&, const std::string& text) {
       return set_count(text, 1, kSeriesMost, o.metrics.values_per_label_max);
     }},
};

}  // namespace

std::span<const ConfigEntry> metric_store_keys() { return kMetricEntries; }

void check_metrics(const ServeOptions& options, std::vector<ConfigMistake>& mistakes) {
  for (const auto& [name, rule] : options.metrics.rules) {
    if (!rule.matchers.empty()) continue;
    mistakes.push_back({0, fmt::format("metrics.rules.{} lacks match: write match: '{{job=\"load-test\"}}'", name)});
  }
}

void apply_metric_options(const MetricOptions& options, uint32_t events_days, metricstore::MetricStoreOptions& store) {
  const uint32_t keep_days = options.keep_days != 0 ? options.keep_days : events_days;
  store.retention_millis = keep_days * kMillisPerDay;
  store.retention_bytes_max = options.bytes_max;
  store.out_of_order_millis = static_cast<int64_t>(options.out_of_order_millis);
  store.series_max = options.series_max;
  store.series_per_metric_max = options.series_per_metric_max;
  store.values_per_label_max = options.values_per_label_max;
  for (const auto& [name, rule] : options.rules) {
    uint32_t days = rule.keep_days != 0 ? rule.keep_days : keep_days;
    store.retention.push_back({rule.matchers, days * kMillisPerDay});
  }
}

}  // namespace clew::app
