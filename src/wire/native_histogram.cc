#include "wire/native_histogram.h"

#include <algorithm>

namespace clew::wire {
namespace {

constexpr int kSchemaMin = -4, kSchemaMax = 8;

}  // namespace

std::optional<std::string> mistake_of(const model::Histogram& h) {
  auto length = [](const std::vector<model::BucketSpan>& spans) {
    uint64_t buckets = 0;
    for (const model::BucketSpan& span : spans) buckets += span.length;
    return buckets;
  };
  if (length(h.positive_spans) != h.positive_buckets.size() || length(h.negative_spans) != h.negative_buckets.size()) {
    return "a histogram's spans do not fit its buckets";
  }
  if (h.custom()) {
    if (!h.negative_buckets.empty() || h.zero_count != 0)
      return "a histogram of custom buckets has negative or zero ones";
    if (!std::is_sorted(h.custom_bounds.begin(), h.custom_bounds.end()))
      return "a histogram's custom bounds do not rise";
    return std::nullopt;
  }
  if (h.schema < kSchemaMin || h.schema > kSchemaMax) return "a histogram has schema " + std::to_string(h.schema);
  return std::nullopt;
}

}  // namespace clew::wire
