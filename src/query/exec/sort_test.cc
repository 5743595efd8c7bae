#include "query/exec/sort.h"

#include <gtest/gtest.h>

#include "base/worker_pool.h"
#include "os/sim_clock.h"

namespace clew::query::exec {
namespace {

// Takes values of slot 1 in the order they come.
class Taker final : public Operator {
 public:
  Status push(Block block) override {
    for (uint32_t row = 0; row < block.rows; ++row) taken.push_back(block.slots[1]->value(row).i64());
    return {};
  }
  Status finish() override { return {}; }
  std::vector<int64_t> taken;
};

std::vector<Block> random_blocks(uint64_t seed) {
  os::SeededRng rng(seed);
  std::vector<Block> out;
  int64_t number = 0;
  for (uint64_t b = 0; b < 1 + rng.next() % 20; ++b) {
    std::vector<model::Value> keys;
    std::vector<model::Value> numbers;
    for (uint64_t row = 0; row < 1 + rng.next() % 60; ++row) {
      uint64_t kind = rng.next() % 10;
      auto small = static_cast<int64_t>(rng.next() % 40);
      keys.push_back(kind == 0   ? model::Value()
                     : kind == 1 ? model::Value::real(static_cast<double>(small) + 0.5)
                                 : model::Value::bigint(small));
      numbers.push_back(model::Value::bigint(number++));
    }
    Block block;
    block.rows = static_cast<uint32_t>(keys.size());
    block.set(0, vector_of(keys));
    block.set(1, vector_of(numbers));
    out.push_back(std::move(block));
  }
  return out;
}

std::vector<int64_t> sorted(const std::vector<Block>& blocks, bool descending, uint64_t limit) {
  os::SimClock clock;
  base::WorkerPool pool(1);
  Run run(clock, pool, {.millis_max = 0, .block_rows = 7}, {});
  SortStep step({{0, descending, SortAs::kAuto}}, limit, "sort");
  std::unique_ptr<Operator> sort = step.start(run);
  Taker taker;
  sort->set_next(&taker);
  for (const Block& block : blocks) EXPECT_TRUE(sort->push(block).ok());
  EXPECT_TRUE(sort->finish().ok());
  return taker.taken;
}

TEST(Sort, ALimitedSortGivesTheFirstRowsOfTheWholeOne) {
  for (uint64_t seed = 1; seed <= 60; ++seed) {
    std::vector<Block> blocks = random_blocks(seed);
    for (bool descending : {false, true}) {
      std::vector<int64_t> whole = sorted(blocks, descending, UINT64_MAX);
      for (uint64_t limit : {0, 1, 3, 50}) {
        std::vector<int64_t> want(whole.begin(),
                                  whole.begin() + static_cast<ptrdiff_t>(std::min<size_t>(limit, whole.size())));
        EXPECT_EQ(sorted(blocks, descending, limit), want) << "seed " << seed << ", limit " << limit;
      }
    }
  }
}

}  // namespace
}  // namespace clew::query::exec
