#include "alert/memory_metrics.h"

namespace clew::alert {

void MemorySink::write(const contract::Access&, const model::MetricBatch& batch, Done done) {
  contract::MetricAck ack;
  for (const model::MetricBatch::Series& series : batch.series()) {
    model::Labels labels(batch.labels_of(series));
    for (uint32_t i = series.samples_begin; i < series.samples_end; ++i) {
      source_.add(labels, batch.samples()[i].millis, batch.samples()[i].value, nullptr);
    }
    for (uint32_t i = series.histograms_begin; i < series.histograms_end; ++i) {
      source_.add(labels, batch.histograms()[i].millis, 0, batch.histograms()[i].histogram);
    }
  }
  ack.stored = batch.samples_count();
  done(ack);
}

}  // namespace clew::alert
