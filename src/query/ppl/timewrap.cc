#include "query/ppl/timewrap.h"

#include <algorithm>
#include <map>

#include "expr/coerce.h"
#include "expr/time_math.h"
#include "query/exec/gather.h"

namespace clew::query::ppl {

namespace {

using model::Type;
using model::Value;

constexpr size_t kPeriodsShownMax = 20;                 // with data, the newest
constexpr int64_t kPeriodsMax = 5'000;                  // in the range of the query
constexpr int64_t kWeekBegin = 4 * expr::kNanosPerDay;  // 1970-01-05, a Monday

struct Wrap {
  int64_t count = 1;
  std::string unit;   // "day"
  int64_t nanos = 0;  // of one period
  bool weeks = false;

  int64_t period_of(int64_t t) const { return expr::floor_div(t - (weeks ? kWeekBegin : 0), nanos); }
  int64_t begin_of(int64_t period) const { return period * nanos + (weeks ? kWeekBegin : 0); }
};

class WrapStep final : public exec::GatherStep {
 public:
  struct Series {
    Slot in = 0;
    std::vector<Slot> out;  // by period, oldest first
  };
  WrapStep(Wrap wrap, Slot time, Slot time_out, int64_t first, int64_t reference, std::vector<Series> series,
           std::string text)
      : wrap_(std::move(wrap)),
        time_(time),
        time_out_(time_out),
        first_(first),
        reference_(reference),
        series_(std::move(series)),
        text_(std::move(text)) {}
  std::string name() const override { return "timewrap"; }
  std::string describe() const override { return text_; }
  bool row_query() const override { return false; }
  void reads(std::vector<Slot>& out) const override {
    out.push_back(time_);
    for (const Series& series : series_) out.push_back(series.in);
  }

  Status make(exec::Run& run, std::vector<exec::Block> blocks, exec::Operator& next) const override {
    size_t periods = series_[0].out.size();
    std::vector<bool> filled(periods);
    std::map<int64_t, std::vector<Value>> rows;  // by offset in the period: series x periods
    exec::Held held(run);
    for (const exec::Block& block : blocks) {
      model::VectorPtr times = exec::column_of(block, time_);
      for (uint32_t row = 0; row < block.rows; ++row) {
        if (times->is_null(row)) continue;
        int64_t t = times->value(row).i64();
        int64_t period = wrap_.period_of(t);
        if (period < first_ || period - first_ >= static_cast<int64_t>(periods)) continue;
        auto place = static_cast<size_t>(period - first_);
        filled[place] = true;
        std::vector<Value>& cells = rows[t - wrap_.begin_of(period)];
        cells.resize(series_.size() * periods);
        for (size_t i = 0; i < series_.size(); ++i)
          cells[i * periods + place] = exec::column_of(block, series_[i].in)->value(row);
      }
      CLEW_TRY(held.set(rows.size() * series_.size() * periods * sizeof(Value)));
      CLEW_TRY(run.check());
    }
    hide_empty(run, filled);
    return write(run, rows, next);
  }

 private:
  // Only periods with data have a column, and of those the newest.
  void hide_empty(exec::Run& run, const std::vector<bool>& filled) const {
    size_t shown = 0;
    for (size_t place = filled.size(); place-- > 0;) {
      if (filled[place] && ++shown <= kPeriodsShownMax) continue;
      for (const Series& series : series_) run.hide_column(series.out[place]);
    }
  }

  Status write(exec::Run& run, const std::map<int64_t, std::vector<Value>>& rows, exec::Operator& next) const {
    std::vector<Slot> slots = {time_out_};
    for (const Series& series : series_) slots.insert(slots.end(), series.out.begin(), series.out.end());
    exec::RowWriter writer(run, std::move(slots), next);
    for (const auto& [offset, cells] : rows) {
      std::vector<Value> row = {Value::timestamp(wrap_.begin_of(reference_) + offset)};
      row.insert(row.end(), cells.begin(), cells.end());
      CLEW_TRY(writer.add(row));
    }
    return writer.flush();
  }

  Wrap wrap_;
  Slot time_;
  Slot time_out_;
  int64_t first_;      // period of the first column
  int64_t reference_;  // period that the times shown are of
  std::vector<Series> series_;
  std::string text_;
};

class Timewrap final : public Command {
 public:
  Timewrap(Wrap wrap, bool align_now) : wrap_(std::move(wrap)), align_now_(align_now) {}
  std::string print() const override {
    return "timewrap " + std::to_string(wrap_.count) + wrap_.unit + " align=" + (align_now_ ? "now" : "end");
  }

  Status bind(Pipeline& pipeline) const override {
    std::vector<Column> columns = pipeline.scope.all();
    if (!pipeline.behind_timechart || !pipeline.plan.scan || columns.size() < 2) {
      return pipeline.fail(expr::kSemanticError, "timewrap stands behind a timechart without `by`");
    }
    Periods periods = CLEW_TRY(periods_of(pipeline));
    std::vector<Column> out = {{columns[0].name, pipeline.context.new_slot(), Type::kTimestamp}};
    std::vector<WrapStep::Series> series;
    for (size_t i = 1; i < columns.size(); ++i) {
      WrapStep::Series one{columns[i].slot, {}};
      for (int64_t period = periods.first; period <= periods.last; ++period) {
        one.out.push_back(pipeline.context.new_slot());
        out.push_back({columns[i].name + "_" + label(periods.reference - period), one.out.back(), columns[i].type});
      }
      series.push_back(std::move(one));
    }
    pipeline.add(std::make_shared<WrapStep>(wrap_, columns[0].slot, out[0].slot, periods.first, periods.reference,
                                            std::move(series), print()));
    pipeline.scope.replace(std::move(out));
    pipeline.plan.late_columns = true;
    return {};
  }

 private:
  struct Periods {
    int64_t first = 0;
    int64_t last = 0;
    int64_t reference = 0;
  };

  // Periods that the query's range and the stored events can fall into.
  Result<Periods> periods_of(Pipeline& pipeline) const {
    const exec::ScanSpec& scan = *pipeline.plan.scan;
    const contract::TimeRange range = pipeline.asked;
    int64_t end = align_now_ || range.to == INT64_MAX ? pipeline.context.now() : range.to - 1;
    int64_t first = INT64_MAX;
    int64_t last = INT64_MIN;
    if (!scan.scan.datasets.empty()) {
      contract::ScanStats stats;
      contract::Snapshot snapshot = CLEW_TRY(pipeline.context.source().snapshot(scan.access, scan.scan, stats));
      for (const contract::GranulePtr& granule : snapshot.granules) {
        first = std::min(first, std::max(granule->time_min(), range.from));
        last = std::max(last, std::min(granule->time_max(), range.to - 1));
      }
    }
    Periods out;
    out.reference = wrap_.period_of(end);
    out.first = first > last ? out.reference : wrap_.period_of(first);
    out.last = first > last ? out.reference : wrap_.period_of(last);
    if (out.last - out.first >= kPeriodsMax) {
      return pipeline.fail(expr::kResourceLimitExceeded,
                           "the events fall into more than " + std::to_string(kPeriodsMax) +
                               " periods of timewrap; narrow the time range or take a longer period");
    }
    return out;
  }

  std::string label(int64_t before) const {
    if (before == 0) return "latest_" + wrap_.unit;
    int64_t units = (before < 0 ? -before : before) * wrap_.count;
    return std::to_string(units) + wrap_.unit + (units == 1 ? "" : "s") + (before > 0 ? "_before" : "_after");
  }

  Wrap wrap_;
  bool align_now_;
};

std::string unit_name(expr::TimeUnit unit) {
  switch (unit) {
    case expr::TimeUnit::kSecond: return "second";
    case expr::TimeUnit::kMinute: return "minute";
    case expr::TimeUnit::kHour: return "hour";
    case expr::TimeUnit::kDay: return "day";
    case expr::TimeUnit::kWeek: return "week";
    default: return "";
  }
}

}  // namespace

Result<CommandPtr> parse_timewrap(CommandParser& parser) {
  Wrap wrap;
  expr::Token token = parser.tokens.next();
  std::string text = token.kind == expr::TokenKind::kIdentifier ? "1" + token.text : token.text;
  if (token.kind == expr::TokenKind::kInteger) text += parser.tokens.next().text;
  Result<expr::TimeSpan> span = expr::parse_time_span(text);
  bool whole = span.ok() && span->count >= 1 && span->count == static_cast<double>(static_cast<int64_t>(span->count));
  if (!whole || unit_name(span->unit).empty()) {
    return parser.tokens.fail(token.span, expr::kSyntaxError,
                              "expected a span of seconds, minutes, hours, days or weeks, such as 1d");
  }
  wrap.count = static_cast<int64_t>(span->count);
  wrap.unit = unit_name(span->unit);
  wrap.nanos = span->nanos();
  wrap.weeks = span->unit == expr::TimeUnit::kWeek;
  bool now = false;
  if (auto align = CLEW_TRY(parser.option("align"))) {
    std::string lower = expr::to_lower_ascii(*align);
    if (lower != "end" && lower != "now") return parser.fail("align is end or now, not " + quoted(*align));
    now = lower == "now";
  }
  return CommandPtr(std::make_shared<Timewrap>(std::move(wrap), now));
}

}  // namespace clew::query::ppl
