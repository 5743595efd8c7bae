// Steps that send events elsewhere or count them: route, metrics.
#include <fmt/format.h>

#include <algorithm>
#include <unordered_map>

#include "base/hash.h"
#include "pipeline/condition.h"
#include "pipeline/step.h"
#include "wire/index_name.h"

namespace clew::pipeline {
namespace {

constexpr size_t kSeriesMax = 1000;    // of one metric; further ones count as `other`
constexpr size_t kDatasetsMax = 1000;  // that one batch may be sent to

// A dataset's name, in which {field} stands for a value.
class DatasetName {
 public:
  explicit DatasetName(const std::string& text) {
    std::string_view rest = text;
    while (!rest.empty()) {
      size_t open = std::min(rest.find('{'), rest.size());
      size_t close = rest.find('}', open);
      if (open == rest.size() || close == std::string_view::npos) {
        pieces_.push_back({std::string(rest), false});
        break;
      }
      if (open > 0) pieces_.push_back({std::string(rest.substr(0, open)), false});
      pieces_.push_back({std::string(rest.substr(open + 1, close - open - 1)), true});
      rest.remove_prefix(close + 1);
    }
  }
  bool is_fixed() const {
    return std::none_of(pieces_.begin(), pieces_.end(), [](const Piece& piece) { return piece.field; });
  }
  // Nothing where a field is not there or gives no name of a dataset.
  std::optional<std::string> of(Rows& batch, uint32_t row) const {
    std::string name;
    for (const Piece& piece : pieces_) {
      if (!piece.field) {
        name += piece.text;
        continue;
      }
      Field* field = batch.find(piece.text);
      if (field == nullptr || field->cells[row].is_null()) return std::nullopt;
      for (char c : batch.text_of(field->cells[row])) {
        bool upper = c >= 'A' && c <= 'Z';
        bool fits = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
        name += upper ? static_cast<char>(c - 'A' + 'a') : fits ? c : '-';
      }
    }
    if (name == "clew" || !wire::check_dataset_name(name).ok()) return std::nullopt;
    return name;
  }

 private:
  struct Piece {
    std::string text;
    bool field = false;
  };
  std::vector<Piece> pieces_;
};

struct Route {
  std::unique_ptr<Expression> when;  // null: all that are left
  DatasetName dataset;
};

// route: [{when, dataset}]: the first whose condition holds.
class RouteStep final : public Step {
 public:
  explicit RouteStep(std::vector<Route> routes) : routes_(std::move(routes)) {}
  void run(Rows& batch, const model::Selection& on, StepCounts& counts) override {
    model::Selection open = on;
    std::unordered_map<std::string, uint64_t> sent;
    for (const Route& route : routes_) {
      if (open.empty()) return;
      model::Selection taken = open;
      if (route.when) {
        Result<model::Selection> found = route.when->filter(batch, open);
        if (!found.ok()) {
          for (uint32_t row : open) fail(batch, row, counts);
          return;
        }
        taken = std::move(found).take();
      }
      for (uint32_t row : taken) {
        std::optional<std::string> name = route.dataset.of(batch, row);
        if (!name || (sent.size() >= kDatasetsMax && !sent.contains(*name))) {
          fail(batch, row, counts);
          continue;
        }
        ++sent[*name];
        batch.send_to(row, *name);
        ++counts.routed;
      }
      model::Selection rest;
      std::set_difference(open.begin(), open.end(), taken.begin(), taken.end(), std::back_inserter(rest));
      open = std::move(rest);
    }
  }

 private:
  const std::vector<Route> routes_;
};

StepPtr make_route(Options& options, StepContext& context) {
  std::vector<Route> routes;
  std::vector<Tree> items;
  if (options.tree().is_list()) items = options.tree().items;
  if (options.tree().is_text()) options.blame("write route: [{when: \"level = 'error'\", dataset: errors}]");
  if (options.tree().is_map()) {
    options.sub("dataset");
    items = {options.tree()};
  }
  for (const Tree& item : items) {
    const Tree* dataset = item.is_map() ? item.find("dataset") : nullptr;
    const Tree* when = item.is_map() ? item.find("when") : nullptr;
    if (dataset == nullptr || !dataset->is_text()) {
      options.blame(item.line, "lacks dataset: write route: [{when: \"level = 'error'\", dataset: errors}]");
      continue;
    }
    Route route{nullptr, DatasetName(dataset->text)};
    if (route.dataset.is_fixed()) {
      Status checked = wire::check_dataset_name(dataset->text);
      if (dataset->text == "clew")
        checked = Error(Code::kForbidden, "\"clew\" is clew's own log: name another dataset");
      if (!checked.ok()) options.blame(dataset->line, checked.error().message());
    }
    if (when != nullptr) {
      Result<std::unique_ptr<Expression>> made =
          Expression::make(when->text, Expression::Kind::kCondition, context.around.geo, *context.around.clock);
      if (!made.ok())
        options.blame(when->line, fmt::format("when: {}", made.error().message()));
      else
        route.when = std::move(made).take();
    }
    routes.push_back(std::move(route));
  }
  if (routes.empty()) options.blame("lacks routes");
  return std::make_unique<RouteStep>(std::move(routes));
}

struct MetricRule {
  std::string name;
  std::string help;
  std::string sum;        // field; events are counted when empty
  std::string histogram;  // field, a duration
  double nanos_each = 1;  // of its unit
  std::vector<std::string> by;
};

// metrics: {name: {by: [fields]}}: counters and histograms of what passes, on /metrics.
class MetricsStep final : public Step {
 public:
  MetricsStep(std::vector<MetricRule> rules, base::Registry* registry) : registry_(registry) {
    for (MetricRule& rule : rules) series_.push_back({std::move(rule), {}, {}});
  }
  void run(Rows& batch, const model::Selection& on, StepCounts& counts) override {
    if (registry_ == nullptr) return;
    for (Series& series : series_) count(batch, on, series, counts);
  }

 private:
  struct Series {
    MetricRule rule;
    std::unordered_map<uint64_t, base::Counter*> counters;
    std::unordered_map<uint64_t, base::LatencyHistogram*> histograms;
  };

  void count(Rows& batch, const model::Selection& on, Series& series, StepCounts& counts) {
    std::vector<std::vector<std::string_view>> labels;
    for (const std::string& name : series.rule.by) labels.push_back(batch.texts(name));
    const std::string& value_name = series.rule.sum.empty() ? series.rule.histogram : series.rule.sum;
    std::vector<std::string_view> values;
    if (!value_name.empty()) values = batch.texts(value_name);
    for (uint32_t row : on) {
      uint64_t key = 0;
      for (const auto& texts : labels) key = (key ^ base::hash64(texts[row])) * 0x9e3779b97f4a7c15u + 1;
      double value = 0;
      if (!values.empty()) {
        if (values[row].data() == nullptr) continue;
        std::string text(values[row]);
        char* end = nullptr;
        value = std::strtod(text.c_str(), &end);
        if (end == text.c_str() || !(value >= 0) || value > 1e18) {
          fail(batch, row, counts);
          continue;
        }
      }
      auto weight = static_cast<uint64_t>(std::max<int64_t>(batch.weight(row), 0));
      if (series.rule.histogram.empty()) {
        counter(series, key, labels, row).add(values.empty() ? weight : static_cast<uint64_t>(value) * weight);
      } else {
        base::LatencyHistogram& histogram = latency(series, key, labels, row);
        for (uint64_t i = 0; i < std::min<uint64_t>(weight, 1000); ++i) {
          histogram.observe_ns(static_cast<uint64_t>(std::min(value * series.rule.nanos_each, 9e18)));
        }
      }
    }
  }
  base::MetricLabels labels_of(const Series& series, const std::vector<std::vector<std::string_view>>& labels,
                               uint32_t row, bool other) const {
    base::MetricLabels out;
    for (size_t i = 0; i < labels.size(); ++i) {
      std::string name = series.rule.by[i];
      std::replace_if(
          name.begin(), name.end(), [](char c) { return !std::isalnum(static_cast<unsigned char>(c)); }, '_');
      out.emplace_back(name, other ? "other" : std::string(labels[i][row]));
    }
    return out;
  }
  base::Counter& counter(Series& series, uint64_t key, const std::vector<std::vector<std::string_view>>& labels,
                         uint32_t row) {
    auto known = series.counters.find(key);
    if (known != series.counters.end()) return *known->second;
    bool other = series.counters.size() >= kSeriesMax;
    base::Counter& made = registry_->counter(series.rule.name, series.rule.help, labels_of(series, labels, row, other));
    if (!other) series.counters.emplace(key, &made);
    return made;
  }
  base::LatencyHistogram& latency(Series& series, uint64_t key,
                                  const std::vector<std::vector<std::string_view>>& labels, uint32_t row) {
    auto known = series.histograms.find(key);
    if (known != series.histograms.end()) return *known->second;
    bool other = series.histograms.size() >= kSeriesMax;
    base::LatencyHistogram& made =
        registry_->latency(series.rule.name, series.rule.help, labels_of(series, labels, row, other));
    if (!other) series.histograms.emplace(key, &made);
    return made;
  }

  base::Registry* registry_;
  std::vector<Series> series_;
};

bool is_metric_name(std::string_view name) {
  auto fits = [](char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == ':'; };
  return !name.empty() && !std::isdigit(static_cast<unsigned char>(name[0])) &&
         std::all_of(name.begin(), name.end(), fits) && !name.starts_with("clew_");
}

StepPtr make_metrics(Options& options, StepContext& context) {
  std::vector<MetricRule> rules;
  Mistakes mistakes;
  for (auto& [name, value] : options.members()) {
    Options one(name, value, "write metrics: {http_requests_total: {by: [status]}}", mistakes);
    MetricRule rule;
    rule.name = name;
    rule.help = "Counted by the pipeline " + context.pipeline;
    if (!value.is_null()) {
      rule.by = one.list("by");
      rule.sum = one.text("sum");
      rule.histogram = one.text("histogram");
      std::string unit = one.text("unit", "s");
      rule.help = one.text("help", rule.help);
      rule.nanos_each = unit == "ms" ? 1e6 : unit == "us" ? 1e3 : unit == "ns" ? 1 : 1e9;
      if (unit != "s" && unit != "ms" && unit != "us" && unit != "ns") one.blame("unit is s, ms, us or ns");
      if (!rule.sum.empty() && !rule.histogram.empty()) one.blame("takes either sum or histogram");
      one.finish();
    }
    if (!is_metric_name(name)) {
      mistakes.push_back(
          {value.line, name + " is no name of a metric: letters, digits and _, not beginning with clew_"});
    }
    rules.push_back(std::move(rule));
  }
  for (const Mistake& mistake : mistakes) options.blame(mistake.line, mistake.message);
  return std::make_unique<MetricsStep>(std::move(rules), context.around.metrics);
}

constexpr StepKind kKinds[] = {
    {"route", "write route: [{when: \"level = 'error'\", dataset: errors}]", make_route},
    {"metrics", "write metrics: {http_requests_total: {by: [method, status]}}", make_metrics},
};

}  // namespace

std::span<const StepKind> route_steps() { return kKinds; }

}  // namespace clew::pipeline
