// From whatever a person has in hand (a trace id, a request id, an event's id, a pasted line) to the whole request.
#pragma once

#include <functional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "contract/event_source.h"
#include "trace/assemble.h"
#include "trace/loader.h"

namespace clew::trace {

constexpr size_t kReferenceBytesMax = 64u << 10;

struct FindOptions {
  contract::Access access;
  contract::TimeRange range;
  bool attributes = false;
  AssembleOptions assemble;
};

// Threads:  any; one call at a time per object.
// Lifetime: `source` outlives it.
class Finder {
 public:
  explicit Finder(contract::EventSource& source) : loader_(source) {}

  // The trace of that id, in any of its spellings; also a distlog or Eliot task.
  // Errors: kNotFound, kCancelled, kIo.
  Result<Trace> by_trace_id(std::string_view id, const FindOptions& options, std::stop_token stop);

  // Tries, in this order: a trace id or task, a request id, a span id, an event's `_id`, ids inside of the text,
  // `field=value`, the stored line that the text is, or the first of its lines that is stored. What the line found
  // leads to is the answer: its trace, its request, its task, or the lines around it, marked as inferred. Errors:
  // kNotFound saying what was tried; kTooLarge beyond kReferenceBytesMax.
  Result<Trace> find(std::string_view reference, const FindOptions& options, std::stop_token stop);

 private:
  Result<std::unique_ptr<Records>> load(contract::Predicate where, const FindOptions& options, std::stop_token stop);
  Status add_request_lines(Records& records, const FindOptions& options, std::stop_token stop);
  Status add_decimal_lines(Records& records, const std::vector<std::string>& ids, const FindOptions& options,
                           std::stop_token stop);
  Result<Trace> by_request_id(std::string_view id, const FindOptions& options, std::stop_token stop);
  Result<Trace> by_ids(const std::vector<std::string>& ids, const FindOptions& options, std::stop_token stop);
  Result<std::string> whole_trace_id(const Record& event, const FindOptions& options, std::stop_token stop);
  Result<Trace> from_event(const Record& event, const FindOptions& options, std::stop_token stop);
  Result<Trace> radius_request(const Record& event, uint64_t number, const FindOptions& options, std::stop_token stop);
  Result<Trace> around(const Record& event, const FindOptions& options, std::stop_token stop);
  Result<Trace> by_event_id(std::string_view id, const FindOptions& options, std::stop_token stop);
  Result<Trace> from_one_of(const Records& found, const std::function<int64_t(const Record&)>& distance,
                            const FindOptions& options, std::stop_token stop);
  Result<Trace> by_field(std::string_view text, const FindOptions& options, std::stop_token stop);
  Result<Trace> by_lines(std::string_view text, const FindOptions& options, std::stop_token stop);
  Result<Trace> by_text(std::string_view text, const FindOptions& options, std::stop_token stop);

  Loader loader_;
};

// What of a pasted text may be an id, likeliest first: values of fields that hold ids, traceparent, hex numbers, UUIDs.
std::vector<std::string> ids_in_text(std::string_view text);

}  // namespace clew::trace
