#include "api/source_book.h"

#include <gtest/gtest.h>

#include "api/ingest.h"
#include "os/sim_clock.h"
#include "os/sim_disk.h"

namespace clew::api {
namespace {

class SourceBookTest : public ::testing::Test {
 protected:
  SourceBookTest() : disk_(1, 64u << 20) {
    EXPECT_TRUE(disk_.make_dirs("/data").ok());
    reopen();
  }
  void reopen() {
    book_.reset();
    auto opened = SourceBook::open(disk_, clock_, metrics_, "/data/ledger.sources");
    ASSERT_TRUE(opened.ok()) << opened.error().message();
    book_ = std::move(opened).take();
  }
  Json of(const std::string& source) {
    for (const Json& one : book_->answer()) {
      if (one["source"] == source) return one;
    }
    return Json::object();
  }

  os::SimDisk disk_;
  os::SimClock clock_;
  base::Registry metrics_;
  std::unique_ptr<SourceBook> book_;
};

TEST_F(SourceBookTest, KeepsWhatBecameOfEverythingOverRestarts) {
  Json before;
  for (int turn = 1; turn <= 2; ++turn) {
    SourceCounters bulk(*book_, "bulk");
    FlagCounts flags;
    flags.read({{"cut", 1}, {"no_time", 2}});
    bulk.received(20);
    bulk.dropped("noise", 3);
    bulk.rejected("syntax", 2);
    bulk.written(8, flags, contract::Ack{});
    bulk.written(4, {}, contract::Ack{.key = {}, .first_seq = Seq(1), .duplicate = true, .conflicts = {}});
    bulk.written(3, {}, Error(Code::kOverloaded, "later"));
    Json now = of("bulk");
    EXPECT_EQ(now["received"], 20 * turn);
    EXPECT_EQ(now["stored"], 8 * turn);
    EXPECT_EQ(now["duplicate"], 4 * turn);
    EXPECT_EQ(now["dropped"], Json({{"noise", 3 * turn}}));
    EXPECT_EQ(now["rejected"], Json({{"overloaded", 3 * turn}, {"syntax", 2 * turn}}));
    EXPECT_EQ(now["flagged"], Json({{"no_time", 2 * turn}, {"cut", turn}}));
    EXPECT_EQ(now["flagged_percent"], Json({{"no_time", 25.0}, {"cut", 12.5}}));
    EXPECT_EQ(now["open"], 0);
    before = now;
    reopen();
  }
  EXPECT_EQ(of("bulk"), before);
  EXPECT_EQ(metrics_.sum("clew_events_stored_total", {{"source", "bulk"}}), 16u);
}

TEST_F(SourceBookTest, WhatWasNotAnsweredIsInNoSumAfterARestart) {
  SourceCounters loki(*book_, "loki");
  loki.received(5);
  EXPECT_EQ(of("loki")["open"], 5);
  reopen();
  EXPECT_EQ(of("loki"), Json::object());
}

TEST_F(SourceBookTest, DatagramsThatTheSystemDroppedAddUp) {
  (void)book_->of("devices");
  metrics_.counter("clew_listener_datagrams_dropped_total", "", {{"source", "devices"}}).add(7);
  EXPECT_EQ(of("devices")["udp_dropped"], 7);
  reopen();  // with counters of the process that go on here
  EXPECT_EQ(of("devices")["udp_dropped"], 14);
}

TEST_F(SourceBookTest, ADamagedFileIsBegunAnew) {
  book_.reset();
  {
    auto file = disk_.open("/data/ledger.sources", os::OpenMode::kReplace);
    ASSERT_TRUE((*file)->write_at(0, "[{\"source\":1},7,").ok());
  }
  reopen();
  EXPECT_EQ(book_->answer(), Json::array());
}

}  // namespace
}  // namespace clew::api
