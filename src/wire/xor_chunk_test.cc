#include "wire/xor_chunk.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>

#include "base/bytes.h"
#include "os/sim_clock.h"
#include "wire/remote_read.h"

namespace clew::wire {
namespace {

std::string hex(std::string_view bytes) {
  std::string out;
  for (char c : bytes) {
    constexpr char kDigits[] = "0123456789abcdef";
    out += kDigits[static_cast<uint8_t>(c) >> 4];
    out += kDigits[static_cast<uint8_t>(c) & 15];
  }
  return out;
}

void expect_round_trip(const std::vector<int64_t>& millis, const std::vector<double>& values) {
  std::string chunk;
  encode_xor_chunk(millis, values, chunk);
  std::vector<model::Sample> back;
  ASSERT_TRUE(decode_xor_chunk(chunk, back).ok());
  ASSERT_EQ(back.size(), millis.size());
  for (size_t i = 0; i < back.size(); ++i) {
    EXPECT_EQ(back[i].millis, millis[i]);
    EXPECT_EQ(std::bit_cast<uint64_t>(back[i].value), std::bit_cast<uint64_t>(values[i]));
  }
  for (size_t cut = 0; cut + 1 < chunk.size(); ++cut) {
    std::vector<model::Sample> some;
    Status status = decode_xor_chunk(std::string_view(chunk).substr(0, cut), some);
    EXPECT_TRUE(!status.ok() || some.size() == millis.size()) << cut;
  }
}

TEST(XorChunk, HasTheBytesOfPrometheus) {
  // By hand, as its page of the format says: three samples 15 s apart, the values 1, 1 and 2.
  std::string chunk;
  encode_xor_chunk(std::vector<int64_t>{1000, 16000, 31000}, std::vector<double>{1, 1, 2}, chunk);
  EXPECT_EQ(hex(chunk), "0003d00f3ff000000000000098753097ffc0");
}

TEST(XorChunk, GivesBackWhatWasPut) {
  expect_round_trip({0}, {0});
  expect_round_trip({-5, 1'700'000'000'000}, {1.5, -1.5});
  double stale = model::stale_value();
  double infinity = std::numeric_limits<double>::infinity();
  expect_round_trip({1, 2, 3, 4, 5}, {stale, std::nan(""), infinity, -infinity, 0.1});
  // Every width of a difference of differences, and its ends.
  std::vector<int64_t> millis = {1'700'000'000'000};
  int64_t step = 15'000;
  for (int64_t change : {int64_t{0}, int64_t{8192}, int64_t{-8191}, int64_t{65536}, int64_t{-65535}, int64_t{524288},
                         int64_t{-524287}, int64_t{524289}, int64_t{-8192}, int64_t{8193}, int64_t{1} << 40}) {
    step = std::max<int64_t>(1, step + change);
    millis.push_back(millis.back() + step);
  }
  std::vector<double> values;
  os::SeededRng rng(7);
  for (size_t i = 0; i < millis.size(); ++i) values.push_back(std::bit_cast<double>(rng.next()));
  expect_round_trip(millis, values);
  millis.clear();
  values.clear();
  for (int i = 0; i < 1000; ++i) {
    millis.push_back((millis.empty() ? 0 : millis.back()) + 1 + static_cast<int64_t>(rng.below(1u << 18)));
    values.push_back(rng.one_in(3) && i > 0 ? values.back() : static_cast<double>(rng.below(1000)) / 8);
  }
  expect_round_trip(millis, values);
}

TEST(XorChunk, WhatIsNoneIsRefused) {
  std::vector<model::Sample> out;
  EXPECT_FALSE(decode_xor_chunk("", out).ok());
  EXPECT_FALSE(decode_xor_chunk(std::string("\0\1", 2), out).ok());
}

TEST(RemoteRead, ReadsARequestAndRefusesOthers) {
  // One query 1000..2000 with job="a" and job!~"b.*", chunks and samples.
  std::string matcher_a = std::string("\x12\x03") + "job" + "\x1a\x01" + "a";
  std::string matcher_b = std::string("\x08\x03\x12\x03") + "job" + "\x1a\x03" + "b.*";
  std::string query = std::string("\x08\xe8\x07\x10\xd0\x0f") + "\x1a" + static_cast<char>(matcher_a.size()) +
                      matcher_a + "\x1a" + static_cast<char>(matcher_b.size()) + matcher_b;
  std::string body = std::string("\x0a") + static_cast<char>(query.size()) + query + std::string("\x12\x02\x01\x00", 4);
  Result<ReadRequest> request = decode_read_request(body);
  ASSERT_TRUE(request.ok()) << request.error().message();
  EXPECT_TRUE(request->takes_chunks);
  EXPECT_TRUE(request->takes_samples);
  ASSERT_EQ(request->queries.size(), 1u);
  const contract::MetricScan& scan = request->queries[0];
  EXPECT_EQ(scan.from_millis, 1000);
  EXPECT_EQ(scan.to_millis, 2000);
  ASSERT_EQ(scan.matchers.size(), 2u);
  EXPECT_EQ(scan.matchers[0].value, "a");
  EXPECT_EQ(scan.matchers[1].op, contract::MatchOp::kNotRegex);
  for (size_t cut = 1; cut < body.size(); ++cut) (void)decode_read_request(std::string_view(body).substr(0, cut));
  EXPECT_FALSE(decode_read_request("\xff").ok());
  EXPECT_TRUE(decode_read_request("")->takes_samples);
}

}  // namespace
}  // namespace clew::wire
