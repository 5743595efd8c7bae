#include "wire/otlp_json.h"

namespace clew::wire {
namespace {

using enum JsonType;

constexpr std::string_view kSeverities[] = {
    "SEVERITY_NUMBER_UNSPECIFIED", "SEVERITY_NUMBER_TRACE", "SEVERITY_NUMBER_TRACE2", "SEVERITY_NUMBER_TRACE3",
    "SEVERITY_NUMBER_TRACE4",      "SEVERITY_NUMBER_DEBUG", "SEVERITY_NUMBER_DEBUG2", "SEVERITY_NUMBER_DEBUG3",
    "SEVERITY_NUMBER_DEBUG4",      "SEVERITY_NUMBER_INFO",  "SEVERITY_NUMBER_INFO2",  "SEVERITY_NUMBER_INFO3",
    "SEVERITY_NUMBER_INFO4",       "SEVERITY_NUMBER_WARN",  "SEVERITY_NUMBER_WARN2",  "SEVERITY_NUMBER_WARN3",
    "SEVERITY_NUMBER_WARN4",       "SEVERITY_NUMBER_ERROR", "SEVERITY_NUMBER_ERROR2", "SEVERITY_NUMBER_ERROR3",
    "SEVERITY_NUMBER_ERROR4",      "SEVERITY_NUMBER_FATAL", "SEVERITY_NUMBER_FATAL2", "SEVERITY_NUMBER_FATAL3",
    "SEVERITY_NUMBER_FATAL4"};
constexpr std::string_view kSpanKinds[] = {"SPAN_KIND_UNSPECIFIED", "SPAN_KIND_INTERNAL", "SPAN_KIND_SERVER",
                                           "SPAN_KIND_CLIENT",      "SPAN_KIND_PRODUCER", "SPAN_KIND_CONSUMER"};
constexpr std::string_view kStatusCodes[] = {"STATUS_CODE_UNSET", "STATUS_CODE_OK", "STATUS_CODE_ERROR"};

// AnyValue, ArrayValue, KeyValueList and KeyValue contain each other.
extern const JsonMessage kAnyValue;

const JsonField kArrayFields[] = {{"values", 1, kMessage, true, &kAnyValue}};
const JsonMessage kArrayValue{kArrayFields};
const JsonField kListFields[] = {{"values", 1, kMessage, true, &kOtlpKeyValue}};
const JsonMessage kKeyValueList{kListFields};
const JsonField kAnyFields[] = {
    {"stringValue", 1, kText},
    {"boolValue", 2, kBool},
    {"intValue", 3, kInt64},
    {"doubleValue", 4, kDouble},
    {"bytesValue", 7, kBase64},
    {"arrayValue", 5, kMessage, false, &kArrayValue},
    {"kvlistValue", 6, kMessage, false, &kKeyValueList},
};
const JsonMessage kAnyValue{kAnyFields};
const JsonField kKeyValueFields[] = {{"key", 1, kText}, {"value", 2, kMessage, false, &kAnyValue}};
}  // namespace
const JsonMessage kOtlpKeyValue{kKeyValueFields};
namespace {

const JsonField kResourceFields[] = {{"attributes", 1, kMessage, true, &kOtlpKeyValue},
                                     {"droppedAttributesCount", 2, kUint32}};
}  // namespace
const JsonMessage kOtlpResource{kResourceFields};
namespace {
const JsonField kScopeFields[] = {{"name", 1, kText},
                                  {"version", 2, kText},
                                  {"attributes", 3, kMessage, true, &kOtlpKeyValue},
                                  {"droppedAttributesCount", 4, kUint32}};
}  // namespace
const JsonMessage kOtlpScope{kScopeFields};
namespace {

const JsonField kLogFields[] = {
    {"timeUnixNano", 1, kFixed64},
    {"severityNumber", 2, kEnum, false, nullptr, kSeverities},
    {"severityText", 3, kText},
    {"body", 5, kMessage, false, &kAnyValue},
    {"attributes", 6, kMessage, true, &kOtlpKeyValue},
    {"droppedAttributesCount", 7, kUint32},
    {"flags", 8, kFixed32},
    {"traceId", 9, kHex},
    {"spanId", 10, kHex},
    {"observedTimeUnixNano", 11, kFixed64},
    {"eventName", 12, kText},
};
const JsonMessage kLogRecord{kLogFields, "log record"};
const JsonField kScopeLogsFields[] = {{"scope", 1, kMessage, false, &kOtlpScope},
                                      {"logRecords", 2, kMessage, true, &kLogRecord},
                                      {"schemaUrl", 3, kText}};
const JsonMessage kScopeLogs{kScopeLogsFields};
const JsonField kResourceLogsFields[] = {{"resource", 1, kMessage, false, &kOtlpResource},
                                         {"scopeLogs", 2, kMessage, true, &kScopeLogs},
                                         {"schemaUrl", 3, kText}};
const JsonMessage kResourceLogs{kResourceLogsFields};
const JsonField kLogsRequestFields[] = {{"resourceLogs", 1, kMessage, true, &kResourceLogs}};
const JsonMessage kLogsRequest{kLogsRequestFields};

const JsonField kEventFields[] = {{"timeUnixNano", 1, kFixed64},
                                  {"name", 2, kText},
                                  {"attributes", 3, kMessage, true, &kOtlpKeyValue},
                                  {"droppedAttributesCount", 4, kUint32}};
const JsonMessage kEvent{kEventFields};
const JsonField kLinkFields[] = {{"traceId", 1, kHex},
                                 {"spanId", 2, kHex},
                                 {"traceState", 3, kText},
                                 {"attributes", 4, kMessage, true, &kOtlpKeyValue},
                                 {"droppedAttributesCount", 5, kUint32},
                                 {"flags", 6, kFixed32}};
const JsonMessage kLink{kLinkFields};
const JsonField kStatusFields[] = {{"message", 2, kText}, {"code", 3, kEnum, false, nullptr, kStatusCodes}};
const JsonMessage kStatus{kStatusFields};
const JsonField kSpanFields[] = {
    {"traceId", 1, kHex},
    {"spanId", 2, kHex},
    {"traceState", 3, kText},
    {"parentSpanId", 4, kHex},
    {"name", 5, kText},
    {"kind", 6, kEnum, false, nullptr, kSpanKinds},
    {"startTimeUnixNano", 7, kFixed64},
    {"endTimeUnixNano", 8, kFixed64},
    {"attributes", 9, kMessage, true, &kOtlpKeyValue},
    {"droppedAttributesCount", 10, kUint32},
    {"events", 11, kMessage, true, &kEvent},
    {"droppedEventsCount", 12, kUint32},
    {"links", 13, kMessage, true, &kLink},
    {"droppedLinksCount", 14, kUint32},
    {"status", 15, kMessage, false, &kStatus},
    {"flags", 16, kFixed32},
};
const JsonMessage kSpan{kSpanFields, "span"};
const JsonField kScopeSpansFields[] = {
    {"scope", 1, kMessage, false, &kOtlpScope}, {"spans", 2, kMessage, true, &kSpan}, {"schemaUrl", 3, kText}};
const JsonMessage kScopeSpans{kScopeSpansFields};
const JsonField kResourceSpansFields[] = {{"resource", 1, kMessage, false, &kOtlpResource},
                                          {"scopeSpans", 2, kMessage, true, &kScopeSpans},
                                          {"schemaUrl", 3, kText}};
const JsonMessage kResourceSpans{kResourceSpansFields};
const JsonField kTracesRequestFields[] = {{"resourceSpans", 1, kMessage, true, &kResourceSpans}};
const JsonMessage kTracesRequest{kTracesRequestFields};

}  // namespace

const JsonMessage& otlp_logs_schema() { return kLogsRequest; }
const JsonMessage& otlp_traces_schema() { return kTracesRequest; }

}  // namespace clew::wire
