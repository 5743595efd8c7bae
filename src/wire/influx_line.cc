#include "wire/influx_line.h"

#include <charconv>
#include <cmath>
#include <limits>

#include "wire/metric_names.h"

namespace clew::wire {
namespace {

using From = SeriesLabels::From;

constexpr int64_t kNanosPerMilli = 1'000'000;

Error expected(std::string_view line, size_t at, std::string_view what) {
  std::string_view rest = line.substr(std::min(at, line.size()));
  return Error(Code::kInvalid, "column " + std::to_string(at + 1) + ": expected " + std::string(what) + ", not " +
                                   (rest.empty() ? std::string("the end") : quoted(rest)));
}

// A name or a tag's value, up to one of `ends` that has no backslash before it.
std::string unescaped_until(std::string_view line, size_t& at, std::string_view ends) {
  std::string out;
  for (; at < line.size() && ends.find(line[at]) == std::string_view::npos; ++at) {
    bool escape = line[at] == '\\' && at + 1 < line.size() &&
                  (line[at + 1] == ',' || line[at + 1] == ' ' || line[at + 1] == '=' || line[at + 1] == '\\');
    if (escape) ++at;
    out.push_back(line[at]);
  }
  return out;
}

bool is_true(std::string_view v) { return v == "t" || v == "T" || v == "true" || v == "True" || v == "TRUE"; }
bool is_false(std::string_view v) { return v == "f" || v == "F" || v == "false" || v == "False" || v == "FALSE"; }

bool read_real(std::string_view text, double& v) {
  if (text.starts_with('+')) text.remove_prefix(1);
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), v);
  return error == std::errc() && end == text.data() + text.size() && std::isfinite(v);
}

}  // namespace

int64_t influx_precision_nanos(std::string_view precision) {
  if (precision == "ns" || precision == "n") return 1;
  if (precision == "us" || precision == "u" || precision == "\xc2\xb5") return 1'000;
  if (precision == "ms") return 1'000'000;
  if (precision == "s") return 1'000'000'000;
  if (precision == "m") return 60'000'000'000;
  return precision == "h" ? 3'600'000'000'000 : 0;
}

// The measurement and its tags, up to the blank behind them.
Status InfluxDecoder::read_key(std::string_view line, size_t& at) {
  measurement_ = unescaped_until(line, at, ", ");
  if (measurement_.empty()) return expected(line, at, "a measurement");
  tags_.clear();
  while (at < line.size() && line[at] == ',') {
    ++at;
    size_t begin = at;
    std::string name = unescaped_until(line, at, "=, ");
    if (name.empty() || at >= line.size() || line[at] != '=') return expected(line, begin, "a tag NAME=VALUE");
    ++at;
    std::string value = unescaped_until(line, at, ", ");
    if (tags_.size() >= kInfluxTagsMax) return expected(line, begin, "at most 128 tags");
    tags_.emplace_back(std::move(name), std::move(value));
  }
  return {};
}

Status InfluxDecoder::read_value(std::string_view line, size_t& at, Field& field) {
  if (at < line.size() && line[at] == '"') {
    size_t begin = at++;
    while (at < line.size() && line[at] != '"') at += line[at] == '\\' ? 2 : 1;
    if (at >= line.size()) return expected(line, begin, "a text that ends with a quote");
    ++at;
    ++texts_;
    return {};
  }
  size_t begin = at;
  while (at < line.size() && line[at] != ',' && line[at] != ' ') ++at;
  std::string_view text = line.substr(begin, at - begin);
  if (is_true(text) || is_false(text)) {
    field.value = is_true(text) ? 1 : 0;
  } else {
    std::string_view digits = text;
    if (digits.ends_with('i') || digits.ends_with('u')) digits.remove_suffix(1);
    if (!read_real(digits, field.value)) return expected(line, begin, "a number, true, false or a quoted text");
  }
  fields_.push_back(std::move(field));
  return {};
}

Status InfluxDecoder::read_fields(std::string_view line, size_t& at) {
  fields_.clear();
  texts_ = 0;
  while (at < line.size() && line[at] == ' ') ++at;
  while (true) {
    size_t begin = at;
    Field field;
    field.name = unescaped_until(line, at, "=, ");
    if (field.name.empty() || at >= line.size() || line[at] != '=') return expected(line, begin, "a field NAME=VALUE");
    ++at;
    CLEW_TRY(read_value(line, at, field));
    if (at >= line.size() || line[at] != ',') break;
    ++at;
  }
  if (at < line.size() && line[at] != ' ') return expected(line, at, "a comma, a blank or the end");
  return {};
}

Status InfluxDecoder::read_time(std::string_view line, size_t at, const InfluxOptions& options) {
  while (at < line.size() && line[at] == ' ') ++at;
  std::string_view text = line.substr(at);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\r')) text.remove_suffix(1);
  millis_ = options.arrival_millis;
  if (text.empty()) return {};
  int64_t time = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), time);
  if (error != std::errc() || end != text.data() + text.size()) return expected(line, at, "a time, a whole number");
  if (options.unit_nanos >= kNanosPerMilli) {
    int64_t factor = options.unit_nanos / kNanosPerMilli;
    if (time > std::numeric_limits<int64_t>::max() / factor || time < std::numeric_limits<int64_t>::min() / factor)
      return expected(line, at, "a time that can be");
    millis_ = time * factor;
  } else {
    millis_ = time / (kNanosPerMilli / options.unit_nanos);
  }
  return {};
}

Result<uint64_t> InfluxDecoder::add_line(std::string_view line, const InfluxOptions& options,
                                         model::MetricBatch& batch) {
  size_t at = 0;
  CLEW_TRY(read_key(line, at));
  CLEW_TRY(read_fields(line, at));
  CLEW_TRY(read_time(line, at, options));
  std::vector<std::string> names;
  names.reserve(tags_.size() + options.labels.size());  // no name moves
  labels_.clear();
  auto add = [&](From from, std::string_view name, std::string_view value) {
    names.push_back(plain_label_name(name));
    labels_.add(from, names.back(), value, name);
  };
  for (const auto& [name, value] : tags_) add(From::kAttribute, name, value);
  for (const auto& [name, value] : options.labels) add(From::kPromoted, name, value);
  for (const Field& field : fields_) {
    name_ = plain_metric_name(field.name == "value" ? measurement_ : measurement_ + "_" + field.name);
    if (name_.empty()) return expected(line, 0, "a measurement with a letter");
    batch.begin_series(labels_.pack(name_));
    batch.add_sample(millis_, field.value);
  }
  return texts_;
}

void InfluxDecoder::decode(std::string_view body, const InfluxOptions& options, model::MetricBatch& batch,
                           Events& events) {
  uint64_t number = 0;
  while (!body.empty()) {
    size_t end = body.find('\n');
    std::string_view line = body.substr(0, end);
    body = end == std::string_view::npos ? std::string_view() : body.substr(end + 1);
    ++number;
    if (line.ends_with('\r')) line.remove_suffix(1);
    while (line.starts_with(' ')) line.remove_prefix(1);
    if (line.empty() || line.front() == '#') continue;
    ++events.received;
    Result<uint64_t> added = add_line(line, options, batch);
    if (!added.ok()) {
      events.reject({number, Reason::kSyntax, "line " + std::to_string(number) + ": " + added.error().message()});
    } else if (*added > 0) {
      events.rejected_by_reason[static_cast<size_t>(Reason::kUnsupported)] += *added;
    }
  }
}

}  // namespace clew::wire
