// The table of the JSON form of ExportMetricsServiceRequest.
#include "wire/otlp_json.h"

namespace clew::wire {
namespace {

using enum JsonType;

constexpr std::string_view kTemporalities[] = {"AGGREGATION_TEMPORALITY_UNSPECIFIED", "AGGREGATION_TEMPORALITY_DELTA",
                                               "AGGREGATION_TEMPORALITY_CUMULATIVE"};

const JsonField kExemplarFields[] = {{"filteredAttributes", 7, kMessage, true, &kOtlpKeyValue},
                                     {"timeUnixNano", 2, kFixed64},
                                     {"asDouble", 3, kDouble},
                                     {"asInt", 6, kSfixed64},
                                     {"spanId", 4, kHex},
                                     {"traceId", 5, kHex}};
const JsonMessage kExemplar{kExemplarFields};

const JsonField kNumberFields[] = {{"attributes", 7, kMessage, true, &kOtlpKeyValue},
                                   {"startTimeUnixNano", 2, kFixed64},
                                   {"timeUnixNano", 3, kFixed64},
                                   {"asDouble", 4, kDouble},
                                   {"asInt", 6, kSfixed64},
                                   {"exemplars", 5, kMessage, true, &kExemplar},
                                   {"flags", 8, kUint32}};
const JsonMessage kNumberPoint{kNumberFields, "data point"};

const JsonField kHistogramFields[] = {{"attributes", 9, kMessage, true, &kOtlpKeyValue},
                                      {"startTimeUnixNano", 2, kFixed64},
                                      {"timeUnixNano", 3, kFixed64},
                                      {"count", 4, kFixed64},
                                      {"sum", 5, kDouble},
                                      {"bucketCounts", 6, kFixed64, true},
                                      {"explicitBounds", 7, kDouble, true},
                                      {"exemplars", 8, kMessage, true, &kExemplar},
                                      {"flags", 10, kUint32},
                                      {"min", 11, kDouble},
                                      {"max", 12, kDouble}};
const JsonMessage kHistogramPoint{kHistogramFields, "data point"};

const JsonField kBucketsFields[] = {{"offset", 1, kSint32}, {"bucketCounts", 2, kInt64, true}};
const JsonMessage kBuckets{kBucketsFields};
const JsonField kExponentialFields[] = {{"attributes", 1, kMessage, true, &kOtlpKeyValue},
                                        {"startTimeUnixNano", 2, kFixed64},
                                        {"timeUnixNano", 3, kFixed64},
                                        {"count", 4, kFixed64},
                                        {"sum", 5, kDouble},
                                        {"scale", 6, kSint32},
                                        {"zeroCount", 7, kFixed64},
                                        {"positive", 8, kMessage, false, &kBuckets},
                                        {"negative", 9, kMessage, false, &kBuckets},
                                        {"flags", 10, kUint32},
                                        {"exemplars", 11, kMessage, true, &kExemplar},
                                        {"min", 12, kDouble},
                                        {"max", 13, kDouble},
                                        {"zeroThreshold", 14, kDouble}};
const JsonMessage kExponentialPoint{kExponentialFields, "data point"};

const JsonField kQuantileFields[] = {{"quantile", 1, kDouble}, {"value", 2, kDouble}};
const JsonMessage kQuantile{kQuantileFields};
const JsonField kSummaryFields[] = {{"attributes", 7, kMessage, true, &kOtlpKeyValue},
                                    {"startTimeUnixNano", 2, kFixed64},
                                    {"timeUnixNano", 3, kFixed64},
                                    {"count", 4, kFixed64},
                                    {"sum", 5, kDouble},
                                    {"quantileValues", 6, kMessage, true, &kQuantile},
                                    {"flags", 8, kUint32}};
const JsonMessage kSummaryPoint{kSummaryFields, "data point"};

const JsonField kTemporality{"aggregationTemporality", 2, kEnum, false, nullptr, kTemporalities};
const JsonField kGaugeFields[] = {{"dataPoints", 1, kMessage, true, &kNumberPoint}};
const JsonMessage kGauge{kGaugeFields};
const JsonField kSumFields[] = {
    {"dataPoints", 1, kMessage, true, &kNumberPoint}, kTemporality, {"isMonotonic", 3, kBool}};
const JsonMessage kSum{kSumFields};
const JsonField kHistogramsFields[] = {{"dataPoints", 1, kMessage, true, &kHistogramPoint}, kTemporality};
const JsonMessage kHistograms{kHistogramsFields};
const JsonField kExponentialsFields[] = {{"dataPoints", 1, kMessage, true, &kExponentialPoint}, kTemporality};
const JsonMessage kExponentials{kExponentialsFields};
const JsonField kSummariesFields[] = {{"dataPoints", 1, kMessage, true, &kSummaryPoint}};
const JsonMessage kSummaries{kSummariesFields};

const JsonField kMetricFields[] = {{"name", 1, kText},
                                   {"description", 2, kText},
                                   {"unit", 3, kText},
                                   {"gauge", 5, kMessage, false, &kGauge},
                                   {"sum", 7, kMessage, false, &kSum},
                                   {"histogram", 9, kMessage, false, &kHistograms},
                                   {"exponentialHistogram", 10, kMessage, false, &kExponentials},
                                   {"summary", 11, kMessage, false, &kSummaries}};
const JsonMessage kMetric{kMetricFields};
const JsonField kScopeMetricsFields[] = {
    {"scope", 1, kMessage, false, &kOtlpScope}, {"metrics", 2, kMessage, true, &kMetric}, {"schemaUrl", 3, kText}};
const JsonMessage kScopeMetrics{kScopeMetricsFields};
const JsonField kResourceMetricsFields[] = {{"resource", 1, kMessage, false, &kOtlpResource},
                                            {"scopeMetrics", 2, kMessage, true, &kScopeMetrics},
                                            {"schemaUrl", 3, kText}};
const JsonMessage kResourceMetrics{kResourceMetricsFields};
const JsonField kRequestFields[] = {{"resourceMetrics", 1, kMessage, true, &kResourceMetrics}};
const JsonMessage kRequest{kRequestFields};

}  // namespace

const JsonMessage& otlp_metrics_schema() { return kRequest; }

}  // namespace clew::wire
