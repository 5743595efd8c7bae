#include "metricstore/metric_record.h"

#include <algorithm>

namespace clew::metricstore {
namespace {

// Sections of a series, a byte of bits before them.
constexpr uint8_t kHasStarts = 1;
constexpr uint8_t kHasHistograms = 2;
constexpr uint8_t kHasExemplars = 4;

constexpr uint64_t kListMax = 1u << 24;
constexpr uint64_t kBucketsMax = 65'536;

void append_doubles(const std::vector<double>& values, base::Writer& to) {
  to.varint(values.size());
  for (double value : values) to.f64(value);
}

void read_doubles(base::Reader& in, std::vector<double>& values) {
  uint64_t count = in.varint_max(std::min<uint64_t>(kBucketsMax, in.remaining() / 8));
  for (uint64_t i = 0; i < count; ++i) values.push_back(in.f64());
}

void append_spans(const std::vector<model::BucketSpan>& spans, base::Writer& to) {
  to.varint(spans.size());
  for (const model::BucketSpan& span : spans) {
    to.varint_signed(span.offset);
    to.varint(span.length);
  }
}

uint64_t read_spans(base::Reader& in, std::vector<model::BucketSpan>& spans) {
  uint64_t buckets = 0;
  uint64_t count = in.varint_max(kBucketsMax);
  for (uint64_t i = 0; i < count && !in.failed(); ++i) {
    model::BucketSpan span;
    span.offset = static_cast<int32_t>(in.varint_signed());
    span.length = static_cast<uint32_t>(in.varint_max(kBucketsMax));
    buckets += span.length;
    spans.push_back(span);
  }
  return buckets;
}

int64_t plus(int64_t a, int64_t b) { return static_cast<int64_t>(static_cast<uint64_t>(a) + static_cast<uint64_t>(b)); }
int64_t minus(int64_t a, int64_t b) {
  return static_cast<int64_t>(static_cast<uint64_t>(a) - static_cast<uint64_t>(b));
}

constexpr uint8_t kRecordVersion = 1;

}  // namespace

std::string record_meta(uint64_t run) {
  std::string meta;
  base::Writer to(meta);
  to.u8('M');
  to.u8(kRecordVersion);
  to.u64(run);
  return meta;
}

Result<uint64_t> read_record_meta(std::string_view meta) {
  base::Reader in(meta);
  uint8_t magic = in.u8(), version = in.u8();
  if (in.failed() || magic != 'M') return Error(Code::kCorrupt, "no record of metrics");
  if (version > kRecordVersion) return Error(Code::kUnsupported, "a record of metrics by a newer clew");
  uint64_t run = in.u64();
  CLEW_TRY(in.finish());
  return run;
}

void append_histogram(const model::Histogram& h, std::string& out) {
  base::Writer to(out);
  to.varint_signed(h.schema);
  to.u8(static_cast<uint8_t>(static_cast<uint8_t>(h.reset) | (h.whole ? 0x80 : 0)));
  to.f64(h.zero_threshold);
  to.f64(h.zero_count);
  to.f64(h.count);
  to.f64(h.sum);
  append_spans(h.positive_spans, to);
  append_spans(h.negative_spans, to);
  append_doubles(h.positive_buckets, to);
  append_doubles(h.negative_buckets, to);
  append_doubles(h.custom_bounds, to);
}

Result<model::HistogramPtr> read_histogram(base::Reader& in) {
  auto h = std::make_shared<model::Histogram>();
  h->schema = static_cast<int32_t>(in.varint_signed());
  uint8_t flags = in.u8();
  h->reset = static_cast<model::CounterReset>(flags & 3);
  h->whole = (flags & 0x80) != 0;
  h->zero_threshold = in.f64();
  h->zero_count = in.f64();
  h->count = in.f64();
  h->sum = in.f64();
  uint64_t positive = read_spans(in, h->positive_spans), negative = read_spans(in, h->negative_spans);
  read_doubles(in, h->positive_buckets);
  read_doubles(in, h->negative_buckets);
  read_doubles(in, h->custom_bounds);
  if (h->positive_buckets.size() != positive || h->negative_buckets.size() != negative) in.fail();
  CLEW_TRY(in.status());
  return model::HistogramPtr(std::move(h));
}

void encode_record(std::span<const std::pair<SeriesId, model::Labels>> defined, std::span<const SeriesId> ids,
                   const model::MetricBatch& batch, std::string& out) {
  base::Writer to(out);
  to.varint(defined.size());
  for (const auto& [id, labels] : defined) {
    to.varint(id);
    to.string(labels.packed());
  }
  const auto& all = batch.series();
  to.varint(static_cast<uint64_t>(all.size() - static_cast<size_t>(std::count(ids.begin(), ids.end(), kNoSeries))));
  int64_t last_id = 0, millis = 0;
  for (size_t s = 0; s < all.size(); ++s) {
    if (ids[s] == kNoSeries) continue;
    const model::MetricBatch::Series& series = all[s];
    bool starts = !batch.starts().empty() && series.samples_begin < series.samples_end;
    bool histograms = series.histograms_begin < series.histograms_end;
    bool exemplars = series.exemplars_begin < series.exemplars_end;
    to.varint_signed(ids[s] - last_id);
    last_id = ids[s];
    to.u8(static_cast<uint8_t>((starts ? kHasStarts : 0) | (histograms ? kHasHistograms : 0) |
                               (exemplars ? kHasExemplars : 0)));
    to.varint(series.samples_end - series.samples_begin);
    for (uint32_t i = series.samples_begin; i < series.samples_end; ++i) {
      const model::Sample& sample = batch.samples()[i];
      to.varint_signed(minus(sample.millis, millis));
      millis = sample.millis;
      to.f64(sample.value);
      if (starts) to.varint_signed(i < batch.starts().size() ? batch.starts()[i] : 0);
    }
    if (histograms) {
      to.varint(series.histograms_end - series.histograms_begin);
      for (uint32_t i = series.histograms_begin; i < series.histograms_end; ++i) {
        const auto& sample = batch.histograms()[i];
        to.varint_signed(minus(sample.millis, millis));
        millis = sample.millis;
        to.varint_signed(sample.start_millis);
        append_histogram(*sample.histogram, out);
      }
    }
    if (exemplars) {
      to.varint(series.exemplars_end - series.exemplars_begin);
      for (uint32_t i = series.exemplars_begin; i < series.exemplars_end; ++i) {
        const model::Exemplar& exemplar = batch.exemplars()[i];
        to.string(exemplar.labels.packed());
        to.f64(exemplar.value);
        to.varint_signed(exemplar.millis);
      }
    }
  }
  to.varint(batch.metadata().size());
  for (const auto& [metric, metadata] : batch.metadata()) {
    to.string(metric);
    to.u8(static_cast<uint8_t>(metadata.type));
    to.string(metadata.unit);
    to.string(metadata.help);
  }
}

namespace {

// Packed labels as they must be: whole, names rising.
Result<model::Labels> read_labels(base::Reader& in) {
  std::string_view packed = in.string();
  base::Reader labels(packed);
  std::string_view last;
  while (labels.remaining() > 0) {
    std::string_view name = labels.bytes(labels.u16());
    labels.bytes(labels.u16());
    if (name <= last && !last.empty()) labels.fail();
    last = name;
  }
  CLEW_TRY(in.status());
  CLEW_TRY(labels.status());
  return model::Labels(model::LabelsView(packed));
}

Status read_series(base::Reader& in, int64_t& millis, model::MetricBatch& batch) {
  batch.begin_series({});
  uint8_t sections = in.u8();
  uint64_t samples = in.varint_max(std::min<uint64_t>(kListMax, in.remaining()));
  for (uint64_t i = 0; i < samples && !in.failed(); ++i) {
    millis = plus(millis, in.varint_signed());
    double value = in.f64();
    batch.add_sample(millis, value, (sections & kHasStarts) != 0 ? in.varint_signed() : 0);
  }
  if ((sections & kHasHistograms) != 0) {
    uint64_t histograms = in.varint_max(std::min<uint64_t>(kListMax, in.remaining()));
    for (uint64_t i = 0; i < histograms && !in.failed(); ++i) {
      millis = plus(millis, in.varint_signed());
      int64_t start = in.varint_signed();
      model::HistogramPtr histogram = CLEW_TRY(read_histogram(in));
      batch.add_histogram(millis, std::move(histogram), start);
    }
  }
  if ((sections & kHasExemplars) != 0) {
    uint64_t exemplars = in.varint_max(std::min<uint64_t>(kListMax, in.remaining()));
    for (uint64_t i = 0; i < exemplars && !in.failed(); ++i) {
      model::Exemplar exemplar;
      exemplar.labels = CLEW_TRY(read_labels(in));
      exemplar.value = in.f64();
      exemplar.millis = in.varint_signed();
      batch.add_exemplar(std::move(exemplar));
    }
  }
  return in.status();
}

}  // namespace

Result<MetricRecord> decode_record(std::string_view bytes) {
  base::Reader in(bytes);
  MetricRecord record;
  uint64_t defined = in.varint_max(std::min<uint64_t>(kListMax, in.remaining()));
  for (uint64_t i = 0; i < defined && !in.failed(); ++i) {
    auto id = static_cast<SeriesId>(in.varint_max(kNoSeries - 1));
    model::Labels labels = CLEW_TRY(read_labels(in));
    record.defined.emplace_back(id, std::move(labels));
  }
  uint64_t series = in.varint_max(std::min<uint64_t>(kListMax, in.remaining()));
  int64_t id = 0, millis = 0;
  for (uint64_t i = 0; i < series && !in.failed(); ++i) {
    id = plus(id, in.varint_signed());
    if (id < 0 || id >= kNoSeries) in.fail();
    record.ids.push_back(static_cast<SeriesId>(id));
    CLEW_TRY(read_series(in, millis, record.batch));
  }
  uint64_t metadata = in.varint_max(std::min<uint64_t>(kListMax, in.remaining()));
  for (uint64_t i = 0; i < metadata && !in.failed(); ++i) {
    std::string_view metric = in.string();
    uint8_t type = in.u8();
    if (type > static_cast<uint8_t>(model::MetricType::kStateSet)) in.fail();
    model::MetricMetadata told;
    told.type = static_cast<model::MetricType>(type);
    told.unit = in.string();
    told.help = in.string();
    if (!in.failed()) record.batch.set_metadata(metric, std::move(told));
  }
  CLEW_TRY(in.finish());
  return record;
}

}  // namespace clew::metricstore
