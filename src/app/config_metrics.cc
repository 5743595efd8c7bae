// The keys of what becomes of metrics that are pushed.
#include "app/config_keys.h"
#include "app/config_values.h"

namespace clew::app {
namespace {

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
};

}  // namespace

std::span<const ConfigEntry> metrics_keys() { return kEntries; }

}  // namespace clew::app
