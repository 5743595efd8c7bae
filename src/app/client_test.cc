// What the client commands are made of: text on terminals, rows, files, chunks.
#include <gtest/gtest.h>
#include <unistd.h>
#include <zlib.h>

#include <cstdio>

#include "app/chunker.h"
#include "app/rows.h"
#include "app/terminal.h"
#include "collect/input_file.h"

namespace clew::app {
namespace {

TEST(Terminal, LosesEscapeSequences) {
  EXPECT_EQ(without_controls("\x1b[31mred\x1b[0m"), "red");
  EXPECT_EQ(without_controls("a\x1b]0;title\x07"
                             "b"),
            "ab");
  EXPECT_EQ(without_controls("a\tb\nc\x7f"), "a b c ");
  EXPECT_EQ(without_controls("a\xc2\x9b"
                             "31m"),
            "a 31m");
  EXPECT_EQ(without_controls("caf\xc3\xa9 \xff"), "caf\xc3\xa9 \xef\xbf\xbd");
  EXPECT_EQ(without_controls("end\x1b"), "end");
}

TEST(Terminal, CountsCells) {
  EXPECT_EQ(cells_of("abc"), 3u);
  EXPECT_EQ(cells_of("日本"), 4u);
  EXPECT_EQ(cells_of("e\xcc\x81"), 1u);
  EXPECT_EQ(fit("日本語", 5, Align::kLeft), "日本…");
  EXPECT_EQ(fit("日本語", 4, Align::kLeft), "日… ");
  EXPECT_EQ(fit("7", 3, Align::kRight), "  7");
  EXPECT_EQ(fit("abc", 3, Align::kLeft), "abc");
}

TEST(Terminal, WritesNumbersForPeople) {
  EXPECT_EQ(grouped(0), "0");
  EXPECT_EQ(grouped(999), "999");
  EXPECT_EQ(grouped(1000), "1,000");
  EXPECT_EQ(grouped(1234567), "1,234,567");
  EXPECT_EQ(human_bytes(1023), "1023 B");
  EXPECT_EQ(human_bytes(5 << 20), "5.0 MiB");
  EXPECT_EQ(human_millis(83'000), "1m23s");
}

std::string printed(RowFormat format, uint32_t width, const std::vector<std::string>& rows) {
  std::string out;
  Terminal terminal{.is_terminal = width > 0, .colors = false, .width = width};
  auto printer = make_row_printer(format, terminal, [&out](std::string_view text) {
    out += text;
    return true;
  });
  printer->begin({{"svc", false}, {"n", true}});
  for (const std::string& row : rows) printer->row(row);
  printer->finish();
  return out;
}

TEST(Rows, EveryFormat) {
  std::vector<std::string> rows = {R"({"svc":"cart","n":12})", R"({"n":3})", R"({"svc":"a,\"b\""})"};
  EXPECT_EQ(printed(RowFormat::kTable, 0, rows), "svc     n\ncart   12\n        3\na,\"b\"  \n");
  EXPECT_EQ(printed(RowFormat::kCsv, 0, rows), "svc,n\ncart,12\n,3\n\"a,\"\"b\"\"\",\n");
  EXPECT_EQ(printed(RowFormat::kRaw, 0, rows), "cart\t12\n\t3\na,\"b\"\t\n");
  EXPECT_EQ(printed(RowFormat::kNdjson, 0, rows), rows[0] + "\n" + rows[1] + "\n" + rows[2] + "\n");
  EXPECT_EQ(printed(RowFormat::kJson, 0, {rows[1]}), "[\n" + rows[1] + "\n]\n");
  EXPECT_EQ(printed(RowFormat::kJson, 0, {}), "[]\n");
}

TEST(Rows, ATableFitsTheTerminal) {
  std::string text = printed(RowFormat::kTable, 20, {R"({"svc":"a very long name of a service","n":12})"});
  for (size_t at = 0; at < text.size();) {
    size_t newline = text.find('\n', at);
    EXPECT_LE(cells_of(text.substr(at, newline - at)), 20u) << text;
    at = newline + 1;
  }
  EXPECT_NE(text.find("…"), std::string::npos);
}

TEST(Rows, CsvIsNoFormula) {
  EXPECT_EQ(printed(RowFormat::kCsv, 0, {R"({"svc":"=1+1","n":-2})"}), "svc,n\n'=1+1,-2\n");
}

struct Sent {
  std::vector<Chunk> chunks;
  std::string all;
};

Sent cut(Chunker::By by, const std::string& text, size_t piece, process::JoinRule join = {}) {
  Sent sent;
  Chunker chunker(
      by,
      [&sent](const Chunk& chunk) {
        sent.chunks.push_back(chunk);
        sent.all += chunk.body;
        return Status();
      },
      std::move(join));
  for (size_t at = 0; at < text.size(); at += piece)
    EXPECT_TRUE(chunker.feed(std::string_view(text).substr(at, piece)).ok());
  EXPECT_TRUE(chunker.finish().ok());
  return sent;
}

TEST(Chunker, LinesComeOutWholeWhereverThePiecesEnd) {
  std::string text = "one\n\ntwo\r\nthree";
  for (size_t piece = 1; piece <= text.size(); ++piece) {
    EXPECT_EQ(cut(Chunker::By::kLine, text, piece).all, text + "\n");
  }
  EXPECT_TRUE(cut(Chunker::By::kLine, "", 1).chunks.empty());
}

TEST(Chunker, ObjectsComeOutOnOneLineEach) {
  std::string text = "[\n {\"a\": \"}\\\"{\",\n  \"b\": [1,\n2]},\n {\"c\":{}}\n]\n";
  for (size_t piece = 1; piece <= text.size(); ++piece) {
    EXPECT_EQ(cut(Chunker::By::kJsonObject, text, piece).all, "{\"a\": \"}\\\"{\",   \"b\": [1, 2]}\n{\"c\":{}}\n");
  }
}

TEST(Chunker, TextBetweenObjectsIsAChunkOfItsOwn) {
  Sent sent = cut(Chunker::By::kJsonObject, "{\"a\":1}\nhello\n{\"a\":2}\n", 5);
  ASSERT_EQ(sent.chunks.size(), 3u);
  EXPECT_TRUE(sent.chunks[1].is_text);
  EXPECT_EQ(sent.chunks[1].body, "hello\n");
  EXPECT_EQ(sent.chunks[2].first_item, 3u);
}

TEST(Chunker, CutsBodiesAtLinesAndCountsThem) {
  std::string line(1000, 'x');
  std::string text;
  for (int i = 0; i < 2500; ++i) text += line + "\n";
  Sent sent = cut(Chunker::By::kLine, text, 70'001);
  EXPECT_EQ(sent.all, text);
  ASSERT_EQ(sent.chunks.size(), 3u);
  for (const Chunk& chunk : sent.chunks) EXPECT_EQ(chunk.body.back(), '\n');
  EXPECT_EQ(sent.chunks[1].first_item, sent.chunks[0].body.size() / 1001 + 1);
}

TEST(Chunker, NoEventLiesInTwoBodies) {
  std::string text;
  while (text.size() < 5 * kChunkBytes) {
    text += "2026-11-30T10:00:00Z ERROR " + std::to_string(text.size()) + "\n";
    for (int i = 0; i < 40; ++i) text += "\tat com.example.Shop.pay(Shop.java:" + std::to_string(i) + ")\n";
  }
  Sent sent = cut(Chunker::By::kLine, text, 70'001, {process::JoinRule::How::kTraces, nullptr});
  EXPECT_EQ(sent.all, text);
  EXPECT_GE(sent.chunks.size(), 4u);
  uint64_t lines = 0;
  for (const Chunk& chunk : sent.chunks) {
    EXPECT_TRUE(chunk.body.starts_with("2026")) << chunk.body.substr(0, 40);
    EXPECT_EQ(chunk.first_item, lines + 1);
    lines += static_cast<uint64_t>(std::count(chunk.body.begin(), chunk.body.end(), '\n'));
  }
}

TEST(Chunker, ALineBeyondTheLimitIsCut) {
  std::string text = std::string(kImportLineBytesMax, 'a') + "bc\nnext\n";
  Sent sent = cut(Chunker::By::kLine, text, 1 << 20);
  EXPECT_EQ(sent.all, std::string(kImportLineBytesMax, 'a') + "\nnext\n");
}

class TempFile {
 public:
  explicit TempFile(const std::string& bytes) {
    char name[] = "/tmp/clew_app_XXXXXX";
    int fd = mkstemp(name);
    path = name;
    EXPECT_EQ(write(fd, bytes.data(), bytes.size()), static_cast<ssize_t>(bytes.size()));
    close(fd);
  }
  ~TempFile() { unlink(path.c_str()); }
  TempFile(const TempFile&) = delete;
  TempFile& operator=(const TempFile&) = delete;
  std::string path;
};

std::string gzip_of(const std::string& text) {
  z_stream stream{};
  deflateInit2(&stream, 6, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY);
  std::string out(text.size() + 200, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  deflate(&stream, Z_FINISH);
  out.resize(out.size() - stream.avail_out);
  deflateEnd(&stream);
  return out;
}

Result<std::string> read_all(const std::string& path) {
  std::unique_ptr<collect::InputFile> file = CLEW_TRY(collect::InputFile::open(path));
  std::string out;
  while (true) {
    std::string_view bytes = CLEW_TRY(file->read());
    if (bytes.empty()) return out;
    out += bytes;
  }
}

TEST(InputFile, UndoesGzipOfManyMembers) {
  std::string text(300'000, 'a');
  TempFile file(gzip_of(text) + gzip_of("b\n"));
  Result<std::string> all = read_all(file.path);
  ASSERT_TRUE(all.ok()) << all.error().message();
  EXPECT_EQ(*all, text + "b\n");
}

TEST(InputFile, SaysThatGzipEndsEarlyAtEveryCut) {
  std::string whole = gzip_of("hello world, hello world\n");
  for (size_t bytes = 4; bytes < whole.size(); ++bytes) {
    TempFile file(whole.substr(0, bytes));
    Result<std::string> all = read_all(file.path);
    ASSERT_FALSE(all.ok()) << bytes;
    EXPECT_EQ(all.error().code(), Code::kCorrupt);
  }
}

TEST(InputFile, PlainAndEmptyAndNone) {
  TempFile one("x");
  TempFile empty("");
  EXPECT_EQ(*read_all(one.path), "x");
  EXPECT_EQ(*read_all(empty.path), "");
  EXPECT_EQ(read_all("/nonexistent/file").error().code(), Code::kNotFound);
  EXPECT_EQ(read_all("/tmp").error().code(), Code::kInvalid);
}

}  // namespace
}  // namespace clew::app
