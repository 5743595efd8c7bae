// distlog and Eliot: tasks that name themselves by their path.
#include <algorithm>
#include <charconv>
#include <unordered_map>

#include "trace/draft.h"

namespace clew::trace {
namespace {

constexpr std::string_view kFailedWord = "FAILED";

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == ':')) text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

void say_who(const Record& r, Step& step) {
  step.service = r.service.empty() ? r.name : r.service;
  step.host = r.host;
  step.process = r.process;
  step.thread = r.thread;
}

// --- distlog ---------------------------------------------------------------------------------------------------------

// `<n>@<task>[/<subtask>...]`
struct ContextKey {
  uint64_t number = 0;
  std::string_view path;  // task and subtasks
  std::string_view task;
  std::string_view parent;  // path of the task above; empty at the top
};

bool parse_context_key(std::string_view text, ContextKey& out) {
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out.number);
  if (error != std::errc() || end == text.data() + text.size() || *end != '@') return false;
  out.path = text.substr(static_cast<size_t>(end - text.data()) + 1);
  out.task = out.path.substr(0, out.path.find('/'));
  size_t slash = out.path.rfind('/');
  out.parent = slash == out.path.npos ? std::string_view() : out.path.substr(0, slash);
  return !out.task.empty();
}

struct NumberedLine {
  uint64_t number = 0;
  uint32_t record = kNone;
};

// The first line of a task is its goal; the last one says how it ended, unless it is the only one.
Draft draft_task(const Records& records, const ContextKey& key, const std::vector<NumberedLine>& lines) {
  const Record& first = records.rows[lines.front().record];
  const Record& last = records.rows[lines.back().record];
  Draft draft;
  Step& s = draft.step;
  s.trace_id = key.task;
  s.span_id = key.path;
  s.parent_id = key.parent;
  s.goal = true;
  s.record = lines.front().record;
  say_who(first, s);
  s.start = first.time;
  if (lines.front().number == 0) s.name = first.message;
  if (lines.size() == 1) return draft;
  s.end = last.time;
  bool failed = last.message.starts_with(kFailedWord);
  s.outcome = failed ? Outcome::kFailed : Outcome::kOk;
  if (failed) {
    std::string_view said = trimmed(last.message.substr(kFailedWord.size()));
    if (said.starts_with(s.name)) said = trimmed(said.substr(s.name.size()));
    s.reason = said;
    s.reason_is_own = !said.empty();
  }
  return draft;
}

// --- Eliot -----------------------------------------------------------------------------------------------------------

// [2,1] is the numbers 2, 1; "/2/1" too.
bool parse_level(std::string_view text, std::vector<uint32_t>& out) {
  out.clear();
  for (size_t at = 0; at < text.size();) {
    if (text[at] < '0' || text[at] > '9') {
      ++at;
      continue;
    }
    uint32_t number = 0;
    auto [end, error] = std::from_chars(text.data() + at, text.data() + text.size(), number);
    if (error != std::errc()) return false;
    out.push_back(number);
    at = static_cast<size_t>(end - text.data());
  }
  return !out.empty();
}

std::string level_path(std::string_view task, const std::vector<uint32_t>& level, size_t length) {
  std::string path(task);
  for (size_t i = 0; i < length; ++i) path += "/" + std::to_string(level[i]);
  return path;
}

std::string_view eliot_reason(const Record& r, Records& records) {
  std::string_view type = r.error_type;
  if (type.empty() || r.reason.starts_with(type)) return r.reason;
  return r.reason.empty() ? type : records.keep(std::string(type) + ": " + std::string(r.reason));
}

Draft draft_action(Records& records, uint32_t index, const std::vector<uint32_t>& level) {
  const Record& r = records.rows[index];
  Draft draft;
  Step& s = draft.step;
  s.trace_id = r.task_uuid;
  s.span_id = records.keep(level_path(r.task_uuid, level, level.size() - 1));
  if (level.size() > 1) s.parent_id = records.keep(level_path(r.task_uuid, level, level.size() - 2));
  s.name = r.action_type;
  s.goal = true;
  s.record = index;
  say_who(r, s);
  draft.starts = r.action_status == "started";
  draft.ends = !draft.starts;
  (draft.starts ? s.start : s.end) = r.time;
  if (draft.starts) return draft;
  s.outcome = r.action_status == "failed" ? Outcome::kFailed : Outcome::kOk;
  if (s.outcome == Outcome::kFailed) s.reason = eliot_reason(r, records);
  s.reason_is_own = !s.reason.empty();
  return draft;
}

}  // namespace

void draft_distlog(Records& records, std::vector<bool>& taken, Drafts& out) {
  struct Task {
    ContextKey key;
    std::vector<NumberedLine> lines;
  };
  std::vector<Task> tasks;
  std::unordered_map<std::string_view, size_t> by_path;
  for (uint32_t i = 0; i < records.rows.size(); ++i) {
    ContextKey key;
    if (taken[i] || !parse_context_key(records.rows[i].context_key, key)) continue;
    taken[i] = true;
    auto [it, made] = by_path.emplace(key.path, tasks.size());
    if (made) tasks.push_back({key, {}});
    tasks[it->second].lines.push_back({key.number, i});
  }
  for (Task& task : tasks) {
    std::stable_sort(task.lines.begin(), task.lines.end(),
                     [](const auto& a, const auto& b) { return a.number < b.number; });
    // The same line sent twice is one line.
    auto same = [](const NumberedLine& a, const NumberedLine& b) { return a.number == b.number; };
    task.lines.erase(std::unique(task.lines.begin(), task.lines.end(), same), task.lines.end());
    out.steps.push_back(draft_task(records, task.key, task.lines));
    bool first_is_goal = task.lines.front().number == 0;
    bool failed = out.steps.back().step.outcome == Outcome::kFailed;
    for (size_t i = first_is_goal ? 1 : 0; i + (failed ? 1 : 0) < task.lines.size(); ++i) {
      out.lines.push_back({task.lines[i].record, task.key.path});
    }
  }
}

void draft_eliot(Records& records, std::vector<bool>& taken, Drafts& out) {
  std::vector<uint32_t> level;
  for (uint32_t i = 0; i < records.rows.size(); ++i) {
    const Record& r = records.rows[i];
    if (taken[i] || r.task_uuid.empty() || !parse_level(r.task_level, level)) continue;
    taken[i] = true;
    if (r.action_status.empty()) {
      out.lines.push_back({i, records.keep(level_path(r.task_uuid, level, level.size() - 1))});
    } else {
      out.steps.push_back(draft_action(records, i, level));
    }
  }
}

}  // namespace clew::trace
