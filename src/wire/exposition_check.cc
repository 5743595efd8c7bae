#include "wire/exposition_check.h"

#include <array>
#include <cmath>

#include "text/utf8.h"

namespace clew::wire {
namespace {

using model::MetricType;

constexpr size_t kExemplarCharsMost = 128;  // of OpenMetrics: of all names and values of an exemplar

constexpr std::array<std::string_view, 8> kSuffixes = {"_total",  "_created", "_count", "_sum",
                                                       "_bucket", "_gcount",  "_gsum",  "_info"};

// Which suffixes series of a type may have. `bare`: also none.
bool allows(MetricType type, std::string_view suffix, bool open_metrics) {
  switch (type) {
    case MetricType::kCounter: return open_metrics ? suffix == "_total" || suffix == "_created" : suffix.empty();
    case MetricType::kHistogram:
      return suffix == "_bucket" || suffix == "_count" || suffix == "_sum" || (open_metrics && suffix == "_created");
    case MetricType::kGaugeHistogram:
      return suffix == "_bucket" || suffix == "_gcount" || suffix == "_gsum" || suffix == "_count" || suffix == "_sum";
    case MetricType::kSummary:
      return suffix.empty() || suffix == "_count" || suffix == "_sum" || (open_metrics && suffix == "_created");
    case MetricType::kInfo: return suffix == "_info";
    case MetricType::kGauge:
    case MetricType::kStateSet:
    case MetricType::kUnknown: return suffix.empty();
  }
  return false;
}

std::string_view value_of(const LabelPairs& labels, std::string_view name) {
  for (const auto& [label, value] : labels) {
    if (label == name) return value;
  }
  return {};
}

Status check_number_label(const LabelPairs& labels, std::string_view name) {
  for (const auto& [label, value] : labels) {
    double number = 0;
    if (label == name && !parse_exposition_value(value, number)) {
      return Error(Code::kInvalid, std::string(name) + " is no number: " + quoted(value));
    }
  }
  return {};
}

}  // namespace

// OpenMetrics: families do not interleave.
Status ExpositionCheck::enter(const std::string& name) {
  if (!open_metrics_ || name == current_) return {};
  if (auto before = families_.find(current_); before != families_.end()) before->second.closed = true;
  current_ = name;
  if (families_[name].closed) return Error(Code::kInvalid, "the lines of " + quoted(name) + " are torn apart");
  return {};
}

Status ExpositionCheck::told(ExpositionKind kind, const ExpositionTold& told) {
  std::string name(told.metric);
  CLEW_TRY(enter(name));
  Family& family = families_[name];
  bool late = family.has_samples && (open_metrics_ || kind == ExpositionKind::kType);
  if (late) return Error(Code::kInvalid, "said of " + quoted(name) + " behind its samples");
  bool& before = kind == ExpositionKind::kType   ? family.has_type
                 : kind == ExpositionKind::kHelp ? family.has_help
                                                 : family.has_unit;
  if (before) return Error(Code::kInvalid, "said twice of " + quoted(name));
  before = true;
  if (kind == ExpositionKind::kType) family.type = told.type;
  bool unit_fits = kind != ExpositionKind::kUnit || told.text.empty() || name.ends_with("_" + std::string(told.text));
  if (!unit_fits) return Error(Code::kInvalid, "the name " + quoted(name) + " lacks its unit " + quoted(told.text));
  return {};
}

ExpositionCheck::Family* ExpositionCheck::family_of(std::string_view name, std::string_view& suffix) {
  for (std::string_view ending : kSuffixes) {
    if (!name.ends_with(ending)) continue;
    auto found = families_.find(name.substr(0, name.size() - ending.size()));
    if (found == families_.end() || !found->second.has_type || !allows(found->second.type, ending, open_metrics_))
      continue;
    suffix = ending;
    return &found->second;
  }
  suffix = {};
  auto found = families_.find(name);
  return found == families_.end() ? nullptr : &found->second;
}

Status ExpositionCheck::sample(const LabelPairs& labels, const ExpositionPoint& point) {
  std::string_view name = value_of(labels, model::kMetricNameLabel);
  std::string_view suffix;
  Family* family = family_of(name, suffix);
  CLEW_TRY(enter(std::string(name.substr(0, name.size() - suffix.size()))));
  if (family == nullptr) family = &families_[std::string(name)];
  family->has_samples = true;
  if (point.histogram != nullptr) return {};
  if (open_metrics_ && family->has_type && !allows(family->type, suffix, true)) {
    return Error(Code::kInvalid,
                 "a " + std::string(model::metric_type_name(family->type)) + " has no series named " + quoted(name));
  }
  if (suffix == "_bucket") CLEW_TRY(check_number_label(labels, "le"));
  if (family->type == MetricType::kSummary && suffix.empty()) CLEW_TRY(check_number_label(labels, "quantile"));
  return check_value(*family, suffix, point);
}

Status ExpositionCheck::check_value(const Family& family, std::string_view suffix, const ExpositionPoint& point) const {
  if (!open_metrics_) return {};
  bool counts = suffix == "_total" || suffix == "_bucket" || suffix == "_count";
  if (counts && (std::isnan(point.value) || point.value < 0)) {
    return Error(Code::kInvalid, "a count is no number or below zero");
  }
  if (family.type == MetricType::kInfo && point.value != 1) return Error(Code::kInvalid, "an info's value is not 1");
  if (family.type == MetricType::kStateSet && point.value != 0 && point.value != 1) {
    return Error(Code::kInvalid, "a state's value is neither 0 nor 1");
  }
  if (point.exemplars.empty()) return {};
  if (suffix != "_total" && suffix != "_bucket") {
    return Error(Code::kInvalid, "only counters and buckets have exemplars");
  }
  size_t chars = 0;
  for (const model::Exemplar& exemplar : point.exemplars) {
    for (model::Label label : exemplar.labels) {
      for (std::string_view text : {label.name, label.value}) {
        for (size_t at = 0; at < text.size(); at += text::decode_utf8(text, at).bytes) ++chars;
      }
    }
  }
  if (chars > kExemplarCharsMost) return Error(Code::kInvalid, "an exemplar's labels have more than 128 characters");
  return {};
}

}  // namespace clew::wire
