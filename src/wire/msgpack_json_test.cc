#include "wire/msgpack_json.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "model/batch_text.h"
#include "model/json_text.h"
#include "wire/forward.h"

namespace clew::wire {
namespace {

std::string read(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

// A literal with its zero bytes.
template <size_t kBytes>
std::string_view literal(const char (&text)[kBytes]) {
  return {text, kBytes - 1};
}

std::string json_of(std::string_view bytes) {
  MsgpackReader in(bytes);
  std::string out;
  return append_json(in, out) && in.at_end() ? out : "(malformed)";
}

TEST(MsgpackJson, Values) {
  EXPECT_EQ(json_of(literal("\x82\xa1"
                            "a\x93\x01\xff\xc0\xa1"
                            "b\xcb\x3f\xe0\0\0\0\0\0\0")),
            R"({"a":[1,-1,null],"b":0.5})");
  EXPECT_EQ(json_of("\xcf\xff\xff\xff\xff\xff\xff\xff\xff"), "18446744073709551615");
  EXPECT_EQ(json_of("\xca\x7f\xc0\x01\x01"), "\"NaN\"");
  EXPECT_EQ(json_of(literal("\xcb\x40\x14\0\0\0\0\0\0")), "5.0");
  EXPECT_EQ(json_of("\x81\x05\xc3"), R"({"5":true})");
  EXPECT_EQ(json_of("\xd4\x01\x41"), R"("QQ==")");
  EXPECT_EQ(json_of("\xc1"), "(malformed)");
  EXPECT_EQ(json_of(std::string(kMsgpackDepthMax, '\x91') + "\x01"), "(malformed)") << "too deep";
}

TEST(MsgpackFrame, FindsTheEndWhereverTheBytesAreCut) {
  std::string value(
      literal("\x93\xa1t\xce\x01\x02\x03\x04\x82\xa1"
              "a\xc4\x02xy\xa1"
              "b\xdc\x00\x02\x01\xd6\x00"
              "abcd"));
  MsgpackFrame whole;
  ASSERT_EQ(whole.look(value + "more"), MsgpackFrame::State::kWhole);
  ASSERT_EQ(whole.bytes(), value.size());
  MsgpackFrame frame;
  for (size_t n = 0; n < value.size(); ++n) ASSERT_EQ(frame.look(value.substr(0, n)), MsgpackFrame::State::kMore) << n;
  EXPECT_EQ(frame.look(value), MsgpackFrame::State::kWhole);
  EXPECT_EQ(frame.bytes(), value.size());
  MsgpackFrame bad;
  EXPECT_EQ(bad.look("\x91\xc1"), MsgpackFrame::State::kBad);
}

// Every encoding of every value of msgpack-test-suite.
TEST(MsgpackSuite, EveryEncodingIsItsValue) {
  std::filesystem::path file = "../shared/suites/msgpack-test-suite/dist/msgpack-test-suite.json";
  if (!std::filesystem::exists(file)) GTEST_SKIP() << "no ../shared";
  nlohmann::json suite = nlohmann::json::parse(read(file));
  size_t passed = 0;
  size_t failed = 0;
  for (const auto& [name, cases] : suite.items()) {
    for (const auto& c : cases) {
      for (const std::string hex : c["msgpack"]) {
        std::string bytes;
        for (size_t i = 0; i + 1 < hex.size(); i += 3)
          bytes.push_back(static_cast<char>(std::stoi(hex.substr(i, 2), nullptr, 16)));
        MsgpackFrame frame;
        bool same = frame.look(bytes) == MsgpackFrame::State::kWhole && frame.bytes() == bytes.size();
        nlohmann::json got = nlohmann::json::parse(json_of(bytes), nullptr, false);
        if (c.contains("bignum")) {
          same = same && got.is_number() && (got.is_number_float() || got.dump() == c["bignum"].get<std::string>());
        } else if (c.contains("binary")) {
          size_t bytes_of_it =
              c["binary"].get<std::string>().empty() ? 0 : (c["binary"].get<std::string>().size() + 1) / 3;
          std::string want;
          model::append_json_string(std::string_view(bytes).substr(bytes.size() - bytes_of_it), want);
          same = same && json_of(bytes) == want;
        } else if (c.contains("ext") || c.contains("timestamp")) {
          same = same && got.is_string();
        } else {
          for (const char* kind : {"nil", "bool", "number", "string", "array", "map"}) {
            if (c.contains(kind)) same = same && got == c[kind];
          }
        }
        EXPECT_TRUE(same) << name << " " << hex << " gives " << got;
        ++(same ? passed : failed);
      }
    }
  }
  std::printf("msgpack-test-suite: %zu passed, %zu failed\n", passed, failed);
  EXPECT_EQ(failed, 0u);
  EXPECT_GT(passed, 200u);
}

TEST(FluentBitData, TenThousandRecordsOfApache) {
  std::filesystem::path file = "../shared/suites/fluent-bit-data/tests/internal/data/mp/apache_10k.mp";
  if (!std::filesystem::exists(file)) GTEST_SKIP() << "no ../shared";
  std::string entries = read(file);
  model::Batch batch;
  RowWriter rows;
  rows.attach(batch, {.arrival = UnixNanos(1'796'229'063'000'000'000), .zone = {}});
  JsonEventReader json(rows);
  ForwardRows forward(rows, json);
  forward.begin({.form = ForwardMessage::Form::kPacked, .tag = "apache", .entries = {}, .chunk = {}, .compressed = {}},
                entries, "");
  ForwardCounts counts;
  while (forward.put(100, counts)) {
  }
  EXPECT_EQ(counts.rows, 10'000u);
  EXPECT_EQ(counts.rejected, 0u);
  EXPECT_FALSE(counts.broken);
  EXPECT_THAT(model::row_text(batch, 0), testing::HasSubstr("\"fluent.tag\":\"apache\""));
}

TEST(Forward, AMessageCutAtEveryByteIsAnErrorAndNoCrash) {
  std::string message(
      literal("\x93\xa3tag\x92\x92\xd7\x00\x69\x2d\x5b\x80\x00\x00\x00\x07\x81\xa1"
              "a\x01\x92\x02\x80\x81\xa5"
              "chunk\xa2id"));
  Result<ForwardMessage> whole = read_forward_message(message);
  ASSERT_TRUE(whole.ok()) << whole.error().message();
  EXPECT_EQ(whole->form, ForwardMessage::Form::kMany);
  EXPECT_EQ(whole->chunk, "id");
  EXPECT_EQ(whole->tag, "tag");
  for (size_t n = 0; n < message.size(); ++n) EXPECT_FALSE(read_forward_message(message.substr(0, n)).ok()) << n;
}

}  // namespace
}  // namespace clew::wire
