// The disk queue through power losses, kills and failing operations. test_feed.h says what is checked.
#include <fmt/format.h>

#include <atomic>

#include "pieces.h"
#include "queue/test_feed.h"
#include "runs.h"

namespace clew::crash {
namespace {

using queue::testing::TestFeed;

constexpr uint64_t kLivesPerQueue = 8;
constexpr uint64_t kStepsPerLife = 400;

// What becomes of the disk in one life, by chance.
enum class End : uint8_t { kPowerCut, kKilled, kOperationFails, kDiskFull };

void prepare(TestFeed& feed, End end) {
  switch (end) {
    case End::kPowerCut: return feed.disk.cut_power_at(1 + feed.rng.below(900));
    case End::kKilled: return;
    case End::kOperationFails:
      return feed.disk.fail_operation(1 + feed.rng.below(900), feed.rng.one_in(2) ? Code::kIo : Code::kFull);
    case End::kDiskFull: return feed.disk.set_total_bytes(feed.rng.below(2u << 20));
  }
}

// One queue through several lives; then everything must have arrived, once.
std::string live(uint64_t seed, Variant variant, uint64_t& lines) {
  TestFeed feed(seed);
  feed.disk.set_lying(variant == Variant::kBroken);
  std::string wrong = feed.reopen();
  for (uint64_t life = 0; life < kLivesPerQueue && wrong.empty(); ++life) {
    End end = static_cast<End>(feed.rng.below(4));
    prepare(feed, end);
    uint64_t steps = 1 + feed.rng.below(kStepsPerLife);
    for (uint64_t i = 0; i < steps && wrong.empty() && !feed.disk.power_is_out(); ++i) wrong = feed.step();
    feed.queue.reset();
    if (end == End::kKilled) feed.disk.kill_process();
    if (end != End::kKilled) feed.disk.crash();
    feed.disk.fail_operation(0, Code::kIo);
    feed.disk.set_total_bytes(64u << 20);
    if (wrong.empty()) wrong = feed.reopen();
    if (wrong.empty() && !feed.queue) wrong = "does not open on a disk that works";
  }
  if (wrong.empty()) wrong = feed.drain_and_check();
  lines = feed.lines_stored();
  return wrong;
}

}  // namespace

Outcome run_disk_queue(uint64_t seed, uint64_t queues, Variant variant) {
  Outcome out{.name = "disk queue", .cases = 0, .detail = {}, .wrong = {}};
  std::atomic<uint64_t> lives{0}, lines{0};
  out.wrong = run_pieces([&](uint64_t number, std::string& wrong) {
    if (number >= queues) return false;
    uint64_t stored = 0;
    wrong = live(seed + number, variant, stored);
    if (!wrong.empty()) wrong += fmt::format(" (--seed {})", seed + number);
    lives += kLivesPerQueue;
    lines += stored;
    return true;
  });
  out.cases = lives;
  out.detail = fmt::format("{} queues, {} lines each stored once", queues, lines.load());
  return out;
}

}  // namespace clew::crash
