// How many reads of the disk one id costs: the bounds that users of cold stores rely on.
#include <gtest/gtest.h>

#include "logstore/test_store.h"

namespace clew::logstore {
namespace {

using testing::TestStore;

constexpr uint64_t kReadsPerSegment = 2;  // one of the index, one of the row group
constexpr uint32_t kEvents = 4000;

std::string id_of(uint64_t n) {
  std::string id;
  for (uint64_t h = n * 0x9e3779b97f4a7c15ull + 1, i = 0; i < 32;
       ++i, h = h * 6364136223846793005ull + 1442695040888963407ull) {
    id.push_back("0123456789abcdef"[h >> 60]);
  }
  return id;
}

std::string uuid_of(uint64_t n) {
  std::string id = id_of(n + 1'000'000);
  for (size_t at : {8, 13, 18, 23}) id.insert(at, 1, '-');
  return id;
}

contract::Write write_of(uint64_t first, uint32_t rows) {
  contract::Write write = testing::make_write("logs", first, 0);
  model::Batch& batch = write.batches[0];
  for (uint64_t n = first; n < first + rows; ++n) {
    uint32_t row = batch.begin_row();
    batch.column("_time")->add_time(row, testing::default_time(n));
    batch.column("n")->add_int(row, static_cast<int64_t>(n));
    batch.column("trace_id")->add_string(row, id_of(n));
    batch.column("session")->add_string(row, uuid_of(n));
    batch.column("service.name")->add_string(row, n % 2 ? "cart" : "pay");
    batch.column("path")->add_string(row, "/cart/" + std::to_string(n * 7919));
    batch.column("message")->add_string(
        row, "order " + std::to_string(n * 7919) + " took " + std::to_string(n % 900) + " ms");
    batch.end_row();
  }
  return write;
}

struct Cost {
  uint64_t found = 0;
  uint64_t granules = 0;
  uint64_t reads = 0;
};

// Finds the rows of an id as a query does: the condition on every block, then all columns of what is left.
Cost find(LogStore& store, const std::string& id, contract::Predicate::Op op = contract::Predicate::Op::kEquals,
          const std::string& field = "trace_id") {
  contract::Scan scan;
  scan.where = {.op = op, .field = field, .values = {model::Value::string(id)}, .children = {}};
  contract::ScanStats stats;
  auto snapshot = store.snapshot({}, scan, stats);
  EXPECT_TRUE(snapshot.ok());
  Cost cost;
  cost.granules = snapshot->granules.size();
  for (const auto& granule : snapshot->granules) {
    for (uint32_t block = 0; block * contract::kBlockRows < granule->rows(); ++block) {
      model::Selection rows;
      granule->alive(block, rows);
      auto narrowed = granule->filter(scan.where, block, rows, stats);
      EXPECT_TRUE(narrowed.ok() && *narrowed);
      if (rows.empty()) continue;
      cost.found += rows.size();
      for (const char* name : {"@timestamp", "_seq", "_id", "n", "trace_id", "service.name", "path", "message"}) {
        EXPECT_TRUE(granule->column(name, block, rows, stats).ok()) << name;
      }
      EXPECT_TRUE(granule->documents(block, rows, stats).ok());
    }
  }
  cost.reads = stats.index_reads + stats.column_reads;
  return cost;
}

TEST(Reads, OneIdOfASegmentCostsTwoAndAMissOne) {
  StoreOptions options = testing::small_options();
  options.flush_rows = kEvents;
  options.row_group_rows = 256;
  options.journal_file_bytes = 1 << 20;
  options.journal_budget_bytes = 16 << 20;
  TestStore t(1, options);
  ASSERT_TRUE(t.open().ok());
  for (uint64_t n = 0; n < kEvents; n += 400) ASSERT_TRUE(t.write(write_of(n, 400)).ok());
  ASSERT_TRUE(t.store->flush_now().ok());
  for (uint64_t n : {0u, 1u, 1999u, 3999u}) {
    Cost hit = find(*t.store, id_of(n));
    EXPECT_EQ(hit.found, 1u);
    EXPECT_LE(hit.reads, kReadsPerSegment);
  }
  uint64_t reads = 0;
  for (uint64_t n = kEvents; n < kEvents + 200; ++n) {
    Cost miss = find(*t.store, id_of(n));
    EXPECT_EQ(miss.found, 0u);
    EXPECT_LE(miss.reads, kReadsPerSegment);
    reads += miss.reads;
  }
  EXPECT_LE(reads, 210u);  // the index says "perhaps" of what is not there once in a hundred
}

// Rows that are fresh lie in parts without an index; what is known of their ids leaves nearly all of them out.
TEST(Reads, FreshPartsWithoutTheIdAreNotRead) {
  StoreOptions options = testing::small_options();
  options.flush_rows = 1 << 20;
  options.flush_parts = 1000;
  options.parts_max = 1000;
  options.journal_file_bytes = 1 << 20;
  options.journal_budget_bytes = 16 << 20;
  TestStore t(2, options);
  ASSERT_TRUE(t.open().ok());
  for (uint64_t n = 0; n < kEvents; n += 40) ASSERT_TRUE(t.write(write_of(n, 40)).ok());
  for (uint64_t n : {0u, 777u, 3999u}) {
    Cost hit = find(*t.store, id_of(n));
    EXPECT_EQ(hit.found, 1u);
    EXPECT_LE(hit.granules, 4u);
  }
  // A search for field=value asks by words.
  using Op = contract::Predicate::Op;
  for (uint64_t n : {0u, 777u, 3999u}) {
    for (const auto& [field, id] : {std::pair("trace_id", id_of(n)), std::pair("session", uuid_of(n))}) {
      Cost hit = find(*t.store, id, Op::kPhrase, field);
      EXPECT_EQ(hit.found, 1u);
      EXPECT_LE(hit.granules, 4u) << field;
    }
    // A piece of a UUID is a word of its own.
    EXPECT_GE(find(*t.store, uuid_of(n).substr(0, 8), Op::kPhrase, "session").found, 1u);
  }
  EXPECT_LE(find(*t.store, id_of(kEvents + 1), Op::kPhrase).granules, 4u);
  std::string upper = id_of(5);
  for (char& c : upper) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  EXPECT_GE(find(*t.store, upper).granules, 1u);
  // Found again at start they have no filter and are all looked at.
  ASSERT_TRUE(t.open().ok());
  EXPECT_EQ(find(*t.store, id_of(777)).found, 1u);
}

}  // namespace
}  // namespace clew::logstore
