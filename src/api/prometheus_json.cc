#include "api/prometheus_json.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include "query/promql/duration.h"
#include "query/promql/histogram.h"
#include "text/time_format.h"

namespace clew::api {
namespace {

using query::promql::Answer;
using query::promql::ResultSeries;
using query::promql::ValueType;

constexpr double kMillisMost = 9e15;  // whole numbers below are exact

// How a bucket's ends belong to it, as Prometheus numbers them.
int64_t boundary_of(const query::promql::Bucket& bucket) {
  if (bucket.lower_inclusive && bucket.upper_inclusive) return 3;
  if (bucket.lower_inclusive) return 1;
  return bucket.upper_inclusive ? 0 : 2;
}

constexpr size_t kTimeBytes = 32;     // of a printed time, at most
constexpr size_t kNumberBytes = 400;  // of a printed number: the largest and the smallest in full

// Prints to `to`, which has room for kTimeBytes, and gives the end.
char* print_time(int64_t millis, char* to) {
  uint64_t whole = static_cast<uint64_t>(millis);
  if (millis < 0) {
    *to++ = '-';
    whole = 0 - whole;
  }
  to = std::to_chars(to, to + kTimeBytes - 8, whole / 1000).ptr;
  auto rest = static_cast<unsigned>(whole % 1000);
  if (rest == 0) return to;
  *to++ = '.';
  for (unsigned unit = 100; rest > 0; rest %= unit, unit /= 10) *to++ = static_cast<char>('0' + rest / unit);
  return to;
}

// The same for kNumberBytes.
char* print_number(double value, char* to) {
  auto text = [&](std::string_view v) { return std::copy(v.begin(), v.end(), to); };
  if (std::isnan(value)) return text("NaN");
  if (std::isinf(value)) return text(value > 0 ? "+Inf" : "-Inf");
  constexpr double kWholeMost = 1e15;
  bool whole = std::fabs(value) < kWholeMost && value == std::trunc(value) && (value != 0 || !std::signbit(value));
  if (whole) return std::to_chars(to, to + kNumberBytes, static_cast<int64_t>(value)).ptr;
  return std::to_chars(to, to + kNumberBytes, value, std::chars_format::fixed).ptr;
}

void write_point(int64_t millis, double value, JsonWriter& json) {
  std::array<char, kTimeBytes + kNumberBytes + 8> buffer;
  char* to = buffer.data();
  *to++ = '[';
  to = print_time(millis, to);
  *to++ = ',';
  *to++ = '"';
  to = print_number(value, to);
  *to++ = '"';
  *to++ = ']';
  json.raw({buffer.data(), static_cast<size_t>(to - buffer.data())});
}

void write_histogram(int64_t millis, const model::Histogram& histogram, JsonWriter& json) {
  json.begin_array();
  json.raw(prometheus_time(millis));
  json.begin_object();
  json.member("count", prometheus_number(histogram.count));
  json.member("sum", prometheus_number(histogram.sum));
  json.key("buckets");
  json.begin_array();
  for (const query::promql::Bucket& bucket : query::promql::all_buckets(histogram)) {
    if (bucket.count == 0) continue;
    json.begin_array();
    json.number(boundary_of(bucket));
    json.text(prometheus_number(bucket.lower));
    json.text(prometheus_number(bucket.upper));
    json.text(prometheus_number(bucket.count));
    json.end_array();
  }
  json.end_array();
  json.end_object();
  json.end_array();
}

void write_sample(const model::SampleColumns& samples, size_t i, JsonWriter& json) {
  if (const model::Histogram* histogram = samples.histogram(i)) {
    write_histogram(samples.millis[i], *histogram, json);
  } else {
    write_point(samples.millis[i], samples.values[i], json);
  }
}

void write_vector(const Answer& answer, JsonWriter& json) {
  for (const ResultSeries& series : answer.series) {
    if (series.samples.size() == 0) continue;
    json.begin_object();
    json.key("metric");
    write_labels(series.labels, json);
    json.key(series.samples.histogram(0) != nullptr ? "histogram" : "value");
    write_sample(series.samples, 0, json);
    json.end_object();
  }
}

void write_matrix(const Answer& answer, JsonWriter& json) {
  for (const ResultSeries& series : answer.series) {
    size_t histograms = 0;
    for (size_t i = 0; i < series.samples.size(); ++i) histograms += series.samples.histogram(i) != nullptr ? 1 : 0;
    json.begin_object();
    json.key("metric");
    write_labels(series.labels, json);
    auto list = [&](const char* name, bool of_histograms) {
      json.key(name);
      json.begin_array();
      for (size_t i = 0; i < series.samples.size(); ++i) {
        if ((series.samples.histogram(i) != nullptr) == of_histograms) write_sample(series.samples, i, json);
      }
      json.end_array();
    };
    if (histograms < series.samples.size()) list("values", false);
    if (histograms > 0) list("histograms", true);
    json.end_object();
  }
}

}  // namespace

std::string prometheus_number(double value) {
  std::array<char, kNumberBytes> buffer;
  return {buffer.data(), print_number(value, buffer.data())};
}

std::string prometheus_time(int64_t millis) {
  std::array<char, kTimeBytes> buffer;
  return {buffer.data(), print_time(millis, buffer.data())};
}

Result<int64_t> parse_prometheus_time(std::string_view name, std::string_view text) {
  double seconds = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  if (error == std::errc() && end == text.data() + text.size() && std::fabs(seconds) < kMillisMost / 1000) {
    return static_cast<int64_t>(std::llround(seconds * 1000));
  }
  text::TimeReader reader;
  std::optional<text::Time> time = reader.parse(text, {});
  if (time && !time->out_of_range && text.size() >= 10) return time->unix_nanos / 1'000'000;
  return Error(Code::kInvalid,
               "invalid parameter " + quoted(name) + ": cannot parse " + quoted(text) + " to a valid timestamp");
}

Result<int64_t> parse_prometheus_duration(std::string_view name, std::string_view text) {
  double seconds = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  if (error == std::errc() && end == text.data() + text.size()) {
    double millis = std::round(seconds * 1000);
    if (millis >= 1 && millis < kMillisMost) return static_cast<int64_t>(millis);
    return Error(Code::kInvalid,
                 "invalid parameter " + quoted(name) +
                     ": zero or negative query resolution step widths are not accepted. Try a positive integer");
  }
  std::optional<int64_t> millis = query::promql::parse_duration(text);
  if (millis && *millis >= 1) return *millis;
  return Error(Code::kInvalid,
               "invalid parameter " + quoted(name) + ": cannot parse " + quoted(text) + " to a valid duration");
}

void write_labels(model::LabelsView labels, JsonWriter& json) {
  json.begin_object();
  for (model::Label label : labels) json.member(label.name, label.value);
  json.end_object();
}

void write_answer(const Answer& answer, JsonWriter& json) {
  json.begin_object();
  switch (answer.type) {
    case ValueType::kMatrix: json.member("resultType", "matrix"); break;
    case ValueType::kVector: json.member("resultType", "vector"); break;
    case ValueType::kScalar: json.member("resultType", "scalar"); break;
    case ValueType::kString: json.member("resultType", "string"); break;
    default: break;
  }
  json.key("result");
  if (answer.type == ValueType::kScalar) {
    write_point(answer.millis, answer.scalar, json);
  } else if (answer.type == ValueType::kString) {
    json.begin_array();
    json.raw(prometheus_time(answer.millis));
    json.text(answer.text);
    json.end_array();
  } else {
    json.begin_array();
    if (answer.type == ValueType::kMatrix) {
      write_matrix(answer, json);
    } else {
      write_vector(answer, json);
    }
    json.end_array();
  }
  json.end_object();
}

FormParams::FormParams(const net::Request& request) : params_(request.query) {
  if (!request.header("content-type").starts_with("application/x-www-form-urlencoded")) return;
  for (auto& param : net::parse_query(request.body)) params_.push_back(std::move(param));
}

std::string_view FormParams::get(std::string_view name) const {
  for (const auto& [key, value] : params_) {
    if (key == name) return value;
  }
  return {};
}

std::vector<std::string_view> FormParams::all(std::string_view name) const {
  std::vector<std::string_view> values;
  for (const auto& [key, value] : params_) {
    if (key == name) values.emplace_back(value);
  }
  return values;
}

net::Response prometheus_error(const Error& error) {
  net::Response response;
  const char* type = "internal";
  switch (error.code()) {
    case Code::kInvalid:
      response.status = 400;
      type = "bad_data";
      break;
    case Code::kLimit:
    case Code::kTooLarge:
      response.status = 422;
      type = "execution";
      break;
    case Code::kDeadline:
      response.status = 503;
      type = "timeout";
      break;
    case Code::kCancelled:
      response.status = 503;
      type = "canceled";
      break;
    case Code::kNotFound:
      response.status = 404;
      type = "not_found";
      break;
    case Code::kOverloaded:
    case Code::kUnavailable:
      response.status = 503;
      type = "unavailable";
      break;
    default: response.status = 500; break;
  }
  JsonWriter json(response.body);
  json.begin_object();
  json.member("status", "error");
  json.member("errorType", type);
  json.member("error", error.message());
  json.end_object();
  return response;
}

}  // namespace clew::api
