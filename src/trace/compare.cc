#include "trace/compare.h"

#include <algorithm>
#include <map>

#include "trace/finder.h"
#include "trace/outcomes.h"
#include "trace/search.h"

namespace clew::trace {
namespace {

constexpr char kSeparator = '\0';
constexpr uint32_t kPathLabelsMax = 64;  // deeper steps count with the last one that has a label

// Totals by path; a path is its steps' labels, each ended by kSeparator.
using Paths = std::map<std::string, PathTotal>;

Paths paths_of(const Trace& trace) {
  std::vector<std::string> path(trace.steps.size());
  std::vector<uint32_t> depth(trace.steps.size(), 0);
  Paths totals;
  for (uint32_t i : parents_first(trace)) {
    const Step& s = trace.steps[i];
    if (s.parent != kNone) {
      path[i] = path[s.parent];
      depth[i] = depth[s.parent] + 1;
    }
    if (s.has(Problem::kMissing)) continue;
    if (depth[i] < kPathLabelsMax) path[i] += std::string(s.service) + ": " + std::string(s.name) + kSeparator;
    PathTotal& total = totals[path[i]];
    ++total.steps;
    total.failed += s.outcome == Outcome::kFailed ? 1 : 0;
    total.total += s.duration();
    total.self += s.self;
  }
  return totals;
}

std::vector<std::string> labels(const std::string& path) {
  std::vector<std::string> out;
  for (size_t begin = 0; begin < path.size();) {
    size_t end = path.find(kSeparator, begin);
    out.push_back(path.substr(begin, end - begin));
    begin = end + 1;
  }
  return out;
}

int64_t quantile(std::vector<int64_t>& values, double share) {
  if (values.empty()) return 0;
  size_t rank = std::min(values.size() - 1, static_cast<size_t>(share * static_cast<double>(values.size())));
  std::nth_element(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(rank), values.end());
  return values[rank];
}

// The step that says what the request is about: the root, or what it asks of another service where that is all that it
// asks of others.
const Step& matter_of(const Trace& trace) {
  const Step& root = trace.steps[trace.main_root];
  const Step* asked = &root;
  std::vector<uint32_t> own = {trace.main_root};  // steps of the root's service that were reached
  for (size_t at = 0; at < own.size(); ++at) {
    for (uint32_t child : trace.steps[own[at]].children) {
      const Step& step = trace.steps[child];
      if (step.service == root.service) {
        own.push_back(child);
      } else if (asked != &root || step.has(Problem::kMissing) || step.service.empty() || step.name.empty()) {
        return root;
      } else {
        asked = &step;
      }
    }
  }
  return *asked;
}

// The requests to compare with.
Result<std::vector<Trace>> others_like(contract::EventSource& source, const contract::Access& access,
                                       const Trace& trace, base::WorkerPool& pool, std::stop_token stop) {
  const Step& root = trace.steps[trace.main_root];
  const Step& matter = matter_of(trace);
  SearchSpec spec;
  spec.access = access;
  spec.service = matter.service;
  spec.operation = matter.name;
  spec.limit = kTypicalRequests * 2;
  SearchAnswer found = CLEW_TRY(search_traces(source, spec, pool, stop));
  std::vector<Trace> out;
  Finder finder(source);
  for (const Summary& summary : found.traces) {
    bool same_root = summary.root_service == root.service && summary.root_name == root.name;
    if (summary.trace_id == trace.id || !same_root || out.size() >= kTypicalRequests) continue;
    FindOptions options;
    options.access = access;
    Result<Trace> other = finder.by_trace_id(summary.trace_id, options, stop);
    if (!other.ok() && other.error().code() != Code::kNotFound) return std::move(other).error();
    if (other.ok()) out.push_back(std::move(other).take());
  }
  return out;
}

Presence presence_of(const TypicalPath& row, uint32_t others) {
  if (others < kOthersLeast) return Presence::kUsual;
  if (row.here.steps > 0 && row.requests * 100 <= others * kRarePercent) return Presence::kOnlyHere;
  if (row.here.steps == 0 && row.requests * 100 >= others * kUsualPercent) return Presence::kMissingHere;
  return Presence::kUsual;
}

// Requires: `rows` in the order of their paths' texts, so that a step comes after the one that it is beneath.
void note_presence(const std::vector<std::string>& paths, uint32_t others, std::vector<TypicalPath>& rows) {
  std::map<std::string_view, Presence> known;
  for (size_t i = 0; i < rows.size(); ++i) {
    std::string_view path = paths[i];
    Presence own = presence_of(rows[i], others);
    known[path] = own;
    size_t above = path.size() < 2 ? path.npos : path.rfind(kSeparator, path.size() - 2);
    auto parent = above == path.npos ? known.end() : known.find(path.substr(0, above + 1));
    rows[i].presence = parent != known.end() && parent->second == own ? Presence::kUsual : own;
  }
}

}  // namespace

std::vector<PathDifference> compare_traces(const Trace& before, const Trace& after) {
  Paths a = paths_of(before);
  Paths b = paths_of(after);
  std::vector<PathDifference> out;
  for (const auto& [path, total] : a) out.push_back({labels(path), total, b.contains(path) ? b[path] : PathTotal()});
  for (const auto& [path, total] : b) {
    if (!a.contains(path)) out.push_back({labels(path), {}, total});
  }
  std::stable_sort(out.begin(), out.end(), [](const PathDifference& x, const PathDifference& y) {
    return std::abs(x.self_change()) > std::abs(y.self_change());
  });
  return out;
}

Result<Typical> typical_of(contract::EventSource& source, const contract::Access& access, const Trace& trace,
                           base::WorkerPool& pool, std::stop_token stop) {
  if (trace.main_root == kNone) return Error(Code::kNotFound, "the request has no steps to compare");
  std::vector<Trace> others = CLEW_TRY(others_like(source, access, trace, pool, stop));
  Typical out;
  out.service = matter_of(trace).service;
  out.operation = matter_of(trace).name;
  out.requests = static_cast<uint32_t>(others.size());
  std::map<std::string, std::vector<int64_t>> selfs;
  std::map<std::string, uint64_t> steps;
  std::vector<int64_t> durations;
  int64_t own = trace.steps[trace.main_root].duration();
  uint32_t faster = 0;
  for (const Trace& other : others) {
    int64_t duration = other.steps[other.main_root].duration();
    durations.push_back(duration);
    faster += duration < own ? 1 : 0;
    for (const auto& [path, total] : paths_of(other)) {
      selfs[path].push_back(total.self);
      steps[path] += total.steps;
    }
  }
  out.duration_median = quantile(durations, 0.5);
  out.duration_p95 = quantile(durations, 0.95);
  out.slower_than = others.empty() ? 0 : static_cast<double>(faster) / static_cast<double>(others.size());
  Paths here = paths_of(trace);
  for (const auto& [path, total] : here) selfs.try_emplace(path);
  std::vector<std::string> paths;
  for (auto& [path, values] : selfs) {
    paths.push_back(path);
    TypicalPath& row = out.paths.emplace_back();
    row.path = labels(path);
    row.requests = static_cast<uint32_t>(values.size());
    row.steps = values.empty() ? 0 : static_cast<double>(steps[path]) / static_cast<double>(values.size());
    row.self_median = quantile(values, 0.5);
    row.self_p95 = quantile(values, 0.95);
    if (auto it = here.find(path); it != here.end()) row.here = it->second;
  }
  note_presence(paths, out.requests, out.paths);
  std::stable_sort(out.paths.begin(), out.paths.end(),
                   [](const TypicalPath& a, const TypicalPath& b) { return a.self_excess() > b.self_excess(); });
  std::stable_partition(out.paths.begin(), out.paths.end(),
                        [](const TypicalPath& row) { return row.presence != Presence::kUsual; });
  return out;
}

}  // namespace clew::trace
