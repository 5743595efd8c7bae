#include <algorithm>
#include <unordered_set>

#include <fmt/format.h>

#include "model/batch.h"
#include "query/exec/page.h"
#include "query/exec/rows.h"
#include "query/exec/sort.h"
#include "query/ppl/pushdown.h"
#include "query/ppl/query.h"
#include "query/ppl/search_condition.h"
#include "text/words.h"

namespace clew::query::ppl {

using contract::Predicate;

namespace {

// Datasets that a query without source= does not read.
constexpr std::string_view kOwnDatasets[] = {"traces", "audit", "clew"};

bool is_pattern(std::string_view name) { return name.find('*') != std::string_view::npos; }

// Name of the dataset of an index name or pattern with a trailing date or counter: `logs-2026.*` is `logs`.
std::string without_date(std::string_view name) {
  size_t dash = name.rfind('-');
  while (dash != std::string_view::npos && dash > 0) {
    char after = dash + 1 < name.size() ? name[dash + 1] : '*';
    if (after != '*' && (after < '0' || after > '9')) break;
    std::string_view base = name.substr(0, dash);
    size_t before = base.rfind('-');
    bool more = before != std::string_view::npos && before + 1 < base.size() && base[before + 1] >= '0' &&
                base[before + 1] <= '9';
    if (!more) return std::string(base);
    dash = before;
  }
  return std::string(name);
}

struct Sources {
  std::vector<std::string> datasets;
  std::vector<std::string> index_patterns;  // rows must have come under one of these names; empty: any
};

class SourceResolver {
 public:
  SourceResolver(Context& context, const Search& search) : context_(context), search_(search) {}

  Result<Sources> resolve() {
    std::vector<contract::DatasetInfo> infos = CLEW_TRY(context_.source().datasets(context_.access()));
    for (contract::DatasetInfo& info : infos) known_.push_back(std::move(info.name));
    if (search_.sources.empty()) {
      for (const std::string& name : known_) {
        bool own = std::find(std::begin(kOwnDatasets), std::end(kOwnDatasets), name) != std::end(kOwnDatasets);
        if (!own) take(name);
      }
      return std::move(out_);
    }
    bool exact_names = false;
    for (const std::string& name : search_.sources) {
      bool by_index = CLEW_TRY(resolve_one(name));
      exact_names = exact_names || !by_index;
    }
    if (exact_names) out_.index_patterns.clear();
    return std::move(out_);
  }

 private:
  void take(const std::string& name) {
    if (std::find(out_.datasets.begin(), out_.datasets.end(), name) == out_.datasets.end())
      out_.datasets.push_back(name);
  }

  // True: the name means rows of a dataset that came under such an index name.
  Result<bool> resolve_one(const std::string& name) {
    bool found = false;
    for (const std::string& known : known_) {
      if (is_pattern(name) ? text::wildcard_match(name, known) : name == known) {
        take(known);
        found = true;
      }
    }
    if (found) return false;
    std::string base = without_date(name);
    if (base != name && std::find(known_.begin(), known_.end(), base) != known_.end()) {
      take(base);
      out_.index_patterns.push_back(name);
      return true;
    }
    std::string closest = expr::closest_name(name, known_);
    return context_.fail(kDatasetNotFoundCode, "no such dataset [" + name + "]", search_.sources_span,
                         closest.empty() ? "" : "did you mean `" + closest + "`?");
  }

  Context& context_;
  const Search& search_;
  std::vector<std::string> known_;
  Sources out_;
};

// The top-level conjuncts of a search.
std::vector<SearchPtr> conjuncts_of(const SearchPtr& where) {
  if (where == nullptr) return {};
  if (where->kind == SearchNode::Kind::kAnd) return where->children;
  return {where};
}

SearchPtr index_condition(const std::vector<std::string>& patterns) {
  auto node = std::make_shared<SearchNode>();
  node->kind = SearchNode::Kind::kIn;
  node->field = "_index";
  node->values = patterns;
  return node;
}

Status add_search(Context& context, SourceFields& fields, const std::vector<SearchPtr>& conjuncts,
                  exec::ScanSpec& spec) {
  for (const SearchPtr& node : conjuncts) {
    if (node->kind == SearchNode::Kind::kTime) {
      int64_t t = CLEW_TRY(bind_time(context, *node));
      contract::TimeRange range;
      if (node->field == "earliest")
        range.from = t;
      else
        range.to = t == INT64_MAX ? t : t + 1;
      spec.scan.range = intersect(spec.scan.range, range);
      continue;
    }
    exec::ConditionPtr condition = CLEW_TRY(bind_search(context, fields, node));
    spec.conditions.push_back(std::move(condition));
    std::optional<Predicate> hint;
    if (context.optimise) hint = search_hint(fields, *node);
    if (hint) spec.scan.where.children.push_back(std::move(*hint));
  }
  return {};
}

Status begin_scan(Pipeline& pipeline, const Search& search, const contract::TimeRange& range) {
  Context& context = pipeline.context;
  Sources sources = CLEW_TRY(SourceResolver(context, search).resolve());
  std::shared_ptr<SourceFields> fields = CLEW_TRY(SourceFields::load(context, sources.datasets));
  pipeline.scope.open(fields);
  for (const std::string& name : search.sources) pipeline.scope.add_alias(name);
  if (!search.alias.empty()) pipeline.scope.add_alias(search.alias);
  pipeline.search = std::make_shared<const Search>(search);
  exec::ScanSpec spec;
  spec.access = context.access();
  spec.scan.datasets = sources.datasets;
  spec.scan.range = range;
  spec.scan.order = context.newest_first ? contract::Order::kNewestFirst : contract::Order::kOldestFirst;
  std::vector<SearchPtr> conjuncts = conjuncts_of(search.where);
  if (!sources.index_patterns.empty()) conjuncts.push_back(index_condition(sources.index_patterns));
  CLEW_TRY(add_search(context, *fields, conjuncts, spec));
  pipeline.asked = spec.scan.range;
  pipeline.plan.scan = std::move(spec);
  return {};
}

// ---- after binding

// A sort followed by head keeps only the rows that head wants.
void limit_sorts(exec::Plan& plan) {
  uint64_t wanted = UINT64_MAX;
  for (size_t i = plan.steps.size(); i-- > 0;) {
    auto sort = std::dynamic_pointer_cast<const exec::SortStep>(plan.steps[i]);
    if (sort != nullptr && wanted < sort->limit()) plan.steps[i] = sort->with_limit(wanted);
    wanted = plan.steps[i]->input_enough(wanted);
  }
}

size_t first_gathering(const exec::Plan& plan) {
  size_t k = 0;
  while (k < plan.steps.size() && plan.steps[k]->needs() == exec::Needs::kRow) ++k;
  return k;
}

// Rows that reach a sort on lanes come in no order: ties are broken by the query's order.
void break_ties(Pipeline& pipeline, SourceFields& fields) {
  exec::Plan& plan = pipeline.plan;
  size_t k = first_gathering(plan);
  if (k == plan.steps.size()) return;
  auto sort = std::dynamic_pointer_cast<const exec::SortStep>(plan.steps[k]);
  if (sort == nullptr) return;
  bool newest = pipeline.context.newest_first;
  Slot time = fields.find("@timestamp")->slot;
  Slot seq = fields.find("_seq")->slot;
  plan.steps[k] = sort->with_ties({{time, newest, exec::SortAs::kAuto}, {seq, newest, exec::SortAs::kAuto}});
}

void choose_output(Pipeline& pipeline, const SourceFields& fields) {
  exec::Plan& plan = pipeline.plan;
  std::vector<Slot> read;
  for (const exec::StepPtr& step : plan.steps) step->reads(read);
  for (const exec::PlanColumn& column : plan.columns) read.push_back(column.slot);
  std::unordered_set<Slot> wanted(read.begin(), read.end());
  for (const exec::SourceColumn& column : fields.columns()) {
    if (wanted.contains(column.slot)) plan.scan->output.push_back(column.slot);
  }
  plan.scan->columns = fields.columns();
}

// The field that a slot has as granules have it; empty when it is something else.
std::string field_of(const SourceFields& fields, Slot slot) {
  auto column = std::find_if(fields.columns().begin(), fields.columns().end(),
                             [&](const exec::SourceColumn& c) { return c.slot == slot; });
  bool stored = column != fields.columns().end() && column->from == exec::SourceColumn::From::kField;
  return stored ? column->field : "";
}

// An aggregation of counts by time and level, or by one field, may be answered from the source's own counts.
void use_counts(Pipeline& pipeline, SourceFields& fields) {
  exec::Plan& plan = pipeline.plan;
  size_t k = first_gathering(plan);
  if (k == plan.steps.size() || !plan.scan->conditions.empty()) return;
  auto aggregate = std::dynamic_pointer_cast<const exec::AggregateStep>(plan.steps[k]);
  if (aggregate == nullptr || !aggregate->counts_rows() || k > 1) return;
  exec::CountsPlan counts;
  counts.step = k;
  if (k == 0 && aggregate->keys().size() == 1) {
    counts.field = field_of(fields, aggregate->keys()[0].in);
    if (!counts.field.empty() && !counts.field.starts_with('_') && counts.field != "level") {
      counts.keys.push_back(exec::CountsPlan::Key::kField);
      plan.counts = std::move(counts);
      return;
    }
    counts.field.clear();
  }
  std::optional<Column> level = fields.find("level");
  for (const exec::GroupKey& key : aggregate->keys()) {
    auto span = std::find_if(pipeline.time_spans.begin(), pipeline.time_spans.end(),
                             [&](const Pipeline::TimeSpanKey& s) { return s.slot == key.in; });
    if (span != pipeline.time_spans.end() && counts.span_nanos == 0) {
      counts.span_nanos = span->nanos;
      counts.keys.push_back(exec::CountsPlan::Key::kTime);
    } else if (level && key.in == level->slot && level->type == model::Type::kString) {
      counts.keys.push_back(exec::CountsPlan::Key::kLevel);
    } else {
      return;
    }
  }
  bool spans_only = k == 0 || plan.steps[0]->name() == exec::kSpanStepName;
  if (spans_only) plan.counts = std::move(counts);
}

// Steps behind which every row still is one stored event.
bool keeps_events(const exec::Plan& plan) {
  static constexpr std::string_view kKeep[] = {"where", "sort", "head",  "dedup",    "reverse", "regex",
                                               "eval",  "rex",  "parse", "fillnull", "replace", "member"};
  return plan.scan && std::all_of(plan.steps.begin(), plan.steps.end(), [](const exec::StepPtr& step) {
           return step->needs() == exec::Needs::kRow ||
                  std::find(std::begin(kKeep), std::end(kKeep), step->name()) != std::end(kKeep);
         });
}

Status answer_raw(Pipeline& pipeline) {
  if (!keeps_events(pipeline.plan)) {
    return pipeline.fail(expr::kUnsupportedOperation,
                         "raw events need rows as they were stored: search, where, sort, head, dedup");
  }
  pipeline.scope.replace({*pipeline.source->find("_raw")});
  return {};
}

// ---- pages

// Behind a head these would make the number of rows handed out another than that of rows that the head counted.
bool takes_rows_out(const exec::Step& step) { return step.name() == "where" || step.name() == "regex"; }

// The step for which an answer cannot go on where another ended; null when it can.
const exec::Step* unpaged_step(const exec::Plan& plan) {
  bool headed = false;
  for (const exec::StepPtr& step : plan.steps) {
    auto head = std::dynamic_pointer_cast<const exec::HeadStep>(step);
    bool by_row = step->needs() == exec::Needs::kRow && !(headed && takes_rows_out(*step));
    bool first_head = head != nullptr && !headed && head->from() == 0;
    if (!by_row && !first_head) return step.get();
    headed = headed || head != nullptr;
  }
  return nullptr;
}

Status check_paged(Pipeline& pipeline) {
  constexpr const char* kWhich =
      "searches with where, fields, eval, rename, parse and the like, and one head at the end, rows by time";
  if (!pipeline.plan.scan) {
    return pipeline.fail(
        expr::kUnsupportedOperation,
        fmt::format("the query reads no events and cannot be paged or resumed: what can are {}", kWhich));
  }
  const exec::Step* step = unpaged_step(pipeline.plan);
  if (step == nullptr) return {};
  return pipeline.fail(
      expr::kUnsupportedOperation,
      fmt::format("a query with {} cannot be paged or resumed: what can are {}", step->name(), kWhich));
}

// Lets the rows carry their places, and begin behind the place where the answer before ended.
Status plan_page(Pipeline& pipeline, const Page& page) {
  exec::Plan& plan = pipeline.plan;
  if (page.required) CLEW_TRY(check_paged(pipeline));
  if (!plan.scan || unpaged_step(plan) != nullptr) return {};
  SourceFields& fields = *pipeline.source;
  exec::ScanSpec& spec = *plan.scan;
  spec.places = exec::PlaceSlots{fields.find("@timestamp")->slot, fields.find("_seq")->slot};
  if (page.after) spec.scan.range = exec::range_behind(spec.scan.range, spec.scan.order, *page.after);
  if (page.up_to != 0 || page.after) {
    auto condition = std::make_shared<const exec::PageCondition>(spec.scan.order, page.up_to, page.after);
    spec.conditions.insert(spec.conditions.begin(), std::move(condition));
  }
  for (exec::StepPtr& step : plan.steps) {
    auto head = std::dynamic_pointer_cast<const exec::HeadStep>(step);
    if (head == nullptr || page.rows_before == 0) continue;
    uint64_t left = head->count() - std::min(head->count(), page.rows_before);
    step = std::make_shared<const exec::HeadStep>(left, 0, exec::HeadStep::Kind::kAsked);
  }
  return {};
}

void add_ids(Pipeline& pipeline) {
  exec::Plan& plan = pipeline.plan;
  bool there = std::any_of(plan.columns.begin(), plan.columns.end(),
                           [](const exec::PlanColumn& column) { return column.name == model::kIdField; });
  if (there || !keeps_events(plan)) return;
  Column id = *pipeline.source->find(model::kIdField);
  plan.columns.insert(plan.columns.begin(), {id.name, id.slot, id.type});
}

Status finish_plan(Pipeline& pipeline, const PlanOptions& options) {
  exec::Plan& plan = pipeline.plan;
  if (options.raw) CLEW_TRY(answer_raw(pipeline));
  if (options.page) CLEW_TRY(plan_page(pipeline, *options.page));
  std::vector<Column> columns = pipeline.scope.all();
  for (const std::string& name : options.members) (void)pipeline.own_column(columns, name);
  pipeline.add_members();
  for (const Column& column : columns) plan.columns.push_back({column.name, column.slot, column.type});
  if (options.ids) add_ids(pipeline);
  if (options.rows_limit != 0 && plan.row_query()) {
    plan.steps.push_back(std::make_shared<exec::HeadStep>(options.rows_limit, 0, exec::HeadStep::Kind::kDefaultLimit));
  }
  plan.lanes = pipeline.context.optimise;
  if (pipeline.context.optimise) limit_sorts(plan);
  if (!plan.scan) return {};
  SourceFields& fields = *pipeline.source;
  if (pipeline.context.optimise) {
    break_ties(pipeline, fields);
    use_counts(pipeline, fields);
  }
  choose_output(pipeline, fields);
  return {};
}

}  // namespace

namespace {

Status begin(Pipeline& pipeline, const Query& query, const contract::TimeRange& range) {
  if (query.from != nullptr) {
    CLEW_TRY(begin(pipeline, *query.from, range));
    CLEW_TRY(pipeline.bind_all(*query.from));
    pipeline.scope.replace(pipeline.scope.all());
    if (!query.search.alias.empty()) pipeline.scope.add_alias(query.search.alias);
    return {};
  }
  if (query.own_rows) return {};
  CLEW_TRY(begin_scan(pipeline, query.search, range));
  pipeline.source = pipeline.scope.source();
  return {};
}

}  // namespace

Result<std::vector<std::string>> datasets_of(Context& context, const Search& search) {
  Sources sources = CLEW_TRY(SourceResolver(context, search).resolve());
  return std::move(sources.datasets);
}

Result<exec::PlanPtr> plan_query(Context& context, const Query& query, const PlanOptions& options) {
  Pipeline pipeline(context);
  pipeline.range = options.range;
  CLEW_TRY(begin(pipeline, query, options.range));
  CLEW_TRY(pipeline.bind_all(query));
  CLEW_TRY(finish_plan(pipeline, options));
  return exec::PlanPtr(std::make_shared<const exec::Plan>(std::move(pipeline.plan)));
}

}  // namespace clew::query::ppl
