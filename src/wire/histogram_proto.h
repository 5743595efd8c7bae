// prometheus.Histogram as remote write and remote read send it.
#pragma once

#include <cstdint>
#include <string>

#include "model/metric.h"

namespace clew::wire {

// Appends the fields of the message.
void append_histogram_proto(const model::Histogram& histogram, int64_t millis, std::string& out);

}  // namespace clew::wire
