#include "derive/instrument.h"

#include <nlohmann/json.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "text/utf8.h"
#include "text/valid_utf8.h"

namespace clew::derive {
namespace {

constexpr size_t kName = SIZE_MAX;
constexpr size_t kBound = SIZE_MAX - 1;
constexpr std::string_view kOverflowLabel = "overflow";

size_t cells_of(const Family& family) {
  return family.kind == MetricKind::kHistogram ? family.bounds.size() + 2 : 1;  // buckets with +Inf, sum
}

// Schema 3 of Prometheus' native histograms: the upper bound of bucket i is 2^(i/8).
constexpr int32_t kNativeSchema = 3;
constexpr double kBucketsPerDouble = 8;
constexpr int32_t kZeroBucket = INT32_MIN;  // of what is not above the threshold
constexpr double kZeroThreshold = 1e-9;

int32_t native_bucket(double value) {
  return value <= kZeroThreshold ? kZeroBucket : static_cast<int32_t>(std::ceil(std::log2(value) * kBucketsPerDouble));
}

model::Histogram native_histogram(const std::map<int32_t, double>& buckets, double sum) {
  model::Histogram out;
  out.schema = kNativeSchema;
  out.zero_threshold = kZeroThreshold;
  out.sum = sum;
  int32_t next = 0;
  for (const auto& [index, count] : buckets) {
    out.count += count;
    if (index == kZeroBucket) {
      out.zero_count = count;
      continue;
    }
    if (out.positive_spans.empty() || index != next)
      out.positive_spans.push_back({.offset = index - next, .length = 0});
    ++out.positive_spans.back().length;
    out.positive_buckets.push_back(count);
    next = index + 1;
  }
  return out;
}

std::string bound_text(double bound) { return fmt::format("{}", bound); }

std::string_view cut(std::string_view text) {
  if (text.size() <= Instrument::kValueBytesMax) return text;
  size_t end = Instrument::kValueBytesMax;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;  // no half letter
  return text.substr(0, end);
}

// The text as a label may have it; what has to be made is kept in `made`.
std::string_view label_value(std::string_view text, std::string& made) {
  text = cut(text);
  if (text::is_valid_utf8(text)) return text;
  made = text::valid_utf8(std::string(text));
  return made;
}

model::MetricType type_of(MetricKind kind) {
  switch (kind) {
    case MetricKind::kCounter: return model::MetricType::kCounter;
    case MetricKind::kGauge: return model::MetricType::kGauge;
    case MetricKind::kHistogram: return model::MetricType::kHistogram;
  }
  return model::MetricType::kUnknown;
}

Json plan_json(const InstrumentPlan& plan) {
  Json families = Json::array();
  for (const Family& family : plan.families) {
    families.push_back({{"name", family.name}, {"kind", static_cast<int>(family.kind)}, {"bounds", family.bounds}});
  }
  return {{"labels", plan.labels}, {"families", std::move(families)}, {"form", static_cast<int>(plan.form)}};
}

}  // namespace

// Buckets with +Inf, sum, count; and one that has all.
uint64_t Instrument::series_of(const Family& family) const {
  if (family.kind != MetricKind::kHistogram) return 1;
  return (has_classic() ? family.bounds.size() + 3 : 0) + (has_native() ? 1 : 0);
}

Instrument::Instrument(InstrumentPlan plan, SeriesBudget& budget) : plan_(std::move(plan)), budget_(budget) {
  for (const Family& family : plan_.families) {
    offsets_.push_back(cells_);
    cells_ += cells_of(family);
    row_series_ += series_of(family);
  }
  order_ = {{std::string(model::kMetricNameLabel), kName}, {"le", kBound}};
  for (size_t i = 0; i < plan_.labels.size(); ++i) order_.emplace_back(plan_.labels[i], i);
  std::sort(order_.begin(), order_.end());
}

Instrument::~Instrument() { budget_.give_back(by_values_.size() * row_series_); }

Instrument::RowId Instrument::row(std::span<const std::string_view> values, int64_t now_millis) {
  key_.clear();
  for (std::string_view value : values) {
    key_.append(label_value(value, text_));
    key_.push_back('\0');
  }
  auto known = by_values_.find(key_);
  if (known != by_values_.end()) {
    rows_[known->second].changed_millis = now_millis;
    return known->second;
  }
  if (budget_.take(row_series_)) {
    auto id = static_cast<RowId>(free_.empty() ? rows_.size() : free_.back());
    if (free_.empty())
      rows_.emplace_back();
    else
      free_.pop_back();
    rows_[id] = make_row(values, now_millis);
    by_values_.emplace(key_, id);
    return id;
  }
  if (!overflow_) {
    overflow_ = static_cast<RowId>(rows_.size());
    rows_.push_back(make_row({}, now_millis));
    rows_.back().overflow = true;
  }
  rows_[*overflow_].changed_millis = now_millis;
  return *overflow_;
}

Instrument::Row Instrument::make_row(std::span<const std::string_view> values, int64_t now_millis) const {
  Row made;
  std::string text;
  for (std::string_view value : values) made.values.emplace_back(label_value(value, text));
  made.cells.assign(cells_, 0);
  made.exemplars.resize(plan_.families.size());
  if (has_native()) made.native.resize(plan_.families.size());
  made.changed_millis = now_millis;
  made.used = true;
  return made;
}

void Instrument::add(RowId row, size_t family, double amount, const Origin& origin, int64_t millis) {
  rows_[row].cells[offsets_[family]] += amount;
  keep_exemplar(rows_[row].exemplars[family], amount, origin, millis);
}

void Instrument::set(RowId id, size_t family, double value, uint64_t order) {
  Row& row = rows_[id];
  if (order < row.order) return;
  row.order = order;
  row.cells[offsets_[family]] = value;
}

void Instrument::observe(RowId id, size_t family, double value, const Origin& origin, int64_t millis, double weight) {
  Row& row = rows_[id];
  const std::vector<double>& bounds = plan_.families[family].bounds;
  auto bucket = static_cast<size_t>(std::lower_bound(bounds.begin(), bounds.end(), value) - bounds.begin());
  double* cells = &row.cells[offsets_[family]];
  cells[bucket] += weight;
  cells[bounds.size() + 1] += value * weight;
  if (has_native()) row.native[family][native_bucket(value)] += weight;
  keep_exemplar(row.exemplars[family], value, origin, millis);
}

// Of a round the greatest is the one that is looked for.
void Instrument::keep_exemplar(std::optional<Exemplar>& kept, double value, const Origin& origin, int64_t millis) {
  if (origin.trace_id.empty() && origin.event_id.empty()) return;
  if (kept && kept->value >= value) return;
  kept = Exemplar{.value = value,
                  .millis = millis,
                  .trace_id = std::string(origin.trace_id),
                  .span_id = std::string(origin.span_id),
                  .event_id = std::string(origin.event_id)};
}

void Instrument::settle(int64_t zero_millis) {
  for (Row& row : rows_) {
    if (row.used && row.zero_millis == 0) row.zero_millis = zero_millis;
  }
}

void Instrument::begin_series(const Row& row, std::string_view name, std::string_view bound,
                              model::MetricBatch& batch) {
  packed_.clear();
  if (row.overflow) {
    model::append_packed({model::kMetricNameLabel, name}, packed_);
    if (!bound.empty()) model::append_packed({"le", bound}, packed_);
    model::append_packed({kOverflowLabel, "true"}, packed_);
  } else {
    for (const auto& [label, at] : order_) {
      std::string_view value = at == kName ? name : at == kBound ? bound : std::string_view(row.values[at]);
      if (!value.empty()) model::append_packed({label, value}, packed_);
    }
  }
  batch.begin_series(model::LabelsView(packed_));
}

model::Exemplar Instrument::exemplar_of(const Exemplar& exemplar) {
  std::vector<std::pair<std::string, std::string>> labels;
  if (!exemplar.trace_id.empty()) labels.emplace_back("trace_id", exemplar.trace_id);
  if (!exemplar.span_id.empty()) labels.emplace_back("span_id", exemplar.span_id);
  if (!exemplar.event_id.empty()) labels.emplace_back("event_id", exemplar.event_id);
  return {.labels = model::Labels::of(std::move(labels)), .value = exemplar.value, .millis = exemplar.millis};
}

void Instrument::emit_classic(const Row& row, size_t f, int64_t millis, std::optional<double> instead,
                              model::MetricBatch& batch) {
  const Family& family = plan_.families[f];
  const double* cells = &row.cells[offsets_[f]];
  const std::optional<Exemplar>& exemplar = row.exemplars[f];
  double count = 0;
  for (size_t b = 0; b <= family.bounds.size(); ++b) {
    count += cells[b];
    double above = b < family.bounds.size() ? family.bounds[b] : INFINITY;
    begin_series(row, family.name + "_bucket", b < family.bounds.size() ? bound_text(above) : "+Inf", batch);
    batch.add_sample(millis, instead.value_or(count));
    bool here = exemplar && !instead && exemplar->value <= above && (b == 0 || exemplar->value > family.bounds[b - 1]);
    if (here) batch.add_exemplar(exemplar_of(*exemplar));
  }
  begin_series(row, family.name + "_count", {}, batch);
  batch.add_sample(millis, instead.value_or(count));
  begin_series(row, family.name + "_sum", {}, batch);
  batch.add_sample(millis, instead.value_or(cells[family.bounds.size() + 1]));
}

void Instrument::emit_native(const Row& row, size_t f, int64_t millis, std::optional<double> instead,
                             model::MetricBatch& batch) {
  const Family& family = plan_.families[f];
  double sum = row.cells[offsets_[f] + family.bounds.size() + 1];
  model::Histogram histogram = native_histogram(instead ? NativeBuckets() : row.native[f], instead.value_or(sum));
  begin_series(row, family.name, {}, batch);
  batch.add_histogram(millis, std::make_shared<const model::Histogram>(std::move(histogram)));
  if (row.exemplars[f] && !instead) batch.add_exemplar(exemplar_of(*row.exemplars[f]));
}

// `instead`: that value in place of every series' own.
void Instrument::emit_row(const Row& row, int64_t millis, std::optional<double> instead, model::MetricBatch& batch) {
  for (size_t f = 0; f < plan_.families.size(); ++f) {
    const Family& family = plan_.families[f];
    if (family.kind == MetricKind::kHistogram) {
      if (has_classic()) emit_classic(row, f, millis, instead, batch);
      if (has_native()) emit_native(row, f, millis, instead, batch);
      continue;
    }
    if (instead && *instead == 0 && family.kind == MetricKind::kGauge) continue;  // a gauge does not begin at 0
    begin_series(row, family.name, {}, batch);
    batch.add_sample(millis, instead.value_or(row.cells[offsets_[f]]));
    if (row.exemplars[f] && !instead) batch.add_exemplar(exemplar_of(*row.exemplars[f]));
  }
}

void Instrument::emit(int64_t now_millis, model::MetricBatch& batch, const std::function<void()>& between) {
  for (const Row& row : rows_) {
    if (!row.used) continue;
    for (const Family& family : plan_.families) {
      if (batch.metadata().find(family.name) == batch.metadata().end())
        batch.set_metadata(family.name, {type_of(family.kind), "", family.help});
    }
    if (!row.told && row.zero_millis != 0) emit_row(row, row.zero_millis, 0.0, batch);
    emit_row(row, now_millis, std::nullopt, batch);
    between();
  }
}

bool Instrument::told() {
  bool news = false;
  for (Row& row : rows_) {
    news = news || (row.used && !row.told);
    row.told = true;
    for (auto& exemplar : row.exemplars) exemplar.reset();
  }
  return news;
}

void Instrument::end_idle(int64_t changed_before_millis, int64_t now_millis, model::MetricBatch& batch) {
  for (auto it = by_values_.begin(); it != by_values_.end();) {
    Row& row = rows_[it->second];
    if (row.changed_millis >= changed_before_millis) {
      ++it;
      continue;
    }
    emit_row(row, now_millis, model::stale_value(), batch);
    free_.push_back(it->second);
    row = Row();
    by_values_.erase(it++);
    budget_.give_back(row_series_);
  }
}

Json Instrument::state() const {
  Json rows = Json::array();
  for (const Row& row : rows_) {
    if (!row.used) continue;
    Json native = Json::array();
    for (const NativeBuckets& buckets : row.native) native.push_back(Json(buckets));
    rows.push_back({{"values", row.values},
                    {"cells", row.cells},
                    {"native", std::move(native)},
                    {"changed", row.changed_millis},
                    {"zero", row.zero_millis},
                    {"told", row.told},
                    {"overflow", row.overflow}});
  }
  return {{"plan", plan_json(plan_)}, {"rows", std::move(rows)}};
}

void Instrument::restore(const Json& state) {
  if (state.value("plan", Json()) != plan_json(plan_)) return;
  for (const Json& saved : state.at("rows")) {
    auto cells = saved.at("cells").get<std::vector<double>>();
    auto values = saved.at("values").get<std::vector<std::string>>();
    auto changed = saved.at("changed").get<int64_t>();
    bool overflow = saved.at("overflow").get<bool>();
    if (cells.size() != cells_ || (!overflow && values.size() != plan_.labels.size())) continue;
    RowId id = 0;
    if (overflow) {
      id = static_cast<RowId>(rows_.size());
      overflow_ = id;
      rows_.push_back(make_row({}, changed));
      rows_[id].overflow = true;
    } else {
      std::vector<std::string_view> views(values.begin(), values.end());
      id = row(views, changed);
      if (rows_[id].overflow) continue;  // the limit is lower now
    }
    rows_[id].cells = std::move(cells);
    if (has_native()) rows_[id].native = saved.at("native").get<std::vector<NativeBuckets>>();
    rows_[id].zero_millis = saved.at("zero").get<int64_t>();
    rows_[id].told = saved.at("told").get<bool>();
  }
}

}  // namespace clew::derive
