// Routes about scraping, and about pages of metrics in and out.
#pragma once

#include <vector>

#include "api/router.h"
#include "api/server_parts.h"
#include "scrape/push_groups.h"
#include "scrape/scraper.h"

namespace clew::api {

// Lifetime of all: what is given outlives the routes.
std::vector<Route> target_routes(scrape::Scraper& scraper);  // what is scraped
std::vector<Route> federate_routes(ServerParts& parts);      // samples as a page of metrics
std::vector<Route> text_import_routes(ServerParts& parts);   // samples out of a page of metrics
// Groups of metrics that jobs push.
std::vector<Route> pushgateway_routes(scrape::PushGroups& groups, base::Registry& metrics);

// Everything above.
void add_scrape_routes(ServerParts& parts, scrape::Scraper& scraper, scrape::PushGroups& groups, Router& router);

}  // namespace clew::api
