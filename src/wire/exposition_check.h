// What the lines of a strict page must say together.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "wire/exposition.h"

namespace clew::wire {

// Threads: one.
class ExpositionCheck {
 public:
  explicit ExpositionCheck(ExpositionFormat format) : open_metrics_(format == ExpositionFormat::kOpenMetrics) {}

  // Errors of both: kInvalid.
  Status told(ExpositionKind kind, const ExpositionTold& told);
  Status sample(const LabelPairs& labels, const ExpositionPoint& point);

 private:
  struct Family {
    model::MetricType type = model::MetricType::kUnknown;
    bool has_type = false, has_help = false, has_unit = false;
    bool has_samples = false;
    bool closed = false;  // OpenMetrics: another one has begun
  };
  // The family that a series of this name belongs to; nullptr when none was told.
  Family* family_of(std::string_view name, std::string_view& suffix);
  Status enter(const std::string& name);
  Status check_value(const Family& family, std::string_view suffix, const ExpositionPoint& point) const;

  const bool open_metrics_;
  std::map<std::string, Family, std::less<>> families_;
  std::string current_;
};

}  // namespace clew::wire
