#include "app/log_rules.h"

#include <fmt/format.h>

#include <charconv>
#include <cmath>

#include "derive/span_metrics.h"
#include "pipeline/options.h"

namespace clew::app {
namespace {

constexpr std::string_view kExample = "write orders_total: {where: \"message like 'order %'\", labels: [service.name]}";

derive::MetricKind kind_of(pipeline::Options& options) {
  std::string text = options.text("type", "counter");
  if (text == "gauge") return derive::MetricKind::kGauge;
  if (text == "histogram") return derive::MetricKind::kHistogram;
  if (text != "counter") options.blame("type is counter, gauge or histogram, not " + text);
  return derive::MetricKind::kCounter;
}

std::vector<double> bounds_of(pipeline::Options& options) {
  std::vector<double> out;
  for (const std::string& text : options.list("buckets")) {
    double bound = 0;
    auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), bound);
    if (error != std::errc() || end != text.data() + text.size() || !std::isfinite(bound)) {
      options.blame("buckets are numbers that rise, as [0.1, 1, 10]; " + clew::quoted(text) + " is none");
      continue;
    }
    out.push_back(bound);
  }
  return out;
}

// {label: field}, or a list of fields that give labels of their names.
std::vector<std::pair<std::string, std::string>> labels_of(pipeline::Options& options) {
  std::vector<std::pair<std::string, std::string>> out;
  const yaml::Tree* tree = options.sub("labels");
  if (tree != nullptr && tree->is_map()) {
    for (const auto& [label, field] : options.map("labels")) out.emplace_back(label, field.text);
  } else {
    for (const std::string& field : options.list("labels")) out.emplace_back(derive::label_name(field), field);
  }
  return out;
}

}  // namespace

std::vector<derive::LogRule> read_log_rules(const std::map<std::string, yaml::Tree>& trees, yaml::Mistakes& mistakes) {
  std::vector<derive::LogRule> out;
  for (const auto& [name, tree] : trees) {
    size_t before = mistakes.size();
    pipeline::Options options("metrics.from_logs." + name, tree, kExample, mistakes);
    derive::LogRule rule;
    rule.name = name;
    rule.kind = kind_of(options);
    rule.help = options.text("help");
    rule.datasets = options.list("datasets");
    rule.where = options.text("where");
    rule.value = options.text("value");
    rule.labels = labels_of(options);
    rule.bounds = bounds_of(options);
    options.finish();
    Status checked = mistakes.size() == before ? derive::check_log_rule(rule) : Status();
    if (!checked.ok()) options.blame(checked.error().message());
    if (mistakes.size() == before) out.push_back(std::move(rule));
  }
  if (out.size() > derive::kLogRulesMax) {
    mistakes.push_back({0, fmt::format("metrics.from_logs: more than {} rules", derive::kLogRulesMax)});
  }
  return out;
}

}  // namespace clew::app
