#include <gtest/gtest.h>

#include <unistd.h>

#include <filesystem>
#include <numeric>
#include <random>

#include "columnar/directory.h"
#include "columnar/part.h"
#include "columnar/row_group.h"
#include "columnar/segment.h"
#include "columnar/templates.h"
#include "columnar/test_rows.h"
#include "expr/print.h"
#include "os/disk.h"
#include "text/message_shape.h"

namespace clew::columnar {
namespace {

using testing::commits_for;
using testing::random_batch;
using testing::Rows;
using testing::rows_of;

// Reads a granule back to rows through the query door: names and value texts.
std::string value_text(const model::Value& v) {
  switch (v.type()) {
    case model::Type::kNull: return "null";
    case model::Type::kDouble: return std::to_string(v.f64());
    case model::Type::kString: return "s" + v.text();
    case model::Type::kArray: {
      std::string out = "[";
      for (const auto& item : v.items()) out += value_text(item) + ",";
      return out + "]";
    }
    case model::Type::kStruct: return "{}";
    default: return std::string(model::type_name(v.type())) + std::to_string(v.i64());
  }
}

using Table = std::map<std::string, std::vector<std::string>>;  // field -> text per row

Table table_of(const contract::Granule& granule, const std::vector<std::string>& names) {
  Table table;
  contract::ScanStats stats;
  for (const std::string& name : names) {
    for (uint32_t b = 0; b * contract::kBlockRows < granule.rows(); ++b) {
      model::Selection rows;
      granule.alive(b, rows);
      auto v = granule.column(name, b, rows, stats);
      EXPECT_TRUE(v.ok()) << name << " " << v.error().message();
      if (!v.ok()) return {};
      for (uint32_t i = 0; i < rows.size(); ++i) table[name].push_back(value_text((*v)->value(i)));
    }
  }
  return table;
}

TEST(Part, GivesEveryValueBack) {
  for (uint32_t rows : {1u, 2u, 100u, 4096u, 4097u, 9000u}) {
    model::Batch batch = random_batch(rows, rows);
    BatchEncoder encoder;
    std::string bytes = encoder.encode(batch);
    auto back = decode_batch(bytes);
    ASSERT_TRUE(back.ok()) << back.error().message();
    EXPECT_EQ(back->dataset(), "logs");
    ASSERT_EQ(rows_of(*back), rows_of(batch));
    EXPECT_EQ(encoder.encode(*back).size(), bytes.size());  // the encoder's memory carries nothing over
  }
}

class SegmentTest : public ::testing::Test {
 protected:
  void SetUp() override {
    dir_ = std::filesystem::temp_directory_path() / ("clew-columnar-" + std::to_string(::getpid()));
    std::filesystem::create_directories(dir_);
    disk_ = os::make_real_disk();
  }
  void TearDown() override { std::filesystem::remove_all(dir_); }

  std::shared_ptr<const SegmentReader> write(const std::vector<RowSourcePtr>& parts, const std::vector<RowRef>& rows,
                                             std::vector<CommitRange> commits) {
    std::string path = dir_ / std::to_string(++count_);
    auto writer =
        create_segment(*disk_, path, {.tenant = "t", .dataset = "logs", .day = 20413, .retention_class = "c"});
    EXPECT_TRUE(writer.ok());
    Status added = (*writer)->add_row_group(parts, rows);
    EXPECT_TRUE(added.ok()) << added.error().message();
    auto summary = (*writer)->finish(std::move(commits));
    EXPECT_TRUE(summary.ok());
    auto reader = open_segment(*disk_, path);
    EXPECT_TRUE(reader.ok()) << reader.error().message();
    return *reader;
  }

  std::filesystem::path dir_;
  std::unique_ptr<os::Disk> disk_;
  int count_ = 0;
};

RowSourcePtr part_of(const model::Batch& batch, uint64_t first_seq) {
  auto bytes = std::make_shared<const std::string>(BatchEncoder().encode(batch));
  auto part = open_part(bytes, commits_for(first_seq, batch.rows()));
  EXPECT_TRUE(part.ok());
  return *part;
}

// Texts of a few shapes, of which some stand once only; rows without a text now and then.
model::Batch messages(uint32_t rows, bool holes) {
  std::mt19937_64 rng(rows);
  model::Batch batch("logs");
  for (uint32_t i = 0; i < rows; ++i) {
    uint32_t row = batch.begin_row();
    batch.column("_time")->add_time(row, testing::kStart + static_cast<int64_t>(i) * 1'000'000);
    std::string n = std::to_string(rng() % 100'000);
    std::string text = rng() % 50 == 0 ? "rare " + testing::hex(rng, 6) + std::string(1 + rng() % 9, 'q') + n
                       : rng() % 2     ? "order " + n + " of user '" + testing::hex(rng, 4) + "' took " + n + " ms"
                                       : "session " + testing::hex(rng, 12) + " renewed";
    if (!holes || rng() % 10 != 0) batch.column("message")->add_string(row, text);
    batch.column("msg")->add_string(row, std::array<const char*, 3>{"user 1", "user 2", "none"}[rng() % 3]);
    batch.end_row();
  }
  return batch;
}

// `_pattern.FIELD` is what the values' own texts give, however they are kept.
void expect_patterns(const contract::Granule& granule, const std::vector<std::string>& names) {
  contract::ScanStats stats;
  for (const std::string& name : names) {
    for (uint32_t b = 0; b * contract::kBlockRows < granule.rows(); ++b) {
      model::Selection rows;
      granule.alive(b, rows);
      std::erase_if(rows, [](uint32_t row) { return row % 7 == 3; });
      auto values = granule.column(name, b, rows, stats);
      auto patterns = granule.column("_pattern." + name, b, rows, stats);
      ASSERT_TRUE(values.ok() && patterns.ok()) << name;
      ASSERT_EQ((*patterns)->size, rows.size());
      for (uint32_t i = 0; i < rows.size(); ++i) {
        ASSERT_EQ((*patterns)->is_null(i), (*values)->is_null(i)) << name << " " << i;
        if ((*values)->is_null(i)) continue;
        ASSERT_EQ((*patterns)->value(i).text(), text::message_pattern(expr::print_value((*values)->value(i)))) << name;
      }
    }
  }
}

TEST_F(SegmentTest, PatternsAreThoseOfTheTextsInPartsAndSegments) {
  std::vector<model::Batch> batches;
  batches.push_back(random_batch(5, 9000));
  batches.push_back(messages(9000, false));
  batches.push_back(messages(9001, true));
  for (const model::Batch& batch : batches) {
    std::vector<RowSourcePtr> parts = {part_of(batch, 1)};
    auto part = parts[0]->granule(Seq(UINT64_MAX), nullptr);
    std::vector<std::string> names = *part->field_names();
    names.insert(names.end(), {"message", "level", "nothing"});
    expect_patterns(*part, names);
    std::vector<RowRef> rows(batch.rows());
    for (uint32_t r = 0; r < batch.rows(); ++r) rows[r] = {0, r};
    auto sorted = sorted_for_row_group(parts, rows);
    ASSERT_TRUE(sorted.ok());
    auto reader = write(parts, *sorted, commits_for(1, batch.rows()));
    expect_patterns(*reader->row_groups()[0]->granule(Seq(UINT64_MAX), nullptr), names);
  }
}

TEST_F(SegmentTest, HoldsTheSameRowsAsItsParts) {
  std::vector<RowSourcePtr> parts;
  std::vector<RowRef> rows;
  std::vector<CommitRange> commits;
  Table want;
  std::vector<std::string> names;
  for (uint32_t p = 0; p < 4; ++p) {
    model::Batch batch = random_batch(p, 3000 + p, testing::kStart + static_cast<int64_t>(p) * 500'000);
    uint64_t seq = 1 + p * 10000;
    parts.push_back(part_of(batch, seq));
    commits.push_back(commits_for(seq, batch.rows())[0]);
    for (uint32_t r = 0; r < batch.rows(); ++r) rows.push_back({p, r});
  }
  auto sorted = sorted_for_row_group(parts, rows);
  ASSERT_TRUE(sorted.ok());
  auto reader = write(parts, *sorted, commits);
  ASSERT_EQ(reader->row_groups().size(), 1u);
  EXPECT_EQ(reader->summary().rows, rows.size());
  EXPECT_EQ(reader->summary().seq_max, 30001u + 3002);
  auto verified = reader->verify();
  EXPECT_TRUE(verified.ok()) << verified.error().message();
  auto granule = reader->row_groups()[0]->granule(Seq(UINT64_MAX), nullptr);
  auto all_names = granule->field_names();
  ASSERT_TRUE(all_names.ok());
  names = *all_names;
  EXPECT_GT(names.size(), 60u);
  names.insert(names.end(), {"@timestamp", "_seq", "_id", "_ingest_time", "_index", "nothing"});
  Table got = table_of(*granule, names);
  std::vector<Table> from_parts;
  for (const auto& part : parts) from_parts.push_back(table_of(*part->granule(Seq(UINT64_MAX), nullptr), names));
  for (const std::string& name : names) {
    for (size_t i = 0; i < sorted->size(); ++i) {
      ASSERT_EQ(got[name][i], from_parts[(*sorted)[i].source][name][(*sorted)[i].row]) << name << " " << i;
    }
  }
  uint64_t counted = 0;
  for (const auto& m : *granule->minute_counts()) counted += m.count;
  EXPECT_EQ(counted, rows.size());
}

TEST_F(SegmentTest, OriginsStay) {
  using model::bit;
  using model::Origin;
  auto batch_of = [](Origin zone) {
    model::Batch batch = random_batch(5, 50);
    for (uint32_t row = 0; row < 50; ++row) batch.column("zone")->add_string(row, "z");
    batch.column("zone")->note_origins(bit(zone));
    return batch;
  };
  auto back = decode_batch(BatchEncoder().encode(batch_of(Origin::kLabel)));
  ASSERT_TRUE(back.ok());
  EXPECT_EQ(back->find("zone")->origins(), bit(Origin::kLabel));
  EXPECT_EQ(back->find("f0")->origins(), bit(Origin::kRecord));
  std::vector<RowSourcePtr> parts = {part_of(batch_of(Origin::kLabel), 1), part_of(batch_of(Origin::kResource), 1001)};
  std::vector<RowRef> rows;
  for (uint32_t r = 0; r < 100; ++r) rows.push_back({r / 50, r % 50});
  auto reader = write(parts, rows, {commits_for(1, 50)[0], commits_for(1001, 50)[0]});
  std::map<std::string, unsigned> origins;
  for (const contract::FieldInfo& field : reader->fields()) origins[field.name] = field.origins;
  EXPECT_EQ(origins["zone"], bit(Origin::kLabel) | bit(Origin::kResource));
  EXPECT_EQ(origins["f0"], bit(Origin::kRecord));
}

std::string digits(uint64_t v, int width) {
  std::string text = std::to_string(v);
  return std::string(static_cast<size_t>(width) - text.size(), '0') + text;
}

// Columns whose texts are typed in every part, in some of them, or in forms that do not go together.
model::Batch typed_batch(uint32_t part, uint32_t rows) {
  std::mt19937_64 rng(part + 1);
  model::Batch batch("logs");
  std::vector<std::string> few;
  for (int i = 0; i < 40; ++i) few.push_back(testing::hex(rng, 16));
  for (uint32_t i = 0; i < rows; ++i) {
    uint32_t row = batch.begin_row();
    int64_t time = testing::kStart + static_cast<int64_t>(rng() % 1'000'000'000'000);
    batch.column("_time")->add_time(row, time);
    auto add = [&](const char* name, const std::string& text) { batch.column(name)->add_string(row, text); };
    add("hex", testing::hex(rng, 32));
    if (rng() % 3 == 0) add("holes", testing::hex(rng, 24));
    add("lengths", testing::hex(rng, part == 1 ? 16 : 32));
    add("uuid", testing::hex(rng, 8) + "-" + testing::hex(rng, 4) + "-4000-8000-" + testing::hex(rng, 12));
    add("ip", std::to_string(rng() % 256) + "." + std::to_string(rng() % 256) + ".7." + std::to_string(rng() % 256));
    std::string clock = digits(rng() % 24, 2) + ":" + digits(rng() % 60, 2) + ":" + digits(rng() % 60, 2);
    add("time", "2025-11-21T" + clock + "." + digits(rng() % 1'000'000, 6) + "Z");
    add("layouts", (part == 2 ? "2025/11/21 " : "2025-11-21T") + clock + (part == 2 ? "" : "Z"));
    add("exceptions", part == 0 && i == 7 ? "none" : testing::hex(rng, 32));
    add("elsewhere", part == 1 ? "a text of " + std::to_string(i % 5) : testing::hex(rng, 32));
    add("repeated", i < rows - 100 ? testing::hex(rng, 16) : few[rng() % few.size()]);
    batch.end_row();
  }
  return batch;
}

TEST_F(SegmentTest, TypedTextsAreHandedOn) {
  constexpr uint32_t kRows = 5000;
  std::vector<RowSourcePtr> parts;
  std::vector<RowRef> rows;
  std::vector<CommitRange> commits;
  for (uint32_t p = 0; p < 3; ++p) {
    parts.push_back(part_of(typed_batch(p, kRows), 1 + p * 10000));
    commits.push_back(commits_for(1 + p * 10000, kRows)[0]);
    for (uint32_t r = 0; r < kRows; ++r) rows.push_back({p, r});
  }
  auto sorted = sorted_for_row_group(parts, rows);
  ASSERT_TRUE(sorted.ok());
  auto reader = write(parts, *sorted, commits);
  ASSERT_TRUE(reader->verify().ok());
  auto granule = reader->row_groups()[0]->granule(Seq(UINT64_MAX), nullptr);
  std::vector<std::string> names = {"hex",  "holes",   "lengths",    "uuid",      "ip",
                                    "time", "layouts", "exceptions", "elsewhere", "repeated"};
  Table got = table_of(*granule, names);
  std::vector<Table> from_parts;
  for (const auto& part : parts) from_parts.push_back(table_of(*part->granule(Seq(UINT64_MAX), nullptr), names));
  for (const std::string& name : names) {
    for (size_t i = 0; i < sorted->size(); ++i) {
      ASSERT_EQ(got[name][i], from_parts[(*sorted)[i].source][name][(*sorted)[i].row]) << name << " " << i;
    }
  }
  // A look for any of the texts finds the row group.
  for (const char* name : {"hex", "holes", "uuid", "time"}) {
    for (size_t i : {size_t{0}, size_t{4096}, sorted->size() - 1}) {
      if (got[name][i] == "null") continue;
      contract::Predicate equal{.op = contract::Predicate::Op::kEquals, .field = name, .values = {}, .children = {}};
      equal.values.push_back(model::Value::string(got[name][i].substr(1)));
      EXPECT_TRUE(reader->row_groups()[0]->may_match(equal)) << name << " " << got[name][i];
    }
  }
  auto* group = dynamic_cast<const RowGroup*>(reader->row_groups()[0].get());
  ASSERT_NE(group, nullptr);
  auto form = [&](const char* name) { return group->directory().find(name)->text_form; };
  EXPECT_EQ(form("hex"), TextForm::kHex);
  EXPECT_EQ(form("holes"), TextForm::kHex);
  EXPECT_EQ(form("uuid"), TextForm::kUuid);
  EXPECT_EQ(form("ip"), TextForm::kIp4);
  EXPECT_EQ(form("time"), TextForm::kTime);
}

TEST_F(SegmentTest, CountsOfValuesAreThoseOfTheRows) {
  std::vector<RowSourcePtr> parts;
  std::vector<RowRef> rows;
  std::vector<CommitRange> commits;
  for (uint32_t p = 0; p < 3; ++p) {
    model::Batch batch = random_batch(20 + p, 2500);
    parts.push_back(part_of(batch, 1 + p * 10000));
    commits.push_back(commits_for(1 + p * 10000, batch.rows())[0]);
    for (uint32_t r = 0; r < batch.rows(); ++r) rows.push_back({p, r});
  }
  auto group = write(parts, rows, commits)->row_groups()[0];
  auto granule = group->granule(Seq(UINT64_MAX), nullptr);
  auto names = granule->field_names();
  ASSERT_TRUE(names.ok());
  names->push_back("nothing");
  Table table = table_of(*granule, *names);
  contract::ScanStats stats;
  int told = 0;
  for (const std::string& name : *names) {
    auto counts = granule->value_counts(name, stats);
    ASSERT_TRUE(counts.ok()) << name;
    if (counts->empty()) continue;
    std::map<std::string, uint64_t> want;
    for (const std::string& text : table[name]) ++want[text];
    std::map<std::string, uint64_t> got;
    for (const contract::ValueCount& count : *counts) {
      EXPECT_TRUE(got.emplace(value_text(count.value), count.rows).second) << name;
    }
    EXPECT_EQ(got, want) << name;
    told += got.size() > 1;
  }
  EXPECT_GE(told, 2);
  // Neither a row that is deleted nor one that came later may be counted.
  auto deleted = std::make_shared<std::vector<bool>>(rows.size(), false);
  (*deleted)[7] = true;
  for (const auto& less : {group->granule(Seq(UINT64_MAX), deleted), group->granule(Seq(20005), nullptr)}) {
    for (const std::string& name : *names) EXPECT_TRUE(less->value_counts(name, stats)->empty()) << name;
  }
}

TEST_F(SegmentTest, DeletedRowsAndLaterOnesAreNotAlive) {
  auto part = part_of(random_batch(5, 5000), 100);
  auto deleted = std::make_shared<std::vector<bool>>(5000, false);
  (*deleted)[7] = (*deleted)[4999] = true;
  auto granule = part->granule(Seq(100 + 4998), deleted);
  model::Selection rows;
  granule->alive(0, rows);
  EXPECT_EQ(rows.size(), 4095u);
  granule->alive(1, rows);
  EXPECT_EQ(rows.size(), 5000u - 4096 - 1);
  EXPECT_EQ(granule->minute_counts(), nullptr);
}

TEST_F(SegmentTest, CopiedRowGroupsAnswerTheSame) {
  auto part = part_of(random_batch(6, 6000), 1);
  std::vector<RowRef> rows(6000);
  for (uint32_t i = 0; i < 6000; ++i) rows[i] = {0, i};
  auto first = write({part}, rows, commits_for(1, 6000));
  std::string path = dir_ / "copy";
  auto writer = create_segment(*disk_, path, first->identity());
  ASSERT_TRUE(writer.ok());
  ASSERT_TRUE((*writer)->copy_row_group(*first, 0).ok());
  ASSERT_TRUE((*writer)->copy_row_group(*first, 0).ok());
  ASSERT_TRUE((*writer)->finish(commits_for(1, 6000)).ok());
  auto second = open_segment(*disk_, path);
  ASSERT_TRUE(second.ok());
  EXPECT_EQ((*second)->summary().rows, 12000u);
  EXPECT_TRUE((*second)->verify().ok());
  std::vector<std::string> names = {"f3", "f9", "rare3", "_id"};
  EXPECT_EQ(table_of(*(*second)->row_groups()[1]->granule(Seq(UINT64_MAX), nullptr), names),
            table_of(*first->row_groups()[0]->granule(Seq(UINT64_MAX), nullptr), names));
}

// Texts go from part to row group and from row group to row group as templates, whatever each source made of them.
TEST_F(SegmentTest, TemplatesOfManySourcesGiveEveryTextBack) {
  std::vector<RowSourcePtr> parts;
  std::vector<std::string> want;
  std::vector<RowRef> rows;
  std::vector<CommitRange> commits;
  std::mt19937_64 rng(11);
  constexpr uint32_t kSizes[] = {2000, 1, 3, 40, 2500, 1200, 700};
  uint64_t seq = 1;
  for (uint32_t p = 0; p < std::size(kSizes); ++p) {
    model::Batch batch("logs");
    for (uint32_t i = 0; i < kSizes[p]; ++i) {
      uint32_t row = batch.begin_row();
      batch.column("_time")->add_time(row, testing::kStart + i);
      std::string text = "disk " + std::to_string(rng() % 9) + " of host" + std::to_string(rng()) + " at 0" +
                         std::to_string(rng() % 8) + ":30";
      if (rng() % 3 == 0)
        text = "user u" + std::to_string(rng()) + (p % 2 == 0 ? " left after " : " came after ") +
               std::to_string(rng() % 100000);
      if (rng() % 50 == 0)
        text = "rare " + std::string(1 + rng() % 5, static_cast<char>('a' + rng() % 26)) + std::to_string(rng());
      if (rng() % 90 == 0) text = std::string("mark ") + kWord + std::to_string(rng());
      if (p == 5) text = "only words number " + testing::hex(rng, 3) + "z" + testing::hex(rng, 20);
      if (rng() % 40 == 0) {
        want.push_back("null");
      } else {
        want.push_back("s" + text);
        batch.column("message")->add_string(row, text);
      }
      batch.end_row();
      rows.push_back({p, i});
    }
    parts.push_back(part_of(batch, seq));
    commits.push_back(commits_for(seq, kSizes[p])[0]);
    seq += kSizes[p];
  }
  std::vector<uint32_t> order(rows.size());
  std::iota(order.begin(), order.end(), 0);
  std::shuffle(order.begin(), order.end(), rng);
  std::vector<RowRef> mixed;
  std::vector<std::string> mixed_want;
  for (uint32_t i : order) {
    mixed.push_back(rows[i]);
    mixed_want.push_back(want[i]);
  }
  auto first = write(parts, mixed, commits);
  ASSERT_TRUE(first->verify().ok());
  auto granule = first->row_groups()[0]->granule(Seq(UINT64_MAX), nullptr);
  EXPECT_EQ(table_of(*granule, {"message"})["message"], mixed_want);
  // Again, from a row group and a part: half of the rows of each.
  std::vector<RowSourcePtr> sources = {first->row_groups()[0], parts[4]};
  std::vector<RowRef> some;
  std::vector<std::string> some_want;
  uint32_t before = 2000 + 1 + 3 + 40;
  for (uint32_t i = 0; i < mixed.size(); i += 2) {
    some.push_back({0, i});
    some_want.push_back(mixed_want[i]);
    if (i >= kSizes[4]) continue;
    some.push_back({1, i});
    some_want.push_back(want[before + i]);
  }
  auto second = write(sources, some, commits);
  ASSERT_TRUE(second->verify().ok());
  auto again = second->row_groups()[0]->granule(Seq(UINT64_MAX), nullptr);
  EXPECT_EQ(table_of(*again, {"message"})["message"], some_want);
  contract::ScanStats stats;
  for (const char* word : {"came", "left", "disk", "rare", "mark", "words"}) {
    contract::Predicate p{.op = contract::Predicate::Op::kPhrase,
                          .field = "message",
                          .values = {model::Value::string(word)},
                          .children = {}};
    EXPECT_TRUE((*second->may_match(p, stats))[0]) << word;
  }
}

TEST_F(SegmentTest, NamesBeyondTheLimitGoToRestAndAreFound) {
  model::Batch batch("logs");
  for (uint32_t i = 0; i < 3000; ++i) {
    uint32_t row = batch.begin_row();
    batch.column("_time")->add_time(row, testing::kStart + i);
    batch.column("wide" + std::to_string(i % 1500))->add_int(row, i);
  }
  auto part = part_of(batch, 1);
  std::vector<RowRef> rows(3000);
  for (uint32_t i = 0; i < 3000; ++i) rows[i] = {0, i};
  auto reader = write({part}, rows, commits_for(1, 3000));
  auto granule = reader->row_groups()[0]->granule(Seq(UINT64_MAX), nullptr);
  EXPECT_EQ(granule->field_names()->size(), 1500u);
  EXPECT_EQ(reader->fields().size(), 1500u);
  for (const contract::FieldInfo& field : reader->fields()) {
    ASSERT_EQ(field.types, std::vector<model::Type>{model::Type::kLong}) << field.name;
  }
  for (uint32_t name : {0u, 700u, 1499u}) {
    Table table = table_of(*granule, {"wide" + std::to_string(name)});
    for (uint32_t i = 0; i < 3000; ++i) {
      std::string want = i % 1500 == name ? "bigint" + std::to_string(i) : "null";
      ASSERT_EQ(table.begin()->second[i], want);
    }
  }
}

// Values of a column that has a few thousand of them are mostly new in its first rows.
TEST(Dictionary, ServesColumnsOfThousandsOfValues) {
  std::mt19937_64 rng(9);
  model::Batch batch;
  for (uint32_t i = 0; i < 30'000; ++i) {
    uint32_t row = batch.begin_row();
    batch.column("_time")->add_time(row, testing::kStart + i);
    batch.column("stream")->add_string(
        row, "stream of host " + std::string(1 + rng() % 40, 'x') + std::to_string(rng() % 50));
    batch.column("unique")->add_string(row, "words like " + testing::hex(rng, 12) + " that never come back");
  }
  std::string bytes = BatchEncoder().encode(batch);
  auto part = open_part(std::make_shared<const std::string>(bytes), testing::commits_for(1, batch.rows()));
  ASSERT_TRUE(part.ok());
  contract::GranulePtr granule = (*part)->granule(Seq(UINT64_MAX), nullptr);
  contract::ScanStats stats;
  auto layout = [&](std::string_view field) {
    auto values = granule->column(field, 0, {0, 1, 2}, stats);
    return values.ok() ? (*values)->layout : model::Layout::kConst;
  };
  EXPECT_EQ(layout("stream"), model::Layout::kDict);
  EXPECT_EQ(layout("unique"), model::Layout::kFlat);
}

TEST(RestTable, ComesBackAndRefusesWhatIsCut) {
  std::vector<RestName> names = {{"a", 1}, {"a.b", 2}, {"a.bc", 0x0800}, {"b", 3}, {std::string(512, 'x'), 4}};
  std::string table;
  write_rest_table(names, codec::Method::kZstd, table);
  auto back = read_rest_table(table);
  ASSERT_TRUE(back.ok());
  ASSERT_EQ(back->size(), names.size());
  for (size_t i = 0; i < names.size(); ++i) {
    EXPECT_EQ((*back)[i].name, names[i].name);
    EXPECT_EQ((*back)[i].kinds, names[i].kinds);
  }
  for (size_t cut = 1; cut < table.size(); ++cut) EXPECT_FALSE(read_rest_table(table.substr(0, cut)).ok()) << cut;
  EXPECT_TRUE(read_rest_table("")->empty());
}

}  // namespace
}  // namespace clew::columnar
