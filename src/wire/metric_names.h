// How names and units of OpenTelemetry become Prometheus' names of metrics and labels.
//
// Source: https://opentelemetry.io/docs/specs/otel/compatibility/prometheus_and_openmetrics/
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace clew::wire {

// What becomes of a name; `http.server.duration`, a histogram in `ms`, is an example of each.
enum class NameStyle : uint8_t {
  kSuffixes,      // http_server_duration_milliseconds: as Prometheus does unless told otherwise
  kUnderscores,   // http_server_duration
  kUtf8Suffixes,  // http.server.duration_milliseconds
  kUnchanged,     // http.server.duration
};
// "suffixes", "underscores", "utf8-suffixes", "unchanged"; false for others.
bool name_style_of(std::string_view text, NameStyle& style);

constexpr bool keeps_utf8(NameStyle style) {
  return style == NameStyle::kUtf8Suffixes || style == NameStyle::kUnchanged;
}

// What decides about suffixes.
enum class NamedKind : uint8_t { kOther, kGauge, kCounter };

// The metric's name; empty when nothing of it can stand in one.
std::string metric_name_of(NameStyle style, std::string_view name, std::string_view unit, NamedKind kind);
// The unit in words as suffixes have it, "seconds", "bytes_per_second"; as it came where names are unchanged.
std::string metric_unit_of(NameStyle style, std::string_view unit);
// The label's name; empty when nothing of it can stand in one.
std::string label_name_of(NameStyle style, std::string_view name);

// A name that was meant for Graphite, StatsD, Datadog or Influx: whatever cannot stand in a metric's name becomes "_".
std::string plain_metric_name(std::string_view name);
std::string plain_label_name(std::string_view name);

// A bucket's bound as the label `le` has it, a quantile's as `quantile`: the shortest digits, "+Inf".
std::string bound_text(double bound);

}  // namespace clew::wire
