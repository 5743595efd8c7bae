// What tests expect of a store's contents.
#pragma once

#include <gtest/gtest.h>

#include "logstore/test_store.h"

namespace clew::logstore::testing {

// Expects exactly the numbers [0, count), each once, all values right.
inline void expect_events(LogStore& store, uint64_t count) {
  Seen seen = see_all(store);
  EXPECT_TRUE(seen.wrong.empty()) << seen.wrong.front();
  EXPECT_EQ(seen.damaged_rows, 0u);
  EXPECT_EQ(seen.seq_by_number.size(), count);
  EXPECT_EQ(seen.numbers().size(), count);
  if (count > 0 && !seen.seq_by_number.empty()) {
    EXPECT_EQ(seen.seq_by_number.rbegin()->first, count - 1);
  }
}

}  // namespace clew::logstore::testing
