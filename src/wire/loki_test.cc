#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "model/batch_text.h"
#include "wire/loki_labels.h"
#include "wire/loki_push.h"
#include "wire/zipkin.h"

namespace clew::wire {
namespace {

Intake intake() {
  Intake out;
  out.arrival = UnixNanos(1'795'171'025'000'000'000);
  return out;
}

std::string labels(std::string_view text) {
  auto parsed = parse_loki_labels(text);
  if (!parsed.ok()) return "error: " + parsed.error().message();
  std::string out;
  for (const auto& [name, value] : *parsed) out += name + "=" + value + ";";
  return out;
}

TEST(LokiLabels, AsClientsWriteThem) {
  EXPECT_EQ(labels("{}"), "");
  EXPECT_EQ(labels(R"({a="b"})"), "a=b;");
  EXPECT_EQ(labels(R"( { a = "b" , c="" , } )"), "a=b;c=;");
  EXPECT_EQ(labels(R"({a="q\"\\\n\x41\101\u00e9\U0001f600", b=`raw\n`})"),
            "a=q\"\\\nAA\xC3\xA9\xF0\x9F\x98\x80;b=raw\\n;");
  EXPECT_EQ(labels(R"({"a b"="c", service.name="d"})"), "a b=c;service.name=d;");
}

TEST(LokiLabels, SaysWhereTheyAreWrong) {
  EXPECT_EQ(labels(""), "error: labels: expected { at byte 0 of \"\"");
  EXPECT_EQ(labels("{a}"), "error: labels: expected = at byte 2 of \"{a}\"");
  EXPECT_EQ(labels(R"({a="b" c="d"})"), R"(error: labels: expected , or } at byte 7 of "{a="b" c="d"}")");
  for (std::string_view bad : {"{", "{a=", "{a=\"", "{a=\"\\", "{a=\"\\q\"}", "{a=\"\\xg0\"}", "{a=\"\\ud800\"}",
                               "{a=\"\\400\"}", "{a=b}", "{=\"b\"}", "{,}", "{a=\"b\"}x", "a=\"b\""}) {
    EXPECT_TRUE(labels(bad).starts_with("error: ")) << bad;
  }
}

TEST(LokiPush, ALineOverTheLimitIsCut) {
  std::string line((1 << 20) + 10, 'x');
  LokiPushDecoder decoder;
  Result<Events> events = decoder.decode_json(
      R"({"streams":[{"stream":{},"values":[["1795170000000000000",")" + line + "\"]]}]}", intake());
  ASSERT_TRUE(events.ok());
  EXPECT_EQ(model::value_of(events->batches[0], "_raw", 0)->text.size(), 1u << 20);
  EXPECT_NE(model::row_text(events->batches[0], 0).find("truncated"), std::string::npos);
}

TEST(LokiPush, LabelsAreKnownAsSuch) {
  LokiPushDecoder decoder;
  Result<Events> events = decoder.decode_json(
      R"({"streams":[{"stream":{"app":"cart"},"values":[["1795170000000000000","a line",{"trace_id":"ab"}]]}]})",
      intake());
  ASSERT_TRUE(events.ok());
  const model::Batch& batch = events->batches[0];
  ASSERT_NE(batch.find("app"), nullptr);
  EXPECT_EQ(batch.find("app")->origins(), model::bit(model::Origin::kLabel));
  ASSERT_NE(batch.find("trace_id"), nullptr);
  EXPECT_EQ(batch.find("trace_id")->origins(), model::bit(model::Origin::kRecord));
}

// The reader of JSON lines forgets what it knows when it knows too much, in the midst of a request.
TEST(LokiPush, TenThousandsOfNamesInOneRequest) {
  std::string values;
  for (int i = 0; i < 60'000; ++i) {
    if (i != 0) values += ',';
    std::string n = std::to_string(i);
    values += R"(["1795170000000000000","{\"key)" + n + R"(\":)" + n + R"(}",{"meta":"m"}])";
  }
  LokiPushDecoder decoder;
  Result<Events> events =
      decoder.decode_json(R"({"streams":[{"stream":{"job":"j"},"values":[)" + values + "]}]}", intake());
  ASSERT_TRUE(events.ok());
  const model::Batch& batch = events->batches[0];
  ASSERT_EQ(batch.rows(), 60'000u);
  for (uint32_t row : {0u, 999u, 1100u, 40'000u, 59'999u}) {
    std::string n = std::to_string(row);
    ASSERT_TRUE(model::value_of(batch, "key" + n, row).has_value()) << row;
    EXPECT_EQ(model::value_of(batch, "key" + n, row)->lane, static_cast<int64_t>(row));
    EXPECT_EQ(model::value_of(batch, "job", row)->text, "j");
    EXPECT_EQ(model::value_of(batch, "meta", row)->text, "m");
  }
}

TEST(ZipkinSuite, TracesOfZipkinsTests) {
  std::filesystem::path folder = "../shared/suites/zipkin-traces/zipkin-lens/testdata";
  if (!std::filesystem::exists(folder)) GTEST_SKIP() << "../shared is not there";
  ZipkinDecoder decoder;
  size_t files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    std::ifstream in(entry.path(), std::ios::binary);
    std::stringstream text;
    text << in.rdbuf();
    Result<Events> events = decoder.decode_json(text.str(), intake());
    ASSERT_TRUE(events.ok()) << entry.path() << ": " << events.error().message();
    EXPECT_GT(events->received, 0u) << entry.path();
    EXPECT_EQ(events->rejected, 0u) << entry.path() << ": " << events->rejections[0].message;
    EXPECT_EQ(events->batches[0].dataset(), "traces");
    ++files;
  }
  EXPECT_GE(files, 4u);
}

}  // namespace
}  // namespace clew::wire
