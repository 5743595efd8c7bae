// Runs tests/wire/PROTOCOL/CASE.in of protocols that bring samples. CASE.want holds the series with their samples,
// CASE.reply what was left out and why. CLEW_UPDATE=1 writes both anew.
//
// Every request is also cut at each byte: no crash, and what is taken adds up.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <sstream>

#include "wire/datadog_check.h"
#include "wire/datadog_series.h"
#include "wire/graphite.h"
#include "wire/influx_line.h"
#include "wire/metric_text.h"
#include "wire/otlp_metrics.h"
#include "wire/otlp_reply.h"
#include "wire/statsd.h"

namespace clew::wire {
namespace {

namespace fs = std::filesystem;

constexpr int64_t kNowMillis = 1'795'171'025'000;  // 2026-11-20T10:37:05Z

struct Decoded {
  std::string samples;
  std::string reply;
};
using Decode = std::function<Result<Decoded>(std::string_view body)>;

std::string rejections_text(const Events& events) {
  std::string out = std::to_string(events.received) + " received";
  for (const Rejection& r : events.rejections) {
    out += "\n" + std::to_string(r.item) + ": " + std::string(reason_name(r.reason)) + ": " + r.message;
  }
  return out;
}

// Fresh sums each time: a case is cut again and again.
Result<Decoded> decode_otlp(std::string_view body, OtlpForm form, const OtlpMetricOptions& options) {
  DeltaSums sums;
  OtlpMetricsDecoder decoder;
  OtlpMetricIntake intake{options, sums, kNowMillis};
  Events events =
      CLEW_TRY(form == OtlpForm::kJson ? decoder.decode_json(body, intake) : decoder.decode_protobuf(body, intake));
  EXPECT_LE(events.rejected, events.received);
  return Decoded{metric_text(decoder.batch()), rejections_text(events)};
}

using DatadogDecode = Result<Events> (DatadogSeriesDecoder::*)(std::string_view, const DatadogMetricIntake&);

Decode datadog(DatadogDecode decode) {
  return [decode](std::string_view body) -> Result<Decoded> {
    DeltaSums sums;
    DatadogSeriesDecoder decoder;
    Events events = CLEW_TRY((decoder.*decode)(body, {sums, kNowMillis}));
    EXPECT_LE(events.rejected, events.received);
    return Decoded{metric_text(decoder.batch()), rejections_text(events)};
  };
}

Result<Decoded> decode_influx(std::string_view body) {
  InfluxDecoder decoder;
  model::MetricBatch batch;
  Events events;
  decoder.decode(body, {.unit_nanos = 1, .arrival_millis = kNowMillis, .labels = {{"db", "mydb"}}}, batch, events);
  uint64_t texts = events.rejected_by_reason[static_cast<size_t>(Reason::kUnsupported)];
  return Decoded{metric_text(batch), rejections_text(events) + "\n" + std::to_string(texts) + " text fields"};
}

// What is read of each line.
template <class Read>
Result<Decoded> decode_lines(std::string_view body, Read read) {
  Decoded out;
  uint64_t number = 0;
  while (!body.empty()) {
    size_t end = body.find('\n');
    ++number;
    Status done = read(body.substr(0, end), out.samples);
    if (!done.ok()) out.reply += std::to_string(number) + ": " + done.error().message() + "\n";
    body = end == std::string_view::npos ? std::string_view() : body.substr(end + 1);
  }
  return out;
}

void append_tags(const std::vector<std::pair<std::string_view, std::string_view>>& tags, std::string& out) {
  for (const auto& [name, value] : tags) out += fmt::format(" {}={}", name, value);
}

Status read_statsd(std::string_view line, std::string& out) {
  StatsdForm form = statsd_form_of(line);
  if (form != StatsdForm::kSamples) {
    std::string json;
    CLEW_TRY(statsd_json(line, form, json));
    out += json + "\n";
    return {};
  }
  StatsdLine read;
  CLEW_TRY(read_statsd_line(line, read));
  constexpr const char* kKinds[] = {"counter", "gauge", "timer", "set"};
  out += std::string(read.name);
  append_tags(read.tags, out);
  for (const StatsdValue& v : read.values) {
    out += fmt::format(" {} {}{}", kKinds[static_cast<int>(v.kind)], v.change ? "by " : "",
                       v.kind == StatsdKind::kSet ? std::string(v.member) : fmt::format("{}", v.value));
  }
  out += fmt::format(" rate {}{}\n", read.rate, read.millis != 0 ? fmt::format(" @{}", read.millis) : std::string());
  return {};
}

Status read_graphite(std::string_view line, std::string& out) {
  GraphiteLine read;
  CLEW_TRY(read_graphite_line(line, read));
  out += std::string(read.path);
  append_tags(read.tags, out);
  out += fmt::format(" {} @{}\n", read.value, read.millis);
  return {};
}

std::map<std::string, Decode> protocols() {
  std::map<std::string, Decode> out;
  out["otlp_metrics_json"] = [](auto body) { return decode_otlp(body, OtlpForm::kJson, {}); };
  out["otlp_metrics_utf8"] = [](auto body) {
    return decode_otlp(body, OtlpForm::kJson,
                       {.names = NameStyle::kUnchanged, .scope_labels = false, .promote = {"deployment.environment"}});
  };
  out["otlp_metrics_protobuf"] = [](auto body) { return decode_otlp(body, OtlpForm::kProtobuf, {}); };
  out["datadog_series_v1"] = datadog(&DatadogSeriesDecoder::decode_v1);
  out["datadog_series_v2"] = datadog(&DatadogSeriesDecoder::decode_v2_json);
  out["datadog_series_v2_protobuf"] = datadog(&DatadogSeriesDecoder::decode_v2_protobuf);
  out["datadog_sketches"] = datadog(&DatadogSeriesDecoder::decode_sketches);
  out["datadog_checks"] = [](auto body) -> Result<Decoded> {
    Decoded decoded;
    CLEW_TRY(datadog_checks_to_lines(body, decoded.samples));
    return decoded;
  };
  out["influx"] = decode_influx;
  out["statsd"] = [](auto body) { return decode_lines(body, read_statsd); };
  out["graphite"] = [](auto body) { return decode_lines(body, read_graphite); };
  return out;
}

std::string file_text(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::stringstream out;
  out << in.rdbuf();
  return out.str();
}

void compare(const fs::path& path, const std::string& got) {
  if (std::getenv("CLEW_UPDATE") != nullptr) {
    std::ofstream(path, std::ios::binary) << got;
    return;
  }
  EXPECT_EQ(file_text(path), got) << path;
}

void check_cuts(const Decode& decode, const std::string& body) {
  for (size_t n = 0; n < body.size(); ++n) {
    // A copy without a byte to spare, so that the sanitizer sees reads beyond the end.
    std::vector<char> bytes(body.begin(), body.begin() + static_cast<std::ptrdiff_t>(n));
    (void)decode({bytes.data(), bytes.size()}).ok();
  }
}

TEST(MetricFiles, SamplesAndReplies) {
  std::map<std::string, Decode> known = protocols();
  size_t cases = 0;
  for (const auto& [name, decode] : known) {
    for (const auto& entry : fs::directory_iterator(fs::path("tests/wire") / name)) {
      fs::path path = entry.path();
      if (path.extension() != ".in") continue;
      ++cases;
      SCOPED_TRACE(path.string());
      std::string body = file_text(path);
      Result<Decoded> got = decode(body);
      compare(fs::path(path).replace_extension(".want"), got.ok() ? got->samples : "");
      compare(fs::path(path).replace_extension(".reply"),
              (got.ok() ? got->reply : "error: " + got.error().message()) + "\n");
      check_cuts(decode, body);
    }
  }
  EXPECT_GE(cases, known.size());
}

}  // namespace
}  // namespace clew::wire
