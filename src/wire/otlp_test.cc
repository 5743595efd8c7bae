// Limits and oddities of OTLP that no request file could hold; the usual cases are files (wire_files_test.cc).
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>

#include "base/bytes.h"
#include "model/batch_text.h"
#include "wire/json_to_proto.h"
#include "wire/keyed_rows.h"
#include "wire/otlp_json.h"
#include "wire/otlp_logs.h"
#include "wire/otlp_reply.h"
#include "wire/otlp_traces.h"
#include "wire/protobuf.h"

namespace clew::wire {
namespace {

Intake intake() {
  Intake out;
  out.arrival = UnixNanos(1'795'171'025'000'000'000);
  return out;
}

std::string field(uint32_t number, std::string_view bytes) {
  std::string out;
  base::Writer w(out);
  w.varint(proto_tag(number, WireType::kBytes));
  w.string(bytes);
  return out;
}
std::string text_value(std::string_view v) { return field(1, v); }
std::string int_value(uint64_t v) {
  std::string out;
  base::Writer w(out);
  w.u8(0x18);
  w.varint(v);
  return out;
}
std::string attribute(uint32_t number, std::string_view key, std::string_view value) {
  return field(number, field(1, key) + field(2, value));
}
// A request of one resource and one scope.
std::string request(std::string_view records, std::string_view resource = {}) {
  return field(1, field(1, resource) + field(2, records));
}

class OtlpLogs : public ::testing::Test {
 protected:
  std::string only_row(std::string_view record) {
    Result<Events> events = decoder_.decode_protobuf(request(field(2, record)), intake());
    if (!events.ok()) return events.error().message();
    if (events->batches.size() != 1 || events->batches[0].rows() != 1) return "not one row";
    batch_ = std::move(events->batches[0]);
    return model::row_text(batch_, 0);
  }
  OtlpLogsDecoder decoder_;
  model::Batch batch_;
};

std::string nested_maps(int depth) {
  std::string value = text_value("deep");
  for (int i = 0; i < depth; ++i) value = field(6, attribute(1, "m", value));
  return value;
}

// Requests that set the same names at several levels, one after the other: what one batch notes is not the next one's.
TEST_F(OtlpLogs, ColumnsKnowWhereTheirValuesCameFrom) {
  auto origins_of = [&](std::string_view json) {
    Result<Events> events = decoder_.decode_json(json, intake());
    EXPECT_TRUE(events.ok()) << events.error().message();
    std::map<std::string, unsigned> out;
    for (const auto& column : events->batches[0].columns()) {
      if (column->values_count() > 0) out[column->name()] = column->origins();
    }
    return out;
  };
  auto attribute = [](std::string key) { return R"({"key":")" + key + R"(","value":{"stringValue":"v"}})"; };
  auto request_of = [&](const std::string& resource, const std::string& first, const std::string& second) {
    return R"({"resourceLogs":[{"resource":{"attributes":[)" + resource +
           R"(]},"scopeLogs":[{"scope":{"name":"lib"},)" +
           R"("logRecords":[{"timeUnixNano":"1795170000000000000","attributes":[)" + first +
           R"(]},{"timeUnixNano":"1795170000000000001","attributes":[)" + second + "]}]}]}]}";
  };
  constexpr unsigned kRecord = model::bit(model::Origin::kRecord);
  constexpr unsigned kResource = model::bit(model::Origin::kResource);
  auto mixed = origins_of(
      request_of(attribute("service.name") + "," + attribute("zone"), attribute("zone") + "," + attribute("user"), ""));
  EXPECT_EQ(mixed["service.name"], kResource);
  EXPECT_EQ(mixed["zone"], kRecord | kResource);  // the first event's own, the second one's resource's
  EXPECT_EQ(mixed["resource.zone"], kResource);
  EXPECT_EQ(mixed["user"], kRecord);
  EXPECT_EQ(mixed["scope.name"], model::bit(model::Origin::kScope));
  EXPECT_EQ(mixed["_time"], kRecord);
  auto plain = origins_of(request_of(attribute("zone"), attribute("service.name"), attribute("service.name")));
  EXPECT_EQ(plain["zone"], kResource);
  EXPECT_EQ(plain["service.name"], kRecord);
}

TEST_F(OtlpLogs, MapsAreFlattenedSixtyFourDeep) {
  std::string path = "m";
  for (int i = 0; i < 64; ++i) path += ".m";
  EXPECT_NE(only_row(attribute(6, "m", nested_maps(64))).find("\"" + path + "\":\"deep\""), std::string::npos);
  std::string cut = only_row(attribute(6, "m", nested_maps(65)));
  EXPECT_NE(cut.find("truncated"), std::string::npos);
  EXPECT_NE(cut.find("\"" + path + "\":null"), std::string::npos);
}

TEST_F(OtlpLogs, ArraysAreSixtyFourDeepToo) {
  auto nested = [](int depth) {
    std::string value = text_value("x");
    for (int i = 0; i < depth; ++i) value = field(5, field(1, value));
    return value;
  };
  EXPECT_NE(only_row(attribute(6, "a", nested(64))).find("\"x\""), std::string::npos);
  std::string cut = only_row(attribute(6, "a", nested(3'000)));
  EXPECT_EQ(cut.find("\"x\""), std::string::npos);
  EXPECT_NE(cut.find("truncated"), std::string::npos);
}

TEST_F(OtlpLogs, FieldsBeyondTenThousandAreOneText) {
  auto record = [](uint32_t attributes) {
    std::string out;
    for (uint32_t i = 0; i < attributes; ++i) out += attribute(6, "k" + std::to_string(i), int_value(i));
    return out;
  };
  std::string row = only_row(record(kFieldsPerEventMax));
  EXPECT_NE(row.find("\"k9999\":9999"), std::string::npos);
  EXPECT_EQ(row.find("truncated"), std::string::npos);
  row = only_row(record(kFieldsPerEventMax + 2));
  EXPECT_NE(row.find("truncated"), std::string::npos);
  EXPECT_NE(row.find(R"("_more":"{\"k10000\":10000,\"k10001\":10001}")"), std::string::npos) << row.substr(0, 300);
  EXPECT_LE(batch_.columns().size(), model::kColumnsMax);
}

TEST_F(OtlpLogs, LongNamesAreCutAndFlagged) {
  std::string fits(model::kFieldNameBytesMax, 'n');
  EXPECT_NE(only_row(attribute(6, fits, int_value(1))).find("\"" + fits + "\":1"), std::string::npos);
  std::string row = only_row(attribute(6, fits + "n", int_value(1)));
  EXPECT_NE(row.find("truncated"), std::string::npos);
  EXPECT_EQ(row.find(fits), std::string::npos);
  // Below a long name every path would be long again.
  std::string deep = only_row(attribute(6, std::string(600, 'x'), nested_maps(60)));
  EXPECT_NE(deep.find("\"deep\""), std::string::npos);
  EXPECT_NE(deep.find("truncated"), std::string::npos);
}

TEST_F(OtlpLogs, LongTextsAreCutBetweenCharacters) {
  std::string text(kValueBytesMax, 'x');
  EXPECT_EQ(only_row(field(5, text_value(text))).find("truncated"), std::string::npos);
  text.back() = '\xC3';  // its second byte is beyond the limit
  std::string row = only_row(field(5, text_value(text + "\xA9")));
  EXPECT_NE(row.find("truncated"), std::string::npos);
  EXPECT_EQ(row.find("bad_utf8"), std::string::npos);
  EXPECT_EQ(model::value_of(batch_, "message", 0)->text.size(), kValueBytesMax - 1);
}

TEST_F(OtlpLogs, SharedAttributesDoNotGrowARequestWithoutEnd) {
  std::string resource = attribute(1, "big", text_value(std::string(kValueBytesMax, 'x')));
  std::string records;
  for (int i = 0; i < 300; ++i) records += field(2, "");
  Result<Events> events = decoder_.decode_protobuf(request(records, resource), intake());
  ASSERT_TRUE(events.ok());
  EXPECT_EQ(events->received, 300u);
  EXPECT_EQ(events->batches[0].rows(), kExpandedBytesMax / kValueBytesMax - 1);
  EXPECT_EQ(events->rejected_by_reason[static_cast<size_t>(Reason::kTooLarge)], events->rejected);
  EXPECT_LE(events->rejections.size(), kRejectionsMax);
  EXPECT_NE(events->rejections[0].message.find("log record 256"), std::string::npos);
}

TEST_F(OtlpLogs, ArraysOfObjectsThatShareNoKeyStayWhole) {
  std::string items;
  for (int i = 0; i < 3000; ++i) items += field(1, field(6, attribute(1, "k" + std::to_string(i), int_value(1))));
  std::string row = only_row(attribute(6, "list", field(5, items)));
  EXPECT_NE(row.find(R"("list":[{"k0":1},{"k1":1})"), std::string::npos) << row.substr(0, 200);
}

TEST_F(OtlpLogs, WhatADecoderRemembersDoesNotChangeWhatItReads) {
  std::vector<std::string> bodies;
  for (int i = 0; i < 50; ++i) {
    std::string record;
    for (int k = 0; k < 8; ++k) {
      int at = (i * 7 + k * (1 + i % 3)) % 11;
      record +=
          attribute(6, "key" + std::to_string(at), k % 2 == 0 ? int_value(static_cast<uint64_t>(at)) : text_value("v"));
    }
    std::string resource = attribute(1, "key" + std::to_string(i % 11), text_value("r"));
    bodies.push_back(request(field(2, record) + field(2, ""), resource));
  }
  for (const std::string& body : bodies) {
    OtlpLogsDecoder fresh;
    Result<Events> want = fresh.decode_protobuf(body, intake());
    Result<Events> got = decoder_.decode_protobuf(body, intake());
    ASSERT_TRUE(want.ok() && got.ok());
    for (uint32_t row = 0; row < 2; ++row) {
      EXPECT_EQ(model::row_text(got->batches[0], row), model::row_text(want->batches[0], row));
    }
  }
}

TEST(OtlpTraces, EventsThatShareNoAttributeKeepThemAsOneText) {
  std::string span = field(1, std::string(16, 'a')) + field(2, std::string(8, 'b'));
  constexpr int kEvents = 2000;
  for (int i = 0; i < kEvents; ++i) {
    span += field(11, field(2, "e") + attribute(3, "k" + std::to_string(i), int_value(1)));
  }
  OtlpTracesDecoder decoder;
  Result<Events> events = decoder.decode_protobuf(request(field(2, span)), intake());
  ASSERT_TRUE(events.ok());
  std::optional<model::RestField> texts = model::value_of(events->batches[0], "events.attributes", 0);
  ASSERT_TRUE(texts.has_value());
  EXPECT_TRUE(texts->text.starts_with(R"([{"k0":1},{"k1":1})"));
  EXPECT_EQ(model::value_of(events->batches[0], "events.k0", 0), std::nullopt);
}

TEST(OtlpReply, SaysHowManyAndWhy) {
  Events events;
  EXPECT_EQ(otlp_reply(OtlpSignal::kLogs, OtlpForm::kProtobuf, events), "");
  EXPECT_EQ(otlp_reply(OtlpSignal::kSpans, OtlpForm::kJson, events), "{}");
  for (uint64_t i = 1; i <= 5; ++i) events.reject({i, Reason::kSyntax, "record \"" + std::to_string(i) + "\""});
  EXPECT_EQ(
      otlp_reply(OtlpSignal::kSpans, OtlpForm::kJson, events),
      R"({"partialSuccess":{"rejectedSpans":"5","errorMessage":"record \"1\"; record \"2\"; record \"3\"; and 2 more"}})");
  EXPECT_EQ(otlp_error(OtlpForm::kJson, 3, "a \"b\""), R"({"code":3,"message":"a \"b\""})");
  EXPECT_EQ(otlp_error(OtlpForm::kProtobuf, 3, "no"), std::string("\x08\x03\x12\x02no", 6));
}

TEST(JsonToProto, RefusesWhatIsTooDeep) {
  auto nested = [](size_t depth) {
    return "{\"x\":" + std::string(depth - 1, '[') + std::string(depth - 1, ']') + "}";
  };
  JsonToProto json;
  EXPECT_TRUE(json.convert(nested(kJsonDepthMax), otlp_logs_schema()).ok());
  Status deeper = json.convert(nested(kJsonDepthMax + 1), otlp_logs_schema());
  ASSERT_FALSE(deeper.ok());
  EXPECT_EQ(deeper.error().code(), Code::kTooLarge);
  EXPECT_FALSE(json.convert("", otlp_logs_schema()).ok());
  EXPECT_FALSE(json.convert("[]", otlp_logs_schema()).ok());
}

std::string file_text(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::stringstream out;
  out << in.rdbuf();
  return out.str();
}

TEST(OtlpSuite, ExamplesOfTheSpecification) {
  std::filesystem::path examples = "../shared/suites/otlp-proto/examples";
  if (!std::filesystem::exists(examples)) GTEST_SKIP() << "../shared is not there";
  OtlpLogsDecoder logs;
  Result<Events> events = logs.decode_json(file_text(examples / "logs.json"), intake());
  ASSERT_TRUE(events.ok());
  ASSERT_EQ(events->received, 1u);
  std::string row = model::row_text(events->batches[0], 0);
  for (std::string_view part :
       {R"("_time":"2018-12-13T14:51:00.300Z")", R"("message":"Example log record")", R"("severityNumber":10)",
        R"("service.name":"my.service")", R"("scope.my.scope.attribute":"some scope attribute")",
        R"("trace_id":"5b8efff798038103d269b633813fc60c")", R"("int.attribute":10)", R"("double.attribute":637.704)",
        R"("array.attribute":["many","values"])", R"("map.attribute.some.map.key":"some value")"}) {
    EXPECT_NE(row.find(part), std::string::npos) << part << "\n" << row;
  }
  events = logs.decode_json(file_text(examples / "events.json"), intake());
  ASSERT_TRUE(events.ok());
  row = model::row_text(events->batches[0], 0);
  EXPECT_NE(row.find(R"("event.name":"browser.page_view")"), std::string::npos);
  EXPECT_NE(row.find(R"("title":"Free Online GUID Generator")"), std::string::npos);
  OtlpTracesDecoder traces;
  events = traces.decode_json(file_text(examples / "trace.json"), intake());
  ASSERT_TRUE(events.ok());
  row = model::row_text(events->batches[0], 0);
  EXPECT_NE(row.find(R"("duration_ns":1000000000)"), std::string::npos);
  EXPECT_NE(row.find(R"("kind":"server")"), std::string::npos);
}

TEST(OtlpSuite, SpansOfJaegersFixtures) {
  std::filesystem::path fixtures = "../shared/suites/jaeger-ui-fixtures/packages/jaeger-ui/src/utils/fixtures";
  if (!std::filesystem::exists(fixtures)) GTEST_SKIP() << "../shared is not there";
  OtlpTracesDecoder traces;
  for (std::string_view name : {"otlp2jaeger-in.json", "otlp2jaeger-multi-in-combined.json"}) {
    Result<Events> events = traces.decode_json(file_text(fixtures / name), intake());
    ASSERT_TRUE(events.ok()) << name << ": " << events.error().message();
    EXPECT_GT(events->received, 0u) << name;
    EXPECT_EQ(events->rejected, 0u) << name;
  }
}

}  // namespace
}  // namespace clew::wire
