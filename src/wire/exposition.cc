#include "wire/exposition.h"

#include <algorithm>

#include "wire/exposition_check.h"
#include "wire/exposition_protobuf.h"
#include "wire/exposition_text.h"

namespace clew::wire {
namespace {

bool contains(std::string_view text, std::string_view part) { return text.find(part) != std::string_view::npos; }

// One name for it in the store: what was said of it, gathered.
struct Metadata {
  std::map<std::string, model::MetricMetadata, std::less<>> by_metric;
  void take(ExpositionKind kind, const ExpositionTold& told) {
    model::MetricMetadata& known = by_metric[std::string(told.metric)];
    if (kind == ExpositionKind::kType) known.type = told.type;
    if (kind == ExpositionKind::kHelp) known.help = told.text;
    if (kind == ExpositionKind::kUnit) known.unit = told.text;
  }
};

void add_point(const ExpositionPoint& point, ExpositionKind kind, int64_t millis_otherwise, model::MetricBatch& batch) {
  int64_t millis = point.has_time ? point.millis : millis_otherwise;
  if (kind == ExpositionKind::kHistogram)
    batch.add_histogram(millis, point.histogram, point.start_millis);
  else
    batch.add_sample(millis, point.value, point.start_millis);
  for (model::Exemplar exemplar : point.exemplars) {
    if (exemplar.millis == 0) exemplar.millis = millis;
    batch.add_exemplar(std::move(exemplar));
  }
}

}  // namespace

ExpositionFormat exposition_format_of(std::string_view content_type) {
  if (contains(content_type, "application/openmetrics-text")) return ExpositionFormat::kOpenMetrics;
  if (contains(content_type, "application/vnd.google.protobuf") && !contains(content_type, "encoding=text")) {
    return ExpositionFormat::kProtobuf;
  }
  return ExpositionFormat::kText;
}

std::unique_ptr<Exposition> read_exposition(std::string_view page, ExpositionFormat format, Strictness strictness) {
  if (format == ExpositionFormat::kProtobuf) return std::make_unique<ProtobufExposition>(page, strictness);
  return std::make_unique<TextExposition>(page, format, strictness);
}

Result<DecodedExposition> decode_exposition(std::string_view page, const ExpositionOptions& options) {
  std::unique_ptr<Exposition> reader = read_exposition(page, options.format, options.strictness);
  bool strict = options.strictness == Strictness::kStrict;
  ExpositionCheck check(options.format);
  DecodedExposition out;
  Metadata metadata;
  LabelPairs labels;
  while (true) {
    ExpositionKind kind = CLEW_TRY(reader->next());
    if (kind == ExpositionKind::kEnd) break;
    if (kind != ExpositionKind::kSample && kind != ExpositionKind::kHistogram) {
      if (strict) CLEW_TRY(check.told(kind, reader->told()));
      metadata.take(kind, reader->told());
      continue;
    }
    Status read = reader->read_labels(labels);
    if (!read.ok()) {
      if (strict) return read.error();
      reader->reject(read.error());
      continue;
    }
    if (strict) CLEW_TRY(check.sample(labels, reader->point()));
    labels.insert(labels.end(), options.extra.begin(), options.extra.end());
    out.batch.begin_series(model::Labels::of(labels));
    add_point(reader->point(), kind, options.millis, out.batch);
  }
  for (auto& [metric, told] : metadata.by_metric) out.batch.set_metadata(metric, std::move(told));
  out.bad_lines = reader->bad_lines();
  out.first_mistake = reader->first_mistake();
  return out;
}

}  // namespace clew::wire
