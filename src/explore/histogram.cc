#include "explore/histogram.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "expr/ast.h"
#include "query/encode.h"

namespace clew::explore {
namespace {

using query::Failure;
using query::FailureKind;

constexpr int64_t kMillisecond = 1'000'000;
constexpr int64_t kSecond = 1'000 * kMillisecond;
constexpr int64_t kMinute = 60 * kSecond;
constexpr int64_t kHour = 60 * kMinute;
constexpr int64_t kDay = 24 * kHour;

constexpr int64_t kSteps[] = {kMillisecond,
                              2 * kMillisecond,
                              5 * kMillisecond,
                              10 * kMillisecond,
                              20 * kMillisecond,
                              50 * kMillisecond,
                              100 * kMillisecond,
                              200 * kMillisecond,
                              500 * kMillisecond,
                              kSecond,
                              2 * kSecond,
                              5 * kSecond,
                              10 * kSecond,
                              15 * kSecond,
                              30 * kSecond,
                              kMinute,
                              2 * kMinute,
                              5 * kMinute,
                              10 * kMinute,
                              15 * kMinute,
                              30 * kMinute,
                              kHour,
                              2 * kHour,
                              3 * kHour,
                              6 * kHour,
                              12 * kHour,
                              kDay,
                              2 * kDay,
                              7 * kDay,
                              14 * kDay,
                              28 * kDay,
                              91 * kDay,
                              364 * kDay};

int64_t floor_to(int64_t time, int64_t step) {
  int64_t rest = time % step;
  return time - (rest < 0 ? rest + step : rest);
}

// Where the datasets that may be read have events, inside `range`.
Result<contract::TimeRange> stored_range(contract::EventSource& source, const Question& question) {
  contract::TimeRange range = question.range;
  int64_t length = 0;
  bool countable = !__builtin_sub_overflow(range.to, range.from, &length) && length < INT64_MAX - 364 * kDay;
  if (range.from != INT64_MIN && range.to != INT64_MAX && countable) return range;
  std::vector<contract::DatasetInfo> datasets = CLEW_TRY(source.datasets(question.access));
  int64_t first = INT64_MAX;
  int64_t last = INT64_MIN;
  for (const contract::DatasetInfo& info : datasets) {
    if (info.rows == 0) continue;
    first = std::min(first, info.time_min);
    last = std::max(last, info.time_max);
  }
  if (first > last) first = last = 0;
  const int64_t end = last == INT64_MAX ? last : last + 1;
  if (range.from == INT64_MIN || !countable) range.from = std::min(std::max(first, range.from), range.to);
  if (range.to == INT64_MAX || !countable) range.to = std::max(range.from, std::min(end, range.to));
  return range;
}

std::string span_text(int64_t step) {
  return step % kSecond == 0 ? fmt::format("{}s", step / kSecond) : fmt::format("{}ms", step / kMillisecond);
}

// Values in the order of their counts; those past `max` become one.
std::vector<Series> ranked(std::vector<Series> series, uint32_t max) {
  std::stable_sort(series.begin(), series.end(), [](const Series& a, const Series& b) { return a.events > b.events; });
  if (series.size() <= max) return series;
  Series others{.others = true, .counts = std::vector<uint64_t>(series[0].counts.size())};
  for (size_t i = max; i < series.size(); ++i) {
    others.events += series[i].events;
    for (size_t b = 0; b < others.counts.size(); ++b) others.counts[b] += series[i].counts[b];
  }
  series.resize(max);
  series.push_back(std::move(others));
  return series;
}

// Rows are count, time and, where it is split, the value.
void fill(const Table& table, Histogram& out) {
  std::map<std::string, size_t> place;
  std::vector<Series> series;
  for (size_t row = 0; row < table.rows_count(); ++row) {
    const model::Value& time = table.at(row, 1);
    if (time.is_null()) continue;
    int64_t bucket = (time.i64() - out.first) / out.step_nanos;
    if (bucket < 0 || bucket >= out.buckets) continue;
    model::Value value = table.schema().size() > 2 ? table.at(row, 2) : model::Value();
    std::string key;
    query::append_json(value, key);
    auto [at, fresh] = place.emplace(std::move(key), series.size());
    if (fresh) series.push_back({.value = std::move(value), .counts = std::vector<uint64_t>(out.buckets)});
    Series& one = series[at->second];
    uint64_t count = count_of(table.at(row, 0));
    one.counts[static_cast<size_t>(bucket)] += count;
    one.events += count;
    out.events += count;
  }
  out.series = std::move(series);
}

Failure failure_of(const Error& error) {
  Failure out;
  out.kind = error.code() == Code::kForbidden ? FailureKind::kForbidden : FailureKind::kInternal;
  out.reason = error.message();
  return out;
}

}  // namespace

int64_t round_step(int64_t nanos, uint32_t buckets) {
  const int64_t least = std::max<int64_t>(1, nanos / std::max<uint32_t>(buckets, 1));
  const int64_t* step = std::lower_bound(std::begin(kSteps), std::end(kSteps), least);
  if (step == std::end(kSteps)) return (least / kDay + 1) * kDay;
  return *step;
}

Answer<Histogram> histogram(query::Engine& engine, contract::EventSource& source, const Question& question,
                            const HistogramRequest& request) {
  auto events = engine.events_part(question.query);
  if (auto* failure = std::get_if<Failure>(&events)) return *failure;
  Result<contract::TimeRange> range = stored_range(source, question);
  if (!range.ok()) return failure_of(range.error());
  Histogram out;
  out.range = *range;
  const int64_t length = range->to - range->from;
  out.step_nanos = request.step_nanos != 0 ? request.step_nanos : round_step(length, request.buckets);
  // A step that was asked for and is too short for the range is made longer: the answer says which one it is.
  if (length / out.step_nanos >= kBucketsMax) out.step_nanos = round_step(length, kBucketsMax - 2);
  out.first = floor_to(range->from, out.step_nanos);
  out.buckets = static_cast<uint32_t>((range->to - out.first + out.step_nanos - 1) / out.step_nanos);
  Question whole = question;
  whole.limits.rows = 0;
  std::string text = fmt::format("{} | stats count() as n by span(@timestamp, {}) as t", std::get<std::string>(events),
                                 span_text(out.step_nanos));
  if (!request.by.empty()) text += ", " + expr::print_name(request.by);
  Table table;
  if (auto failure = run(engine, whole, text, table, out.cost)) return *failure;
  fill(table, out);
  out.series = ranked(std::move(out.series), std::min(request.series, kSeriesMax));
  return out;
}

}  // namespace clew::explore
