#include "query/ppl/timechart.h"

#include "query/exec/rows.h"
#include "query/ppl/grouping.h"
#include "query/ppl/series.h"

namespace clew::query::ppl {

namespace {

constexpr uint64_t kSeriesDefault = 10;

// per_second(x) and its like are sum(x) over the span's length in that unit.
struct Rate {
  std::string_view name;
  double seconds;
};
constexpr Rate kRates[] = {{"per_second", 1}, {"per_minute", 60}, {"per_hour", 3600}, {"per_day", 86400}};

const Rate* rate_of(const expr::Expr& call) {
  for (const Rate& rate : kRates) {
    if (call.is_call(rate.name)) return &rate;
  }
  return nullptr;
}

class Timechart final : public Command {
 public:
  Timechart(std::string time_field, std::string span, std::vector<AggregateItem> aggregates, std::vector<KeyItem> by,
            exec::SeriesFold fold)
      : time_field_(std::move(time_field)),
        span_(std::move(span)),
        aggregates_(std::move(aggregates)),
        by_(std::move(by)),
        fold_(std::move(fold)) {}

  std::string print() const override {
    std::string out = "timechart timefield=" + expr::print_name(time_field_) + " span=" + expr::print_string(span_);
    if (!by_.empty()) out += print_series_options(fold_);
    return out + " " + ppl::print(aggregates_) + print_by(by_);
  }

  bool is_plain_timechart() const override { return by_.empty(); }

  Status bind(Pipeline& pipeline) const override {
    expr::Expr span;
    span.kind = expr::ExprKind::kTimeSpan;
    Result<expr::TimeSpan> parsed = expr::parse_time_span(span_);
    if (!parsed.ok()) return pipeline.fail(expr::kSyntaxError, "span is no time span: " + quoted(span_));
    span.time_span = *parsed;
    std::vector<KeyItem> items;
    items.push_back({time_field_,
                     expr::make_call("span", {expr::make_field(time_field_), std::make_shared<const expr::Expr>(span)}),
                     true});
    items.insert(items.end(), by_.begin(), by_.end());
    std::vector<Column> columns;
    std::vector<exec::GroupKey> keys = CLEW_TRY(bind_keys(pipeline, items, false, columns));
    keys[0].drop_null = true;
    columns[0].type = model::Type::kTimestamp;
    if (!by_.empty()) columns[1].type = model::Type::kString;
    std::vector<AggregateItem> aggregates = CLEW_TRY(without_rates(pipeline));
    std::vector<exec::AggregateCall> calls = CLEW_TRY(bind_calls(pipeline, aggregates, columns));
    auto step = std::make_shared<exec::AggregateStep>(std::move(keys), std::move(calls), "timechart", print());
    if (!by_.empty()) {
      exec::SeriesFold fold = fold_;
      fold.key = 1;
      step->fold_series(std::move(fold));
    }
    pipeline.add(std::move(step));
    pipeline.scope.replace(std::move(columns));
    return finish_rates(pipeline, span.time_span);
  }

 private:
  Result<std::vector<AggregateItem>> without_rates(Pipeline& pipeline) const {
    std::vector<AggregateItem> out = aggregates_;
    for (AggregateItem& item : out) {
      if (rate_of(*item.call) == nullptr) continue;
      if (item.call->args.size() != 1)
        return pipeline.fail(expr::kSemanticError, "a rate has one argument", item.call->span);
      item.call = expr::make_call("sum", item.call->args, item.call->span);
    }
    return out;
  }

  Status finish_rates(Pipeline& pipeline, const expr::TimeSpan& span) const {
    constexpr double kMonthSeconds = 30.0 * 86400;
    double seconds =
        span.calendar() ? static_cast<double>(span.months()) * kMonthSeconds : static_cast<double>(span.nanos()) / 1e9;
    for (const AggregateItem& item : aggregates_) {
      const Rate* rate = rate_of(*item.call);
      if (rate == nullptr) continue;
      expr::ExprPtr factor = expr::make_literal(model::Value::real(rate->seconds));
      expr::ExprPtr length = expr::make_literal(model::Value::real(seconds));
      expr::ExprPtr scaled = expr::make_call("*", {expr::make_field(item.name), factor});
      expr::BoundPtr bound = CLEW_TRY(pipeline.bind(*expr::make_call("/", {scaled, length})));
      Slot slot = pipeline.context.new_slot();
      model::Type type = bound->type;
      pipeline.add(std::make_shared<exec::ComputeStep>(std::vector<exec::Computed>{{slot, std::move(bound)}}, "rate",
                                                       item.name));
      pipeline.scope.set({item.name, slot, type});
    }
    return {};
  }

  std::string time_field_;
  std::string span_;
  std::vector<AggregateItem> aggregates_;
  std::vector<KeyItem> by_;
  exec::SeriesFold fold_;
};

}  // namespace

Result<CommandPtr> parse_timechart(CommandParser& parser) {
  std::string time_field = "@timestamp";
  std::string span = "1m";
  exec::SeriesFold fold;
  fold.limit = kSeriesDefault;
  while (true) {
    if (auto name = CLEW_TRY(parser.option("timefield"))) {
      time_field = *name;
      continue;
    }
    if (auto text = CLEW_TRY(parser.option("span"))) {
      span = *text;
      continue;
    }
    bool more = CLEW_TRY(take_series_option(parser, fold));
    if (!more) break;
  }
  std::vector<AggregateItem> aggregates = CLEW_TRY(parse_aggregates(parser));
  expr::SourceSpan by_span = parser.tokens.peek().span;
  std::vector<KeyItem> by = CLEW_TRY(parse_by(parser));
  if (by.size() > 1)
    return parser.tokens.fail(by_span, expr::kSemanticError, "timechart splits by one field; use stats for more");
  if (!by.empty() && aggregates.size() > 1) {
    return parser.tokens.fail(by_span, expr::kSemanticError, "timechart with `by` takes one aggregate");
  }
  return CommandPtr(std::make_shared<Timechart>(std::move(time_field), std::move(span), std::move(aggregates),
                                                std::move(by), std::move(fold)));
}

}  // namespace clew::query::ppl
