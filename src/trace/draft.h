// Drafts: steps as single events or runs of events tell of them, before copies are joined and the tree is made.
#pragma once

#include <vector>

#include "trace/record.h"
#include "trace/trace.h"

namespace clew::trace {

struct Draft {
  Step step;
  bool starts = false;       // the event is a goal's beginning only
  bool ends = false;         // the event is a goal's end only
  bool server_half = false;  // the receiving side of a call whose both sides have one id
};

// A line and the step that it names; `of` empty: only its trace is known.
struct DraftLine {
  uint32_t record = kNone;
  std::string_view of;
};

struct Drafts {
  std::vector<Draft> steps;
  std::vector<DraftLine> lines;
};

// Each takes the records that are of its form, marks them in `taken`, and adds what they say.
void draft_spans(Records& records, std::vector<bool>& taken, Drafts& out);        // spans; goal.start, goal.end
void draft_distlog(Records& records, std::vector<bool>& taken, Drafts& out);      // context.key
void draft_eliot(Records& records, std::vector<bool>& taken, Drafts& out);        // task_uuid, task_level
void draft_radius(Records& records, std::vector<bool>& taken, Drafts& out);       // (7)   authorize {
void draft_lines(const Records& records, std::vector<bool>& taken, Drafts& out);  // everything else

// Where there are lines only, and none names a step: one inferred step for the request, and below it one for each
// process that wrote, when they are several.
void draft_inferred(Records& records, std::string_view id, Drafts& out);

bool is_span(const Record& record);
// "(7)  text": the request number, or nothing.
bool radius_number(std::string_view text, uint64_t& number, std::string_view& rest);

}  // namespace clew::trace
