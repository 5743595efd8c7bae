// Standing lists: the window slides, a start builds them from the store, Redis gets them whole.
#include "topk/lists.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "logstore/test_store.h"

namespace clew::topk {
namespace {

using logstore::testing::make_write;
using logstore::testing::TestStore;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;

constexpr int64_t kSecond = 1'000'000'000;

class ListsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(test_.open().ok());
    test_.clock.set(UnixNanos(logstore::testing::kStart));
  }
  static ListOptions list(const std::string& name, const std::string& asked, size_t keys_max = 1000) {
    ListOptions out;
    out.name = name;
    auto question = parse_question(asked);
    EXPECT_TRUE(question.ok()) << (question.ok() ? "" : question.error().message());
    if (question.ok()) out.question = *question;
    out.keys_max = keys_max;
    return out;
  }
  void make(const std::vector<ListOptions>& options) {
    auto made = Lists::make({test_.clock, *test_.store, test_.store->feed(), *test_.registry}, options, nullptr);
    ASSERT_TRUE(made.ok()) << made.error().message();
    lists_ = std::move(made).take();
  }
  void work() {
    while (lists_->work_once().due_ns == 0) {
    }
  }
  std::vector<std::pair<std::string, double>> rows(const std::string& name) {
    std::vector<std::pair<std::string, double>> out;
    auto answer = lists_->answer(name);
    EXPECT_TRUE(answer.ok()) << (answer.ok() ? "" : answer.error().message());
    if (!answer.ok()) return out;
    for (const TopRow& row : answer->rows) out.emplace_back(row.values[0], row.sum);
    return out;
  }
  // Events one second apart from now on, by level: every tenth is an error.
  void write(uint64_t first, uint32_t count) {
    static int64_t base;
    base = test_.clock.now().get();
    ASSERT_TRUE(test_
                    .write(make_write("logs", first, count, std::nullopt,
                                      [](uint64_t n) { return base + static_cast<int64_t>(n % 1000) * kSecond / 100; }))
                    .ok());
  }

  TestStore test_;
  std::unique_ptr<Lists> lists_;
};

TEST_F(ListsTest, AreKeptWhileEventsComeAndForgetWhatIsOld) {
  make({list("levels", "10 by level last 5m")});
  EXPECT_EQ(lists_->answer("levels").error().code(), Code::kUnavailable);
  work();
  EXPECT_TRUE(rows("levels").empty());
  write(0, 100);
  test_.clock.advance(60 * kSecond);
  work();
  EXPECT_THAT(rows("levels"), ElementsAre(Pair("info", 90), Pair("error", 10)));
  write(100, 50);
  test_.clock.advance(60 * kSecond);
  work();
  EXPECT_THAT(rows("levels"), ElementsAre(Pair("info", 135), Pair("error", 15)));
  test_.clock.advance(200 * kSecond);
  EXPECT_THAT(rows("levels"), ElementsAre(Pair("info", 45), Pair("error", 5))) << "the first hundred are too old";
  test_.clock.advance(300 * kSecond);
  EXPECT_TRUE(rows("levels").empty());
}

TEST_F(ListsTest, AStartBuildsThemFromTheStore) {
  write(0, 100);
  ASSERT_TRUE(test_.store->flush_now().ok());
  write(100, 20);
  test_.clock.advance(30 * kSecond);
  make({list("levels", "10 by level last 5m"), list("errors", "3 by service.name where level='error' last 1h")});
  work();
  EXPECT_THAT(rows("levels"), ElementsAre(Pair("info", 108), Pair("error", 12)));
  write(120, 10);
  work();
  EXPECT_THAT(rows("levels"), ElementsAre(Pair("info", 117), Pair("error", 13))) << "each event once";
  auto answer = lists_->answer("errors");
  ASSERT_TRUE(answer.ok());
  EXPECT_EQ(answer->total, 13);
}

TEST_F(ListsTest, BeyondTheirKeysTheBoundIsTold) {
  make({list("numbers", "5 by n last 5m", 10)});
  work();
  write(0, 100);
  work();
  auto answer = lists_->answer("numbers");
  ASSERT_TRUE(answer.ok());
  EXPECT_FALSE(answer->is_exact());
  EXPECT_GE(answer->bound, 1);
  EXPECT_EQ(answer->total, 100);
}

TEST_F(ListsTest, WhatCannotBeAListIsRefused) {
  auto refusal = [this](const std::string& asked) {
    auto made =
        Lists::make({test_.clock, *test_.store, test_.store->feed(), *test_.registry}, {list("x", asked)}, nullptr);
    EXPECT_FALSE(made.ok()) << asked;
    return made.ok() ? std::string() : made.error().message();
  };
  EXPECT_THAT(refusal("by a of m last 5m"), HasSubstr("topk.lists.x: a standing list is of events"));
  EXPECT_THAT(refusal("by a last 5s"), HasSubstr("10s or more"));
  EXPECT_THAT(refusal("by a where b > last 5m"), HasSubstr("topk.lists.x: where"));
  make({});
  EXPECT_EQ(lists_->answer("x").error().code(), Code::kNotFound);
}

TEST(RedisAddress, IsReadAndShownWithoutItsPassword) {
  auto address = parse_redis_address("redis://:p%40ss@[::1]:7000/3");
  ASSERT_TRUE(address.ok());
  EXPECT_EQ(address->host, "::1");
  EXPECT_EQ(address->port, 7000);
  EXPECT_EQ(address->password, "p@ss");
  EXPECT_EQ(address->database, 3u);
  EXPECT_THAT(address->text(), ::testing::Not(HasSubstr("ss")));
  address = parse_redis_address("redis://me:x@cache");
  ASSERT_TRUE(address.ok());
  EXPECT_EQ(address->text(), "redis://me@cache:6379/0");
  for (const char* wrong : {"", "localhost", "rediss://a", "redis://", "redis://a:0", "redis://a:x", "redis://a/b",
                            "redis://pass@a", "redis://[::1"}) {
    EXPECT_FALSE(parse_redis_address(wrong).ok()) << wrong;
  }
}

TEST(RedisReply, IsTakenWhenItIsWhole) {
  std::string bytes = "*3\r\n+OK\r\n$5\r\na\r\nbc\r\n:-7\r\n-ERR no\r\n";
  for (size_t cut = 0; cut < 25; ++cut) {
    std::string_view part = std::string_view(bytes).substr(0, cut);
    auto reply = take_reply(part);
    ASSERT_TRUE(reply.ok());
    EXPECT_EQ(*reply, nullptr) << cut;
  }
  std::string_view rest = bytes;
  auto list = take_reply(rest);
  ASSERT_TRUE(list.ok() && *list != nullptr);
  ASSERT_EQ((*list)->items.size(), 3u);
  EXPECT_EQ((*list)->items[1].text, "a\r\nbc");
  EXPECT_EQ((*list)->items[2].number, -7);
  auto error = take_reply(rest);
  ASSERT_TRUE(error.ok() && *error != nullptr);
  EXPECT_EQ((*error)->kind, RedisReply::Kind::kError);
  EXPECT_TRUE(rest.empty());
  for (const char* wrong : {"?\r\n", "\r\n", "*x\r\n", "$-2\r\n", "*1000001\r\n", "$1\r\nabc", "$70000000\r\n"}) {
    std::string_view view = wrong;
    EXPECT_FALSE(take_reply(view).ok()) << wrong;
  }
  std::string deep;
  for (int i = 0; i < 20; ++i) deep += "*1\r\n";
  std::string_view view = deep;
  EXPECT_FALSE(take_reply(view).ok());
}

TEST(RedisLists, AListIsReplacedAsAWhole) {
  ListOptions list;
  list.name = "endpoints";
  list.question = *parse_question("2 by a, b last 5m");
  TopAnswer answer;
  answer.rows = {{{"x", "say \"hi\""}, 2.5, 0}, {{"", "z"}, 1, 0}};
  auto commands = RedisLists::commands_of(list, answer);
  EXPECT_THAT(commands[0], ElementsAre("MULTI"));
  EXPECT_THAT(commands[2],
              ElementsAre("ZADD", "clew:top:endpoints:new", "2.5", R"(["x","say \"hi\""])", "1", R"(["","z"])"));
  EXPECT_THAT(commands[3], ElementsAre("RENAME", "clew:top:endpoints:new", "clew:top:endpoints"));
  EXPECT_THAT(commands.back(), ElementsAre("EXEC"));
  answer.rows.clear();
  EXPECT_THAT(RedisLists::commands_of(list, answer)[2], ElementsAre("DEL", "clew:top:endpoints"));
}

}  // namespace
}  // namespace clew::topk
