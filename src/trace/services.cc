#include "trace/services.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>
#include <unordered_map>

#include "base/hash.h"
#include "trace/narrow.h"
#include "trace/search.h"

namespace clew::trace {
namespace {

using contract::Granule;
using contract::Predicate;
using contract::ScanStats;
using model::Selection;
using model::Vector;
using model::VectorPtr;

constexpr double kBucketBase = 1.02;  // a bucket's middle is within 1 % of what is in it
constexpr double kNanosPerMilli = 1e6;

// Calls `visit` for each block with rows that meet `where`.
class BlockWalk {
 public:
  using Visit = std::function<Status(const Granule&, uint32_t block, const Selection& rows, ScanStats& stats)>;

  BlockWalk(contract::EventSource& source, const contract::Access& access, const contract::TimeRange& range,
            std::stop_token stop)
      : source_(source), access_(access), range_(range), stop_(std::move(stop)) {}

  Status walk(const std::string& dataset, const Predicate& where, const Visit& visit) {
    contract::Scan scan{.datasets = {dataset}, .range = range_, .where = where};
    ScanStats stats;
    contract::Snapshot snapshot = CLEW_TRY(source_.snapshot(access_, scan, stats));
    for (const contract::GranulePtr& granule : snapshot.granules) {
      uint32_t blocks = (granule->rows() + contract::kBlockRows - 1) / contract::kBlockRows;
      for (uint32_t b = 0; b < blocks; ++b) {
        if (stop_.stop_requested()) return Error(Code::kCancelled, "the caller has gone");
        Status read = walk_block(*granule, b, where, visit, stats);
        if (!read.ok() && read.error().code() != Code::kCorrupt) return read;
      }
    }
    return {};
  }

  Result<uint64_t> rows(const std::vector<std::string>& datasets) {
    contract::Scan scan{.datasets = datasets, .range = range_, .where = {}};
    ScanStats stats;
    contract::Snapshot snapshot = CLEW_TRY(source_.snapshot(access_, scan, stats));
    uint64_t rows = 0;
    for (const contract::GranulePtr& granule : snapshot.granules) rows += granule->rows();
    return rows;
  }

 private:
  Status walk_block(const Granule& granule, uint32_t block, const Predicate& where, const Visit& visit,
                    ScanStats& stats) {
    Selection rows;
    granule.alive(block, rows);
    CLEW_TRY(narrow(granule, block, where, rows, stats));
    CLEW_TRY(narrow_time(granule, block, range_, rows, stats));
    return rows.empty() ? Status() : visit(granule, block, rows, stats);
  }

  contract::EventSource& source_;
  const contract::Access& access_;
  const contract::TimeRange range_;
  const std::stop_token stop_;
};

// What tells whether a row failed, and how long it took.
struct Outcomes {
  VectorPtr status;
  VectorPtr outcome;
  VectorPtr nanos;
  VectorPtr millis;

  Status read(const Granule& granule, uint32_t block, const Selection& rows, ScanStats& stats) {
    status = CLEW_TRY(granule.column("status.code", block, rows, stats));
    outcome = CLEW_TRY(granule.column("outcome", block, rows, stats));
    nanos = CLEW_TRY(granule.column("duration_ns", block, rows, stats));
    if (nanos->type == model::Type::kNull)
      millis = CLEW_TRY(granule.column("duration_ms", block, rows, stats));
    else
      millis = nullptr;
    return {};
  }
  bool failed(uint32_t row, Records& keeper) const {
    if (!status->is_null(row) && text_at(*status, row, keeper) == "error") return true;
    if (outcome->is_null(row)) return false;
    std::string_view text = text_at(*outcome, row, keeper);
    return text == "failed" || text == "failure" || text == "error";
  }
  int64_t duration(uint32_t row) const {
    const Vector& v = millis ? *millis : *nanos;
    if (v.is_null(row)) return 0;
    if (!millis && v.type == model::Type::kLong && v.layout == model::Layout::kFlat) return v.i64[row];
    std::optional<double> number = number_of(v.value(row));
    return number ? static_cast<int64_t>(*number * (millis ? kNanosPerMilli : 1)) : 0;
  }
};

Predicate ended_spans(const std::string& dataset) {
  if (dataset == "traces") return {};
  return span_condition(dataset);
}

// One span, as far as calls need it.
struct Node {
  uint64_t key = 0;     // of trace and span id
  uint64_t parent = 0;  // of trace and parent id; 0 at the top
  int64_t duration = 0;
  uint32_t service = 0;
  bool failed = false;
  bool receiver = false;  // the receiving side of a call
};

class DependencyPass {
 public:
  DependencyPass(uint64_t part, uint64_t parts) : part_(part), parts_(parts) {}

  Status take(const Granule& granule, uint32_t block, const Selection& rows, ScanStats& stats) {
    VectorPtr traces = CLEW_TRY(granule.column("trace_id", block, rows, stats));
    VectorPtr spans = CLEW_TRY(granule.column("span_id", block, rows, stats));
    VectorPtr parents = CLEW_TRY(granule.column("parent_span_id", block, rows, stats));
    VectorPtr services = CLEW_TRY(granule.column("service.name", block, rows, stats));
    VectorPtr kinds = CLEW_TRY(granule.column("kind", block, rows, stats));
    Outcomes outcomes;
    CLEW_TRY(outcomes.read(granule, block, rows, stats));
    Records keeper;
    for (uint32_t i = 0; i < rows.size(); ++i) {
      std::string_view trace = text_at(*traces, i, keeper);
      std::string_view span = text_at(*spans, i, keeper);
      uint64_t trace_hash = base::hash64(trace);
      if (span.empty() || trace_hash % parts_ != part_) continue;
      std::string_view parent = text_at(*parents, i, keeper);
      std::string_view kind = text_at(*kinds, i, keeper);
      Node node;
      node.key = base::hash64(span, trace_hash);
      if (!parent.empty()) node.parent = base::hash64(parent, trace_hash);
      node.service = code_of(text_at(*services, i, keeper));
      node.receiver = kind == "server" || kind == "consumer";
      node.failed = outcomes.failed(i, keeper);
      node.duration = outcomes.duration(i);
      nodes_.push_back(node);
    }
    return {};
  }

  void add_calls(std::map<std::pair<std::string, std::string>, Dependency>& out) {
    join_copies();
    for (const Node& child : nodes_) {
      const Node* parent = caller_of(child);
      if (parent == nullptr || parent->service == child.service) continue;
      const std::string& from = names_[parent->service];
      const std::string& to = names_[child.service];
      if (from.empty() || to.empty()) continue;
      Dependency& d = out[{from, to}];
      d.parent = from;
      d.child = to;
      ++d.calls;
      d.failed += child.failed ? 1 : 0;
      d.durations.add(child.duration);
    }
  }

 private:
  uint32_t code_of(std::string_view service) {
    if (names_.size() > last_code_ && !names_.empty() && names_[last_code_] == service) return last_code_;
    auto [it, made] = codes_.emplace(std::string(service), static_cast<uint32_t>(names_.size()));
    if (made) names_.emplace_back(service);
    return last_code_ = it->second;
  }

  static bool before(const Node& a, const Node& b) {
    if (a.key != b.key) return a.key < b.key;
    if (a.receiver != b.receiver) return a.receiver < b.receiver;
    return a.service < b.service;
  }
  // One node for each side of each span: a goal's two lines and resent spans are the same.
  void join_copies() {
    std::sort(nodes_.begin(), nodes_.end(), before);
    size_t kept = 0;
    for (size_t i = 0; i < nodes_.size(); ++i) {
      Node& last = nodes_[kept == 0 ? 0 : kept - 1];
      if (kept != 0 && last.key == nodes_[i].key && last.receiver == nodes_[i].receiver &&
          last.service == nodes_[i].service) {
        last.failed = last.failed || nodes_[i].failed;
        last.duration = std::max(last.duration, nodes_[i].duration);
        if (last.parent == 0) last.parent = nodes_[i].parent;
      } else {
        nodes_[kept++] = nodes_[i];
      }
    }
    nodes_.resize(kept);
  }

  // The other side of a call under the same id, else the step that the parent id names: of its two sides the receiving
  // one.
  const Node* caller_of(const Node& child) const {
    Node wanted;
    wanted.key = child.key;
    if (child.receiver) {
      auto it = std::lower_bound(nodes_.begin(), nodes_.end(), wanted,
                                 [](const Node& a, const Node& b) { return a.key < b.key; });
      if (it != nodes_.end() && it->key == child.key && !it->receiver) return &*it;
    }
    if (child.parent == 0) return nullptr;
    const Node* found = nullptr;
    auto it = std::lower_bound(nodes_.begin(), nodes_.end(), child.parent,
                               [](const Node& a, uint64_t key) { return a.key < key; });
    for (; it != nodes_.end() && it->key == child.parent; ++it) {
      if (it->service == child.service) return &*it;
      found = &*it;
    }
    return found;
  }

  const uint64_t part_;
  const uint64_t parts_;
  std::vector<Node> nodes_;
  std::vector<std::string> names_;
  std::unordered_map<std::string, uint32_t> codes_;
  uint32_t last_code_ = 0;
};

}  // namespace

void Durations::add(int64_t nanos) {
  ++count_;
  max_ = std::max(max_, nanos);
  sum_ += static_cast<double>(nanos);
  if (buckets_.empty()) {
    exact_.push_back(nanos);
    if (exact_.size() > kExactMax) spill();
    return;
  }
  size_t bucket = nanos <= 1 ? 0 : static_cast<size_t>(std::log(static_cast<double>(nanos)) / std::log(kBucketBase));
  if (bucket >= buckets_.size()) buckets_.resize(bucket + 1);
  ++buckets_[bucket];
}

void Durations::spill() {
  std::vector<int64_t> values = std::move(exact_);
  exact_.clear();
  buckets_.resize(1);
  count_ -= values.size();
  for (int64_t v : values) {
    sum_ -= static_cast<double>(v);
    add(v);
  }
}

int64_t Durations::quantile(double share) const {
  if (count_ == 0) return 0;
  uint64_t rank = std::min<uint64_t>(
      count_ - 1, static_cast<uint64_t>(std::max(0.0, std::ceil(share * static_cast<double>(count_)) - 1)));
  if (buckets_.empty()) {
    std::nth_element(exact_.begin(), exact_.begin() + static_cast<std::ptrdiff_t>(rank), exact_.end());
    return exact_[rank];
  }
  if (rank == count_ - 1) return max_;
  uint64_t seen = 0;
  for (size_t b = 0; b < buckets_.size(); ++b) {
    seen += buckets_[b];
    if (seen > rank) return std::min(max_, static_cast<int64_t>(std::pow(kBucketBase, static_cast<double>(b) + 0.5)));
  }
  return max_;
}

Result<std::vector<OperationCount>> count_operations(contract::EventSource& source, const contract::Access& access,
                                                     const contract::TimeRange& range, const std::string& service,
                                                     std::stop_token stop) {
  std::map<std::pair<std::string, std::string>, OperationCount> counts;
  BlockWalk walk(source, access, range, stop);
  OperationCount* last = nullptr;
  auto visit = [&](const Granule& granule, uint32_t block, const Selection& rows, ScanStats& stats) -> Status {
    VectorPtr names = CLEW_TRY(granule.column(service.empty() ? "service.name" : "name", block, rows, stats));
    VectorPtr kinds = CLEW_TRY(granule.column("kind", block, rows, stats));
    VectorPtr events = CLEW_TRY(granule.column("event", block, rows, stats));
    Outcomes outcomes;
    CLEW_TRY(outcomes.read(granule, block, rows, stats));
    Records keeper;
    for (uint32_t i = 0; i < rows.size(); ++i) {
      std::string_view name = text_at(*names, i, keeper);
      if (name.empty() || (!events->is_null(i) && text_at(*events, i, keeper) == "goal.start")) continue;
      std::string_view kind = service.empty() ? std::string_view() : text_at(*kinds, i, keeper);
      if (last == nullptr || last->name != name || last->kind != kind) {
        last = &counts[{std::string(name), std::string(kind)}];
        last->name = name;
        last->kind = kind;
        if (counts.size() > kOperationsMax)
          return Error(Code::kLimit, "more than 100,000 operations: name a service or a shorter time");
      }
      ++last->spans;
      last->failed += outcomes.failed(i, keeper) ? 1 : 0;
      last->durations.add(outcomes.duration(i));
    }
    return {};
  };
  std::vector<std::string> datasets = CLEW_TRY(span_datasets(source, access));
  for (const std::string& dataset : datasets) {
    Predicate where = ended_spans(dataset);
    if (!service.empty()) where = all_of({equals("service.name", service), std::move(where)});
    CLEW_TRY(walk.walk(dataset, where, visit));
  }
  std::vector<OperationCount> out;
  for (auto& [key, count] : counts) out.push_back(std::move(count));
  return out;
}

Result<std::vector<Dependency>> find_dependencies(contract::EventSource& source, const contract::Access& access,
                                                  const contract::TimeRange& range, std::stop_token stop,
                                                  uint64_t spans_at_once) {
  std::vector<std::string> datasets = CLEW_TRY(span_datasets(source, access));
  std::vector<Dependency> out;
  if (datasets.empty()) return out;
  BlockWalk walk(source, access, range, stop);
  uint64_t rows = CLEW_TRY(walk.rows(datasets));
  uint64_t parts = rows / spans_at_once + 1;
  std::map<std::pair<std::string, std::string>, Dependency> found;
  for (uint64_t part = 0; part < parts; ++part) {
    DependencyPass pass(part, parts);
    auto visit = [&](const Granule& granule, uint32_t block, const Selection& selected, ScanStats& stats) {
      return pass.take(granule, block, selected, stats);
    };
    for (const std::string& dataset : datasets) CLEW_TRY(walk.walk(dataset, ended_spans(dataset), visit));
    pass.add_calls(found);
  }
  for (auto& [key, dependency] : found) out.push_back(std::move(dependency));
  return out;
}

}  // namespace clew::trace
