#include "metricstore/metric_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>

#include "os/sim_clock.h"
#include "os/sim_disk.h"

namespace clew::metricstore {
namespace {

using contract::MatchOp;
using model::Labels;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr int64_t kNow = 1'796'032'800'000;  // 2026-11-30T10:00:00Z
using Values = std::map<int64_t, double>;
using Contents = std::map<std::string, Values>;

class SimRng final : public os::Rng {
 public:
  uint64_t next() override { return ++last_ * 0x9E3779B97F4A7C15u; }

 private:
  uint64_t last_ = 0;
};

class MetricStoreTest : public testing::Test {
 protected:
  void SetUp() override {
    clock_.set(UnixNanos(kNow * 1'000'000));
    options_.dir = "m";
    options_.background = false;
  }
  Status open() {
    store_.reset();
    Result<std::unique_ptr<MetricStore>> opened = MetricStore::open(*disk_, clock_, rng_, metrics_, options_);
    if (!opened.ok()) return opened.error();
    store_ = std::move(opened).take();
    return {};
  }
  MetricStore& store() {
    if (!store_) {
      Status opened = open();
      EXPECT_TRUE(opened.ok()) << opened.error().message();
    }
    return *store_;
  }
  Result<contract::MetricAck> write(const model::MetricBatch& batch) {
    Result<contract::MetricAck> answer = Error(Code::kIo, "not answered");
    store().write({}, batch, [&](Result<contract::MetricAck> got) { answer = std::move(got); });
    return answer;
  }
  contract::MetricAck put(const Labels& labels, const std::vector<model::Sample>& samples) {
    model::MetricBatch batch;
    batch.begin_series(labels);
    for (const model::Sample& sample : samples) batch.add_sample(sample.millis, sample.value);
    Result<contract::MetricAck> ack = write(batch);
    EXPECT_TRUE(ack.ok()) << ack.error().message();
    return ack.ok() ? *ack : contract::MetricAck();
  }
  Contents all(std::vector<contract::LabelMatcher> matchers = {}, int64_t from = INT64_MIN, int64_t to = INT64_MAX) {
    contract::MetricScan scan;
    scan.matchers = std::move(matchers);
    scan.from_millis = from;
    scan.to_millis = to;
    Result<std::unique_ptr<contract::SeriesSet>> set = store().select(scan);
    EXPECT_TRUE(set.ok());
    Contents contents;
    model::SampleColumns samples;
    std::string last;
    for (size_t i = 0; i < (*set)->size(); ++i) {
      EXPECT_TRUE((*set)->read(i, samples).ok());
      Values& values = contents[model::to_text((*set)->labels(i))];
      for (size_t s = 0; s < samples.size(); ++s) values[samples.millis[s]] = samples.values[s];
      EXPECT_EQ(values.size(), samples.size()) << "each time once";
      EXPECT_TRUE(std::is_sorted(samples.millis.begin(), samples.millis.end()));
    }
    return contents;
  }

  std::unique_ptr<os::SimDisk> disk_ = std::make_unique<os::SimDisk>(7);
  os::SimClock clock_;
  SimRng rng_;
  base::Registry metrics_;
  MetricStoreOptions options_;
  std::unique_ptr<MetricStore> store_;
};

Labels up(const std::string& job) { return Labels::of({{"__name__", "up"}, {"job", job}}); }

TEST_F(MetricStoreTest, WhatIsAnsweredIsThere) {
  EXPECT_EQ(put(up("api"), {{kNow, 1}, {kNow + 15'000, 0}}).stored, 2u);
  Contents expected{{R"(up{job="api"})", {{kNow, 1}, {kNow + 15'000, 0}}}};
  EXPECT_EQ(all(), expected);
  ASSERT_TRUE(open().ok());
  EXPECT_EQ(all(), expected) << "from the journal";
  ASSERT_TRUE(store().flush().ok());
  EXPECT_EQ(all(), expected) << "from a part";
  ASSERT_TRUE(open().ok());
  EXPECT_EQ(all(), expected);
  EXPECT_EQ(all({}, kNow + 1, kNow + 20'000).begin()->second.size(), 1u);
  EXPECT_THAT(all({}, kNow + 20'000, kNow + 30'000), IsEmpty());
}

TEST_F(MetricStoreTest, ASeriesTakesEachTimeOnce) {
  put(up("a"), {{kNow, 1}, {kNow + 1000, 2}});
  contract::MetricAck again = put(up("a"), {{kNow + 1000, 2}});
  EXPECT_EQ(again.same, 1u);
  contract::MetricAck other = put(up("a"), {{kNow + 1000, 3}});
  EXPECT_EQ(other.duplicates, 1u);
  EXPECT_THAT(other.first_refused, HasSubstr("up{job=\"a\"} at"));
  EXPECT_EQ(put(up("a"), {{kNow + 500, 9}}).stored, 1u) << "late, within the window";
  EXPECT_EQ(put(up("a"), {{kNow - 3'700'000, 9}}).too_old, 1u);
  EXPECT_EQ(put(up("b"), {{kNow - 3'700'000, 9}}).stored, 1u) << "a series of its own may begin in the past";
  EXPECT_EQ(put(up("a"), {{kNow + 2 * 86'400'000, 9}}).too_far_ahead, 1u);
  EXPECT_EQ(all()[R"(up{job="a"})"], (Values{{kNow, 1}, {kNow + 500, 9}, {kNow + 1000, 2}}));
}

TEST_F(MetricStoreTest, WhatCannotBeASeriesIsRefusedAndTheRestStored) {
  model::MetricBatch batch;
  batch.begin_series(Labels::of({{"job", "x"}}));
  batch.add_sample(kNow, 1);
  batch.begin_series(up("y"));
  batch.add_sample(kNow, 1);
  std::vector<std::pair<std::string, std::string>> many{{"__name__", "many"}};
  for (int i = 0; i < 200; ++i) many.emplace_back("l" + std::to_string(i), "v");
  batch.begin_series(Labels::of(many));
  batch.add_sample(kNow, 1);
  Result<contract::MetricAck> ack = write(batch);
  ASSERT_TRUE(ack.ok());
  EXPECT_EQ(ack->stored, 1u);
  EXPECT_EQ(ack->bad_labels, 2u);
  options_.series_max = 1;
  ASSERT_TRUE(open().ok());
  EXPECT_EQ(put(up("z"), {{kNow, 1}}).over_limit, 1u);
  EXPECT_EQ(put(up("y"), {{kNow + 1, 1}}).stored, 1u) << "series that are there go on";
}

TEST_F(MetricStoreTest, HistogramsStartsExemplarsAndMetadataComeBack) {
  auto histogram = std::make_shared<model::Histogram>();
  histogram->schema = 1;
  histogram->count = 3;
  histogram->sum = 4.5;
  histogram->positive_spans = {{0, 2}};
  histogram->positive_buckets = {1, 2};
  model::MetricBatch batch;
  batch.begin_series(Labels::of({{"__name__", "latency"}}));
  batch.add_histogram(kNow, histogram, kNow - 1000);
  batch.add_exemplar({Labels::of({{"trace_id", "abc"}}), 0.5, kNow});
  batch.begin_series(Labels::of({{"__name__", "requests_total"}}));
  batch.add_sample(kNow, 5, kNow - 2000);
  batch.set_metadata("requests_total", {model::MetricType::kCounter, "", "Requests"});
  ASSERT_TRUE(write(batch).ok());
  for (int round = 0; round < 3; ++round) {
    contract::MetricScan scan;
    scan.from_millis = INT64_MIN;
    scan.to_millis = INT64_MAX;
    std::unique_ptr<contract::SeriesSet> set = std::move(store().select(scan)).take();
    ASSERT_EQ(set->size(), 2u);
    model::SampleColumns samples;
    ASSERT_TRUE(set->read(0, samples).ok());
    ASSERT_NE(samples.histogram(0), nullptr) << round;
    EXPECT_EQ(samples.histogram(0)->positive_buckets, histogram->positive_buckets);
    EXPECT_THAT(samples.starts, ElementsAre(kNow - 1000));
    ASSERT_TRUE(set->read(1, samples).ok());
    EXPECT_THAT(samples.starts, ElementsAre(kNow - 2000));
    EXPECT_EQ(std::move(store().metadata({})).take()["requests_total"].help, "Requests");
    if (round == 0) {
      EXPECT_EQ(std::move(store().exemplars(scan)).take().at(0).exemplars.at(0).labels.get("trace_id"), "abc");
      ASSERT_TRUE(store().flush().ok());
    } else {
      ASSERT_TRUE(open().ok());
    }
  }
}

TEST_F(MetricStoreTest, LabelsAreListed) {
  put(up("a"), {{kNow, 1}});
  put(Labels::of({{"__name__", "down"}, {"host", "h"}}), {{kNow + 100'000, 1}});
  contract::MetricScan everything;
  everything.from_millis = INT64_MIN;
  everything.to_millis = INT64_MAX;
  EXPECT_THAT(std::move(store().label_names(everything)).take(), ElementsAre("__name__", "host", "job"));
  contract::MetricScan early;
  early.to_millis = kNow + 50'000;
  EXPECT_THAT(std::move(store().label_names(early)).take(), ElementsAre("__name__", "job"));
  EXPECT_THAT(std::move(store().label_values(early, "__name__")).take(), ElementsAre("up"));
  EXPECT_EQ(store().series_by_metric(10).size(), 2u);
}

TEST_F(MetricStoreTest, PartsOfADayBecomeFewAndOldOnesGo) {
  options_.retention_millis = 30LL * 86'400'000;
  Contents expected;
  for (int i = 0; i < 20; ++i) {
    put(up("a"), {{kNow + i * 15'000, static_cast<double>(i)}});
    expected[R"(up{job="a"})"][kNow + i * 15'000] = i;
    ASSERT_TRUE(store().flush().ok());
    while (std::move(store().work_once()).take()) {
    }
    EXPECT_EQ(all(), expected);
  }
  EXPECT_LT(store().stats().parts, 8u);
  clock_.advance(2LL * 86'400 * 1'000'000'000);
  while (std::move(store().work_once()).take()) {
  }
  EXPECT_EQ(store().stats().parts, 1u) << "of a day that is over";
  EXPECT_EQ(all(), expected);
  clock_.advance(31LL * 86'400 * 1'000'000'000);
  while (std::move(store().work_once()).take()) {
  }
  EXPECT_EQ(store().stats().parts, 0u);
  for (const std::string& file : disk_->files()) EXPECT_THAT(file, testing::Not(testing::EndsWith(".mpart")));
}

TEST_F(MetricStoreTest, TheJournalGoesWithWhatIsInParts) {
  options_.journal.first_file_bytes = 1 << 16;
  options_.journal.file_bytes = 1 << 16;
  for (int i = 0; i < 5000; ++i) put(up("job" + std::to_string(i)), {{kNow, 1}});
  uint64_t before = store().stats().journal_bytes;
  ASSERT_TRUE(store().flush().ok());
  EXPECT_LT(store().stats().journal_bytes, before / 2);
  EXPECT_EQ(all().size(), 5000u);
  ASSERT_TRUE(open().ok());
  EXPECT_EQ(all().size(), 5000u);
}

// Random writes, flushes, merges and starts, against a map; with crashes of the machine in between.
void run_model(uint64_t seed, bool crashes, bool failures) {
  std::mt19937_64 rng(seed);
  auto disk = std::make_unique<os::SimDisk>(seed);
  os::SimClock clock;
  clock.set(UnixNanos(kNow * 1'000'000));
  SimRng sim_rng;
  base::Registry metrics;
  MetricStoreOptions options;
  options.dir = "m";
  options.background = false;
  options.journal.first_file_bytes = options.journal.file_bytes = 1 << 16;
  std::unique_ptr<MetricStore> store;
  Contents stored;   // answered as stored
  Contents perhaps;  // not answered
  int64_t time = kNow;
  auto reopen = [&] {
    store.reset();
    Result<std::unique_ptr<MetricStore>> opened = MetricStore::open(*disk, clock, sim_rng, metrics, options);
    if (!opened.ok() && (disk->power_is_out() || disk->failure_happened())) {  // the next start is a good one
      if (disk->power_is_out()) disk->crash();
      disk->fail_operation(0, Code::kIo);
      opened = MetricStore::open(*disk, clock, sim_rng, metrics, options);
    }
    ASSERT_TRUE(opened.ok()) << seed << ": " << opened.error().message();
    store = std::move(opened).take();
  };
  reopen();
  for (int step = 0; step < 300; ++step) {
    if (testing::Test::HasFatalFailure()) return;
    if (crashes && rng() % 40 == 0) disk->cut_power_at(1 + rng() % 30);
    if (failures && rng() % 20 == 0) disk->fail_operation(1 + rng() % 20, rng() % 2 == 0 ? Code::kFull : Code::kIo);
    uint64_t what = rng() % 12;
    if (what < 8) {
      time += 1000 + static_cast<int64_t>(rng() % 40) * 1000 * 60;
      clock.set(UnixNanos(time * 1'000'000));
      model::MetricBatch batch;
      std::vector<std::pair<std::string, model::Sample>> samples;
      for (unsigned i = 0; i < 1 + rng() % 5; ++i) {
        Labels labels = Labels::of({{"__name__", "m" + std::to_string(rng() % 4)}, {"s", std::to_string(rng() % 6)}});
        model::Sample sample{time - static_cast<int64_t>(rng() % 3) * 1000, static_cast<double>(rng() % 1000) / 4};
        batch.begin_series(labels);
        batch.add_sample(sample.millis, sample.value);
        samples.emplace_back(model::to_text(labels), sample);
      }
      Result<contract::MetricAck> ack = Error(Code::kIo, "not answered");
      store->write({}, batch, [&](Result<contract::MetricAck> got) { ack = std::move(got); });
      for (const auto& [series, sample] : samples) {
        bool there = stored[series].count(sample.millis) != 0;
        if (there) continue;
        if (ack.ok() && ack->refused() == 0) {
          stored[series].emplace(sample.millis, sample.value);
        } else {
          perhaps[series].emplace(sample.millis, sample.value);
        }
      }
    } else if (what == 8) {
      (void)store->flush();
    } else if (what == 9) {
      (void)store->work_once();
    } else if (what == 10 && rng() % 4 == 0) {
      if (!disk->power_is_out()) reopen();
    } else if (what == 11 && rng() % 3 == 0) {
      std::string metric = "m" + std::to_string(rng() % 4);
      int64_t from = time - static_cast<int64_t>(rng() % 200) * 60'000, to = from + 3'600'000;
      Result<uint64_t> deleted = store->delete_series({{MatchOp::kEqual, "__name__", metric}}, from, to);
      for (auto& [series, values] : stored) {
        if (!series.starts_with(metric)) continue;
        for (auto it = values.lower_bound(from); it != values.end() && it->first <= to; it = values.erase(it)) {
          if (!deleted.ok()) perhaps[series].insert(*it);
        }
      }
    } else if (what == 11 && rng() % 4 == 0) {
      (void)(rng() % 2 == 0 ? store->clean_tombstones() : store->compact());
    }
    if (disk->power_is_out()) {
      store.reset();
      disk->crash();
      reopen();
    } else if (failures && disk->failure_happened() && rng() % 3 == 0) {
      disk->fail_operation(0, Code::kIo);
      reopen();  // a journal that failed to sync is sealed: only a start helps
    }
  }
  disk->fail_operation(0, Code::kIo);
  if (disk->power_is_out()) {
    store.reset();
    disk->crash();
  }
  reopen();
  if (!failures) {
    Result<MetricStoreReport> report = examine_metric_store(*disk, "m");
    if (report.ok()) {
      ASSERT_THAT(report->findings, IsEmpty()) << seed;
    }
  }
  contract::MetricScan scan;
  scan.from_millis = INT64_MIN;
  scan.to_millis = INT64_MAX;
  std::unique_ptr<contract::SeriesSet> set = std::move(store->select(scan)).take();
  Contents found;
  model::SampleColumns samples;
  for (size_t i = 0; i < set->size(); ++i) {
    ASSERT_TRUE(set->read(i, samples).ok());
    for (size_t s = 0; s < samples.size(); ++s)
      found[model::to_text(set->labels(i))][samples.millis[s]] = samples.values[s];
  }
  for (const auto& [series, values] : stored) {
    for (const auto& [millis, value] : values) {
      auto got = found[series].find(millis);
      ASSERT_NE(got, found[series].end()) << seed << ": lost " << series << " at " << millis;
      bool other = perhaps[series].count(millis) != 0;  // an earlier write of that time that was not answered
      ASSERT_TRUE(other || got->second == value) << seed << ": " << series << " at " << millis;
    }
  }
  for (const auto& [series, values] : found) {
    for (const auto& [millis, value] : values) {
      ASSERT_TRUE(stored[series].count(millis) != 0 || perhaps[series].count(millis) != 0)
          << seed << ": invented " << series << " at " << millis;
    }
  }
}

TEST(MetricStoreModel, KeepsWhatItAnswered) {
  for (uint64_t seed = 1; seed <= 30; ++seed) run_model(seed, false, false);
}

TEST(MetricStoreModel, KeepsWhatItAnsweredThroughPowerCuts) {
  for (uint64_t seed = 100; seed <= 220 && !testing::Test::HasFailure(); ++seed) run_model(seed, true, false);
}

TEST(MetricStoreModel, KeepsWhatItAnsweredWhenTheDiskFails) {
  for (uint64_t seed = 300; seed <= 380 && !testing::Test::HasFailure(); ++seed) run_model(seed, false, true);
}

TEST_F(MetricStoreTest, ThreadsOfItsOwn) {
  options_.background = true;
  options_.buffer_bytes_max = 200'000;
  std::atomic<int> answered{0};
  store();
  std::vector<std::jthread> writers;
  for (int w = 0; w < 4; ++w) {
    writers.emplace_back([&, w] {
      for (int i = 0; i < 500; ++i) {
        model::MetricBatch batch;
        for (int s = 0; s < 10; ++s) {
          batch.begin_series(Labels::of({{"__name__", "m"}, {"w", std::to_string(w)}, {"s", std::to_string(s)}}));
          batch.add_sample(kNow + i * 1000, i);
        }
        store_->write({}, batch,
                      [&](Result<contract::MetricAck> ack) { answered += ack.ok() && ack->stored == 10 ? 1 : 0; });
      }
    });
  }
  writers.clear();
  store_->close();
  EXPECT_EQ(answered, 2000);
  ASSERT_TRUE(open().ok());
  Contents contents = all();
  EXPECT_EQ(contents.size(), 40u);
  for (const auto& [series, values] : contents) EXPECT_EQ(values.size(), 500u) << series;
}

}  // namespace
}  // namespace clew::metricstore
