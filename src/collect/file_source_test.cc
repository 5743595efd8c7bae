#include "collect/file_source.h"

#include <zlib.h>

#include <array>

#include "collect/test_files.h"

namespace clew::collect {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST_F(FileSourceTest, LinesComeWhenTheyAreWhole) {
  append("a.log", "one\ntwo\nthr");
  EXPECT_THAT(read(), ElementsAre("one", "two"));
  EXPECT_THAT(read(), IsEmpty());
  append("a.log", "ee\nfour\n");
  EXPECT_THAT(read(), ElementsAre("three", "four"));
}

TEST_F(FileSourceTest, GoesOnBehindWhatTheQueueHas) {
  append("a.log", "one\ntwo\nthr");
  EXPECT_THAT(read(), ElementsAre("one", "two"));
  start();
  append("a.log", "ee\n");
  EXPECT_THAT(read(), ElementsAre("three"));
}

TEST_F(FileSourceTest, WhatTheQueueRefusedIsAppendedLater) {
  append("a.log", "one\n");
  queue_.refusals = 3;
  EXPECT_THAT(read(), ElementsAre("one"));
}

// What one read gives several datasets is one record of the queue, with how far the file was read: no crash parts them.
TEST_F(FileSourceTest, EventsOfSeveralDatasetsAreOneRecord) {
  std::array<model::Batch, 3> out;
  options_.batch.process = [&](model::Batch& rows) {
    std::vector<model::Batch*> all;
    for (size_t i = 0; i < out.size(); ++i) {
      out[i].clear();
      out[i].set_dataset("to-" + std::to_string(i));
      all.push_back(&out[i]);
    }
    for (uint32_t row = 0; row < rows.rows(); ++row) {
      model::Batch& to = out[row % 2];
      uint32_t at = to.begin_row();
      to.column(model::kTimeField)->add_time(at, 1);
      to.column(model::kRawField)->add_string(at, text_of(rows, model::kRawField, row));
      to.end_row();
    }
    return all;
  };
  append("a.log", "0\n1\n2\n");
  queue_.refusals = 1;
  EXPECT_THAT(read(), ElementsAre("0", "2", "1"));
  EXPECT_EQ(queue_.appends, 1);
  EXPECT_EQ(parse_counts(queue_.places_[counts_key("files")]).queued, 3u);
  start();
  EXPECT_THAT(read(), IsEmpty());
}

TEST_F(FileSourceTest, FollowsAFileThatIsRenamed) {
  append("a.log", "one\n");
  EXPECT_THAT(read(), ElementsAre("one"));
  append("a.log", "two\n");
  fs::rename(path("a.log"), path("a.log.1"));
  append("a.log.1", "three\n");  // its writer has not opened the new one
  append("a.log", "four\n");
  EXPECT_THAT(read(), testing::UnorderedElementsAre("two", "three", "four"));
  start();
  append("a.log.1", "five\n");
  EXPECT_THAT(read(), ElementsAre("five"));
}

TEST_F(FileSourceTest, FollowsAFileThatIsRenamedOutOfTheNames) {
  options_.patterns = {path("a.log")};
  append("a.log", "one\n");
  EXPECT_THAT(read(), ElementsAre("one"));
  fs::rename(path("a.log"), path("old"));
  append("old", "two\nrest");
  append("a.log", "three\n");
  EXPECT_THAT(read(), testing::UnorderedElementsAre("two", "three"));
  pass(61);
  EXPECT_THAT(read(), ElementsAre("rest")) << "nothing can follow the last line";
}

TEST_F(FileSourceTest, ReadsAFileToItsEndThatIsRemoved) {
  append("a.log", "one\n");
  EXPECT_THAT(read(), ElementsAre("one"));
  std::ofstream writer(path("a.log"), std::ios::app);
  writer << "two\n" << std::flush;
  fs::remove(path("a.log"));
  EXPECT_THAT(read(), ElementsAre("two"));
  writer << "three\n" << std::flush;
  EXPECT_THAT(read(), ElementsAre("three"));
}

TEST_F(FileSourceTest, BeginsAnewWhenAFileIsCut) {
  append("a.log", "one\ntwo\n");
  EXPECT_THAT(read(), ElementsAre("one", "two"));
  fs::resize_file(path("a.log"), 0);
  append("a.log", "three\n");
  EXPECT_THAT(read(), ElementsAre("three"));
}

TEST_F(FileSourceTest, SeesACutThoughTheFileIsAsLongAgain) {
  append("a.log", "one\ntwo\n");
  EXPECT_THAT(read(), ElementsAre("one", "two"));
  fs::resize_file(path("a.log"), 0);
  append("a.log", "six\nten\nfive\n");
  EXPECT_THAT(read(), ElementsAre("six", "ten", "five"));
}

TEST_F(FileSourceTest, SeesACutThatHappenedWhileItDidNotRun) {
  append("a.log", "one\ntwo\n");
  EXPECT_THAT(read(), ElementsAre("one", "two"));
  source_.reset();
  fs::resize_file(path("a.log"), 0);
  append("a.log", "six\nten\nfive\n");
  EXPECT_THAT(read(), ElementsAre("six", "ten", "five"));
}

TEST_F(FileSourceTest, ACopyThatWasMadeBeforeTheCutGivesWhatIsMissing) {
  append("a.log", "one\ntwo\n");
  EXPECT_THAT(read(), ElementsAre("one", "two"));
  append("a.log", "three\n");
  fs::copy_file(path("a.log"), path("a.log.1"));
  fs::resize_file(path("a.log"), 0);
  append("a.log", "four\n");
  std::vector<std::string> lines = read();
  pass(6);
  std::vector<std::string> more = read();
  lines.insert(lines.end(), more.begin(), more.end());
  EXPECT_THAT(lines, testing::UnorderedElementsAre("three", "four"));
}

TEST_F(FileSourceTest, ACopyOfWhatWasReadGivesNothing) {
  append("a.log", "one\ntwo\n");
  EXPECT_THAT(read(), ElementsAre("one", "two"));
  fs::copy_file(path("a.log"), path("a.log.1"));
  append("a.log", "three\n");
  EXPECT_THAT(read(), ElementsAre("three"));
  fs::resize_file(path("a.log"), 0);
  EXPECT_THAT(read(), IsEmpty());
  pass(6);
  EXPECT_THAT(read(), IsEmpty());
}

TEST_F(FileSourceTest, AnEventThatIsOpenWhenItsFileIsCopiedAndCutComesOnce) {
  options_.event_wait_nanos = 10'000'000'000;
  append("a.log", "one\ntwo\n");
  EXPECT_THAT(read(), ElementsAre("one")) << "more lines of two may come";
  fs::copy_file(path("a.log"), path("a.log.1"));
  fs::resize_file(path("a.log"), 0);
  append("a.log", "three\n");
  std::vector<std::string> lines = read();  // the copy is seen before the cut is
  pass(11);
  std::vector<std::string> more = read();
  lines.insert(lines.end(), more.begin(), more.end());
  EXPECT_THAT(lines, testing::UnorderedElementsAre("two", "three"));
}

TEST_F(FileSourceTest, ACopyThatIsSeenWhileItIsStillEmptyGivesNothing) {
  append("a.log", "one\ntwo\n");
  EXPECT_THAT(read(), ElementsAre("one", "two"));
  append("a.log.1", "");
  EXPECT_THAT(read(), IsEmpty());
  fs::copy_file(path("a.log"), path("a.log.1"), fs::copy_options::overwrite_existing);
  fs::resize_file(path("a.log"), 0);
  append("a.log", "three\n");
  EXPECT_THAT(read(), ElementsAre("three"));
  pass(6);
  EXPECT_THAT(read(), IsEmpty());
}

TEST_F(FileSourceTest, AnEmptyFileWithALaterNameMayBeAFileOfItsOwn) {
  append("a.log", "one\n");
  append("a.log-new", "");
  EXPECT_THAT(read(), ElementsAre("one"));
  append("a.log-new", "two\n");
  EXPECT_THAT(read(), ElementsAre("two"));
  append("a.log-newer", "");
  EXPECT_THAT(read(), IsEmpty());
  pass(6);
  EXPECT_THAT(read(), IsEmpty());
  append("a.log-newer", "three\n");
  EXPECT_THAT(read(), ElementsAre("three"));
}

TEST_F(FileSourceTest, CopiesOfEqualLengthBeforeTwoCutsGiveNothing) {
  options_.patterns = {path("a.log")};
  append("a.log", "one\n");
  EXPECT_THAT(read(), ElementsAre("one"));
  fs::copy_file(path("a.log"), path("a.log.1"));
  fs::resize_file(path("a.log"), 0);
  append("a.log", "two\n");
  EXPECT_THAT(read(), ElementsAre("two"));
  fs::copy_file(path("a.log"), path("a.log.2"));
  fs::resize_file(path("a.log"), 0);
  append("a.log", "new\n");
  EXPECT_THAT(read(), ElementsAre("new"));
  options_.patterns = {path("a.log*")};
  start();
  EXPECT_THAT(read(), IsEmpty());
}

TEST_F(FileSourceTest, OtherFilesWithTheSameLinesAreNoCopies) {
  append("a.log", "1\n2\n");
  EXPECT_THAT(read(), ElementsAre("1", "2"));
  append("b.log", "1\n2\n3\n");
  append("worker.log-2", "1\n2\n");
  EXPECT_THAT(read(), testing::UnorderedElementsAre("1", "2", "3", "1", "2"));
}

TEST_F(FileSourceTest, AnInodeThatIsUsedAgainIsAnotherFile) {
  append("a.log", "one\ntwo\n");
  EXPECT_THAT(read(), ElementsAre("one", "two"));
  // The place of a file that went away unseen, under the inode of one that is there now.
  auto inode_of = [](const std::string& file) { return (*(*os::ForeignFile::open(file))->info()).id.inode; };
  source_.reset();
  append("b.log", "three\nfour\n");
  std::string old = std::to_string(inode_of(path("a.log")));
  std::string now = std::to_string(inode_of(path("b.log")));
  std::string key = queue_.places_.begin()->first;
  std::string place = queue_.places_.begin()->second;
  key.replace(key.rfind(old), old.size(), now);
  place.replace(place.find(" " + old + " ") + 1, old.size(), now);
  queue_.places_ = {{key, place}};
  fs::remove(path("a.log"));
  EXPECT_THAT(read(), ElementsAre("three", "four"));
}

TEST_F(FileSourceTest, BeginsAtTheEndOfWhatIsThereWhenTold) {
  options_.from_end = true;
  append("a.log", "one\n");
  EXPECT_THAT(read(), IsEmpty());
  append("a.log", "two\n");
  append("b.log", "three\n");
  EXPECT_THAT(read(), testing::UnorderedElementsAre("two", "three"));
}

TEST_F(FileSourceTest, LeavesOutWhatIsExcluded) {
  options_.exclude = {"*/secret*"};
  append("a.log", "one\n");
  append("secret.log", "two\n");
  EXPECT_THAT(read(), ElementsAre("one"));
}

TEST_F(FileSourceTest, ALineOverTheLimitIsCutAndTheNextIsWhole) {
  options_.line_bytes_max = 100;
  append("a.log", std::string(250, 'x') + "\nnext\n");
  EXPECT_THAT(read(), ElementsAre(std::string(100, 'x'), "next"));
  append("a.log", std::string(300, 'y'));
  EXPECT_THAT(read(), IsEmpty());
  append("a.log", std::string(300, 'y') + "\nlast\n");
  EXPECT_THAT(read(), ElementsAre(std::string(100, 'y'), "last"));
  append("a.log", "after\n");
  EXPECT_THAT(read(), ElementsAre("after")) << "not taken for a file that was cut";
}

TEST_F(FileSourceTest, ASymbolicLinkIsTheFileThatItNames) {
  options_.patterns = {path("*.log"), path("links/*")};
  append("a.log", "one\n");
  fs::create_directories(path("links"));
  fs::create_symlink(path("a.log"), path("links/b"));
  EXPECT_THAT(read(), ElementsAre("one"));
}

// `text` as gzip.
std::string gzipped(const std::string& text) {
  std::string out(text.size() + 1024, '\0');
  z_stream z{};
  EXPECT_EQ(deflateInit2(&z, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
  z.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  z.avail_in = static_cast<uInt>(text.size());
  z.next_out = reinterpret_cast<Bytef*>(out.data());
  z.avail_out = static_cast<uInt>(out.size());
  EXPECT_EQ(deflate(&z, Z_FINISH), Z_STREAM_END);
  out.resize(z.total_out);
  deflateEnd(&z);
  return out;
}

TEST_F(FileSourceTest, ACompressedFileGivesOnlyWhatWasNotReadBefore) {
  append("a.log", "one\ntwo\n");
  EXPECT_THAT(read(), ElementsAre("one", "two"));
  source_.reset();
  append("a.log", "three\n");
  append("a.log.1.gz", gzipped("one\ntwo\nthree\n"));
  fs::remove(path("a.log"));
  clock_.set(UnixNanos(4'000'000'000'000'000'000));  // long after the file was written
  EXPECT_THAT(read(), ElementsAre("three"));
  start();
  EXPECT_THAT(read(), IsEmpty());
}

TEST_F(FileSourceTest, ACompressedFileThatEndsEarlyIsGoneOnWith) {
  clock_.set(UnixNanos(4'000'000'000'000'000'000));
  std::string lines;
  for (int i = 0; i < 20000; ++i) lines += std::to_string(i * 7919) + "\n";
  std::string packed = gzipped(lines);
  append("a.log.gz", packed.substr(0, packed.size() / 2));
  std::vector<std::string> first = read();
  append("a.log.gz", packed.substr(packed.size() / 2));
  std::vector<std::string> rest = read();
  EXPECT_EQ(first.size() + rest.size(), 20000u);
  EXPECT_FALSE(rest.empty());
}

TEST_F(FileSourceTest, ATraceIsOneEventThoughItComesInPieces) {
  options_.event_wait_nanos = 1'000'000'000;
  append("a.log", "failed\nTraceback (most recent call last):\n  File \"a.py\"");
  EXPECT_THAT(read(), IsEmpty());
  append("a.log", ", line 3\nKeyError: 'x'\nnext\n");
  std::string trace = "failed\nTraceback (most recent call last):\n  File \"a.py\", line 3\nKeyError: 'x'";
  EXPECT_THAT(read(), ElementsAre(trace));
  start();  // "next" was not in the queue
  EXPECT_THAT(read(), IsEmpty());
  pass(1);
  EXPECT_THAT(read(), ElementsAre("next"));
  append("a.log", "\tat more\n");
  EXPECT_THAT(read(), IsEmpty());
  pass(1);
  EXPECT_THAT(read(), ElementsAre("\tat more")) << "too late to belong to it, and not lost";
}

TEST_F(FileSourceTest, PlacesAreTextThatReadsBack) {
  FilePlace place{{1, 2}, 30, 20, 40, 10, 50, 60, "/var/log/with blank.log"};
  Result<FilePlace> back = parse_place(print_place(place));
  ASSERT_TRUE(back.ok());
  EXPECT_EQ(*back, place);
  EXPECT_EQ(parse_place("1 2 3").error().code(), Code::kCorrupt);
  EXPECT_EQ(parse_place("1 2 3 4 5 6 7 8 path").error().code(), Code::kCorrupt) << "a tail longer than the file";
}

TEST(MayBeRotated, ByNameAlone) {
  for (auto later : {"/l/app.log.1", "/l/app.log-20261130", "/l/app.log.2.gz", "/l/app.log-20261130-1764500000.zst"}) {
    EXPECT_TRUE(may_be_rotated(later, "/l/app.log")) << later;
    EXPECT_TRUE(may_be_later_name(later, "/l/app.log")) << later;
    EXPECT_FALSE(may_be_later_name("/l/app.log", later)) << later;
  }
  EXPECT_FALSE(may_be_rotated("/l/worker-1", "/l/worker-2"));
  EXPECT_FALSE(may_be_rotated("/l/app.log", "/l/app2.log"));
}

}  // namespace
}  // namespace clew::collect
