// A tail turn by turn: with a stream that takes what the test lets it, at times that the test sets.
#include "live/tail.h"

#include <gtest/gtest.h>

#include "live/subscriber.h"
#include "logstore/test_store.h"
#include "os/sim_disk.h"

namespace clew::live {
namespace {

constexpr uint64_t kSecond = 1'000'000'000;

struct FakeStream final : net::LiveStream {
  bool offer(std::string piece) override {
    if (!room || is_gone) return false;
    got += piece;
    return true;
  }
  bool has_room() override { return room; }
  bool gone() const override { return is_gone; }
  void on_change(std::function<void()>) override {}
  void end() override { ended = true; }
  void cut() override { was_cut = true; }
  // What came since the last look.
  std::string take() { return std::exchange(got, ""); }

  std::string got;
  bool room = true;
  bool is_gone = false;
  bool ended = false;
  bool was_cut = false;
};

class LiveTest : public testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(test_.open().ok()); }
  void write(uint64_t first, uint32_t rows) {
    ASSERT_TRUE(test_.write(logstore::testing::make_write("logs", first, rows)).ok());
  }
  SharedQueryPtr query(const std::string& text) {
    auto made = query::LiveQuery::make({*test_.store, test_.store->feed(), test_.clock}, {.text = text, .access = {}});
    return std::make_shared<SharedQuery>(std::get<std::unique_ptr<query::LiveQuery>>(std::move(made)));
  }
  void make_tail(const std::string& text, Seq from = Seq(0)) {
    tail_ = std::make_unique<Tail>(query(text), stream_, Form::kNdjson, from, now_ns_, TailMetrics{events_, missed_});
  }
  // Turns until there is nothing more to do at once.
  Turn turn(uint64_t at_ns) {
    now_ns_ = at_ns;
    Turn turn;
    do {
      Round round(test_.store->feed(), now_ns_);
      turn = tail_->turn(round);
    } while (turn.next == Turn::Next::kAgain);
    return turn;
  }
  static size_t count(const std::string& text, const std::string& part) {
    size_t n = 0;
    for (size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++n;
    return n;
  }

  logstore::testing::TestStore test_;
  std::shared_ptr<FakeStream> stream_ = std::make_shared<FakeStream>();
  base::Counter events_;
  base::Counter missed_;
  uint64_t now_ns_ = 100 * kSecond;
  std::unique_ptr<Tail> tail_;
};

TEST_F(LiveTest, GivesWhatComesAndThenAHeartbeat) {
  make_tail("fields n");
  EXPECT_EQ(turn(now_ns_).due_ns, now_ns_ + kHeartbeatNs);
  write(0, 3);
  EXPECT_EQ(turn(now_ns_ + kSecond).next, Turn::Next::kWait);
  std::string got = stream_->take();
  EXPECT_EQ(count(got, "\"row\":{\"n\":"), 3u) << got;
  EXPECT_EQ(turn(now_ns_ + kSecond).next, Turn::Next::kWait);
  EXPECT_EQ(stream_->take(), "");
  turn(now_ns_ + kHeartbeatNs);
  EXPECT_EQ(stream_->take(), "{\"heartbeat\":{\"up_to\":3}}\n");
  EXPECT_EQ(events_.value(), 3u);
}

TEST_F(LiveTest, AnIdleHourIsNoLateness) {
  make_tail("fields n");
  turn(now_ns_);
  write(0, 3);
  turn(now_ns_ + 3600 * kSecond);
  EXPECT_EQ(count(stream_->take(), "\"row\""), 3u);
  EXPECT_EQ(missed_.value(), 0u);
}

TEST_F(LiveTest, APauseShorterThanItsPatienceCostsNothing) {
  make_tail("fields n");
  turn(now_ns_);
  stream_->room = false;
  write(0, 200);
  uint64_t begun = now_ns_;
  EXPECT_EQ(turn(begun).due_ns, begun + kPatienceNs + 1);
  write(200, 100);
  turn(begun + kSecond);
  stream_->room = true;
  turn(begun + 2 * kSecond);
  EXPECT_EQ(count(stream_->take(), "\"row\""), 300u);
  EXPECT_EQ(missed_.value(), 0u);
}

TEST_F(LiveTest, ALongPauseIsCountedExactlyAndSaidFirst) {
  make_tail("n>=10 | fields n");
  turn(now_ns_);
  stream_->room = false;
  write(0, 200);
  uint64_t begun = now_ns_;
  turn(begun);
  turn(begun + kPatienceNs + 1);
  EXPECT_EQ(missed_.value(), 190u);
  EXPECT_EQ(stream_->take(), "");
  write(200, 50);  // too late again, and counted on
  turn(begun + kPatienceNs + 2);
  turn(begun + 3 * kPatienceNs);
  EXPECT_EQ(missed_.value(), 240u);
  stream_->room = true;
  write(250, 2);
  turn(begun + 3 * kPatienceNs + kSecond);
  std::string got = stream_->take();
  EXPECT_TRUE(got.starts_with("{\"missed\":240,\"exact\":true}\n")) << got;
  EXPECT_EQ(count(got, "\"row\""), 2u);
}

TEST_F(LiveTest, OneThatComesBackTakesItsTime) {
  for (uint64_t i = 0; i < 10; ++i) write(i * 100, 100);
  make_tail("fields n", Seq(500));
  stream_->room = false;
  turn(now_ns_);
  turn(now_ns_ + 10 * kPatienceNs);
  stream_->room = true;
  turn(now_ns_ + kSecond);
  EXPECT_EQ(count(stream_->take(), "\"row\""), 500u);
  EXPECT_EQ(missed_.value(), 0u);
}

TEST_F(LiveTest, GoneAndStopped) {
  make_tail("");
  stream_->is_gone = true;
  EXPECT_EQ(turn(now_ns_).next, Turn::Next::kOver);
  stream_->is_gone = false;
  tail_->stop();
  EXPECT_TRUE(stream_->ended);
  EXPECT_EQ(stream_->take(), "{\"end\":{\"reason\":\"the server is stopping\"}}\n");
  stream_->room = false;
  tail_->stop();
  EXPECT_TRUE(stream_->was_cut);
}

TEST_F(LiveTest, FollowersAtOnePlaceShareTheAnswer) {
  SharedQueryPtr shared = query("fields n");
  write(0, 10);
  Round round(test_.store->feed(), now_ns_);
  SharedQuery::Answer first = shared->rows(round, Seq(0));
  EXPECT_EQ(shared->rows(round, Seq(0)), first);
  (void)shared->count(round, Seq(0));
  EXPECT_EQ(shared->rows(round, Seq(0)), first);
  EXPECT_NE(shared->rows(round, Seq(1)), first);
}

TEST_F(LiveTest, ASubscribersStreamWaitsForRoomAndMissesNothing) {
  os::SimDisk disk(1);
  auto store = SubscriptionStore::open(disk, test_.clock, "/s", Seq(0));
  auto subscription = (*store)->create("default", "a", "fields n", Seq(0));
  SubscriberStream follower(**store, subscription->first, query("fields n"), stream_, Form::kNdjson, now_ns_, events_);
  auto turns = [&](uint64_t at_ns) {
    Turn turn;
    do {
      Round round(test_.store->feed(), at_ns);
      turn = follower.turn(round);
    } while (turn.next == Turn::Next::kAgain);
    return turn;
  };
  stream_->room = false;
  write(0, 200);
  turns(now_ns_);
  turns(now_ns_ + 100 * kPatienceNs);
  EXPECT_EQ(stream_->take(), "");
  stream_->room = true;
  turns(now_ns_ + 101 * kPatienceNs);
  std::string got = stream_->take();
  EXPECT_EQ(count(got, "\"row\""), 200u);
  EXPECT_TRUE(got.ends_with("{\"up_to\":200}\n")) << got;
  ASSERT_TRUE((*store)->remove("default", "a").ok());
  EXPECT_EQ(turns(now_ns_ + 102 * kPatienceNs).next, Turn::Next::kOver);
  EXPECT_NE(stream_->take().find("was deleted"), std::string::npos);
}

TEST_F(LiveTest, APollAnswersOnceWithEventsOrAtItsEnd) {
  std::vector<query::LiveAnswer> answers;
  auto poll = [&](uint64_t until_ns) {
    return SubscriberPoll(
        query("n>=5 | fields n"), Seq(0), 3, until_ns,
        [&](Result<query::LiveAnswer> answer) { answers.push_back(std::move(answer).take()); }, events_);
  };
  write(0, 4);
  SubscriberPoll waiting = poll(now_ns_ + kSecond);
  Round early(test_.store->feed(), now_ns_);
  EXPECT_EQ(waiting.turn(early).due_ns, now_ns_ + kSecond);
  Round late(test_.store->feed(), now_ns_ + kSecond);
  EXPECT_EQ(waiting.turn(late).next, Turn::Next::kOver);
  ASSERT_EQ(answers.size(), 1u);
  EXPECT_TRUE(answers[0].records.empty());
  EXPECT_EQ(answers[0].up_to, Seq(4));
  write(4, 10);
  SubscriberPoll ready = poll(now_ns_ + kSecond);
  Round round(test_.store->feed(), now_ns_);
  EXPECT_EQ(ready.turn(round).next, Turn::Next::kOver);
  EXPECT_EQ(answers[1].records.size(), 3u);
  EXPECT_EQ(answers[1].up_to, Seq(answers[1].records.back().seq));
}

}  // namespace
}  // namespace clew::live
