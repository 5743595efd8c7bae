// Requests by host and service, from the server side of spans and from access logs: what "how we are doing" stands on.
#pragma once

#include <vector>

#include "base/result.h"
#include "derive/instrument.h"
#include "derive/spans.h"
#include "feed/block.h"

namespace clew::derive {

// `clew_requests_total`, `clew_requests_failed_total`, `clew_request_duration_seconds` with the labels host, service
// and source: "spans" or "logs".
//
// Threads: one at a time.  Lifetime: the budget outlives it.
class RequestMetrics {
 public:
  RequestMetrics(const std::vector<double>& bounds, SeriesBudget& budget);

  // A server's or consumer's span; others are left alone. It failed when its status is an error.
  void take(const SpanView& span, int64_t now_millis);
  // Lines of access logs: they have a method and a status. One failed with a status of 500 or more. The service is the
  // dataset where the line names none. Errors: those of Block::column().
  Status take(feed::Block& block, int64_t now_millis);

  Instrument& requests() { return requests_; }

 private:
  Instrument requests_;
};

}  // namespace clew::derive
