// The keys of notification.
#include "app/config_keys.h"
#include "app/config_values.h"
#include "app/notify_setup.h"

namespace clew::app {
namespace {

constexpr uint64_t kHeartbeatMillisMost = 86'400'000;

Status set_url(const std::string& text, std::string& to) {
  if (!text.starts_with("http://") && !text.starts_with("https://")) {
    return wrong(text, "URL: write https://clew.example.org");
  }
  to = text;
  while (to.ends_with('/')) to.pop_back();
  return {};
}

const ConfigEntry kNotifyEntries[] = {
    {{"alerts.config_file", "file", "none: nobody is told",
      "Alertmanager's configuration: who is told of which alerts, by what."},
     [](ServeOptions& o, const ConfigNames&, const std::string& text) { return set_path(text, o.notify.config_file); }},
    {{"alerts.external_url", "text", "http://LISTEN",
      "Where people reach this server: the begin of links in notifications."},
     [](ServeOptions& o, const ConfigNames&, const std::string& text) { return set_url(text, o.notify.external_url); }},
    {{"alerts.heartbeat_url", "text", "none",
      "A dead-man's switch: called with GET for as long as clew can send; whoever watches it pages when it stops."},
     [](ServeOptions& o, const ConfigNames&, const std::string& text) {
       std::string checked;
       Status set = set_url(text, checked);
       if (set.ok()) o.notify.heartbeat_url = text;
       return set;
     }},
    {{"alerts.heartbeat_interval", "duration", "1m", "How often."},
     [](ServeOptions& o, const ConfigNames&, const std::string& text) {
       return set_millis(text, kHeartbeatMillisMost, o.notify.heartbeat_ms);
     }},
    {{"alerts.link_local", "yes or no", "no",
      "Notifications may call link-local addresses (169.254.0.0/16, fe80::/10), where clouds give credentials away."},
     [](ServeOptions& o, const ConfigNames&, const std::string& text) {
       return set_yes_or_no(text, o.notify.link_local);
     }},
};

}  // namespace

std::span<const ConfigEntry> notify_keys() { return kNotifyEntries; }

void check_notify(const ServeOptions& options, std::vector<ConfigMistake>& mistakes) {
  std::unique_ptr<os::Disk> disk = os::make_real_disk();
  std::string said;
  Result<notify::ConfigPtr> config = load_notify_config(*disk, options.notify, said);
  if (!config.ok()) mistakes.push_back({0, "alerts.config_file: " + config.error().message()});
}

}  // namespace clew::app
