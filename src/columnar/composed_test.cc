// Lines composed of other columns: every byte comes back, whatever the lines are, fresh, merged and copied.
#include "columnar/composed.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <random>

#include "columnar/part.h"
#include "columnar/row_group.h"
#include "columnar/segment.h"
#include "columnar/test_rows.h"
#include "os/disk.h"

namespace clew::columnar {
namespace {

struct Line {
  std::string raw;
  std::string host, level, message, thread;
  int64_t status = -1;
  std::string bytes;  // a decimal
  int64_t time = 0;
};

std::string pick(std::mt19937_64& rng, std::initializer_list<const char*> of) {
  return *(of.begin() + rng() % of.size());
}

std::string clock_text(int64_t time, const char* pattern) {
  auto layout = codec::TimeLayout::of_pattern(pattern, 0);
  std::string out(layout->text_bytes(), '\0');
  layout->print(time, out.data());
  return out;
}

Line access_line(std::mt19937_64& rng, int64_t time) {
  Line l;
  l.time = time;
  l.host = "10.0." + std::to_string(rng() % 256) + "." + std::to_string(rng() % 256);
  l.status = pick(rng, {"200", "404", "7", "10"})[0] == '2' ? 200 : static_cast<int64_t>(rng() % 500);
  l.bytes = std::to_string(rng() % 1000) + "." + std::to_string(10 + rng() % 90);
  l.message = "/cart/" + std::to_string(rng() % 100000) + pick(rng, {"", "?q=1", "/ 10.0"});
  l.raw = l.host + " - - [" + clock_text(time, "%d/%b/%Y:%H:%M:%S +0000") + "] \"GET " + l.message + " HTTP/1.1\" " +
          std::to_string(l.status) + " " + l.bytes;
  return l;
}

Line plain_line(std::mt19937_64& rng, int64_t time) {
  Line l;
  l.time = time;
  l.level = pick(rng, {"INFO", "WARN", "E"});
  l.thread = "worker-" + std::to_string(rng() % 12);
  l.message = pick(rng, {"done", "request took 10 ms", "E", ""}) + (rng() % 2 ? std::to_string(rng()) : "");
  l.raw = clock_text(time, "%Y-%m-%d %H:%M:%S,%3") + " " + l.level + "  [" + l.thread + "] " + l.message;
  if (rng() % 5 == 0) l.raw += "\t\x14tail" + std::to_string(rng() % 50) + "\x14 \x14";
  return l;
}

Line odd_line(std::mt19937_64& rng, int64_t time) {
  Line l;
  l.time = time;
  for (uint64_t n = rng() % 40; n > 0; --n) l.raw.push_back(static_cast<char>(rng() % 256));
  l.message = l.raw.substr(l.raw.size() / 2);
  l.host = l.raw.substr(0, 1);
  return l;
}

class ComposedTest : public ::testing::Test {
 protected:
  void SetUp() override {
    dir_ = std::filesystem::temp_directory_path() / ("clew-composed-" + std::to_string(::getpid()));
    std::filesystem::create_directories(dir_);
  }
  void TearDown() override { std::filesystem::remove_all(dir_); }

  RowSourcePtr part_of(const std::vector<Line>& lines) {
    model::Batch batch("logs");
    for (const Line& l : lines) {
      uint32_t row = batch.begin_row();
      batch.column("_time")->add_time(row, l.time);
      auto add = [&](const char* name, const std::string& v) {
        if (!v.empty()) batch.column(name)->add_string(row, v);
      };
      add("host", l.host);
      add("level", l.level);
      add("thread", l.thread);
      add("message", l.message);
      if (l.status >= 0) batch.column("status")->add_int(row, l.status);
      if (!l.bytes.empty()) batch.column("bytes")->add_number(row, l.bytes);
      add("_raw", l.raw);
      batch.end_row();
    }
    auto bytes = std::make_shared<const std::string>(BatchEncoder().encode(batch));
    auto part = open_part(bytes, testing::commits_for(next_seq_, batch.rows()));
    next_seq_ += batch.rows();
    EXPECT_TRUE(part.ok());
    return *part;
  }

  std::shared_ptr<const SegmentReader> write(std::span<const RowSourcePtr> sources, std::span<const RowRef> rows) {
    std::string path = dir_ / std::to_string(++files_);
    auto writer = create_segment(*disk_, path, {.tenant = "t", .dataset = "logs", .day = 20413, .retention_class = ""});
    Status added = (*writer)->add_row_group(sources, rows);
    EXPECT_TRUE(added.ok()) << added.error().message();
    EXPECT_TRUE((*writer)->finish(testing::commits_for(1, static_cast<uint32_t>(next_seq_))).ok());
    auto reader = open_segment(*disk_, path);
    EXPECT_TRUE(reader.ok());
    path_ = path;
    return *reader;
  }

  static const Chunk& raw_chunk(const SegmentReader& reader) {
    return *dynamic_cast<const RowGroup&>(*reader.row_groups()[0]).directory().find("_raw");
  }

  static std::vector<std::string> raw_of(const contract::Granule& granule) {
    std::vector<std::string> out;
    contract::ScanStats stats;
    for (uint32_t b = 0; b * kBlockRows < granule.rows(); ++b) {
      model::Selection rows;
      granule.alive(b, rows);
      auto documents = granule.documents(b, rows, stats);
      EXPECT_TRUE(documents.ok()) << documents.error().message();
      if (!documents.ok()) return {};
      out.insert(out.end(), documents->begin(), documents->end());
    }
    return out;
  }

  std::filesystem::path dir_;
  std::string path_;
  std::unique_ptr<os::Disk> disk_ = os::make_real_disk();
  uint64_t next_seq_ = 1;
  int files_ = 0;
};

TEST_F(ComposedTest, EveryByteComesBack) {
  std::mt19937_64 rng(3);
  std::vector<Line> lines;
  int64_t time = testing::kStart;
  for (uint32_t i = 0; i < 9000; ++i) {
    time += static_cast<int64_t>(rng() % 3'000'000'000);
    uint64_t which = rng() % 20;
    lines.push_back(which < 9 ? access_line(rng, time) : which < 18 ? plain_line(rng, time) : odd_line(rng, time));
    if (lines.back().raw.empty()) lines.back().raw = "\x14";
  }
  std::vector<RowSourcePtr> parts = {part_of({lines.begin(), lines.begin() + 5000}),
                                     part_of({lines.begin() + 5000, lines.end()})};
  std::vector<RowRef> rows;
  std::vector<std::string> want;
  for (uint32_t i = 0; i < 9000; ++i) {
    uint32_t from = i % 2 == 0 ? i / 2 : 8999 - i / 2;
    rows.push_back({from < 5000 ? 0u : 1u, from < 5000 ? from : from - 5000});
    want.push_back(lines[from].raw);
  }
  auto first = write(parts, rows);
  EXPECT_EQ(raw_chunk(*first).text_form, TextForm::kComposed);
  EXPECT_TRUE(first->verify().ok());
  EXPECT_EQ(raw_of(*first->row_groups()[0]->granule(Seq(UINT64_MAX), nullptr)), want);
  // Gathered again with a part of its own, and copied.
  std::vector<RowSourcePtr> sources = {first->row_groups()[0], parts[1]};
  std::vector<RowRef> some;
  std::vector<std::string> some_want;
  for (uint32_t i = 0; i < 4000; ++i) {
    some.push_back(i % 2 == 0 ? RowRef{0, 9000 - 1 - i} : RowRef{1, i});
    some_want.push_back(i % 2 == 0 ? want[9000 - 1 - i] : lines[5000 + i].raw);
  }
  auto second = write(sources, some);
  EXPECT_EQ(raw_of(*second->row_groups()[0]->granule(Seq(UINT64_MAX), nullptr)), some_want);
  std::string copy = dir_ / "copy";
  auto writer = create_segment(*disk_, copy, second->identity());
  ASSERT_TRUE((*writer)->copy_row_group(*second, 0).ok());
  ASSERT_TRUE((*writer)->finish(second->commits()).ok());
  auto third = open_segment(*disk_, copy);
  EXPECT_EQ(raw_of(*(*third)->row_groups()[0]->granule(Seq(UINT64_MAX), nullptr)), some_want);
}

TEST_F(ComposedTest, SkeletonsOfRegularLinesTakeAlmostNothing) {
  std::mt19937_64 rng(4);
  std::vector<Line> lines;
  size_t bytes = 0;
  for (uint32_t i = 0; i < 4096; ++i) {
    lines.push_back(access_line(rng, testing::kStart + static_cast<int64_t>(i) * 1'000'000'000));
    bytes += lines.back().raw.size();
  }
  std::vector<RowSourcePtr> parts = {part_of(lines)};
  std::vector<RowRef> rows;
  for (uint32_t i = 0; i < lines.size(); ++i) rows.push_back({0, i});
  auto reader = write(parts, rows);
  EXPECT_LT(raw_chunk(*reader).stored_bytes() * 50, bytes);
}

TEST_F(ComposedTest, WordsAndPhrasesOfLinesAreFound) {
  std::mt19937_64 rng(5);
  std::vector<Line> lines;
  for (uint32_t i = 0; i < 3000; ++i) lines.push_back(plain_line(rng, testing::kStart + i * 1'000'000'000ll));
  lines[1234].raw += " needle";
  lines[1234].message += " needle";
  std::vector<RowSourcePtr> parts = {part_of(lines)};
  std::vector<RowRef> rows;
  for (uint32_t i = 0; i < lines.size(); ++i) rows.push_back({0, i});
  auto reader = write(parts, rows);
  ASSERT_EQ(raw_chunk(*reader).text_form, TextForm::kComposed);
  contract::ScanStats stats;
  auto matches = [&](contract::Predicate::Op op, const std::string& text) {
    contract::Predicate p{.op = op, .field = "_raw", .values = {model::Value::string(text)}, .children = {}};
    EXPECT_TRUE((*reader->may_match(p, stats))[0]) << text;
    auto granule = reader->row_groups()[0]->granule(Seq(UINT64_MAX), nullptr);
    model::Selection found;
    granule->alive(0, found);
    auto done = granule->filter(p, 0, found, stats);
    EXPECT_TRUE(done.ok() && *done);
    return found;
  };
  EXPECT_EQ(matches(contract::Predicate::Op::kPhrase, "needle"), model::Selection{1234});
  EXPECT_EQ(matches(contract::Predicate::Op::kEquals, lines[77].raw)[0], 77u);
  EXPECT_EQ(matches(contract::Predicate::Op::kContains, "[" + lines[5].thread + "] ").size(),
            static_cast<size_t>(std::count_if(lines.begin(), lines.begin() + 3000,
                                              [&](const Line& l) { return l.thread == lines[5].thread; })));
}

// A damaged byte never gives another line: the block is refused, or nothing changed.
TEST_F(ComposedTest, DamageNeverGivesAnotherLine) {
  std::mt19937_64 rng(6);
  std::vector<Line> lines;
  std::vector<std::string> want;
  for (uint32_t i = 0; i < 200; ++i) {
    lines.push_back(access_line(rng, testing::kStart + i * 1'000'000'000ll));
    want.push_back(lines.back().raw);
  }
  std::vector<RowSourcePtr> parts = {part_of(lines)};
  std::vector<RowRef> rows;
  for (uint32_t i = 0; i < lines.size(); ++i) rows.push_back({0, i});
  auto whole = write(parts, rows);
  ASSERT_EQ(raw_chunk(*whole).text_form, TextForm::kComposed);
  auto file = disk_->open(path_, os::OpenMode::kReadWrite);
  uint64_t bytes = *(*file)->size_bytes();
  for (uint64_t at = 0; at < bytes; at += 3) {
    std::string old = *(*file)->read_at(at, 1);
    std::string bad(1, static_cast<char>(old[0] ^ 0x10));
    ASSERT_TRUE((*file)->write_at(at, bad).ok());
    auto reader = open_segment(*disk_, path_);
    if (reader.ok()) {
      contract::ScanStats stats;
      model::Selection all;
      auto granule = (*reader)->row_groups()[0]->granule(Seq(UINT64_MAX), nullptr);
      granule->alive(0, all);
      auto got = granule->documents(0, all, stats);
      if (got.ok()) {
        ASSERT_EQ(*got, want) << at;
      }
    }
    ASSERT_TRUE((*file)->write_at(at, old).ok());
  }
}

}  // namespace
}  // namespace clew::columnar
