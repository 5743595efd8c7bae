// Writes remote write 1.0.
#include <cmath>

#include "base/bytes.h"
#include "wire/protobuf.h"
#include "wire/remote_write.h"

namespace clew::wire {
namespace {

constexpr uint32_t bytes_tag(uint32_t field) { return proto_tag(field, WireType::kBytes); }
constexpr uint32_t varint_tag(uint32_t field) { return proto_tag(field, WireType::kVarint); }
constexpr uint32_t real_tag(uint32_t field) { return proto_tag(field, WireType::kFixed64); }

void put_varint(uint32_t field, uint64_t v, std::string& out) {
  base::Writer(out).varint(varint_tag(field));
  base::Writer(out).varint(v);
}

void put_real(uint32_t field, double v, std::string& out) {
  base::Writer(out).varint(real_tag(field));
  base::Writer(out).f64(v);
}

void put_bytes(uint32_t field, std::string_view bytes, std::string& out) {
  base::Writer(out).varint(bytes_tag(field));
  base::Writer(out).string(bytes);
}

void put_labels(uint32_t field, model::LabelsView labels, std::string& out) {
  std::string one;
  for (model::Label label : labels) {
    one.clear();
    put_bytes(1, label.name, one);
    put_bytes(2, label.value, one);
    put_bytes(field, one, out);
  }
}

void put_spans(uint32_t field, const std::vector<model::BucketSpan>& spans, std::string& out) {
  std::string one;
  for (const model::BucketSpan& span : spans) {
    one.clear();
    put_varint(1, base::zigzag(span.offset), one);
    put_varint(2, span.length, one);
    put_bytes(field, one, out);
  }
}

void put_deltas(uint32_t field, const std::vector<double>& counts, std::string& out) {
  if (counts.empty()) return;
  std::string packed;
  int64_t last = 0;
  for (double count : counts) {
    auto now = static_cast<int64_t>(count);
    base::Writer(packed).varint(base::zigzag(now - last));
    last = now;
  }
  put_bytes(field, packed, out);
}

void put_reals(uint32_t field, const std::vector<double>& values, std::string& out) {
  if (values.empty()) return;
  std::string packed;
  for (double v : values) base::Writer(packed).f64(v);
  put_bytes(field, packed, out);
}

void put_histogram(const model::MetricBatch::HistogramSample& sample, std::string& out) {
  const model::Histogram& h = *sample.histogram;
  if (h.whole) {
    put_varint(1, static_cast<uint64_t>(h.count), out);
    put_varint(6, static_cast<uint64_t>(h.zero_count), out);
  } else {
    put_real(2, h.count, out);
    put_real(7, h.zero_count, out);
  }
  put_real(3, h.sum, out);
  put_varint(4, base::zigzag(h.schema), out);
  put_real(5, h.zero_threshold, out);
  put_spans(8, h.negative_spans, out);
  put_spans(11, h.positive_spans, out);
  if (h.whole) {
    put_deltas(9, h.negative_buckets, out);
    put_deltas(12, h.positive_buckets, out);
  } else {
    put_reals(10, h.negative_buckets, out);
    put_reals(13, h.positive_buckets, out);
  }
  if (h.reset != model::CounterReset::kUnknown) put_varint(14, static_cast<uint64_t>(h.reset), out);
  put_varint(15, static_cast<uint64_t>(sample.millis), out);
  put_reals(16, h.custom_bounds, out);
  if (sample.start_millis != 0) put_varint(17, static_cast<uint64_t>(sample.start_millis), out);
}

void put_series(const model::MetricBatch& batch, const model::MetricBatch::Series& series, std::string& out) {
  std::string inner;
  put_labels(1, batch.labels_of(series), out);
  for (uint32_t i = series.samples_begin; i < series.samples_end; ++i) {
    inner.clear();
    put_real(1, batch.samples()[i].value, inner);
    put_varint(2, static_cast<uint64_t>(batch.samples()[i].millis), inner);
    int64_t start = batch.starts().empty() ? 0 : batch.starts()[i];
    if (start != 0) put_varint(3, static_cast<uint64_t>(start), inner);
    put_bytes(2, inner, out);
  }
  for (uint32_t i = series.exemplars_begin; i < series.exemplars_end; ++i) {
    const model::Exemplar& e = batch.exemplars()[i];
    inner.clear();
    put_labels(1, e.labels, inner);
    put_real(2, e.value, inner);
    put_varint(3, static_cast<uint64_t>(e.millis), inner);
    put_bytes(3, inner, out);
  }
  for (uint32_t i = series.histograms_begin; i < series.histograms_end; ++i) {
    inner.clear();
    put_histogram(batch.histograms()[i], inner);
    put_bytes(4, inner, out);
  }
}

}  // namespace

void encode_remote_write(const model::MetricBatch& batch, std::string& out) {
  std::string message;
  for (const model::MetricBatch::Series& series : batch.series()) {
    message.clear();
    put_series(batch, series, message);
    put_bytes(1, message, out);
  }
  for (const auto& [metric, told] : batch.metadata()) {
    message.clear();
    put_varint(1, static_cast<uint64_t>(told.type), message);
    put_bytes(2, metric, message);
    put_bytes(4, told.help, message);
    if (!told.unit.empty()) put_bytes(5, told.unit, message);
    put_bytes(3, message, out);
  }
}

}  // namespace clew::wire
