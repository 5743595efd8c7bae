#include "collect/statsd_aggregator.h"

#include <algorithm>
#include <cmath>
#include <functional>

#include "base/hash.h"
#include "wire/metric_names.h"

namespace clew::collect {
namespace {

constexpr int32_t kScale = 5;         // 2^(1/32): 2.2 % from bucket to bucket
constexpr size_t kBucketsMax = 160;   // of a side; wider ones get coarser
constexpr size_t kKnownFactor = 4;    // spellings remembered by series
constexpr size_t kTimedMax = 10'000;  // samples with a time of their own, of a series and interval

using From = wire::SeriesLabels::From;
using wire::StatsdKind;

}  // namespace

StatsdAggregator::StatsdAggregator(StatsdOptions options, int64_t now_millis)
    : options_(std::move(options)), interval_began_(now_millis) {}

// The labels of the line's series, packed.
Status StatsdAggregator::pack(const wire::StatsdLine& line) {
  labels_.clear();
  texts_.clear();
  texts_.reserve(2 * (line.tags.size() + options_.labels.size()) + 2 * wire::kStatsdTagsMax);  // no text moves
  wire::NameMappings::Mapped mapped;
  bool is_mapped = options_.mappings && options_.mappings->map(line.name, mapped);
  metric_ = wire::plain_metric_name(is_mapped ? std::string_view(mapped.metric) : line.name);
  if (metric_.empty()) return Error(Code::kInvalid, "nothing of the name " + quoted(line.name) + " can be a metric's");
  auto add = [this](From from, std::string_view name, std::string_view value) {
    texts_.push_back(wire::plain_label_name(name));
    labels_.add(from, texts_.back(), value, name);
  };
  for (const auto& [name, value] : mapped.labels) add(From::kScope, name, value);
  for (const auto& [name, value] : line.tags) add(From::kAttribute, name, value);
  for (const auto& [name, value] : options_.labels) add(From::kPromoted, name, value);
  packed_ = labels_.pack(metric_).packed();
  return {};
}

Result<StatsdAggregator::Series*> StatsdAggregator::find(const wire::StatsdLine& line, int64_t now_millis) {
  StatsdKind kind = line.values.front().kind;
  key_.assign(1, static_cast<char>('0' + static_cast<int>(kind)));
  key_.append(line.head).push_back('|');
  key_.append(line.tail);
  auto seen = known_.find(key_);
  if (seen != known_.end()) return seen->second;
  CLEW_TRY(pack(line));
  auto found = series_.find(packed_);
  if (found == series_.end()) {
    if (series_.size() >= options_.series_max)
      return Error(Code::kTooLarge, "more than " + std::to_string(options_.series_max) + " series");
    found = series_.emplace(packed_, Series{}).first;
    found->second.kind = kind;
    // A moment after the flush before: one of that name may have ended there.
    found->second.began = std::min(interval_began_ + 1, now_millis);
  }
  if (found->second.kind != kind) return Error(Code::kExists, "the series is of another type");
  if (known_.size() >= kKnownFactor * options_.series_max) known_.clear();
  known_.emplace(key_, &found->second);
  return &found->second;
}

Status StatsdAggregator::add(const wire::StatsdLine& line, int64_t now_millis) {
  Series* found = CLEW_TRY(find(line, now_millis));
  Series& series = *found;
  series.heard = now_millis;
  switch (series.kind) {
    case StatsdKind::kCounter: count(series, line); break;
    case StatsdKind::kGauge: set(series, line); break;
    case StatsdKind::kTimer:
      for (const wire::StatsdValue& v : line.values) observe(series, v.value, 1 / line.rate);
      break;
    case StatsdKind::kSet:
      if (!series.members) series.members = std::make_unique<std::unordered_set<uint64_t>>();
      for (const wire::StatsdValue& v : line.values) {
        if (series.members->size() < options_.set_members_max) series.members->insert(base::hash64(v.member));
      }
      break;
  }
  series.in_interval = true;
  return {};
}

void StatsdAggregator::count(Series& series, const wire::StatsdLine& line) {
  for (const wire::StatsdValue& v : line.values) series.value += v.value / line.rate;
  // A time of its own that fits in: the total is seen then; else at the next flush.
  bool fits = line.millis > series.given && (series.timed.empty() || line.millis >= series.timed.back().first);
  if (line.millis != 0 && fits && series.timed.size() < kTimedMax) series.timed.emplace_back(line.millis, series.value);
}

void StatsdAggregator::set(Series& series, const wire::StatsdLine& line) {
  for (const wire::StatsdValue& v : line.values) {
    if (line.millis != 0) {
      if (series.timed.size() < kTimedMax) series.timed.emplace_back(line.millis, v.value);
    } else {
      series.value = v.change ? series.value + v.value : v.value;
    }
  }
}

void StatsdAggregator::observe(Series& series, double value, double weight) {
  series.min = series.in_interval ? std::min(series.min, value) : value;
  series.max = series.in_interval ? std::max(series.max, value) : value;
  series.in_interval = true;
  series.count += weight;
  series.sum += value * weight;
  if (!options_.bounds.empty()) {
    series.buckets.resize(options_.bounds.size() + 1);
    auto bound = std::lower_bound(options_.bounds.begin(), options_.bounds.end(), value);
    series.buckets[static_cast<size_t>(bound - options_.bounds.begin())] += weight;
    return;
  }
  if (!series.histogram) {
    series.histogram = std::make_unique<wire::ExponentialHistogram>();
    series.histogram->scale = kScale;
  }
  series.histogram->observe(value, weight, kBucketsMax);
}

void StatsdAggregator::unpack(const std::string& packed) {
  labels_.clear();
  for (model::Label label : model::LabelsView(packed)) {
    if (label.name == model::kMetricNameLabel)
      metric_ = label.value;
    else
      labels_.add(From::kAttribute, label.name, label.value, label.name);
  }
}

void StatsdAggregator::begin(std::string_view suffix, model::MetricBatch& batch, std::string_view name,
                             std::string_view value) {
  name_.assign(metric_).append(suffix);
  batch.begin_series(labels_.pack(name_, name, value));
}

void StatsdAggregator::give_timer(Series& series, int64_t now_millis, model::MetricBatch& batch) {
  auto put = [&](double value) {
    if (series.fresh) batch.add_sample(series.began, 0, series.began);
    batch.add_sample(now_millis, value, series.began);
  };
  begin("_count", batch);
  put(series.count);
  begin("_sum", batch);
  put(series.sum);
  if (series.histogram) {
    begin({}, batch);
    if (series.fresh) {
      batch.add_histogram(series.began, wire::ExponentialHistogram{.scale = kScale}.native(), series.began);
    }
    batch.add_histogram(now_millis, series.histogram->native(), series.began);
  }
  double up_to = 0;
  for (size_t i = 0; i < series.buckets.size(); ++i) {
    up_to += series.buckets[i];
    begin("_bucket", batch, "le", i < options_.bounds.size() ? wire::bound_text(options_.bounds[i]) : "+Inf");
    put(up_to);
  }
  if (!series.in_interval) return;
  begin("_min", batch);
  batch.add_sample(now_millis, series.min);
  begin("_max", batch);
  batch.add_sample(now_millis, series.max);
}

void StatsdAggregator::give(const std::string& packed, Series& series, int64_t now_millis, model::MetricBatch& batch) {
  unpack(packed);
  model::MetricType type = model::MetricType::kGauge;
  switch (series.kind) {
    case StatsdKind::kCounter:
      type = model::MetricType::kCounter;
      begin({}, batch);
      if (series.fresh && (series.timed.empty() || series.timed.front().first > series.began))
        batch.add_sample(series.began, 0, series.began);
      for (const auto& [millis, value] : series.timed) batch.add_sample(millis, value, series.began);
      if (std::max(series.given, series.timed.empty() ? 0 : series.timed.back().first) < now_millis)
        batch.add_sample(now_millis, series.value, series.began);
      break;
    case StatsdKind::kGauge: {
      begin({}, batch);
      std::stable_sort(series.timed.begin(), series.timed.end(),
                       [](const auto& a, const auto& b) { return a.first < b.first; });
      for (const auto& [millis, value] : series.timed) batch.add_sample(millis, value);
      // One whose values all have times of their own is not repeated.
      if (series.timed.empty()) batch.add_sample(now_millis, series.value);
      break;
    }
    case StatsdKind::kSet:
      begin({}, batch);
      batch.add_sample(now_millis, series.members ? static_cast<double>(series.members->size()) : 0);
      if (series.members) series.members->clear();
      break;
    case StatsdKind::kTimer:
      type = model::MetricType::kHistogram;
      give_timer(series, now_millis, batch);
      break;
  }
  series.given = std::max(now_millis, series.timed.empty() ? 0 : series.timed.back().first);
  series.timed.clear();
  if (series.fresh) batch.set_metadata(metric_, {type, "", ""});
  series.fresh = series.in_interval = false;
}

void StatsdAggregator::end(const std::string& packed, const Series& series, int64_t now_millis,
                           model::MetricBatch& batch) {
  unpack(packed);
  auto stop = [&](std::string_view suffix, std::string_view name = {}, std::string_view value = {}) {
    begin(suffix, batch, name, value);
    batch.add_sample(now_millis, model::stale_value());
  };
  if (series.kind != StatsdKind::kTimer) return stop({});
  stop("_count");
  stop("_sum");
  stop("_min");
  stop("_max");
  for (double bound : options_.bounds) stop("_bucket", "le", wire::bound_text(bound));
  if (!options_.bounds.empty()) return stop("_bucket", "le", "+Inf");
  begin({}, batch);
  auto stale = std::make_shared<model::Histogram>();
  stale->sum = model::stale_value();
  batch.add_histogram(now_millis, std::move(stale));
}

void StatsdAggregator::flush(int64_t now_millis, model::MetricBatch& batch) {
  bool ended = false;
  for (auto at = series_.begin(); at != series_.end();) {
    if (at->second.in_interval || now_millis - at->second.heard <= options_.expire_millis) {
      give(at->first, at->second, now_millis, batch);
      ++at;
      continue;
    }
    end(at->first, at->second, now_millis, batch);
    at = series_.erase(at);
    ended = true;
  }
  if (ended) known_.clear();
  interval_began_ = now_millis;
}

}  // namespace clew::collect
