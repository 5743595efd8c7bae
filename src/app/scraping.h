// What a server or an agent scrapes, made of its options.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "app/agent_options.h"
#include "base/result.h"
#include "net/address.h"
#include "scrape/config.h"
#include "scrape/push_groups.h"
#include "scrape/scraper.h"

namespace clew::app {

// Those of the files and those inline. What has no effect in them goes to `told`, a line each.
// Errors: kNotFound and the like for a file; kInvalid with all mistakes, a line each.
Result<std::vector<scrape::ScrapeConfig>> scrapes_of(const ScrapeOptions& options, std::vector<std::string>& told);

// A server's own page, as job clew: it needs no request, nor a key.
scrape::ScrapeConfig self_scrape(const net::Address& address, std::function<std::string()> page);

// What was pushed in groups, as job pushgateway, with the labels that it was pushed with. Lifetime: groups outlive it.
scrape::ScrapeConfig push_scrape(const net::Address& address, const scrape::PushGroups& groups);

}  // namespace clew::app
