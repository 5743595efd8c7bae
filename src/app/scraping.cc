#include "app/scraping.h"

#include <algorithm>

namespace clew::app {
namespace {

constexpr const char* kSelfJob = "clew";
constexpr const char* kPushJob = "pushgateway";

}  // namespace

Result<std::vector<scrape::ScrapeConfig>> scrapes_of(const ScrapeOptions& options, std::vector<std::string>& told) {
  told.insert(told.end(), options.told.begin(), options.told.end());
  scrape::Config of_files = CLEW_TRY(scrape::load_config_files(options.config_files, told));
  std::vector<scrape::ScrapeConfig> all = std::move(of_files.scrapes);
  for (const scrape::ScrapeConfig& one : options.inline_configs) {
    bool twice = std::any_of(all.begin(), all.end(), [&](const auto& other) { return other.job_name == one.job_name; });
    if (twice) return Error(Code::kInvalid, "job " + quoted(one.job_name) + " stands in a file and in scrape_configs");
    all.push_back(one);
  }
  return all;
}

scrape::ScrapeConfig self_scrape(const net::Address& address, std::function<std::string()> page) {
  scrape::ScrapeConfig self;
  self.job_name = kSelfJob;
  scrape::DiscoveryConfig found;
  found.groups.push_back({.source = "self", .targets = {{{"__address__", address.text()}}}, .labels = {}});
  self.discoveries.push_back(std::move(found));
  self.own_page = std::move(page);
  return self;
}

scrape::ScrapeConfig push_scrape(const net::Address& address, const scrape::PushGroups& groups) {
  scrape::ScrapeConfig push = self_scrape(address, [&groups] { return groups.page(); });
  push.job_name = kPushJob;
  push.metrics_path = "/metrics/job";
  push.honor_labels = true;
  return push;
}

}  // namespace clew::app
