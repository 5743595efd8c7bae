// Which requests are there? Search over the spans of all services, answered by summaries.
#pragma once

#include <optional>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/worker_pool.h"
#include "contract/event_source.h"
#include "trace/trace.h"

namespace clew::trace {

constexpr uint32_t kTracesFoundMax = 1000;

enum class TraceOrder : uint8_t {
  kNewest,   // by the start of the newest span that matches
  kSlowest,  // by the duration of the longest span that matches
};

// All conditions must hold for one span; `outcome` for one of its steps once the request is put together.
struct SearchSpec {
  contract::Access access;
  contract::TimeRange range;  // of the matching span's start
  std::string service;
  std::string operation;
  std::optional<int64_t> duration_min;  // ns
  std::optional<int64_t> duration_max;
  std::vector<std::pair<std::string, std::string>> tags;
  std::vector<std::string> present;  // fields that must have any value
  bool goals = false;                // goals only
  std::optional<Outcome> outcome;    // kOk, kFailed, kOpen
  TraceOrder order = TraceOrder::kNewest;
  uint32_t limit = 20;  // at most kTracesFoundMax
};

struct ServicePart {
  std::string name;
  uint32_t spans = 0;
  uint32_t failed = 0;
};

// What one line of a list says of a request.
struct Summary {
  std::string trace_id;
  std::string root_service;
  std::string root_name;
  int64_t start = 0;
  int64_t duration = 0;
  uint32_t spans = 0;  // copies not counted
  uint32_t failed = 0;
  uint32_t open = 0;
  Outcome outcome = Outcome::kUnsaid;  // of the root
  std::string reason;
  int64_t longest_match = 0;  // duration of the longest span that matched
  std::vector<ServicePart> services;
};

struct SearchAnswer {
  std::vector<Summary> traces;
  bool more = false;  // the limit left some out
  uint64_t damaged_rows = 0;
};

// Errors: kInvalid for a limit over kTracesFoundMax, kCancelled, kIo.
// Cost: granules that cannot hold a better match are not read; a condition on the outcome puts requests together until
// enough of them meet it.
Result<SearchAnswer> search_traces(contract::EventSource& source, const SearchSpec& spec, base::WorkerPool& pool,
                                   std::stop_token stop);

Summary summarize(const Trace& trace);

// Datasets that may hold spans: `traces`, and those whose events have span ids.
Result<std::vector<std::string>> span_datasets(contract::EventSource& source, const contract::Access& access);
// What makes a row of that dataset a span.
contract::Predicate span_condition(const std::string& dataset);

}  // namespace clew::trace
