// Deletes, retention, limits, forgetting, snapshots: what happens to samples after they were stored.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "metricstore/metric_store.h"
#include "os/sim_clock.h"
#include "os/sim_disk.h"

namespace clew::metricstore {
namespace {

using contract::LabelMatcher;
using contract::MatchOp;
using model::Labels;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

constexpr int64_t kNow = 1'796'032'800'000;  // 2026-11-30T10:00:00Z
constexpr int64_t kDay = 86'400'000;
using Contents = std::map<std::string, std::map<int64_t, double>>;

class SimRng final : public os::Rng {
 public:
  uint64_t next() override { return ++last_ * 0x9E3779B97F4A7C15u; }

 private:
  uint64_t last_ = 0;
};

class MetricLife : public testing::Test {
 protected:
  void SetUp() override {
    clock_.set(UnixNanos(kNow * 1'000'000));
    options_.dir = "m";
    options_.background = false;
  }
  MetricStore& store() {
    if (!store_) reopen();
    return *store_;
  }
  void reopen() {
    store_.reset();
    Result<std::unique_ptr<MetricStore>> opened = MetricStore::open(disk_, clock_, rng_, metrics_, options_);
    ASSERT_TRUE(opened.ok()) << opened.error().message();
    store_ = std::move(opened).take();
  }
  contract::MetricAck put(const Labels& labels, int64_t millis, double value) {
    model::MetricBatch batch;
    batch.begin_series(labels);
    batch.add_sample(millis, value);
    Result<contract::MetricAck> answer = Error(Code::kIo, "not answered");
    store().write({}, batch, [&](Result<contract::MetricAck> got) { answer = std::move(got); });
    EXPECT_TRUE(answer.ok()) << answer.error().message();
    return answer.ok() ? *answer : contract::MetricAck();
  }
  void work() {
    for (bool more = true; more;) {
      Result<bool> worked = store().work_once();
      ASSERT_TRUE(worked.ok()) << worked.error().message();
      more = *worked;
    }
  }
  static Contents contents_of(const MetricStore& store, std::vector<LabelMatcher> matchers = {}) {
    contract::MetricScan scan;
    scan.matchers = std::move(matchers);
    scan.from_millis = INT64_MIN;
    scan.to_millis = INT64_MAX;
    Result<std::unique_ptr<contract::SeriesSet>> set = store.select(scan);
    EXPECT_TRUE(set.ok());
    Contents contents;
    model::SampleColumns samples;
    for (size_t i = 0; i < (*set)->size(); ++i) {
      EXPECT_TRUE((*set)->read(i, samples).ok());
      for (size_t s = 0; s < samples.size(); ++s) {
        contents[model::to_text((*set)->labels(i))][samples.millis[s]] = samples.values[s];
      }
    }
    return contents;
  }
  Contents all() { return contents_of(store()); }
  std::vector<std::string> metric_names() {
    contract::MetricScan scan;
    scan.from_millis = INT64_MIN;
    scan.to_millis = INT64_MAX - 1;
    return std::move(store().label_values(scan, "__name__")).take();
  }

  os::SimDisk disk_{3};
  os::SimClock clock_;
  SimRng rng_;
  base::Registry metrics_;
  MetricStoreOptions options_;
  std::unique_ptr<MetricStore> store_;
};

Labels series(const std::string& metric, const std::string& job) {
  return Labels::of({{"__name__", metric}, {"job", job}});
}
const LabelMatcher kJobA{MatchOp::kEqual, "job", "a"};

TEST_F(MetricLife, WhatIsDeletedStaysDeleted) {
  put(series("up", "a"), kNow, 1);
  put(series("up", "b"), kNow, 2);
  ASSERT_TRUE(store().flush().ok());
  put(series("up", "a"), kNow + 1000, 3);  // in memory and the journal
  put(series("down", "a"), kNow, 4);
  Result<uint64_t> deleted = store().delete_series({kJobA}, INT64_MIN, INT64_MAX);
  ASSERT_TRUE(deleted.ok());
  EXPECT_EQ(*deleted, 2u);
  const Contents expected{{R"(up{job="b"})", {{kNow, 2}}}};
  EXPECT_EQ(all(), expected);
  EXPECT_THAT(metric_names(), ElementsAre("up")) << "a metric without samples is not listed";
  reopen();
  EXPECT_EQ(all(), expected) << "the journal does not bring it back";
  EXPECT_EQ(store().stats().tombstones, 1u);
  ASSERT_TRUE(store().clean_tombstones().ok());
  EXPECT_EQ(store().stats().tombstones, 0u);
  EXPECT_EQ(store().stats().part_samples, 1u) << "the bytes are gone";
  EXPECT_EQ(all(), expected);
  reopen();
  EXPECT_EQ(all(), expected);
}

TEST_F(MetricLife, ADeleteTakesARangeAndNothingThatComesLater) {
  for (int i = 0; i < 10; ++i) put(series("up", "a"), kNow + i * 1000, i);
  ASSERT_TRUE(store().delete_series({kJobA}, kNow + 2000, kNow + 6000).ok());
  Contents expected{
      {R"(up{job="a"})", {{kNow, 0}, {kNow + 1000, 1}, {kNow + 7000, 7}, {kNow + 8000, 8}, {kNow + 9000, 9}}}};
  EXPECT_EQ(all(), expected);
  EXPECT_EQ(put(series("up", "a"), kNow + 3000, 33).stored, 1u);
  expected.begin()->second[kNow + 3000] = 33;
  EXPECT_EQ(all(), expected);
  ASSERT_TRUE(store().flush().ok());
  EXPECT_EQ(all(), expected);
  ASSERT_TRUE(store().compact().ok());
  EXPECT_EQ(all(), expected) << "old and new of a time in one part";
  work();
  EXPECT_EQ(store().stats().tombstones, 0u);
  EXPECT_EQ(all(), expected);
  ASSERT_TRUE(store().delete_series({kJobA}, INT64_MIN, INT64_MAX).ok());
  EXPECT_EQ(put(series("up", "a"), kNow + 9000, 99).stored, 1u) << "the newest time is free again";
  EXPECT_EQ(all(), (Contents{{R"(up{job="a"})", {{kNow + 9000, 99}}}}));
}

TEST_F(MetricLife, NothingToDeleteIsNoMistakeAndABadSelectorIs) {
  EXPECT_EQ(*store().delete_series({{MatchOp::kEqual, "job", "none"}}, INT64_MIN, INT64_MAX), 0u);
  EXPECT_EQ(store().delete_series({{MatchOp::kRegex, "job", "("}}, 0, 1).error().code(), Code::kInvalid);
  EXPECT_TRUE(store().clean_tombstones().ok());
}

TEST_F(MetricLife, RulesKeepSomeSeriesLongerAndOthersShorter) {
  options_.retention_millis = 10 * kDay;
  options_.retention = {{{{MatchOp::kEqual, "__name__", "short"}}, 2 * kDay},
                        {{{MatchOp::kEqual, "job", "a"}}, 30 * kDay}};
  for (int day = 0; day < 3; ++day) {
    for (const char* metric : {"short", "usual"}) {
      put(series(metric, "a"), kNow + day * kDay, day);
      put(series(metric, "b"), kNow + day * kDay, day);
    }
    ASSERT_TRUE(store().flush().ok());
    clock_.advance(static_cast<uint64_t>(kDay) * 1'000'000);
  }
  clock_.advance(static_cast<uint64_t>(2 * kDay) * 1'000'000);
  work();
  Contents found = all();
  EXPECT_THAT(found, SizeIs(2)) << "short ones are older than two days";
  EXPECT_THAT(found[R"(usual{job="b"})"], SizeIs(3));
  clock_.advance(static_cast<uint64_t>(10 * kDay) * 1'000'000);
  work();
  found = all();
  EXPECT_THAT(found, SizeIs(1));
  EXPECT_THAT(found[R"(usual{job="a"})"], SizeIs(3));
  EXPECT_EQ(store().stats().part_samples, 3u);
  clock_.advance(static_cast<uint64_t>(30 * kDay) * 1'000'000);
  work();
  EXPECT_THAT(all(), IsEmpty());
}

TEST_F(MetricLife, BeyondItsBytesTheOldestDaysGo) {
  for (int day = 0; day < 5; ++day) {
    for (int i = 0; i < 200; ++i) put(series("m", std::to_string(i)), kNow + day * kDay, i * 1.1);
    ASSERT_TRUE(store().flush().ok());
    clock_.advance(static_cast<uint64_t>(kDay) * 1'000'000);
  }
  options_.retention_bytes_max = store().stats().part_bytes / 2;
  reopen();
  work();
  EXPECT_LE(store().stats().part_bytes, options_.retention_bytes_max);
  EXPECT_EQ(store().stats().parts, 2u);
  EXPECT_THAT(all()[R"(m{job="7"})"], SizeIs(2));
  options_.retention_bytes_max = 1;
  reopen();
  work();
  EXPECT_EQ(store().stats().parts, 1u) << "the newest day stays";
}

TEST_F(MetricLife, SeriesOfWhichNothingIsLeftAreForgotten) {
  options_.retention_millis = 3 * kDay;
  size_t index_bytes = 0;
  for (int day = 0; day < 40; ++day) {
    for (int i = 0; i < 300; ++i) {
      std::string pod = "d" + std::to_string(day) + "-" + std::to_string(i);
      ASSERT_EQ(put(series("pod_cpu", pod), kNow + day * kDay, i).stored, 1u);
    }
    put(series("steady", "a"), kNow + day * kDay, day);
    ASSERT_TRUE(store().flush().ok());
    clock_.advance(static_cast<uint64_t>(kDay) * 1'000'000);
    work();
    if (day == 10) index_bytes = store().stats().index_bytes;
    if (day == 28) {
      EXPECT_LT(store().stats().index_bytes, index_bytes * 3 / 2) << "18 days of other series later";
      reopen();
    }
  }
  EXPECT_LT(store().series_count(), 300u * 6);
  EXPECT_GT(store().stats().forgotten, 300u);
  EXPECT_THAT(all(), SizeIs(testing::Lt(300u * 5)));
  // Ids that were given again do not mix series up.
  for (const auto& [text, values] : all()) {
    if (text == R"(steady{job="a"})") continue;
    ASSERT_THAT(values, SizeIs(1)) << text;
    int day = std::stoi(text.substr(text.find("\"d") + 2));
    EXPECT_EQ(values.begin()->first, kNow + day * kDay) << text;
    EXPECT_EQ(values.begin()->second, std::stoi(text.substr(text.rfind('-') + 1))) << text;
  }
  Contents before = all();
  reopen();
  EXPECT_EQ(all(), before);
}

TEST_F(MetricLife, TheSeriesLogDoesNotGrowForEver) {
  options_.retention_millis = kDay;
  uint64_t most = 0;
  for (int day = 0; day < 12; ++day) {
    model::MetricBatch batch;
    for (int i = 0; i < 4000; ++i) {
      batch.begin_series(series("pod_cpu", "d" + std::to_string(day) + "-" + std::to_string(i)));
      batch.add_sample(kNow + day * kDay, i);
    }
    store().write({}, batch, [](const Result<contract::MetricAck>& ack) { ASSERT_TRUE(ack.ok()); });
    ASSERT_TRUE(store().flush().ok());
    clock_.advance(static_cast<uint64_t>(kDay) * 1'000'000);
    work();
    uint64_t bytes = 0;
    for (const std::string& file : disk_.files()) {
      if (file.find("series-") != std::string::npos) bytes += disk_.contents(file).size();
    }
    most = std::max(most, bytes);
  }
  EXPECT_LT(most, 5u * 4000 * 60) << "of 12 times 4,000 series";
  Contents before = all();
  EXPECT_THAT(before, SizeIs(testing::Ge(4000u)));
  reopen();
  EXPECT_EQ(all(), before);
}

TEST_F(MetricLife, LimitsSayWhichMetricAndLabel) {
  options_.series_per_metric_max = 3;
  options_.values_per_label_max = 4;
  for (int i = 0; i < 3; ++i) EXPECT_EQ(put(series("m", std::to_string(i)), kNow, 1).stored, 1u);
  contract::MetricAck ack = put(series("m", "3"), kNow, 1);
  EXPECT_EQ(ack.over_limit, 1u);
  EXPECT_THAT(ack.first_refused, HasSubstr("m{job=\"3\"}: the metric has 3 series, which is the limit of one metric"));
  EXPECT_EQ(put(series("n", "3"), kNow, 1).stored, 1u);
  ack = put(series("n", "4"), kNow, 1);
  EXPECT_EQ(ack.over_limit, 1u);
  EXPECT_THAT(ack.first_refused, HasSubstr("the label \"job\" has 4 values, which is the limit of one label"));
  EXPECT_EQ(put(series("n", "0"), kNow, 1).stored, 1u) << "a value that is there";
  EXPECT_EQ(put(series("m", "0"), kNow + 1, 1).stored, 1u) << "series that are there go on";
}

TEST_F(MetricLife, ASnapshotIsAStoreOfThatMoment) {
  put(series("up", "a"), kNow, 1);
  put(series("up", "gone"), kNow, 1);
  ASSERT_TRUE(store().flush().ok());
  ASSERT_TRUE(store().delete_series({{MatchOp::kEqual, "job", "gone"}}, INT64_MIN, INT64_MAX).ok());
  put(series("up", "b"), kNow, 2);  // in the journal only
  Contents before = all();
  ASSERT_TRUE(store().snapshot_to("copy/metrics").ok());
  EXPECT_EQ(store().snapshot_to("copy/metrics").error().code(), Code::kExists);
  put(series("up", "c"), kNow, 3);
  EXPECT_EQ(restore_metric_store(disk_, "copy/metrics", "m").error().code(), Code::kExists);
  EXPECT_TRUE(restore_metric_store(disk_, "nothing", "new").ok()) << "a snapshot without metrics";
  ASSERT_TRUE(restore_metric_store(disk_, "copy/metrics", "new").ok());
  store_.reset();
  options_.dir = "new";
  EXPECT_EQ(all(), before);
  EXPECT_EQ(put(series("up", "d"), kNow, 4).stored, 1u);
}

TEST_F(MetricLife, DamageIsFoundAndTold) {
  for (int i = 0; i < 500; ++i) put(series("m", std::to_string(i)), kNow, i * 1.7);
  ASSERT_TRUE(store().flush().ok());
  put(series("m", "in the journal"), kNow, 1);
  store_.reset();
  Result<MetricStoreReport> report = examine_metric_store(disk_, "m");
  ASSERT_TRUE(report.ok()) << report.error().message();
  EXPECT_THAT(report->findings, IsEmpty());
  EXPECT_THAT(report->text, HasSubstr("500 series, 500 samples"));
  EXPECT_EQ(examine_metric_store(disk_, "none").error().code(), Code::kNotFound);
  const std::string path = part_path("m", 1);
  EXPECT_THAT(std::move(describe_metric_file(disk_, path)).take(), HasSubstr("500 series, 500 samples"));
  EXPECT_THAT(std::move(describe_metric_file(disk_, "m/series-1.log")).take(), HasSubstr("500 series"));
  EXPECT_THAT(std::move(describe_metric_file(disk_, "m/MANIFEST")).take(), HasSubstr("1 parts"));
  // A byte in the first group.
  std::unique_ptr<os::File> file = std::move(disk_.open(path, os::OpenMode::kReadWrite)).take();
  std::string byte = std::move(file->read_at(100, 1)).take();
  byte[0] = static_cast<char>(byte[0] ^ 0x40);
  ASSERT_TRUE(file->write_at(100, byte).ok());
  report = examine_metric_store(disk_, "m");
  ASSERT_TRUE(report.ok());
  EXPECT_THAT(report->findings, testing::Contains(HasSubstr("is damaged")));
  contract::MetricScan scan;
  scan.to_millis = INT64_MAX;
  std::unique_ptr<contract::SeriesSet> set = std::move(store().select(scan)).take();
  model::SampleColumns samples;
  EXPECT_EQ(set->read(0, samples).error().code(), Code::kCorrupt) << "a query says it, and gives no half answer";
  // Both footers: the part is set apart at the start and counted.
  uint64_t bytes = std::move(file->size_bytes()).take();
  ASSERT_TRUE(file->truncate(bytes - 8).ok());
  reopen();
  EXPECT_EQ(store().stats().damaged, 1u);
  EXPECT_EQ(all().size(), 1u);
}

}  // namespace
}  // namespace clew::metricstore
