#include "model/labels.h"

#include <gtest/gtest.h>

#include "model/metric_batch.h"

namespace clew::model {
namespace {

TEST(Labels, AreInOrderWithEachNameOnce) {
  Labels labels = Labels::of({{"b", "2"}, {"__name__", "up"}, {"a", "1"}, {"b", "3"}, {"none", ""}});
  EXPECT_EQ(labels.size(), 3u);
  EXPECT_EQ(labels.metric_name(), "up");
  EXPECT_EQ(labels.get("b"), "3");
  EXPECT_EQ(labels.get("none"), "");
  EXPECT_EQ(to_text(labels), R"(up{a="1", b="3"})");
  EXPECT_EQ(LabelsBuilder(labels).remove("b").set("c", "4").build(),
            Labels::of({{"__name__", "up"}, {"a", "1"}, {"c", "4"}}));
}

TEST(Labels, CompareLabelByLabel) {
  Labels empty, a = Labels::of({{"a", "1"}}), ab = Labels::of({{"a", "1"}, {"b", "1"}}),
                a10 = Labels::of({{"a", "10"}}), b = Labels::of({{"b", "0"}});
  EXPECT_LT(empty, a);
  EXPECT_LT(a, ab);
  EXPECT_LT(ab, a10) << "the value decides, not its length";
  EXPECT_LT(a10, b);
  EXPECT_EQ(hash_of(a), hash_of(Labels(a.view())));
}

TEST(Labels, PrintWhatIsNoIdentifierInQuotes) {
  EXPECT_EQ(to_text(Labels()), "{}");
  EXPECT_EQ(to_text(Labels::of({{"__name__", "up"}})), "up");
  EXPECT_EQ(to_text(Labels::of({{"__name__", "http.requests"}, {"service.name", "a\"b\\c\n"}})),
            R"({"http.requests", "service.name"="a\"b\\c\n"})");
}

TEST(MetricBatch, KeepsWhatASeriesWasGiven) {
  MetricBatch batch;
  batch.begin_series(Labels::of({{"__name__", "a"}}));
  batch.add_sample(1, 2.5);
  batch.begin_series(Labels::of({{"__name__", "b"}}));
  batch.add_sample(2, 3, 1);
  batch.add_histogram(3, std::make_shared<Histogram>());
  ASSERT_EQ(batch.series().size(), 2u);
  EXPECT_EQ(batch.labels_of(batch.series()[1]).metric_name(), "b");
  EXPECT_EQ(batch.series()[1].samples_begin, 1u);
  EXPECT_EQ(batch.starts(), (std::vector<int64_t>{0, 1}));
  EXPECT_EQ(batch.samples_count(), 3u);
  batch.clear();
  EXPECT_EQ(batch.series().size(), 0u);
}

TEST(Metric, TypesHavePrometheusNames) {
  EXPECT_EQ(metric_type_name(MetricType::kStateSet), "stateset");
  EXPECT_EQ(metric_type_of("gaugehistogram"), MetricType::kGaugeHistogram);
  EXPECT_EQ(metric_type_of("untyped"), MetricType::kUnknown);
  EXPECT_EQ(metric_type_of("bogus"), std::nullopt);
}

}  // namespace
}  // namespace clew::model
