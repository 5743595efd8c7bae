#include "metricstore/part.h"

#include <gtest/gtest.h>

#include <map>
#include <random>

#include "os/sim_clock.h"
#include "os/sim_disk.h"

namespace clew::metricstore {
namespace {

using Written = std::map<SeriesId, model::SampleColumns>;

model::SampleColumns floats(int64_t from, size_t count, int64_t step, double first, double by) {
  model::SampleColumns samples;
  for (size_t i = 0; i < count; ++i) {
    samples.millis.push_back(from + static_cast<int64_t>(i) * step);
    samples.values.push_back(first + static_cast<double>(i) * by);
  }
  return samples;
}

class PartTest : public testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(disk_.make_dirs("d").ok()); }
  PartPtr write(const Written& written) {
    std::unique_ptr<os::File> file = std::move(disk_.open("d/part", os::OpenMode::kReplace)).take();
    PartWriter writer(*file);
    for (const auto& [series, samples] : written) EXPECT_TRUE(writer.add(series, samples).ok());
    EXPECT_TRUE(writer.finish().ok());
    Result<PartPtr> part = Part::open(std::move(file), 1, cache_);
    EXPECT_TRUE(part.ok()) << part.error().message();
    return std::move(part).take();
  }
  static void expect_same(const model::SampleColumns& got, const model::SampleColumns& want) {
    EXPECT_EQ(got.millis, want.millis);
    EXPECT_EQ(got.values, want.values);
    EXPECT_EQ(got.starts, want.starts);
  }

  os::SimDisk disk_{1};
  GroupCache cache_{1 << 20};
};

TEST_F(PartTest, GivesBackWhatWasWritten) {
  Written written;
  for (SeriesId series = 0; series < 5000; series += 3) {
    written[series] = floats(1000 * (series % 5), 1 + series % 40, 15'000, series, 0.5);
  }
  written[2].millis.clear();
  written[2] = floats(0, 10'000, 1000, 1e9, 7);  // over several chunks and groups
  written[4] = floats(0, 3, 1000, 1, 1);
  written[4].starts = {0, 500, 500};
  PartPtr part = write(written);
  EXPECT_GT(part->footer().groups.size(), 1u);
  for (const auto& [series, samples] : written) {
    model::SampleColumns got;
    ASSERT_TRUE(part->read(series, INT64_MIN, INT64_MAX, got).ok());
    expect_same(got, samples);
  }
  model::SampleColumns none;
  ASSERT_TRUE(part->read(1, INT64_MIN, INT64_MAX, none).ok());
  EXPECT_EQ(none.size(), 0u);
  PartScan scan(part);
  SeriesId series = 0;
  model::SampleColumns samples;
  auto next = written.begin();
  while (true) {
    Result<bool> more = scan.next(series, samples);
    ASSERT_TRUE(more.ok());
    if (!*more) break;
    ASSERT_NE(next, written.end());
    EXPECT_EQ(series, next->first);
    expect_same(samples, next->second);
    ++next;
  }
  EXPECT_EQ(next, written.end());
}

TEST_F(PartTest, ReadsOnlyTheRange) {
  PartPtr part = write({{7, floats(0, 1000, 1000, 0, 1)}});
  model::SampleColumns got;
  ASSERT_TRUE(part->read(7, 5000, 8000, got).ok());
  EXPECT_EQ(got.millis, (std::vector<int64_t>{5000, 6000, 7000, 8000}));
  EXPECT_EQ(got.values, (std::vector<double>{5, 6, 7, 8}));
  EXPECT_FALSE(part->may_have(7, 1'000'000, 2'000'000));
  EXPECT_TRUE(part->may_have(7, 999'000, 2'000'000));
}

TEST_F(PartTest, FloatsAndHistogramsMayAlternate) {
  model::SampleColumns samples = floats(0, 4, 1000, 1, 1);
  auto histogram = std::make_shared<model::Histogram>();
  histogram->count = 3;
  histogram->sum = 9;
  samples.histograms = {nullptr, histogram, histogram, nullptr};
  samples.values[1] = samples.values[2] = 9;
  PartPtr part = write({{0, samples}});
  model::SampleColumns got;
  ASSERT_TRUE(part->read(0, 0, 10'000, got).ok());
  expect_same(got, samples);
  EXPECT_EQ(got.histogram(0), nullptr);
  ASSERT_NE(got.histogram(2), nullptr);
  EXPECT_EQ(got.histogram(2)->count, 3);
  EXPECT_EQ(got.histogram(3), nullptr);
}

TEST_F(PartTest, SamplesAreOrderedAndTheFirstOfATimeStays) {
  model::SampleColumns samples;
  samples.millis = {3, 1, 2, 1, 3};
  samples.values = {30, 10, 20, 11, 31};
  order_samples(samples);
  EXPECT_EQ(samples.millis, (std::vector<int64_t>{1, 2, 3}));
  EXPECT_EQ(samples.values, (std::vector<double>{10, 20, 30}));
}

TEST_F(PartTest, AnyFlippedByteIsSeenOrHarmless) {
  Written written{{1, floats(0, 50, 15'000, 0.5, 0.25)}, {9, floats(0, 50, 15'000, 3, 0)}};
  PartPtr whole = write(written);
  std::string bytes =
      std::move(std::move(disk_.open("d/part", os::OpenMode::kRead)).take()->read_at(0, whole->file_bytes())).take();
  for (size_t i = 0; i < bytes.size(); ++i) {
    std::string damaged = bytes;
    damaged[i] = static_cast<char>(damaged[i] ^ 0x20);
    std::unique_ptr<os::File> file = std::move(disk_.open("d/damaged", os::OpenMode::kReplace)).take();
    ASSERT_TRUE(file->write_at(0, damaged).ok());
    Result<PartPtr> part = Part::open(std::move(file), 100 + i, cache_);
    if (!part.ok()) continue;
    for (const auto& [series, samples] : written) {
      model::SampleColumns got;
      if ((*part)->read(series, INT64_MIN, INT64_MAX, got).ok()) expect_same(got, samples);
    }
  }
}

}  // namespace
}  // namespace clew::metricstore
