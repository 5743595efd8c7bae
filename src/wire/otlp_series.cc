#include "wire/otlp_series.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstring>
#include <limits>
#include <memory>

#include "model/json_text.h"
#include "wire/otlp_metrics.h"
#include "wire/otlp_walk.h"

namespace clew::wire {
namespace {

constexpr size_t kLabelNamesMax = 50'000;  // remembered from one request to the next
constexpr size_t kExemplarLettersMax =
    128;  // of names and values of an exemplar's labels together, as OpenMetrics says
constexpr uint64_t kNanosPerMilli = 1'000'000;
constexpr double kInfinity = std::numeric_limits<double>::infinity();

using From = SeriesLabels::From;

constexpr std::string_view kServiceName = "service.name";
constexpr std::string_view kServiceNamespace = "service.namespace";
constexpr std::string_view kServiceInstance = "service.instance.id";

// What OtlpWalk adds of its own.
bool is_attribute(const SharedValue& v) {
  if (v.level == Level::kScope) return v.name != "scope.dropped_attributes_count";
  return v.name != "resource.schema_url" && v.name != "resource.dropped_attributes_count";
}

bool is_identity(std::string_view name) {
  return name == kServiceName || name == kServiceNamespace || name == kServiceInstance;
}

void append_text(const SharedValue& v, std::string& out) {
  switch (v.kind) {
    case model::Kind::kInt: out += std::to_string(v.lane); break;
    case model::Kind::kBool: out += v.lane != 0 ? "true" : "false"; break;
    case model::Kind::kFloat: {
      double real = 0;
      std::memcpy(&real, &v.lane, sizeof real);
      char text[40];
      auto [end, error] = std::to_chars(text, text + sizeof text, real);
      out.append(text, error == std::errc() ? end : text);
      break;
    }
    case model::Kind::kBytes: model::append_base64(v.text, out); break;
    case model::Kind::kEmptyObject: out += "{}"; break;
    default: out += v.text;
  }
}

size_t letters(std::string_view text) {
  return static_cast<size_t>(std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xC0) != 0x80; }));
}

int64_t millis_of(uint64_t nanos) { return static_cast<int64_t>(nanos / kNanosPerMilli); }

}  // namespace

std::string_view OtlpSeries::label_name(std::string_view name) {
  auto found = label_names_.find(name);
  if (found == label_names_.end()) {
    found = label_names_.emplace(std::string(name), label_name_of(options_->names, name)).first;
  }
  return found->second;
}

std::string& OtlpSeries::new_text() {
  if (texts_used_ == texts_.size()) texts_.emplace_back();
  std::string& out = texts_[texts_used_++];
  out.clear();
  return out;
}

void OtlpSeries::begin_request(const OtlpMetricOptions& options) {
  options_ = &options;
  if (label_names_.size() > kLabelNamesMax || label_style_ != options.names) label_names_.clear();
  label_style_ = options.names;
  batch_.clear();
  labels_.clear();
  resource_key_.clear();
  job_.clear();
  instance_.clear();
  target_ = {};
  newest_ = 0;
}

void OtlpSeries::end_request() {
  put_target_info();
  labels_.clear();
  target_ = {};
}

// The series that says what else is known of who sends, one for each resource.
void OtlpSeries::put_target_info() {
  if (target_.empty() || newest_ == 0) return;
  batch_.begin_series(target_);
  batch_.add_sample(newest_, 1);
  batch_.set_metadata("target_info", {model::MetricType::kGauge, "", "Target metadata"});
  newest_ = 0;
}

void OtlpSeries::begin_resource(const std::vector<SharedValue>& shared) {
  put_target_info();
  resource_key_.swap(next_key_);
  job_.clear();
  instance_.clear();
  target_ = {};
  newest_ = 0;
  std::string_view name, name_space;
  bool more = false;
  for (const SharedValue& v : shared) {
    if (v.level != Level::kResource || !is_attribute(v)) continue;
    if (v.name == kServiceName)
      name = v.text;
    else if (v.name == kServiceNamespace)
      name_space = v.text;
    else if (v.name == kServiceInstance)
      append_text(v, instance_);
    else
      more = true;
  }
  if (!name.empty()) job_.append(name_space).append(name_space.empty() ? "" : "/").append(name);
  if (!more || (job_.empty() && instance_.empty())) return;
  SeriesLabels info;
  std::deque<std::string> texts;
  for (const SharedValue& v : shared) {
    if (v.level != Level::kResource || !is_attribute(v) || is_identity(v.name)) continue;
    append_text(v, texts.emplace_back());
    info.add(From::kAttribute, label_name(v.name), texts.back(), v.name);
  }
  info.add(From::kIdentity, "job", job_);
  info.add(From::kIdentity, "instance", instance_);
  target_ = model::Labels(info.pack("target_info"));
}

void OtlpSeries::begin_scope(const std::vector<SharedValue>& shared) {
  next_key_.clear();
  for (const SharedValue& v : shared) {
    if (v.level != Level::kResource) continue;
    next_key_.append(v.name).push_back('\0');
    append_text(v, next_key_);
    next_key_.push_back('\0');
  }
  if (next_key_ != resource_key_) begin_resource(shared);
  labels_.clear();
  texts_used_ = 0;
  labels_.add(From::kIdentity, "job", job_);
  labels_.add(From::kIdentity, "instance", instance_);
  auto promoted = [this](std::string_view name) {
    const std::vector<std::string>& names = options_->promote;
    return std::find(names.begin(), names.end(), name) != names.end() ||
           (!is_identity(name) && std::find(names.begin(), names.end(), "*") != names.end());
  };
  for (const SharedValue& v : shared) {
    if (!is_attribute(v)) continue;
    if (v.level == Level::kResource && promoted(v.name)) {
      std::string& text = new_text();
      append_text(v, text);
      labels_.add(From::kPromoted, label_name(v.name), text, v.name);
    } else if (v.level == Level::kScope && options_->scope_labels) {
      std::string& text = new_text();
      append_text(v, text);
      // "scope.name" is otel_scope_name, the attribute "scope.a.b" is otel_scope_a_b.
      bool utf8 = keeps_utf8(options_->names);
      std::string& name = new_text();
      name =
          "otel_scope_" + (utf8 ? v.name.substr(6) : std::string(plain_label_name("x" + v.name.substr(6))).substr(1));
      labels_.add(From::kScope, name, text, v.name);
    }
  }
  scope_labels_ = labels_.size();
  scope_texts_ = texts_used_;
}

ProtoProblem OtlpSeries::add_attribute(std::string_view key_value) {
  OtlpKeyValue kv;
  if (ProtoProblem wrong = read_otlp_key_value(key_value, kv)) return wrong;
  std::string& buffer = new_text();
  std::string_view text;
  bool scalar = false;
  if (ProtoProblem wrong = read_otlp_scalar(kv.any, buffer, text, scalar)) return wrong;
  if (scalar) {
    labels_.add(From::kAttribute, label_name(kv.key), text, kv.key);
    return {};
  }
  flat_.clear();
  if (ProtoProblem wrong = values_.share_attribute(key_value, Level::kAttribute, {}, flat_)) return wrong;
  for (const SharedValue& v : flat_) {
    std::string& copy = new_text();
    append_text(v, copy);
    std::string_view name = label_name(v.name);
    labels_.add(From::kAttribute, name, copy, label_names_.find(v.name)->first);
  }
  return {};
}

ProtoProblem OtlpSeries::begin_point(const OtlpPoint& point) {
  labels_.cut(scope_labels_);
  texts_used_ = scope_texts_;
  for (std::string_view attribute : point.attributes) {
    if (ProtoProblem wrong = add_attribute(attribute)) return wrong;
  }
  return read_exemplars(point);
}

ProtoProblem OtlpSeries::read_exemplar_labels(model::LabelsBuilder& labels) {
  size_t used = 0;
  auto add = [&](std::string_view name, std::string_view value) {
    size_t both = letters(name) + letters(value);
    if (name.empty() || value.empty() || used + both > kExemplarLettersMax) return;
    used += both;
    labels.set(name, value);
  };
  add("trace_id", hex_id(exemplar_.trace_id, hex_));
  add("span_id", hex_id(exemplar_.span_id, hex_));
  std::string buffer;
  for (std::string_view attribute : exemplar_.attributes) {
    OtlpKeyValue kv;
    std::string_view text;
    bool scalar = false;
    if (ProtoProblem wrong = read_otlp_key_value(attribute, kv)) return wrong;
    if (ProtoProblem wrong = read_otlp_scalar(kv.any, buffer, text, scalar)) return wrong;
    if (scalar) add(label_name(kv.key), text);
  }
  return {};
}

ProtoProblem OtlpSeries::read_exemplars(const OtlpPoint& point) {
  exemplars_.clear();
  for (std::string_view message : point.exemplars) {
    if (ProtoProblem wrong = read_exemplar(message, exemplar_)) return wrong;
    model::LabelsBuilder labels;
    if (ProtoProblem wrong = read_exemplar_labels(labels)) return wrong;
    uint64_t time = exemplar_.time != 0 ? exemplar_.time : point.time;
    exemplars_.push_back({labels.build(), exemplar_.value, millis_of(time)});
  }
  return {};
}

std::string_view OtlpSeries::sums_key(char kind, std::string_view more) {
  key_.assign(1, kind);
  key_.append(labels_.pack(metric_).packed()).append(more);
  return key_;
}

Status OtlpSeries::settle(const DeltaAdded& added, const OtlpPoint& point, Times& times) {
  if (added.outcome == DeltaOutcome::kOld) {
    return Error(Code::kInvalid, "a difference older than the newest of its series: it was not added up");
  }
  times.start = millis_of(added.start);
  // A total that begins is seen to begin: from zero, a moment after what may have been its last sample before.
  if (added.first && point.start != 0 && times.start + 1 < times.at) times.zero = times.start + 1;
  return {};
}

void OtlpSeries::begin_series(std::string_view suffix, std::string_view name, std::string_view value) {
  name_.assign(metric_).append(suffix);
  batch_.begin_series(labels_.pack(name_, name, value));
}

void OtlpSeries::put(const Times& times, double value) {
  if (times.zero != 0) batch_.add_sample(times.zero, 0, times.start);
  batch_.add_sample(times.at, value, times.start);
  newest_ = std::max(newest_, times.at);
}

// Of values above the one, up to the other.
void OtlpSeries::put_exemplars(double above, double up_to) {
  for (const model::Exemplar& e : exemplars_) {
    if (e.value > above && e.value <= up_to) batch_.add_exemplar(e);
  }
}

void OtlpSeries::put_extremes(const OtlpPoint& point, const Times& times) {
  Times alone{times.at, 0, 0};
  if (point.has_min && !point.no_value) {
    begin_series("_min");
    put(alone, point.min);
  }
  if (point.has_max && !point.no_value) {
    begin_series("_max");
    put(alone, point.max);
  }
}

Status OtlpSeries::put_number(OtlpPoint& point, DeltaSums* sums) {
  Times times{millis_of(point.time), millis_of(point.start), 0};
  double value = point.no_value ? model::stale_value() : point.value;
  if (sums != nullptr && !point.no_value) {
    DeltaAdded added = sums->add(sums_key('n'), {point.start, point.time}, {&value, 1});
    CLEW_TRY(settle(added, point, times));
  }
  begin_series({});
  put(times, value);
  for (const model::Exemplar& e : exemplars_) batch_.add_exemplar(e);
  return {};
}

Status OtlpSeries::put_histogram(OtlpPoint& point, DeltaSums* sums) {
  bool has_buckets = !point.bucket_counts.empty();
  if (has_buckets ? point.bucket_counts.size() != point.bounds.size() + 1 : !point.bounds.empty() && !point.no_value) {
    return Error(Code::kInvalid, std::to_string(point.bucket_counts.size()) + " buckets with " +
                                     std::to_string(point.bounds.size()) + " bounds: there must be one more");
  }
  for (size_t i = 0; i < point.bounds.size(); ++i) {
    if (std::isnan(point.bounds[i]) || (i > 0 && point.bounds[i] <= point.bounds[i - 1]))
      return Error(Code::kInvalid, "bounds that do not rise");
  }
  Times times{millis_of(point.time), millis_of(point.start), 0};
  totals_ = point.bucket_counts;
  totals_.push_back(static_cast<double>(point.count));
  totals_.push_back(point.sum);
  if (sums != nullptr && !point.no_value) {
    std::string_view bounds(reinterpret_cast<const char*>(point.bounds.data()), point.bounds.size() * sizeof(double));
    DeltaAdded added = sums->add(sums_key('h', bounds), {point.start, point.time}, totals_);
    CLEW_TRY(settle(added, point, times));
  }
  double sum = totals_.back();
  double count = totals_[totals_.size() - 2];
  auto value = [&point](double v) { return point.no_value ? model::stale_value() : v; };
  double up_to = 0;
  double below = -kInfinity;
  for (size_t i = 0; i < point.bounds.size(); ++i) {
    double bound = point.bounds[i];
    if (std::isinf(bound)) continue;
    if (has_buckets) up_to += totals_[i];
    begin_series("_bucket", "le", bound_text(bound));
    put(times, value(up_to));
    put_exemplars(below, bound);
    below = bound;
  }
  begin_series("_bucket", "le", "+Inf");
  put(times, value(count));
  put_exemplars(below, kInfinity);
  begin_series("_count");
  put(times, value(count));
  if (point.has_sum || point.no_value) {
    begin_series("_sum");
    put(times, value(sum));
  }
  put_extremes(point, times);
  return {};
}

Status OtlpSeries::put_exponential(OtlpPoint& point, DeltaSums* sums) {
  CLEW_TRY(point.exponential.check());
  Times times{millis_of(point.time), millis_of(point.start), 0};
  if (sums != nullptr && !point.no_value) {
    DeltaAdded added = sums->add(sums_key('e'), {point.start, point.time}, point.exponential);
    CLEW_TRY(settle(added, point, times));
  }
  model::HistogramPtr histogram = point.exponential.native();
  begin_series({});
  if (point.no_value) {
    auto stale = std::make_shared<model::Histogram>();
    stale->sum = model::stale_value();
    histogram = std::move(stale);
  }
  if (times.zero != 0) {
    auto zero = std::make_shared<model::Histogram>();
    zero->schema = histogram->schema;
    zero->zero_threshold = histogram->zero_threshold;
    zero->whole = histogram->whole;
    batch_.add_histogram(times.zero, std::move(zero), times.start);
  }
  batch_.add_histogram(times.at, std::move(histogram), times.start);
  newest_ = std::max(newest_, times.at);
  for (const model::Exemplar& e : exemplars_) batch_.add_exemplar(e);
  put_extremes(point, times);
  return {};
}

Status OtlpSeries::put_summary(OtlpPoint& point) {
  Times times{millis_of(point.time), 0, 0};
  auto value = [&point](double v) { return point.no_value ? model::stale_value() : v; };
  for (const OtlpPoint::Quantile& q : point.quantiles) {
    begin_series({}, "quantile", bound_text(q.quantile));
    put(times, value(q.value));
  }
  times.start = millis_of(point.start);
  begin_series("_sum");
  put(times, value(point.sum));
  begin_series("_count");
  put(times, value(static_cast<double>(point.count)));
  return {};
}

}  // namespace clew::wire
