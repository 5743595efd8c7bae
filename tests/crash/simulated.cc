// Runs on the simulated disk: power loss, failing operations, full disk.
#include <fmt/format.h>

#include <algorithm>
#include <atomic>

#include "pieces.h"
#include "runs.h"
#include "workload.h"

namespace clew::crash {
namespace {

using Loss = Workload::Loss;

constexpr uint64_t kStepsPerLife = 60;
constexpr uint64_t kLivesPerStore = 6;

// One store through several lives, each ended by a power loss at a random operation or by a kill. Between operations
// the disk is copied and the copy's power cut, to see many more states.
std::string live(uint64_t seed, uint64_t states, Variant variant, uint64_t& seen_states) {
  Workload w(seed);
  w.store().disk.set_lying(variant == Variant::kBroken);
  std::string wrong;
  uint64_t copy_every = 1 + w.rng().below(6);
  auto watch = [&](uint64_t operation) {
    if (!wrong.empty() || operation % copy_every != 0 || seen_states >= states) return;
    ++seen_states;
    wrong = w.check_copy(seed * 1'000'003 + operation, operation % 5 == 0 ? Loss::kProcess : Loss::kPower);
  };
  wrong = w.reopen();
  for (uint64_t life = 0; life < kLivesPerStore && wrong.empty() && seen_states < states; ++life) {
    w.store().disk.cut_power_at(1 + w.rng().below(1500));
    w.store().disk.on_change(watch);
    for (uint64_t i = 0; i < kStepsPerLife && wrong.empty() && !w.store().disk.power_is_out(); ++i) {
      std::string step = w.step();
      if (wrong.empty()) wrong = step;
    }
    w.store().disk.on_change(nullptr);
    if (!wrong.empty()) break;
    w.store().store.reset();
    w.store().disk.crash();
    ++seen_states;
    wrong = w.reopen();
  }
  return wrong;
}

}  // namespace

Outcome run_power_loss(uint64_t seed, uint64_t states, Variant variant) {
  Outcome out{.name = "power loss", .cases = 0, .detail = {}, .wrong = {}};
  std::atomic<uint64_t> seen{0}, stores{0};
  out.wrong = run_pieces([&](uint64_t number, std::string& wrong) {
    if (seen >= states) return false;
    ++stores;
    uint64_t own = 0;
    wrong = live(seed + number, states - std::min<uint64_t>(states, seen), variant, own);
    seen += own;
    if (!wrong.empty()) wrong += fmt::format(" (--seed {})", seed + number);
    return true;
  });
  out.cases = seen;
  out.detail = fmt::format("{} stores", stores.load());
  return out;
}

namespace {

// A fixed run of everything a store does; the disk may fail anywhere in it.
std::string run_script(Workload& w) {
  std::string wrong;
  if (!w.store().open().ok()) return "";
  for (int i = 0; i < 50 && wrong.empty(); ++i) {
    wrong = w.step();
    if (i == 25) (void)w.store().store->snapshot_to("/copy");
    if (i == 30) (void)w.store().store->enforce_retention();
    if (i == 35) {
      w.store().store.reset();
      if (!w.store().open().ok()) return wrong;
    }
    if (wrong.empty() && i % 10 == 9) {
      // Queries go on whatever fails below; a read that fails itself is said, not hidden.
      auto seen = logstore::testing::see_all(*w.store().store);
      if (w.store().disk.failure_happened() || seen.wrong.empty()) continue;
      wrong = seen.wrong.front();
    }
  }
  return wrong;
}

// The script with its n-th operation failing, then a crash or a kill, and what is left. `clean` is set to n when the
// script ended before its n-th operation.
std::string fail_operation(uint64_t seed, uint64_t n, Variant variant, std::atomic<uint64_t>& clean) {
  Workload w(seed);
  w.store().disk.set_lying(variant == Variant::kBroken);
  w.store().disk.fail_operation(n, n % 3 == 0 ? Code::kFull : Code::kIo);
  std::string wrong = run_script(w);
  if (!w.store().disk.failure_happened()) {
    uint64_t before = clean;
    while (n < before && !clean.compare_exchange_weak(before, n)) {
    }
  }
  w.store().store.reset();
  if (n % 2 == 0) {
    w.store().disk.crash();
  } else {
    w.store().disk.kill_process();
  }
  if (wrong.empty()) wrong = w.reopen();
  if (wrong.empty()) wrong = w.write_and_check();
  return wrong;
}

}  // namespace

Outcome run_fail_nth(uint64_t seed, uint64_t every, Variant variant) {
  Outcome out{.name = "fail the n-th operation", .cases = 0, .detail = {}, .wrong = {}};
  std::atomic<uint64_t> clean{UINT64_MAX}, cases{0};
  out.wrong = run_pieces([&](uint64_t number, std::string& wrong) {
    uint64_t n = 1 + number * every;
    if (n > clean) return false;
    ++cases;
    wrong = fail_operation(seed, n, variant, clean);
    if (!wrong.empty()) wrong = fmt::format("operation {}: {} (--seed {})", n, wrong, seed);
    return true;
  });
  out.cases = cases;
  out.detail = fmt::format("clean after {} operations", clean - 1);
  return out;
}

Outcome run_disk_full(uint64_t seed, uint64_t cycles, Variant variant) {
  Outcome out{.name = "disk filled and freed", .cases = 0, .detail = {}, .wrong = {}};
  constexpr uint64_t kDisk = 16u << 20;
  Workload w(seed);
  w.store().disk.set_lying(variant == Variant::kBroken);
  std::string wrong = w.reopen();
  uint64_t refused = 0;
  for (; out.cases < cycles && wrong.empty(); ++out.cases) {
    for (int i = 0; i < 5 && wrong.empty(); ++i) wrong = w.step();
    // From nothing left at all to just under the reserve.
    w.store().disk.set_total_bytes(w.rng().below(kDisk / 64));
    for (int i = 0; i < 5 && wrong.empty(); ++i) wrong = w.step();
    refused += w.store().store->health().writes.ok() ? 0 : 1;
    if (wrong.empty()) wrong = w.check_open();
    if (out.cases % 4 == 3) {
      w.store().store.reset();
      w.store().disk.crash();
    }
    w.store().disk.set_total_bytes(kDisk);
    w.store().clock.advance(1'000'000'000);
    if (wrong.empty() && out.cases % 4 == 3) wrong = w.reopen();
    if (wrong.empty()) wrong = w.write_and_check();
  }
  if (!wrong.empty()) out.wrong = fmt::format("cycle {}: {} (--seed {})", out.cases, wrong, seed);
  out.detail = fmt::format("{} times refused", refused);
  return out;
}

}  // namespace clew::crash
