#include "trace/critical_path.h"

#include <algorithm>

namespace clew::trace {
namespace {

// Steps that follow each other may overlap by how their times were rounded.
constexpr int64_t kClockSlackNanos = 2'000;
constexpr int64_t kOverlapPart = 200;

// Nanoseconds of [start, end) that no child covers. Requires: children by start.
int64_t self_time(const Trace& trace, const Step& step) {
  int64_t covered_to = step.start;
  int64_t self = 0;
  for (uint32_t c : step.children) {
    const Step& child = trace.steps[c];
    int64_t from = std::clamp(child.start, step.start, step.end);
    int64_t to = std::clamp(child.end, step.start, step.end);
    if (from > covered_to) self += from - covered_to;
    covered_to = std::max(covered_to, to);
  }
  return self + std::max<int64_t>(step.end - covered_to, 0);
}

// Walking back through one step.
struct Walk {
  uint32_t step = kNone;
  int64_t begin = 0;  // bounds that count
  int64_t end = 0;
  int64_t cursor = 0;            // what is after it is explained
  std::vector<uint32_t> by_end;  // children, the last to end at the back
};

Walk walk_of(const Trace& trace, uint32_t index, int64_t begin, int64_t end) {
  Walk walk{.step = index, .begin = begin, .end = end, .cursor = end, .by_end = trace.steps[index].children};
  std::sort(walk.by_end.begin(), walk.by_end.end(), [&](uint32_t a, uint32_t b) {
    const Step& x = trace.steps[a];
    const Step& y = trace.steps[b];
    return x.end != y.end ? x.end < y.end : x.start > y.start;
  });
  return walk;
}

}  // namespace

void find_critical_path(Trace& trace) {
  for (Step& step : trace.steps) step.self = self_time(trace, step);
  if (trace.main_root == kNone) return;
  std::vector<Stretch>& path = trace.critical_path;
  auto add = [&](uint32_t step, int64_t from, int64_t to) {
    if (to <= from) return;
    trace.steps[step].critical += to - from;
    path.push_back({step, from, to});
  };
  std::vector<Walk> stack;
  const Step& root = trace.steps[trace.main_root];
  stack.push_back(walk_of(trace, trace.main_root, root.start, root.end));
  while (!stack.empty()) {
    Walk& walk = stack.back();
    uint32_t next = kNone;
    while (!walk.by_end.empty() && next == kNone) {
      uint32_t c = walk.by_end.back();
      walk.by_end.pop_back();
      const Step& child = trace.steps[c];
      // One that ended after the cursor ran beside what is on the path already, and was not waited for.
      int64_t overlap = std::min(child.end, walk.end) - walk.cursor;
      bool before = overlap <= kClockSlackNanos + child.duration() / kOverlapPart;
      if (before && child.start < walk.cursor && child.end > walk.begin && !child.has(Problem::kMissing)) next = c;
    }
    if (next == kNone) {
      add(walk.step, walk.begin, walk.cursor);
      stack.pop_back();
      continue;
    }
    const Step& child = trace.steps[next];
    int64_t to = std::min(child.end, walk.cursor);
    int64_t from = std::max(child.start, walk.begin);
    add(walk.step, to, walk.cursor);
    walk.cursor = from;
    stack.push_back(walk_of(trace, next, from, to));
  }
  std::reverse(path.begin(), path.end());
}

std::vector<Bottleneck> bottlenecks(const Trace& trace, size_t limit) {
  std::vector<Bottleneck> out;
  if (trace.main_root == kNone) return out;
  double whole = static_cast<double>(trace.steps[trace.main_root].duration());
  for (uint32_t i = 0; i < trace.steps.size(); ++i) {
    int64_t nanos = trace.steps[i].critical;
    if (nanos > 0) out.push_back({i, nanos, static_cast<double>(nanos) / whole});
  }
  std::sort(out.begin(), out.end(), [](const auto& a, const auto& b) { return a.nanos > b.nanos; });
  if (out.size() > limit) out.resize(limit);
  return out;
}

}  // namespace clew::trace
