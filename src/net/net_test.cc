// Addresses, messages, buffers and decoders.
#include <gtest/gtest.h>
#include <snappy.h>
#include <zstd.h>

#include <cstring>

#include "net/address.h"
#include "net/buffer.h"
#include "net/decompress.h"
#include "net/http_message.h"
#include "net/status.h"

namespace clew::net {
namespace {

TEST(Address, Forms) {
  EXPECT_EQ(parse_address("127.0.0.1:80")->text(), "127.0.0.1:80");
  EXPECT_EQ(parse_address("[::1]:80")->text(), "[::1]:80");
  EXPECT_EQ(parse_address(":80")->host, "0.0.0.0");
  EXPECT_EQ(parse_address("4320")->host, "127.0.0.1");
  for (const char* bad : {"", "a:", "a:b", "a:70000", "::1:80", "1.2.3.4:-1"})
    EXPECT_FALSE(parse_address(bad).ok()) << bad;
  EXPECT_TRUE(parse_address("127.1.2.3:1")->is_loopback());
  EXPECT_TRUE(parse_address("[::1]:1")->is_loopback());
  EXPECT_FALSE(parse_address("10.0.0.1:1")->is_loopback());
  EXPECT_FALSE(parse_address(":1")->is_loopback());
}

TEST(Message, QueryAndTokens) {
  auto pairs = parse_query("a=1&b=x%20y+z&c&&d=%zz");
  ASSERT_EQ(pairs.size(), 4u);
  EXPECT_EQ(pairs[1].second, "x y z");
  EXPECT_EQ(pairs[2].first, "c");
  EXPECT_EQ(pairs[3].second, "%zz");
  EXPECT_TRUE(header_has_token("text/html, application/json;q=0.9", "application/json"));
  EXPECT_FALSE(header_has_token("gzip;q=0", "gzip"));
  EXPECT_EQ(percent_decoded(percent_encoded("a/b c%\xff"), false), "a/b c%\xff");
}

TEST(Buffer, ChargesTheBudgetForWhatItHolds) {
  MemoryBudget budget(1000);
  {
    Buffer a(&budget);
    ASSERT_TRUE(a.reserve(600).ok());
    Buffer b(&budget);
    EXPECT_EQ(b.reserve(500).error().code(), Code::kOverloaded);
    EXPECT_TRUE(b.reserve(400).ok());
    EXPECT_EQ(budget.used_bytes(), 1000u);
  }
  EXPECT_EQ(budget.used_bytes(), 0u);
}

TEST(BufferPool, GivesBackWhatItTook) {
  MemoryBudget budget(64u << 20);
  BufferPool pool(budget);
  Buffer a(&budget);
  ASSERT_TRUE(a.reserve(10).ok());
  a.advance(3);
  std::memcpy(a.data(), "abc", 3);
  ASSERT_TRUE(pool.grow(a, 1u << 20).ok());
  EXPECT_EQ(a.view(), "abc");
  const char* where = a.data();
  pool.give(std::move(a));
  EXPECT_EQ(budget.used_bytes(), 0u);
  Buffer b(&budget);
  ASSERT_TRUE(b.reserve(10).ok());
  ASSERT_TRUE(pool.grow(b, 1u << 20).ok());
  EXPECT_EQ(b.data(), where);
  EXPECT_EQ(budget.used_bytes(), 1u << 20);
}

TEST(Decompress, Snappy) {
  std::string text(100'000, 'x');
  std::string packed;
  snappy::Compress(text.data(), text.size(), &packed);
  MemoryBudget budget(1u << 20);
  Buffer out(&budget);
  ASSERT_TRUE(decompress(Encoding::kSnappy, packed, 1u << 20, out).ok());
  EXPECT_EQ(out.view(), text);
  EXPECT_EQ(decompress(Encoding::kSnappy, packed, 99'999, out).error().code(), Code::kTooLarge);
  packed[packed.size() / 2] ^= 0x55;
  packed.resize(packed.size() - 1);
  EXPECT_EQ(decompress(Encoding::kSnappy, packed, 1u << 20, out).error().code(), Code::kInvalid);
}

// zstd at its longest window; above 8 MiB it is refused whatever the content.
std::string zstd_with_window(int window_log) {
  std::string text((size_t{1} << window_log) + 1, 'a');
  ZSTD_CCtx* c = ZSTD_createCCtx();
  ZSTD_CCtx_setParameter(c, ZSTD_c_windowLog, window_log);
  ZSTD_CCtx_setParameter(c, ZSTD_c_contentSizeFlag, 0);
  std::string out(ZSTD_compressBound(text.size()), '\0');
  ZSTD_inBuffer in{text.data(), text.size(), 0};
  ZSTD_outBuffer to{out.data(), out.size(), 0};
  ZSTD_compressStream2(c, &to, &in, ZSTD_e_end);
  out.resize(to.pos);
  ZSTD_freeCCtx(c);
  return out;
}

TEST(Decompress, ZstdWindow) {
  MemoryBudget budget(kBodyBudgetBytes);
  Buffer out(&budget);
  EXPECT_TRUE(decompress(Encoding::kZstd, zstd_with_window(23), kBodyBytesMax, out).ok());
  Status refused = decompress(Encoding::kZstd, zstd_with_window(25), kBodyBytesMax, out);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code(), Code::kTooLarge) << refused.error().message();
}

TEST(Decompress, CutAnywhereIsAnError) {
  std::string text;
  for (int i = 0; i < 2000; ++i) text += std::to_string(i * 7919) + ",";
  std::string packed(ZSTD_compressBound(text.size()), '\0');
  packed.resize(ZSTD_compress(packed.data(), packed.size(), text.data(), text.size(), 3));
  MemoryBudget budget(1u << 20);
  Buffer out(&budget);
  for (size_t cut = 1; cut < packed.size(); ++cut) {
    EXPECT_FALSE(decompress(Encoding::kZstd, packed.substr(0, cut), 1u << 20, out).ok()) << cut;
  }
}

TEST(Decompress, BudgetStopsIt) {
  std::string text(10u << 20, 'x');
  std::string packed(ZSTD_compressBound(text.size()), '\0');
  packed.resize(ZSTD_compress(packed.data(), packed.size(), text.data(), text.size(), 3));
  MemoryBudget budget(4u << 20);
  Buffer out(&budget);
  EXPECT_EQ(decompress(Encoding::kZstd, packed, kBodyBytesMax, out).error().code(), Code::kOverloaded);
}

TEST(StatusMap, EveryCodeHasAnAnswer) {
  for (int i = 1; i <= 15; ++i) {
    EXPECT_GE(http_status(static_cast<Code>(i)), 400);
    EXPECT_GE(grpc_status(static_cast<Code>(i)), 1);
  }
}

}  // namespace
}  // namespace clew::net
