// Spans, goals and plain lines.
#include "trace/draft.h"

#include <algorithm>
#include <charconv>
#include <map>

namespace clew::trace {
namespace {

constexpr std::string_view kGoalStart = "goal.start";
constexpr std::string_view kGoalEnd = "goal.end";
constexpr std::string_view kTracesDataset = "traces";

Outcome outcome_of(std::string_view text) {
  for (std::string_view ok : {"ok", "OK", "success", "succeeded"}) {
    if (text == ok) return Outcome::kOk;
  }
  for (std::string_view failed : {"failed", "failure", "error", "FAILED"}) {
    if (text == failed) return Outcome::kFailed;
  }
  return text == "open" ? Outcome::kOpen : Outcome::kUnsaid;
}

Outcome outcome_of_status(std::string_view status) {
  if (status == "error" || status == "ERROR" || status == "STATUS_CODE_ERROR") return Outcome::kFailed;
  if (status == "ok" || status == "OK" || status == "STATUS_CODE_OK") return Outcome::kOk;
  return Outcome::kUnsaid;
}

// "TYPE: TEXT", or the one that is there.
std::string_view exception_text(Records& records, std::string_view type, std::string_view text) {
  if (type.empty() || text.starts_with(type)) return text;
  if (text.empty()) return type;
  return records.keep(std::string(type) + ": " + std::string(text));
}

std::string_view reason_of(const Record& r, Records& records) {
  if (!r.reason.empty()) return r.reason;
  if (!r.status_message.empty()) return r.status_message;
  std::string_view thrown = exception_text(records, r.exception_type, r.exception_message);
  return thrown.empty() ? exception_text(records, r.error_type, r.error_message) : thrown;
}

// Tracers write these where there is no parent.
std::string_view parent_of(const Record& r) {
  bool none =
      r.parent_id == "root" || r.parent_id.find_first_not_of('0') == r.parent_id.npos || r.parent_id == r.span_id;
  return none ? std::string_view() : r.parent_id;
}

std::string_view clock_of(const Record& r) {
  if (!r.host.empty()) return r.host;
  return r.address.empty() ? r.service : r.address;
}

void set_times(const Record& r, Draft& draft) {
  Step& s = draft.step;
  if (draft.starts) {
    s.start = r.start != kNoTime ? r.start : r.time;
    return;
  }
  if (draft.ends) {
    s.end = r.end != kNoTime ? r.end : r.time;
    if (r.start != kNoTime)
      s.start = r.start;
    else if (r.duration != kNoTime)
      s.start = s.end - r.duration;
    return;
  }
  s.start = r.start;
  s.end = r.end;
  if (s.start == kNoTime && s.end != kNoTime && r.duration != kNoTime) s.start = s.end - r.duration;
  if (s.start == kNoTime) s.start = r.time;
  if (s.end == kNoTime && r.duration != kNoTime) s.end = s.start + r.duration;
  if (s.end != kNoTime && s.end < s.start) s.end = s.start + std::max<int64_t>(r.duration, 0);
}

void set_outcome(const Record& r, Records& records, Draft& draft) {
  Step& s = draft.step;
  s.outcome = outcome_of(r.outcome);
  if (s.outcome == Outcome::kUnsaid || r.outcome == "error") {
    Outcome by_status = outcome_of_status(r.status);
    if (by_status != Outcome::kUnsaid) s.outcome = by_status;
  }
  bool ended = s.end != kNoTime;
  if (s.outcome == Outcome::kUnsaid && s.goal && ended) s.outcome = Outcome::kOk;
  if (s.outcome != Outcome::kFailed) return;
  s.reason = reason_of(r, records);
  s.reason_is_own = !s.reason.empty();
}

Draft draft_of(Records& records, uint32_t index) {
  const Record& r = records.rows[index];
  Draft draft;
  draft.starts = r.event == kGoalStart;
  draft.ends = r.event == kGoalEnd;
  Step& s = draft.step;
  s.trace_id = r.trace_id;
  s.span_id = r.span_id;
  s.parent_id = parent_of(r);
  s.name = r.name;
  s.kind = r.kind;
  s.service = r.service;
  s.host = clock_of(r);
  s.process = r.process;
  s.thread = r.thread;
  s.status = r.status;
  s.status_message = r.status_message;
  s.goal = r.goal || draft.starts || draft.ends;
  s.record = index;
  std::from_chars(r.attempt.data(), r.attempt.data() + r.attempt.size(), s.attempt);
  set_times(r, draft);
  set_outcome(r, records, draft);
  draft.server_half = r.kind == "server" || r.kind == "consumer";
  return draft;
}

}  // namespace

std::string_view outcome_name(Outcome outcome) {
  constexpr std::string_view kNames[] = {"", "ok", "failed", "open"};
  return kNames[static_cast<int>(outcome)];
}

bool is_span(const Record& r) {
  if (r.span_id.empty()) return false;
  if (r.event == kGoalStart || r.event == kGoalEnd || r.dataset == kTracesDataset) return true;
  bool timed = (r.start != kNoTime && (r.end != kNoTime || r.duration != kNoTime)) ||
               (r.end != kNoTime && r.duration != kNoTime);
  if (!r.name.empty() && timed) return true;
  return r.goal && (!r.outcome.empty() || r.duration != kNoTime);
}

void draft_spans(Records& records, std::vector<bool>& taken, Drafts& out) {
  out.steps.reserve(records.rows.size());
  for (uint32_t i = 0; i < records.rows.size(); ++i) {
    if (taken[i] || !is_span(records.rows[i])) continue;
    taken[i] = true;
    out.steps.push_back(draft_of(records, i));
  }
}

void draft_lines(const Records& records, std::vector<bool>& taken, Drafts& out) {
  for (uint32_t i = 0; i < records.rows.size(); ++i) {
    if (taken[i]) continue;
    taken[i] = true;
    out.lines.push_back({i, records.rows[i].span_id});
  }
}

void draft_inferred(Records& records, std::string_view id, Drafts& out) {
  auto names_step = [](const DraftLine& line) { return !line.of.empty(); };
  if (!out.steps.empty() || out.lines.empty() || std::any_of(out.lines.begin(), out.lines.end(), names_step)) return;
  std::map<std::pair<std::string_view, std::string_view>, size_t> by_writer;
  auto add = [&](std::string name, std::string_view parent, const Record& r) {
    Step& s = out.steps.emplace_back().step;
    s.span_id = records.keep("inferred/" + std::to_string(out.steps.size()));
    s.parent_id = parent;
    s.name = records.keep(std::move(name));
    s.start = s.end = r.time;
    s.note(Problem::kInferred);
    return out.steps.size() - 1;
  };
  const std::string_view root =
      out.steps[add(std::string(id), {}, records.rows[out.lines.front().record])].step.span_id;
  for (DraftLine& line : out.lines) {
    const Record& r = records.rows[line.record];
    auto [it, made] = by_writer.emplace(std::pair(r.service, r.process), out.steps.size());
    if (made) {
      std::string name(r.service.empty() ? "lines" : r.service);
      if (!r.process.empty()) name += " (process " + std::string(r.process) + ")";
      Step& s = out.steps[add(std::move(name), root, r)].step;
      s.service = r.service;
      s.host = clock_of(r);
      s.process = r.process;
    }
    Step& writer = out.steps[it->second].step;
    for (Step* s : {&writer, &out.steps.front().step}) {
      s->start = std::min(s->start, r.time);
      s->end = std::max(s->end, r.time);
    }
    line.of = writer.span_id;
  }
  if (by_writer.size() > 1) return;
  // One writer needs no step of its own.
  Step& only = out.steps.front().step;
  only.service = out.steps.back().step.service;
  only.host = out.steps.back().step.host;
  only.process = out.steps.back().step.process;
  out.steps.pop_back();
  for (DraftLine& line : out.lines) line.of = root;
}

}  // namespace clew::trace
