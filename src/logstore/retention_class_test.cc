// Rules below a dataset's: what they put apart, and how long it stays.
#include <gtest/gtest.h>

#include <map>
#include <optional>

#include "logstore/log_store.h"
#include "logstore/test_store.h"

namespace clew::logstore {
namespace {

using testing::kStart;
using testing::see_all;
using testing::Seen;
using testing::TestStore;

// Segments as the manifest on disk says; verify() compares it with the files.
std::vector<SegmentMeta> segments_of(TestStore& t) {
  std::vector<SegmentMeta> out;
  auto state = Manifest::read(t.disk, std::string(testing::kDir) + "/manifest");
  EXPECT_TRUE(state.ok());
  if (!state.ok()) return out;
  for (const auto& [id, segment] : state->segments) out.push_back(segment);
  return out;
}

std::map<std::string, uint64_t> rows_by_class(TestStore& t) {
  std::map<std::string, uint64_t> rows;
  for (const SegmentMeta& s : segments_of(t)) rows[s.retention_class] += s.rows;
  return rows;
}

TEST(RetentionClass, EventsOfARuleGetSegmentsOfTheirOwn) {
  TestStore t;
  ASSERT_TRUE(t.open().ok());
  std::vector<ClassRule> rules = {{"short", "level", "info", {1, 5, 0}}, {"pay", "service.name", "pay", {1, 50, 0}}};
  ASSERT_TRUE(t.store->set_retention_classes({}, "logs", rules).ok());
  for (uint64_t i = 0; i < 4; ++i) {
    ASSERT_TRUE(t.write_events(i * 90, 90).ok());
    ASSERT_TRUE(t.store->flush_now().ok());
  }
  // Of 360 events 120 are pay's, whatever their level; 36 are errors, 12 of them pay's.
  std::map<std::string, uint64_t> want = {{"default", 24}, {"pay", 120}, {"short", 216}};
  EXPECT_EQ(rows_by_class(t), want);
  ASSERT_TRUE(t.store->merge_all().ok());
  EXPECT_EQ(segments_of(t).size(), 3u) << "merges join segments of one class only";
  EXPECT_EQ(rows_by_class(t), want);
  t.disk.crash();
  ASSERT_TRUE(t.open().ok());
  EXPECT_EQ(t.store->settings({}, "logs").classes, rules);
  EXPECT_TRUE(t.store->verify().empty());
  Seen seen = see_all(*t.store);
  EXPECT_TRUE(seen.wrong.empty());
  EXPECT_EQ(seen.numbers().size(), 360u);
}

TEST(RetentionClass, IsKeptByItsOwnRule) {
  TestStore t;
  t.clock.set(UnixNanos(kStart));
  t.options.retention = {.hot_days = 1, .total_days = 10, .bytes_max = 0};
  ASSERT_TRUE(t.open().ok());
  ASSERT_TRUE(t.store
                  ->set_retention_classes(
                      {}, "logs", {{"short", "level", "info", {1, 5, 0}}, {"long", "service.name", "pay", {1, 50, 0}}})
                  .ok());
  ASSERT_TRUE(t.write_events(0, 90).ok());
  ASSERT_TRUE(t.store->flush_now().ok());
  auto due = [&] {
    std::map<std::string, std::string> out;
    for (const RetentionItem& item : t.store->retention_due()) out[item.retention_class] = item.why;
    return out;
  };
  using Due = std::map<std::string, std::string>;
  t.clock.advance(static_cast<uint64_t>(6 * kDayNs));
  EXPECT_EQ(due(), (Due{{"short", "5 days are over"}}));
  ASSERT_TRUE(t.store->set_hold({}, "logs", true).ok());
  EXPECT_EQ(due(), Due());
  ASSERT_TRUE(t.store->set_hold({}, "logs", false).ok());
  t.clock.advance(static_cast<uint64_t>(5 * kDayNs));
  EXPECT_EQ(due(), (Due{{"short", "5 days are over"}, {"default", "10 days are over"}}));
  EXPECT_EQ(t.store->enforce_retention()->size(), 2u);
  EXPECT_EQ(see_all(*t.store).numbers().size(), 30u);
  // Changed numbers hold at once, and a class without a rule is the dataset's again.
  ASSERT_TRUE(t.store->set_retention_classes({}, "logs", {{"long", "service.name", "pay", {1, 50, 1}}}).ok());
  EXPECT_EQ(due(), (Due{{"long", "class long is over 1 bytes"}}));
  ASSERT_TRUE(t.store->set_retention_classes({}, "logs", {}).ok());
  EXPECT_EQ(due(), (Due{{"long", "10 days are over"}}));
}

TEST(RetentionClass, RulesThatCannotBeAreRefused) {
  TestStore t;
  ASSERT_TRUE(t.open().ok());
  auto set = [&](std::vector<ClassRule> rules) -> std::optional<Code> {
    Status done = t.store->set_retention_classes({}, "logs", std::move(rules));
    if (done.ok()) return std::nullopt;
    return done.error().code();
  };
  EXPECT_EQ(set({{"default", "a", "b", {}}}), Code::kInvalid);
  EXPECT_EQ(set({{"", "a", "b", {}}}), Code::kInvalid);
  EXPECT_EQ(set({{"x", "", "b", {}}}), Code::kInvalid);
  EXPECT_EQ(set({{"x", "a", "b", {}}, {"x", "a", "c", {}}}), Code::kInvalid);
  EXPECT_EQ(set({{"x", "a", "b", {9, 8, 0}}}), Code::kInvalid);
  std::vector<ClassRule> many;
  for (int i = 0; i < 16; ++i) many.push_back({"c" + std::to_string(i), "a", "b", {}});
  EXPECT_EQ(set(many), std::nullopt);
  many.push_back({"one-more", "a", "b", {}});
  EXPECT_EQ(set(many), Code::kInvalid);
}

}  // namespace
}  // namespace clew::logstore
