// Rows of the feed by their fields.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>

#include "feed/expression.h"
#include "feed/worker.h"
#include "logstore/test_store.h"

namespace clew::feed {
namespace {

using logstore::testing::TestStore;
using ::testing::HasSubstr;

class FeedTest : public ::testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(test_.open().ok()); }
  // Sum of `n` over the events of the range that meet the condition.
  double sum_of(contract::SeqRange range, const std::string& condition) {
    auto expression = Expression::make(condition, Expression::Kind::kCondition, 0);
    EXPECT_TRUE(expression.ok());
    double sum = 0;
    auto visited = visit(test_.store->feed().read({}, range), [&](Block& block) -> Status {
      model::Selection kept = CLEW_TRY((*expression)->filter(block));
      Block left = block.narrowed(kept);
      model::VectorPtr n = CLEW_TRY(left.column("n"));
      for (uint32_t row = 0; row < left.rows(); ++row) sum += number_at(*n, row).value_or(0);
      return {};
    });
    EXPECT_TRUE(visited.ok());
    return sum;
  }
  TestStore test_;
};

TEST_F(FeedTest, ARangeIsReadExactlyWhereverItLies) {
  ASSERT_TRUE(test_.write_events(0, 100).ok());
  ASSERT_TRUE(test_.store->flush_now().ok());
  ASSERT_TRUE(test_.write_events(100, 100).ok());
  EXPECT_EQ(sum_of({Seq(0), Seq(200)}, "n >= 0"), 199 * 200 / 2);
  EXPECT_EQ(sum_of({Seq(50), Seq(60)}, "n >= 0"), 50 + 51 + 52 + 53 + 54 + 55 + 56 + 57 + 58 + 59);
  EXPECT_EQ(sum_of({Seq(0), Seq(200)}, "level='error' and n < 30"), 0 + 10 + 20);
  EXPECT_EQ(sum_of({Seq(0), Seq(200)}, "nobody_has_this = 1"), 0);
}

TEST_F(FeedTest, ValuesAreTextsAndNumbers) {
  contract::Write write;
  model::Batch& batch = write.batches.emplace_back("logs");
  uint32_t row = batch.begin_row();
  batch.column("_time")->add_time(row, logstore::testing::kStart);
  batch.column("text")->add_string(row, "2.50");
  batch.column("word")->add_string(row, "many");
  batch.column("whole")->add_int(row, -7);
  batch.column("yes")->add_bool(row, true);
  batch.end_row();
  ASSERT_TRUE(test_.write(std::move(write)).ok());
  auto visited = visit(test_.store->feed().read({}, {Seq(0), Seq(1)}), [](Block& block) -> Status {
    auto text = [&block](const char* name) -> std::string {
      auto column = block.column(name);
      return column.ok() ? std::string(Texts(*column).at(0)) : column.error().message();
    };
    auto number = [&block](const char* name) {
      auto column = block.column(name);
      return column.ok() ? number_at(**column, 0) : std::nullopt;
    };
    EXPECT_EQ(text("text"), "2.50");
    EXPECT_EQ(text("whole"), "-7");
    EXPECT_EQ(text("yes"), "true");
    EXPECT_EQ(text("absent"), "");
    EXPECT_EQ(number("text"), 2.5);
    EXPECT_EQ(number("whole"), -7);
    EXPECT_EQ(number("word"), std::nullopt);
    EXPECT_EQ(number("yes"), std::nullopt);
    EXPECT_EQ(number("absent"), std::nullopt);
    return {};
  });
  ASSERT_TRUE(visited.ok());
  EXPECT_EQ(visited->rows, 1u);
}

TEST_F(FeedTest, AWrongExpressionSaysWhere) {
  auto made = Expression::make("level = ", Expression::Kind::kCondition, 0);
  ASSERT_FALSE(made.ok());
  EXPECT_THAT(made.error().message(), HasSubstr("1:"));
}

TEST_F(FeedTest, AWorkerWorksAfterCommitsAndWhenItIsDue) {
  std::unique_ptr<os::Clock> clock = os::make_real_clock();
  std::atomic<uint64_t> seen{0};
  std::atomic<int> works{0};
  Worker worker(test_.store->feed(), *clock, "test", [&](const std::stop_token&) {
    seen = test_.store->feed().committed().get();
    ++works;
    return Worker::Next{.due_ns = clock->monotonic_ns() + 300'000'000};
  });
  ASSERT_TRUE(test_.write_events(0, 10).ok());
  auto until = clock->monotonic_ns() + 20'000'000'000;
  while ((seen.load() != 10 || works.load() < 4) && clock->monotonic_ns() < until) std::this_thread::yield();
  EXPECT_EQ(seen.load(), 10u);
  EXPECT_GE(works.load(), 4);
  worker.stop();
}

}  // namespace
}  // namespace clew::feed
