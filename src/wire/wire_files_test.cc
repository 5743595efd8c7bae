// Runs tests/wire/PROTOCOL/CASE.in: the bytes of a request. CASE.want holds its events, one a line with the dataset in
// front (model/batch_text.h); CASE.reply what we answer. CLEW_UPDATE=1 writes both anew.
//
// Every request is also cut at each byte: whatever is left is taken as a whole message or not at all.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <memory>
#include <sstream>

#include "model/batch_text.h"
#include "wire/cloudwatch.h"
#include "wire/datadog.h"
#include "wire/datadog_logs.h"
#include "wire/es_bulk.h"
#include "wire/forward.h"
#include "wire/gelf.h"
#include "wire/jaeger.h"
#include "wire/logrecord.h"
#include "wire/loki_push.h"
#include "wire/ndjson.h"
#include "wire/otlp_logs.h"
#include "wire/otlp_reply.h"
#include "wire/otlp_traces.h"
#include "wire/splunk_hec.h"
#include "wire/trace_file.h"
#include "wire/zipkin.h"

namespace clew::wire {
namespace {

namespace fs = std::filesystem;

struct Protocol {
  std::function<Result<Events>(std::string_view, const Intake&)> decode;
  std::function<std::string(const Events&)> reply;
};

Intake intake() {
  Intake out;
  out.arrival = UnixNanos(1'795'171'025'000'000'000);  // 2026-11-20T10:37:05Z
  return out;
}

// Bytes that are no printable text as \xHH, so that replies can be read.
std::string printable(std::string_view bytes) {
  std::string out;
  for (char c : bytes) {
    char hex[5];
    if (c >= 0x20 && c < 0x7F)
      out.push_back(c);
    else
      std::snprintf(hex, sizeof hex, "\\x%02x", static_cast<unsigned>(static_cast<unsigned char>(c))), out += hex;
  }
  return out;
}

// What /api/v1/import says of the lines that it did not take.
std::string rejections_text(const Events& events) {
  std::string out = std::to_string(events.received) + " received";
  for (const Rejection& r : events.rejections) {
    out += "\n" + std::to_string(r.item) + ": " + std::string(reason_name(r.reason)) + ": " + r.message;
  }
  return out;
}

std::string bulk_answer(const BulkRequest& request) {
  contract::Ack ack;
  ack.key = {"clew", 1};
  ack.first_seq = Seq(1000);
  std::string reply = bulk_reply(request, &ack, 3);
  std::string out;
  for (size_t at = 0; at < reply.size(); ++at) {
    out += reply[at];
    if (reply.compare(at, 4, "}},{") == 0) out += reply.substr(at + 1, 2) + "\n", at += 2;  // an item a line
  }
  return out;
}

// Rows that a decoder writes one by one, as the events of a request.
template <class Put>
Result<Events> rows_of(const Intake& intake, Put put) {
  Events events;
  model::Batch batch{std::string(intake.dataset)};
  RowWriter rows;
  rows.attach(batch, intake);
  JsonEventReader json(rows);
  Status done = put(rows, json, events);
  if (!done.ok()) return done.error();
  events.received += batch.rows();
  if (batch.rows() > 0) events.batches.push_back(std::move(batch));
  return events;
}

Result<Events> decode_forward(std::string_view body, const Intake& intake) {
  return rows_of(intake, [&](RowWriter& rows, JsonEventReader& json, Events& events) -> Status {
    ForwardMessage message = CLEW_TRY(read_forward_message(body));
    ForwardRows forward(rows, json);
    forward.begin(message, message.entries, "192.0.2.7");
    ForwardCounts counts;
    while (forward.put(100, counts)) {
    }
    events.received = counts.rejected;
    for (uint32_t i = 0; i < counts.rejected; ++i) events.reject({i + 1, Reason::kNotAnObject, "no map"});
    if (counts.broken) return Error(Code::kInvalid, "malformed entries");
    return {};
  });
}

Result<Events> decode_gelf(std::string_view body, const Intake& intake) {
  return rows_of(intake, [&](RowWriter& rows, JsonEventReader& json, Events&) {
    return GelfRows(rows, json).put(body, "192.0.2.7");
  });
}

std::map<std::string, Protocol> protocols() {
  auto logs = std::make_shared<OtlpLogsDecoder>();
  auto traces = std::make_shared<OtlpTracesDecoder>();
  auto otlp_answer = [](OtlpSignal signal, OtlpForm form) {
    return [=](const Events& e) { return printable(otlp_reply(signal, form, e)); };
  };
  std::map<std::string, Protocol> out;
  out["otlp_logs_protobuf"] = {[=](auto body, auto& in) { return logs->decode_protobuf(body, in); },
                               otlp_answer(OtlpSignal::kLogs, OtlpForm::kProtobuf)};
  out["otlp_logs_json"] = {[=](auto body, auto& in) { return logs->decode_json(body, in); },
                           otlp_answer(OtlpSignal::kLogs, OtlpForm::kJson)};
  out["otlp_traces_protobuf"] = {[=](auto body, auto& in) { return traces->decode_protobuf(body, in); },
                                 otlp_answer(OtlpSignal::kSpans, OtlpForm::kProtobuf)};
  out["otlp_traces_json"] = {[=](auto body, auto& in) { return traces->decode_json(body, in); },
                             otlp_answer(OtlpSignal::kSpans, OtlpForm::kJson)};
  auto loki = std::make_shared<LokiPushDecoder>();
  auto zipkin = std::make_shared<ZipkinDecoder>();
  out["loki_push_json"] = {[=](auto body, auto& in) { return loki->decode_json(body, in); }, loki_reply};
  out["loki_push_protobuf"] = {[=](auto body, auto& in) { return loki->decode_protobuf(body, in); }, loki_reply};
  out["zipkin_json"] = {[=](auto body, auto& in) { return zipkin->decode_json(body, in); }, zipkin_reply};
  out["zipkin_protobuf"] = {[=](auto body, auto& in) { return zipkin->decode_protobuf(body, in); }, zipkin_reply};
  auto hec = std::make_shared<SplunkHecDecoder>();
  out["splunk_hec"] = {[=](auto body, auto& in) {
                         return Result<Events>(hec->decode(body, {.host = "h", .source = {}, .sourcetype = {}}, in));
                       },
                       rejections_text};
  auto datadog_logs = std::make_shared<DatadogLogsDecoder>();
  out["datadog_logs"] = {[=](auto body, auto& in) { return datadog_logs->decode(body, in); }, rejections_text};
  auto cloudwatch = std::make_shared<CloudWatchDecoder>();
  out["cloudwatch"] = {[=](auto body, auto& in) -> Result<Events> {
                         cloudwatch->begin(in, body.size());
                         Status added = cloudwatch->add(body);
                         Events events = cloudwatch->take();
                         if (!added.ok()) return added.error();
                         return events;
                       },
                       rejections_text};
  out["forward"] = {decode_forward, rejections_text};
  out["gelf"] = {decode_gelf, rejections_text};
  auto datadog = std::make_shared<DatadogDecoder>();
  auto jaeger = std::make_shared<JaegerDecoder>();
  out["datadog_maps"] = {[=](auto body, auto& in) { return datadog->decode(body, DatadogForm::kMaps, in); },
                         rejections_text};
  out["datadog_table"] = {[=](auto body, auto& in) { return datadog->decode(body, DatadogForm::kTable, in); },
                          rejections_text};
  out["jaeger_thrift"] = {[=](auto body, auto& in) { return jaeger->decode_batch(body, ThriftForm::kBinary, in); },
                          rejections_text};
  out["jaeger_packet"] = {[=](auto body, auto& in) { return jaeger->decode_packet(body, in); }, rejections_text};
  out["jaeger_protobuf"] = {[=](auto body, auto& in) { return jaeger->decode_protobuf(body, in); }, rejections_text};
  out["jaeger_json"] = {[=](auto body, auto& in) { return jaeger->decode_json(body, in); }, rejections_text};
  auto files = std::make_shared<TraceFileDecoder>();
  out["trace_file_otlp"] = {[=](auto body, auto& in) { return files->decode(body, TraceFile::kOtlp, in); },
                            rejections_text};
  auto ndjson = std::make_shared<NdjsonDecoder>();
  out["ndjson"] = {[=](auto body, auto& in) { return Result<Events>(ndjson->decode(body, in)); }, rejections_text};
  out["json_stream"] = {[=](auto body, auto& in) { return Result<Events>(ndjson->decode_stream(body, in)); },
                        rejections_text};
  auto bulk = std::make_shared<BulkDecoder>();
  auto request = std::make_shared<BulkRequest>();
  out["es_bulk"] = {[=](auto body, auto& in) -> Result<Events> {
                      *request = CLEW_TRY(bulk->decode(body, "", in));
                      return std::move(request->events);
                    },
                    [=](const Events&) { return bulk_answer(*request); }};
  out["logrecord"] = {decode_logrecord, [](const Events&) { return std::string(); }};
  return out;
}

std::string file_text(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::stringstream out;
  out << in.rdbuf();
  return out.str();
}

std::string events_text(const Events& events) {
  std::string out;
  for (const model::Batch& batch : events.batches) {
    for (uint32_t row = 0; row < batch.rows(); ++row) {
      out += batch.dataset() + " " + model::row_text(batch, row) + "\n";
      auto has = [&](std::string_view own) {
        const model::Column* column = batch.find(own);
        return column != nullptr && model::value_at(*column, row);
      };
      if (has(model::kShapeField) || has(model::kRawField))
        out += "  as it came: " + model::row_document(batch, row) + "\n";
    }
  }
  return out;
}

void compare(const fs::path& path, const std::string& got) {
  if (std::getenv("CLEW_UPDATE") != nullptr) {
    std::ofstream(path, std::ios::binary) << got;
    return;
  }
  EXPECT_EQ(file_text(path), got) << path;
}

// Rows and flags add up, whatever the request was.
void check_sound(const Events& events) {
  uint64_t rows = 0;
  for (const model::Batch& batch : events.batches) {
    EXPECT_GT(batch.rows(), 0u);
    rows += batch.rows();
    const model::Column* time = batch.find(model::kTimeField);
    ASSERT_NE(time, nullptr);
    EXPECT_EQ(time->values_count(), batch.rows());
    for (const auto& column : batch.columns()) EXPECT_LE(column->rows_end(), batch.rows());
  }
  EXPECT_EQ(events.received, rows + events.rejected);
}

enum class Frames : uint8_t { kNone, kSome };

// A request that was cut has the events that the whole one begins with, or none.
// A form has no frame: its last value may be cut and nobody can tell.
void check_cuts(const Protocol& protocol, const std::string& body, const std::string& whole, Frames frames) {
  for (size_t n = 0; n < body.size(); ++n) {
    // A copy without a byte to spare, so that the sanitizer sees reads beyond the end.
    std::vector<char> bytes(body.begin(), body.begin() + static_cast<std::ptrdiff_t>(n));
    Result<Events> events = protocol.decode({bytes.data(), bytes.size()}, intake());
    if (!events.ok()) continue;
    check_sound(*events);
    if (events->rejected != 0 || frames == Frames::kNone) continue;
    EXPECT_TRUE(whole.starts_with(events_text(*events))) << "cut at byte " << n << "\n" << events_text(*events);
  }
}

TEST(WireFiles, EventsAndReplies) {
  std::map<std::string, Protocol> known = protocols();
  size_t cases = 0;
  for (const auto& [name, protocol] : known) {
    for (const auto& entry : fs::directory_iterator(fs::path("tests/wire") / name)) {
      fs::path path = entry.path();
      if (path.extension() != ".in") continue;
      ++cases;
      SCOPED_TRACE(path.string());
      std::string body = file_text(path);
      Result<Events> events = protocol.decode(body, intake());
      std::string want = events.ok() ? events_text(*events) : "";
      std::string reply = events.ok() ? protocol.reply(*events) : "error: " + events.error().message();
      compare(fs::path(path).replace_extension(".want"), want);
      compare(fs::path(path).replace_extension(".reply"), reply + "\n");
      if (!events.ok()) continue;
      check_sound(*events);
      check_cuts(protocol, body, want, name == "logrecord" ? Frames::kNone : Frames::kSome);
    }
  }
  EXPECT_GE(cases, known.size());
}

}  // namespace
}  // namespace clew::wire
