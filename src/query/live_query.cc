#include "query/live_query.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/worker_pool.h"
#include "model/canonical.h"
#include "query/encode.h"
#include "query/engine.h"
#include "query/exec/plan.h"
#include "query/exec/row_fetch.h"
#include "query/exec/rows.h"
#include "query/failures.h"
#include "query/live_names.h"
#include "query/ppl/query.h"
#include "text/valid_utf8.h"

namespace clew::query {
namespace {

using contract::kBlockRows;

constexpr size_t kExpectedNamesMax = 100;
constexpr uint64_t kTimesFreshNs = 1'000'000'000;  // a plan that looks at the clock is made anew after this
constexpr size_t kManyColumns = 64;                // beyond so many, columns that a granule lacks are not asked for

// Parts of names of functions and conditions whose meaning moves with the clock.
constexpr std::string_view kClockWords[] = {"now",  "earliest", "latest",    "sysdate",      "cur",
                                            "utc_", "local",    "timestamp", "relative_time"};

bool looks_at_the_clock(std::string text) {
  for (char& c : text) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c);
  return std::any_of(std::begin(kClockWords), std::end(kClockWords),
                     [&](std::string_view word) { return text.find(word) != std::string::npos; });
}

// The name in "Field [x] not found." and "no such dataset [x]".
std::string bracketed(std::string_view message) {
  size_t open = message.find('[');
  size_t close = message.find(']', open == std::string_view::npos ? 0 : open);
  if (open == std::string_view::npos || close == std::string_view::npos) return "";
  return std::string(message.substr(open + 1, close - open - 1));
}

bool is_live(const exec::Step& step) { return step.needs() == exec::Needs::kRow && step.name() != "subsearch"; }

bool is_live(const exec::Plan& plan) {
  return plan.scan &&
         std::all_of(plan.steps.begin(), plan.steps.end(), [](const auto& step) { return is_live(*step); });
}

// Every row that goes in comes out.
bool keeps_number(const exec::Step& step) {
  return dynamic_cast<const exec::ComputeStep*>(&step) != nullptr ||
         dynamic_cast<const exec::MapStep*>(&step) != nullptr;
}

struct LivePlan {
  exec::Plan plan;
  exec::Slot seq = 0;
  exec::Slot id = 0;
  bool counts_by_scan = false;  // as many rows come out as the scan finds
};
using LivePlanPtr = std::shared_ptr<const LivePlan>;

// Takes rows as records.
class RecordSink final : public exec::Operator {
 public:
  RecordSink(exec::Run& run, const LivePlan& plan, const LiveLimits& limits, LiveAnswer& out)
      : run_(run), plan_(plan), limits_(limits), out_(out) {}

  Status push(exec::Block block) override {
    std::vector<OutputColumn> schema;
    RowBatch batch;
    batch.rows = block.rows;
    for (const exec::PlanColumn& column : plan_.plan.columns) {
      bool there = column.slot < block.slots.size() && block.slots[column.slot] != nullptr;
      if (!there || run_.is_hidden(column.slot)) continue;
      schema.push_back({column.name, column.type});
      batch.columns.push_back(block.slots[column.slot]);
    }
    const model::Vector& seqs = *block.at(plan_.seq);
    const model::Vector& ids = *block.at(plan_.id);
    for (uint32_t row = 0; row < block.rows; ++row) {
      auto seq = static_cast<uint64_t>(seqs.i64[seqs.at(row)]);
      full_ = out_.records.size() >= limits_.rows || bytes_ >= limits_.bytes;
      if (full_) return {};
      LiveRecord record{.seq = seq, .id = ids.is_null(row) ? std::string() : ids.value(row).text(), .row = {}};
      append_json_row(schema, batch, row, record.row);
      record.row = text::valid_utf8(std::move(record.row));
      bytes_ += record.row.size();
      out_.records.push_back(std::move(record));
    }
    return {};
  }
  Status finish() override { return {}; }
  bool wants_more() const override { return !full_; }

  bool is_full() const { return full_; }

 private:
  exec::Run& run_;
  const LivePlan& plan_;
  const LiveLimits& limits_;
  LiveAnswer& out_;
  uint64_t bytes_ = 0;
  bool full_ = false;
};

class CountSink final : public exec::Operator {
 public:
  Status push(exec::Block block) override {
    rows_ += block.rows;
    return {};
  }
  Status finish() override { return {}; }
  bool wants_more() const override { return true; }
  uint64_t rows() const { return rows_; }

 private:
  uint64_t rows_ = 0;
};

class Planner {
 public:
  Planner(LiveParts parts, const LiveRequest& request, LiveNames& names)
      : parts_(parts), request_(request), names_(names) {}

  std::variant<LivePlanPtr, Failure> plan() {
    if (request_.text.size() > kQueryTextBytesMax) return too_long_failure();
    expr::TokenStream tokens(request_.text);
    Result<ppl::QueryPtr> query = ppl::parse_query(tokens);
    if (!query.ok()) return syntax_failure(request_.text, tokens, query.error());
    if ((*query)->explain != ppl::Explain::kNo) return refusal("explain", 0, "ask `clew query` for the plan");
    while (true) {
      ppl::Context context(names_, request_.access, parts_.clock.now().get(), request_.text);
      context.geo = parts_.geo;
      prepare(context);
      Result<exec::PlanPtr> made = ppl::plan_query(
          context, **query, {.range = {}, .rows_limit = 0, .raw = request_.raw, .ids = false, .page = {}});
      if (!made.ok() && expect_more(context)) continue;
      if (!made.ok()) return refusal_of(**query).value_or(plan_failure(request_.text, context, made.error()));
      if (!is_live(**made)) return refusal_of(**query).value_or(refusal("this query", 0, ""));
      return finished(context, **made);
    }
  }

 private:
  static void prepare(ppl::Context& context) {
    context.leaves = true;
    context.evaluate = [&context](const exec::Plan&) -> Result<std::vector<exec::Block>> {
      return context.fail(
          expr::kUnsupportedOperation,
          "a subsearch looks at what is stored; events that are followed as they come are judged each by "
          "itself");
    };
  }

  // True when the fault is a name that may come yet; it is expected from now on.
  bool expect_more(const ppl::Context& context) {
    if (!context.fault() || names_.expected_fields().size() + names_.expected_datasets().size() >= kExpectedNamesMax)
      return false;
    bool dataset = context.fault()->code == ppl::kDatasetNotFoundCode;
    if (!dataset && context.fault()->code != expr::kFieldNotFound) return false;
    std::string name = bracketed(context.fault()->message);
    const auto& known = dataset ? names_.expected_datasets() : names_.expected_fields();
    bool pattern = name.find('*') != std::string::npos;
    if (name.empty() || pattern || std::find(known.begin(), known.end(), name) != known.end()) return false;
    dataset ? names_.expect_dataset(std::move(name)) : names_.expect_field(std::move(name));
    return true;
  }

  std::variant<LivePlanPtr, Failure> finished(ppl::Context& context, const exec::Plan& made) {
    auto out = std::make_shared<LivePlan>();
    out->plan = made;
    out->seq = context.new_slot();
    out->id = context.new_slot();
    exec::ScanSpec& scan = *out->plan.scan;
    for (auto [slot, field] : {std::pair(out->seq, "_seq"), std::pair(out->id, "_id")}) {
      scan.columns.push_back({slot, field, exec::SourceColumn::From::kField, nullptr});
      scan.output.push_back(slot);
    }
    const auto& steps = out->plan.steps;
    out->counts_by_scan = std::all_of(steps.begin(), steps.end(), [](const auto& step) { return keeps_number(*step); });
    return LivePlanPtr(std::move(out));
  }

  // Says which command looks at more than one event; none when no command does.
  std::optional<Failure> refusal_of(const ppl::Query& query) {
    if (query.own_rows) return refusal(first_word(query, 0), 0, "it makes rows of its own and reads no events");
    for (size_t k = 1; k <= query.commands.size(); ++k) {
      ppl::Query part = query;
      part.commands.resize(k);
      ppl::Context context(names_, request_.access, parts_.clock.now().get(), request_.text);
      context.geo = parts_.geo;
      prepare(context);
      Result<exec::PlanPtr> made = ppl::plan_query(context, part, {});
      if (!made.ok() || is_live(**made)) continue;
      uint32_t at = k - 1 < query.places.size() ? query.places[k - 1] : 0;
      bool subsearch = std::any_of((*made)->steps.begin(), (*made)->steps.end(),
                                   [](const auto& step) { return step->name() == "subsearch"; });
      return refusal(subsearch ? "a subsearch" : first_word(query, k - 1), at, "");
    }
    return std::nullopt;
  }

  static std::string first_word(const ppl::Query& query, size_t command) {
    std::string text = query.commands[command]->print();
    return "`" + text.substr(0, text.find(' ')) + "`";
  }

  Failure refusal(const std::string& what, uint32_t at, const std::string& why) {
    Failure out;
    out.kind = FailureKind::kUnsupported;
    out.reason = what + (why.empty() ? " looks at more than one event" : ": " + why) +
                 "; events that are followed as they come pass commands that look at each by itself: a search, where, "
                 "fields, eval, rename, rex, parse, grok, spath, regex, replace, fillnull";
    expr::LineColumn place = expr::locate(request_.text, at);
    out.line = place.line;
    out.column = place.column;
    out.suggestions.push_back("ask it over what is stored, with `clew query` or POST /clew/v1/search");
    return out;
  }

  LiveParts parts_;
  const LiveRequest& request_;
  LiveNames& names_;
};

class LiveQueryOfFeed final : public LiveQuery {
 public:
  LiveQueryOfFeed(LiveParts parts, LiveRequest request)
      : parts_(parts),
        request_(std::move(request)),
        names_(parts.source),
        pool_(1),
        clocked_(looks_at_the_clock(request_.text)) {}

  // The failure of planning; none when there is a plan.
  std::optional<Failure> replan(std::vector<contract::GranulePtr> samples) {
    uint64_t version = parts_.feed.names_version();
    names_.set_samples(std::move(samples));
    std::variant<LivePlanPtr, Failure> made = Planner(parts_, request_, names_).plan();
    names_.set_samples({});
    if (auto* failure = std::get_if<Failure>(&made)) return std::move(*failure);
    plan_ = std::get<LivePlanPtr>(std::move(made));
    version_ = version;
    planned_ns_ = parts_.clock.monotonic_ns();
    return std::nullopt;
  }

  const LiveRequest& request() const override { return request_; }

  std::vector<std::string> warnings() const override {
    std::vector<std::string> out;
    for (const std::string& name : names_.expected_datasets())
      out.push_back("there is no dataset [" + name + "] yet: it is waited for");
    for (const std::string& name : names_.expected_fields())
      out.push_back("no event has a field [" + name + "] yet: it is null until one comes");
    return out;
  }

  Result<LiveAnswer> rows(const contract::FeedPiece& piece, const LiveLimits& limits) override {
    refresh(piece);
    exec::Run run = make_run(limits, {});
    std::vector<Fed> found = CLEW_TRY(find(run, piece));
    LiveAnswer answer;
    answer.up_to = piece.range.up_to;
    bool cut = found.size() > limits.rows;
    if (cut) {
      std::nth_element(found.begin(), found.begin() + static_cast<ptrdiff_t>(limits.rows), found.end());
      found.resize(limits.rows);
    }
    std::sort(found.begin(), found.end());
    if (cut) answer.up_to = Seq(found.back().seq);
    RecordSink sink(run, *plan_, limits, answer);
    CLEW_TRY(push(run, piece, found, sink));
    if (sink.is_full()) answer.up_to = Seq(answer.records.back().seq);
    answer.matched = answer.records.size();
    answer.damaged_rows = run.scan.damaged_rows.load();
    return answer;
  }

  Result<LiveAnswer> count(const contract::FeedPiece& piece, const LiveLimits& limits) override {
    refresh(piece);
    exec::Run run = make_run(limits, {});
    std::vector<Fed> found = CLEW_TRY(find(run, piece));
    LiveAnswer answer;
    answer.up_to = piece.range.up_to;
    answer.matched = found.size();
    if (!plan_->counts_by_scan) {
      CountSink sink;
      CLEW_TRY(push(run, piece, found, sink));
      answer.matched = sink.rows();
    }
    answer.damaged_rows = run.scan.damaged_rows.load();
    return answer;
  }

  Result<LiveAnswer> newest(contract::TimeRange range, Seq up_to, const LiveLimits& limits,
                            std::stop_token stop) override {
    LiveAnswer answer;
    answer.up_to = up_to;
    LivePlan plan = *plan_;
    contract::TimeRange& asked = plan.plan.scan->scan.range;
    asked = {std::max(asked.from, range.from), std::min(asked.to, range.to)};
    plan.plan.scan->scan.order = contract::Order::kNewestFirst;
    plan.plan.steps.push_back(std::make_shared<exec::HeadStep>(limits.rows, 0, exec::HeadStep::Kind::kAsked));
    exec::Run run = make_run(limits, std::move(stop));
    RecordSink sink(run, plan, limits, answer);
    CLEW_TRY(exec::execute(run, parts_.source, plan.plan, sink));
    std::erase_if(answer.records, [&](const LiveRecord& record) { return record.seq > up_to.get(); });
    std::reverse(answer.records.begin(), answer.records.end());
    answer.matched = answer.records.size();
    answer.damaged_rows = run.scan.damaged_rows.load();
    return answer;
  }

 private:
  // A row that meets the conditions.
  struct Fed {
    uint64_t seq = 0;
    exec::RowPlace place;
    bool operator<(const Fed& other) const { return seq < other.seq; }
  };

  // What came with the piece may have names that the plan does not know. A plan that cannot be made any more, because a
  // field has another type now, stays as it was.
  void refresh(const contract::FeedPiece& piece) {
    bool old = clocked_ && parts_.clock.monotonic_ns() - planned_ns_ > kTimesFreshNs;
    if (!old && parts_.feed.names_version() == version_) return;
    std::vector<contract::GranulePtr> samples;
    if (!piece.granules.empty()) samples = {piece.granules.front().granule, piece.granules.back().granule};
    (void)replan(std::move(samples));
  }

  exec::Run make_run(const LiveLimits& limits, std::stop_token stop) {
    exec::Run::Options options;
    options.millis_max = limits.millis;
    options.memory_bytes_max = limits.memory_bytes;
    return exec::Run(parts_.clock, pool_, options, std::move(stop));
  }

  bool reads(const contract::Granule& granule) const {
    const exec::ScanSpec& scan = *plan_->plan.scan;
    const auto& datasets = scan.scan.datasets;
    if (std::find(datasets.begin(), datasets.end(), granule.dataset()) == datasets.end()) return false;
    const contract::TimeRange& range = scan.scan.range;
    if (granule.time_max() < range.from || granule.time_min() >= range.to) return false;
    return std::all_of(scan.conditions.begin(), scan.conditions.end(),
                       [&](const exec::ConditionPtr& condition) { return condition->may_match(granule); });
  }

  Result<std::vector<Fed>> find(exec::Run& run, const contract::FeedPiece& piece) {
    std::vector<Fed> out;
    expr::Evaluator evaluator;
    for (uint32_t g = 0; g < piece.granules.size(); ++g) {
      const contract::Granule& granule = *piece.granules[g].granule;
      if (!reads(granule)) continue;
      for (uint32_t block = 0; block * kBlockRows < granule.rows(); ++block) {
        CLEW_TRY(run.check());
        exec::BlockReader reader(granule, block, plan_->plan.scan->columns, evaluator, run.scan);
        Status status = find_in(reader, piece, g, block, out);
        CLEW_TRY(exec::leave_out_damaged(run, std::move(status), reader.rows()));
      }
    }
    return out;
  }

  Status find_in(exec::BlockReader& reader, const contract::FeedPiece& piece, uint32_t g, uint32_t block,
                 std::vector<Fed>& out) {
    model::Selection rows;
    reader.alive(rows);
    if (!piece.granules[g].whole) CLEW_TRY(narrow_to(piece.range, reader, rows));
    CLEW_TRY(exec::narrow(*plan_->plan.scan, reader, rows));
    if (rows.empty()) return {};
    model::VectorPtr seqs = CLEW_TRY(reader.field("_seq", rows));
    for (uint32_t i = 0; i < rows.size(); ++i) {
      out.push_back({static_cast<uint64_t>(seqs->i64[seqs->at(i)]), {g, block * kBlockRows + rows[i]}});
    }
    return {};
  }

  static Status narrow_to(const contract::SeqRange& range, exec::BlockReader& reader, model::Selection& rows) {
    if (rows.empty()) return {};
    model::VectorPtr seqs = CLEW_TRY(reader.field("_seq", rows));
    model::Selection kept;
    for (uint32_t i = 0; i < rows.size(); ++i) {
      if (range.contains(static_cast<uint64_t>(seqs->i64[seqs->at(i)]))) kept.push_back(rows[i]);
    }
    rows = std::move(kept);
    return {};
  }

  Status push(exec::Run& run, const contract::FeedPiece& piece, const std::vector<Fed>& found, exec::Operator& sink) {
    if (found.empty()) return {};
    std::vector<contract::GranulePtr> granules;
    for (const contract::FedGranule& fed : piece.granules) granules.push_back(fed.granule);
    std::vector<exec::RowPlace> places;
    for (const Fed& fed : found) places.push_back(fed.place);
    const exec::Plan& plan = plan_->plan;
    run.begin_stages(plan.steps.size());
    exec::Chain chain(plan.steps, 0, plan.steps.size(), run, &sink);
    exec::ScanSpec narrowed;
    const exec::ScanSpec* spec = &*plan.scan;
    if (spec->output.size() > kManyColumns) {
      narrowed = CLEW_TRY(without_absent(piece));
      spec = &narrowed;
    }
    CLEW_TRY(exec::push_rows(run, *spec, granules, places, chain.first()));
    return chain.first().finish();
  }

  // The scan without columns that are plain fields and that no granule of the piece has.
  Result<exec::ScanSpec> without_absent(const contract::FeedPiece& piece) const {
    std::vector<std::string> there;
    for (const contract::FedGranule& fed : piece.granules) {
      std::vector<std::string> names = CLEW_TRY(fed.granule->field_names());
      there.insert(there.end(), std::make_move_iterator(names.begin()), std::make_move_iterator(names.end()));
    }
    std::sort(there.begin(), there.end());
    exec::ScanSpec out = *plan_->plan.scan;
    std::erase_if(out.output, [&](exec::Slot slot) {
      auto column = std::find_if(out.columns.begin(), out.columns.end(),
                                 [slot](const exec::SourceColumn& c) { return c.slot == slot; });
      bool plain = column != out.columns.end() && column->from == exec::SourceColumn::From::kField &&
                   !column->field.starts_with('_') && !column->field.starts_with('@') &&
                   !model::is_canonical(column->field);
      return plain && !std::binary_search(there.begin(), there.end(), column->field);
    });
    return out;
  }

  const LiveParts parts_;
  const LiveRequest request_;
  LiveNames names_;
  base::WorkerPool pool_;
  const bool clocked_;
  LivePlanPtr plan_;
  uint64_t version_ = 0;
  uint64_t planned_ns_ = 0;
};

}  // namespace

std::variant<std::unique_ptr<LiveQuery>, Failure> LiveQuery::make(LiveParts parts, LiveRequest request) {
  auto query = std::make_unique<LiveQueryOfFeed>(parts, std::move(request));
  if (std::optional<Failure> failure = query->replan({})) return std::move(*failure);
  return std::unique_ptr<LiveQuery>(std::move(query));
}

}  // namespace clew::query
