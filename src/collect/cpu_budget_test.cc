#include "collect/cpu_budget.h"

#include <gtest/gtest.h>

#include "os/sim_clock.h"

namespace clew::collect {
namespace {

constexpr uint64_t kMillis = 1'000'000;

class CpuBudgetTest : public testing::Test {
 protected:
  os::SimClock clock_;
  uint64_t used_ = 0;
  CpuBudget budget_{0.25, clock_, [this] { return used_; }};
};

TEST_F(CpuBudgetTest, WaitsForWhatWasUsedTooMuch) {
  clock_.advance(100 * kMillis);
  used_ += 25 * kMillis;
  EXPECT_EQ(budget_.wait_nanos(), 0u) << "just the budget";
  used_ += 10 * kMillis;
  EXPECT_NEAR(static_cast<double>(budget_.wait_nanos()), 40 * kMillis, kMillis);
  clock_.advance(20 * kMillis);
  EXPECT_NEAR(static_cast<double>(budget_.wait_nanos()), 20 * kMillis, kMillis);
  clock_.advance(20 * kMillis);
  EXPECT_EQ(budget_.wait_nanos(), 0u);
}

TEST_F(CpuBudgetTest, ALittleIsSavedUpAndNoMore) {
  clock_.advance(3600 * 1000 * kMillis);
  EXPECT_EQ(budget_.wait_nanos(), 0u);
  used_ += 125 * kMillis;
  EXPECT_EQ(budget_.wait_nanos(), 0u) << "half a second of the budget";
  used_ += 1000 * kMillis;
  EXPECT_EQ(budget_.wait_nanos(), CpuBudget::kWaitNanosMax + 1) << "asked again then";
}

TEST_F(CpuBudgetTest, WithoutABudgetNothingWaits) {
  CpuBudget none(0, clock_, [this] { return used_; });
  used_ += 1000 * kMillis;
  EXPECT_EQ(none.wait_nanos(), 0u);
}

TEST_F(CpuBudgetTest, TellsItsShare) {
  clock_.advance(2000 * kMillis);
  used_ += 500 * kMillis;
  EXPECT_DOUBLE_EQ(budget_.share(), 0.25);
  clock_.advance(500 * kMillis);
  used_ += 500 * kMillis;
  EXPECT_DOUBLE_EQ(budget_.share(), 0.25) << "too soon to tell";
}

TEST_F(CpuBudgetTest, StopEndsTheWait) {
  used_ += 3600ull * 1000 * kMillis;
  std::atomic<bool> stop{true};
  budget_.keep(stop);
}

}  // namespace
}  // namespace clew::collect
