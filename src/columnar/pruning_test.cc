#include <gtest/gtest.h>

#include <unistd.h>

#include <filesystem>
#include <utility>

#include "columnar/part.h"
#include "columnar/segment.h"
#include "columnar/test_rows.h"
#include "columnar/word_set.h"
#include "text/words.h"

namespace clew::columnar {
namespace {

using contract::Predicate;
using model::Value;

class PruningTest : public ::testing::Test {
 protected:
  static constexpr uint32_t kGroups = 6;

  void SetUp() override {
    path_ = std::filesystem::temp_directory_path() / ("clew-pruning-" + std::to_string(::getpid()));
    disk_ = os::make_real_disk();
    auto writer = create_segment(*disk_, path_, {.tenant = "t", .dataset = "logs", .day = 1, .retention_class = ""});
    ASSERT_TRUE(writer.ok());
    uint64_t seq = 1;
    std::vector<CommitRange> commits;
    for (uint32_t g = 0; g < kGroups; ++g) {
      batches_.push_back(testing::random_batch(g, 2000));
      uint32_t row = batches_.back().begin_row();
      batches_.back().column("_time")->add_time(row, testing::kStart);
      batches_.back().column("only" + std::to_string(g))->add_int(row, 1000000 + g);
      batches_.back().column("message")->add_string(
          row, "Needle-" + std::string(1, static_cast<char>('a' + g)) + "xyz in größe 漢字");
      batches_.back().column("list")->add_text(row, model::Kind::kArray,
                                               R"(["caf\u00e9)" + std::to_string(g) + R"(x"])");
      auto bytes = std::make_shared<const std::string>(BatchEncoder().encode(batches_.back()));
      commits.push_back(testing::commits_for(seq, batches_.back().rows())[0]);
      auto part = open_part(bytes, {commits.back()});
      ASSERT_TRUE(part.ok());
      std::vector<RowRef> rows;
      for (uint32_t r = 0; r < batches_.back().rows(); ++r) rows.push_back({0, r});
      std::vector<RowSourcePtr> sources = {*part};
      ASSERT_TRUE((*writer)->add_row_group(sources, rows).ok());
      seq += rows.size();
    }
    ASSERT_TRUE((*writer)->finish(commits).ok());
    auto opened = open_segment(*disk_, path_);
    ASSERT_TRUE(opened.ok());
    reader_ = *opened;
  }
  void TearDown() override { std::filesystem::remove(path_); }

  std::string match(const Predicate& p) {
    auto maybe = reader_->may_match(p, stats_);
    EXPECT_TRUE(maybe.ok());
    std::string bits;
    for (bool b : *maybe) bits.push_back(b ? '1' : '0');
    return bits;
  }
  static Predicate phrase(std::string field, std::string text) {
    return {.op = Predicate::Op::kPhrase,
            .field = std::move(field),
            .values = {Value::string(std::move(text))},
            .children = {}};
  }

  std::string path_;
  std::unique_ptr<os::Disk> disk_;
  std::vector<model::Batch> batches_;
  std::shared_ptr<const SegmentReader> reader_;
  contract::ScanStats stats_;
};

TEST_F(PruningTest, EveryWordOfEveryTextIsFoundWhereItStands) {
  auto verified = reader_->verify();
  ASSERT_TRUE(verified.ok()) << verified.error().message();
  for (uint32_t g = 0; g < kGroups; ++g) {
    for (const auto& column : batches_[g].columns()) {
      if (column->name().starts_with('_')) continue;
      for (size_t i = 0; i < column->text_ends().size(); i += 7) {
        std::string text(column->text_at(i));
        if (text.find('\\') != std::string::npos) continue;
        ASSERT_EQ(match(phrase("", text))[g], '1') << column->name() << ": " << text;
      }
    }
  }
}

TEST_F(PruningTest, RareWordsLeaveOneRowGroup) {
  EXPECT_EQ(match(phrase("", "needle axyz")), "100000");
  EXPECT_EQ(match(phrase("message", "NEEDLE CXYZ")), "001000");
  EXPECT_EQ(match(phrase("", "größe")), "111111");
  EXPECT_EQ(match(phrase("", "漢")), "111111");
  EXPECT_EQ(match(phrase("", "café2x")), "001000");
  EXPECT_GE(stats_.index_reads.load(), 3u);
  std::string id(batches_[3].find("f4")->text_at(100));
  EXPECT_EQ(match({.op = Predicate::Op::kEquals, .field = "f4", .values = {Value::string(id)}, .children = {}}),
            "000100");
  EXPECT_EQ(match({.op = Predicate::Op::kContains,
                   .field = "message",
                   .values = {Value::string("eedle-bxyz i")},
                   .children = {}}),
            "010000");
}

// The words of a row group that is copied come from the index of its segment; hashes lose bits, never words.
TEST_F(PruningTest, CopiedRowGroupsKeepTheirWords) {
  std::string copy = path_ + ".copy";
  auto writer = create_segment(*disk_, copy, reader_->identity());
  ASSERT_TRUE(writer.ok());
  for (size_t g : {size_t{3}, size_t{1}, size_t{1}, size_t{0}})
    ASSERT_TRUE((*writer)->copy_row_group(*reader_, g).ok());
  ASSERT_TRUE((*writer)->finish(reader_->commits()).ok());
  auto opened = open_segment(*disk_, copy);
  ASSERT_TRUE(opened.ok());
  auto first = std::exchange(reader_, *opened);
  ASSERT_TRUE(reader_->verify().ok());
  EXPECT_EQ(match(phrase("", "needle axyz")), "0001");
  EXPECT_EQ(match(phrase("message", "NEEDLE BXYZ")), "0110");
  EXPECT_EQ(match(phrase("message", "dxyz")), "1000");
  EXPECT_EQ(match(phrase("", "größe")), "1111");
  int left = 0;
  for (int i = 0; i < 1000; ++i)
    left += match(phrase("", "nosuchword" + std::to_string(i))).find('1') != std::string::npos;
  EXPECT_LT(left, 60);
  std::filesystem::remove(copy);
}

TEST_F(PruningTest, AbsentWordsLeaveAlmostNothing) {
  int left = 0;
  for (int i = 0; i < 1000; ++i) {
    std::string bits = match(phrase("", "nosuchword" + std::to_string(i)));
    left += bits.find('1') != std::string::npos;
  }
  EXPECT_LT(left, 60);  // once in 128 for each of few row groups
}

TEST_F(PruningTest, NumbersAreNotInTheIndexAndStayPossible) {
  EXPECT_EQ(match(phrase("", "1000002")), "111111");
  EXPECT_EQ(match({.op = Predicate::Op::kEquals, .field = "only2", .values = {Value::bigint(1000002)}, .children = {}}),
            "001000");
  EXPECT_EQ(match({.op = Predicate::Op::kEquals, .field = "only2", .values = {Value::bigint(7)}, .children = {}}),
            "000000");
  EXPECT_EQ(match({.op = Predicate::Op::kGreater, .field = "f0", .values = {Value::bigint(5000)}, .children = {}}),
            "000000");
  EXPECT_EQ(match({.op = Predicate::Op::kLess, .field = "f0", .values = {Value::real(10.5)}, .children = {}}),
            "111111");
  EXPECT_EQ(match({.op = Predicate::Op::kExists, .field = "only5", .values = {}, .children = {}}), "000001");
}

TEST_F(PruningTest, AllAndAny) {
  Predicate a = phrase("", "axyz");
  Predicate b = phrase("", "bxyz");
  EXPECT_EQ(match({.op = Predicate::Op::kAny, .field = "", .values = {}, .children = {a, b}}), "110000");
  EXPECT_EQ(match({.op = Predicate::Op::kAll, .field = "", .values = {}, .children = {a, b}}), "000000");
  EXPECT_EQ(match({}), "111111");
}

// What a derived field answers need not be a word of the event.
TEST_F(PruningTest, DerivedLevelsStayPossible) {
  EXPECT_EQ(match({.op = Predicate::Op::kEquals, .field = "level", .values = {Value::string("fatal")}, .children = {}}),
            "111111");
}

TEST(Words, NumbersAndPartsOfTimesAreNotIndexed) {
  for (const char* word : {"123", "20t10", "123z", "1e5", "4a3b", "0"}) EXPECT_FALSE(indexable(word)) << word;
  for (const char* word : {"abc", "a1", "12abx", "e", "4a3bc", "größe"}) EXPECT_TRUE(indexable(word)) << word;
}

}  // namespace
}  // namespace clew::columnar
