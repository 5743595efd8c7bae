#include "api/trace_json.h"

#include <algorithm>
#include <map>

#include "api/json_body.h"
#include "api/json_writer.h"
#include "model/json_text.h"
#include "trace/critical_path.h"

namespace clew::api {
namespace {

using trace::Line;
using trace::Problem;
using trace::Record;
using trace::Step;
using trace::Trace;

constexpr size_t kBottlenecksShown = 10;
constexpr double kNanosPerMilli = 1e6;

double millis(int64_t nanos) { return static_cast<double>(nanos) / kNanosPerMilli; }

std::string time_text(int64_t nanos) {
  std::string out;
  model::append_rfc3339(nanos, out);
  return out;
}

struct ProblemName {
  Problem problem;
  std::string_view name;
};
constexpr ProblemName kProblems[] = {
    {Problem::kMissing, "missing"},
    {Problem::kNoEnd, "no_end"},
    {Problem::kNoStart, "no_start"},
    {Problem::kOrphan, "orphan"},
    {Problem::kCycle, "cycle"},
    {Problem::kInferred, "inferred"},
    {Problem::kOutlives, "outlives_parent"},
};

class TraceWriter {
 public:
  TraceWriter(const Trace& trace, TraceJsonOptions options, std::string& out)
      : trace_(trace), options_(options), order_(tree_order(trace)), json_(out) {}

  void write() {
    json_.begin_object();
    head();
    services();
    clocks();
    bottlenecks();
    critical_path();
    json_.key("steps");
    json_.begin_array();
    for (uint32_t s : order_.steps) step(s);
    json_.end_array();
    if (options_.lines && !trace_.loose_lines.empty()) {
      json_.key("lines");
      lines(trace_.loose_lines);
    }
    json_.end_object();
  }

 private:
  void head();
  void services();
  void clocks();
  void bottlenecks();
  void critical_path();
  void step(uint32_t index);
  void lines(const std::vector<uint32_t>& list);
  void attributes(const Record& record);
  int64_t place(uint32_t step) const { return static_cast<int64_t>(order_.place[step]); }

  const Trace& trace_;
  const TraceJsonOptions options_;
  const TreeOrder order_;
  JsonWriter json_;
};

void TraceWriter::head() {
  json_.member("trace_id", trace_.id);
  json_.member("found_by", trace_.found_by);
  if (trace_.requests_alike > 1) json_.member("requests_alike", static_cast<int64_t>(trace_.requests_alike));
  if (trace_.start != trace::kNoTime) {
    json_.member("start", time_text(trace_.start));
    json_.member_real("duration_ms", millis(trace_.duration()));
  }
  auto count = [&](auto test) {
    return static_cast<int64_t>(std::count_if(trace_.steps.begin(), trace_.steps.end(), test));
  };
  json_.member("spans", count([](const Step& s) { return !s.has(Problem::kMissing); }));
  json_.member("spans_received", static_cast<int64_t>(trace_.spans_received));
  json_.member("lines_count", static_cast<int64_t>(trace_.lines.size()));
  json_.member("failed", count([](const Step& s) { return s.outcome == trace::Outcome::kFailed; }));
  json_.member("open", count([](const Step& s) { return s.outcome == trace::Outcome::kOpen; }));
  if (trace_.main_root != trace::kNone) {
    const Step& root = trace_.steps[trace_.main_root];
    json_.member("root", place(trace_.main_root));
    json_.optional("outcome", trace::outcome_name(root.outcome));
    json_.optional("reason", root.reason);
  }
  json_.optional("damaged_rows", static_cast<int64_t>(trace_.records->damaged_rows));
  json_.optional_flag("cut", trace_.records->cut);
}

void TraceWriter::services() {
  struct Count {
    int64_t spans = 0;
    int64_t failed = 0;
    int64_t self = 0;
  };
  std::map<std::string_view, Count> by_service;
  for (const Step& s : trace_.steps) {
    if (s.service.empty()) continue;
    Count& count = by_service[s.service];
    ++count.spans;
    count.failed += s.outcome == trace::Outcome::kFailed ? 1 : 0;
    count.self += s.self;
  }
  json_.key("services");
  json_.begin_array();
  for (const auto& [name, count] : by_service) {
    json_.begin_object();
    json_.member("name", name);
    json_.member("spans", count.spans);
    json_.member("failed", count.failed);
    json_.member_real("self_ms", millis(count.self));
    json_.end_object();
  }
  json_.end_array();
}

void TraceWriter::clocks() {
  if (trace_.clocks.empty()) return;
  json_.key("clocks");
  json_.begin_array();
  for (const trace::ClockShift& c : trace_.clocks) {
    json_.begin_object();
    json_.member("host", c.host);
    json_.member_real("shift_ms", millis(c.shift));
    json_.member("calls", static_cast<int64_t>(c.pairs));
    json_.end_object();
  }
  json_.end_array();
}

void TraceWriter::bottlenecks() {
  json_.key("bottlenecks");
  json_.begin_array();
  for (const trace::Bottleneck& b : trace::bottlenecks(trace_, kBottlenecksShown)) {
    const Step& s = trace_.steps[b.step];
    json_.begin_object();
    json_.member("step", place(b.step));
    json_.member("name", s.name);
    json_.optional("service", s.service);
    json_.member_real("ms", millis(b.nanos));
    json_.member_real("share", b.share);
    json_.end_object();
  }
  json_.end_array();
}

void TraceWriter::critical_path() {
  json_.key("critical_path");
  json_.begin_array();
  for (const trace::Stretch& s : trace_.critical_path) {
    json_.begin_object();
    json_.member("step", place(s.step));
    json_.member_real("from_ms", millis(s.from - trace_.start));
    json_.member_real("ms", millis(s.to - s.from));
    json_.end_object();
  }
  json_.end_array();
}

void TraceWriter::attributes(const Record& record) {
  if (!options_.attributes) return;
  json_.key("attributes");
  json_.begin_object();
  for (uint32_t i = record.attributes_begin; i < record.attributes_end; ++i) {
    const trace::Attribute& a = trace_.records->attributes[i];
    json_.key(a.name);
    json_.value(a.value);
  }
  json_.end_object();
}

void TraceWriter::lines(const std::vector<uint32_t>& list) {
  json_.begin_array();
  for (uint32_t l : list) {
    const Line& line = trace_.lines[l];
    const Record& r = trace_.records->rows[line.record];
    json_.begin_object();
    json_.member("time", time_text(line.time));
    json_.member_real("offset_ms", millis(line.time - trace_.start));
    json_.optional("level", r.level);
    json_.member("message", r.message.empty() ? r.action_type : r.message);
    json_.optional("service", r.service);
    json_.optional("host", r.host);
    json_.member("dataset", r.dataset);
    json_.optional("_id", r.id);
    json_.member("_seq", static_cast<int64_t>(r.seq));
    json_.optional_flag("inferred", line.inferred);
    attributes(r);
    json_.end_object();
  }
  json_.end_array();
}

void TraceWriter::step(uint32_t index) {
  const Step& s = trace_.steps[index];
  json_.begin_object();
  json_.member("span_id", s.span_id);
  json_.key("parent");
  if (s.parent == trace::kNone)
    json_.null();
  else
    json_.number(place(s.parent));
  json_.optional("parent_span_id", s.parent_id);
  json_.member("depth", static_cast<int64_t>(order_.depth[index]));
  json_.member("name", s.name);
  json_.optional("service", s.service);
  json_.optional("kind", s.kind);
  json_.optional("host", s.host == s.service ? std::string_view() : s.host);
  json_.optional("process", s.process);
  json_.optional_flag("goal", s.goal);
  json_.optional("outcome", trace::outcome_name(s.outcome));
  json_.optional("reason", s.reason);
  json_.optional_flag("cause", s.cause);
  if (s.tries > 1) json_.member("tries", static_cast<int64_t>(s.tries));
  if (s.folded_into != trace::kNone) json_.member("folded_into", place(s.folded_into));
  json_.member("start", time_text(s.start));
  json_.member_real("offset_ms", millis(s.start - trace_.start));
  json_.member_real("duration_ms", millis(s.duration()));
  json_.member_real("self_ms", millis(s.self));
  if (s.critical != 0) json_.member_real("critical_ms", millis(s.critical));
  if (s.shift != 0) json_.member_real("shift_ms", millis(s.shift));
  if (s.copies > 1) json_.member("copies", static_cast<int64_t>(s.copies));
  if (s.problems != 0) {
    json_.key("problems");
    json_.begin_array();
    for (const ProblemName& p : kProblems) {
      if (s.has(p.problem)) json_.text(p.name);
    }
    json_.end_array();
  }
  if (s.record != trace::kNone) {
    json_.optional("dataset", trace_.record_of(s).dataset);
    json_.optional("_id", trace_.record_of(s).id);
    json_.member("_seq", static_cast<int64_t>(s.seq));
    attributes(trace_.record_of(s));
  }
  if (options_.lines && !s.lines.empty()) {
    json_.key("lines");
    lines(s.lines);
  }
  json_.end_object();
}

}  // namespace

TreeOrder tree_order(const Trace& trace) {
  TreeOrder order;
  order.place.assign(trace.steps.size(), 0);
  order.depth.assign(trace.steps.size(), 0);
  order.steps.reserve(trace.steps.size());
  std::vector<uint32_t> stack(trace.roots.rbegin(), trace.roots.rend());
  while (!stack.empty()) {
    uint32_t at = stack.back();
    stack.pop_back();
    const Step& step = trace.steps[at];
    order.place[at] = static_cast<uint32_t>(order.steps.size());
    if (step.parent != trace::kNone) order.depth[at] = order.depth[step.parent] + 1;
    order.steps.push_back(at);
    stack.insert(stack.end(), step.children.rbegin(), step.children.rend());
  }
  return order;
}

void append_trace_json(const Trace& trace, TraceJsonOptions options, std::string& out) {
  TraceWriter(trace, options, out).write();
}

}  // namespace clew::api
