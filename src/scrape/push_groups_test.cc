#include "scrape/push_groups.h"

#include <gtest/gtest.h>

#include "os/sim_clock.h"
#include "os/sim_disk.h"

namespace clew::scrape {
namespace {

constexpr auto kText = wire::ExpositionFormat::kText;

class PushGroupsTest : public testing::Test {
 protected:
  std::unique_ptr<PushGroups> open() {
    auto made = PushGroups::open(disk_, clock_, "groups.json");
    EXPECT_TRUE(made.ok()) << made.error().message();
    return made.ok() ? std::move(*made) : nullptr;
  }
  const model::Labels group_ = model::Labels::of({{"job", "backup"}, {"instance", "db1"}});
  os::SimDisk disk_{1};
  os::SimClock clock_;
};

TEST_F(PushGroupsTest, AreThereAfterARestart) {
  std::string before;
  {
    auto groups = open();
    ASSERT_TRUE(
        groups->push(group_, "# HELP a some\n# TYPE a gauge\na{x=\"1\"} +Inf\nb 2\n", kText, PushGroups::How::kReplace)
            .ok());
    ASSERT_TRUE(groups->push(model::Labels::of({{"job", "other"}}), "b 3", kText, PushGroups::How::kMerge).ok());
    before = groups->page();
  }
  EXPECT_NE(before.find("# HELP a some\n# TYPE a gauge\na{instance=\"db1\",job=\"backup\",x=\"1\"} +Inf\n"),
            std::string::npos)
      << before;
  EXPECT_NE(before.find("b{job=\"other\",instance=\"\"} 3\n"), std::string::npos) << before;
  auto again = open();
  EXPECT_EQ(again->page(), before);
  ASSERT_TRUE(again->remove(group_).ok());
  EXPECT_EQ(open()->size(), 1U);
}

TEST_F(PushGroupsTest, WhatIsNoFileOfOursIsTold) {
  for (const char* text : {"{", "[]", "{\"version\":2,\"groups\":[]}", "{\"version\":1,\"groups\":[1]}",
                           "{\"version\":1,\"groups\":[{\"labels\":{},\"pushed_millis\":\"x\"}]}"}) {
    auto file = disk_.open("groups.json", os::OpenMode::kReplace);
    ASSERT_TRUE(file.ok());
    ASSERT_TRUE((*file)->write_at(0, text).ok());
    auto made = PushGroups::open(disk_, clock_, "groups.json");
    ASSERT_FALSE(made.ok()) << text;
    EXPECT_EQ(made.error().code(), Code::kCorrupt) << text;
  }
}

}  // namespace
}  // namespace clew::scrape
