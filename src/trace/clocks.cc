#include "trace/clocks.h"

#include <algorithm>
#include <map>
#include <unordered_map>

namespace clew::trace {
namespace {

// Clocks read within one call of each other differ by this without being wrong.
constexpr int64_t kSlackNanos = 20'000;

// What the calls from one host to another say of (callee's clock - caller's clock).
struct Bounds {
  int64_t low = INT64_MIN;   // by steps that would end after their caller
  int64_t high = INT64_MAX;  // by steps that would begin before it
  std::vector<int64_t> middles;
  uint32_t pairs = 0;
  bool waited_for = false;  // some caller surely waited for the answer
};

// Whether the callee may have run while the caller waited.
bool may_be_waited_for(const Step& child, const Step& parent) {
  if (child.kind == "consumer" || parent.kind == "producer") return false;
  return child.end != kNoTime && parent.end != kNoTime && !parent.has(Problem::kMissing) &&
         !child.has(Problem::kMissing);
}

void add_call(const Step& parent, const Step& child, Bounds& bounds) {
  int64_t high = child.start - parent.start;
  ++bounds.pairs;
  bounds.high = std::min(bounds.high, high);
  // A step that lasts longer than its caller says nothing of the other end.
  if (child.duration() > parent.duration()) return;
  int64_t low = child.end - parent.end;
  bounds.low = std::max(bounds.low, low);
  bounds.middles.push_back(low + (high - low) / 2);
  bounds.waited_for = bounds.waited_for || (parent.kind == "client" && child.kind == "server");
}

int64_t difference(Bounds& bounds) {
  bool low_known = bounds.low != INT64_MIN;
  if (bounds.high >= -kSlackNanos && (!low_known || bounds.low <= kSlackNanos)) return 0;
  // Steps that begin inside of their caller and merely outlive it may not have been waited for.
  if (bounds.high >= -kSlackNanos && !bounds.waited_for) return 0;
  if (!low_known) return bounds.high;
  if (bounds.low <= bounds.high) return bounds.low + (bounds.high - bounds.low) / 2;
  // Calls that contradict each other: some were not waited for. The median of what each says stands.
  auto middle = bounds.middles.begin() + static_cast<std::ptrdiff_t>(bounds.middles.size() / 2);
  std::nth_element(bounds.middles.begin(), middle, bounds.middles.end());
  return *middle;
}

struct Edge {
  size_t to = 0;
  int64_t difference = 0;
  uint32_t pairs = 0;
};

}  // namespace

int64_t shift_of(const Trace& trace, std::string_view host) {
  for (const ClockShift& c : trace.clocks) {
    if (c.host == host) return c.shift;
  }
  return 0;
}

void correct_clocks(Trace& trace) {
  std::unordered_map<std::string_view, size_t> hosts;
  std::vector<std::string_view> names;
  auto number_of = [&](std::string_view host) {
    auto [it, made] = hosts.emplace(host, names.size());
    if (made) names.push_back(host);
    return it->second;
  };
  std::map<std::pair<size_t, size_t>, Bounds> calls;
  for (const Step& child : trace.steps) {
    size_t to = number_of(child.host);
    if (child.parent == kNone) continue;
    const Step& parent = trace.steps[child.parent];
    size_t from = number_of(parent.host);
    if (from == to || child.host.empty() || parent.host.empty() || !may_be_waited_for(child, parent)) continue;
    add_call(parent, child, calls[{from, to}]);
  }
  if (calls.empty()) return;
  std::vector<std::vector<Edge>> edges(names.size());
  for (auto& [ends, bounds] : calls) {
    int64_t apart = difference(bounds);
    edges[ends.first].push_back({ends.second, apart, bounds.pairs});
    edges[ends.second].push_back({ends.first, -apart, bounds.pairs});
  }
  // Outwards from the hosts of roots; what most calls speak for goes first.
  std::vector<int64_t> shift(names.size(), 0);
  std::vector<uint32_t> pairs(names.size(), 0);
  std::vector<bool> known(names.size(), false);
  std::vector<size_t> queue;
  auto begin_at = [&](size_t host) {
    if (known[host]) return;
    known[host] = true;
    queue.push_back(host);
    while (!queue.empty()) {
      size_t at = queue.front();
      queue.erase(queue.begin());
      std::stable_sort(edges[at].begin(), edges[at].end(),
                       [](const Edge& a, const Edge& b) { return a.pairs > b.pairs; });
      for (const Edge& edge : edges[at]) {
        if (known[edge.to]) continue;
        known[edge.to] = true;
        shift[edge.to] = shift[at] - edge.difference;
        pairs[edge.to] = edge.pairs;
        queue.push_back(edge.to);
      }
    }
  };
  for (const Step& step : trace.steps) {
    if (step.parent == kNone && !step.has(Problem::kMissing)) begin_at(hosts[step.host]);
  }
  for (size_t host = 0; host < names.size(); ++host) begin_at(host);
  for (size_t host = 0; host < names.size(); ++host) {
    if (shift[host] != 0) trace.clocks.push_back({names[host], shift[host], pairs[host]});
  }
  if (trace.clocks.empty()) return;
  for (Step& step : trace.steps) {
    step.shift = shift[hosts[step.host]];
    if (step.start != kNoTime) step.start += step.shift;
    if (step.end != kNoTime) step.end += step.shift;
  }
}

}  // namespace clew::trace
