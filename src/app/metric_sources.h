// Sources of an agent that measure: pages that it scrapes, services that it checks. What they find goes to servers by
// remote write.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "app/agent_options.h"
#include "base/metrics.h"
#include "base/result.h"
#include "collect/source.h"
#include "contract/metric_sink.h"
#include "os/clock.h"
#include "scrape/config.h"

namespace clew::app {

// Lifetime: outlives the sources.
struct MetricSourceParts {
  const os::Clock& clock;
  base::Registry& metrics;
  contract::MetricSink& sink;  // where samples go
};

// Scrapes what `scrapes` name.
std::unique_ptr<collect::Source> make_scrape_source(std::vector<scrape::ScrapeConfig> scrapes, MetricSourceParts parts);

// Checks services, type check. Errors: kInvalid for no urls and no command, and URLs that are none.
Result<std::unique_ptr<collect::Source>> make_check_source(const std::string& name, const SourceOptions& source,
                                                           MetricSourceParts parts);
Status check_check_source(const SourceOptions& source);

}  // namespace clew::app
