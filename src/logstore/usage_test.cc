#include "logstore/usage.h"

#include <gtest/gtest.h>

#include <map>
#include <random>

#include "logstore/test_store.h"

namespace clew::logstore {
namespace {

using testing::kStart;
using testing::make_write;
using testing::TestStore;

constexpr int64_t kDayNanos = 86'400'000'000'000;

// Event n lies n hours after the start: a write of more than a day's.
int64_t hourly(uint64_t n) { return kStart + static_cast<int64_t>(n) * 3'600'000'000'000; }

struct Sums {
  uint64_t rows = 0;
  uint64_t bytes = 0;
};

Sums sums_of(LogStore& store, const std::string& dataset = "") {
  Sums out;
  auto datasets = store.datasets({});
  EXPECT_TRUE(datasets.ok());
  for (const auto& info : *datasets) {
    if (!dataset.empty() && info.name != dataset) continue;
    out.rows += info.rows;
    out.bytes += info.bytes;
  }
  return out;
}

std::vector<UsageBy> all_ways() {
  std::vector<UsageBy> out;
  for (int bits = 0; bits < 16; ++bits) {
    UsageBy by{
        .dataset = (bits & 1) != 0, .service = (bits & 2) != 0, .field = (bits & 4) != 0, .day = (bits & 8) != 0};
    if (!by.service || !by.field) out.push_back(by);
  }
  return out;
}

void expect_sums(TestStore& t, const char* when) {
  Sums want = sums_of(*t.store);
  ASSERT_GT(want.bytes, 0u);
  for (const UsageBy& by : all_ways()) {
    auto usage = t.store->usage({}, {}, {.by = by}, {});
    ASSERT_TRUE(usage.ok()) << when;
    uint64_t bytes = 0;
    uint64_t events = 0;
    for (const UsageRow& row : usage->rows) {
      bytes += row.bytes;
      events += row.events;
    }
    EXPECT_EQ(bytes, want.bytes) << when << by.dataset << by.service << by.field << by.day;
    EXPECT_EQ(usage->bytes, want.bytes) << when;
    EXPECT_EQ(usage->events, want.rows) << when;
    if (!by.field) {
      EXPECT_EQ(events, want.rows) << when;
    }
  }
}

TEST(Usage, SumsAreThoseOfTheDatasets) {
  TestStore t;
  ASSERT_TRUE(t.open().ok());
  ASSERT_TRUE(t.write(make_write("logs", 0, 60, std::nullopt, hourly)).ok());
  ASSERT_TRUE(t.write(make_write("shop", 0, 7)).ok());
  expect_sums(t, "in the journal ");
  ASSERT_TRUE(t.store->flush_now().ok());
  expect_sums(t, "in segments ");
  for (uint64_t n = 60; n < 600; n += 60) {
    ASSERT_TRUE(t.write(make_write("logs", n, 60, std::nullopt, hourly)).ok());
    if (n % 120 == 0) {
      ASSERT_TRUE(t.store->flush_now().ok());
    }
  }
  expect_sums(t, "in both ");
  ASSERT_TRUE(t.store->merge_all().ok());
  expect_sums(t, "merged ");
  ASSERT_TRUE(t.open().ok());
  expect_sums(t, "opened again ");
}

TEST(Usage, EventsOfDaysServicesAndFieldsAreCounted) {
  TestStore t;
  ASSERT_TRUE(t.open().ok());
  ASSERT_TRUE(t.write(make_write("logs", 0, 60, std::nullopt, hourly)).ok());
  for (bool flushed : {false, true}) {
    if (flushed) {
      ASSERT_TRUE(t.store->flush_now().ok());
    }
    std::map<std::pair<int64_t, std::string>, uint64_t> want;
    std::map<int64_t, uint64_t> amounts;
    for (uint64_t n = 0; n < 60; ++n) {
      static const char* const kServices[] = {"cart", "pay", "web"};
      ++want[{hourly(n) / kDayNanos, kServices[n % 3]}];
      if (n % 5 == 0) ++amounts[hourly(n) / kDayNanos];
    }
    auto usage = t.store->usage({}, {}, {.by = {.service = true, .day = true}}, {});
    ASSERT_TRUE(usage.ok());
    std::map<std::pair<int64_t, std::string>, uint64_t> got;
    for (const UsageRow& row : usage->rows) got[{row.day, row.service}] += row.events;
    EXPECT_EQ(got, want);
    usage = t.store->usage({}, {}, {.by = {.field = true, .day = true}}, {});
    ASSERT_TRUE(usage.ok());
    std::map<int64_t, uint64_t> with_amount;
    for (const UsageRow& row : usage->rows) {
      if (row.field == "amount") with_amount[row.day] += row.events;
    }
    EXPECT_EQ(with_amount, amounts);
  }
}

TEST(Usage, OnlyDaysThatAreAskedFor) {
  TestStore t;
  ASSERT_TRUE(t.open().ok());
  ASSERT_TRUE(t.write(make_write("logs", 0, 60, std::nullopt, hourly)).ok());
  int64_t day = hourly(30) / kDayNanos;
  auto one = t.store->usage({}, {}, {.by = {}, .day_from = day, .day_to = day}, {});
  ASSERT_TRUE(one.ok());
  EXPECT_EQ(one->events, 24u);
  auto none = t.store->usage({}, {}, {.by = {}, .day_from = day + 10}, {});
  ASSERT_TRUE(none.ok());
  EXPECT_EQ(none->events, 0u);
  EXPECT_TRUE(none->rows.empty());
}

TEST(Usage, OnlyWhatMayBeRead) {
  TestStore t;
  ASSERT_TRUE(t.open().ok());
  ASSERT_TRUE(t.write(make_write("logs", 0, 10)).ok());
  ASSERT_TRUE(t.write(make_write("secret", 0, 5)).ok());
  contract::Access access{.datasets = {"logs"}};
  EXPECT_EQ(t.store->usage(access, {}, {.by = {.dataset = true}}, {})->events, 10u);
  EXPECT_EQ(t.store->usage(access, {"secret"}, {.by = {.dataset = true}}, {})->events, 0u);
  contract::Access other{.tenant = TenantId("other"), .datasets = {}};
  EXPECT_EQ(t.store->usage(other, {}, {.by = {.dataset = true}}, {})->events, 0u);
}

TEST(Usage, AServiceHasWhatItsEventsTake) {
  TestStore t;
  ASSERT_TRUE(t.open().ok());
  contract::Write write = make_write("logs", 0, 0);
  model::Batch& batch = write.batches[0];
  std::mt19937_64 rng(1);
  for (uint32_t n = 0; n < 128; ++n) {
    uint32_t row = batch.begin_row();
    batch.column("_time")->add_time(row, kStart + n);
    batch.column("service.name")->add_string(row, n < 64 ? "loud" : "quiet");
    std::string text = "x";
    for (int i = 0; n < 64 && i < 50; ++i) text += std::to_string(rng());
    batch.column("message")->add_string(row, text);
    batch.end_row();
  }
  ASSERT_TRUE(t.write(std::move(write)).ok());
  ASSERT_TRUE(t.store->flush_now().ok());
  auto usage = t.store->usage({}, {}, {.by = {.service = true}}, {});
  ASSERT_TRUE(usage.ok());
  ASSERT_EQ(usage->rows.size(), 2u);
  EXPECT_EQ(usage->rows[0].service, "loud");
  EXPECT_GT(usage->rows[0].bytes, 10 * usage->rows[1].bytes);
}

TEST(Usage, ServiceAndFieldExcludeEachOther) {
  TestStore t;
  ASSERT_TRUE(t.open().ok());
  auto usage = t.store->usage({}, {}, {.by = {.service = true, .field = true}}, {});
  ASSERT_FALSE(usage.ok());
  EXPECT_EQ(usage.error().code(), Code::kInvalid);
}

}  // namespace
}  // namespace clew::logstore
