#include "trace/assemble.h"

#include <absl/container/flat_hash_map.h>

#include <algorithm>
#include <unordered_map>

#include "trace/clocks.h"
#include "trace/critical_path.h"
#include "trace/draft.h"
#include "trace/ids.h"
#include "trace/outcomes.h"

namespace clew::trace {
namespace {

constexpr size_t kStepsLookedBackMax = 1000;   // for the step that was running when a line was written
constexpr int64_t kOutlivesNanos = 1'000'000;  // less than that is how clocks are read

// Steps by their span id. Under one id there may be both sides of a call, and steps of other traces.
class Directory {
 public:
  explicit Directory(const std::vector<Step>& steps) : steps_(steps) {}

  // The step of that id; of both sides of a call the receiving one when `receiver`.
  uint32_t find(std::string_view span_id, std::string_view trace_id, bool receiver) const {
    auto it = first_.find(span_id);
    for (uint32_t at = it == first_.end() ? kNone : it->second; at != kNone; at = entries_[at].next) {
      if (entries_[at].receiver == receiver && same_trace(steps_[at].trace_id, trace_id)) return at;
    }
    return kNone;
  }
  // Whichever side there is.
  uint32_t find_any(std::string_view span_id, std::string_view trace_id) const {
    uint32_t receiver = find(span_id, trace_id, true);
    return receiver != kNone ? receiver : find(span_id, trace_id, false);
  }
  void add(uint32_t index, bool receiver) {
    entries_.resize(std::max<size_t>(entries_.size(), index + 1));
    auto [it, made] = first_.emplace(steps_[index].span_id, index);
    entries_[index] = {made ? kNone : it->second, receiver};
    it->second = index;
  }
  void reserve(size_t n) {
    first_.reserve(n);
    entries_.reserve(n);
  }

 private:
  struct Entry {
    uint32_t next = kNone;
    bool receiver = false;
  };
  const std::vector<Step>& steps_;
  absl::flat_hash_map<std::string_view, uint32_t> first_;
  std::vector<Entry> entries_;
};

class Assembler {
 public:
  Assembler(Trace& trace, AssembleOptions options) : trace_(trace), options_(options), directory_(trace.steps) {}

  void run() {
    draft();
    join();
    link_parents();
    cut_cycles();
    if (options_.correct_clocks) correct_clocks(trace_);
    make_forest();
    hang_lines();
    settle_times();
    sort_children();
    settle_outcomes(trace_);
    choose_main_root();
    find_critical_path(trace_);
  }

 private:
  void draft();
  void join();
  uint32_t add_step(const Draft& draft, bool receiver);
  void merge(const Draft& draft, Step& step);
  void link_parents();
  uint32_t parent_of(uint32_t index, size_t& joined);
  uint32_t missing_step(std::string_view span_id, const Step& child);
  void cut_cycles();
  void make_forest();
  void sort_children();
  void hang_lines();
  uint32_t step_running_at(const Record& record, int64_t time);
  void settle_times();
  void choose_main_root();

  Trace& trace_;
  const AssembleOptions options_;
  Directory directory_;
  Drafts drafts_;
  std::vector<uint32_t> caller_;  // of receiving sides, by step
  std::vector<uint32_t> preorder_;
  // Steps by who runs them, by start: where lines without a span id belong.
  std::unordered_map<std::string, std::vector<uint32_t>> by_process_;
};

void Assembler::draft() {
  Records& records = *trace_.records;
  std::vector<bool> taken(records.rows.size(), false);
  draft_spans(records, taken, drafts_);
  draft_distlog(records, taken, drafts_);
  draft_eliot(records, taken, drafts_);
  draft_radius(records, taken, drafts_);
  draft_lines(records, taken, drafts_);
  draft_inferred(records, trace_.id, drafts_);
}

uint32_t Assembler::add_step(const Draft& draft, bool receiver) {
  uint32_t index = static_cast<uint32_t>(trace_.steps.size());
  trace_.steps.push_back(draft.step);
  Step& step = trace_.steps.back();
  if (step.record != kNone) step.seq = trace_.records->rows[step.record].seq;
  if (draft.starts) step.note(Problem::kNoEnd);
  if (draft.ends && step.start == kNoTime) step.note(Problem::kNoStart);
  directory_.add(index, receiver);
  caller_.push_back(kNone);
  return index;
}

// What another event says of a step that is known already.
void Assembler::merge(const Draft& draft, Step& step) {
  const Step& other = draft.step;
  for (auto member : {&Step::trace_id, &Step::parent_id, &Step::name, &Step::kind, &Step::service, &Step::process,
                      &Step::thread, &Step::status, &Step::status_message}) {
    if ((step.*member).empty()) step.*member = other.*member;
  }
  if (step.host.empty() || step.host == step.service) step.host = other.host;
  bool was_ended = step.end != kNoTime;
  bool was_started = step.start != kNoTime;
  bool ends = other.end != kNoTime;
  bool starts = other.start != kNoTime;
  if (starts && (!was_started || (!draft.ends && other.start < step.start))) step.start = other.start;
  if (ends && (!was_ended || other.end > step.end)) step.end = other.end;
  // Two halves of one step are no copies.
  if ((was_ended || !ends) && (was_started || !starts)) ++step.copies;
  step.goal = step.goal || other.goal;
  step.attempt = std::max(step.attempt, other.attempt);
  if (other.outcome != Outcome::kUnsaid && (step.outcome == Outcome::kUnsaid || step.outcome == Outcome::kOpen)) {
    step.outcome = other.outcome;
  }
  if (step.reason.empty() && !other.reason.empty()) {
    step.reason = other.reason;
    step.reason_is_own = other.reason_is_own;
  }
  if (!ends || was_ended) return;
  step.record = other.record;
  // A request learns its route while it runs: GET /users/frank ends as GET /users/{id}, which others are as well.
  if (!other.name.empty()) step.name = other.name;
}

void Assembler::join() {
  trace_.steps.reserve(drafts_.steps.size() + 16);
  directory_.reserve(drafts_.steps.size());
  trace_.spans_received = static_cast<uint32_t>(drafts_.steps.size());
  for (const Draft& draft : drafts_.steps) {
    const Step& s = draft.step;
    uint32_t same = directory_.find(s.span_id, s.trace_id, draft.server_half);
    if (same != kNone) {
      merge(draft, trace_.steps[same]);
      continue;
    }
    uint32_t other = directory_.find(s.span_id, s.trace_id, !draft.server_half);
    // One id on two sides of a call is two steps; a goal.start that does not say its kind is the same step.
    bool sides = other != kNone && !s.kind.empty() && !trace_.steps[other].kind.empty();
    if (other != kNone && !sides) {
      merge(draft, trace_.steps[other]);
      continue;
    }
    uint32_t index = add_step(draft, draft.server_half);
    if (!sides) continue;
    if (draft.server_half)
      caller_[index] = other;
    else
      caller_[other] = index;
  }
  for (Step& step : trace_.steps) {
    if (step.end != kNoTime)
      step.problems = static_cast<uint8_t>(step.problems & ~static_cast<uint8_t>(Problem::kNoEnd));
    else
      step.note(Problem::kNoEnd);
    if (step.end == kNoTime && (step.outcome == Outcome::kUnsaid || step.goal)) step.outcome = Outcome::kOpen;
    if (step.start != kNoTime) continue;
    step.start = step.end;
    step.note(Problem::kNoStart);
  }
}

uint32_t Assembler::missing_step(std::string_view span_id, const Step& child) {
  Draft draft;
  draft.step.span_id = span_id;
  draft.step.trace_id = child.trace_id;
  draft.step.start = child.start;
  draft.step.end = child.end;
  uint32_t index = add_step(draft, false);
  trace_.steps[index].note(Problem::kMissing);
  return index;
}

uint32_t Assembler::parent_of(uint32_t index, size_t& joined) {
  const Step& step = trace_.steps[index];
  if (index < joined && caller_[index] != kNone) return caller_[index];
  if (step.parent_id.empty() || step.has(Problem::kMissing)) return kNone;
  uint32_t receiver = directory_.find(step.parent_id, step.trace_id, true);
  uint32_t sender = directory_.find(step.parent_id, step.trace_id, false);
  if (receiver == index) receiver = kNone;
  if (sender == index) sender = kNone;
  if (receiver != kNone && sender != kNone) {
    return trace_.steps[sender].service == step.service && trace_.steps[receiver].service != step.service ? sender
                                                                                                          : receiver;
  }
  if (receiver != kNone || sender != kNone) return receiver != kNone ? receiver : sender;
  Step child = step;  // adding a step moves the others
  return missing_step(child.parent_id, child);
}

void Assembler::link_parents() {
  size_t joined = trace_.steps.size();
  for (uint32_t i = 0; i < joined; ++i) {
    uint32_t parent = parent_of(i, joined);
    trace_.steps[i].parent = parent;
    if (parent != kNone && trace_.steps[parent].has(Problem::kMissing)) trace_.steps[i].note(Problem::kOrphan);
  }
}

// Follows parents from every step; whoever meets its own trail lets go of its parent.
void Assembler::cut_cycles() {
  std::vector<uint32_t> seen_by(trace_.steps.size(), kNone);
  for (uint32_t i = 0; i < trace_.steps.size(); ++i) {
    for (uint32_t at = i; at != kNone && seen_by[at] == kNone; at = trace_.steps[at].parent) {
      seen_by[at] = i;
      uint32_t parent = trace_.steps[at].parent;
      if (parent == kNone || seen_by[parent] != i) continue;
      trace_.steps[at].parent = kNone;
      trace_.steps[at].note(Problem::kCycle);
    }
  }
}

// Children before anything is known of their order, and an order in which parents come before children.
void Assembler::make_forest() {
  std::vector<Step>& steps = trace_.steps;
  for (Step& step : steps) step.children.clear();
  trace_.roots.clear();
  for (uint32_t i = 0; i < steps.size(); ++i) {
    if (steps[i].parent == kNone)
      trace_.roots.push_back(i);
    else
      steps[steps[i].parent].children.push_back(i);
  }
  preorder_ = trace_.roots;
  preorder_.reserve(steps.size());
  for (size_t at = 0; at < preorder_.size(); ++at) {
    const Step& step = steps[preorder_[at]];
    preorder_.insert(preorder_.end(), step.children.begin(), step.children.end());
  }
}

std::string process_key(std::string_view service, std::string_view process) {
  return std::string(service) + '\0' + std::string(process);
}

uint32_t Assembler::step_running_at(const Record& record, int64_t time) {
  if (record.service.empty() && record.process.empty()) return kNone;
  if (by_process_.empty()) {
    for (uint32_t i = 0; i < trace_.steps.size(); ++i) {
      const Step& s = trace_.steps[i];
      if (s.has(Problem::kMissing)) continue;
      by_process_[process_key(s.service, s.process)].push_back(i);
      if (!s.process.empty()) by_process_[process_key(s.service, {})].push_back(i);
      if (!s.service.empty() && !s.process.empty()) by_process_[process_key({}, s.process)].push_back(i);
    }
    for (auto& [key, list] : by_process_) {
      std::sort(list.begin(), list.end(),
                [&](uint32_t a, uint32_t b) { return trace_.steps[a].start < trace_.steps[b].start; });
    }
  }
  auto it = by_process_.find(process_key(record.service, record.process));
  if (it == by_process_.end()) it = by_process_.find(process_key(record.service, {}));
  if (it == by_process_.end()) return kNone;
  const std::vector<uint32_t>& list = it->second;
  auto after = std::upper_bound(list.begin(), list.end(), time,
                                [&](int64_t t, uint32_t s) { return t < trace_.steps[s].start; });
  // The last to begin that still runs is the deepest one.
  for (size_t n = 0; after != list.begin() && n < kStepsLookedBackMax; ++n) {
    --after;
    const Step& s = trace_.steps[*after];
    if (s.end == kNoTime || s.end >= time) return *after;
  }
  return kNone;
}

std::string_view host_of(const Record& r) {
  if (!r.host.empty()) return r.host;
  return r.address.empty() ? r.service : r.address;
}

void Assembler::hang_lines() {
  for (const DraftLine& draft : drafts_.lines) {
    const Record& record = trace_.records->rows[draft.record];
    Line line{.record = draft.record, .step = kNone, .time = record.time, .inferred = false};
    if (!draft.of.empty()) {
      std::string_view trace_id = record.trace_id;
      if (trace_id.empty() && record.task_uuid.empty() && record.context_key.empty()) trace_id = {};
      line.step = directory_.find_any(draft.of, trace_id);
      if (line.step == kNone) line.step = directory_.find_any(trace_.records->keep(hex_of_decimal(draft.of)), trace_id);
      if (line.step == kNone) {
        Step like;
        like.trace_id = record.trace_id;
        like.start = like.end = record.time;
        line.step = missing_step(draft.of, like);
        trace_.roots.push_back(line.step);
        preorder_.push_back(line.step);
      }
    }
    if (!trace_.clocks.empty()) {
      line.time += line.step != kNone && host_of(record).empty() ? trace_.steps[line.step].shift
                                                                 : shift_of(trace_, host_of(record));
    }
    if (line.step == kNone && options_.infer_lines) {
      line.step = step_running_at(record, line.time);
      line.inferred = line.step != kNone;
    }
    trace_.lines.push_back(line);
  }
  std::stable_sort(trace_.lines.begin(), trace_.lines.end(), [&](const Line& a, const Line& b) {
    return a.time != b.time ? a.time < b.time : trace_.records->rows[a.record].seq < trace_.records->rows[b.record].seq;
  });
  for (uint32_t i = 0; i < trace_.lines.size(); ++i) {
    uint32_t step = trace_.lines[i].step;
    (step == kNone ? trace_.loose_lines : trace_.steps[step].lines).push_back(i);
  }
}

// An open step lasts as long as anything beneath it is known to; a missing one spans its children.
void Assembler::settle_times() {
  std::vector<Step>& steps = trace_.steps;
  for (auto it = preorder_.rbegin(); it != preorder_.rend(); ++it) {
    Step& step = steps[*it];
    bool open = step.end == kNoTime;
    bool missing = step.has(Problem::kMissing);
    if (open) step.end = step.start;
    if (open || missing) {
      for (uint32_t child : step.children) {
        step.end = std::max(step.end, steps[child].end);
        if (missing) step.start = std::min(step.start, steps[child].start);
      }
      for (uint32_t line : step.lines) {
        step.end = std::max(step.end, trace_.lines[line].time);
        if (missing) step.start = std::min(step.start, trace_.lines[line].time);
      }
    }
    if (step.end < step.start) step.end = step.start;
    trace_.start = trace_.start == kNoTime ? step.start : std::min(trace_.start, step.start);
    trace_.end = trace_.end == kNoTime ? step.end : std::max(trace_.end, step.end);
  }
  for (Step& step : steps) {
    if (step.parent != kNone && step.end > steps[step.parent].end + kOutlivesNanos) step.note(Problem::kOutlives);
  }
  for (const Line& line : trace_.lines) {
    trace_.start = trace_.start == kNoTime ? line.time : std::min(trace_.start, line.time);
    trace_.end = trace_.end == kNoTime ? line.time : std::max(trace_.end, line.time);
  }
}

void Assembler::sort_children() {
  const std::vector<Step>& steps = trace_.steps;
  auto earlier = [&](uint32_t a, uint32_t b) {
    if (steps[a].start != steps[b].start) return steps[a].start < steps[b].start;
    if (steps[a].end != steps[b].end) return steps[a].end > steps[b].end;
    return steps[a].seq != steps[b].seq ? steps[a].seq < steps[b].seq : a < b;
  };
  for (Step& step : trace_.steps) std::sort(step.children.begin(), step.children.end(), earlier);
  std::sort(trace_.roots.begin(), trace_.roots.end(), earlier);
}

void Assembler::choose_main_root() {
  auto better = [&](uint32_t a, uint32_t b) {
    const Step& x = trace_.steps[a];
    const Step& y = trace_.steps[b];
    if (x.has(Problem::kMissing) != y.has(Problem::kMissing)) return !x.has(Problem::kMissing);
    return x.duration() > y.duration();
  };
  for (uint32_t root : trace_.roots) {
    if (trace_.main_root == kNone || better(root, trace_.main_root)) trace_.main_root = root;
  }
}

}  // namespace

Trace assemble(std::unique_ptr<Records> records, std::string id, std::string found_by, AssembleOptions options) {
  Trace trace;
  trace.id = std::move(id);
  trace.found_by = std::move(found_by);
  trace.records = std::move(records);
  Assembler(trace, options).run();
  return trace;
}

}  // namespace clew::trace
