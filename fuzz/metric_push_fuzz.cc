// Requests that bring samples; the first byte chooses the protocol. Decoders that remember earlier inputs must agree
// with fresh ones.
#include <string>

#include "wire/datadog_check.h"
#include "wire/datadog_series.h"
#include "wire/graphite.h"
#include "wire/influx_line.h"
#include "wire/metric_text.h"
#include "wire/otlp_metrics.h"
#include "wire/statsd.h"
#include "wire_check.h"

namespace {

using namespace clew;

std::string otlp_text(wire::OtlpMetricsDecoder& decoder, std::string_view body, bool json, wire::NameStyle names) {
  wire::DeltaSums sums;
  wire::OtlpMetricOptions options{.names = names, .scope_labels = true, .promote = {"*"}};
  wire::OtlpMetricIntake intake{options, sums, 1'795'171'025'000};
  Result<wire::Events> events = json ? decoder.decode_json(body, intake) : decoder.decode_protobuf(body, intake);
  if (!events.ok()) return events.error().message();
  fuzz::require(events->rejected <= events->received);
  return std::to_string(events->received) + " " + std::to_string(events->rejected) + "\n" +
         wire::metric_text(decoder.batch());
}

void check_otlp(std::string_view body, bool json, wire::NameStyle names) {
  static wire::OtlpMetricsDecoder kept;
  wire::OtlpMetricsDecoder fresh;
  fuzz::require(otlp_text(kept, body, json, names) == otlp_text(fresh, body, json, names));
}

using DatadogDecode = Result<wire::Events> (wire::DatadogSeriesDecoder::*)(std::string_view,
                                                                           const wire::DatadogMetricIntake&);

std::string datadog_text(wire::DatadogSeriesDecoder& decoder, std::string_view body, DatadogDecode decode) {
  wire::DeltaSums sums;
  Result<wire::Events> events = (decoder.*decode)(body, {sums, 1'795'171'025'000});
  if (!events.ok()) return events.error().message();
  fuzz::require(events->rejected <= events->received);
  return wire::metric_text(decoder.batch());
}

void check_datadog(std::string_view body, DatadogDecode decode) {
  static wire::DatadogSeriesDecoder kept;
  wire::DatadogSeriesDecoder fresh;
  fuzz::require(datadog_text(kept, body, decode) == datadog_text(fresh, body, decode));
}

void check_influx(std::string_view body) {
  wire::InfluxDecoder decoder;
  model::MetricBatch batch;
  wire::Events events;
  decoder.decode(body, {.unit_nanos = 1'000'000'000, .arrival_millis = 1}, batch, events);
  fuzz::require(events.rejected <= events.received);
}

// What is read stands in the line.
void check_lines(std::string_view body) {
  wire::StatsdLine statsd;
  wire::GraphiteLine graphite;
  std::string json;
  while (!body.empty()) {
    size_t end = body.find('\n');
    std::string_view line = body.substr(0, end);
    body = end == std::string_view::npos ? std::string_view() : body.substr(end + 1);
    wire::StatsdForm form = wire::statsd_form_of(line);
    if (form != wire::StatsdForm::kSamples) {
      (void)wire::statsd_json(line, form, json).ok();
    } else if (wire::read_statsd_line(line, statsd).ok()) {
      fuzz::require(!statsd.values.empty() && statsd.rate > 0 && statsd.rate <= 1);
      fuzz::require(line.find(statsd.name) != std::string_view::npos);
    }
    if (wire::read_graphite_line(line, graphite).ok())
      fuzz::require(line.find(graphite.path) != std::string_view::npos);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t bytes) {
  if (bytes == 0) return 0;
  std::string_view body(reinterpret_cast<const char*>(data) + 1, bytes - 1);
  switch (data[0]) {
    case 'o': check_otlp(body, false, wire::NameStyle::kSuffixes); break;
    case 'O': check_otlp(body, true, wire::NameStyle::kSuffixes); break;
    case 'u': check_otlp(body, true, wire::NameStyle::kUtf8Suffixes); break;
    case '1': check_datadog(body, &wire::DatadogSeriesDecoder::decode_v1); break;
    case '2': check_datadog(body, &wire::DatadogSeriesDecoder::decode_v2_json); break;
    case '3': check_datadog(body, &wire::DatadogSeriesDecoder::decode_v2_protobuf); break;
    case '4': check_datadog(body, &wire::DatadogSeriesDecoder::decode_sketches); break;
    case '5': {
      std::string lines;
      (void)wire::datadog_checks_to_lines(body, lines).ok();
      break;
    }
    case 'i': check_influx(body); break;
    case 's': check_lines(body); break;
    default: break;
  }
  return 0;
}
