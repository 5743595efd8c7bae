// MetricSource gives time series and their samples.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "contract/access.h"
#include "model/labels.h"
#include "model/metric.h"

namespace clew::contract {

enum class MatchOp : uint8_t { kEqual, kNotEqual, kRegex, kNotRegex };

// A label that a series does not have has the value "". Regular expressions are RE2's and match the whole value, dots
// match newlines too.
struct LabelMatcher {
  MatchOp op = MatchOp::kEqual;
  std::string name;
  std::string value;
};

struct MetricScan {
  Access access;
  std::vector<LabelMatcher> matchers;  // all of them; none: every series
  int64_t from_millis = 0;             // both ends belong to the range
  int64_t to_millis = 0;
  // What the samples are wanted for; a store may answer from downsampled data where these allow it, 0 where not.
  int64_t step_millis = 0;
  int64_t range_millis = 0;
  std::string function;  // of PromQL, around the selector; empty without one
};

// The series of a scan, in the order of their labels, at one moment of the store.
//
// Threads: read() on any thread, several at a time.
class SeriesSet {
 public:
  virtual ~SeriesSet() = default;
  virtual size_t size() const = 0;
  // Views live as long as the set.
  virtual model::LabelsView labels(size_t series) const = 0;
  // Puts the samples of the scan's range into `samples` (cleared first), staleness markers included.
  // Errors: kIo, kCorrupt.
  virtual Status read(size_t series, model::SampleColumns& samples) const = 0;
};

struct SeriesExemplars {
  model::Labels labels;
  std::vector<model::Exemplar> exemplars;  // by time
};

// Threads: all functions on any thread.
class MetricSource {
 public:
  virtual ~MetricSource() = default;

  // Errors: kInvalid for a regular expression that is none, kTooLarge for more series than the store's limit, kIo.
  virtual Result<std::unique_ptr<SeriesSet>> select(const MetricScan& scan) const = 0;
  // In order, each once; series with samples within the scan's range count.
  virtual Result<std::vector<std::string>> label_names(const MetricScan& scan) const = 0;
  virtual Result<std::vector<std::string>> label_values(const MetricScan& scan, std::string_view label) const = 0;
  virtual Result<std::vector<SeriesExemplars>> exemplars(const MetricScan& scan) const = 0;
  // By the metric's name; of one metric the last that was told.
  virtual Result<std::map<std::string, model::MetricMetadata>> metadata(const Access& access) const = 0;
};

}  // namespace clew::contract
