#include "wire/otlp_encode.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "model/own_fields.h"
#include "wire/otlp_logs.h"
#include "wire/otlp_reply.h"

namespace clew::wire {
namespace {

constexpr int64_t kTime = 1'763'719'200'123'456'789;
constexpr int64_t kRead = kTime + 1'000;

model::Batch shop(uint32_t rows) {
  model::Batch batch("shop");
  for (uint32_t i = 0; i < rows; ++i) {
    uint32_t row = batch.begin_row();
    batch.column(model::kTimeField)->add_time(row, kTime + i);
    batch.column("message")->add_string(row, "order " + std::to_string(i));
    if (i % 2 == 0) batch.column("level")->add_string(row, i == 0 ? "ERROR" : "info");
    batch.column("service.name")->add_string(row, i % 3 == 0 ? "cart" : "pay");
    batch.column("host.name")->add_string(row, "h1");
    batch.column("amount")->add_decimal(row, 1250 + i, 2);
    batch.column("paid")->add_bool(row, i % 2 == 0);
    batch.column("tries")->add_int(row, -3);
    batch.column("tags")->add_text(row, model::Kind::kArray, R"(["a",1,2.5,true,null])");
    batch.column("odd")->add_text(row, model::Kind::kArray, R"([{"a":1},"b,c"])");
    batch.column("note")->add_null(row);
    if (i % 4 == 0) batch.column("trace_id")->add_string(row, "0af7651916cd43dd8448eb211c80319c");
    if (i % 4 == 0) batch.column("span_id")->add_string(row, i == 0 ? "b7ad6b7169203331" : "not hex");
    batch.end_row();
  }
  return batch;
}

Events decode(const std::vector<OtlpRequest>& requests) {
  Events all;
  for (const OtlpRequest& request : requests) {
    OtlpLogsDecoder decoder;
    Result<Events> events =
        decoder.decode_protobuf(request.body, {.arrival = UnixNanos(kRead), .dataset = "logs", .zone = {}});
    EXPECT_TRUE(events.ok()) << events.error().message();
    if (!events.ok()) continue;
    EXPECT_EQ(events->received, request.events);
    EXPECT_EQ(events->rejected, 0u);
    all.received += events->received;
    for (model::Batch& batch : events->batches) all.batches.push_back(std::move(batch));
  }
  return all;
}

std::vector<model::Batch> one(model::Batch batch) {
  std::vector<model::Batch> batches;
  batches.push_back(std::move(batch));
  return batches;
}

// The texts of a field by the message of their events.
std::map<std::string, std::string> texts(const Events& events, std::string_view field) {
  std::map<std::string, std::string> out;
  for (const model::Batch& batch : events.batches) {
    const model::Column* column = batch.find(field);
    const model::Column* messages = batch.find("message");
    size_t at = 0;
    for (const model::KindRun& run : column == nullptr ? std::vector<model::KindRun>() : column->runs()) {
      for (uint32_t row = run.row; row < run.row + run.count; ++row) {
        if (model::kind_has_text(run.kind)) out[std::string(messages->text_at(row))] = column->text_at(at++);
      }
    }
  }
  return out;
}

TEST(OtlpEncode, WhatIsEncodedIsDecodedAgain) {
  Events events = decode(encode_otlp_logs(one(shop(8)), kRead, 1 << 20));
  ASSERT_EQ(events.batches.size(), 1u);
  const model::Batch& batch = events.batches[0];
  EXPECT_EQ(batch.dataset(), "shop");
  EXPECT_EQ(batch.rows(), 8u);
  EXPECT_EQ(texts(events, "service.name"), (std::map<std::string, std::string>{{"order 0", "cart"},
                                                                               {"order 1", "pay"},
                                                                               {"order 2", "pay"},
                                                                               {"order 3", "cart"},
                                                                               {"order 4", "pay"},
                                                                               {"order 5", "pay"},
                                                                               {"order 6", "cart"},
                                                                               {"order 7", "pay"}}));
  EXPECT_EQ(texts(events, "severityText"),
            (std::map<std::string, std::string>{
                {"order 0", "ERROR"}, {"order 2", "info"}, {"order 4", "info"}, {"order 6", "info"}}));
  EXPECT_EQ(texts(events, "trace_id").size(), 2u);
  // An id that is none stays what it was.
  EXPECT_EQ(texts(events, "span_id"),
            (std::map<std::string, std::string>{{"order 0", "b7ad6b7169203331"}, {"order 4", "not hex"}}));
  EXPECT_EQ(texts(events, "tags")["order 3"], R"(["a",1,2.5,true,null])");
  EXPECT_EQ(texts(events, "odd")["order 3"], R"([{"a":1},"b,c"])");
  EXPECT_EQ(batch.find("tries")->ints()[0], -3);
  EXPECT_EQ(batch.find("note")->runs()[0].kind, model::Kind::kNull);
  EXPECT_EQ(batch.find("level"), nullptr);
  std::vector<int64_t> times = batch.find("timeUnixNano")->ints();
  std::sort(times.begin(), times.end());
  EXPECT_EQ(times.front(), kTime);
  EXPECT_EQ(times.back(), kTime + 7);
  EXPECT_EQ(batch.find("observedTimeUnixNano")->ints()[0], kRead);
  const model::Column* numbers = batch.find("severityNumber");
  EXPECT_EQ(std::count(numbers->ints().begin(), numbers->ints().end(), 17), 1);
  EXPECT_EQ(std::count(numbers->ints().begin(), numbers->ints().end(), 9), 3);
}

TEST(OtlpEncode, RequestsEndWhereTheyGetTooLong) {
  std::vector<OtlpRequest> requests = encode_otlp_logs(one(shop(1000)), kRead, 10'000);
  EXPECT_GT(requests.size(), 10u);
  for (const OtlpRequest& request : requests) EXPECT_LT(request.body.size(), 12'000u);
  EXPECT_EQ(decode(requests).received, 1000u);
  std::vector<OtlpRequest> again = encode_otlp_logs(one(shop(1000)), kRead, 10'000);
  ASSERT_EQ(again.size(), requests.size());
  for (size_t i = 0; i < again.size(); ++i) EXPECT_EQ(again[i].body, requests[i].body);
}

TEST(OtlpEncode, AnEventWithoutATimeSaysWhenItCame) {
  model::Batch batch("logs");
  uint32_t row = batch.begin_row();
  batch.column(model::kTimeField)->add_time(row, kTime);
  batch.column(model::kRawField)->add_string(row, "as it came");
  batch.flag(model::Flag::kArrivalTime);
  batch.end_row();
  Events events = decode(encode_otlp_logs(one(std::move(batch)), kRead, 1 << 20));
  ASSERT_EQ(events.batches.size(), 1u);
  EXPECT_EQ(events.batches[0].find("timeUnixNano"), nullptr);
  EXPECT_EQ(events.batches[0].find("observedTimeUnixNano")->ints()[0], kTime);
  EXPECT_EQ(events.batches[0].find("message")->text_at(0), "as it came");
}

TEST(OtlpEncode, NothingIsNoRequest) { EXPECT_TRUE(encode_otlp_logs({}, kRead, 1).empty()); }

TEST(OtlpEncode, APartialSuccessIsRead) {
  Events events;
  events.reject({1, Reason::kSyntax, "no good"});
  OtlpPartialSuccess read = read_otlp_logs_reply(otlp_reply(OtlpSignal::kLogs, OtlpForm::kProtobuf, events));
  EXPECT_EQ(read.rejected, 1u);
  EXPECT_NE(read.message.find("no good"), std::string::npos);
  EXPECT_EQ(read_otlp_logs_reply("").rejected, 0u);
  EXPECT_EQ(read_otlp_logs_reply("{\"partialSuccess\":{}}").rejected, 0u);
}

}  // namespace
}  // namespace clew::wire
