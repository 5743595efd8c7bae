// What the server makes of lines that were sent as they are is what the agent would have made of them.
#include "process/sent_lines.h"

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <vector>

#include "model/batch_text.h"
#include "model/own_fields.h"
#include "process/line_parser.h"

namespace clew::process {
namespace {

constexpr int64_t kArrival = 1'764'500'000'000'000'000;

std::string text_of(const model::Batch& batch) {
  std::string out;
  for (uint32_t row = 0; row < batch.rows(); ++row) out += model::row_text(batch, row) + "\n";
  return out;
}

struct Line {
  std::string path;
  std::string text;
};

const std::vector<Line>& lines() {
  static const std::vector<Line> kLines = {
      {"/a", "no time yet"},
      {"/a", "2026-11-30T10:00:00Z INFO first"},
      {"/b", "2026-11-30 11:00:00.5 ERROR [worker-1] com.shop.Cart - failed for 17"},
      {"/a", "goes on without a time"},
      {"/a", R"({"time":"2026-11-30T10:00:05Z","level":"warn","message":"in JSON","a":{"b":1}})"},
      {"/a", "and without"},
      {"/b", "2026-11-30 11:00:01 ERROR boom\njava.io.IOException: no\n\tat a.B.c(B.java:1)"},
      {"/b", "bytes that are no UTF-8: \xff\xfe"},
      {"/c", "2026-11-30 10:00:00.123 +07 user=shop,db=shop LOG:  duration: 1.5 ms"},
      {"/c", "{not json"},
  };
  return kLines;
}

void add_agents_fields(model::Batch& batch, const std::string& path) {
  uint32_t row = batch.rows() - 1;
  for (auto [name, value] : {std::pair<std::string, std::string>{"host.name", "web-1"}, {"log.file.path", path}}) {
    model::Column* column = batch.column(name);
    column->note_origins(model::bit(model::Origin::kResource));
    column->add_string(row, value);
  }
}

// Each file has a parser of its own, as an agent has.
model::Batch read_at_the_agent(const std::string& zone, std::optional<int64_t> before) {
  model::Batch batch("logs");
  std::map<std::string, std::unique_ptr<LineParser>> parsers;
  for (const Line& line : lines()) {
    auto& parser = parsers[line.path];
    if (!parser) {
      parser = std::make_unique<LineParser>(Format::kPlain, Expect::kMostly);
      parser->attach(batch, {.arrival = UnixNanos(kArrival), .dataset = "logs", .zone = *text::Zone::find(zone)});
      parser->set_last_time(before);
    }
    EXPECT_TRUE(parser->parse_line(line.text));
    add_agents_fields(batch, line.path);
  }
  return batch;
}

std::string note_of(const std::string& zone, std::optional<int64_t> before) {
  return print_line_note({.zone = zone, .follows = before.has_value(), .arrival_seconds = kArrival / 1'000'000'000});
}

model::Batch sent(const std::string& zone, std::optional<int64_t> before) {
  model::Batch batch("logs");
  for (const Line& line : lines()) {
    uint32_t row = batch.begin_row();
    batch.column(model::kTimeField)->add_time(row, before.value_or(kArrival));
    batch.column(model::kRawField)->add_string(row, line.text);
    batch.column(model::kLineField)->add_string(row, note_of(zone, before));
    add_agents_fields(batch, line.path);
  }
  return batch;
}

TEST(SentLines, AreReadAsTheAgentWouldHave) {
  for (const char* zone : {"UTC", "+07:00", "Europe/Berlin"}) {
    for (std::optional<int64_t> before :
         {std::optional<int64_t>(), std::optional<int64_t>(1'764'400'000'000'000'000)}) {
      Result<model::Batch> read = read_sent_lines(sent(zone, before));
      ASSERT_TRUE(read.ok()) << read.error().message();
      EXPECT_EQ(text_of(*read), text_of(read_at_the_agent(zone, before))) << zone;
      EXPECT_EQ(read->find(model::kLineField), nullptr);
    }
  }
}

// A file that was silent for a week: its next line has the time that it says.
TEST(SentLines, TimesAreLikelyOrNotByWhenTheyArrivedNotByTheLineBefore) {
  constexpr int64_t kWeekBefore = kArrival - 7 * 86'400'000'000'000;
  for (const char* text : {"2025-11-30T10:52:00Z INFO after a week", "Nov 30 10:52:00 after a week"}) {
    model::Batch batch("logs");
    uint32_t row = batch.begin_row();
    batch.column(model::kTimeField)->add_time(row, kWeekBefore);
    batch.column(model::kRawField)->add_string(row, text);
    batch.column(model::kLineField)->add_string(row, note_of("UTC", kWeekBefore));
    Result<model::Batch> read = read_sent_lines(std::move(batch));
    ASSERT_TRUE(read.ok());
    EXPECT_EQ(read->find(model::kTimeField)->ints()[0], 1'764'499'920'000'000'000) << model::row_text(*read, 0);
    const model::Column* flags = read->find(model::kFlagsField);
    bool odd = flags != nullptr && flags->values_count() > 0 &&
               (flags->ints()[0] & static_cast<int64_t>(model::Flag::kOddTime)) != 0;
    EXPECT_FALSE(odd) << model::row_text(*read, 0);
  }
}

TEST(SentLines, FlagsOfTheAgentStay) {
  model::Batch batch = sent("UTC", std::nullopt);
  for (uint32_t row = 0; row < batch.rows(); row += 2) {
    batch.column(model::kFlagsField)->add_int(row, static_cast<int64_t>(model::Flag::kRedacted));
  }
  Result<model::Batch> read = read_sent_lines(std::move(batch));
  ASSERT_TRUE(read.ok());
  uint32_t redacted = 0;
  for (int64_t flags : read->find(model::kFlagsField)->ints()) {
    redacted += (flags & static_cast<int64_t>(model::Flag::kRedacted)) != 0 ? 1 : 0;
  }
  EXPECT_EQ(redacted, (lines().size() + 1) / 2);
}

TEST(SentLines, RowsThatWereReadStayAsTheyAre) {
  model::Batch before = read_at_the_agent("UTC", std::nullopt);
  std::string text = text_of(before);
  Result<model::Batch> same = read_sent_lines(std::move(before));
  ASSERT_TRUE(same.ok());
  EXPECT_EQ(text_of(*same), text);

  model::Batch mixed = read_at_the_agent("UTC", std::nullopt);
  uint32_t row = mixed.begin_row();
  mixed.column(model::kTimeField)->add_time(row, kArrival);
  mixed.column(model::kRawField)->add_string(row, "2026-11-30T12:00:00Z INFO sent");
  mixed.column(model::kLineField)->add_string(row, print_line_note({.zone = "UTC"}));
  Result<model::Batch> read = read_sent_lines(std::move(mixed));
  ASSERT_TRUE(read.ok());
  std::string all = text_of(*read);
  EXPECT_TRUE(all.starts_with(text)) << all;
  EXPECT_NE(all.substr(text.size()).find("\"message\":\"sent\""), std::string::npos) << all;
}

TEST(SentLines, WhatIsNoNoteIsRefused) {
  auto refused = [](const char* note, bool raw) {
    model::Batch batch("logs");
    uint32_t row = batch.begin_row();
    batch.column(model::kTimeField)->add_time(row, kArrival);
    if (raw) batch.column(model::kRawField)->add_string(row, "x");
    batch.column(model::kLineField)->add_string(row, note);
    return !read_sent_lines(std::move(batch)).ok();
  };
  EXPECT_FALSE(refused("plain UTC", true));
  EXPECT_TRUE(refused("plain UTC", false));
  EXPECT_TRUE(refused("plain Nowhere/Land", true));
  EXPECT_FALSE(refused("plain UTC follows", true));
  EXPECT_FALSE(refused("plain UTC follows 1764500000", true));
  EXPECT_TRUE(refused("plain UTC follows x", true));
  EXPECT_TRUE(refused("plain UTC follows 17645000000000000000", true));
  EXPECT_TRUE(refused("plain UTC follows -1", true));
  EXPECT_TRUE(refused("grok UTC", true));
  EXPECT_TRUE(refused("", true));
}

}  // namespace
}  // namespace clew::process
