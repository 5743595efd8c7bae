// The keys of scraping.
#include <yaml-cpp/yaml.h>

#include <algorithm>

#include "app/config_keys.h"
#include "app/config_values.h"
#include "app/scraping.h"
#include "scrape/config_yaml.h"

namespace clew::app {
namespace {

void set_scrape_configs(ServeOptions& options, const YAML::Node& value, std::vector<ConfigMistake>& mistakes) {
  YAML::Node root;
  root["scrape_configs"] = value;
  scrape::ReadConfig read;
  scrape::read_config_node(root, {}, read);
  ScrapeOptions& scrape = options.agent.scrape;
  for (scrape::Notice& notice : read.mistakes) mistakes.push_back({notice.line, std::move(notice.message)});
  for (const scrape::Notice& notice : read.told) {
    scrape.told.push_back("line " + std::to_string(notice.line) + ": " + notice.message);
  }
  scrape.inline_configs = std::move(read.config.scrapes);
}

const ConfigEntry kEntries[] = {
    {{"metrics.scrape.config_files", "list", "none",
      "Configuration files of Prometheus: what their scrape_configs name is scraped. Patterns may stand here."},
     [](ServeOptions& o, const ConfigNames&, const std::string& text) {
       o.agent.scrape.config_files.push_back(text);
       return Status();
     }},
    {{"metrics.scrape.self", "yes or no", "yes", "A server scrapes its own /metrics, as job clew."},
     [](ServeOptions& o, const ConfigNames&, const std::string& text) {
       return set_yes_or_no(text, o.agent.scrape.self);
     }},
    {.key = {"scrape_configs", "list", "none", "What is scraped, as in a configuration file of Prometheus."},
     .set_yaml = &set_scrape_configs},
};

}  // namespace

std::span<const ConfigEntry> scrape_keys() { return kEntries; }

// The files of scraping are read, too.
void check_scrapes(const ServeOptions& options, std::vector<ConfigMistake>& mistakes) {
  std::vector<std::string> told;
  Result<std::vector<scrape::ScrapeConfig>> scrapes = scrapes_of(options.agent.scrape, told);
  if (!scrapes.ok()) mistakes.push_back({0, "metrics.scrape: " + scrapes.error().message()});
}

}  // namespace clew::app
