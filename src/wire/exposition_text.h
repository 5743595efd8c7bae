// Prometheus' text and OpenMetrics, line by line.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "wire/exposition.h"

namespace clew::wire {

class TextExposition final : public Exposition {
 public:
  TextExposition(std::string_view page, ExpositionFormat format, Strictness strictness);

  Result<ExpositionKind> next() override;
  std::string_view series() const override { return series_; }
  const ExpositionPoint& point() const override { return point_; }
  Status read_labels(LabelPairs& labels) const override;
  const ExpositionTold& told() const override { return told_; }
  void reject(const Error& why) override;
  uint64_t bad_lines() const override { return bad_lines_; }
  const std::string& first_mistake() const override { return first_mistake_; }

  uint64_t line_number() const { return line_number_; }

 private:
  bool take_line();
  Result<ExpositionKind> read_line();
  Result<ExpositionKind> read_comment(std::string_view rest);
  Result<ExpositionKind> read_sample();
  Status read_time(std::string_view& rest);
  Status read_exemplar(std::string_view rest);
  Error wrong(const std::string& why) const;
  void find_created(std::string_view metric);
  int64_t created_of_series() const;

  const std::string_view page_;
  const bool open_metrics_;
  const bool strict_;
  bool has_created_ = false;  // OpenMetrics, and the page has such series
  size_t at_ = 0;             // of the next line
  uint64_t line_number_ = 0;  // begins at 1
  bool line_ended_ = false;   // with a newline
  bool ended_ = false;        // # EOF
  std::string_view line_;
  std::string_view series_;
  ExpositionPoint point_;
  ExpositionTold told_;
  std::string metric_, text_;  // of told_, unescaped
  std::string typed_;          // the metric whose TYPE came last, and that type
  model::MetricType type_ = model::MetricType::kUnknown;
  std::map<std::string, int64_t> created_;  // of the family at hand, by packed labels
  uint64_t bad_lines_ = 0;
  std::string first_mistake_;
};

}  // namespace clew::wire
