#include "collect/journal_source.h"

#include "collect/test_files.h"

namespace clew::collect {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using Entry = std::vector<std::pair<std::string, std::string>>;

// A journal in memory; its cursors are numbers. Ends the source when it is asked to wait and nothing more is to come.
class MemoryJournal final : public JournalReader {
 public:
  explicit MemoryJournal(const std::vector<Entry>& entries, os::SimClock& clock) : entries_(entries), clock_(clock) {}
  Status seek_begin() override { return at(0); }
  Status seek_end() override { return at(entries_.size()); }
  Status seek(const std::string& cursor) override { return at(std::stoul(cursor) + 1); }
  Result<bool> next() override {
    if (damaged > 0 && damaged-- > 0) return Error(Code::kCorrupt, "a damaged file");
    if (next_ >= entries_.size()) return false;
    current_ = next_++;
    return true;
  }
  Result<std::string> cursor() override { return std::to_string(current_); }
  int64_t received_nanos() override { return kReceived + static_cast<int64_t>(current_); }
  void fields(const std::function<void(std::string_view, std::string_view)>& take) override {
    for (const auto& [name, value] : entries_[current_]) take(name, value);
  }
  void wait(uint32_t milliseconds) override {
    clock_.advance(uint64_t{milliseconds} * 1'000'000);
    if (++waits_ > 30) source->stop();
  }
  void wake() override {}

  static constexpr int64_t kReceived = 1796032800'000000000;
  Source* source = nullptr;
  int damaged = 0;

 private:
  Status at(size_t entry) {
    next_ = entry;
    return {};
  }
  const std::vector<Entry>& entries_;
  os::SimClock& clock_;
  size_t next_ = 0;
  size_t current_ = 0;
  int waits_ = 0;
};

class JournalSourceTest : public testing::Test {
 protected:
  void line(const std::string& stream, const std::string& text) {
    entries_.push_back({{"MESSAGE", text}, {"SYSLOG_IDENTIFIER", "web" + stream}, {"_STREAM_ID", stream}});
  }
  // Runs the source until it has read what there is; what the queue then got.
  std::vector<std::string> run(int damaged = 0) {
    auto reader = std::make_unique<MemoryJournal>(entries_, clock_);
    MemoryJournal* journal = reader.get();
    journal->damaged = damaged;
    JournalSource source(options_, std::move(reader), queue_, clock_, metrics_);
    journal->source = &source;
    Status ran = source.run();
    EXPECT_TRUE(ran.ok()) << ran.error().message();
    return std::exchange(queue_.lines, {});
  }
  std::string value(std::string_view field) const { return text_of(queue_.batches.back(), field, 0); }

  std::vector<Entry> entries_;
  JournalSourceOptions options_;
  MemoryQueue queue_;
  os::SimClock clock_;
  base::Registry metrics_;
};

TEST_F(JournalSourceTest, AnEntryHasTheNamesOfOtherSources) {
  entries_ = {{{"MESSAGE", "payment failed"},
               {"PRIORITY", "3"},
               {"SYSLOG_IDENTIFIER", "shop"},
               {"_PID", "17"},
               {"_HOSTNAME", "h1"},
               {"_SYSTEMD_UNIT", "shop.service"},
               {"_CAP_EFFECTIVE", "0"},
               {"ORDER", "42"},
               {"_SOURCE_REALTIME_TIMESTAMP", "1796032799000001"}}};
  EXPECT_THAT(run(), ElementsAre("payment failed"));
  EXPECT_EQ(value("program"), "shop");
  EXPECT_EQ(value("host.name"), "h1");
  EXPECT_EQ(value("systemd.unit"), "shop.service");
  EXPECT_EQ(value("journald.cap_effective"), "0");
  EXPECT_EQ(value("ORDER"), "42");
  const model::Batch& batch = queue_.batches.back();
  EXPECT_THAT(batch.find("process.pid")->ints(), ElementsAre(17));
  EXPECT_THAT(batch.find(model::kTimeField)->ints(), ElementsAre(1796032799'000001000));
  EXPECT_EQ(batch.find("_SOURCE_REALTIME_TIMESTAMP"), nullptr);
}

TEST_F(JournalSourceTest, ATraceIsOneEventThoughOthersWriteBetween) {
  line("a", "failed");
  line("b", "one");
  line("a", "Traceback (most recent call last):");
  line("b", "two");
  line("a", "  File \"a.py\", line 3");
  line("b", "three");
  line("a", "KeyError: 'x'");
  line("a", "next");
  std::vector<std::string> got = run();
  std::sort(got.begin(), got.end());
  EXPECT_THAT(got, ElementsAre("failed\nTraceback (most recent call last):\n  File \"a.py\", line 3\nKeyError: 'x'",
                               "next", "one", "three", "two"));
}

TEST_F(JournalSourceTest, GoesOnBehindWhatTheQueueHas) {
  line("a", "one");
  EXPECT_THAT(run(), ElementsAre("one"));
  EXPECT_THAT(run(), IsEmpty());
  line("a", "two");
  queue_.refusals = 3;  // the queue is full for a while
  EXPECT_THAT(run(), ElementsAre("two"));
}

TEST_F(JournalSourceTest, BeginsAtTheEndWhenTold) {
  line("a", "old");
  options_.from_end = true;
  EXPECT_THAT(run(), IsEmpty());
}

TEST_F(JournalSourceTest, MessagesAreParsedByTheFormatOfTheirProgram) {
  entries_ = {{{"MESSAGE", R"({"level":"warn","msg":"json","n":5})"}, {"SYSLOG_IDENTIFIER", "web"}}};
  run();
  EXPECT_EQ(value("msg"), "json");
  entries_.push_back({{"MESSAGE", "level=info msg=started port=80 tls=true"}, {"SYSLOG_IDENTIFIER", "proxy"}});
  run();
  EXPECT_EQ(value("msg"), "started");
}

TEST_F(JournalSourceTest, WhatHasNoMessageIsCounted) {
  entries_ = {{{"PRIORITY", "3"}}, {{"MESSAGE", "x"}}};
  EXPECT_THAT(run(), ElementsAre("x"));
  EXPECT_NE(metrics_.prometheus_text().find("clew_agent_dropped_total{source=\"files\",reason=\"no_message\"} 1"),
            std::string::npos)
      << metrics_.prometheus_text();
}

TEST_F(JournalSourceTest, DamageIsPassedOver) {
  line("a", "one");
  EXPECT_THAT(run(3), ElementsAre("one"));
}

TEST_F(JournalSourceTest, NamesWithoutEndStayText) {
  for (int i = 0; i < 2000; ++i) entries_.push_back({{"MESSAGE", "m"}, {"FIELD_" + std::to_string(i), "v"}});
  EXPECT_EQ(run().size(), 2000u);
  EXPECT_LT(queue_.batches.back().columns().size(), 600u);
  EXPECT_EQ(text_of(queue_.batches.back(), "journald.rest", queue_.batches.back().rows() - 1), "FIELD_1999=v\n");
}

}  // namespace
}  // namespace clew::collect
