// The keys of rules.
#include <fmt/format.h>

#include "alert/rules.h"
#include "app/config_keys.h"
#include "app/config_values.h"
#include "query/promql/duration.h"
#include "yaml/fields.h"

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

// What a configuration of Prometheus says of rules and of remote writes; the rest of it is others' to read.
Status take_prometheus(const std::string& path, ServeOptions& options) {
  std::unique_ptr<os::Disk> disk = os::make_real_disk();
  std::string text = CLEW_TRY(alert::read_rule_file(*disk, path));
  yaml::Mistakes mistakes;
  yaml::Tree root = yaml::parse_yaml(text, mistakes);
  size_t slash = path.rfind('/');
  std::string dir = slash == std::string::npos ? std::string() : path.substr(0, slash + 1);
  yaml::Fields fields("", root, mistakes);
  if (const yaml::Tree* files = fields.list("rule_files")) {
    for (const yaml::Tree& one : files->items) {
      options.rules.files.push_back(one.text.starts_with('/') ? one.text : dir + one.text);
    }
  }
  alert::GroupDefaults& defaults = options.rules.defaults;
  if (const yaml::Tree* global = fields.map("global")) {
    yaml::Fields inner("global", *global, mistakes);
    auto duration = [&](std::string_view key, int64_t min_millis, int64_t& to) {
      const yaml::Tree* value = inner.text(key);
      if (value == nullptr) return;
      Status set = set_rule_duration(value->text, min_millis, to);
      if (!set.ok()) inner.blame(value->line, fmt::format("{}: {}", key, set.error().message()));
    };
    duration("evaluation_interval", 100, defaults.interval_millis);
    duration("rule_query_offset", 0, defaults.query_offset_millis);
    for (auto& label : inner.texts("external_labels")) defaults.externals.labels.push_back(std::move(label));
  }
  if (const yaml::Tree* writes = fields.list("remote_write")) options.remote_write = *writes;
  if (mistakes.empty()) return {};
  return Error(Code::kInvalid, fmt::format("{}:{}: {}", path, mistakes[0].line, mistakes[0].message));
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
    {{"rules.prometheus", "file", "none",
      "A configuration of Prometheus whose rule_files, evaluation_interval, external_labels and remote_write are "
      "taken."},
     [](ServeOptions& o, const ConfigNames&, const std::string& text) { return take_prometheus(text, o); }},
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
