#include "metricstore/chunk.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <random>

namespace clew::metricstore {
namespace {

std::vector<uint64_t> bits(const std::vector<double>& values) {
  std::vector<uint64_t> out;
  for (double v : values) out.push_back(std::bit_cast<uint64_t>(v));
  return out;
}

// What floats() writes and read_floats() reads; the bytes it took.
size_t round_trip(const std::vector<double>& values) {
  ChunkEncoder encoder;
  std::string out;
  encoder.floats(values, out);
  base::Reader in(out);
  std::vector<double> back;
  Status read = read_floats(in, values.size(), back);
  EXPECT_TRUE(read.ok() && in.finish().ok());
  EXPECT_EQ(bits(back), bits(values));
  return out.size();
}

TEST(Chunk, FloatsComeBackWithTheSameBits) {
  std::mt19937_64 rng(3);
  std::vector<double> anything;
  for (int i = 0; i < 500; ++i) anything.push_back(std::bit_cast<double>(rng()));
  round_trip(anything);
  round_trip({0.0, -0.0, 1.0});
  round_trip({std::nan(""), model::stale_value(), INFINITY, -INFINITY, 1e308, 5e-324});
  round_trip({model::stale_value()});
  round_trip({9007199254740991.0, 9007199254740992.0, 9007199254740994.0, 0.1});
  std::vector<double> stale_end(100, 2.5);
  stale_end.push_back(model::stale_value());
  stale_end.push_back(3.75);
  EXPECT_LT(round_trip(stale_end), 60u);
}

TEST(Chunk, ValuesThatProgramsScaledThemselvesTakeWhatTheirTicksTake) {
  std::mt19937 rng(2);
  std::vector<double> multiplied, divided_twice, nanos;
  int64_t ticks = 123'456'789;
  for (int i = 0; i < 400; ++i) {
    ticks += 100 + static_cast<int64_t>(rng() % 256);
    multiplied.push_back(static_cast<double>(ticks) * 0.001);
    divided_twice.push_back(static_cast<double>(ticks) / 1000 / 1000);
    nanos.push_back(static_cast<double>(ticks) / 1e9);
  }
  EXPECT_LT(round_trip(multiplied), 460u);
  EXPECT_LT(round_trip(divided_twice), 460u);
  EXPECT_LT(round_trip(nanos), 460u);
}

TEST(Chunk, StepsOfManySizesTakeTheirOwnRoomEach) {
  std::mt19937_64 rng(4);
  std::vector<double> counter{1e9}, seldom{5};
  std::exponential_distribution<double> step(1.0 / 1000);
  for (int i = 1; i < 4096; ++i) {
    counter.push_back(counter.back() + std::floor(step(rng)));
    seldom.push_back(seldom.back() + (rng() % 50 == 0 ? 1.0 : 0.0));
  }
  // log2(1000 e) bits each; an event every 50.
  EXPECT_LT(round_trip(counter), 4096u * 116 / 80);
  EXPECT_LT(round_trip(seldom), 4096u * 20 / 800);
}

TEST(Chunk, WhatMetricsAreTakesLittle) {
  std::vector<double> counter, cents, same(240, 1.0);
  std::mt19937 rng(1);
  double value = 1e6;
  for (int i = 0; i < 240; ++i) {
    value += 1000 + static_cast<double>(rng() % 64);
    counter.push_back(value);
    cents.push_back(static_cast<double>(rng() % 10000) / 100);
  }
  EXPECT_LT(round_trip(counter), 240u);
  EXPECT_LT(round_trip(cents), 480u);
  EXPECT_LT(round_trip(same), 12u);
}

TEST(Chunk, TimesAndStartsComeBack) {
  ChunkEncoder encoder;
  std::vector<int64_t> millis, starts;
  for (int i = 0; i < 300; ++i) {
    millis.push_back(1'796'000'000'000 + i * 15'000 + (i % 7));
    starts.push_back(i < 3 ? 0 : i < 100 ? 1'795'000'000'000 : millis.back());
  }
  std::string out;
  encoder.times(millis, out);
  encoder.starts(starts, millis, out);
  base::Reader in(out);
  std::vector<int64_t> back, back_starts;
  ASSERT_TRUE(read_times(in, millis.size(), back).ok());
  ASSERT_TRUE(read_starts(in, back, back_starts).ok());
  EXPECT_EQ(back, millis);
  EXPECT_EQ(back_starts, starts);
}

TEST(Chunk, HistogramsOfOneLayoutComeBack) {
  std::vector<model::HistogramPtr> values;
  for (int i = 0; i < 50; ++i) {
    auto h = std::make_shared<model::Histogram>();
    h->schema = 3;
    h->reset = model::CounterReset::kNotReset;
    h->whole = true;
    h->zero_threshold = 0.001;
    h->zero_count = i;
    h->count = 10 * i;
    h->sum = 0.5 * i;
    h->positive_spans = {{-2, 2}, {3, 1}};
    h->positive_buckets = {1.0 * i, 2.0 * i, 7};
    h->negative_spans = {{0, 1}};
    h->negative_buckets = {4};
    values.push_back(h);
  }
  ChunkEncoder encoder;
  std::string out;
  encoder.histograms(values, out);
  base::Reader in(out);
  std::vector<model::HistogramPtr> back;
  ASSERT_TRUE(read_histograms(in, values.size(), back).ok());
  ASSERT_EQ(back.size(), values.size());
  for (size_t i = 0; i < back.size(); ++i) {
    EXPECT_TRUE(same_layout(*back[i], *values[i]));
    EXPECT_EQ(back[i]->count, values[i]->count);
    EXPECT_EQ(back[i]->sum, values[i]->sum);
    EXPECT_EQ(back[i]->zero_count, values[i]->zero_count);
    EXPECT_EQ(back[i]->positive_buckets, values[i]->positive_buckets);
    EXPECT_EQ(back[i]->negative_buckets, values[i]->negative_buckets);
  }
  // Cut anywhere it is refused, and never read beyond.
  for (size_t n = 0; n < out.size(); ++n) {
    base::Reader cut(std::string_view(out).substr(0, n));
    std::vector<model::HistogramPtr> none;
    EXPECT_FALSE(read_histograms(cut, values.size(), none).ok()) << n;
  }
}

}  // namespace
}  // namespace clew::metricstore
