// StatsdAggregator adds up what StatsD clients send for an interval, then gives it as series.
//
// A counter is a total since the series began here; a series that begins has a sample of 0 at the begin of its
// interval, so that rate() and increase() see its first interval too. A gauge is its last value, a set how many
// different members came in the interval. A timer or histogram adds up since it began: a native histogram (buckets grow
// by 2^(1/32), 2.2 %) or `_bucket` series of given bounds, and `_count` and `_sum`; `_min` and `_max` are the
// interval's. Every series is given at each flush until nothing came for `expire`; then it ends with a staleness
// marker, and begins anew when something comes.
#pragma once

#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "base/result.h"
#include "model/metric_batch.h"
#include "wire/exponential_histogram.h"
#include "wire/name_mapping.h"
#include "wire/series_labels.h"
#include "wire/statsd.h"

namespace clew::collect {

struct StatsdOptions {
  int64_t expire_millis = 3'600'000;
  size_t series_max = 100'000;
  size_t set_members_max = 100'000;  // of a set and interval; then it is counted as so many
  std::vector<double> bounds = {};   // of classic histograms, rising; native ones when there are none
  std::vector<std::pair<std::string, std::string>> labels = {};  // of every series, unless a tag says otherwise
  std::shared_ptr<const wire::NameMappings> mappings = nullptr;  // of dotted names; may be null
};

// Threads: one.
class StatsdAggregator {
 public:
  // Intervals begin at `now_millis`.
  StatsdAggregator(StatsdOptions options, int64_t now_millis);

  // Errors: kInvalid for a name of which nothing can stand in a metric's name; kTooLarge when there are series_max;
  //         kExists when the series is of another type.
  Status add(const wire::StatsdLine& line, int64_t now_millis);
  // Appends everything as of now, and begins the next interval.
  void flush(int64_t now_millis, model::MetricBatch& batch);

  size_t series_count() const { return series_.size(); }

 private:
  struct Series {
    wire::StatsdKind kind = wire::StatsdKind::kCounter;
    bool fresh = true;  // has not been given yet
    bool in_interval = false;
    int64_t began = 0;  // milliseconds
    int64_t heard = 0;
    int64_t given = 0;  // the time of its newest sample
    double value = 0;   // of a counter its total, of a gauge its last
    double count = 0, sum = 0;
    double min = 0, max = 0;      // of the interval
    std::vector<double> buckets;  // by bound, and one beyond; not added up over bounds
    std::unique_ptr<wire::ExponentialHistogram> histogram;
    std::unique_ptr<std::unordered_set<uint64_t>> members;  // hashes
    std::vector<std::pair<int64_t, double>> timed;          // samples with times of their own
  };
  using SeriesMap = std::unordered_map<std::string, Series>;  // by packed labels

  Result<Series*> find(const wire::StatsdLine& line, int64_t now_millis);
  Status pack(const wire::StatsdLine& line);
  void count(Series& series, const wire::StatsdLine& line);
  void set(Series& series, const wire::StatsdLine& line);
  void observe(Series& series, double value, double weight);
  void give(const std::string& packed, Series& series, int64_t now_millis, model::MetricBatch& batch);
  void give_timer(Series& series, int64_t now_millis, model::MetricBatch& batch);
  void end(const std::string& packed, const Series& series, int64_t now_millis, model::MetricBatch& batch);
  // The series of a timer with a suffix to its name and one label more unless its name is empty.
  void begin(std::string_view suffix, model::MetricBatch& batch, std::string_view name = {},
             std::string_view value = {});
  void unpack(const std::string& packed);

  const StatsdOptions options_;
  int64_t interval_began_;
  SeriesMap series_;
  // What lines that begin and end in such bytes are of: most lines are like one before.
  std::unordered_map<std::string, Series*> known_;
  std::string key_;
  wire::SeriesLabels labels_;
  std::vector<std::string> texts_;
  std::string metric_;
  std::string name_;
  std::string packed_;
};

}  // namespace clew::collect
