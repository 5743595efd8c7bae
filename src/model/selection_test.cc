#include "model/selection.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

namespace clew::model {
namespace {

TEST(Selection, WithoutSomeOfItsRows) {
  std::mt19937_64 rng(1);
  for (uint64_t share : {0u, 1u, 5u, 9u, 10u}) {
    for (uint32_t size : {0u, 1u, 2u, 100u, 4096u}) {
      Selection all;
      Selection taken;
      Selection left;
      for (uint32_t row = 0; all.size() < size; row += 1 + static_cast<uint32_t>(rng() % 3)) {
        all.push_back(row);
        (rng() % 10 < share ? taken : left).push_back(row);
      }
      EXPECT_EQ(without(all, taken), left);
      EXPECT_EQ(without(all, left), taken);
    }
  }
}

}  // namespace
}  // namespace clew::model
