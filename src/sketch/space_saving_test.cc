// The sketch against exact sums.
#include "sketch/space_saving.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <map>
#include <random>

namespace clew::sketch {
namespace {

using Exact = std::map<std::string, double>;

// Few keys make most of the stream, as endpoints do.
std::string key_of(std::mt19937& rng, uint32_t keys) {
  double u = std::uniform_real_distribution<double>(0, 1)(rng);
  return "k" + std::to_string(static_cast<uint32_t>(std::pow(u, 4) * keys));
}

void expect_bounds(const SpaceSaving& sketch, const Exact& exact, size_t keys_max) {
  std::map<std::string, HeavyKey> kept;
  for (const HeavyKey& key : sketch.top(SIZE_MAX)) kept[key.key] = key;
  EXPECT_LE(kept.size(), keys_max);
  for (const auto& [key, sum] : exact) {
    auto it = kept.find(key);
    if (it == kept.end()) {
      EXPECT_LE(sum, sketch.bound()) << key;
      continue;
    }
    EXPECT_LE(sum, it->second.sum + 1e-6) << key;
    EXPECT_GE(sum, it->second.sum - it->second.error - 1e-6) << key;
  }
}

TEST(SpaceSaving, IsExactWhileKeysFit) {
  SpaceSaving sketch(3);
  for (const char* key : {"a", "b", "a", "c", "a", "b"}) sketch.add(key);
  EXPECT_TRUE(sketch.is_exact());
  EXPECT_EQ(sketch.total(), 6);
  auto top = sketch.top(2);
  ASSERT_EQ(top.size(), 2u);
  EXPECT_EQ(top[0].key, "a");
  EXPECT_EQ(top[0].sum, 3);
  EXPECT_EQ(top[0].error, 0);
  EXPECT_EQ(top[1].key, "b");
  sketch.add("d");
  EXPECT_FALSE(sketch.is_exact());
  EXPECT_EQ(sketch.keys(), 3u);
}

TEST(SpaceSaving, EqualSumsStandInTheOrderOfTheirKeys) {
  SpaceSaving sketch(10);
  for (const char* key : {"c", "a", "b"}) sketch.add(key, 2.5);
  auto top = sketch.top(3);
  EXPECT_EQ(top[0].key + top[1].key + top[2].key, "abc");
}

TEST(SpaceSaving, WeightsThatAreNotAboveZeroAreLeftOut) {
  SpaceSaving sketch(10);
  sketch.add("a", 0);
  sketch.add("a", -3);
  sketch.add("a", std::numeric_limits<double>::quiet_NaN());
  EXPECT_EQ(sketch.keys(), 0u);
  EXPECT_EQ(sketch.total(), 0);
}

TEST(SpaceSaving, TheErrorStaysWithinItsBound) {
  for (uint32_t seed = 1; seed <= 20; ++seed) {
    std::mt19937 rng(seed);
    const size_t keys_max = 5 + seed * 7;
    SpaceSaving sketch(keys_max);
    Exact exact;
    for (int i = 0; i < 20'000; ++i) {
      std::string key = key_of(rng, 2'000);
      double weight = seed % 2 == 0 ? 1 : static_cast<double>(rng() % 1'000) / 16;
      sketch.add(key, weight);
      exact[key] += weight;
    }
    expect_bounds(sketch, exact, keys_max);
    EXPECT_LE(sketch.bound(), sketch.total() / static_cast<double>(keys_max) + 1e-6);
  }
}

TEST(SpaceSaving, MergedSketchesKeepTheirBounds) {
  for (uint32_t seed = 1; seed <= 20; ++seed) {
    std::mt19937 rng(seed);
    const size_t keys_max = 10 + seed * 5;
    SpaceSaving all(keys_max);
    Exact exact;
    for (int part = 0; part < 6; ++part) {
      SpaceSaving sketch(keys_max);
      uint32_t keys = part % 2 == 0 ? 2'000 : 8;  // full ones and exact ones
      for (int i = 0; i < 2'000; ++i) {
        std::string key = key_of(rng, keys);
        sketch.add(key);
        exact[key] += 1;
      }
      all.merge(sketch);
      // A merged one is added to as well.
      for (int i = 0; i < 500; ++i) {
        std::string key = key_of(rng, 500);
        all.add(key);
        exact[key] += 1;
      }
    }
    expect_bounds(all, exact, keys_max);
    double sum = 0;
    for (const auto& [key, count] : exact) sum += count;
    EXPECT_NEAR(all.total(), sum, 1e-6);
  }
}

TEST(SpaceSaving, ExactOnesMergeExactly) {
  SpaceSaving a(10);
  SpaceSaving b(10);
  a.add("x", 2);
  b.add("x", 3);
  b.add("y", 1);
  a.merge(b);
  EXPECT_TRUE(a.is_exact());
  EXPECT_EQ(a.top(1)[0].sum, 5);
  EXPECT_EQ(a.keys(), 2u);
}

}  // namespace
}  // namespace clew::sketch
