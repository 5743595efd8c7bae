#include "scrape/target_series.h"

#include <gtest/gtest.h>

namespace clew::scrape {
namespace {

const model::Labels kTarget = model::Labels::of({{"job", "shop"}, {"instance", "a:1"}});

// `metric{labels} value@time`, in order; "stale" for markers.
std::string text_of(const model::MetricBatch& batch) {
  std::vector<std::string> lines;
  for (const auto& series : batch.series()) {
    for (uint32_t i = series.samples_begin; i < series.samples_end; ++i) {
      const model::Sample& sample = batch.samples()[i];
      std::string value = model::is_stale(sample.value) ? "stale" : std::to_string(static_cast<int>(sample.value));
      lines.push_back(model::to_text(batch.labels_of(series)) + " " + value + "@" + std::to_string(sample.millis));
    }
  }
  std::sort(lines.begin(), lines.end());
  std::string out;
  for (const std::string& line : lines) out += line + "\n";
  return out;
}

class TargetSeriesTest : public testing::Test {
 protected:
  std::string take(const std::string& page, int64_t millis) {
    batch_.clear();
    auto reader = wire::read_exposition(page, wire::ExpositionFormat::kText, wire::Strictness::kLenient);
    Result<ScrapeCounts> taken = series_.take(*reader, config_, kTarget, millis, batch_);
    if (!taken.ok()) {
      batch_.clear();
      series_.fail(millis, batch_);
      return taken.error().message() + "\n" + text_of(batch_);
    }
    counts_ = *taken;
    return text_of(batch_);
  }
  void add_rule(RelabelOptions options) {
    auto rule = RelabelRule::make(std::move(options));
    ASSERT_TRUE(rule.ok());
    config_.metric_relabel.push_back(*rule);
  }

  ScrapeConfig config_;
  TargetSeries series_;
  ScrapeCounts counts_;
  model::MetricBatch batch_;
};

TEST_F(TargetSeriesTest, TheTargetsLabelsHoldAndDisplaceOthers) {
  EXPECT_EQ(take("a{job=\"x\",exported_job=\"y\"} 1\n", 5),
            "a{exported_exported_job=\"x\", exported_job=\"y\", instance=\"a:1\", job=\"shop\"} 1@5\n");
  EXPECT_EQ(counts_.added, 1U);
  config_.honor_labels = true;
  series_.forget_labels();
  EXPECT_EQ(take("a{job=\"x\",instance=\"\"} 1\n", 6),
            "a{exported_exported_job=\"x\", exported_job=\"y\", instance=\"a:1\", job=\"shop\"} stale@6\n"
            "a{job=\"x\"} 1@6\n");
}

TEST_F(TargetSeriesTest, WhatIsGoneIsMarkedOnce) {
  take("a 1\nb 2\nc 3 7\n", 10);
  EXPECT_EQ(counts_.added, 3U);
  // c had a time of its own: whoever gives times knows when a series ends.
  EXPECT_EQ(take("a 1\n", 20), "a{instance=\"a:1\", job=\"shop\"} 1@20\nb{instance=\"a:1\", job=\"shop\"} stale@20\n");
  EXPECT_EQ(counts_.added, 0U);
  EXPECT_EQ(take("a 1\n", 30), "a{instance=\"a:1\", job=\"shop\"} 1@30\n");
  EXPECT_EQ(take("a 1\nb 5\n", 40), "a{instance=\"a:1\", job=\"shop\"} 1@40\nb{instance=\"a:1\", job=\"shop\"} 5@40\n");
  batch_.clear();
  series_.fail(50, batch_);
  EXPECT_EQ(text_of(batch_),
            "a{instance=\"a:1\", job=\"shop\"} stale@50\nb{instance=\"a:1\", job=\"shop\"} stale@50\n");
  batch_.clear();
  series_.fail(60, batch_);
  EXPECT_EQ(text_of(batch_), "");
}

TEST_F(TargetSeriesTest, TimesOfThePage) {
  EXPECT_EQ(take("a 1 7\n", 10), "a{instance=\"a:1\", job=\"shop\"} 1@7\n");
  config_.honor_timestamps = false;
  EXPECT_EQ(take("a 1 8\n", 20), "a{instance=\"a:1\", job=\"shop\"} 1@20\n");
  EXPECT_EQ(take("", 30), "a{instance=\"a:1\", job=\"shop\"} stale@30\n");
}

TEST_F(TargetSeriesTest, LimitsCostThePage) {
  config_.sample_limit = 1;
  EXPECT_EQ(take("a 1\n", 10), "a{instance=\"a:1\", job=\"shop\"} 1@10\n");
  // Series of a page that is over the limit were never stored: only what was there before is marked.
  EXPECT_EQ(take("a 1\nb 1\n", 20), "sample_limit exceeded: more than 1\na{instance=\"a:1\", job=\"shop\"} stale@20\n");
  config_.sample_limit = 0;
  config_.label_limit = 3;
  EXPECT_EQ(take("c{x=\"1\"} 1\n", 30), "label_limit exceeded: \"c\" has 4 labels, more than 3\n");
  config_.label_limit = 0;
  config_.label_value_length_limit = 4;
  EXPECT_EQ(take("d{x=\"12345\"} 1\n", 40), "label_value_length_limit exceeded by \"x\" of \"d\"\n");
}

TEST_F(TargetSeriesTest, RulesDropAndRename) {
  add_rule({.source_labels = {"__name__"}, .regex = "secret_.*", .action = RelabelAction::kDrop});
  add_rule({.source_labels = {"__name__"}, .target_label = "__name__", .regex = "old_(.*)", .replacement = "new_$1"});
  EXPECT_EQ(take("secret_x 1\nold_y 2\n", 10), "new_y{instance=\"a:1\", job=\"shop\"} 2@10\n");
  EXPECT_EQ(counts_.scraped, 2U);
  EXPECT_EQ(counts_.post_relabeling, 1U);
  EXPECT_EQ(counts_.added, 1U);
}

}  // namespace
}  // namespace clew::scrape
