#include <gtest/gtest.h>

#include "ppl_store.h"

namespace clew::query::testing {

TEST(Ppl, FirstWords) {
  PplStore store;
  ASSERT_TRUE(store.feed("logs", "{\"a\":1}\n{\"a\":2}\n").ok());
  Request request;
  request.text = "source=logs | where a > 1 | fields a";
  Rows rows;
  Outcome outcome = store.ask(request, rows);
  ASSERT_FALSE(outcome.failure) << outcome.failure->reason;
  ASSERT_EQ(rows.rows_seen.size(), 1u);
}

}  // namespace clew::query::testing
