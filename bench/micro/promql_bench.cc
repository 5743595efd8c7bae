// PromQL over samples that are decoded already: what the evaluator itself costs. 10,000 series of 15 s samples, 240
// steps.
#include <benchmark/benchmark.h>

#include <fmt/format.h>

#include <memory>

#include "base/worker_pool.h"
#include "query/promql/promql.h"

namespace {

using namespace clew;
using query::promql::Answer;
using query::promql::Options;

constexpr size_t kSeries = 10'000;
constexpr int64_t kSampleMillis = 15'000;
constexpr int64_t kStepMillis = 15'000;
constexpr int64_t kSteps = 240;

// Counters that reset now and then; read() copies columns, as a store that has them decoded would.
class Decoded final : public contract::SeriesSet {
 public:
  explicit Decoded(size_t series) {
    for (size_t i = 0; i < series; ++i) {
      labels_.push_back(model::Labels::of({{"__name__", "requests_total"},
                                           {"job", fmt::format("job-{}", i % 20)},
                                           {"instance", fmt::format("10.0.{}.{}:9100", i / 250, i % 250)},
                                           {"path", fmt::format("/api/v1/things/{}", i % 7)}}));
      model::SampleColumns columns;
      double value = static_cast<double>(i);
      for (int64_t t = -20; t <= kSteps; ++t) {
        value = (static_cast<int64_t>(i) + t) % 101 == 0 ? 0 : value + static_cast<double>(i % 13);
        columns.millis.push_back(t * kSampleMillis);
        columns.values.push_back(value);
      }
      samples_.push_back(std::move(columns));
    }
  }
  size_t size() const override { return labels_.size(); }
  model::LabelsView labels(size_t series) const override { return labels_[series].view(); }
  Status read(size_t series, model::SampleColumns& samples) const override {
    samples.clear();
    samples.millis.assign(samples_[series].millis.begin(), samples_[series].millis.end());
    samples.values.assign(samples_[series].values.begin(), samples_[series].values.end());
    return ok_status();
  }

 private:
  std::vector<model::Labels> labels_;
  std::vector<model::SampleColumns> samples_;
};

class Shared final : public contract::SeriesSet {
 public:
  explicit Shared(const Decoded& all) : all_(all) {}
  size_t size() const override { return all_.size(); }
  model::LabelsView labels(size_t series) const override { return all_.labels(series); }
  Status read(size_t series, model::SampleColumns& samples) const override { return all_.read(series, samples); }

 private:
  const Decoded& all_;
};

class Source final : public contract::MetricSource {
 public:
  Result<std::unique_ptr<contract::SeriesSet>> select(const contract::MetricScan&) const override {
    return std::unique_ptr<contract::SeriesSet>(std::make_unique<Shared>(all_));
  }
  Result<std::vector<std::string>> label_names(const contract::MetricScan&) const override {
    return std::vector<std::string>();
  }
  Result<std::vector<std::string>> label_values(const contract::MetricScan&, std::string_view) const override {
    return std::vector<std::string>();
  }
  Result<std::vector<contract::SeriesExemplars>> exemplars(const contract::MetricScan&) const override {
    return std::vector<contract::SeriesExemplars>();
  }
  Result<std::map<std::string, model::MetricMetadata>> metadata(const contract::Access&) const override {
    return std::map<std::string, model::MetricMetadata>();
  }

 private:
  Decoded all_{kSeries};
};

// The sum of all points goes out as a counter, so that the work cannot change unseen.
void ask(benchmark::State& state, const char* query, uint32_t workers) {
  static const Source source;
  base::WorkerPool pool(workers);
  Options options;
  options.pool = &pool;
  double checksum = 0;
  for (auto _ : state) {
    Result<Answer> answer =
        query::promql::run_range(source, {}, query, {0, (kSteps - 1) * kStepMillis, kStepMillis}, options);
    if (!answer.ok()) {
      state.SkipWithError(answer.error().message().c_str());
      return;
    }
    checksum = 0;
    for (const auto& series : answer->series) {
      for (double value : series.samples.values) checksum += value;
    }
  }
  state.counters["checksum"] = checksum;
}

#define CLEW_QUERY(name, text)                                                                    \
  void name(benchmark::State& state) { ask(state, text, static_cast<uint32_t>(state.range(0))); } \
  BENCHMARK(name)->Arg(1)->Arg(2)->Unit(benchmark::kMillisecond)->UseRealTime()

CLEW_QUERY(sum_by_job_rate, "sum by (job) (rate(requests_total[5m]))");
CLEW_QUERY(sum_plain, "sum by (job) (requests_total)");
CLEW_QUERY(rate_all, "rate(requests_total[5m])");
CLEW_QUERY(max_over_time, "max by (job) (max_over_time(requests_total[5m]))");
CLEW_QUERY(quantile, "quantile by (job) (0.9, rate(requests_total[5m]))");
CLEW_QUERY(ratio, "rate(requests_total[5m]) / (rate(requests_total[1m]) + 1)");
CLEW_QUERY(topk, "topk(5, rate(requests_total[5m]))");

}  // namespace
