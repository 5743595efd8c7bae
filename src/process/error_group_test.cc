#include "process/error_group.h"

#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

namespace clew::process {
namespace {

// The groups of a batch by row; rows without one are absent.
std::map<uint32_t, std::string> groups_of(const model::Batch& batch) {
  std::map<uint32_t, std::string> out;
  const model::Column* column = batch.find(model::kErrorGroupField);
  if (column == nullptr) return out;
  size_t text = 0;
  for (const model::KindRun& run : column->runs()) {
    for (uint32_t i = 0; i < run.count; ++i) out[run.row + i] = std::string(column->text_at(text++));
  }
  return out;
}

TEST(ErrorGroups, ByLevelOfAnySpelling) {
  model::Batch batch;
  const std::vector<std::string> levels = {"info", "ERROR", "warn", "Err", "fatal", "debug", "error"};
  for (const std::string& level : levels) {
    uint32_t row = batch.begin_row();
    batch.column("level")->add_string(row, level);
    batch.column("message")->add_string(row, "order " + std::to_string(row) + " failed");
  }
  add_error_groups(batch);
  auto groups = groups_of(batch);
  ASSERT_EQ(groups.size(), 4u);
  for (uint32_t row : {1u, 3u, 4u, 6u}) EXPECT_EQ(groups[row], groups[1]) << row;
}

TEST(ErrorGroups, NumbersAsLevels) {
  model::Batch batch;
  for (int64_t level : {30, 50, 60, 40}) {
    uint32_t row = batch.begin_row();
    batch.column("level")->add_int(row, level);
    batch.column("msg")->add_string(row, "x");
  }
  add_error_groups(batch);
  auto groups = groups_of(batch);
  EXPECT_EQ(groups.size(), 2u);
  EXPECT_TRUE(groups.contains(1) && groups.contains(2));
}

TEST(ErrorGroups, AnExceptionIsAnErrorWhateverItsLevel) {
  model::Batch batch;
  for (int i = 0; i < 4; ++i) {
    uint32_t row = batch.begin_row();
    batch.column("level")->add_string(row, "info");
    if (i % 2 == 1) batch.column("exception")->add_string(row, "ValueError: bad " + std::to_string(i));
  }
  add_error_groups(batch);
  auto groups = groups_of(batch);
  ASSERT_EQ(groups.size(), 2u);
  EXPECT_EQ(groups[1], groups[3]);
}

TEST(ErrorGroups, NothingIsAddedWhereNothingIsWrong) {
  model::Batch batch;
  batch.column("message")->add_string(batch.begin_row(), "hello");
  batch.column("n")->add_int(batch.begin_row(), 1);
  add_error_groups(batch);
  EXPECT_EQ(batch.find(model::kErrorGroupField), nullptr);
}

TEST(ErrorGroups, KindsAreTypeMessageAndPlace) {
  const char* stack = "  at shop.Cart.add(Cart.java:17)\n  at shop.Main.run(Main.java:1)\n";
  std::string one = error_fingerprint("E", "order 1 failed", stack);
  EXPECT_EQ(one.size(), 16u);
  EXPECT_EQ(one, error_fingerprint("E", "order 2 failed",
                                   "  at shop.Cart.add(Cart.java:99)\n  at shop.Main.run(Main.java:5)\n"));
  EXPECT_NE(one, error_fingerprint("F", "order 1 failed", stack));
  EXPECT_NE(one, error_fingerprint("E", "order 1 was lost", stack));
  EXPECT_NE(one, error_fingerprint("E", "order 1 failed", "  at shop.Pay.charge(Pay.java:17)\n"));
}

}  // namespace
}  // namespace clew::process
