// Queries made to hurt: each ends in an answer or in its limit's error, in time and in memory. CLEW_BOMBS=N asks N.
#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <fstream>

#include "ppl_store.h"

#ifdef __SANITIZE_ADDRESS__
extern "C" size_t __sanitizer_get_current_allocated_bytes();  // of the sanitizer's runtime; g++ 12 has no header for it
#endif

namespace clew::query::testing {
namespace {

constexpr uint64_t kBombsShort = 60;
constexpr int kRows = 20'000;
constexpr uint64_t kMillis = 1'000;
constexpr uint64_t kMillisGrace = 2'000;
constexpr uint64_t kMemoryBytes = 256 << 20;  // the default
constexpr uint64_t kTextBytes = 16 << 20;     // trees of a query text of 1 MiB, which is no rows' memory

// Memory of the process. The address sanitizer keeps freed memory back and gives little of it to the system: under it
// the bytes that are still allocated count.
uint64_t resident_bytes() {
#ifdef __SANITIZE_ADDRESS__
  return __sanitizer_get_current_allocated_bytes();
#else
  std::ifstream file("/proc/self/statm");
  uint64_t pages = 0;
  file >> pages >> pages;
  return pages * static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
#endif
}

std::string repeated(const std::string& part, size_t times) {
  std::string out;
  for (size_t i = 0; i < times; ++i) out += part;
  return out;
}

std::string list_of(size_t count, uint64_t salt) {
  std::string out;
  for (size_t i = 0; i < count; ++i) out += (i == 0 ? "" : ",") + std::to_string(i * 7 + salt);
  return out;
}

// The bomb of a number: kinds in turn, sizes growing.
std::string bomb(uint64_t number) {
  size_t size = 1 + static_cast<size_t>(number / 16 % 64);
  std::string all = "source=logs | ";
  switch (number % 16) {
    case 0: return all + "where " + repeated("(", size * 1000) + "n > 1" + repeated(")", size * 1000);
    case 1: return all + "where n in (" + list_of(size * 2000, number) + ")";
    case 2: return all + "cross join left=a right=b logs | stats count()";
    case 3: return all + "join left=a right=b on a.n < b.n logs | stats sum(a.n)";
    case 4: return all + "stats values(word), list(text) by n, text";
    case 5: return all + "where text regexp '" + repeated("(a+)+", 1 + size % 30) + "$'";
    case 6:
      return all + "rex field=text '" + repeated("(?<x" + std::to_string(number) + ">.*)*", 1) + "(x{1000}){" +
             std::to_string(size) + "}'";
    case 7: return all + "eval " + repeated("t = concat(text, text), text = concat(t, t), ", 20) + "z = 1";
    case 8: return "source=logs " + repeated("NOT ", size * 500) + "word";
    case 9: return all + repeated("eval a = n | ", 190) + "head 1";
    case 10: return all + "where n in [ source=logs | where n in [ source=logs | fields n ] | fields n ]";
    case 11:
      return all +
             "where exists [ source=logs | where logs.n > 5 and word = 'w1' ] | eval m = [ source=logs | where n = n | "
             "stats count() ]";
    case 12: return all + "eval x = 1" + repeated(" + n * 2", size * 100);
    case 13: return repeated("x", 1 << 20) + std::to_string(number);
    case 14:
      return all + "eval a = split(text, ''), b = transform(a, x -> concat(x, text)) | mvexpand b | stats dc(b) by n";
    default:
      return all + "patterns text method=brain mode=aggregation | append [ " + all +
             "sort text | reverse | sort -text ]";
  }
}

TEST(Bombs, EndInTimeAndInMemory) {
  const char* wanted = std::getenv("CLEW_BOMBS");
  uint64_t bombs = wanted != nullptr ? std::strtoull(wanted, nullptr, 10) : kBombsShort;
  PplStore store(4096);
  std::string lines;
  for (int i = 0; i < kRows; ++i) {
    lines += "{\"n\":" + std::to_string(i) + ",\"word\":\"w" + std::to_string(i % 7) +
             "\",\"text\":\"aaaaaaaaaaaaaaaa user " + std::to_string(i) + " said hello\"}\n";
  }
  ASSERT_TRUE(store.feed("logs", lines).ok());
  ASSERT_TRUE(store.flush().ok());
  Request warm;
  warm.text = "source=logs | stats count() by word";
  Rows first;
  ASSERT_FALSE(store.ask(warm, first).failure);
  const uint64_t before = resident_bytes();
  uint64_t worst_bytes = 0;
  uint64_t failed = 0;
  uint64_t cut = 0;
  for (uint64_t number = 0; number < bombs; ++number) {
    Request request;
    request.text = bomb(number);
    request.limits.millis = kMillis;
    request.limits.memory_bytes = kMemoryBytes;
    SCOPED_TRACE("bomb " + std::to_string(number) + ": " + request.text.substr(0, 120));
    std::unique_ptr<BodyReceiver> receiver = make_body_receiver(Format::kCsv, {});
    auto begun = std::chrono::steady_clock::now();
    Outcome outcome = store.ask(request, *receiver);
    auto took = std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - begun).count();
    EXPECT_LE(static_cast<uint64_t>(took), kMillis + kMillisGrace);
    worst_bytes = std::max(worst_bytes, resident_bytes() - std::min(before, resident_bytes()));
    failed += outcome.failure ? 1 : 0;
    cut += outcome.exactness.kind == Exactness::Kind::kCut ? 1 : 0;
    if (!outcome.failure) continue;
    EXPECT_NE(outcome.failure->kind, FailureKind::kInternal) << outcome.failure->reason;
    EXPECT_NE(outcome.failure->kind, FailureKind::kCancelled) << outcome.failure->reason;
    EXPECT_FALSE(outcome.failure->reason.empty());
  }
  // Still there, and right.
  Rows again;
  ASSERT_FALSE(store.ask(warm, again).failure);
  EXPECT_EQ(again.rows_seen.size(), first.rows_seen.size());
  EXPECT_LE(worst_bytes, kMemoryBytes + kMemoryBytes / 10 + kTextBytes);
  std::printf("%llu bombs: %llu errors, %llu cut, %llu MiB more at worst\n", static_cast<unsigned long long>(bombs),
              static_cast<unsigned long long>(failed), static_cast<unsigned long long>(cut),
              static_cast<unsigned long long>(worst_bytes >> 20));
}

}  // namespace
}  // namespace clew::query::testing
