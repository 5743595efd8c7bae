#include "metricstore/series_index.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

namespace clew::metricstore {
namespace {

using contract::LabelMatcher;
using contract::MatchOp;
using model::Labels;
using testing::ElementsAre;
using testing::IsEmpty;

class SeriesIndexTest : public testing::Test {
 protected:
  void SetUp() override {
    for (const char* job : {"api", "web"}) {
      for (const char* code : {"200", "404", "500"}) {
        index_.add(Labels::of({{"__name__", "requests"}, {"job", job}, {"code", code}}));
      }
    }
    index_.add(Labels::of({{"__name__", "up"}, {"job", "api"}}));
  }
  std::vector<SeriesId> select(const std::vector<LabelMatcher>& matchers) {
    Result<std::vector<SeriesId>> found = index_.select(matchers);
    EXPECT_TRUE(found.ok());
    return found.ok() ? *found : std::vector<SeriesId>();
  }
  SeriesIndex index_;
};

TEST_F(SeriesIndexTest, FindsByAllLabels) {
  EXPECT_EQ(index_.find(Labels::of({{"__name__", "up"}, {"job", "api"}})), 6u);
  EXPECT_EQ(index_.find(Labels::of({{"__name__", "up"}})), std::nullopt);
  EXPECT_EQ(index_.find(Labels::of({{"__name__", "up"}, {"job", "api"}, {"x", "y"}})), std::nullopt);
  std::string packed;
  index_.append_labels(4, packed);
  EXPECT_EQ(to_text(model::LabelsView(packed)), R"(requests{code="404", job="web"})");
  EXPECT_EQ(index_.label_value(4, "code"), "404");
  EXPECT_EQ(index_.label_value(6, "code"), "");
}

TEST_F(SeriesIndexTest, SelectsAsPrometheusDoes) {
  EXPECT_THAT(select({{MatchOp::kEqual, "code", "404"}}), ElementsAre(1, 4));
  EXPECT_THAT(select({{MatchOp::kEqual, "__name__", "requests"}, {MatchOp::kNotEqual, "code", "404"}}),
              ElementsAre(0, 2, 3, 5));
  EXPECT_THAT(select({{MatchOp::kEqual, "job", "api"}, {MatchOp::kRegex, "code", "4..|500"}}), ElementsAre(1, 2));
  EXPECT_THAT(select({{MatchOp::kRegex, "code", "200|404"}, {MatchOp::kEqual, "job", "web"}}), ElementsAre(3, 4));
  EXPECT_THAT(select({{MatchOp::kEqual, "code", ""}}), ElementsAre(6)) << "a label that is not there is empty";
  EXPECT_THAT(select({{MatchOp::kRegex, "code", ".*"}}), ElementsAre(0, 1, 2, 3, 4, 5, 6));
  EXPECT_THAT(select({{MatchOp::kRegex, "code", ".+"}}), ElementsAre(0, 1, 2, 3, 4, 5));
  EXPECT_THAT(select({{MatchOp::kNotRegex, "code", "2.*"}, {MatchOp::kNotEqual, "job", "web"}}), ElementsAre(1, 2, 6));
  EXPECT_THAT(select({{MatchOp::kRegex, "code", "40"}}), IsEmpty()) << "the whole value";
  EXPECT_THAT(select({{MatchOp::kEqual, "none", "x"}}), IsEmpty());
  EXPECT_THAT(select({}), ElementsAre(0, 1, 2, 3, 4, 5, 6));
  Result<std::vector<SeriesId>> bad = index_.select({{MatchOp::kRegex, "code", "("}});
  ASSERT_FALSE(bad.ok());
  EXPECT_EQ(bad.error().code(), Code::kInvalid);
}

TEST_F(SeriesIndexTest, WhatIsRemovedIsForgottenAndItsIdsAreGivenAgain) {
  index_.remove({1, 2, 6});
  EXPECT_EQ(index_.size(), 4u);
  EXPECT_EQ(index_.find(Labels::of({{"__name__", "up"}, {"job", "api"}})), std::nullopt);
  EXPECT_THAT(select({{MatchOp::kEqual, "job", "api"}}), ElementsAre(0));
  EXPECT_THAT(select({}), ElementsAre(0, 3, 4, 5));
  EXPECT_THAT(index_.label_values("__name__"), ElementsAre("requests"));
  std::vector<SeriesId> given;
  for (int i = 0; i < 4; ++i) {
    given.push_back(index_.add(Labels::of({{"__name__", "new"}, {"job", "api"}, {"n", std::to_string(i)}})));
  }
  EXPECT_THAT(given, testing::UnorderedElementsAre(1, 2, 6, 7));
  EXPECT_THAT(select({{MatchOp::kEqual, "job", "api"}}), ElementsAre(0, 1, 2, 6, 7));
  EXPECT_EQ(index_.find(Labels::of({{"__name__", "new"}, {"job", "api"}, {"n", "2"}})), given[2]);
}

TEST_F(SeriesIndexTest, MemoryStaysWhenSeriesComeAndGo) {
  std::vector<SeriesId> last;
  size_t after_first = 0;
  for (int round = 0; round < 50; ++round) {
    std::vector<SeriesId> made;
    for (int i = 0; i < 2000; ++i) {
      made.push_back(index_.add(Labels::of(
          {{"__name__", "pod_cpu"}, {"job", "api"}, {"pod", "p" + std::to_string(round) + "-" + std::to_string(i)}})));
    }
    std::sort(last.begin(), last.end());
    if (!last.empty()) index_.remove(last);
    last = std::move(made);
    if (round == 2) after_first = index_.memory_bytes();
  }
  EXPECT_EQ(index_.size(), 2007u);
  EXPECT_LT(index_.memory_bytes(), after_first * 3 / 2);
}

TEST_F(SeriesIndexTest, NamesAndCounts) {
  EXPECT_THAT(index_.label_names(), ElementsAre("__name__", "code", "job"));
  EXPECT_THAT(index_.label_values("job"), ElementsAre("api", "web"));
  EXPECT_EQ(index_.series_by_metric().front().name, "requests");
  EXPECT_EQ(index_.series_by_metric().front().count, 6u);
  EXPECT_EQ(index_.values_by_label().front().name, "code");
  EXPECT_EQ(index_.series_by_pair().front().count, 6u);
}

// Against a scan of all series.
TEST(SeriesIndex, AgreesWithAPlainScan) {
  std::mt19937 rng(11);
  SeriesIndex index;
  std::vector<Labels> all;
  auto text = [&](int n) { return std::string(1, static_cast<char>('a' + rng() % static_cast<unsigned>(n))); };
  for (int i = 0; i < 2000; ++i) {
    Labels labels =
        Labels::of({{"__name__", text(5)}, {text(4), text(6)}, {text(4), text(6)}, {"n", std::to_string(rng() % 300)}});
    if (index.find(labels)) continue;
    EXPECT_EQ(index.add(labels), all.size());
    all.push_back(labels);
  }
  const char* regexes[] = {"a|b", "[a-c]", ".*", "x?", "", "a.*|", "1.*"};
  for (int round = 0; round < 100; ++round) {
    std::vector<LabelMatcher> matchers;
    for (unsigned i = 0; i < 1 + rng() % 3; ++i) {
      auto op = static_cast<MatchOp>(rng() % 4);
      std::string name = rng() % 3 == 0 ? "n" : rng() % 2 == 0 ? "__name__" : text(4);
      bool regex = op == MatchOp::kRegex || op == MatchOp::kNotRegex;
      matchers.push_back({op, name, regex ? regexes[rng() % 7] : rng() % 5 == 0 ? "" : text(6)});
    }
    std::vector<SeriesId> expected;
    for (size_t i = 0; i < all.size(); ++i) {
      bool matches = true;
      for (const LabelMatcher& matcher : matchers) {
        matches = matches && std::move(ValueMatcher::make(matcher)).take().matches(all[i].get(matcher.name));
      }
      if (matches) expected.push_back(static_cast<SeriesId>(i));
    }
    Result<std::vector<SeriesId>> got = index.select(matchers);
    ASSERT_TRUE(got.ok());
    ASSERT_EQ(*got, expected) << round;
  }
}

}  // namespace
}  // namespace clew::metricstore
