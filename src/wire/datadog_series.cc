#include "wire/datadog_series.h"

#include <charconv>
#include <cmath>
#include <optional>
#include <utility>

#include "base/bytes.h"
#include "wire/datadog_sketch.h"
#include "wire/json_cursor.h"
#include "wire/metric_names.h"
#include "wire/protobuf.h"

namespace clew::wire {
namespace {

constexpr size_t kDepthMax = 64;
constexpr double kSecondsMost = 1e11;
constexpr size_t kTagsMax = 128;
constexpr size_t kPointsMax = 100'000;  // of a series

constexpr uint32_t bytes_tag(uint32_t field) { return proto_tag(field, WireType::kBytes); }
constexpr uint32_t varint_tag(uint32_t field) { return proto_tag(field, WireType::kVarint); }
constexpr uint32_t real_tag(uint32_t field) { return proto_tag(field, WireType::kFixed64); }

using From = SeriesLabels::From;

std::optional<double> number_of(std::string_view text) {
  double v = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), v);
  if (error != std::errc() || end != text.data() + text.size() || !std::isfinite(v)) return std::nullopt;
  return v;
}

Error malformed(const ProtoReader& in, std::string_view body) {
  return Error(Code::kInvalid, "malformed protobuf at byte " + std::to_string(in.position() - body.data()));
}

}  // namespace

void DatadogSeriesDecoder::Series::clear() {
  metric.clear();
  unit.clear();
  kind = Kind::kGauge;
  interval = 0;
  labels.clear();
  points.clear();
}

void DatadogSeriesDecoder::Series::add_tag(std::string_view tag) {
  if (tag.empty() || labels.size() >= kTagsMax) return;
  size_t colon = tag.find(':');
  if (colon == std::string_view::npos)
    labels.emplace_back(tag, "true");
  else if (colon > 0)
    labels.emplace_back(tag.substr(0, colon), tag.substr(colon + 1));
}

// Reads series out of JSON that was checked.
struct DatadogJson {
  JsonCursor in;
  std::string text;
  int version = 1;
  using Series = DatadogSeriesDecoder::Series;
  using Kind = DatadogSeriesDecoder::Kind;
  using Point = DatadogSeriesDecoder::Point;

  std::string_view scalar() {
    (void)in.peek();
    if (in.is_scalar()) return in.token(text).text;
    in.skip();
    return {};
  }
  template <class Take>
  void each_element(Take&& take) {
    if (in.peek() != '[') return in.skip();
    in.enter();
    while (in.more()) take();
  }
  template <class Take>
  void each_member(Take&& take) {
    if (in.peek() != '{') return in.skip();
    in.enter();
    while (in.more()) take(in.key());
  }

  static Kind kind_of(std::string_view word) {
    if (word == "count" || word == "1") return Kind::kCount;
    return word == "rate" || word == "2" ? Kind::kRate : Kind::kGauge;
  }

  // [SECONDS, VALUE], or [SECONDS, [VALUES]] of a distribution, of which there are several then.
  void point_v1(Series& series) {
    Point point;
    point.good = false;
    size_t place = 0;
    each_element([&] {
      if (place == 1 && in.peek() == '[') {
        each_element([&] { take_value(series, point); });
        place = 3;
        return;
      }
      std::optional<double> v = number_of(scalar());
      if (place == 0 && v) point.seconds = *v;
      if (place == 1 && v) point.value = *v;
      point.good = v && (place == 1 || point.good);
      ++place;
    });
    if (place == 3) return;
    point.good = point.good && place == 2;
    series.points.push_back(point);
  }
  void take_value(Series& series, Point point) {
    std::optional<double> v = number_of(scalar());
    point.good = v.has_value();
    point.value = v.value_or(0);
    series.points.push_back(point);
  }

  void point_v2(Series& series) {
    Point point;
    point.good = false;
    each_member([&](std::string_view key) {
      std::optional<double> v = number_of(scalar());
      if (key == "timestamp") point.seconds = v.value_or(-1);
      if (key != "value") return;
      point.good = v.has_value();
      point.value = v.value_or(0);
    });
    series.points.push_back(point);
  }

  // {"name":"web1","type":"host"} is the label host.
  void resource(Series& series) {
    std::string name, type;
    each_member([&](std::string_view key) {
      std::string_view value = scalar();
      if (key == "name") name = value;
      if (key == "type") type = value;
    });
    if (!name.empty() && !type.empty()) series.labels.emplace_back(type, name);
  }

  void series(Series& out) {
    each_member([&](std::string_view key) {
      if (key == "metric") {
        out.metric = scalar();
      } else if (key == "type") {
        out.kind = kind_of(scalar());
      } else if (key == "interval") {
        out.interval = number_of(scalar()).value_or(0);
      } else if (key == "unit") {
        out.unit = scalar();
      } else if (key == "host" || key == "device") {
        std::string_view value = scalar();
        if (!value.empty()) out.labels.emplace_back(key, value);
      } else if (key == "tags") {
        each_element([&] { out.add_tag(scalar()); });
      } else if (key == "resources") {
        each_element([&] { resource(out); });
      } else if (key == "points") {
        each_element([&] { version == 1 ? point_v1(out) : point_v2(out); });
      } else {
        in.skip();
      }
    });
  }
};

void DatadogSeriesDecoder::begin() { batch_.clear(); }

// The labels of the series, into labels_ and metric_.
bool DatadogSeriesDecoder::pack(std::string_view suffix) {
  metric_ = plain_metric_name(series_.metric);
  if (metric_.empty()) return false;
  metric_ += suffix;
  labels_.clear();
  names_.clear();
  names_.reserve(series_.labels.size());  // no name moves
  for (const auto& [name, value] : series_.labels) {
    names_.push_back(plain_label_name(name));
    labels_.add(From::kAttribute, names_.back(), value, name);
  }
  return true;
}

Status DatadogSeriesDecoder::put(const DatadogMetricIntake& intake, Events& events) {
  auto reject = [&](std::string_view why) {
    events.reject(
        {events.received, Reason::kSyntax,
         "point " + std::to_string(events.received) + " of " + quoted(series_.metric) + ": " + std::string(why)});
  };
  bool named = pack();
  if (series_.points.empty() || series_.points.size() > kPointsMax || !named) {
    ++events.received;
    reject(!named ? "no name that a metric can have" : series_.points.empty() ? "no points" : "too many points");
    return {};
  }
  model::LabelsView packed = labels_.pack(metric_);
  key_.assign("d").append(packed.packed());
  bool any = false;
  auto begin = [&] {
    if (!std::exchange(any, true)) batch_.begin_series(packed);
  };
  for (const Point& point : series_.points) {
    ++events.received;
    if (!point.good || !(point.seconds >= 0) || point.seconds > kSecondsMost) {
      reject("expected a time in seconds and a number");
      continue;
    }
    int64_t millis = point.seconds == 0 ? intake.arrival_millis : std::llround(point.seconds * 1000);
    if (series_.kind != Kind::kCount) {
      begin();
      batch_.add_sample(millis, point.value);
      continue;
    }
    auto interval = static_cast<int64_t>(std::clamp(series_.interval, 0.0, 1e6) * 1000);
    int64_t start = std::max<int64_t>(millis - (interval > 0 ? interval : 1'000), 0);
    double total = point.value;
    DeltaAdded added = intake.sums.add(
        key_, {static_cast<uint64_t>(start) * 1'000'000, static_cast<uint64_t>(millis) * 1'000'000}, {&total, 1});
    if (added.outcome == DeltaOutcome::kOld) {
      reject("a count older than the newest of its series: it was not added up");
      continue;
    }
    begin();
    auto since = static_cast<int64_t>(added.start / 1'000'000);
    if (added.first && since + 1 < millis) batch_.add_sample(since + 1, 0, since);
    batch_.add_sample(millis, total, since);
  }
  if (any) {
    model::MetricType type = series_.kind == Kind::kCount ? model::MetricType::kCounter : model::MetricType::kGauge;
    batch_.set_metadata(metric_, {type, series_.unit, ""});
  }
  return {};
}

Result<Events> DatadogSeriesDecoder::read_json(std::string_view json, const DatadogMetricIntake& intake, int version) {
  begin();
  CLEW_TRY(check_json(json, kDepthMax));
  DatadogJson reader{JsonCursor(json), {}, version};
  if (reader.in.peek() != '{') return Error(Code::kInvalid, "expected an object with \"series\"");
  Events events;
  bool found = false;
  Status status;
  reader.each_member([&](std::string_view key) {
    if (key != "series") return reader.in.skip();
    found = true;
    reader.each_element([&] {
      series_.clear();
      reader.series(series_);
      if (status.ok()) status = put(intake, events);
    });
  });
  if (!found) return Error(Code::kInvalid, "expected an object with \"series\"");
  CLEW_TRY(std::move(status));
  return events;
}

Result<Events> DatadogSeriesDecoder::decode_v1(std::string_view json, const DatadogMetricIntake& intake) {
  return read_json(json, intake, 1);
}

Result<Events> DatadogSeriesDecoder::decode_v2_json(std::string_view json, const DatadogMetricIntake& intake) {
  return read_json(json, intake, 2);
}

Result<Events> DatadogSeriesDecoder::decode_v2_protobuf(std::string_view body, const DatadogMetricIntake& intake) {
  begin();
  Events events;
  auto read_resource = [this](std::string_view message) {
    std::string_view type, name;
    ProtoReader in(message);
    while (uint32_t tag = in.next()) {
      if (tag == bytes_tag(1))
        type = in.bytes();
      else if (tag == bytes_tag(2))
        name = in.bytes();
      else
        in.skip(tag);
    }
    if (!type.empty() && !name.empty()) series_.labels.emplace_back(type, name);
    return !in.failed();
  };
  auto read_point = [this](std::string_view message) {
    Point point;
    ProtoReader in(message);
    while (uint32_t tag = in.next()) {
      switch (tag) {
        case real_tag(1): point.value = in.real(); break;
        case varint_tag(2): point.seconds = static_cast<double>(static_cast<int64_t>(in.varint())); break;
        default: in.skip(tag);
      }
    }
    point.good = !in.failed() && std::isfinite(point.value);
    if (series_.points.size() <= kPointsMax) series_.points.push_back(point);
    return !in.failed();
  };
  for (ProtoReader all(body); all.find(bytes_tag(1)) || all.failed();) {
    if (all.failed()) return malformed(all, body);
    series_.clear();
    bool good = true;
    ProtoReader in(all.bytes());
    while (uint32_t tag = in.next()) {
      switch (tag) {
        case bytes_tag(1): good = read_resource(in.bytes()) && good; break;
        case bytes_tag(2): series_.metric = in.bytes(); break;
        case bytes_tag(3): series_.add_tag(in.bytes()); break;
        case bytes_tag(4): good = read_point(in.bytes()) && good; break;
        case varint_tag(5): {
          uint64_t type = in.varint();
          series_.kind = type == 1 ? Kind::kCount : type == 2 ? Kind::kRate : Kind::kGauge;
          break;
        }
        case bytes_tag(6): series_.unit = in.bytes(); break;
        case varint_tag(8): series_.interval = static_cast<double>(static_cast<int64_t>(in.varint())); break;
        default: in.skip(tag);
      }
    }
    if (in.failed() || !good) return malformed(in, body);
    CLEW_TRY(put(intake, events));
  }
  return events;
}

// One sketch of a metric, with the interval's least and greatest value beside it.
Status DatadogSeriesDecoder::put_sketch(std::string_view message, const DatadogMetricIntake& intake) {
  DatadogSketch sketch = CLEW_TRY(read_datadog_sketch(message));
  int64_t millis = sketch.seconds > 0 ? sketch.seconds * 1000 : intake.arrival_millis;
  constexpr int64_t kIntervalMillis = 10'000;  // of the agent
  int64_t start = std::max<int64_t>(millis - kIntervalMillis, 0);
  if (!pack()) return Error(Code::kInvalid, "no name that a metric can have");
  key_.assign("D").append(labels_.pack(metric_).packed());
  DeltaAdded added = intake.sums.add(
      key_, {static_cast<uint64_t>(start) * 1'000'000, static_cast<uint64_t>(millis) * 1'000'000}, sketch.histogram);
  if (added.outcome == DeltaOutcome::kOld) {
    return Error(Code::kInvalid, "a sketch older than the newest of its series: it was not added up");
  }
  auto since = static_cast<int64_t>(added.start / 1'000'000);
  batch_.begin_series(labels_.pack(metric_));
  if (added.first && since + 1 < millis)
    batch_.add_histogram(since + 1, ExponentialHistogram{.scale = sketch.histogram.scale}.native(), since);
  batch_.add_histogram(millis, sketch.histogram.native(), since);
  batch_.begin_series(labels_.pack(metric_ + "_min"));
  batch_.add_sample(millis, sketch.min);
  batch_.begin_series(labels_.pack(metric_ + "_max"));
  batch_.add_sample(millis, sketch.max);
  batch_.set_metadata(metric_, {model::MetricType::kHistogram, "", ""});
  return {};
}

Result<Events> DatadogSeriesDecoder::decode_sketches(std::string_view body, const DatadogMetricIntake& intake) {
  begin();
  Events events;
  std::vector<std::string_view> sketches;
  for (ProtoReader all(body); all.find(bytes_tag(1)) || all.failed();) {
    if (all.failed()) return malformed(all, body);
    series_.clear();
    sketches.clear();
    ProtoReader in(all.bytes());
    while (uint32_t tag = in.next()) {
      switch (tag) {
        case bytes_tag(1): series_.metric = in.bytes(); break;
        case bytes_tag(2): {
          std::string_view host = in.bytes();
          if (!host.empty()) series_.labels.emplace_back("host", host);
          break;
        }
        case bytes_tag(4): series_.add_tag(in.bytes()); break;
        case bytes_tag(7): sketches.push_back(in.bytes()); break;
        default: in.skip(tag);
      }
    }
    if (in.failed()) return malformed(in, body);
    for (std::string_view sketch : sketches) {
      ++events.received;
      Status put_it = put_sketch(sketch, intake);
      if (put_it.ok()) continue;
      events.reject({events.received, Reason::kSyntax,
                     "sketch " + std::to_string(events.received) + " of " + quoted(series_.metric) + ": " +
                         put_it.error().message()});
    }
  }
  return events;
}

}  // namespace clew::wire
