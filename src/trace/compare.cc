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

// The requests to compare with.
Result<std::vector<Trace>> others_like(contract::EventSource& source, const contract::Access& access,
                                       const Trace& trace, std::stop_token stop) {
  const Step& root = trace.steps[trace.main_root];
  SearchSpec spec;
  spec.access = access;
  spec.service = root.service;
  spec.operation = root.name;
  spec.limit = kTypicalRequests * 2;
  SearchAnswer found = CLEW_TRY(search_traces(source, spec, stop));
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
                           std::stop_token stop) {
  if (trace.main_root == kNone) return Error(Code::kNotFound, "the request has no steps to compare");
  std::vector<Trace> others = CLEW_TRY(others_like(source, access, trace, stop));
  Typical out;
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
  for (auto& [path, values] : selfs) {
    TypicalPath& row = out.paths.emplace_back();
    row.path = labels(path);
    row.requests = static_cast<uint32_t>(values.size());
    row.steps = values.empty() ? 0 : static_cast<double>(steps[path]) / static_cast<double>(values.size());
    row.self_median = quantile(values, 0.5);
    row.self_p95 = quantile(values, 0.95);
    if (auto it = here.find(path); it != here.end()) row.here = it->second;
  }
  std::stable_sort(out.paths.begin(), out.paths.end(),
                   [](const TypicalPath& a, const TypicalPath& b) { return a.self_excess() > b.self_excess(); });
  return out;
}

}  // namespace clew::trace
