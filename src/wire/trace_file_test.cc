#include "wire/trace_file.h"

#include <gtest/gtest.h>

namespace clew::wire {
namespace {

TEST(TraceFile, IsKnownByItsBeginning) {
  const std::pair<const char*, std::optional<TraceFile>> kCases[] = {
      {R"({"data":[{"traceID":"77","spans":[{"traceID")", TraceFile::kJaeger},
      {"{\n  \"data\": [\n    {\n      \"traceID\": \"77\",\n      \"spans\": [", TraceFile::kJaeger},
      {R"({"_comment":"x","traceID":"77","spans":[])", TraceFile::kJaeger},
      {R"([{"traceID":"77","spans":[{)", TraceFile::kJaeger},
      {R"([{"traceId":"77","parentId":"4","id":"5","name":"get","localEndpoint":{}}])", TraceFile::kZipkin},
      {R"([[{"traceId":"77","id":"5","remoteEndpoint":{"port":1)", TraceFile::kZipkin},
      {R"({"resourceSpans":[)", TraceFile::kOtlp},
      {R"({"resource_logs": [)", TraceFile::kOtlp},
      // Lines of a log that has such names.
      {R"({"traceID":"77","spanID":"5","message":"x"})", std::nullopt},
      {R"({"traceId":"77","id":"5","localEndpoint":"here"})", std::nullopt},
      {R"([{"traceId":"77","id":"5","message":"x"}])", std::nullopt},
      {R"({"data":[{"traceID":"77","message":"x"}]})", std::nullopt},
      {R"({"resourceSpans":3})", std::nullopt},
      {R"({"data":[{"data":[{"traceID":"77","spans":[)", std::nullopt},
      {"2026-11-20 10:37:05 plain", std::nullopt},
      {"[", std::nullopt},
      {"", std::nullopt},
  };
  for (const auto& [text, form] : kCases) EXPECT_EQ(detect_trace_file(text), form) << text;
  for (TraceFile form : {TraceFile::kJaeger, TraceFile::kZipkin, TraceFile::kOtlp}) {
    EXPECT_EQ(trace_file_by_name(trace_file_name(form)), form);
  }
  EXPECT_EQ(trace_file_by_name("ndjson"), std::nullopt);
}

TEST(TraceFile, SpansAndLogsThatGoToOneDatasetAreRefusedTogether) {
  const char* kBoth = R"({"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"77","spanId":"5"}]}]}]}
    {"resourceLogs":[{"scopeLogs":[{"logRecords":[{"body":{"stringValue":"x"}}]}]}]})";
  TraceFileDecoder decoder;
  Intake intake{.arrival = UnixNanos(1), .dataset = "traces", .zone = {}};
  Result<Events> events = decoder.decode(kBoth, TraceFile::kOtlp, intake);
  ASSERT_FALSE(events.ok());
  EXPECT_EQ(events.error().code(), Code::kUnsupported);
  intake.dataset = "logs";
  events = decoder.decode(kBoth, TraceFile::kOtlp, intake);
  ASSERT_TRUE(events.ok()) << events.error().message();
  EXPECT_EQ(events->batches.size(), 2u);
}

}  // namespace
}  // namespace clew::wire
