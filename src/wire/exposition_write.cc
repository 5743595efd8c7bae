#include "wire/exposition_write.h"

#include <algorithm>

#include "wire/prometheus_number.h"

namespace clew::wire {
namespace {

void append_escaped(std::string_view text, bool quotes, std::string& out) {
  for (char c : text) {
    if (c == '\n') {
      out += "\\n";
      continue;
    }
    if (c == '\\' || (quotes && c == '"')) out += '\\';
    out += c;
  }
}

bool is_plain(std::string_view name, bool colons) {
  auto letter = [&](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (colons && c == ':');
  };
  return !name.empty() && letter(name.front()) &&
         std::all_of(name.begin(), name.end(), [&](char c) { return letter(c) || (c >= '0' && c <= '9'); });
}

void append_quoted(std::string_view text, std::string& out) {
  out += '"';
  append_escaped(text, true, out);
  out += '"';
}

void append_name(std::string_view name, bool colons, std::string& out) {
  if (is_plain(name, colons))
    out += name;
  else
    append_quoted(name, out);
}

// Prometheus' text knows fewer types than OpenMetrics.
std::string_view text_type(model::MetricType type) {
  switch (type) {
    case model::MetricType::kCounter: return "counter";
    case model::MetricType::kGauge: return "gauge";
    case model::MetricType::kHistogram: return "histogram";
    case model::MetricType::kSummary: return "summary";
    default: return "untyped";
  }
}

}  // namespace

void write_told(std::string_view metric, model::MetricType type, std::string_view help, std::string& out) {
  if (!help.empty()) {
    out += "# HELP ";
    append_name(metric, true, out);
    out += ' ';
    append_escaped(help, false, out);
    out += '\n';
  }
  out += "# TYPE ";
  append_name(metric, true, out);
  out.append(" ").append(text_type(type)) += '\n';
}

void write_sample(model::LabelsView labels, SampleText how, double value, std::optional<int64_t> millis,
                  std::string& out) {
  std::string metric = escape_name(labels.metric_name(), how.names);
  bool plain = is_plain(metric, true);
  if (plain) out += metric;
  char before = '{';
  auto begin = [&] {
    out += before;
    before = ',';
  };
  if (!plain) {
    begin();
    append_quoted(metric, out);
  }
  for (model::Label label : labels) {
    if (label.name == model::kMetricNameLabel) continue;
    begin();
    append_name(escape_name(label.name, how.names), false, out);
    out += '=';
    append_quoted(label.value, out);
  }
  if (how.empty_instance) {
    begin();
    out += "instance=\"\"";
  }
  if (before == ',') out += '}';
  out += ' ';
  out += exposition_number(value);
  if (millis) out += ' ' + std::to_string(*millis);
  out += '\n';
}

}  // namespace clew::wire
