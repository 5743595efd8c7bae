// Every byte of a part and of a segment flipped: the answer is right or an error, never another answer, never a crash.
#include <gtest/gtest.h>

#include <set>

#include "columnar/part.h"
#include "columnar/segment.h"
#include "columnar/test_rows.h"
#include "expr/print.h"
#include "os/sim_disk.h"

namespace clew::columnar {
namespace {

const std::vector<std::string> kNames = {"@timestamp", "level", "f1", "f3", "f4", "f5", "f15", "rare3", "_seq"};

model::Batch small_batch(uint64_t seed) {
  model::Batch all = testing::random_batch(seed, 60);
  model::Batch batch("logs");
  for (uint32_t i = 0; i < all.rows(); ++i) (void)batch.begin_row();
  for (const auto& column : all.columns()) {
    if (std::find(kNames.begin(), kNames.end(), column->name()) == kNames.end() && !column->name().starts_with('_'))
      continue;
    size_t at_int = 0, at_scale = 0, at_text = 0;
    for (const model::KindRun& run : column->runs()) {
      for (uint32_t row = run.row; row < run.row + run.count; ++row) {
        model::RestField field;
        field.kind = run.kind;
        if (model::kind_has_int(run.kind)) field.lane = column->ints()[at_int++];
        if (run.kind == model::Kind::kDecimal) field.scale = column->scales()[at_scale++];
        if (model::kind_has_text(run.kind)) field.text = column->text_at(at_text++);
        model::add_value(*batch.column(column->name()), row, field);
      }
    }
  }
  return batch;
}

// Answers of a granule by field; a field that answers with an error is left out.
std::map<std::string, std::string> answers(const contract::Granule& granule) {
  std::map<std::string, std::string> out;
  contract::ScanStats stats;
  for (const std::string& name : kNames) {
    model::Selection rows;
    granule.alive(0, rows);
    auto v = granule.column(name, 0, rows, stats);
    if (!v.ok()) continue;
    std::string text;
    for (uint32_t i = 0; i < (*v)->size; ++i) text += expr::print_value((*v)->value(i)) + "|";
    out[name] = text;
  }
  using Op = contract::Predicate::Op;
  int number = 0;
  for (const contract::Predicate& p : std::vector<contract::Predicate>{
           {.op = Op::kPhrase, .field = "", .values = {model::Value::string("took")}, .children = {}},
           {.op = Op::kEquals, .field = "level", .values = {model::Value::string("info")}, .children = {}},
           {.op = Op::kGreater, .field = "f1", .values = {model::Value::bigint(500)}, .children = {}}}) {
    model::Selection rows;
    granule.alive(0, rows);
    auto done = granule.filter(p, 0, rows, stats);
    if (!done.ok()) continue;
    std::string text = *done ? "yes" : "no";
    for (uint32_t row : rows) text += "," + std::to_string(row);
    out["filter" + std::to_string(number++)] = text;
  }
  return out;
}

// Fields whose answer is missing; a wrong one fails the test.
std::set<std::string> lost(const std::map<std::string, std::string>& want,
                           const std::map<std::string, std::string>& got, size_t at) {
  std::set<std::string> missing;
  for (const auto& [name, text] : want) {
    auto it = got.find(name);
    if (name.starts_with("filter")) continue;
    if (it == got.end()) {
      missing.insert(name);
    } else {
      EXPECT_EQ(it->second, text) << name << " with byte " << at << " flipped";
    }
  }
  for (const auto& [name, text] : got) {
    if (!name.starts_with("filter")) continue;
    bool known = false;
    for (const auto& [other, expected] : want) known = known || expected == text;
    EXPECT_TRUE(known) << "rows with byte " << at << " flipped: " << text;
  }
  return missing;
}

TEST(Damage, EveryByteOfAPart) {
  std::string bytes = BatchEncoder().encode(small_batch(1));
  auto open = [&](const std::string& b) {
    return open_part(std::make_shared<const std::string>(b), testing::commits_for(1, 60));
  };
  auto want = answers(*(*open(bytes))->granule(Seq(UINT64_MAX), nullptr));
  auto rows = testing::rows_of(*decode_batch(bytes));
  for (size_t i = 0; i < bytes.size(); ++i) {
    std::string damaged = bytes;
    damaged[i] = static_cast<char>(damaged[i] ^ (1 << (i % 8)));
    auto batch = decode_batch(damaged);
    if (batch.ok()) {
      ASSERT_EQ(testing::rows_of(*batch), rows) << i;
    }
    auto part = open(damaged);
    if (part.ok()) (void)lost(want, answers(*(*part)->granule(Seq(UINT64_MAX), nullptr)), i);
  }
  for (size_t cut = 0; cut < bytes.size(); cut += 3) {
    EXPECT_FALSE(open(bytes.substr(0, cut)).ok());
    EXPECT_FALSE(decode_batch(bytes.substr(0, cut)).ok());
  }
}

TEST(Damage, EveryByteOfASegment) {
  os::SimDisk disk(1);
  ASSERT_TRUE(disk.make_dirs("/s").ok());
  auto writer = create_segment(disk, "/s/a.seg", {.tenant = "t", .dataset = "logs", .day = 1, .retention_class = ""});
  ASSERT_TRUE(writer.ok());
  std::vector<CommitRange> commits;
  for (uint64_t g = 0; g < 2; ++g) {
    auto part = open_part(std::make_shared<const std::string>(BatchEncoder().encode(small_batch(g))),
                          testing::commits_for(1 + g * 60, 60));
    ASSERT_TRUE(part.ok());
    commits.push_back(testing::commits_for(1 + g * 60, 60)[0]);
    std::vector<RowRef> rows;
    for (uint32_t r = 0; r < 60; ++r) rows.push_back({0, r});
    std::vector<RowSourcePtr> sources = {*part};
    ASSERT_TRUE((*writer)->add_row_group(sources, rows).ok());
  }
  ASSERT_TRUE((*writer)->finish(commits).ok());
  auto reader = open_segment(disk, "/s/a.seg");
  ASSERT_TRUE(reader.ok());
  std::vector<std::map<std::string, std::string>> want;
  for (const auto& group : (*reader)->row_groups()) want.push_back(answers(*group->granule(Seq(UINT64_MAX), nullptr)));
  contract::Predicate took{
      .op = contract::Predicate::Op::kPhrase, .field = "", .values = {model::Value::string("took")}, .children = {}};
  std::string bytes = disk.contents("/s/a.seg");
  auto file = disk.open("/s/a.seg", os::OpenMode::kReadWrite);
  ASSERT_TRUE(file.ok());
  size_t opened = 0;
  size_t seen_by_verify = 0;
  for (size_t i = 0; i < bytes.size(); ++i) {
    ASSERT_TRUE((*file)->write_at(i, std::string(1, static_cast<char>(bytes[i] ^ (1 << (i % 8))))).ok());
    auto damaged = open_segment(disk, "/s/a.seg");
    opened += damaged.ok();
    std::set<std::string> missing;
    if (damaged.ok()) {
      EXPECT_EQ((*damaged)->summary().rows, 120u);
      seen_by_verify += !(*damaged)->verify().ok();
      contract::ScanStats stats;
      EXPECT_EQ(*(*damaged)->may_match(took, stats), std::vector<bool>({true, true}));
      for (size_t g = 0; g < 2; ++g) {
        auto some = lost(want[g], answers(*(*damaged)->row_groups()[g]->granule(Seq(UINT64_MAX), nullptr)), i);
        missing.insert(some.begin(), some.end());
      }
    }
    EXPECT_LE(missing.size(), 1u) << i;
    ASSERT_TRUE((*file)->write_at(i, bytes.substr(i, 1)).ok());
  }
  EXPECT_EQ(opened, bytes.size());  // trailers and tails stand twice
  EXPECT_GT(seen_by_verify, bytes.size() / 4);
}

}  // namespace
}  // namespace clew::columnar
