// Records made by hand and trees as text: for tests.
#pragma once

#include <memory>
#include <string>

#include "trace/assemble.h"

namespace clew::trace::testing {

constexpr int64_t kBase = 1'763'719'200'000'000'000;
constexpr int64_t kMilli = 1'000'000;

// Times in milliseconds after kBase.
class Builder {
 public:
  std::unique_ptr<Records> records = std::make_unique<Records>();

  Record& add(int64_t time_ms) {
    Record& r = records->rows.emplace_back();
    r.dataset = "logs";
    r.time = kBase + time_ms * kMilli;
    r.seq = records->rows.size();
    return r;
  }
  Builder& span(const std::string& id, const std::string& parent, const std::string& name, int64_t from, int64_t to) {
    Record& r = add(from);
    r.dataset = "traces";
    ids(r, id, parent, name);
    r.start = r.time;
    r.end = kBase + to * kMilli;
    return *this;
  }
  Builder& line(const std::string& span, int64_t at, const std::string& text) {
    Record& r = add(at);
    r.span_id = records->keep(span);
    r.message = records->keep(text);
    return *this;
  }
  Builder& goal_start(const std::string& id, const std::string& parent, const std::string& name, int64_t at) {
    Record& r = add(at);
    ids(r, id, parent, name);
    r.event = "goal.start";
    r.goal = true;
    return *this;
  }
  Builder& goal_end(const std::string& id, const std::string& parent, const std::string& name, int64_t at,
                    const std::string& outcome, const std::string& reason, int64_t duration_ms = -1) {
    Record& r = add(at);
    ids(r, id, parent, name);
    r.event = "goal.end";
    r.goal = true;
    r.outcome = records->keep(outcome);
    r.reason = records->keep(reason);
    if (duration_ms >= 0) r.duration = duration_ms * kMilli;
    return *this;
  }
  Builder& goal(const std::string& id, const std::string& parent, const std::string& name, int64_t from, int64_t to,
                const std::string& outcome, const std::string& reason) {
    span(id, parent, name, from, to);
    Record& r = records->rows.back();
    r.goal = true;
    r.outcome = records->keep(outcome);
    r.reason = records->keep(reason);
    return *this;
  }
  Builder& task(const std::string& key, int64_t at, const std::string& text) {
    Record& r = add(at);
    r.context_key = records->keep(key);
    r.message = records->keep(text);
    return *this;
  }
  Builder& action(const std::string& level, const std::string& type, const std::string& status, int64_t at) {
    Record& r = add(at);
    r.task_uuid = "u";
    r.task_level = records->keep(level);
    r.action_type = records->keep(type);
    r.action_status = records->keep(status);
    return *this;
  }
  Trace assemble(const std::string& id = "t") { return trace::assemble(std::move(records), id, "trace_id"); }

 private:
  void ids(Record& r, const std::string& id, const std::string& parent, const std::string& name) {
    r.trace_id = "t";
    r.span_id = records->keep(id);
    r.parent_id = records->keep(parent);
    r.name = records->keep(name);
  }
};

inline void print_lines(const Trace& t, const std::vector<uint32_t>& lines, size_t depth, std::string& out) {
  for (uint32_t l : lines) {
    out += std::string(depth * 2, ' ') + (t.lines[l].inferred ? "~ " : "- ");
    out += std::string(t.records->rows[t.lines[l].record].message) + "\n";
  }
}

inline void print_step(const Trace& t, uint32_t index, size_t depth, std::string& out) {
  const Step& s = t.steps[index];
  out += std::string(depth * 2, ' ');
  out += s.has(Problem::kMissing) ? "? " + std::string(s.span_id) : std::string(s.name);
  if (s.outcome != Outcome::kUnsaid) out += " " + std::string(outcome_name(s.outcome));
  if (!s.reason.empty()) out += " (" + std::string(s.reason) + ")";
  if (s.cause) out += " <- cause";
  if (s.tries > 1) out += " x" + std::to_string(s.tries);
  if (s.folded_into != kNone) out += " [folded]";
  if (s.has(Problem::kOrphan)) out += " !orphan";
  if (s.has(Problem::kNoEnd)) out += " !no end";
  if (s.has(Problem::kInferred)) out += " !inferred";
  out += "\n";
  // Children and lines are apart here; a reader of the tree puts them in order of time.
  for (uint32_t child : s.children) print_step(t, child, depth + 1, out);
  print_lines(t, s.lines, depth + 1, out);
}

// One line a step, children below, lines marked `-`, inferred ones `~`, missing steps `?`.
inline std::string tree_of(const Trace& t) {
  std::string out;
  for (uint32_t root : t.roots) print_step(t, root, 0, out);
  print_lines(t, t.loose_lines, 0, out);
  return out;
}

}  // namespace clew::trace::testing
