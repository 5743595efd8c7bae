// One event with all that is known of it, and the events around it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "contract/event_source.h"
#include "explore/table.h"

namespace clew::explore {

constexpr uint32_t kContextRowsMax = 1'000;  // on either side
constexpr size_t kContextFieldsMax = 16;     // that are to be the same

using FieldValues = std::vector<std::pair<std::string, model::Value>>;

// An event as a row: no nulls among its fields.
struct EventRow {
  std::string dataset;
  std::string id;
  query::Place place;
  FieldValues fields;  // of the document, by their leaves
  // Canonical ones; null where the event has none.
  model::Value level;
  model::Value message;
  model::Value service;
  model::Value host;
};

// How an event is named: by its `_id`, or by its line as somebody copied it.
struct EventName {
  std::string text;
  std::string dataset;  // empty: any
};

struct FoundEvent {
  EventRow row;
  std::string index;     // the name it was written to
  std::string raw;       // the event as it came
  int64_t ingested = 0;  // ns
  int64_t flags = 0;     // bits of model::EventFlag
  FieldValues derived;   // fields that the document lacks under that name and that answer by what it has
};

// `lines`: a name that is no `_id` is taken for a line.
// Errors: kNotFound; kInvalid for an empty name; kTooLarge for one of more than 64 KiB; kCancelled; kIo.
enum class Lines : uint8_t { kNo, kYes };
Result<Answer<FoundEvent>> find_event(query::Engine& engine, contract::EventSource& source, const Question& question,
                                      const EventName& name, Lines lines);

struct ContextRequest {
  // What the events have in common: host, file, service, thread, trace, dataset, or the name of a field. Empty: the
  // first of file, service and host that the event has, else its dataset.
  std::vector<std::string> by;
  uint32_t before = 10;
  uint32_t after = 10;
};

struct Context {
  std::vector<EventRow> rows;  // oldest first, by (@timestamp, _seq); rows[at] is the event
  size_t at = 0;
  bool more_before = false;
  bool more_after = false;
  FieldValues same;   // what they have in common
  std::string query;  // PPL of all of them
  Cost cost;
};

// The events around `event` that `question.query` chooses (empty: all) and that have in common what is asked.
// Errors: kInvalid where the event lacks what they are to have in common, or `by` is not understood.
Result<Answer<Context>> context_of(query::Engine& engine, contract::EventSource& source, const Question& question,
                                   const FoundEvent& event, const ContextRequest& request);

}  // namespace clew::explore
