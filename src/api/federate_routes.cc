// /federate: the newest samples of series, as a page that another Prometheus scrapes.
#include <cmath>
#include <map>
#include <memory>

#include "api/prometheus_json.h"
#include "api/scrape_routes.h"
#include "query/promql/promql.h"
#include "wire/exposition_write.h"

namespace clew::api {
namespace {

constexpr int64_t kLookbackMillis = 300'000;

struct Federate {
  explicit Federate(ServerParts& parts) : source(parts.metric_store), clock(parts.clock) {}
  Result<std::string> page(const CallPtr& call, const FormParams& params) const;

  const contract::MetricSource& source;
  const os::Clock& clock;
};

struct Newest {
  int64_t millis = 0;
  double value = 0;
};

Result<std::string> Federate::page(const CallPtr& call, const FormParams& params) const {
  contract::MetricScan scan;
  scan.access = call->access;
  scan.to_millis = clock.now().get() / 1'000'000;
  scan.from_millis = scan.to_millis - kLookbackMillis;
  // By metric and labels: a series that several selectors name stands there once.
  std::map<std::string, std::map<model::Labels, Newest>, std::less<>> metrics;
  model::SampleColumns samples;
  for (std::string_view selector : params.all("match[]")) {
    scan.matchers = CLEW_TRY(query::promql::parse_selector(selector));
    std::unique_ptr<contract::SeriesSet> set = CLEW_TRY(source.select(scan));
    for (size_t i = 0; i < set->size(); ++i) {
      CLEW_TRY(set->read(i, samples));
      // A page of text has no native histograms.
      if (samples.size() == 0 || samples.histogram(samples.size() - 1) != nullptr) continue;
      if (model::is_stale(samples.values.back())) continue;
      model::Labels labels(set->labels(i));
      metrics[std::string(labels.metric_name())][labels] = {samples.millis.back(), samples.values.back()};
    }
  }
  wire::NameEscaping names = wire::name_escaping_of(call->request().header("accept"));
  std::string out;
  for (const auto& [metric, series] : metrics) {
    wire::write_told(wire::escape_name(metric, names), model::MetricType::kUnknown, {}, out);
    for (const auto& [labels, newest] : series) {
      wire::write_sample(labels, {.empty_instance = labels.get("instance").empty(), .names = names}, newest.value,
                         newest.millis, out);
    }
  }
  return out;
}

}  // namespace

std::vector<Route> federate_routes(ServerParts& parts) {
  auto federate = std::make_shared<Federate>(parts);
  return {{.method = "GET",
           .pattern = "/federate",
           .place = Place::kPool,
           .errors = ErrorShape::kText,
           .handler = [federate](const CallPtr& call) {
             Result<std::string> page = federate->page(call, FormParams(call->request()));
             if (!page.ok()) return answer_error(*call, ErrorShape::kText, page.error());
             auto names = wire::name_escaping_of(call->request().header("accept"));
             call->exchange->answer({.content_type = "text/plain; version=0.0.4; charset=utf-8; escaping=" +
                                                     std::string(wire::name_escaping_text(names)),
                                     .headers = {},
                                     .body = std::move(*page)});
           }}};
}

}  // namespace clew::api
