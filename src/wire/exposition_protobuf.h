// io.prometheus.client.MetricFamily messages, each behind its length: classic and native histograms, exemplars,
// created timestamps.
//
// Source: https://github.com/prometheus/client_model/blob/master/io/prometheus/client/metrics.proto
#pragma once

#include <deque>
#include <string>
#include <string_view>

#include "wire/exposition.h"

namespace clew::wire {

class ProtobufExposition final : public Exposition {
 public:
  ProtobufExposition(std::string_view page, Strictness strictness)
      : page_(page), rest_(page), strict_(strictness == Strictness::kStrict) {}

  Result<ExpositionKind> next() override;
  std::string_view series() const override { return entry_.labels.packed(); }
  const ExpositionPoint& point() const override { return entry_.point; }
  Status read_labels(LabelPairs& labels) const override;
  const ExpositionTold& told() const override { return told_; }
  void reject(const Error& why) override;
  uint64_t bad_lines() const override { return bad_; }
  const std::string& first_mistake() const override { return first_mistake_; }

 private:
  struct Entry {
    ExpositionKind kind = ExpositionKind::kEnd;
    model::Labels labels;
    ExpositionPoint point;
    model::MetricType type = model::MetricType::kUnknown;
    std::string text;
  };
  struct Family {
    std::string name;
    model::MetricType type = model::MetricType::kUnknown;
    std::string help, unit;
  };
  bool read_family(std::string_view message);
  bool read_metric(std::string_view message, const Family& family);
  bool read_counter(std::string_view message, const Family& family, const LabelPairs& labels, int64_t millis);
  bool read_summary(std::string_view message, const Family& family, const LabelPairs& labels, int64_t millis);
  bool read_histogram(std::string_view message, const Family& family, const LabelPairs& labels, int64_t millis);
  ExpositionPoint& add(const std::string& name, const LabelPairs& labels, double value, int64_t millis);

  const std::string_view page_;
  std::string_view rest_;
  const bool strict_;
  std::deque<Entry> entries_;  // of the family at hand
  Entry entry_;
  std::string metric_;  // of the family at hand
  ExpositionTold told_;
  uint64_t bad_ = 0;
  std::string first_mistake_;
  std::string mistake_;
};

}  // namespace clew::wire
