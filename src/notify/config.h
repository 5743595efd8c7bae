// Alertmanager's configuration file, read unchanged; docs/operate/alerts-routing.md names what clew adds and lacks.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "notify/matcher.h"
#include "notify/time_interval.h"
#include "yaml/tree.h"

namespace clew::notify {

constexpr uint64_t kConfigBytesMax = 4u << 20;
constexpr size_t kRoutesMax = 10'000;

// A value that is never shown: as it stands in the file, or in a file of its own that is read at each use.
struct Secret {
  std::string value;
  std::string file;
  bool empty() const { return value.empty() && file.empty(); }
};

// How requests of a receiver are made.
struct HttpOptions {
  std::string authorization_type;  // "Bearer"; empty: none
  Secret credentials;
  std::string username;  // basic authentication; empty: none
  Secret password;
  std::string ca_file;
  std::string cert_file;
  std::string key_file;
};

enum class ChannelKind : uint8_t {
  kWebhook,
  kPagerDuty,
  kSlack,
  kEmail,
  kTeams,    // msteams_configs: a connector's card
  kTeamsV2,  // msteamsv2_configs: an adaptive card
  kTelegram,
  kOpsgenie,
};
// "webhook", as metrics and answers call it.
std::string_view channel_name(ChannelKind kind);

// One entry of NAME_configs: a way to tell somebody. What the file does not say of it comes from `global`.
struct Channel {
  ChannelKind kind = ChannelKind::kWebhook;
  uint32_t index = 0;  // among those of its kind within the receiver
  uint32_t line = 0;
  bool send_resolved = true;
  HttpOptions http;
  std::map<std::string, std::string> texts;  // by key; templates where the key takes one
  std::map<std::string, Secret> secrets;
  std::map<std::string, std::vector<std::pair<std::string, std::string>>> maps;  // headers, details
  std::map<std::string, bool> flags;
  std::map<std::string, uint64_t> counts;
  std::map<std::string, yaml::Tree> trees;  // lists of more than texts: fields, responders

  // Empty, false or 0 where there is none.
  std::string text(const std::string& key) const;
  bool flag(const std::string& key, bool otherwise) const;
  uint64_t count(const std::string& key) const;
};

struct Receiver {
  std::string name;
  std::vector<Channel> channels;
};

// A node of the tree, with what it takes from those above.
struct Route {
  std::string receiver;
  Matchers matchers;
  bool go_on = false;  // `continue`
  bool group_by_all = false;
  std::set<std::string> group_by;
  uint64_t group_wait_ns = 30'000'000'000;
  uint64_t group_interval_ns = 300'000'000'000;
  uint64_t repeat_interval_ns = 14'400'000'000'000;
  std::vector<std::string> mute_intervals;
  std::vector<std::string> active_intervals;
  // clew's own: whom to tell when nobody has acknowledged the group within the time; empty: nobody.
  std::string escalate_to;
  uint64_t escalate_after_ns = 0;
  std::string key;               // as in group keys
  std::vector<size_t> children;  // places in Config::routes
};

struct InhibitRule {
  Matchers source;
  Matchers target;
  std::vector<std::string> equal;
};

struct Config {
  uint64_t resolve_timeout_ns = 300'000'000'000;
  std::vector<Route> routes;  // the root first
  std::vector<InhibitRule> inhibit_rules;
  std::map<std::string, Receiver> receivers;
  std::map<std::string, std::vector<TimeInterval>> time_intervals;
  std::vector<std::string> template_files;  // patterns with *, as the file says
  std::string shown;                        // the file with its secrets masked
  yaml::Mistakes notes;                     // what has no effect here, though nobody is told less for it

  // The routes that an alert takes, as places in `routes`.
  std::vector<size_t> routes_of(const Labels& labels) const;
  const Receiver* receiver(const std::string& name) const;
};

// Whether texts with {{ }} can be rendered; where they cannot, each is a mistake.
enum class Templates : uint8_t { kServed, kNotServed };

// Reads the file's text. What is wrong, or is not served and would leave somebody untold, goes to `mistakes`.
Config read_config(const std::string& text, Templates templates, yaml::Mistakes& mistakes);
// One that tells nobody: a server without a configuration still knows its alerts and silences.
Config empty_config();

// "1h30m", "5m", "1d", "500ms".  Errors: kInvalid.
Result<uint64_t> parse_duration_ns(std::string_view text);

}  // namespace clew::notify
