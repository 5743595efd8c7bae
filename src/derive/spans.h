// Spans and goals of the feed as derived metrics see them, whatever protocol they came by.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "feed/block.h"

namespace clew::derive {

enum class SpanKind : uint8_t { kUnspecified, kInternal, kServer, kClient, kProducer, kConsumer };
// As OTLP names it: "SPAN_KIND_SERVER".
std::string_view span_kind_name(SpanKind kind);
SpanKind span_kind_of(std::string_view text);

enum class SpanStatus : uint8_t { kUnset, kOk, kError };
std::string_view span_status_name(SpanStatus status);  // "STATUS_CODE_ERROR"

// Texts are empty where the span says nothing; they live as long as the call that it is given to.
struct SpanView {
  std::string_view trace_id;
  std::string_view span_id;
  std::string_view parent_id;  // empty at the top
  std::string_view name;
  std::string_view service;
  std::string_view host;
  SpanKind kind = SpanKind::kUnspecified;
  SpanStatus status = SpanStatus::kUnset;
  double seconds = 0;
  int64_t end_millis = 0;
  // Of a call to something that writes no spans of its own.
  std::string_view peer;                     // what it is called
  bool database = false;                     // peer is one
  bool messaging = false;                    // a message was sent or received
  bool shared = false;                       // Zipkin: both sides of the call have this id
  bool goal = false;                         // the span is a goal
  std::string_view outcome;                  // of a goal: "ok", "failed"
  std::vector<std::string_view> dimensions;  // by SpanFields::dimensions
  uint64_t key() const;                      // of trace, span, kind and service: equal for one that is sent again
};

// Fields that become labels besides the usual.
struct SpanFields {
  std::vector<std::string> dimensions;
};

// Calls `take` for each span and ended goal of the block. Errors: those of Block::column().
Status each_span(feed::Block& block, const SpanFields& fields, const std::function<void(const SpanView&)>& take);

}  // namespace clew::derive
