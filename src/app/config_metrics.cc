// The keys of what becomes of metrics that are pushed.
#include <charconv>
#include <cmath>

#include "app/config_keys.h"
#include "app/config_values.h"

namespace clew::app {
namespace {

constexpr uint64_t kFlushMillisMost = 3'600'000;
constexpr uint64_t kExpireMillisMost = 30ull * 86'400'000;
constexpr uint64_t kSeriesMost = 10'000'000;
constexpr uint64_t kSampleBytesLeast = 16ull << 20;
constexpr uint64_t kSampleBytesMost = 1ull << 40;

ListenerKeys& listener_of(ServeOptions& options, const ConfigNames& names) {
  return options.agent.sources[names[0]].listener;
}

Status add_bucket(const std::string& text, std::vector<double>& to) {
  double bound = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), bound);
  bool number = error == std::errc() && end == text.data() + text.size() && std::isfinite(bound);
  if (!number) return wrong(text, "bound of a bucket: write a number such as 0.25");
  if (!to.empty() && bound <= to.back()) return wrong(text, "bound of a bucket: it must be above the one before");
  to.push_back(bound);
  return {};
}

const ConfigEntry kEntries[] = {
    {{"otlp.metrics.names", "text", "suffixes",
      "Names of OTLP metrics: suffixes, underscores, utf8-suffixes or unchanged."},
     [](ServeOptions& o, const ConfigNames&, const std::string& text) -> Status {
       if (wire::name_style_of(text, o.otlp_metrics.names)) return Status();
       return wrong(text, "style of names: write suffixes, underscores, utf8-suffixes or unchanged");
     }},
    {{"otlp.metrics.promote", "list", "none", "Resource attributes that are labels of every series; * is all."},
     [](ServeOptions& o, const ConfigNames&, const std::string& text) {
       o.otlp_metrics.promote.push_back(text);
       return Status();
     }},
    {{"otlp.metrics.scope_labels", "yes or no", "yes", "otel_scope_name, otel_scope_version ... on every series."},
     [](ServeOptions& o, const ConfigNames&, const std::string& text) {
       return set_yes_or_no(text, o.otlp_metrics.scope_labels);
     }},
    {{"agent.samples.queue", "size", "256MiB", "Disk of samples that wait for a server; then the oldest go."},
     [](ServeOptions& o, const ConfigNames&, const std::string& text) {
       return set_bounded_size(text, kSampleBytesLeast, kSampleBytesMost, o.agent.samples_bytes);
     }},
    {{"sources.*.flush", "duration", "10s", "Of type statsd: what comes is added up for so long."},
     [](ServeOptions& o, const ConfigNames& n, const std::string& text) {
       return set_millis(text, kFlushMillisMost, listener_of(o, n).flush_millis);
     }},
    {{"sources.*.expire", "duration", "1h", "Of type statsd: a series that nothing came for so long ends."},
     [](ServeOptions& o, const ConfigNames& n, const std::string& text) {
       return set_millis(text, kExpireMillisMost, listener_of(o, n).expire_millis);
     }},
    {{"sources.*.series", "number", "100000", "Of type statsd: series at one time; what is beyond is refused."},
     [](ServeOptions& o, const ConfigNames& n, const std::string& text) {
       return set_count(text, 1, kSeriesMost, listener_of(o, n).series_max);
     }},
    {{"sources.*.buckets", "list", "native histograms", "Of type statsd: bounds of classic histograms, rising."},
     [](ServeOptions& o, const ConfigNames& n, const std::string& text) {
       return add_bucket(text, listener_of(o, n).buckets);
     }},
    {{"sources.*.mappings", "list", "none",
      "Of types statsd and graphite: templates of names, servers.*.cpu => cpu{host=\"$1\"}."},
     [](ServeOptions& o, const ConfigNames& n, const std::string& text) {
       listener_of(o, n).mappings.push_back(text);
       return Status();
     }},
    {{"sources.*.labels.*", "text", "job: NAME, instance: HOST",
      "Of types that bring samples: a label of every series that has no such label of its own; empty takes it away."},
     [](ServeOptions& o, const ConfigNames& n, const std::string& text) {
       listener_of(o, n).labels[n[1]] = text;
       return Status();
     }},
};

}  // namespace

std::span<const ConfigEntry> metrics_keys() { return kEntries; }

}  // namespace clew::app
