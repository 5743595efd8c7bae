// The retention class of an event: which rule below its dataset's it met when it came.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "columnar/row_source.h"
#include "logstore/manifest.h"

namespace clew::logstore {

constexpr std::string_view kDefaultClass = "default";  // of events that no rule below the dataset's met
constexpr size_t kClassRulesMax = 16;                  // of one dataset: each makes segments of its own every day
constexpr size_t kClassNameBytesMax = 64;

// Sorts events into classes. An event that meets several rules is kept by the one that keeps longest, the first of
// those by name, so that neither the order of a file nor that of a request decides.
//
// Lifetime: `rules` outlives it.
class Classifier {
 public:
  explicit Classifier(const std::vector<ClassRule>& rules);

  // The name of class `index`; 0 is the default.
  std::string name(size_t index) const;
  // For each row the index of its class; empty when there are no rules.
  // Cost: reads the fields that rules name. Errors: as Granule::column.
  Result<std::vector<uint8_t>> classes_of(const columnar::RowSource& rows) const;

 private:
  std::vector<const ClassRule*> by_weight_;  // the strongest last
};

// The rule that a segment of `retention_class` is kept by: a class whose rule is gone falls back to the dataset's.
RetentionRule rule_of_class(const DatasetSettings& settings, std::string_view retention_class,
                            const RetentionRule& otherwise);
// True when `retention_class` has a rule of its own there.
bool has_class_rule(const DatasetSettings& settings, std::string_view retention_class);

}  // namespace clew::logstore
