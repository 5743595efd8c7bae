#include "wire/write_request.h"

#include "base/bytes.h"
#include "wire/histogram_proto.h"
#include "wire/protobuf.h"

namespace clew::wire {
namespace {

void put_tag(uint32_t field, WireType type, std::string& out) { base::Writer(out).varint(proto_tag(field, type)); }

void put_bytes(uint32_t field, std::string_view bytes, std::string& out) {
  put_tag(field, WireType::kBytes, out);
  base::Writer(out).string(bytes);
}

void put_labels(model::LabelsView labels, std::string& out) {
  std::string inner;
  for (model::Label label : labels) {
    inner.clear();
    put_bytes(1, label.name, inner);
    put_bytes(2, label.value, inner);
    put_bytes(1, inner, out);
  }
}

}  // namespace

uint32_t append_write_series(const model::MetricBatch& batch, const model::MetricBatch::Series& series,
                             const std::vector<std::pair<std::string, std::string>>& added, bool histograms,
                             std::string& out) {
  uint32_t samples = series.samples_end - series.samples_begin;
  if (histograms) samples += series.histograms_end - series.histograms_begin;
  if (samples == 0) return 0;
  std::string message, inner;
  if (added.empty()) {
    put_labels(batch.labels_of(series), message);
  } else {
    model::LabelsBuilder labels(batch.labels_of(series));
    for (const auto& [name, value] : added) {
      if (batch.labels_of(series).get(name).empty()) labels.set(name, value);
    }
    put_labels(labels.build(), message);
  }
  for (uint32_t i = series.samples_begin; i < series.samples_end; ++i) {
    inner.clear();
    put_tag(1, WireType::kFixed64, inner);
    base::Writer(inner).f64(batch.samples()[i].value);
    put_tag(2, WireType::kVarint, inner);
    base::Writer(inner).varint(static_cast<uint64_t>(batch.samples()[i].millis));
    put_bytes(2, inner, message);
  }
  for (uint32_t i = series.histograms_begin; i < series.histograms_end && histograms; ++i) {
    inner.clear();
    append_histogram_proto(*batch.histograms()[i].histogram, batch.histograms()[i].millis, inner);
    put_bytes(4, inner, message);
  }
  put_bytes(1, message, out);
  return samples;
}

void append_write_metadata(const model::MetricBatch& batch, std::string& out) {
  std::string message;
  for (const auto& [metric, told] : batch.metadata()) {
    message.clear();
    put_tag(1, WireType::kVarint, message);
    base::Writer(message).varint(static_cast<uint64_t>(told.type));
    put_bytes(2, metric, message);
    put_bytes(4, told.help, message);
    if (!told.unit.empty()) put_bytes(5, told.unit, message);
    put_bytes(3, message, out);
  }
}

}  // namespace clew::wire
