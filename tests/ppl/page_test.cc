// Answers that follow on each other: together they are the one answer, whatever happens in the store between them.
#include <gtest/gtest.h>

#include <random>

#include "ppl_store.h"

namespace clew::query::testing {
namespace {

constexpr uint32_t kEvents = 600;
constexpr uint64_t kPagesMax = 2000;

// Goes on by a step at every look, so that a query runs into its time limit at the same place every time.
class SteppingClock final : public os::Clock {
 public:
  UnixNanos now() const override { return UnixNanos(logstore::testing::kStart); }
  uint64_t monotonic_ns() const override { return at_.fetch_add(1'000'000); }

 private:
  mutable std::atomic<uint64_t> at_{1};
};

using Texts = std::vector<std::string>;  // rows as JSON

struct TextRows final : Receiver {
  std::vector<OutputColumn> schema;
  Texts texts;

  Status begin(const std::vector<OutputColumn>& columns) override {
    schema = columns;
    return {};
  }
  Status rows(const RowBatch& batch) override {
    for (uint32_t row = 0; row < batch.rows; ++row) {
      append_json_row(schema, batch, row, texts.emplace_back());
    }
    return {};
  }
};

// Many events of one moment, written in an order that is not that of time.
std::string lines(uint32_t seed, uint32_t count, const char* name = "n") {
  std::mt19937 rng(seed);
  std::string out;
  for (uint32_t n = 0; n < count; ++n) {
    auto second = static_cast<uint32_t>(rng() % 40);
    out += "{\"@timestamp\":\"2026-11-20T10:00:" + std::string(second < 10 ? "0" : "") + std::to_string(second) +
           "Z\",\"" + name + "\":" + std::to_string(n) + ",\"word\":\"w" + std::to_string(n % 5) + "\"}\n";
  }
  return out;
}

class Pages : public ::testing::TestWithParam<bool> {
 protected:
  Pages() : store_(64) {
    store_.set_engine_options({.workers = 2, .block_rows = 7});
    EXPECT_TRUE(store_.feed("logs", lines(1, kEvents / 2)).ok());
    EXPECT_TRUE(store_.flush().ok());
    EXPECT_TRUE(store_.feed("logs", lines(2, kEvents / 2)).ok());
  }

  Request request(const std::string& text, uint64_t rows) const {
    Request out;
    out.text = text;
    out.newest_first = GetParam();
    out.limits.rows = rows;
    out.page = Page();
    out.page->required = true;
    return out;
  }

  // Rows of all pages; `between` is called before each but the first.
  template <class F>
  Texts all_pages(Engine& engine, Request asked, F between) {
    Texts out;
    for (uint64_t page = 0; page < kPagesMax; ++page) {
      TextRows rows;
      Outcome outcome = engine.run(asked, rows, {});
      EXPECT_FALSE(outcome.failure) << outcome.failure->reason;
      out.insert(out.end(), rows.texts.begin(), rows.texts.end());
      if (!outcome.next) return out;
      asked.page->up_to = outcome.next->up_to;
      asked.page->after = outcome.next->after;
      asked.page->rows_before += rows.texts.size();
      between();
    }
    ADD_FAILURE() << "the pages do not end";
    return out;
  }

  Texts whole(const std::string& text) {
    Request asked = request(text, 0);
    asked.page.reset();
    TextRows rows;
    Outcome outcome = store_.engine().run(asked, rows, {});
    EXPECT_FALSE(outcome.failure);
    return rows.texts;
  }

  PplStore store_;
};

constexpr const char* kQueries[] = {
    "source=logs | fields n, word",
    "source=logs word=w3 | fields n",
    "source=logs | where n > 100 | eval m = n + 1 | fields m, @timestamp",
    "source=logs | where n > 20 | head 111 | fields word, n",
    "source=logs | fields word",
    "source=logs | rename word as w | fillnull with 0 in n | fields w, n",
    "source=logs | rex field=word \"w(?<d>[0-9])\" | where d = '3' | fields n, d",
    "source=logs | parse word 'w(?<d>.)' | eval e = concat(d, 'x') | fields n, e",
    "source=logs | replace 'w1' WITH 'x' IN word | bin n span=10 | fields n, word",
    "source=logs | regex word=\"w[12]\" | fields word, n",
    "source=logs | grok word \"w%{INT:k}\" | fields k, n",
    "source=logs n=-1",
};

TEST_P(Pages, AreTheWholeAnswerCut) {
  for (const char* query : kQueries) {
    auto want = whole(query);
    for (uint64_t rows : {1u, 10u, 97u, 5000u}) {
      EXPECT_EQ(all_pages(store_.engine(), request(query, rows), [] {}), want) << query << " by " << rows;
    }
  }
}

TEST_P(Pages, LeaveOutWhatComesInBetween) {
  for (const char* query : kQueries) {
    auto want = whole(query);
    uint32_t turn = 0;
    auto got = all_pages(store_.engine(), request(query, 50), [&] {
      EXPECT_TRUE(store_.feed("logs", lines(++turn, 30)).ok());
      if (turn % 4 == 1) {
        EXPECT_TRUE(store_.flush().ok());
      }
      if (turn % 4 == 3) {
        EXPECT_TRUE(store_.merge().ok());
      }
    });
    EXPECT_EQ(got, want) << query;
  }
}

TEST_P(Pages, ATimeLimitCutsThemWhereNothingIsMissing) {
  SteppingClock clock;
  std::unique_ptr<Engine> engine = Engine::make(store_.store(), clock, {.workers = 1, .block_rows = 7});
  for (const char* query : kQueries) {
    auto want = whole(query);
    Request asked = request(query, 0);
    asked.limits.millis = 40;
    uint64_t cuts = 0;
    EXPECT_EQ(all_pages(*engine, asked, [&] { ++cuts; }), want) << query;
    EXPECT_TRUE(cuts > 0 || want.empty()) << query;
  }
}

TEST_P(Pages, DeletedEventsAreOnNoFurtherPage) {
  Request asked = request("source=logs | fields n, word", 100);
  bool deleted = false;
  auto got = all_pages(store_.engine(), asked, [&] {
    if (deleted) return;
    deleted = true;
    auto selector = store_.engine().selector("source=logs word=w2", {});
    auto& chosen = std::get<RowSelector>(selector);
    EXPECT_TRUE(store_.store().delete_rows({}, "logs", {}, chosen.narrow, logstore::WaitForBytes::kYes).ok());
  });
  auto left = whole("source=logs | fields n, word");
  ASSERT_GT(got.size(), left.size());
  Texts rest;
  for (size_t i = 0; i < got.size(); ++i) {
    if (i >= 100 || got[i].find("w2") == std::string::npos) rest.push_back(got[i]);
  }
  EXPECT_EQ(rest, left);
}

TEST_P(Pages, WhatHasNoPagesIsRefusedOnlyWhenTheyAreRequired) {
  for (const char* query : {"source=logs | stats count() by word", "source=logs | sort n", "source=logs | dedup word",
                            "source=logs | head 5 | where n > 3", "source=logs | head 5 from 1",
                            "source=logs | reverse", "source=logs | makeresults count=3"}) {
    Request asked = request(query, 3);
    Rows rows;
    Outcome outcome = store_.engine().run(asked, rows, {});
    ASSERT_TRUE(outcome.failure) << query;
    if (std::string_view(query).find("makeresults") != std::string_view::npos) continue;
    EXPECT_EQ(outcome.failure->kind, FailureKind::kUnsupported) << query;
    asked.page->required = false;
    Rows answered;
    outcome = store_.engine().run(asked, answered, {});
    ASSERT_FALSE(outcome.failure) << query;
    EXPECT_FALSE(outcome.next) << query;
  }
}

TEST_P(Pages, RowsBeginWithIdsWhereTheyAreEvents) {
  Request asked = request("source=logs | where n < 3 | eval k = 1 | fields n, k", 0);
  asked.ids = true;
  Rows rows;
  ASSERT_FALSE(store_.engine().run(asked, rows, {}).failure);
  ASSERT_EQ(rows.schema.size(), 3u);
  EXPECT_EQ(rows.schema[0].name, "_id");
  EXPECT_EQ(rows.rows_seen.size(), 6u);
  for (const auto& row : rows.rows_seen) EXPECT_NE(row[0].text().find(':'), std::string::npos);
  asked = request("source=logs | stats count() as c", 0);
  asked.page.reset();
  asked.ids = true;
  Rows sums;
  ASSERT_FALSE(store_.engine().run(asked, sums, {}).failure);
  ASSERT_EQ(sums.schema.size(), 1u);
}

INSTANTIATE_TEST_SUITE_P(Order, Pages, ::testing::Bool(),
                         [](const auto& tested) { return tested.param ? "NewestFirst" : "OldestFirst"; });

}  // namespace
}  // namespace clew::query::testing
