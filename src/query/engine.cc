#include "query/engine.h"

#include <algorithm>

#include <fmt/format.h>

#include "expr/diagnostic.h"
#include "query/exec/plan.h"
#include "query/exec/subplan.h"
#include "query/failures.h"
#include "query/ppl/events_part.h"
#include "query/ppl/query.h"
#include "query/ppl/subsearch.h"
#include "query/registry.h"

namespace clew::query {

namespace {

constexpr uint64_t kProgressEveryNanos = 100'000'000;
constexpr uint64_t kNanosPerMilli = 1'000'000;

// Hands rows to the receiver.
class ReceiverSink final : public exec::Operator {
 public:
  // `up_to`: of the request's page.
  ReceiverSink(exec::Run& run, const exec::Plan& plan, uint64_t up_to, Receiver& receiver)
      : run_(run), plan_(plan), up_to_(up_to), receiver_(receiver) {}

  // The schema goes out before any work, unless the steps still decide about columns.
  Status begin() { return plan_.late_columns ? Status() : tell_schema(); }

  Status push(exec::Block block) override {
    CLEW_TRY(tell_schema());
    RowBatch batch;
    batch.rows = block.rows;
    for (const exec::PlanColumn& column : shown_) {
      bool there = column.slot < block.slots.size() && block.slots[column.slot] != nullptr;
      batch.columns.push_back(there ? block.slots[column.slot] : exec::null_vector(block.rows));
    }
    rows_ += batch.rows;
    if (plan_.scan && plan_.scan->places && batch.rows != 0) batch.end = end_ = end_of(block);
    run_.stage(run_.stages() - 1).rows_in.fetch_add(batch.rows);
    CLEW_TRY(cancel_on_error(receiver_.rows(batch)));
    tell_progress();
    return {};
  }

  Status finish() override { return tell_schema(); }
  bool wants_more() const override { return true; }
  uint64_t rows() const { return rows_; }
  // Behind the last row that was handed out.
  const std::optional<Continuation>& end() const { return end_; }

 private:
  Continuation end_of(const exec::Block& block) const {
    const model::Vector& times = *block.at(plan_.scan->places->time);
    const model::Vector& seqs = *block.at(plan_.scan->places->seq);
    uint32_t last = block.rows - 1;
    Place place{times.value(last).i64(), static_cast<uint64_t>(seqs.value(last).i64())};
    return {up_to_ != 0 ? up_to_ : run_.scanned.up_to, place};
  }

  Status tell_schema() {
    if (told_schema_) return {};
    told_schema_ = true;
    std::vector<OutputColumn> schema;
    for (const exec::PlanColumn& column : plan_.columns) {
      if (run_.is_hidden(column.slot)) continue;
      shown_.push_back(column);
      schema.push_back({column.name, column.type});
    }
    return cancel_on_error(receiver_.begin(schema));
  }

  Status cancel_on_error(Status status) {
    if (status.ok()) return status;
    return Error(Code::kCancelled, status.error().message());
  }

  void tell_progress() {
    uint64_t now = run_.elapsed_ns();
    if (now - told_ns_ < kProgressEveryNanos) return;
    told_ns_ = now;
    receiver_.progress({run_.granules_read.load() + run_.granules_from_counts.load(), run_.granules_planned.load(),
                        run_.rows_scanned.load(), run_.rows_matched.load()});
  }

  exec::Run& run_;
  const exec::Plan& plan_;
  const uint64_t up_to_;
  Receiver& receiver_;
  std::vector<exec::PlanColumn> shown_;
  bool told_schema_ = false;
  uint64_t rows_ = 0;
  std::optional<Continuation> end_;
  uint64_t told_ns_ = 0;
};

// Throws rows away: what `explain analyze` runs the query into.
class NullSink final : public exec::Operator {
 public:
  explicit NullSink(exec::Run& run) : run_(run) {}
  Status push(exec::Block block) override {
    run_.stage(run_.stages() - 1).rows_in.fetch_add(block.rows);
    return {};
  }
  Status finish() override { return {}; }
  bool wants_more() const override { return true; }

 private:
  exec::Run& run_;
};

std::vector<StageStats> stages_of(exec::Run& run, const exec::Plan& plan) {
  std::vector<StageStats> out;
  StageStats scan;
  scan.name = "scan";
  scan.rows_in = run.rows_scanned.load();
  scan.rows_out = run.rows_matched.load();
  uint64_t inner = run.stages() > 1 ? run.stage(0).nanos.load() : 0;
  uint64_t all = run.elapsed_ns();
  scan.nanos = all > inner ? all - inner : 0;
  out.push_back(scan);
  for (size_t i = 0; i < plan.steps.size(); ++i) {
    StageStats stage;
    stage.name = plan.steps[i]->name();
    stage.rows_in = run.stage(i).rows_in.load();
    stage.rows_out = run.stage(i + 1).rows_in.load();
    uint64_t own = run.stage(i).nanos.load();
    uint64_t next = i + 1 < plan.steps.size() ? run.stage(i + 1).nanos.load() : 0;
    stage.nanos = own > next ? own - next : 0;
    out.push_back(std::move(stage));
  }
  return out;
}

std::vector<std::string> analyze_lines(const QueryStats& stats) {
  auto ms = [](uint64_t nanos) { return static_cast<double>(nanos) / 1e6; };
  std::vector<std::string> out;
  out.push_back(fmt::format("total {:.1f} ms, peak memory {} KiB", ms(stats.nanos), stats.memory_bytes_peak >> 10));
  out.push_back(
      fmt::format("granules {}: {} read, {} pruned by time, {} by statistics, {} by index, {} answered from counts",
                  stats.granules_total, stats.granules_read, stats.granules_pruned_by_time,
                  stats.granules_pruned_by_stats, stats.granules_pruned_by_index, stats.granules_from_counts));
  out.push_back(fmt::format("read {} KiB in {} reads of columns and {} of indexes, {} blocks decoded",
                            stats.bytes_read >> 10, stats.column_reads, stats.index_reads, stats.blocks_decoded));
  for (const StageStats& stage : stats.stages) {
    out.push_back(fmt::format("{}: {} rows in, {} rows out, {:.1f} ms", stage.name, stage.rows_in, stage.rows_out,
                              ms(stage.nanos)));
  }
  return out;
}

class EngineOfSource final : public Engine {
 public:
  EngineOfSource(contract::EventSource& source, const os::Clock& clock, EngineOptions options)
      : source_(source), clock_(clock), options_(options), pool_(options.workers), registry_(options.past_queries) {}

  Outcome run(const Request& request, Receiver& receiver, std::stop_token stop) override {
    uint64_t id = registry_.begin(request, clock_.now());
    receiver.registered(id);
    Outcome outcome = run_registered(id, request, receiver, std::move(stop));
    registry_.end(id, outcome);
    return outcome;
  }

  std::optional<Failure> check(const std::string& text) const override {
    if (text.size() > kQueryTextBytesMax) return too_long_failure();
    expr::TokenStream tokens(text);
    Result<ppl::QueryPtr> query = ppl::parse_query(tokens);
    if (query.ok()) return std::nullopt;
    return syntax_failure(text, tokens, query.error());
  }

  std::variant<RowSelector, Failure> selector(const std::string& text, const contract::Access& access) const override {
    if (text.size() > kQueryTextBytesMax) return too_long_failure();
    expr::TokenStream tokens(text);
    Result<ppl::QueryPtr> query = ppl::parse_query(tokens);
    if (!query.ok()) return syntax_failure(text, tokens, query.error());
    ppl::Context context(source_, access, clock_.now().get(), text);
    context.geo = options_.geo;
    Result<exec::PlanPtr> plan = ppl::plan_query(context, **query, {});
    if (!plan.ok()) return plan_failure(text, context, plan.error());
    if (!(*plan)->scan || !(*plan)->steps.empty()) {
      Failure out;
      out.kind = FailureKind::kUnsupported;
      out.reason = "rows are chosen by a search and where commands only";
      return out;
    }
    return selector_of(*plan);
  }

  std::variant<std::string, Failure> events_part(const std::string& text) const override {
    if (text.size() > kQueryTextBytesMax) return too_long_failure();
    expr::TokenStream tokens(text);
    Result<ppl::QueryPtr> query = ppl::parse_query(tokens);
    if (!query.ok()) return syntax_failure(text, tokens, query.error());
    if (!ppl::innermost(**query).own_rows) return ppl::events_part(**query);
    Failure out;
    out.kind = FailureKind::kUnsupported;
    out.reason = "the query makes its own rows and reads no events";
    return out;
  }

  std::variant<std::vector<std::string>, Failure> datasets_of(const std::string& text,
                                                              const contract::Access& access) const override {
    if (text.size() > kQueryTextBytesMax) return too_long_failure();
    expr::TokenStream tokens(text);
    Result<ppl::QueryPtr> query = ppl::parse_query(tokens);
    if (!query.ok()) return syntax_failure(text, tokens, query.error());
    const ppl::Query& inner = ppl::innermost(**query);
    if (inner.own_rows) return std::vector<std::string>();
    ppl::Context context(source_, access, clock_.now().get(), text);
    context.geo = options_.geo;
    Result<std::vector<std::string>> datasets = ppl::datasets_of(context, inner.search);
    if (!datasets.ok()) return plan_failure(text, context, datasets.error());
    return std::move(datasets).take();
  }

  std::vector<QueryRecord> queries() const override { return registry_.list(); }
  bool cancel(uint64_t id) override { return registry_.cancel(id); }

  base::WorkerPool& pool() override { return pool_; }

 private:
  static RowSelector selector_of(exec::PlanPtr plan) {
    RowSelector out;
    out.datasets = plan->scan->scan.datasets;
    out.range = plan->scan->scan.range;
    out.narrow = [plan](const contract::Granule& granule, uint32_t block, model::Selection& rows) -> Status {
      expr::Evaluator evaluator;
      contract::ScanStats stats;
      exec::BlockReader reader(granule, block, plan->scan->columns, evaluator, stats);
      uint32_t first = block * contract::kBlockRows;
      for (uint32_t& row : rows) row -= first;
      CLEW_TRY(exec::narrow(*plan->scan, reader, rows));
      for (uint32_t& row : rows) row += first;
      return {};
    };
    return out;
  }

  Outcome run_registered(uint64_t id, const Request& request, Receiver& receiver, std::stop_token stop) {
    Outcome outcome;
    if (request.text.size() > kQueryTextBytesMax) {
      outcome.failure = too_long_failure();
      return outcome;
    }
    expr::TokenStream tokens(request.text);
    Result<ppl::QueryPtr> query = ppl::parse_query(tokens);
    if (!query.ok()) {
      outcome.failure = syntax_failure(request.text, tokens, query.error());
      return outcome;
    }
    const int64_t now = request.page && request.page->now_nanos != 0 ? request.page->now_nanos : clock_.now().get();
    ppl::Context context(source_, request.access, now, request.text);
    context.geo = options_.geo;
    context.leaves = request.leaves;
    context.newest_first = request.newest_first;
    context.optimise = request.optimise;
    const uint64_t begun_ns = clock_.monotonic_ns();
    if ((*query)->explain != ppl::Explain::kPlan) {
      context.evaluate = [&](const exec::Plan& inner) { return evaluate(id, request, inner, begun_ns, stop); };
    }
    ppl::PlanOptions options{request.range, request.limits.rows, request.raw, request.ids, request.page};
    Result<exec::PlanPtr> plan = ppl::plan_query(context, **query, options);
    if (!plan.ok()) {
      bool limit = !context.fault() && plan.error().code() != Code::kForbidden;
      outcome.failure = limit ? run_failure(plan.error()) : plan_failure(request.text, context, plan.error());
      return outcome;
    }
    if (!within_time(request, begun_ns)) {
      outcome.failure =
          run_failure(Error(Code::kDeadline, fmt::format("the query ran longer than {} ms", request.limits.millis)));
      return outcome;
    }
    outcome.warnings = context.warnings();
    if ((*query)->explain != ppl::Explain::kNo) {
      explain(id, request, **query, **plan, millis_left(request, begun_ns), receiver, std::move(stop), outcome);
    } else {
      answer(id, request, **plan, millis_left(request, begun_ns), receiver, std::move(stop), outcome);
    }
    return outcome;
  }

  bool within_time(const Request& request, uint64_t begun_ns) const {
    return request.limits.millis == 0 || clock_.monotonic_ns() - begun_ns < request.limits.millis * kNanosPerMilli;
  }

  // What of the query's time subsearches have left; 0: no limit.
  uint64_t millis_left(const Request& request, uint64_t begun_ns) const {
    if (request.limits.millis == 0) return 0;
    uint64_t spent = (clock_.monotonic_ns() - begun_ns) / kNanosPerMilli;
    return request.limits.millis > spent ? request.limits.millis - spent : 1;
  }

  // Rows of a subsearch that becomes part of the plan; it runs within the query's limits.
  Result<std::vector<exec::Block>> evaluate(uint64_t id, const Request& request, const exec::Plan& plan,
                                            uint64_t begun_ns, const std::stop_token& stop) {
    if (!within_time(request, begun_ns)) {
      return Error(Code::kDeadline, fmt::format("the query ran longer than {} ms", request.limits.millis));
    }
    std::shared_ptr<exec::Run> run = begin_run(id, request, plan, millis_left(request, begun_ns), stop, false);
    exec::Held held(*run);
    return exec::collect_rows(*run, source_, plan, held, ppl::kSubsearchRowsMax, "the limit of a subsearch");
  }

  std::shared_ptr<exec::Run> begin_run(uint64_t id, const Request& request, const exec::Plan& plan, uint64_t millis,
                                       std::stop_token stop, bool cuttable = true) {
    exec::Run::Options options;
    options.millis_max = millis;
    options.memory_bytes_max = request.limits.memory_bytes;
    options.groups_max = request.limits.groups;
    options.block_rows = options_.block_rows;
    options.cuttable = cuttable && plan.row_query();
    options.cut_in_order = request.page && request.page->required;
    auto run = std::make_shared<exec::Run>(clock_, pool_, options, std::move(stop));
    run->begin_stages(plan.steps.size());
    registry_.attach(id, run);
    return run;
  }

  void answer(uint64_t id, const Request& request, const exec::Plan& plan, uint64_t millis, Receiver& receiver,
              std::stop_token stop, Outcome& outcome) {
    std::shared_ptr<exec::Run> run = begin_run(id, request, plan, millis, std::move(stop));
    ReceiverSink sink(*run, plan, request.page ? request.page->up_to : 0, receiver);
    Status status = sink.begin();
    if (status.ok()) status = exec::execute(*run, source_, plan, sink);
    finish(*run, request, plan, status, outcome);
    outcome.stats.rows_returned = sink.rows();
    if (!outcome.failure && request.page && plan.scan && plan.scan->places) {
      outcome.next = next_of(*run, *request.page, plan.scan->scan.order, sink.end());
    }
  }

  static bool is_behind(const Place& a, const Place& b, contract::Order order) {
    if (order == contract::Order::kOldestFirst) return a.time != b.time ? a.time > b.time : a.seq > b.seq;
    return a.time != b.time ? a.time < b.time : a.seq < b.seq;
  }

  // Where the next answer begins, when this one was cut and nothing that comes before was left out.
  static std::optional<Continuation> next_of(const exec::Run& run, const Page& page, contract::Order order,
                                             const std::optional<Continuation>& handed_out) {
    Continuation start{page.up_to != 0 ? page.up_to : run.scanned.up_to, page.after};
    std::optional<Continuation> next;
    if (run.cut_rows() != 0) next = handed_out;
    if (run.was_cut_by_time() && page.required) {
      // The scan knows whole granules, the receiver rows: the later of the two.
      next = run.scanned;
      if (handed_out && (!next->after || is_behind(*handed_out->after, *next->after, order))) next = handed_out;
    }
    if (!next) return std::nullopt;
    next->up_to = start.up_to;
    if (!next->after) next->after = start.after;
    return next;
  }

  static void finish(exec::Run& run, const Request& request, const exec::Plan& plan, const Status& status,
                     Outcome& outcome) {
    outcome.stats = stats_of(run);
    outcome.stats.stages = stages_of(run, plan);
    for (std::string& warning : run.warnings()) outcome.warnings.push_back(std::move(warning));
    if (!status.ok()) {
      outcome.failure = run_failure(status.error());
      return;
    }
    Exactness& exactness = outcome.exactness;
    exactness.damaged_rows = run.scan.damaged_rows.load();
    if (exactness.damaged_rows != 0) exactness.kind = Exactness::Kind::kDamaged;
    if (run.was_cut_by_time()) {
      exactness.kind = Exactness::Kind::kCut;
      exactness.limit = "time";
      exactness.value = request.limits.millis;
    } else if (run.cut_rows() != 0) {
      exactness.kind = Exactness::Kind::kCut;
      exactness.limit = "rows";
      exactness.value = run.cut_rows();
    }
  }

  void explain(uint64_t id, const Request& request, const ppl::Query& query, const exec::Plan& plan, uint64_t millis,
               Receiver& receiver, std::stop_token stop, Outcome& outcome) {
    std::vector<std::string> lines = exec::describe(plan);
    if (query.explain == ppl::Explain::kAnalyze) {
      std::shared_ptr<exec::Run> run = begin_run(id, request, plan, millis, std::move(stop));
      NullSink sink(*run);
      Status status = exec::execute(*run, source_, plan, sink);
      finish(*run, request, plan, status, outcome);
      if (outcome.failure) return;
      for (std::string& line : analyze_lines(outcome.stats)) lines.push_back(std::move(line));
    }
    std::vector<model::Value> values;
    for (std::string& line : lines) values.push_back(model::Value::string(std::move(line)));
    RowBatch batch;
    batch.rows = static_cast<uint32_t>(values.size());
    batch.columns.push_back(exec::vector_of(values));
    Status status = receiver.begin({{"plan", model::Type::kString}});
    if (status.ok()) status = receiver.rows(batch);
    if (!status.ok()) outcome.failure = run_failure(Error(Code::kCancelled, status.error().message()));
    outcome.stats.rows_returned = batch.rows;
  }

  contract::EventSource& source_;
  const os::Clock& clock_;
  const EngineOptions options_;
  base::WorkerPool pool_;
  Registry registry_;
};

}  // namespace

std::unique_ptr<Engine> Engine::make(contract::EventSource& source, const os::Clock& clock, EngineOptions options) {
  return std::make_unique<EngineOfSource>(source, clock, options);
}

}  // namespace clew::query
