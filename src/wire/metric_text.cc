#include "wire/metric_text.h"

#include <fmt/format.h>

#include <cmath>

namespace clew::wire {
namespace {

std::string number(double v) { return model::is_stale(v) ? "stale" : fmt::format("{}", v); }

std::string at(int64_t millis, int64_t start) {
  return start != 0 ? fmt::format(" @{} since {}", millis, start) : fmt::format(" @{}", millis);
}

void append_side(const char* name, const std::vector<model::BucketSpan>& spans, const std::vector<double>& buckets,
                 std::string& out) {
  if (spans.empty()) return;
  out += fmt::format(" {}", name);
  int64_t index = 0;
  size_t next = 0;
  for (const model::BucketSpan& span : spans) {
    index += span.offset;
    for (uint32_t i = 0; i < span.length && next < buckets.size(); ++i, ++index) {
      out += fmt::format(" {}:{}", index, buckets[next++]);
    }
  }
}

std::string histogram_text(const model::Histogram& h) {
  std::string out = fmt::format(" {{schema {} count {} sum {} zero {}", h.schema, h.count, number(h.sum), h.zero_count);
  append_side("positive", h.positive_spans, h.positive_buckets, out);
  append_side("negative", h.negative_spans, h.negative_buckets, out);
  if (h.custom()) out += fmt::format(" bounds {}", fmt::join(h.custom_bounds, " "));
  return out + "}";
}

}  // namespace

std::string metric_text(const model::MetricBatch& batch) {
  std::string out;
  for (const model::MetricBatch::Series& series : batch.series()) {
    out += model::to_text(batch.labels_of(series));
    for (uint32_t i = series.samples_begin; i < series.samples_end; ++i) {
      const model::Sample& sample = batch.samples()[i];
      out += " " + number(sample.value) + at(sample.millis, batch.starts().empty() ? 0 : batch.starts()[i]);
    }
    for (uint32_t i = series.histograms_begin; i < series.histograms_end; ++i) {
      const model::MetricBatch::HistogramSample& sample = batch.histograms()[i];
      out += histogram_text(*sample.histogram) + at(sample.millis, sample.start_millis);
    }
    out += "\n";
    for (uint32_t i = series.exemplars_begin; i < series.exemplars_end; ++i) {
      const model::Exemplar& e = batch.exemplars()[i];
      out += fmt::format("  # exemplar {} {}{}\n", model::to_text(e.labels), e.value, at(e.millis, 0));
    }
  }
  for (const auto& [metric, told] : batch.metadata()) {
    out +=
        fmt::format("# TYPE {} {} unit={} help={}\n", metric, model::metric_type_name(told.type), told.unit, told.help);
  }
  return out;
}

}  // namespace clew::wire
