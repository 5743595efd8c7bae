#include "api/agent_ledger.h"

#include <gtest/gtest.h>

#include "os/sim_clock.h"
#include "os/sim_disk.h"

namespace clew::api {
namespace {

class AgentLedgerTest : public ::testing::Test {
 protected:
  AgentLedgerTest() : disk_(1, 64u << 20) {
    EXPECT_TRUE(disk_.make_dirs("/data").ok());
    reopen();
  }
  void reopen() {
    ledger_.reset();
    auto opened = AgentLedger::open(disk_, clock_, "/data/ledger");
    ASSERT_TRUE(opened.ok()) << opened.error().message();
    ledger_ = std::move(opened).take();
  }
  void accept(uint64_t sequence, uint64_t events, uint64_t kept) {
    ledger_->accepted({}, {.key = {"p", sequence}, .source = {}, .events = events, .kept = kept});
  }
  void accept(uint64_t sequence, uint64_t events) { accept(sequence, events, events); }
  void report(const Json& body) {
    Status taken = ledger_->report({}, body.dump());
    ASSERT_TRUE(taken.ok()) << taken.error().message();
  }
  Json agent() {
    Json all = ledger_->answer({});
    return all["agents"].empty() ? Json::object() : all["agents"][0];
  }

  os::SimDisk disk_;
  os::SimClock clock_;
  std::unique_ptr<AgentLedger> ledger_;
};

TEST_F(AgentLedgerTest, CountsEachBatchOnceOverRestarts) {
  for (uint64_t sequence : {1, 2, 3, 5, 4}) accept(sequence, 10);
  accept(2, 10);
  reopen();
  accept(5, 10);
  accept(6, 10);
  reopen();
  reopen();
  accept(1, 10);
  EXPECT_EQ(agent()["stored"], 60);
  EXPECT_EQ(agent()["duplicate"], 30);
}

TEST_F(AgentLedgerTest, SequencesWithManyGapsAreStillKnown) {
  for (uint64_t i = 1; i <= 1000; ++i) accept(i * 3, 1);
  reopen();
  for (uint64_t i = 1; i <= 1000; ++i) accept(i * 3, 1);
  EXPECT_EQ(agent()["stored"], 1000);
  EXPECT_EQ(agent()["duplicate"], 1000);
}

TEST_F(AgentLedgerTest, WhatAReportLeavesOutIsMissing) {
  accept(1, 60);
  accept(2, 40, 30);
  report({{"producer", "p"}, {"appended", 107}, {"waiting", 5}, {"acknowledged", 100}, {"servers", 1}});
  EXPECT_EQ(agent()["missing_in_queue"], 2);
  EXPECT_EQ(agent()["missing_here"], 0);
  EXPECT_EQ(agent()["stored"], 90);
  EXPECT_EQ(agent()["dropped_here"], 10);
  report({{"producer", "p"}, {"appended", 107}, {"waiting", 2}, {"acknowledged", 103}, {"refused", 1}, {"servers", 1}});
  EXPECT_EQ(agent()["missing_here"], 2);
  // With two servers the other has them.
  report({{"producer", "p"}, {"appended", 107}, {"waiting", 2}, {"acknowledged", 103}, {"servers", 2}});
  EXPECT_EQ(agent()["missing_here"], 0);
  EXPECT_EQ(ledger_->answer({})["missing"], 2);
}

TEST_F(AgentLedgerTest, WhatOthersStoredBeforeTheFirstReportIsElsewhere) {
  accept(900, 10);
  report({{"producer", "p"}, {"appended", 510}, {"waiting", 0}, {"acknowledged", 510}, {"servers", 1}});
  EXPECT_EQ(agent()["elsewhere"], 500);
  EXPECT_EQ(agent()["missing"], 0);
  reopen();
  report({{"producer", "p"}, {"appended", 513}, {"waiting", 0}, {"acknowledged", 513}, {"servers", 1}});
  EXPECT_EQ(agent()["elsewhere"], 500);
  EXPECT_EQ(agent()["missing_here"], 3);
}

Json source(uint64_t queued, uint64_t waiting) {
  return {{"read", queued}, {"queued", queued}, {"waiting", waiting}, {"refused", 0}, {"dropped", Json::object()}};
}

TEST_F(AgentLedgerTest, ASourceThatLacksSomethingIsNamed) {
  auto told = [this](uint64_t app, uint64_t web, uint64_t acknowledged) {
    report({{"producer", "p"},
            {"appended", app + web},
            {"acknowledged", acknowledged},
            {"waiting", app + web - acknowledged},
            {"servers", 1},
            {"sources", {{"app", source(app, app + web - acknowledged)}, {"web", source(web, 0)}}}});
  };
  told(0, 0, 0);
  FlagCounts flags;
  flags.read({{"no_time", 3}});
  ledger_->accepted({}, {.key = {"p", 1}, .source = "app", .events = 60, .kept = 60, .flags = flags});
  ledger_->accepted({}, {.key = {"p", 2}, .source = "web", .events = 40, .kept = 30});
  ledger_->accepted({}, {.key = {"p", 1}, .source = "app", .events = 60, .kept = 60, .flags = flags});
  ledger_->rejected({}, {.key = {"p", 3}, .source = "web", .events = 5});
  ledger_->rejected({}, {.key = {"p", 3}, .source = "web", .events = 5});
  told(65, 52, 112);
  for (int turn = 0; turn < 2; ++turn) {
    std::map<std::string, Json> by;
    Json all = agent();
    for (const Json& one : all["sources"]) by[one["source"].get<std::string>()] = one;
    EXPECT_EQ(by["app"]["stored"], 60);
    EXPECT_EQ(by["app"]["duplicate"], 60);
    EXPECT_EQ(by["app"]["flagged"], Json({{"no_time", 3}}));
    EXPECT_EQ(by["app"]["flagged_percent"], Json({{"no_time", 5.0}}));
    EXPECT_EQ(by["app"]["missing"], 0);
    EXPECT_EQ(by["app"]["acknowledged"], 60);
    EXPECT_EQ(by["web"]["stored"], 30);
    EXPECT_EQ(by["web"]["dropped_here"], 10);
    EXPECT_EQ(by["web"]["rejected"], 5);
    EXPECT_EQ(by["web"]["missing"], 12);
    EXPECT_EQ(all["missing"], 12);
    reopen();
  }
}

TEST_F(AgentLedgerTest, WhatAPowerFailureTookIsCountedAgainFromTheStore) {
  auto told = [this](uint64_t app, uint64_t web) {
    report({{"producer", "p"},
            {"appended", app + web},
            {"acknowledged", app + web},
            {"servers", 1},
            {"sources", {{"app", source(app, 0)}, {"web", source(web, 0)}}}});
  };
  told(0, 0);
  std::vector<AgentLedger::Commit> stored;
  for (uint64_t n = 1; n <= 40; ++n) {
    clock_.advance(1'000'000'000);
    ledger_->accepted({},
                      {.key = {"p", n}, .source = n % 2 == 0 ? "app" : "web", .events = 10, .kept = 10, .seq = n * 10});
    stored.push_back({{"p", n}, 10});
    if (n <= 30) told(n / 2 * 10, (n + 1) / 2 * 10);
  }
  stored.push_back({{"import-1", 1}, 7});
  disk_.crash();
  reopen();
  ASSERT_LE(agent()["stored"], 400);
  EXPECT_GE(agent()["stored"], 300);
  // Some seconds before what was synced last, and not everything that ever was.
  EXPECT_GT(ledger_->recount_from(), 0u);
  EXPECT_LE(ledger_->recount_from(), 300u);
  std::erase_if(stored, [&](const auto& commit) {
    return commit.key.sequence * 10 <= ledger_->recount_from() && commit.key.producer == "p";
  });
  ASSERT_TRUE(ledger_->recount({}, stored).ok());
  ASSERT_TRUE(ledger_->recount({}, stored).ok());
  reopen();
  told(200, 200);
  EXPECT_EQ(agent()["stored"], 400);
  EXPECT_EQ(agent()["missing"], 0);
  EXPECT_EQ(agent()["duplicate"], 0);
  EXPECT_EQ(ledger_->answer({})["agents"].size(), 1u);
  Json all = agent();
  for (const Json& one : all["sources"]) EXPECT_EQ(one["stored"], 200) << one;
}

TEST_F(AgentLedgerTest, APowerFailureKeepsWhatAReportHasSynced) {
  accept(1, 10);
  report({{"producer", "p"}, {"appended", 10}, {"acknowledged", 10}, {"servers", 1}});
  accept(2, 10);
  disk_.crash();
  reopen();
  uint64_t stored = agent()["stored"].get<uint64_t>();
  EXPECT_TRUE(stored == 10 || stored == 20) << stored;
  EXPECT_EQ(agent()["acknowledged"], 10);
}

TEST_F(AgentLedgerTest, ALineThatWasNotWrittenIsMadeGood) {
  accept(1, 10);
  disk_.fail_operation(1, Code::kFull);
  accept(2, 10);
  EXPECT_TRUE(disk_.failure_happened());
  accept(3, 10);
  report({{"producer", "p"}, {"appended", 30}, {"acknowledged", 30}, {"servers", 1}});
  reopen();
  EXPECT_EQ(agent()["stored"], 30);
}

TEST_F(AgentLedgerTest, LinesThatAreNoneAreLeftOut) {
  accept(1, 10);
  ledger_.reset();
  {
    auto file = disk_.open("/data/ledger", os::OpenMode::kReadWrite);
    ASSERT_TRUE(file.ok());
    uint64_t end = *(*file)->size_bytes();
    ASSERT_TRUE(
        (*file)->write_at(end, "[1]\nnull\n{\"tenant\":3,\"report\":7,\"batch\":\"x\"}\n{\"tenant\":\"def").ok());
  }
  reopen();
  EXPECT_EQ(agent()["stored"], 10);
}

TEST_F(AgentLedgerTest, ManyReportsDoNotMakeTheFileGrowForEver) {
  Json body = {{"producer", "p"}, {"directory", std::string(1000, 'd')}};
  for (int i = 0; i < 6000; ++i) report(body);
  auto file = disk_.open("/data/ledger", os::OpenMode::kRead);
  ASSERT_TRUE(file.ok());
  EXPECT_LT(*(*file)->size_bytes(), 5u << 20);
}

TEST_F(AgentLedgerTest, TenantsSeeTheirOwn) {
  accept(1, 10);
  contract::Access other{.tenant = TenantId("other"), .datasets = {}};
  EXPECT_TRUE(ledger_->answer(other)["agents"].empty());
}

TEST_F(AgentLedgerTest, MistakesAreNamed) {
  auto said = [this](const char* body) {
    Status taken = ledger_->report({}, body);
    return taken.ok() ? std::string() : taken.error().message();
  };
  EXPECT_NE(said("{}").find("producer"), std::string::npos);
  EXPECT_NE(said(R"({"producer":"p","waiting":-1})").find("waiting"), std::string::npos);
  EXPECT_NE(said(R"({"producer":"p","sources":[1]})").find("sources"), std::string::npos);
  EXPECT_NE(said(R"({"producer":"p","sources":{"a":{"dropped":{"r":-2}}}})").find("sources.a.dropped"),
            std::string::npos);
  EXPECT_TRUE(ledger_->answer({})["agents"].empty());
}

}  // namespace
}  // namespace clew::api
