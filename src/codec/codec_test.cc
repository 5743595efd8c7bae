#include <gtest/gtest.h>

#include <arpa/inet.h>

#include <random>

#include "base/hash.h"
#include "codec/bitpack.h"
#include "codec/compress.h"
#include "codec/ints.h"
#include "codec/text_forms.h"

namespace clew::codec {
namespace {

TEST(Bitpack, EveryWidthAndManyCounts) {
  std::mt19937_64 rng(1);
  for (int width = 0; width <= 64; ++width) {
    for (size_t count : {0u, 1u, 7u, 8u, 9u, 63u, 64u, 65u, 1000u}) {
      std::vector<uint64_t> values(count);
      for (uint64_t& v : values) v = width == 0 ? 0 : rng() >> (64 - width);
      std::string packed;
      pack_bits(values.data(), count, width, packed);
      ASSERT_EQ(packed.size(), packed_bytes(count, width));
      std::vector<uint64_t> back(count, 1);
      unpack_bits(packed, count, width, back.data());
      ASSERT_EQ(back, values) << width << " " << count;
      if (width > 32) continue;
      std::vector<uint32_t> narrow(count, 1);
      unpack_bits(packed, count, width, narrow.data());
      ASSERT_TRUE(std::equal(narrow.begin(), narrow.end(), values.begin())) << width << " " << count;
      // More bytes behind change nothing.
      unpack_bits(packed + std::string(40, '\xff'), count, width, narrow.data());
      ASSERT_TRUE(std::equal(narrow.begin(), narrow.end(), values.begin())) << width << " " << count;
    }
  }
}

TEST(Checksum, OfAnyLength) {
  std::mt19937_64 rng(8);
  std::string bytes(10'000, '\0');
  for (char& c : bytes) c = static_cast<char>(rng());
  uint32_t plain = ~0u;  // bit by bit, of the bytes before `n`
  for (size_t n = 0; n <= bytes.size(); ++n) {
    bool some = n < 40 || n % 97 == 0 || n % 1536 < 2;
    if (some) {
      std::string_view all = std::string_view(bytes).substr(0, n);
      ASSERT_EQ(base::crc32c(all), ~plain) << n;
      ASSERT_EQ(base::crc32c(all.substr(n / 3), base::crc32c(all.substr(0, n / 3))), ~plain) << n;
    }
    if (n == bytes.size()) break;
    plain ^= static_cast<uint8_t>(bytes[n]);
    for (int bit = 0; bit < 8; ++bit) plain = plain >> 1 ^ ((plain & 1) != 0 ? 0x82f63b78u : 0);
  }
  EXPECT_EQ(base::crc32c("123456789"), 0xe3069283u);
}

TEST(Compress, GivesBackWhatWasWritten) {
  std::mt19937_64 rng(2);
  for (Method method : {Method::kStored, Method::kLz4, Method::kZstd}) {
    for (size_t n : {0u, 1u, 31u, 32u, 5000u, 5u << 20}) {
      std::string raw(n, 'a');
      for (size_t i = 0; i < n; i += 1 + rng() % 50) raw[i] = static_cast<char>(rng());
      std::string out;
      write_packed(raw, method, out);
      base::Reader in(out);
      std::string back;
      ASSERT_TRUE(read_packed(in, back).ok());
      ASSERT_TRUE(in.finish().ok());
      ASSERT_EQ(back, raw);
    }
  }
}

TEST(Compress, CutAndChangedBytesAreErrorsOrOtherBytesButNoCrash) {
  std::string raw(3000, 'x');
  for (size_t i = 0; i < raw.size(); i += 3) raw[i] = static_cast<char>(i);
  for (Method method : {Method::kLz4, Method::kZstd}) {
    std::string out;
    write_packed(raw, method, out);
    for (size_t cut = 0; cut < out.size(); ++cut) {
      base::Reader in(std::string_view(out).substr(0, cut));
      std::string back;
      EXPECT_FALSE(read_packed(in, back).ok());
    }
    for (size_t i = 0; i < out.size(); ++i) {
      std::string changed = out;
      changed[i] = static_cast<char>(changed[i] ^ 0x55);
      base::Reader in(changed);
      std::string back;
      (void)read_packed(in, back).ok();
    }
  }
}

std::vector<std::vector<int64_t>> samples() {
  std::mt19937_64 rng(3);
  std::vector<std::vector<int64_t>> all = {{}, {0}, {INT64_MIN}, {INT64_MIN, INT64_MAX, 0, -1}, {5, 5, 5}};
  for (size_t n : {2u, 100u, 4096u}) {
    std::vector<int64_t> small(n), rising(n), times(n), runs(n), few(n), wild(n), outliers(n);
    int64_t t = 1'700'000'000'000'000'000;
    for (size_t i = 0; i < n; ++i) {
      small[i] = static_cast<int64_t>(rng() % 100) - 50;
      rising[i] = static_cast<int64_t>(i * 3 + rng() % 5);
      times[i] = t += static_cast<int64_t>(rng() % 1000) * 1000000;
      runs[i] = static_cast<int64_t>(i / 50 % 7) * 1000000007;
      few[i] = std::array<int64_t, 4>{200, 404, 500, 1000000}[rng() % 4];
      wild[i] = static_cast<int64_t>(rng());
      outliers[i] = rng() % 100 == 0 ? static_cast<int64_t>(rng()) : static_cast<int64_t>(rng() % 16);
    }
    for (auto& v : {small, rising, times, runs, few, wild, outliers}) all.push_back(v);
  }
  return all;
}

TEST(Ints, RoundTripOfEveryForm) {
  IntEncoder encoder;
  for (Effort effort : {Effort::kNested, Effort::kFast, Effort::kFull}) {
    for (const auto& values : samples()) {
      std::string out;
      encoder.encode(values, effort, out);
      EXPECT_LE(out.size(), values.size() * 8 + 24)
          << values.size() << " form " << int(out[0]) << " effort " << int(effort);
      base::Reader in(out);
      std::vector<int64_t> back(values.size());
      ASSERT_TRUE(decode_ints(in, values.size(), back.data()).ok());
      ASSERT_TRUE(in.finish().ok());
      ASSERT_EQ(back, values);
    }
  }
}

TEST(Ints, CodesAreBelowTheirLimit) {
  IntEncoder encoder;
  std::mt19937_64 rng(4);
  for (size_t n : {1u, 9u, 100u, 4096u}) {
    for (int64_t least : {0, 3, 70'000}) {
      for (uint64_t range : {1u, 2u, 31u, 1000u, 65'536u, 5'000'000u}) {
        std::vector<int64_t> values(n);
        for (int64_t& v : values) v = least + static_cast<int64_t>(rng() % range);
        int64_t most = *std::max_element(values.begin(), values.end());
        for (Effort effort : {Effort::kFast, Effort::kFull}) {
          std::string out;
          encoder.encode(values, effort, out);
          std::vector<uint32_t> back(n);
          base::Reader in(out);
          ASSERT_TRUE(decode_codes(in, n, static_cast<uint32_t>(most + 1), back.data()).ok());
          ASSERT_TRUE(in.finish().ok());
          ASSERT_TRUE(std::equal(back.begin(), back.end(), values.begin()));
          base::Reader again(out);
          EXPECT_FALSE(decode_codes(again, n, static_cast<uint32_t>(most), back.data()).ok());
        }
      }
    }
  }
  std::string negative;
  encoder.encode(std::vector<int64_t>{-1, 5, 7}, Effort::kFast, negative);
  std::vector<uint32_t> back(3);
  base::Reader in(negative);
  EXPECT_FALSE(decode_codes(in, 3, UINT32_MAX, back.data()).ok());
}

TEST(Ints, SmallData) {
  IntEncoder encoder;
  std::vector<int64_t> millis(4096);
  for (size_t i = 0; i < millis.size(); ++i)
    millis[i] = 1'700'000'000'000'000'000 + static_cast<int64_t>(i / 7) * 1000000;
  std::string out;
  encoder.encode(millis, Effort::kFull, out);
  EXPECT_LT(out.size(), 1200u);  // 4096 differences of one bit
}

TEST(Ints, DamageIsNeverACrash) {
  IntEncoder encoder;
  for (const auto& values : samples()) {
    if (values.size() > 200) continue;
    std::string out;
    encoder.encode(values, Effort::kFull, out);
    std::vector<int64_t> back(values.size());
    for (size_t i = 0; i < out.size(); ++i) {
      for (int bit = 0; bit < 8; ++bit) {
        std::string changed = out;
        changed[i] = static_cast<char>(changed[i] ^ (1 << bit));
        base::Reader in(changed);
        (void)decode_ints(in, values.size(), back.data()).ok();
      }
      base::Reader cut(std::string_view(out).substr(0, i));
      (void)decode_ints(cut, values.size(), back.data()).ok();
    }
  }
}

// What the C library takes as an address, and nothing else.
void expect_like_inet_pton(const std::string& text) {
  in_addr want{};
  bool valid = inet_pton(AF_INET, text.c_str(), &want) == 1;
  uint32_t got = 0;
  ASSERT_EQ(parse_ip4(text, got), valid) << text;
  // What stands behind the text in its buffer has no say.
  std::string amid = "1." + text + "1.2.3.4.5.6.7.8.9";
  uint32_t again = 0;
  ASSERT_EQ(parse_ip4(std::string_view(amid).substr(2, text.size()), again), valid) << text;
  ASSERT_TRUE(!valid || again == got) << text;
  if (!valid) return;
  ASSERT_EQ(got, ntohl(want.s_addr)) << text;
  char printed[kIp4CharsMax];
  ASSERT_EQ(std::string(printed, print_ip4(got, printed)), text);
}

TEST(Ip4, IsWhatTheLibraryTakes) {
  std::mt19937_64 rng(11);
  for (int i = 0; i < 200'000; ++i) {
    std::string text;
    for (int part = 0; part < 4; ++part)
      text += (part > 0 ? "." : "") + std::to_string(rng() % (i % 3 == 0 ? 400 : 256));
    if (i % 5 == 0) text[rng() % text.size()] = "0123456789./:a "[rng() % 15];
    if (i % 7 == 0) text.insert(rng() % text.size(), 1, "0."[rng() % 2]);
    if (i % 11 == 0) text.erase(rng() % text.size(), 1);
    expect_like_inet_pton(text);
  }
  for (const char* text : {"0.0.0.0", "255.255.255.255", "256.1.1.1", "1.1.1.1.", ".1.1.1.1", "1..1.1.1", "01.1.1.1",
                           "1.1.1.1111", "1111.1.1.1", "1.1.1", "1.1.1.", "1234567", "", "...1.1.1"}) {
    expect_like_inet_pton(text);
  }
}

}  // namespace
}  // namespace clew::codec
