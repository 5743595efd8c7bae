// Prometheus' HTTP API: the form of its answers (https://prometheus.io/docs/prometheus/latest/querying/api/).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "api/json_writer.h"
#include "base/result.h"
#include "model/metric.h"
#include "net/http_message.h"
#include "query/promql/promql.h"

namespace clew::api {

// A number as a sample's value is written: the shortest text that reads back, without an exponent; +Inf, -Inf, NaN.
std::string prometheus_number(double value);
// Seconds with up to three digits behind the point.
std::string prometheus_time(int64_t millis);

// "1700000000", "1700000000.123", RFC 3339. Milliseconds. Errors: kInvalid naming the parameter.
Result<int64_t> parse_prometheus_time(std::string_view name, std::string_view text);
// "15", "0.5", "1m30s". Milliseconds, at least 1. Errors: kInvalid naming the parameter.
Result<int64_t> parse_prometheus_duration(std::string_view name, std::string_view text);

// {"resultType":..,"result":..}; `matrix`: of a range query.
void write_answer(const query::promql::Answer& answer, JsonWriter& json);
void write_labels(model::LabelsView labels, JsonWriter& json);

// The parameters of a request, those of a form in its body included.
class FormParams {
 public:
  explicit FormParams(const net::Request& request);
  std::string_view get(std::string_view name) const;
  std::vector<std::string_view> all(std::string_view name) const;

 private:
  std::vector<std::pair<std::string, std::string>> params_;
};

// 400 bad_data, 422 execution, 503 timeout and canceled, 500 internal.
net::Response prometheus_error(const Error& error);

}  // namespace clew::api
