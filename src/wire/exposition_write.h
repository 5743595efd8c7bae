// Writes pages of metrics in Prometheus' text.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "model/labels.h"
#include "model/metric.h"
#include "wire/name_escaping.h"

namespace clew::wire {

struct SampleText {
  bool empty_instance = false;  // adds instance="": who scrapes the page with honor_labels adds none of its own then
  NameEscaping names = NameEscaping::kAllowUtf8;
};

// `# HELP` where there is one, and `# TYPE`. Requires: the name is escaped.
void write_told(std::string_view metric, model::MetricType type, std::string_view help, std::string& out);
// `metric{a="b"} 1 1700000000000`. Names that are no identifiers are quoted.
void write_sample(model::LabelsView labels, SampleText how, double value, std::optional<int64_t> millis,
                  std::string& out);

}  // namespace clew::wire
