// The keys of rules.
#include <fmt/format.h>

#include "app/config_keys.h"
#include "app/config_values.h"
#include "query/promql/duration.h"

namespace clew::app {
namespace {

constexpr uint64_t kRuleThreadsMax = 64;

Status set_rule_duration(const std::string& text, int64_t min_millis, int64_t& to) {
  std::optional<int64_t> millis = query::promql::parse_duration(text);
  if (!millis) return wrong(text, "duration: write 15s, 1m or 1h30m");
  if (*millis < min_millis) return Error(Code::kInvalid, fmt::format("{} is less than {} ms", text, min_millis));
  to = *millis;
  return {};
}

const ConfigEntry kRuleEntries[] = {
    {{"rules.files", "list", "none",
      "Files of recording and alerting rules, in Prometheus' format; the last part of a path may have * and ?."},
     [](ServeOptions& o, const ConfigNames&, const std::string& text) {
       std::string path;
       Status set = set_path(text, path);
       if (set.ok()) o.rules.files.push_back(std::move(path));
       return set;
     }},
    {{"rules.interval", "duration", "1m", "How often groups run that do not say it themselves."},
     [](ServeOptions& o, const ConfigNames&, const std::string& text) {
       return set_rule_duration(text, 100, o.rules.defaults.interval_millis);
     }},
    {{"rules.query_offset", "duration", "0s",
      "How long before its time a group asks and writes that does not say it itself; for samples that come late."},
     [](ServeOptions& o, const ConfigNames&, const std::string& text) {
       return set_rule_duration(text, 0, o.rules.defaults.query_offset_millis);
     }},
    {{"rules.outage", "duration", "1h",
      "Alerts that were active when the server went down go on where they were, if it was down no longer than this."},
     [](ServeOptions& o, const ConfigNames&, const std::string& text) {
       return set_rule_duration(text, 0, o.rules.outage_millis);
     }},
    {{"rules.threads", "number", "2", "Groups that run side by side."},
     [](ServeOptions& o, const ConfigNames&, const std::string& text) {
       uint64_t threads = 0;
       Status set = set_count(text, 1, kRuleThreadsMax, threads);
       if (set.ok()) o.rules.threads = static_cast<uint32_t>(threads);
       return set;
     }},
    {{"rules.external_url", "text", "none", "Where people reach this server: the begin of links in templates."},
     [](ServeOptions& o, const ConfigNames&, const std::string& text) {
       o.rules.defaults.externals.url = text;
       while (o.rules.defaults.externals.url.ends_with('/')) o.rules.defaults.externals.url.pop_back();
       return Status();
     }},
    {{"rules.external_labels.*", "text", "none", "$externalLabels of templates: what tells this server from others."},
     [](ServeOptions& o, const ConfigNames& names, const std::string& text) {
       o.rules.defaults.externals.labels.emplace_back(names[0], text);
       return Status();
     }},
};

}  // namespace

std::span<const ConfigEntry> rule_keys() { return kRuleEntries; }

}  // namespace clew::app
