#include "trace/outcomes.h"

#include <algorithm>
#include <unordered_map>

namespace clew::trace {
namespace {

// Tries overlap by this at most: clocks are read at different moments.
constexpr int64_t kTrySlackNanos = 1'000'000;

// The failed step beneath that ended last; steps that say nothing of their outcome are looked through.
std::vector<uint32_t> failures_beneath(const Trace& trace, const std::vector<uint32_t>& order) {
  std::vector<uint32_t> last(trace.steps.size(), kNone);
  for (auto it = order.rbegin(); it != order.rend(); ++it) {
    const Step& step = trace.steps[*it];
    uint32_t found = step.outcome == Outcome::kFailed ? *it : last[*it];
    bool passes = step.outcome == Outcome::kFailed || step.outcome == Outcome::kUnsaid || step.has(Problem::kMissing);
    if (step.parent == kNone || found == kNone || !passes) continue;
    uint32_t& above = last[step.parent];
    if (above == kNone || trace.steps[above].end <= trace.steps[found].end) above = found;
  }
  return last;
}

bool elsewhere(const Step& a, const Step& b) {
  return a.service != b.service || a.process != b.process || a.host != b.host;
}

// The step of another process that a failed step was waiting for, and which was never seen to end: a process that died
// tells no outcome, its caller only that the connection broke. kNone when the last step beneath did end.
uint32_t never_came_back(const Trace& trace, const Step& failed) {
  uint32_t found = kNone;
  for (const Step* step = &failed; !step->children.empty();) {
    uint32_t last = step->children.back();
    const Step& child = trace.steps[last];
    if (!child.has(Problem::kNoEnd) || (found == kNone && !elsewhere(failed, child))) break;
    found = last;
    step = &child;
  }
  return found;
}

void bubble_reasons(Trace& trace, const std::vector<uint32_t>& order) {
  std::vector<uint32_t> beneath = failures_beneath(trace, order);
  for (auto it = order.rbegin(); it != order.rend(); ++it) {
    Step& step = trace.steps[*it];
    if (step.outcome != Outcome::kFailed) continue;
    step.cause = beneath[*it] == kNone;
    if (uint32_t lost = never_came_back(trace, step); step.cause && lost != kNone) {
      step.cause = false;
      trace.steps[lost].cause = true;
      if (step.reason.empty()) {
        step.reason = trace.records->keep(std::string(trace.steps[lost].name) + " was never seen to end");
      }
      continue;
    }
    if (step.cause || !step.reason.empty()) continue;
    const Step& below = trace.steps[beneath[*it]];
    step.reason = !below.reason.empty() ? below.reason : trace.records->keep(std::string(below.name) + " failed");
  }
}

bool same_work(const Step& a, const Step& b) {
  if (a.service != b.service) return false;
  if (a.attempt != 0 && b.attempt == a.attempt + 1) {
    return a.name.size() == b.name.size() && std::equal(a.name.begin(), a.name.end(), b.name.begin(),
                                                        [](char x, char y) { return (x | 32) == (y | 32); });
  }
  return a.name == b.name && b.start >= a.end - kTrySlackNanos;
}

void fold_run(Trace& trace, const std::vector<uint32_t>& run) {
  if (run.size() < 2) return;
  trace.steps[run.back()].tries = static_cast<uint32_t>(run.size());
  for (size_t i = 0; i + 1 < run.size(); ++i) trace.steps[run[i]].folded_into = run.back();
}

void fold_tries(Trace& trace, const std::vector<uint32_t>& siblings) {
  std::unordered_map<std::string, std::vector<uint32_t>> runs;
  for (uint32_t s : siblings) {
    const Step& step = trace.steps[s];
    if (step.has(Problem::kMissing) || step.name.empty()) continue;
    std::string key(step.name);
    std::transform(key.begin(), key.end(), key.begin(), [](char c) { return static_cast<char>(c | 32); });
    std::vector<uint32_t>& run = runs[key];
    bool goes_on =
        !run.empty() && trace.steps[run.back()].outcome == Outcome::kFailed && same_work(trace.steps[run.back()], step);
    if (!goes_on) {
      fold_run(trace, run);
      run.clear();
    }
    run.push_back(s);
  }
  for (const auto& [name, run] : runs) fold_run(trace, run);
}

}  // namespace

std::vector<uint32_t> parents_first(const Trace& trace) {
  std::vector<uint32_t> order = trace.roots;
  order.reserve(trace.steps.size());
  for (size_t at = 0; at < order.size(); ++at) {
    const Step& step = trace.steps[order[at]];
    order.insert(order.end(), step.children.begin(), step.children.end());
  }
  return order;
}

void settle_outcomes(Trace& trace) {
  std::vector<uint32_t> order = parents_first(trace);
  bubble_reasons(trace, order);
  bool any_failed =
      std::any_of(trace.steps.begin(), trace.steps.end(), [](const Step& s) { return s.outcome == Outcome::kFailed; });
  if (!any_failed) return;
  for (uint32_t s : order) {
    if (trace.steps[s].children.size() > 1) fold_tries(trace, trace.steps[s].children);
  }
}

}  // namespace clew::trace
