// Spans of a shop by seed, as OTLP protobuf: requests of ten spans over five services, with attributes.
#pragma once

#include <cstdint>
#include <string>

namespace clew::bench {

struct SpanGenOptions {
  uint64_t seed = 1;
  int64_t start = 1'795'000'000'000'000'000;  // ns
  int64_t step = 4'320'000;                   // ns between spans: 20M fill a day
};

class SpanGenerator {
 public:
  explicit SpanGenerator(SpanGenOptions options) : options_(options), state_(options.seed) {}

  // Appends an ExportTraceServiceRequest of `spans` spans (a multiple of kSpansOfTrace).
  void append_request(uint64_t spans, std::string& out);
  // One trace of `spans` spans: a root with branches, each span the child of one of the 30 before it.
  void append_wide_trace(uint64_t spans, std::string& out);

  // The trace id of the n-th trace, 32 digits; 0 of wide traces.
  static std::string trace_id(uint64_t seed, uint64_t number);
  static constexpr uint64_t kSpansOfTrace = 10;
  static constexpr const char* kServices[] = {"frontend", "order", "payment", "stock", "mail"};

 private:
  struct Span;
  uint64_t random();
  void append_span(const Span& span, std::string& out);

  SpanGenOptions options_;
  uint64_t state_;
  uint64_t traces_ = 0;
  uint64_t spans_ = 0;
};

}  // namespace clew::bench
