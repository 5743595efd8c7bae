// Identity, deletes, retention, settings, copies, limits.
#include <gtest/gtest.h>

#include <thread>

#include "logstore/log_store.h"
#include "logstore/test_expect.h"
#include "model/rest.h"

namespace clew::logstore {
namespace {

using testing::expect_events;
using testing::kStart;
using testing::make_write;
using testing::see_all;
using testing::TestStore;

contract::BatchKey key(uint64_t sequence) { return {"agent-1", sequence}; }

uint64_t balance(const TestStore& t, const std::string& dataset = "logs") {
  base::MetricLabels labels{{"dataset", dataset}};
  uint64_t received = t.registry->sum("clew_store_received_events_total", labels);
  uint64_t others = t.registry->sum("clew_store_stored_events_total", labels) +
                    t.registry->sum("clew_store_duplicate_events_total", labels) +
                    t.registry->sum("clew_store_rejected_events_total", labels);
  EXPECT_EQ(received, others);
  return received;
}

TEST(Identity, RepeatedKeyGetsTheFirstAnswer) {
  TestStore t;
  ASSERT_TRUE(t.open().ok());
  ASSERT_TRUE(t.write_events(0, 5).ok());
  auto first = t.write_events(5, 7, key(3));
  ASSERT_TRUE(first.ok());
  EXPECT_FALSE(first->duplicate);
  auto check_repeat = [&](const char* when) {
    auto again = t.write_events(5, 7, key(3));
    ASSERT_TRUE(again.ok()) << when;
    EXPECT_TRUE(again->duplicate) << when;
    EXPECT_EQ(again->first_seq, first->first_seq) << when;
    EXPECT_EQ(again->rows, 7u) << when;
    expect_events(*t.store, 12);
  };
  check_repeat("at once");
  t.disk.crash();
  ASSERT_TRUE(t.open().ok());
  check_repeat("from the journal");
  ASSERT_TRUE(t.store->flush_now().ok());
  ASSERT_TRUE(t.open().ok());
  check_repeat("from a segment");
  ASSERT_TRUE(t.write_events(12, 5).ok());
  ASSERT_TRUE(t.store->flush_now().ok());
  ASSERT_TRUE(t.store->merge_all().ok());
  ASSERT_TRUE(t.open().ok());
  auto again = t.write_events(5, 7, key(3));
  EXPECT_EQ(again->first_seq, first->first_seq);
  EXPECT_TRUE(again->duplicate);
  EXPECT_EQ(balance(t), 7u);
  auto other = t.write(make_write("logs", 17, 1, contract::BatchKey{"agent-2", 3}));
  EXPECT_FALSE(other->duplicate);
}

TEST(Identity, WriteOverManyDatasetsAndDaysIsOneAnswerAfterFlushing) {
  TestStore t;
  ASSERT_TRUE(t.open().ok());
  contract::Write write;
  write.key = key(9);
  for (const char* dataset : {"a", "b"}) {
    model::Batch& batch = write.batches.emplace_back(dataset);
    for (uint64_t n = 0; n < 30; ++n) testing::add_event(batch, n, kStart + static_cast<int64_t>(n % 3) * kDayNs);
  }
  auto first = t.write(std::move(write));
  ASSERT_TRUE(first.ok());
  EXPECT_EQ(first->rows, 60u);
  ASSERT_TRUE(t.store->flush_now().ok());
  ASSERT_TRUE(t.open().ok());
  EXPECT_EQ(t.store->recovered().segments, 6u);
  auto again = t.write(make_write("a", 0, 30, key(9)));
  EXPECT_TRUE(again->duplicate);
  EXPECT_EQ(again->first_seq, first->first_seq);
  EXPECT_EQ(again->rows, 60u);
}

TEST(Identity, IdsStayTheSameThroughFlushAndMerge) {
  TestStore t;
  ASSERT_TRUE(t.open().ok());
  for (uint64_t i = 0; i < 12; ++i) {
    ASSERT_TRUE((i % 2 == 0 ? t.write_events(i * 10, 10) : t.write_events(i * 10, 10, key(i))).ok());
  }
  auto ids = [&] {
    std::map<uint64_t, std::string> out;
    contract::ScanStats stats;
    auto snapshot = t.store->snapshot({}, {}, stats);
    for (const auto& granule : snapshot->granules) {
      model::Selection rows;
      granule->alive(0, rows);
      auto id = granule->column("_id", 0, rows, stats);
      auto seq = granule->column("_seq", 0, rows, stats);
      for (uint32_t i = 0; i < rows.size(); ++i)
        out[static_cast<uint64_t>((*seq)->value(i).i64())] = (*id)->value(i).text();
    }
    return out;
  };
  auto fresh = ids();
  EXPECT_EQ(fresh.size(), 120u);
  EXPECT_EQ(fresh[11], "agent-1:1:0");
  EXPECT_EQ(fresh[25], fresh[1].substr(0, fresh[1].rfind(':')) + ":25");
  ASSERT_TRUE(t.store->flush_now().ok());
  EXPECT_EQ(ids(), fresh);
  ASSERT_TRUE(t.store->merge_all().ok());
  ASSERT_TRUE(t.open().ok());
  EXPECT_EQ(ids(), fresh);
}

contract::Write with_ids(uint64_t first, const std::vector<std::string>& ids, bool create) {
  contract::Write write = make_write("logs", first, static_cast<uint32_t>(ids.size()));
  for (uint32_t row = 0; row < ids.size(); ++row) {
    write.batches[0].column("_id")->add_string(row, ids[row]);
    if (create) write.creates.push_back({0, row});
  }
  return write;
}

TEST(Identity, CreateOfAKnownIdIsAConflictForADay) {
  TestStore t;
  ASSERT_TRUE(t.open().ok());
  ASSERT_TRUE(t.write(with_ids(0, {"x", "y"}, true))->conflicts.empty());
  auto second = t.write(with_ids(2, {"x", "z", "z"}, true));
  ASSERT_EQ(second->conflicts.size(), 2u);
  EXPECT_EQ(second->conflicts[0].row, 0u);
  EXPECT_EQ(second->conflicts[1].row, 2u);
  EXPECT_EQ(second->rows, 1u);
  EXPECT_EQ(see_all(*t.store).numbers(), (std::set<uint64_t>{0, 1, 3}));
  EXPECT_TRUE(t.write(with_ids(5, {"x"}, false))->conflicts.empty());
  EXPECT_EQ(balance(t), 6u);
  t.clock.advance(kCreateWindowNs + 1);
  EXPECT_TRUE(t.write(with_ids(6, {"y"}, true))->conflicts.empty());
}

TEST(Identity, CreateFindsIdsOfBeforeARestart) {
  for (bool flushed : {false, true}) {
    TestStore t;
    ASSERT_TRUE(t.open().ok());
    ASSERT_TRUE(t.write(with_ids(0, {"x", "y"}, true)).ok());
    if (flushed) {
      ASSERT_TRUE(t.store->flush_now().ok());
    }
    ASSERT_TRUE(t.open().ok());
    EXPECT_EQ(t.write(with_ids(2, {"x"}, true))->conflicts.size(), 1u) << flushed;
    EXPECT_EQ(t.write(with_ids(2, {"w"}, true))->conflicts.size(), 0u) << flushed;
  }
}

// Deletes events whose number is a multiple of 3.
Status every_third(const contract::Granule& granule, uint32_t block, model::Selection& rows) {
  contract::ScanStats stats;
  auto numbers = CLEW_TRY(granule.column("n", block, rows, stats));
  model::Selection chosen;
  for (uint32_t i = 0; i < rows.size(); ++i) {
    if (numbers->value(i).i64() % 3 == 0) chosen.push_back(rows[i]);
  }
  rows = std::move(chosen);
  return {};
}

TEST(Delete, RowsAreGoneFromTheNextSnapshotAndAfterEveryRewrite) {
  TestStore t;
  ASSERT_TRUE(t.open().ok());
  for (uint64_t i = 0; i < 30; ++i) {
    ASSERT_TRUE(t.write_events(i * 20, 20).ok());
    if (i == 14) {
      ASSERT_TRUE(t.store->flush_now().ok());
    }
  }
  std::set<uint64_t> left;
  for (uint64_t n = 0; n < 600; ++n) {
    if (n % 3 != 0) left.insert(n);
  }
  auto report = t.store->delete_rows({}, "logs", {}, every_third, WaitForBytes::kNo);
  ASSERT_TRUE(report.ok()) << report.error().message();
  EXPECT_EQ(report->rows, 200u);
  EXPECT_EQ(see_all(*t.store).numbers(), left);
  EXPECT_EQ(t.store->delete_rows({}, "logs", {}, every_third, WaitForBytes::kNo)->rows, 0u);
  t.disk.crash();
  ASSERT_TRUE(t.open().ok());
  EXPECT_EQ(see_all(*t.store).numbers(), left);
  ASSERT_TRUE(t.store->flush_now().ok());
  EXPECT_EQ(see_all(*t.store).numbers(), left);
  ASSERT_TRUE(t.store->delete_rows({}, "logs", {}, every_third, WaitForBytes::kYes).ok());
  EXPECT_EQ((*t.store->datasets({}))[0].rows, 400u);
  ASSERT_TRUE(t.store->merge_all().ok());
  ASSERT_TRUE(t.open().ok());
  EXPECT_EQ(see_all(*t.store).numbers(), left);
  EXPECT_TRUE(t.store->verify().empty());
}

TEST(Delete, BytesGoByThemselvesInTime) {
  TestStore t;
  ASSERT_TRUE(t.open().ok());
  ASSERT_TRUE(t.write_events(0, 100).ok());
  ASSERT_TRUE(t.store->flush_now().ok());
  ASSERT_TRUE(t.store->delete_rows({}, "logs", {}, every_third, WaitForBytes::kNo).ok());
  while (*t.store->work_once()) {
  }
  EXPECT_EQ((*t.store->datasets({}))[0].rows, 100u);
  t.clock.advance(t.options.delete_rewrite_ns);
  while (*t.store->work_once()) {
  }
  EXPECT_EQ((*t.store->datasets({}))[0].rows, 66u);
}

TEST(Delete, WholeDatasetLeavesNoFile) {
  TestStore t;
  ASSERT_TRUE(t.open().ok());
  ASSERT_TRUE(t.write_events(0, 100).ok());
  ASSERT_TRUE(t.write(make_write("other", 0, 10)).ok());
  ASSERT_TRUE(t.store->flush_now().ok());
  ASSERT_TRUE(t.store->delete_dataset({}, "logs").ok());
  EXPECT_EQ(see_all(*t.store).seq_by_number.size(), 10u);
  size_t segments = 0;
  for (const std::string& path : t.disk.files()) segments += path.find(".seg") != std::string::npos ? 1 : 0;
  EXPECT_EQ(segments, 1u);
}

TEST(Delete, AuditAndHeldDataRefuse) {
  TestStore t;
  ASSERT_TRUE(t.open().ok());
  ASSERT_TRUE(t.write(make_write("audit", 0, 3)).ok());
  ASSERT_TRUE(t.write_events(0, 3).ok());
  EXPECT_EQ(t.store->delete_dataset({}, "audit").error().code(), Code::kForbidden);
  ASSERT_TRUE(t.store->set_hold({}, "logs", true).ok());
  ASSERT_TRUE(t.open().ok());
  EXPECT_EQ(t.store->delete_dataset({}, "logs").error().code(), Code::kForbidden);
  ASSERT_TRUE(t.store->set_hold({}, "logs", false).ok());
  EXPECT_EQ(t.store->delete_dataset({}, "logs")->rows, 3u);
}

TEST(Retention, AgeCountsFromTheLaterOfEventAndStorage) {
  TestStore t;
  t.clock.set(UnixNanos(kStart));
  t.options.retention = {.hot_days = 1, .total_days = 10, .bytes_max = 0};
  ASSERT_TRUE(t.open().ok());
  auto old_time = [](uint64_t n) { return kStart - 400 * kDayNs + static_cast<int64_t>(n); };
  ASSERT_TRUE(t.write(make_write("logs", 0, 10, std::nullopt, old_time)).ok());
  ASSERT_TRUE(t.store->flush_now().ok());
  EXPECT_TRUE(t.store->retention_due().empty());
  t.clock.advance(static_cast<uint64_t>(10 * kDayNs));
  EXPECT_TRUE(t.store->retention_due().empty());
  ASSERT_TRUE(t.write_events(10, 10).ok());
  ASSERT_TRUE(t.store->flush_now().ok());
  t.clock.advance(static_cast<uint64_t>(kDayNs));
  ASSERT_EQ(t.store->retention_due().size(), 1u);
  EXPECT_EQ(t.store->retention_due()[0].why, "10 days are over");
  EXPECT_EQ(see_all(*t.store).seq_by_number.size(), 20u);  // the dry run took nothing
  ASSERT_TRUE(t.store->set_hold({}, "logs", true).ok());
  EXPECT_TRUE(t.store->retention_due().empty());
  ASSERT_TRUE(t.store->set_hold({}, "logs", false).ok());
  EXPECT_EQ(t.store->enforce_retention()->size(), 1u);
  EXPECT_EQ(*see_all(*t.store).numbers().begin(), 10u);
  ASSERT_TRUE(t.open().ok());
  EXPECT_EQ(see_all(*t.store).seq_by_number.size(), 10u);
}

TEST(Retention, BytesTakeTheOldest) {
  TestStore t;
  ASSERT_TRUE(t.open().ok());
  for (uint64_t i = 0; i < 5; ++i) {
    ASSERT_TRUE(t.write_events(i * 50, 50).ok());
    ASSERT_TRUE(t.store->flush_now().ok());
  }
  uint64_t bytes = (*t.store->datasets({}))[0].bytes;
  ASSERT_TRUE(t.store->set_retention({}, "logs", RetentionRule{30, 365, bytes * 3 / 5 + 100}).ok());
  EXPECT_EQ(t.store->enforce_retention()->size(), 2u);
  EXPECT_EQ(*see_all(*t.store).numbers().begin(), 100u);
}

TEST(Settings, DeclaredTypesArePersistent) {
  TestStore t;
  ASSERT_TRUE(t.open().ok());
  ASSERT_TRUE(t.store->declare_types({}, "logs", {{"amount", model::Type::kDouble}}).ok());
  ASSERT_TRUE(t.store->declare_types({}, "logs", {{"amount", model::Type::kLong}, {"ip", model::Type::kIp}}).ok());
  t.disk.crash();
  ASSERT_TRUE(t.open().ok());
  auto types = t.store->declared_types({}, "logs");
  ASSERT_EQ(types.size(), 2u);
  EXPECT_EQ(types[0].second, model::Type::kLong);
  EXPECT_TRUE(t.store->declared_types({}, "other").empty());
}

// Fields in `_rest` are known by name and type wherever their rows lie, and after merges.
TEST(Catalogue, FieldsInRest) {
  TestStore t;
  ASSERT_TRUE(t.open().ok());
  auto write = [&](uint64_t n) {
    contract::Write made;
    model::Batch& batch = made.batches.emplace_back("logs");
    testing::add_event(batch, n, kStart);
    std::string rest;
    model::append_rest(
        {.name = "rare" + std::to_string(n), .kind = model::Kind::kInt, .scale = 0, .lane = 7, .text = {}}, rest);
    model::append_rest({.name = "shared",
                        .kind = n % 2 == 0 ? model::Kind::kString : model::Kind::kBool,
                        .scale = 0,
                        .lane = 1,
                        .text = "x"},
                       rest);
    batch.column("_rest")->add_string(0, rest);
    ASSERT_TRUE(t.write(std::move(made)).ok());
  };
  auto check = [&](const char* when) {
    auto fields = t.store->fields({}, "logs");
    ASSERT_TRUE(fields.ok()) << when;
    std::map<std::string, std::set<model::Type>> types;
    for (const auto& f : *fields) types[f.name] = {f.types.begin(), f.types.end()};
    for (int n = 0; n < 4; ++n) {
      EXPECT_EQ(types["rare" + std::to_string(n)], std::set<model::Type>{model::Type::kLong}) << when;
    }
    EXPECT_EQ(types["shared"], (std::set<model::Type>{model::Type::kString, model::Type::kBool})) << when;
    EXPECT_EQ(types.count("_rest"), 0u) << when;
  };
  write(0);
  write(1);
  ASSERT_TRUE(t.store->flush_now().ok());
  write(2);
  write(3);
  check("half flushed");
  ASSERT_TRUE(t.open().ok());
  check("recovered");
  ASSERT_TRUE(t.store->flush_now().ok());
  ASSERT_TRUE(t.store->merge_all().ok());
  check("merged");
  ASSERT_TRUE(t.open().ok());
  check("merged and opened");
}

TEST(Catalogue, FieldsOfFreshRecoveredAndFlushedRows) {
  TestStore t;
  ASSERT_TRUE(t.open().ok());
  ASSERT_TRUE(t.write_events(0, 20).ok());
  auto check = [&](const char* when) {
    auto fields = t.store->fields({}, "logs");
    ASSERT_TRUE(fields.ok()) << when;
    std::map<std::string, contract::FieldInfo> by_name;
    for (const auto& f : *fields) by_name[f.name] = f;
    ASSERT_EQ(by_name.count("amount"), 1u) << when;
    ASSERT_FALSE(by_name["n"].types.empty()) << when;
    EXPECT_EQ(by_name["n"].types[0], model::Type::kLong) << when;
    EXPECT_EQ(by_name["amount"].types[0], model::Type::kDouble) << when;
    EXPECT_EQ(by_name.count("_time"), 0u) << when;
    EXPECT_EQ(by_name["n"].first_seen, kStart) << when;
  };
  check("fresh");
  ASSERT_TRUE(t.open().ok());
  check("recovered");
  ASSERT_TRUE(t.store->flush_now().ok());
  ASSERT_TRUE(t.open().ok());
  check("flushed");
  EXPECT_EQ(t.store->fields({}, "none").error().code(), Code::kNotFound);
}

TEST(Access, TenantsAndDatasetsAreApart) {
  TestStore t;
  ASSERT_TRUE(t.open().ok());
  contract::Write other = make_write("logs", 0, 5);
  other.access.tenant = TenantId("other");
  ASSERT_TRUE(t.write(std::move(other)).ok());
  ASSERT_TRUE(t.write_events(0, 3).ok());
  ASSERT_TRUE(t.write(make_write("secret", 0, 4)).ok());
  ASSERT_TRUE(t.store->flush_now().ok());
  EXPECT_EQ(see_all(*t.store).seq_by_number.size(), 7u);
  contract::Access only{.tenant = TenantId("default"), .datasets = {"logs"}};
  EXPECT_EQ(see_all(*t.store, only).seq_by_number.size(), 3u);
  contract::Scan scan;
  scan.datasets = {"secret"};
  EXPECT_EQ(see_all(*t.store, only, scan).seq_by_number.size(), 0u);
  EXPECT_EQ(t.store->datasets(only)->size(), 1u);
  contract::Write denied = make_write("secret", 0, 1);
  denied.access = only;
  EXPECT_EQ(t.write(std::move(denied)).error().code(), Code::kForbidden);
}

TEST(Copy, IsAStoreOfItsOwn) {
  TestStore t;
  ASSERT_TRUE(t.open().ok());
  for (uint64_t i = 0; i < 10; ++i) ASSERT_TRUE(t.write_events(i * 10, 10, key(i)).ok());
  ASSERT_TRUE(t.store->flush_now().ok());
  for (uint64_t i = 10; i < 14; ++i) ASSERT_TRUE(t.write_events(i * 10, 10, key(i)).ok());
  auto before = see_all(*t.store).seq_by_number;
  ASSERT_TRUE(t.store->snapshot_to("/backup").ok());
  EXPECT_EQ(t.store->snapshot_to("/backup").error().code(), Code::kExists);
  ASSERT_TRUE(t.write_events(140, 10).ok());
  base::Registry registry;
  auto copy = LogStore::open(t.disk, t.clock, t.rng, "/backup", t.options, registry);
  ASSERT_TRUE(copy.ok()) << copy.error().message();
  EXPECT_EQ(see_all(**copy).seq_by_number, before);
  EXPECT_TRUE((*copy)->verify().empty());
}

TEST(Copy, IsRestoredIntoANewPlace) {
  TestStore t;
  ASSERT_TRUE(t.open().ok());
  ASSERT_TRUE(t.write_events(0, 50, key(1)).ok());
  ASSERT_TRUE(t.store->flush_now().ok());
  ASSERT_TRUE(t.write_events(50, 10, key(2)).ok());
  ASSERT_TRUE(t.store->snapshot_to("/backup").ok());
  EXPECT_EQ(restore_store(t.disk, "/backup", testing::kDir).error().code(), Code::kExists);
  EXPECT_FALSE(restore_store(t.disk, "/nothing", "/restored").ok());
  ASSERT_TRUE(restore_store(t.disk, "/backup", "/restored").ok());
  base::Registry registry;
  auto restored = LogStore::open(t.disk, t.clock, t.rng, "/restored", t.options, registry);
  ASSERT_TRUE(restored.ok()) << restored.error().message();
  expect_events(**restored, 60);
}

TEST(Examine, ShowsAndChecksAClosedStoreWithoutWriting) {
  TestStore t;
  ASSERT_TRUE(t.open().ok());
  ASSERT_TRUE(t.write_events(0, 100, key(1)).ok());
  ASSERT_TRUE(t.store->flush_now().ok());
  ASSERT_TRUE(t.write_events(100, 10, key(2)).ok());
  t.store.reset();
  std::vector<std::string> files = t.disk.files();
  auto report = examine_store(t.disk, testing::kDir);
  ASSERT_TRUE(report.ok()) << report.error().message();
  EXPECT_TRUE(report->findings.empty()) << report->findings.front();
  EXPECT_NE(report->text.find("key agent-1:2 seq 101 rows 10 logs=10"), std::string::npos) << report->text;
  EXPECT_NE(report->text.find("segment 00000001 default/logs"), std::string::npos) << report->text;
  EXPECT_EQ(t.disk.files(), files);
  for (const std::string& path : files) {
    if (path.find(".seg") != std::string::npos) t.disk.flip(path, 100, 1);
  }
  EXPECT_EQ(examine_store(t.disk, testing::kDir)->findings.size(), 1u);
  EXPECT_EQ(examine_store(t.disk, "/none").error().code(), Code::kNotFound);
}

TEST(Limits, BadWritesAreRefusedAndCounted) {
  TestStore t;
  t.options.pending_bytes_max = 1 << 20;
  ASSERT_TRUE(t.open().ok());
  EXPECT_EQ(t.write_events(0, 1, contract::BatchKey{"", 1}).error().code(), Code::kInvalid);
  EXPECT_EQ(t.write_events(0, 1, contract::BatchKey{std::string(257, 'p'), 1}).error().code(), Code::kInvalid);
  EXPECT_EQ(t.write_events(0, 1, contract::BatchKey{"~store", 1}).error().code(), Code::kInvalid);
  EXPECT_EQ(t.write(make_write(std::string(513, 'd'), 0, 1)).error().code(), Code::kInvalid);
  contract::Write untimed;
  untimed.batches.emplace_back("logs").begin_row();
  EXPECT_EQ(t.write(std::move(untimed)).error().code(), Code::kInvalid);
  EXPECT_TRUE(t.write_events(0, 1).ok());
  EXPECT_EQ(balance(t), 5u);
  EXPECT_EQ(t.registry->sum("clew_store_rejected_events_total", {{"reason", "invalid"}}), 5u);
}

TEST(Limits, GreatBatchBecomesSeveralParts) {
  TestStore t;
  t.options.row_group_rows = contract::kGranuleRowsMax;
  t.options.journal_budget_bytes = 64 << 20;
  ASSERT_TRUE(t.open().ok());
  ASSERT_TRUE(t.write_events(0, contract::kGranuleRowsMax + 100).ok());
  expect_events(*t.store, contract::kGranuleRowsMax + 100);
  ASSERT_TRUE(t.open().ok());
  EXPECT_EQ(t.store->recovered().parts, 2u);
  ASSERT_TRUE(t.store->flush_now().ok());
  expect_events(*t.store, contract::kGranuleRowsMax + 100);
}

TEST(Limits, JournalDebtIsBackPressure) {
  TestStore t;
  t.options.journal_budget_bytes = 128 << 10;
  ASSERT_TRUE(t.open().ok());
  Status last;
  uint64_t written = 0;
  for (; written < 10'000 && last.ok(); ++written) {
    auto ack = t.write_events(written * 100, 100);
    if (!ack.ok()) last = ack.error();
  }
  ASSERT_FALSE(last.ok());
  EXPECT_EQ(last.error().code(), Code::kOverloaded);
  while (*t.store->work_once()) {
  }
  EXPECT_TRUE(t.write_events((written - 1) * 100, 100).ok());
  expect_events(*t.store, written * 100);
}

TEST(Disk, FullIsRefusedAndEndsByItself) {
  TestStore t(1, testing::small_options(), 4 << 20);
  ASSERT_TRUE(t.open().ok());
  uint64_t count = 0;
  for (int cycle = 0; cycle < 20; ++cycle) {
    ASSERT_TRUE(t.write_events(count * 10, 10).ok());
    ++count;
    t.disk.put("/filler", std::string((4 << 20) - (1 << 20), 'x'));
    t.disk.set_total_bytes(1 << 20);
    EXPECT_EQ(t.write_events(count * 10, 10).error().code(), Code::kFull);
    EXPECT_EQ(t.store->health().writes.error().code(), Code::kFull);
    expect_events(*t.store, count * 10);
    t.disk.set_total_bytes(4 << 20);
    ASSERT_TRUE(t.disk.remove("/filler").ok());
  }
  EXPECT_EQ(balance(t), 400u);
}

TEST(Disk, FailedSyncMakesTheStoreReadOnlyUntilARestart) {
  TestStore t;
  ASSERT_TRUE(t.open().ok());
  ASSERT_TRUE(t.write_events(0, 10).ok());
  t.disk.fail_operation(3, Code::kIo);  // the space, the write, the sync
  EXPECT_EQ(t.write_events(10, 10, key(1)).error().code(), Code::kIo);
  EXPECT_EQ(t.write_events(20, 10).error().code(), Code::kUnavailable);
  EXPECT_EQ(t.store->health().writes.error().code(), Code::kUnavailable);
  expect_events(*t.store, 10);
  ASSERT_TRUE(t.open().ok());
  EXPECT_TRUE(t.store->health().writes.ok());
  ASSERT_TRUE(t.write_events(10, 10, key(1)).ok());
  expect_events(*t.store, 20);
}

TEST(Damage, BrokenSegmentIsQuarantinedAndCounted) {
  TestStore t;
  ASSERT_TRUE(t.open().ok());
  ASSERT_TRUE(t.write_events(0, 50).ok());
  ASSERT_TRUE(t.store->flush_now().ok());
  ASSERT_TRUE(t.write_events(50, 50).ok());
  ASSERT_TRUE(t.store->flush_now().ok());
  t.store.reset();
  for (const std::string& path : t.disk.files()) {
    if (path.find("00000001.seg") != std::string::npos) t.disk.put(path, "no segment");
  }
  ASSERT_TRUE(t.open().ok());
  EXPECT_EQ(t.store->recovered().segments_quarantined, 1u);
  EXPECT_EQ(t.store->health().segments_quarantined, 1u);
  auto seen = see_all(*t.store);
  EXPECT_EQ(seen.damaged_rows, 50u);
  EXPECT_EQ(*seen.numbers().begin(), 50u);
  EXPECT_EQ(t.store->verify().size(), 1u);
  EXPECT_TRUE(t.store->merge_all().ok());
}

// A whole segment under another's name is no part of this store's answer.
TEST(Damage, SegmentUnderAnotherNameIsQuarantined) {
  TestStore t;
  ASSERT_TRUE(t.open().ok());
  ASSERT_TRUE(t.write_events(0, 50).ok());
  ASSERT_TRUE(t.store->flush_now().ok());
  ASSERT_TRUE(t.write_events(50, 50).ok());
  ASSERT_TRUE(t.store->flush_now().ok());
  t.store.reset();
  std::vector<std::string> segments;
  for (const std::string& path : t.disk.files()) {
    if (path.ends_with(".seg")) segments.push_back(path);
  }
  ASSERT_EQ(segments.size(), 2u);
  t.disk.put(segments[0], t.disk.contents(segments[1]));
  ASSERT_TRUE(t.open().ok());
  EXPECT_EQ(t.store->recovered().segments_quarantined, 1u);
  auto seen = see_all(*t.store);
  EXPECT_EQ(seen.seq_by_number.size(), 50u);
  EXPECT_EQ(*seen.numbers().begin(), 50u);
  EXPECT_EQ(seen.damaged_rows, 50u);
}

// Asking whether work is due takes nothing away from a flush that runs meanwhile.
TEST(Background, FlushNowLeavesNothingWhileOthersAskForIdle) {
  StoreOptions options = testing::small_options();
  options.flush_parts = 1;  // a part is due at once
  TestStore t(1, options);
  ASSERT_TRUE(t.open().ok());
  std::jthread asker([&](const std::stop_token& stop) {
    while (!stop.stop_requested()) (void)t.store->is_idle();
  });
  for (uint64_t n = 0; n < 300; ++n) {
    ASSERT_TRUE(t.write_events(n, 1).ok());
    std::this_thread::yield();  // with one processor, too, the other asks now
    ASSERT_TRUE(t.store->flush_now().ok());
    ASSERT_NE(t.registry->prometheus_text().find("\nclew_journal_parts 0\n"), std::string::npos) << n;
  }
}

}  // namespace
}  // namespace clew::logstore
