#include "wire/otlp_metrics.h"

#include <algorithm>
#include <cstring>
#include <optional>

#include "wire/otlp_json.h"
#include "wire/otlp_points.h"
#include "wire/otlp_series.h"
#include "wire/otlp_walk.h"
#include "wire/protobuf.h"

namespace clew::wire {
namespace {

constexpr std::string_view kItemName = "data point";
constexpr uint32_t bytes_tag(uint32_t field) { return proto_tag(field, WireType::kBytes); }
constexpr uint32_t kPoints = bytes_tag(1);

enum class Temporality : uint8_t { kUnspecified, kDelta, kCumulative };

// A Metric's own fields; its points are not looked at yet.
struct Metric {
  std::string_view name;
  std::string_view description;
  std::string_view unit;
  std::string_view data;  // Gauge, Sum ...; the last one holds
  std::optional<OtlpPointKind> kind;
  bool is_sum = false;
  bool monotonic = false;
  Temporality temporality = Temporality::kUnspecified;
};

ProtoProblem end_of(const ProtoReader& in) {
  if (in.failed()) return {"malformed protobuf", in.position()};
  return {};
}

// What stands beside the points; their frames are checked by the way.
ProtoProblem read_data(Metric& m) {
  ProtoReader in(m.data);
  while (uint32_t tag = in.next()) {
    switch (tag) {
      case proto_tag(2, WireType::kVarint): {
        uint64_t v = in.varint();
        m.temporality = v <= 2 ? static_cast<Temporality>(v) : Temporality::kUnspecified;
        break;
      }
      case proto_tag(3, WireType::kVarint): m.monotonic = in.varint() != 0; break;
      default: in.skip(tag);
    }
  }
  return end_of(in);
}

ProtoProblem read_metric(std::string_view message, Metric& m) {
  auto take = [&m](OtlpPointKind kind, std::string_view data, bool is_sum) {
    m.kind = kind;
    m.data = data;
    m.is_sum = is_sum;
  };
  ProtoReader in(message);
  while (uint32_t tag = in.next()) {
    switch (tag) {
      case bytes_tag(1): m.name = in.bytes(); break;
      case bytes_tag(2): m.description = in.bytes(); break;
      case bytes_tag(3): m.unit = in.bytes(); break;
      case bytes_tag(5): take(OtlpPointKind::kNumber, in.bytes(), false); break;
      case bytes_tag(7): take(OtlpPointKind::kNumber, in.bytes(), true); break;
      case bytes_tag(9): take(OtlpPointKind::kHistogram, in.bytes(), false); break;
      case bytes_tag(10): take(OtlpPointKind::kExponential, in.bytes(), false); break;
      case bytes_tag(11): take(OtlpPointKind::kSummary, in.bytes(), false); break;
      default: in.skip(tag);
    }
  }
  if (ProtoProblem wrong = end_of(in)) return wrong;
  return m.kind ? read_data(m) : ProtoProblem{};
}

bool is_counter(const Metric& m) { return m.is_sum && m.monotonic; }

NamedKind named_kind(const Metric& m) {
  if (is_counter(m)) return NamedKind::kCounter;
  return m.kind == OtlpPointKind::kNumber && !m.is_sum ? NamedKind::kGauge : NamedKind::kOther;
}

model::MetricType type_of(const Metric& m) {
  switch (*m.kind) {
    case OtlpPointKind::kHistogram:
    case OtlpPointKind::kExponential: return model::MetricType::kHistogram;
    case OtlpPointKind::kSummary: return model::MetricType::kSummary;
    case OtlpPointKind::kNumber: break;
  }
  return is_counter(m) ? model::MetricType::kCounter : model::MetricType::kGauge;
}

}  // namespace

struct OtlpMetricsDecoder::State {
  OtlpWalk walk;
  JsonToProto json;
  OtlpSeries series;
  OtlpPoint point;

  Result<Events> decode(std::string_view body, const OtlpMetricIntake& intake);
  void take_metric(std::string_view message, std::string_view body, const OtlpMetricIntake& intake, Events& events);
  Status take_point(const Metric& metric, std::string_view message, std::string_view body,
                    const OtlpMetricIntake& intake);
};

Status OtlpMetricsDecoder::State::take_point(const Metric& metric, std::string_view message, std::string_view body,
                                             const OtlpMetricIntake& intake) {
  ProtoProblem wrong = read_point(*metric.kind, message, point);
  if (!wrong) wrong = series.begin_point(point);
  if (wrong) {
    return Error(Code::kInvalid, std::string(wrong.text) + " at byte " + std::to_string(wrong.at - body.data()));
  }
  if (point.time == 0) point.time = static_cast<uint64_t>(intake.arrival_millis) * 1'000'000;
  bool adds_up =
      metric.is_sum || metric.kind == OtlpPointKind::kHistogram || metric.kind == OtlpPointKind::kExponential;
  if (adds_up && metric.temporality == Temporality::kUnspecified) {
    return Error(Code::kInvalid, "neither delta nor cumulative: aggregation_temporality is not set");
  }
  DeltaSums* sums = adds_up && metric.temporality == Temporality::kDelta ? &intake.sums : nullptr;
  if (!adds_up || (metric.is_sum && !metric.monotonic && sums == nullptr)) point.start = 0;
  switch (*metric.kind) {
    case OtlpPointKind::kHistogram: return series.put_histogram(point, sums);
    case OtlpPointKind::kExponential: return series.put_exponential(point, sums);
    case OtlpPointKind::kSummary: return series.put_summary(point);
    case OtlpPointKind::kNumber: break;
  }
  return series.put_number(point, sums);
}

void OtlpMetricsDecoder::State::take_metric(std::string_view message, std::string_view body,
                                            const OtlpMetricIntake& intake, Events& events) {
  Metric metric;
  if (ProtoProblem wrong = read_metric(message, metric)) {
    ++events.received;
    events.reject({events.received, Reason::kSyntax, describe(kItemName, events.received, wrong, body)});
    return;
  }
  if (!metric.kind) return;  // no data, or of a kind that is not known yet
  std::string name = metric_name_of(intake.options.names, metric.name, metric.unit, named_kind(metric));
  bool told = name.empty();
  for (ProtoReader points(metric.data); points.find(kPoints);) {
    ++events.received;
    Status taken =
        Error(Code::kInvalid, "its metric's name " + quoted(metric.name) + " has nothing that a name can have");
    if (!name.empty()) {
      series.begin_metric(name);
      taken = take_point(metric, points.bytes(), body, intake);
    } else {
      (void)points.bytes();
    }
    if (!taken.ok()) {
      events.reject({events.received, Reason::kSyntax,
                     std::string(kItemName) + " " + std::to_string(events.received) + " (" +
                         std::string(metric.name.substr(0, 80)) + "): " + taken.error().message()});
      continue;
    }
    if (told) continue;
    told = true;
    series.batch().set_metadata(
        name, {type_of(metric), metric_unit_of(intake.options.names, metric.unit), std::string(metric.description)});
  }
}

Result<Events> OtlpMetricsDecoder::State::decode(std::string_view body, const OtlpMetricIntake& intake) {
  Events events;
  series.begin_request(intake.options);
  std::string_view message;
  for (walk.begin(body); walk.next_scope();) {
    series.begin_scope(walk.shared());
    while (walk.next_item(message)) take_metric(message, body, intake, events);
  }
  series.end_request();
  if (walk.failed()) {
    series.batch().clear();
    return walk.error();
  }
  return events;
}

OtlpMetricsDecoder::OtlpMetricsDecoder() : state_(std::make_unique<State>()) {}
OtlpMetricsDecoder::~OtlpMetricsDecoder() = default;

const model::MetricBatch& OtlpMetricsDecoder::batch() const { return state_->series.batch(); }

Result<Events> OtlpMetricsDecoder::decode_protobuf(std::string_view body, const OtlpMetricIntake& intake) {
  return state_->decode(body, intake);
}

Result<Events> OtlpMetricsDecoder::decode_json(std::string_view body, const OtlpMetricIntake& intake) {
  State& state = *state_;
  CLEW_TRY(state.json.convert(body, otlp_metrics_schema()));
  Events events = CLEW_TRY(state.decode(state.json.bytes(), intake));
  state.json.add_rejections(events);
  state.json.release();
  return events;
}

}  // namespace clew::wire
