#include "model/metric.h"

namespace clew::model {
namespace {

// In the order of MetricType.
constexpr std::string_view kTypeNames[] = {"unknown",        "counter", "gauge", "histogram",
                                           "gaugehistogram", "summary", "info",  "stateset"};

}  // namespace

std::string_view metric_type_name(MetricType type) { return kTypeNames[static_cast<size_t>(type)]; }

std::optional<MetricType> metric_type_of(std::string_view name) {
  for (size_t i = 0; i < std::size(kTypeNames); ++i) {
    if (kTypeNames[i] == name) return static_cast<MetricType>(i);
  }
  if (name == "untyped" || name.empty()) return MetricType::kUnknown;
  return std::nullopt;
}

}  // namespace clew::model
