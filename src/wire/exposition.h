// What pages of metrics say (/metrics): Prometheus' text, OpenMetrics and delimited protocol buffers, read one thing at
// a time.
//
// Sources: https://prometheus.io/docs/instrumenting/exposition_formats/ and
//          https://prometheus.io/docs/specs/om/open_metrics_spec/.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "model/metric.h"
#include "model/metric_batch.h"

namespace clew::wire {

using LabelPairs = std::vector<std::pair<std::string, std::string>>;

enum class ExpositionFormat : uint8_t { kText, kOpenMetrics, kProtobuf };

// What an answer's Content-Type names; text where it names none of them: hand-made pages say anything.
ExpositionFormat exposition_format_of(std::string_view content_type);

enum class Strictness : uint8_t {
  kLenient,  // a line that cannot be read costs that line
  kStrict,   // it costs the page
};

struct ExpositionPoint {
  double value = 0;
  int64_t millis = 0;
  bool has_time = false;                   // else `millis` is 0
  int64_t start_millis = 0;                // when it began to count; 0: not told
  model::HistogramPtr histogram;           // of kHistogram
  std::vector<model::Exemplar> exemplars;  // millis 0: without a time
};

// Said of a metric.
struct ExpositionTold {
  std::string_view metric;
  model::MetricType type = model::MetricType::kUnknown;
  std::string_view text;  // help or unit
};

enum class ExpositionKind : uint8_t { kEnd, kSample, kHistogram, kType, kHelp, kUnit };

// Threads:  one. Lifetime: the page outlives it; what it gives lives until the next call of next().
class Exposition {
 public:
  virtual ~Exposition() = default;

  // Errors: kInvalid with the line; lenient only for what makes all that follows unreadable.
  virtual Result<ExpositionKind> next() = 0;

  // Of kSample and kHistogram. series() is the same bytes on each page of a target, and of no other series: a key.
  virtual std::string_view series() const = 0;
  virtual const ExpositionPoint& point() const = 0;
  // Puts the labels into `labels` (cleared first), `__name__` among them, as they stand. Errors: kInvalid.
  virtual Status read_labels(LabelPairs& labels) const = 0;
  // Of kType, kHelp and kUnit.
  virtual const ExpositionTold& told() const = 0;

  // Takes the last sample for one that could not be read.
  virtual void reject(const Error& why) = 0;
  // Lines that were passed over, and the first of them with its number and why.
  virtual uint64_t bad_lines() const = 0;
  virtual const std::string& first_mistake() const = 0;
};

std::unique_ptr<Exposition> read_exposition(std::string_view page, ExpositionFormat format, Strictness strictness);

struct ExpositionOptions {
  ExpositionFormat format = ExpositionFormat::kText;
  Strictness strictness = Strictness::kLenient;
  int64_t millis = 0;  // of samples without a time
  LabelPairs extra;    // for every series; they replace labels of the same name
};

struct DecodedExposition {
  model::MetricBatch batch;
  uint64_t bad_lines = 0;
  std::string first_mistake;
};

// A whole page. Strict also checks what lines say together: a TYPE that comes twice or behind its samples, a bucket
// whose `le` is no number, families that are torn apart (OpenMetrics).
// Errors: kInvalid with the line.
Result<DecodedExposition> decode_exposition(std::string_view page, const ExpositionOptions& options);

// `0.1`, `+Inf`, `NaN` in any case; no hexadecimal. False when it is none.
bool parse_exposition_value(std::string_view text, double& value);

}  // namespace clew::wire
