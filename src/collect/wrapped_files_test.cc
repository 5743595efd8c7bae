// Files in other encodings, and the logs of containers.
#include <random>

#include "collect/container_fields.h"
#include "collect/event_lines.h"
#include "collect/test_files.h"
#include "collect/wrapped_line.h"

namespace clew::collect {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;
using testing::UnorderedElementsAre;

constexpr int64_t kTen = 1796032800'123456789;  // 2026-11-30T10:00:00.123456789Z

class WrappedFilesTest : public FileSourceTest {
 protected:
  void SetUp() override {
    FileSourceTest::SetUp();
    options_.format.reset();
    options_.event_wait_nanos = 1'000'000'000;
    clock_.set(UnixNanos(kTen));
  }
  // Also what might have gone on.
  std::vector<std::string> read_all() {
    std::vector<std::string> lines = read();
    pass(1);
    for (std::string& line : read()) lines.push_back(std::move(line));
    return lines;
  }
  // What the events hold in a field; empty where they have none.
  std::vector<std::string> values(std::string_view field) const {
    std::vector<std::string> out;
    for (const model::Batch& batch : queue_.batches) {
      for (uint32_t row = 0; row < batch.rows(); ++row) out.push_back(text_of(batch, field, row));
    }
    return out;
  }
  std::vector<int64_t> times() const {
    std::vector<int64_t> out;
    for (const model::Batch& batch : queue_.batches) {
      const std::vector<int64_t>& lane = batch.find(model::kTimeField)->ints();
      out.insert(out.end(), lane.begin(), lane.end());
    }
    return out;
  }
};

std::string utf16(const std::u16string& text, bool big) {
  std::string out;
  for (char16_t unit : text) {
    char low = static_cast<char>(unit & 0xFF), high = static_cast<char>(unit >> 8);
    out += big ? high : low;
    out += big ? low : high;
  }
  return out;
}

TEST_F(WrappedFilesTest, Utf16IsReadByItsMark) {
  // U+0A0A and U+010A hold a newline's byte and are none.
  std::u16string text = u"\uFEFFgrün 😀 \u0A0A\n\u010A second\n";
  append("little.log", utf16(text, false) + utf16(u"third", false));
  append("big.log", utf16(text, true));
  EXPECT_THAT(read_all(), UnorderedElementsAre("grün 😀 \u0A0A", "\u010A second", "grün 😀 \u0A0A", "\u010A second"));
  append("little.log", utf16(u" goes on\n", false));
  EXPECT_THAT(read_all(), ElementsAre("third goes on"));
  start();
  append("little.log", utf16(u"fourth\n", false).substr(0, 5));  // half a unit
  EXPECT_THAT(read(), IsEmpty());
  append("little.log", utf16(u"fourth\n", false).substr(5));
  EXPECT_THAT(read_all(), ElementsAre("fourth"));
}

TEST_F(WrappedFilesTest, Utf16WithoutAMarkIsSeenByItsZeros) {
  append("a.log", utf16(u"an ordinary line\n", false));
  EXPECT_THAT(read_all(), ElementsAre("an ordinary line"));
}

TEST_F(WrappedFilesTest, Latin1IsReadWhereItIsNamed) {
  options_.encoding = text::Encoding::kLatin1;
  append("a.log", "caf\xE9 \x80 5\n");
  EXPECT_THAT(read_all(), ElementsAre("café € 5"));
}

TEST_F(WrappedFilesTest, AMarkOfUtf8IsNoText) {
  append("a.log", "\xEF\xBB\xBFone\ntwo\n");
  EXPECT_THAT(read_all(), ElementsAre("one", "two"));
  start();
  append("a.log", "three\n");
  EXPECT_THAT(read_all(), ElementsAre("three"));
}

TEST_F(WrappedFilesTest, ALineOverTheLimitIsCutInAnyForm) {
  options_.line_bytes_max = 100;
  append("a.log", utf16(u"\uFEFF" + std::u16string(250, u'x') + u"\nnext\n", false));
  EXPECT_THAT(read_all(), ElementsAre(std::string(100, 'x'), "next"));
  append("a.log", utf16(std::u16string(300, u'y'), false));
  EXPECT_THAT(read(), IsEmpty());
  append("a.log", utf16(std::u16string(300, u'y') + u"\nlast\n", false));
  EXPECT_THAT(read_all(), ElementsAre(std::string(100, 'y'), "last"));
  start();
  append("a.log", utf16(u"after\n", false));
  EXPECT_THAT(read_all(), ElementsAre("after"));
}

std::string docker(const std::string& text, const std::string& stream, int second) {
  char time[64];
  std::snprintf(time, sizeof time, "2026-11-30T10:00:%02d.123456789Z", second);
  return "{\"log\":\"" + text + "\",\"stream\":\"" + stream + "\",\"time\":\"" + time + "\"}\n";
}

TEST_F(WrappedFilesTest, DockersLinesAreWhatTheProgramWrote) {
  append("a.log",
         docker("plain \\\"quoted\\\" \\u00e9\\n", "stdout", 0) +
             docker("{\\\"msg\\\":\\\"json\\\",\\\"level\\\":\\\"warn\\\"}\\n", "stderr", 1) +
             docker("{\\\"msg\\\":\\\"own time\\\",\\\"time\\\":\\\"2026-11-30T09:00:00Z\\\"}\\n", "stderr", 2));
  read_all();
  EXPECT_THAT(values("_raw"), ElementsAre("plain \"quoted\" é", "", ""));
  EXPECT_THAT(values("msg"), ElementsAre("", "json", "own time"));
  EXPECT_THAT(values("log.iostream"), ElementsAre("stdout", "stderr", "stderr"));
  EXPECT_THAT(times(),
              ElementsAre(kTen, kTen + 1'000'000'000, kTen / 1'000'000'000 * 1'000'000'000 - 3600'000'000'000));
}

TEST_F(WrappedFilesTest, PiecesOfALineAreJoinedThoughAnotherStreamStandsBetween) {
  std::string first = docker("first ", "stdout", 0) + docker("other\\n", "stderr", 1);
  append("a.log", first);
  EXPECT_THAT(read(), IsEmpty()) << "a reader that began behind the other line would miss the piece";
  start();
  append("a.log", docker("second\\n", "stdout", 2) + docker("third\\n", "stdout", 3));
  EXPECT_THAT(read_all(), ElementsAre("other", "first second", "third"));
  EXPECT_THAT(times(), ElementsAre(kTen + 1'000'000'000, kTen, kTen + 3'000'000'000));
  start();
  EXPECT_THAT(read(), IsEmpty());
}

TEST_F(WrappedFilesTest, ATraceInAContainerIsOneEvent) {
  append("a.log", docker("failed\\n", "stderr", 0) + docker("java.lang.IllegalStateException: no\\n", "stderr", 1) +
                      docker("\\tat a.B.c(B.java:3)\\n", "stderr", 1) + docker("next\\n", "stderr", 2));
  EXPECT_THAT(read_all(), ElementsAre("failed\njava.lang.IllegalStateException: no\n\tat a.B.c(B.java:3)", "next"));
}

TEST_F(WrappedFilesTest, CriLinesAreWhatTheProgramWrote) {
  append("a.log",
         "2026-11-30T10:00:00.123456789Z stdout F plain\n"
         "2026-11-30T10:00:01.123456789Z stdout P one \n"
         "2026-11-30T10:00:01.123456789Z stdout P two \n"
         "2026-11-30T10:00:01.123456789Z stdout F three\n"
         "2026-11-30T17:00:02.123456789+07:00 stderr F \n"
         "2026-11-30T10:00:03.123456789Z stderr F 2026-11-30 09:59:59 ERROR bad\n"
         "no such form\n");
  EXPECT_THAT(read_all(), ElementsAre("plain", "one two three", "2026-11-30 09:59:59 ERROR bad", "no such form"));
  EXPECT_THAT(values("level"), ElementsAre("", "", "ERROR", ""));
  std::vector<int64_t> at = times();
  EXPECT_EQ(at[2], kTen + 3'000'000'000) << "the container's own time has no zone";
}

TEST_F(WrappedFilesTest, AnEndlessLineIsCut) {
  options_.line_bytes_max = 1000;
  std::string piece = "2026-11-30T10:00:01.123456789Z stdout P " + std::string(500, 'x') + "\n";
  std::string lines;
  for (int i = 0; i < 10'000; ++i) lines += piece;
  append("a.log", lines + "2026-11-30T10:00:01.123456789Z stdout F end\n2026-11-30T10:00:02.1Z stdout F next\n");
  std::vector<std::string> got = read_all();
  ASSERT_EQ(got.size(), 3u) << "what is open is given before it is too much";
  EXPECT_EQ(got[0], std::string(1000, 'x'));
  EXPECT_EQ(got[1], std::string(1000, 'x'));
  EXPECT_EQ(got[2], "next");
}

// Whatever is read at a time, and wherever the program ends, events come once and in order.
TEST_F(WrappedFilesTest, RestartsAnywhereLoseAndRepeatNothing) {
  std::mt19937 rng(7);
  std::string lines;
  std::vector<std::string> expected;
  for (int i = 0; i < 400; ++i) {
    std::string text = "event " + std::to_string(i);
    std::string stream = rng() % 2 == 0 ? "stdout" : "stderr";
    expected.push_back(text);
    size_t cut = rng() % text.size();
    if (rng() % 3 == 0 && cut > 0) {
      lines += docker(text.substr(0, cut), stream, 1);
      if (rng() % 2 == 0) {
        lines += docker("between " + std::to_string(i) + "\\n", stream == "stdout" ? "stderr" : "stdout", 1);
        expected.push_back("between " + std::to_string(i));
      }
      text = text.substr(cut);
    }
    lines += docker(text + "\\n", stream, 1);
  }
  std::vector<std::string> got;
  for (size_t at = 0; at < lines.size();) {
    size_t bytes = std::min<size_t>(rng() % 300 + 1, lines.size() - at);
    append("a.log", lines.substr(at, bytes));
    at += bytes;
    for (std::string& line : read()) got.push_back(std::move(line));
    if (rng() % 4 == 0) start();
  }
  for (std::string& line : read_all()) got.push_back(std::move(line));
  std::sort(got.begin(), got.end());
  std::sort(expected.begin(), expected.end());
  EXPECT_EQ(got, expected);
}

TEST(UnwrapLine, TakesNothingElse) {
  std::string buffer;
  for (std::string_view line :
       {R"({"log":"x\n","stream":"stdout"})", R"({"log":1,"stream":"stdout","time":"2026-11-30T10:00:00Z"})",
        R"({"log":"x","time":"2026-11-30T10:00:00Z")", R"({"time":"2026-11-30T10:00:00Z"})", "", "{", "x"}) {
    EXPECT_FALSE(unwrap_line(Wrapping::kDocker, line, buffer)) << line;
  }
  for (std::string_view line : {"2026-11-30T10:00:00Z stdout x text", "2026-11-30T10:00:00Z stdin F text",
                                "stdout F text", "", "2026-11-30T10:00:00Z"}) {
    EXPECT_FALSE(unwrap_line(Wrapping::kCri, line, buffer)) << line;
  }
  EXPECT_EQ(unwrap_line(Wrapping::kCri, "2026-11-30T10:00:00Z stderr P:x text of it", buffer)->text, "text of it");
}

TEST(ContainerFields, TellWhatThePathSays) {
  std::string id(64, 'a');
  EXPECT_THAT(container_fields("/var/log/containers/shop-7d4_prod_web-" + id + ".log"),
              ElementsAre(Pair("kubernetes.pod.name", "shop-7d4"), Pair("kubernetes.namespace", "prod"),
                          Pair("kubernetes.container.name", "web"), Pair("container.id", id)));
  EXPECT_THAT(container_fields("/var/log/pods/prod_shop-7d4_0123-uid/web/0.log.20261130-100000"),
              ElementsAre(Pair("kubernetes.pod.name", "shop-7d4"), Pair("kubernetes.namespace", "prod"),
                          Pair("kubernetes.pod.uid", "0123-uid"), Pair("kubernetes.container.name", "web")));
  for (const char* path :
       {"/var/log/app.log", "app.log", "", "/containers/x.log", "/containers/a_b_c.log", "/pods/x/y/0.log"}) {
    EXPECT_THAT(container_fields(path), IsEmpty()) << path;
  }
}

TEST(ContainerFields, DockersOwnFileGivesTheName) {
  std::string id(64, 'b');
  fs::path directory = fs::path(testing::TempDir()) / ("clew-docker-" + std::to_string(::getpid())) / id;
  fs::create_directories(directory);
  std::ofstream(directory / "config.v2.json")
      << R"({"State":{"Running":true},"Name":"/shop","Config":{"Env":["A=b"],"Image":"shop:1.2"},"Path":"x"})";
  EXPECT_THAT(
      container_fields((directory / (id + "-json.log")).string()),
      ElementsAre(Pair("container.id", id), Pair("container.name", "shop"), Pair("container.image.name", "shop:1.2")));
  fs::remove_all(directory.parent_path());
}

}  // namespace
}  // namespace clew::collect
