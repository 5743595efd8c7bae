// What protocols that carry native histograms share.
#pragma once

#include <optional>
#include <string>

#include "model/metric.h"

namespace clew::wire {

constexpr size_t kHistogramBucketsMax = 65'536;

// Why it is none; nothing when it is one.
std::optional<std::string> mistake_of(const model::Histogram& histogram);

}  // namespace clew::wire
