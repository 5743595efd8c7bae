#include "metricstore/value_coder.h"

#include <gtest/gtest.h>

#include <random>

namespace clew::metricstore {
namespace {

std::string encoded(const std::vector<int64_t>& values) {
  ValueCoder coder;
  std::string out;
  EXPECT_TRUE(coder.encode(values, SIZE_MAX, out));
  return out;
}

void round_trip(const std::vector<int64_t>& values) {
  std::string out = encoded(values);
  base::Reader in(out);
  std::vector<int64_t> back(values.size());
  Status read = decode_coded(in, values.size(), back.data());
  ASSERT_TRUE(read.ok()) << read.error().message();
  ASSERT_TRUE(in.finish().ok());
  ASSERT_EQ(back, values);
}

TEST(ValueCoder, AnyRunComesBack) {
  round_trip({7});
  round_trip({0, 0});
  round_trip({INT64_MIN, INT64_MAX, 0, -1, 1, INT64_MIN});
  round_trip(std::vector<int64_t>(4096, 5));
  std::mt19937_64 rng(5);
  for (int round = 0; round < 2000; ++round) {
    std::vector<int64_t> values(1 + rng() % (round % 10 == 0 ? 4096 : 60));
    int64_t value = static_cast<int64_t>(rng() >> (rng() % 64));
    int width = static_cast<int>(rng() % 64), often = 1 + static_cast<int>(rng() % 20);
    for (int64_t& v : values) {
      if (rng() % static_cast<unsigned>(often) == 0) {
        auto by = rng() >> width;
        value = static_cast<int64_t>(static_cast<uint64_t>(value) + (rng() % 2 == 0 ? by : 0 - by));
      }
      v = value;
    }
    round_trip(values);
  }
}

TEST(ValueCoder, CodesNeverGetLongerThanTheTable) {
  // Lengths that come as often as Fibonacci's numbers would have a code as deep as there are lengths.
  std::vector<int64_t> values;
  size_t a = 1, b = 1;
  for (int length = 0; length < 16 && values.size() + a <= 4000; ++length) {
    values.insert(values.end(), a, int64_t{1} << (2 * length));
    size_t next = a + b;
    a = b;
    b = next;
  }
  std::mt19937 rng(6);
  std::shuffle(values.begin(), values.end(), rng);
  round_trip(values);
}

TEST(ValueCoder, GivesUpWhereAnotherFormIsSmaller) {
  ValueCoder coder;
  std::string out = "before";
  EXPECT_FALSE(coder.encode(std::vector<int64_t>{1, 500, -3, 12345}, 4, out));
  EXPECT_EQ(out, "before");
}

TEST(ValueCoder, DamageIsToldAndNothingReadBeyond) {
  std::vector<int64_t> values;
  std::mt19937_64 rng(8);
  for (int i = 0; i < 200; ++i) values.push_back(static_cast<int64_t>(rng() % 1000));
  std::string whole = encoded(values);
  std::vector<int64_t> back(values.size());
  for (size_t n = 0; n < whole.size(); ++n) {
    base::Reader cut(std::string_view(whole).substr(0, n));
    EXPECT_FALSE(decode_coded(cut, values.size(), back.data()).ok()) << n;
  }
  for (int round = 0; round < 20'000; ++round) {
    std::string hurt = whole;
    for (int i = 0; i < 1 + round % 3; ++i) hurt[rng() % hurt.size()] = static_cast<char>(rng());
    base::Reader in(hurt);
    (void)decode_coded(in, values.size(), back.data());  // ends, whatever it says
  }
}

}  // namespace
}  // namespace clew::metricstore
