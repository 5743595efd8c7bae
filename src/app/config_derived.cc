// The keys of metrics from events.
#include <algorithm>
#include <charconv>
#include <cmath>

#include "app/config_keys.h"
#include "app/config_values.h"
#include "app/log_rules.h"

namespace clew::app {
namespace {

constexpr uint64_t kIntervalMillisLeast = 1'000;
constexpr uint64_t kIntervalMillisMost = 60'000;  // PromQL looks back 5 minutes for a sample
constexpr uint64_t kIdleMillisMost = 86'400'000;
constexpr uint64_t kWaitMillisMost = 600'000;
constexpr uint64_t kSeriesMost = 10'000'000;
constexpr size_t kDimensionsMax = 20;
constexpr size_t kBucketsMax = 100;

Status add_dimension(const std::string& text, std::vector<std::string>& to) {
  if (text.empty()) return wrong(text, "field: write metrics.dimensions: [http.request.method]");
  if (to.size() >= kDimensionsMax) return Error(Code::kInvalid, "more than 20 dimensions");
  if (std::find(to.begin(), to.end(), text) == to.end()) to.push_back(text);
  return {};
}

// The first bound that is given takes the place of those that hold without any.
Status add_bound(const std::string& text, std::vector<double>& to, const std::vector<double>& otherwise) {
  double bound = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), bound);
  if (error != std::errc() || end != text.data() + text.size() || !std::isfinite(bound)) {
    return wrong(text, "number of seconds: write [0.01, 0.1, 1]");
  }
  if (to == otherwise) to.clear();
  if (!to.empty() && bound <= to.back()) return Error(Code::kInvalid, "bounds must rise: " + text + " does not");
  if (to.size() >= kBucketsMax) return Error(Code::kInvalid, "more than 100 buckets");
  to.push_back(bound);
  return {};
}

Status set_least_millis(const std::string& text, uint64_t least, uint64_t most, uint64_t& to) {
  CLEW_TRY(set_millis(text, most, to));
  if (to < least) return wrong(text, "duration of at least " + std::to_string(least / 1'000) + "s");
  return {};
}

const ConfigEntry kEntries[] = {
    {{"metrics.interval", "duration", "15s", "How often metrics from events are written, 1s to 1m."},
     [](ServeOptions& o, const ConfigNames&, const std::string& text) {
       return set_least_millis(text, kIntervalMillisLeast, kIntervalMillisMost, o.derived.interval_millis);
     }},
    {{"metrics.series_max", "number", "100000",
      "Time series of metrics from events; what is beyond is counted under overflow=\"true\"."},
     [](ServeOptions& o, const ConfigNames&, const std::string& text) {
       return set_count(text, 1, kSeriesMost, o.derived.series_max);
     }},
    {{"metrics.idle", "duration", "15m", "A series of metrics from events ends when nothing came for so long."},
     [](ServeOptions& o, const ConfigNames&, const std::string& text) {
       uint64_t millis = 0;
       Status set = set_least_millis(text, kIntervalMillisLeast, kIdleMillisMost, millis);
       o.derived.idle_millis = static_cast<int64_t>(millis);
       return set;
     }},
    {{"metrics.spans", "on or off", "on", "Calls, errors and durations of spans and goals as metrics."},
     [](ServeOptions& o, const ConfigNames&, const std::string& text) { return set_on_or_off(text, o.derived.spans); }},
    {{"metrics.service_graph", "on or off", "on", "Calls between services as metrics."},
     [](ServeOptions& o, const ConfigNames&, const std::string& text) {
       return set_on_or_off(text, o.derived.service_graph);
     }},
    {{"metrics.service_graph_wait", "duration", "10s", "How long one side of a call waits for the other."},
     [](ServeOptions& o, const ConfigNames&, const std::string& text) {
       uint64_t millis = 0;
       Status set = set_least_millis(text, kIntervalMillisLeast, kWaitMillisMost, millis);
       o.derived.graph_wait_millis = static_cast<int64_t>(millis);
       return set;
     }},
    {{"metrics.dimensions", "list", "none", "Fields of spans that become labels of their metrics too."},
     [](ServeOptions& o, const ConfigNames&, const std::string& text) {
       return add_dimension(text, o.derived.dimensions);
     }},
    {{"metrics.span_buckets", "list", "0.002 to 16.384, doubling", "Bounds of the histograms of spans, in seconds."},
     [](ServeOptions& o, const ConfigNames&, const std::string& text) {
       return add_bound(text, o.derived.span_bounds, derive::DeriveOptions().span_bounds);
     }},
    {{"metrics.histograms", "classic, native or both", "classic",
      "Buckets of spans, goals and calls: those of metrics.span_buckets, or Prometheus' native histograms."},
     [](ServeOptions& o, const ConfigNames&, const std::string& text) {
       if (text != "classic" && text != "native" && text != "both")
         return Status(wrong(text, "form: classic, native or both"));
       o.derived.histograms = text == "classic"  ? derive::HistogramForm::kClassic
                              : text == "native" ? derive::HistogramForm::kNative
                                                 : derive::HistogramForm::kBoth;
       return Status();
     }},
    {{"metrics.requests", "on or off", "on", "Requests by host and service, of spans and access logs, as metrics."},
     [](ServeOptions& o, const ConfigNames&, const std::string& text) {
       return set_on_or_off(text, o.derived.requests);
     }},
    {{"metrics.vital_signs", "on or off", "on", "cpu_usage, memory_usage ... p99_latency of hosts and services."},
     [](ServeOptions& o, const ConfigNames&, const std::string& text) {
       return set_on_or_off(text, o.derived.vital_signs);
     }},
    {{"metrics.from_logs.*", "rule", "none", "A metric of events, by its name; docs/operate/metrics-from-events.md."},
     nullptr,
     [](ServeOptions& o, const ConfigNames& n, yaml::Tree tree) { o.log_rules[n[0]] = std::move(tree); }},
};

}  // namespace

std::span<const ConfigEntry> derived_keys() { return kEntries; }

void check_derived(const ServeOptions& options, std::vector<ConfigMistake>& mistakes) {
  yaml::Mistakes wrong;
  (void)read_log_rules(options.log_rules, wrong);
  for (yaml::Mistake& one : wrong) mistakes.push_back({one.line, std::move(one.message)});
}

}  // namespace clew::app
