#include "wire/es_bulk.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "model/batch_text.h"
#include "wire/index_name.h"
#include "wire/ndjson.h"

namespace clew::wire {
namespace {

using Json = nlohmann::json;

Intake intake() {
  Intake i;
  i.arrival = UnixNanos(1'795'171'025'000'000'000);
  return i;
}

contract::Ack ack() {
  contract::Ack a;
  a.key = {"web1", 7};
  a.first_seq = Seq(100);
  a.first_row = 40;
  return a;
}

TEST(IndexName, LosesDatesAndCounters) {
  const std::pair<const char*, const char*> kNames[] = {
      {"logs-2026.11.20", "logs"},
      {"logs-2026-11", "logs"},
      {"logs-000001", "logs"},
      {"filebeat-8.1.0-2026.11.20-000001", "filebeat-8.1.0"},
      {"logs", "logs"},
      {".ds-logs-app-default-2026.11.20-000003", ".ds-logs-app-default"},
      {"build-2026.13.01", "build-2026.13.01"},
      {"2026.11.20", "2026.11.20"},
      {"order-123456", "order"},
      {"order-12345", "order-12345"},
      {"x_2026.11.20", "x"},
      {"app-20261120", "app"},
      {"app-v2", "app-v2"},
  };
  for (auto [index, dataset] : kNames) EXPECT_EQ(dataset_of_index(index), dataset) << index;
}

TEST(IndexName, NamesAreChecked) {
  EXPECT_TRUE(check_dataset_name("a.b-c_d+1").ok());
  EXPECT_TRUE(check_dataset_name(std::string(kDatasetNameBytesMax, 'a')).ok());
  for (std::string bad : {"", "A", "a/b", "..", "_a", "-a", "a b", "a*", "a\n"}) {
    EXPECT_FALSE(check_dataset_name(bad).ok()) << bad;
  }
  EXPECT_FALSE(check_dataset_name(std::string(kDatasetNameBytesMax + 1, 'a')).ok());
  EXPECT_EQ(check_dataset_name("clew").error().code(), Code::kForbidden);
}

constexpr std::string_view kBody = R"({"index":{"_index":"web-2026.11.20","_id":"7"}}
{"a":1}

{"create":{"_index":"web-2026.11.20"}}
{"a":2}
{"create":{}}
{"a":3
{"update":{"_index":"web","_id":"7"}}
{"doc":{"a":4}}
{"delete":{"_index":"web","_id":"7"}}
{"index":{"_id":""}}
{"a":5}
{"index":{"_index":"Bad"}}
{"a":6}
{"create":{"_id":"8"}}
{"a":7}
{"index":{"op_type":"create"}}
[1]
)";

TEST(EsBulk, EachItemHasItsOwnResult) {
  BulkDecoder decoder;
  Result<BulkRequest> got = decoder.decode(kBody, "other", intake());
  ASSERT_TRUE(got.ok()) << got.error().message();
  BulkRequest& request = *got;
  ASSERT_EQ(request.events.batches.size(), 2u);
  const model::Batch& web = request.events.batches[0];
  EXPECT_EQ(web.dataset(), "web");
  EXPECT_EQ(model::row_document(web, 0), R"({"a":1})");
  EXPECT_EQ(model::value_of(web, "_id", 0)->text, "7");
  EXPECT_EQ(model::value_of(web, "_index", 1)->text, "web-2026.11.20");
  EXPECT_EQ(model::row_document(request.events.batches[1], 0), R"({"a":7})");
  ASSERT_EQ(request.creates.size(), 1u);
  EXPECT_EQ(request.creates[0].batch, 1u);
  EXPECT_EQ(request.events.received, 9u);
  EXPECT_EQ(request.events.rejected, 6u);

  contract::Ack a = ack();
  Json reply = Json::parse(bulk_reply(request, &a, 3));
  EXPECT_EQ(reply["took"], 3);
  EXPECT_EQ(reply["errors"], true);
  ASSERT_EQ(reply["items"].size(), 9u);
  Json first = reply["items"][0]["index"];
  EXPECT_EQ(first, Json::parse(R"({"_index":"web-2026.11.20","_id":"7","_version":1,"result":"created",
      "_shards":{"total":1,"successful":1,"failed":0},"_seq_no":100,"_primary_term":1,"status":201})"));
  EXPECT_EQ(reply["items"][1]["create"]["_id"], "web1:7:41");
  EXPECT_EQ(reply["items"][2]["create"]["status"], 400);
  EXPECT_EQ(reply["items"][2]["create"]["error"]["type"], "document_parsing_exception");
  EXPECT_EQ(reply["items"][3]["update"]["status"], 400);
  EXPECT_EQ(reply["items"][4]["delete"]["error"]["type"], "illegal_argument_exception");
  EXPECT_EQ(reply["items"][5]["index"]["error"]["reason"], "if _id is specified it must not be empty");
  EXPECT_EQ(reply["items"][6]["index"]["error"]["type"], "invalid_index_name_exception");
  EXPECT_EQ(reply["items"][7]["create"]["_seq_no"], 102);
  EXPECT_EQ(reply["items"][8]["create"]["status"], 400);
}

TEST(EsBulk, ConflictsAreAnswered409) {
  BulkDecoder decoder;
  Result<BulkRequest> got =
      decoder.decode("{\"create\":{\"_id\":\"x\"}}\n{\"a\":1}\n{\"index\":{}}\n{\"a\":2}\n", "d", intake());
  ASSERT_TRUE(got.ok());
  contract::Ack a = ack();
  a.conflicts = {{0, 0}};
  Json reply = Json::parse(bulk_reply(*got, &a, 0));
  EXPECT_EQ(reply["items"][0]["create"]["status"], 409);
  EXPECT_EQ(reply["items"][0]["create"]["error"]["type"], "version_conflict_engine_exception");
  EXPECT_EQ(reply["items"][1]["index"]["_id"], "web1:7:40");
  EXPECT_EQ(reply["items"][1]["index"]["_seq_no"], 100);
}

TEST(EsBulk, WholeRequestsThatElasticsearchRefuses) {
  BulkDecoder decoder;
  const std::pair<const char*, const char*> kBodies[] = {
      {"", "request body is required"},
      {"{\"index\":{}}\n{\"a\":1}", "The bulk request must be terminated by a newline [\\n]"},
      {"\n\n", "Validation Failed: 1: no requests added;"},
      {"{\"index\":{}}\n{\"a\":1}\n{}\n",
       "Malformed action/metadata line [3], expected FIELD_NAME but found [END_OBJECT]"},
      {"{\"put\":{}}\n",
       "Malformed action/metadata line [1], expected field [create], [delete], [index] or [update] but found [put]"},
      {"\"x\"\n", "Malformed action/metadata line [1], expected START_OBJECT but found [VALUE_STRING]"},
      {"{\"index\":1}\n", "Malformed action/metadata line [1], expected START_OBJECT but found [VALUE_NUMBER]"},
      {"{\"index\":{}\n", "Malformed action/metadata line [1], not valid JSON"},
      {"{\"index\":{}}\n", "Malformed action/metadata line [1], its document is missing"},
  };
  for (auto [body, message] : kBodies) {
    Result<BulkRequest> got = decoder.decode(body, "", intake());
    ASSERT_FALSE(got.ok()) << body;
    EXPECT_EQ(got.error().message(), message);
  }
}

TEST(EsBulk, CutAnywhereNothingIsHalfTaken) {
  BulkDecoder decoder;
  for (size_t n = 0; n <= kBody.size(); ++n) {
    std::vector<char> cut(kBody.begin(), kBody.begin() + static_cast<std::ptrdiff_t>(n));
    Result<BulkRequest> got = decoder.decode(std::string_view(cut.data(), n), "other", intake());
    if (n == 0 || kBody[n - 1] != '\n') {
      EXPECT_FALSE(got.ok());
    }
    if (got.ok()) (void)bulk_reply(*got, nullptr, 0);
  }
}

TEST(EsBulk, WithoutAnyIndexTheDatasetOfTheIntake) {
  BulkDecoder decoder;
  Result<BulkRequest> got = decoder.decode("{\"index\":{}}\n{\"a\":1}\n", "", intake());
  ASSERT_TRUE(got.ok());
  EXPECT_EQ(got->events.batches[0].dataset(), "logs");
}

TEST(EsBulk, FilterPathShortensTheAnswer) {
  BulkDecoder decoder;
  Result<BulkRequest> got = decoder.decode("{\"index\":{}}\n{\"a\":1}\n{\"index\":{}}\n{\"a\n", "d", intake());
  ASSERT_TRUE(got.ok());
  contract::Ack a = ack();
  EXPECT_EQ(bulk_reply(*got, &a, 1, parse_filter_path("errors,items.*.status")),
            R"({"errors":true,"items":[{"index":{"status":201}},{"index":{"status":400}}]})");
  EXPECT_EQ(bulk_reply(*got, &a, 1, parse_filter_path("took,errors")), R"({"errors":true,"took":1})");
  std::string errors = bulk_reply(*got, &a, 1, parse_filter_path("items.*.error"));
  EXPECT_EQ(Json::parse(errors)["items"].size(), 1u);
}

TEST(EsBulk, SingleDocuments) {
  BulkDecoder decoder;
  BulkRequest request = decoder.decode_document("{\n\"a\": 1\n}\n", "web", "9", BulkOp::kCreate, intake());
  contract::Ack a = ack();
  DocumentReply reply = document_reply(request, &a);
  EXPECT_EQ(reply.status, 201);
  EXPECT_EQ(Json::parse(reply.body)["_id"], "9");
  EXPECT_EQ(Json::parse(reply.body)["result"], "created");
  request = decoder.decode_document("{", "web", "", BulkOp::kIndex, intake());
  reply = document_reply(request, nullptr);
  EXPECT_EQ(reply.status, 400);
  EXPECT_EQ(Json::parse(reply.body)["error"]["type"], "document_parsing_exception");
  EXPECT_EQ(Json::parse(reply.body)["status"], 400);
}

TEST(Ndjson, BadLinesDoNotHurtTheOthers) {
  NdjsonDecoder decoder;
  Events e = decoder.decode("{\"a\":1}\n\n{\"a\":\n[1]\n {\"a\":2} \r\n{\"a\":3} x\n{\"a\":4}", intake());
  EXPECT_EQ(e.received, 6u);
  EXPECT_EQ(e.rejected, 3u);
  ASSERT_EQ(e.batches.size(), 1u);
  EXPECT_EQ(e.batches[0].rows(), 3u);
  EXPECT_EQ(model::row_document(e.batches[0], 2), R"({"a":4})");
  ASSERT_EQ(e.rejections.size(), 3u);
  EXPECT_EQ(e.rejections[0].item, 3u);
  EXPECT_EQ(e.rejections[0].message, "expected a value at byte 6");
  EXPECT_EQ(e.rejections[1].reason, Reason::kNotAnObject);
  EXPECT_EQ(e.rejections[2].message, "more text after the object at byte 9");
}

TEST(Ndjson, StreamsOfObjects) {
  NdjsonDecoder decoder;
  EXPECT_EQ(decoder.decode_stream("[{\"a\":1},\n {\"a\":2}]\n", intake()).batches[0].rows(), 2u);
  EXPECT_EQ(decoder.decode_stream("{\n\"a\":1}\n{\n\"a\":2\n}", intake()).batches[0].rows(), 2u);
  Events e = decoder.decode_stream("[{\"a\":1},7,[2],{\"a\":2}]", intake());
  EXPECT_EQ(e.batches[0].rows(), 2u);
  EXPECT_EQ(e.rejected, 2u);
  EXPECT_EQ(decoder.decode_stream("[{\"a\":1},{\"a\"", intake()).rejected, 1u);
  EXPECT_TRUE(decoder.decode_stream("", intake()).batches.empty());
}

}  // namespace
}  // namespace clew::wire
