// The data points of OTLP metrics, read from protobuf as they stand.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "wire/any_value.h"
#include "wire/exponential_histogram.h"

namespace clew::wire {

constexpr size_t kPointBucketsMax = 65'536;  // of one histogram
constexpr size_t kPointAttributesMax = 1'024;
constexpr size_t kPointExemplarsMax = 1'024;  // more are left out

// What all kinds have. Views point into the message.
struct OtlpPoint {
  uint64_t start = 0;  // nanoseconds since the epoch; 0 unknown
  uint64_t time = 0;
  bool no_value = false;                     // the flag "no recorded value": the series has ended
  std::vector<std::string_view> attributes;  // KeyValue messages
  std::vector<std::string_view> exemplars;   // Exemplar messages

  double value = 0;  // of a number
  uint64_t count = 0;
  double sum = 0;
  bool has_sum = false;
  double min = 0;
  bool has_min = false;
  double max = 0;
  bool has_max = false;
  std::vector<double> bucket_counts;  // of a histogram
  std::vector<double> bounds;
  ExponentialHistogram exponential;

  struct Quantile {
    double quantile = 0;
    double value = 0;
  };
  std::vector<Quantile> quantiles;  // of a summary

  void clear();
};

enum class OtlpPointKind : uint8_t { kNumber, kHistogram, kExponential, kSummary };

// Errors: what is malformed or too much, and where.
ProtoProblem read_point(OtlpPointKind kind, std::string_view message, OtlpPoint& point);

struct OtlpExemplar {
  uint64_t time = 0;
  double value = 0;
  std::string_view trace_id;
  std::string_view span_id;
  std::vector<std::string_view> attributes;
};
ProtoProblem read_exemplar(std::string_view message, OtlpExemplar& exemplar);

// A KeyValue's key and AnyValue.
struct OtlpKeyValue {
  std::string_view key;
  std::string_view any;
};
ProtoProblem read_otlp_key_value(std::string_view message, OtlpKeyValue& out);
// The text of an AnyValue that is a single value: a view into it, or into `buffer`. False for arrays and maps.
ProtoProblem read_otlp_scalar(std::string_view any, std::string& buffer, std::string_view& text, bool& scalar);

}  // namespace clew::wire
