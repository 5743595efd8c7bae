#include "metricstore/sample_buffers.h"

#include <algorithm>

namespace clew::metricstore {

uint32_t SampleBuffers::make_block() {
  if (blocks_ % kSlabBlocks == 0) slabs_.push_back(std::make_unique<Block[]>(kSlabBlocks));
  return blocks_++;
}

void SampleBuffers::add(SeriesId series, int64_t millis, double value) {
  if (series >= chains_.size()) chains_.resize(series + 1);
  Chain& chain = chains_[series];
  if (chain.last == kNone || block(chain.last).count == kBlockSamples) {
    uint32_t made = make_block();
    if (chain.last == kNone) {
      chain.first = made;
    } else {
      block(chain.last).next = made;
    }
    chain.last = made;
  }
  Block& last = block(chain.last);
  last.samples[last.count++] = {millis, value};
  ++samples_;
}

void SampleBuffers::add_histogram(SeriesId series, int64_t millis, model::HistogramPtr histogram) {
  histogram_bytes_ +=
      sizeof(model::Histogram) + sizeof(TimedHistogram) +
      8 * (histogram->positive_buckets.size() + histogram->negative_buckets.size() + histogram->custom_bounds.size() +
           histogram->positive_spans.size() + histogram->negative_spans.size());
  histograms_[series].push_back({millis, std::move(histogram)});
  ++samples_;
}

void SampleBuffers::note_start(SeriesId series, int64_t millis, int64_t start_millis) {
  starts_[series][millis] = start_millis;
  histogram_bytes_ += 32;
}

void SampleBuffers::collect(SeriesId series, int64_t from_millis, int64_t to_millis, model::SampleColumns& out) const {
  const size_t at = out.size();
  if (series < chains_.size()) {
    for (uint32_t b = chains_[series].first; b != kNone; b = block(b).next) {
      const Block& samples = block(b);
      for (uint32_t i = 0; i < samples.count; ++i) {
        if (samples.samples[i].millis < from_millis || samples.samples[i].millis > to_millis) continue;
        out.millis.push_back(samples.samples[i].millis);
        out.values.push_back(samples.samples[i].value);
      }
    }
  }
  auto histograms = histograms_.find(series);
  if (histograms != histograms_.end()) {
    for (const TimedHistogram& sample : histograms->second) {
      if (sample.millis < from_millis || sample.millis > to_millis) continue;
      out.histograms.resize(out.millis.size());
      out.millis.push_back(sample.millis);
      out.values.push_back(sample.histogram->sum);
      out.histograms.push_back(sample.histogram);
    }
  }
  if (!out.histograms.empty()) out.histograms.resize(out.millis.size());
  auto starts = starts_.find(series);
  if (starts == starts_.end() && out.starts.empty()) return;
  out.starts.resize(out.millis.size());
  if (starts == starts_.end()) return;
  for (size_t i = at; i < out.size(); ++i) {
    auto start = starts->second.find(out.millis[i]);
    if (start != starts->second.end()) out.starts[i] = start->second;
  }
}

bool SampleBuffers::has(SeriesId series) const {
  return (series < chains_.size() && chains_[series].first != kNone) || histograms_.count(series) != 0;
}

SeriesId SampleBuffers::series_end() const {
  size_t end = chains_.size();
  for (const auto& [series, list] : histograms_) end = std::max<size_t>(end, series + 1);
  return static_cast<SeriesId>(end);
}

size_t SampleBuffers::memory_bytes() const {
  return chains_.capacity() * sizeof(Chain) + slabs_.size() * kSlabBlocks * sizeof(Block) + histogram_bytes_;
}

}  // namespace clew::metricstore
