#include "notify/config.h"

#include <fmt/format.h>

#include <algorithm>

#include "notify/config_parts.h"
#include "yaml/fields.h"

namespace clew::notify {
namespace {

constexpr int kRouteDepthMax = 32;

class ConfigReader {
 public:
  ConfigReader(Templates templates, yaml::Mistakes& mistakes) : templates_(templates), mistakes_(mistakes) {}

  Config read(const yaml::Tree& root) {
    yaml::Fields file("alertmanager's configuration", root, mistakes_);
    Global global;
    if (const yaml::Tree* tree = file.map("global")) global = read_global(*tree, config_.notes, mistakes_);
    config_.resolve_timeout_ns = global.resolve_timeout_ns;
    if (const yaml::Tree* list = file.list("templates")) read_templates(*list);
    for (const char* key : {"time_intervals", "mute_time_intervals"}) {
      if (const yaml::Tree* list = file.list(key)) read_intervals(*list);
    }
    if (const yaml::Tree* list = file.list("receivers")) read_receivers(*list, global);
    if (const yaml::Tree* tree = file.map("route")) {
      Route above;
      read_route(*tree, above, 0);
    } else {
      mistakes_.push_back({file.line(), "no route: write route: {receiver: NAME}"});
    }
    if (const yaml::Tree* list = file.list("inhibit_rules")) {
      for (const yaml::Tree& rule : list->items) read_inhibit(rule);
    }
    file.finish();
    return std::move(config_);
  }

 private:
  void blame(uint32_t line, std::string message) { mistakes_.push_back({line, std::move(message)}); }

  void read_templates(const yaml::Tree& list) {
    for (const yaml::Tree& item : list.items) config_.template_files.push_back(item.text);
    if (templates_ == Templates::kNotServed && !list.items.empty()) {
      config_.notes.push_back({list.line, "templates: the files are not read; a text that uses one is a mistake"});
    }
  }

  void read_intervals(const yaml::Tree& list) {
    for (const yaml::Tree& item : list.items) {
      yaml::Fields one("time_intervals", item, mistakes_);
      std::string name = one.text_or_empty("name");
      const yaml::Tree* intervals = one.list("time_intervals");
      one.finish();
      if (name.empty()) one.blame(one.line(), "lacks a name");
      if (config_.time_intervals.count(name) > 0) one.blame("name", clew::quoted(name) + " stands here twice");
      if (intervals != nullptr) config_.time_intervals[name] = read_time_intervals(*intervals, mistakes_);
    }
  }

  void read_receivers(const yaml::Tree& list, const Global& global) {
    for (const yaml::Tree& item : list.items) {
      Receiver receiver = read_receiver(item, global, templates_, config_.notes, mistakes_);
      if (receiver.name.empty()) {
        blame(item.line, "a receiver lacks its name");
      } else if (config_.receivers.count(receiver.name) > 0) {
        blame(item.line, "receiver " + clew::quoted(receiver.name) + " stands here twice");
      } else {
        std::string name = receiver.name;
        config_.receivers.emplace(std::move(name), std::move(receiver));
      }
    }
  }

  void read_duration(yaml::Fields& from, std::string_view key, uint64_t& to, bool zero_allowed) {
    const yaml::Tree* text = from.text(key);
    if (text == nullptr) return;
    Result<uint64_t> value = parse_duration_ns(text->text);
    if (!value.ok())
      from.blame(key, value.error().message());
    else if (*value == 0 && !zero_allowed)
      from.blame(key, "must be more than 0");
    else
      to = *value;
  }

  // matchers, and the older match and match_re.
  Matchers read_matchers(yaml::Fields& from, std::string_view prefix) {
    Matchers out;
    auto key = [&](std::string_view name) { return std::string(prefix) + std::string(name); };
    auto add = [&](const std::string& at, Result<Matcher> matcher) {
      if (matcher.ok())
        out.push_back(std::move(matcher).take());
      else
        from.blame(at, matcher.error().message());
    };
    for (const auto& [name, value] : from.texts(key("match")))
      add(key("match"), Matcher::make(name, MatchKind::kEqual, value));
    for (const auto& [name, value] : from.texts(key("match_re"))) {
      add(key("match_re"), Matcher::make(name, MatchKind::kRegex, "^(?:" + value + ")$"));
    }
    if (const yaml::Tree* list = from.list(key("matchers"))) {
      for (const yaml::Tree& item : list->items) {
        Result<Matchers> several = parse_matchers(item.text);
        if (!several.ok()) {
          blame(item.line, several.error().message());
          continue;
        }
        for (Matcher& one : *several) out.push_back(std::move(one));
      }
    }
    sort_matchers(out);
    return out;
  }

  void read_group_by(yaml::Fields& from, Route& route) {
    const yaml::Tree* list = from.list("group_by");
    if (list == nullptr) return;
    route.group_by.clear();
    route.group_by_all = false;
    for (const yaml::Tree& item : list->items) {
      if (item.text == "...")
        route.group_by_all = true;
      else if (!is_label_name(item.text))
        blame(item.line, "group_by: " + clew::quoted(item.text) + " is no name of a label");
      else if (!route.group_by.insert(item.text).second)
        blame(item.line, "group_by: " + clew::quoted(item.text) + " stands here twice");
    }
    if (route.group_by_all && !route.group_by.empty()) {
      from.blame("group_by", "... already means all labels: leave the others out");
    }
  }

  std::vector<std::string> read_names(yaml::Fields& from, std::string_view key) {
    std::vector<std::string> names;
    const yaml::Tree* list = from.list(key);
    if (list == nullptr) return names;
    for (const yaml::Tree& item : list->items) {
      if (config_.time_intervals.count(item.text) == 0)
        blame(item.line, "no time interval is named " + clew::quoted(item.text));
      else
        names.push_back(item.text);
    }
    return names;
  }

  void read_receiver_name(yaml::Fields& from, std::string_view key, std::string& to) {
    if (const yaml::Tree* text = from.text(key)) to = text->text;
    if (!to.empty() && config_.receivers.count(to) == 0) from.blame(key, "no receiver is named " + clew::quoted(to));
  }

  size_t read_route(const yaml::Tree& tree, const Route& above, int depth) {
    Route route = above;
    route.children.clear();
    route.mute_intervals.clear();
    route.active_intervals.clear();
    yaml::Fields from("route", tree, mistakes_);
    read_receiver_name(from, "receiver", route.receiver);
    route.matchers = read_matchers(from, "");
    route.go_on = from.yes("continue", false);
    read_group_by(from, route);
    read_duration(from, "group_wait", route.group_wait_ns, true);
    read_duration(from, "group_interval", route.group_interval_ns, false);
    read_duration(from, "repeat_interval", route.repeat_interval_ns, false);
    route.mute_intervals = read_names(from, "mute_time_intervals");
    route.active_intervals = read_names(from, "active_time_intervals");
    read_receiver_name(from, "escalate_to", route.escalate_to);
    read_duration(from, "escalate_after", route.escalate_after_ns, false);
    if (route.escalate_to.empty() != (route.escalate_after_ns == 0)) {
      from.blame(from.line(), "escalate_to and escalate_after belong together");
    }
    if (depth == 0) check_root(from, route);
    route.key = depth == 0 ? matchers_text(route.matchers) : above.key + "/" + matchers_text(route.matchers);
    const yaml::Tree* children = from.list("routes");
    from.finish();

    size_t place = config_.routes.size();
    config_.routes.push_back(route);
    if (children == nullptr) return place;
    if (depth + 1 >= kRouteDepthMax || config_.routes.size() + children->items.size() > kRoutesMax) {
      blame(children->line,
            fmt::format("more than {} routes, or {} of them in each other", kRoutesMax, kRouteDepthMax));
      return place;
    }
    std::vector<size_t> places;
    for (const yaml::Tree& child : children->items) places.push_back(read_route(child, route, depth + 1));
    config_.routes[place].children = std::move(places);
    return place;
  }

  void check_root(yaml::Fields& from, const Route& route) {
    if (route.receiver.empty()) from.blame(from.line(), "the first route lacks a receiver");
    if (!route.matchers.empty()) from.blame(from.line(), "the first route takes every alert and must have no matchers");
    if (route.go_on) from.blame("continue", "the first route must not have it");
    if (!route.mute_intervals.empty()) from.blame("mute_time_intervals", "the first route must not have them");
    if (!route.active_intervals.empty()) from.blame("active_time_intervals", "the first route must not have them");
  }

  void read_inhibit(const yaml::Tree& tree) {
    yaml::Fields from("inhibit rule", tree, mistakes_);
    InhibitRule rule{.source = read_matchers(from, "source_"), .target = read_matchers(from, "target_"), .equal = {}};
    if (const yaml::Tree* list = from.list("equal")) {
      for (const yaml::Tree& item : list->items) {
        if (is_label_name(item.text))
          rule.equal.push_back(item.text);
        else
          blame(item.line, "equal: " + clew::quoted(item.text) + " is no name of a label");
      }
    }
    from.finish();
    config_.inhibit_rules.push_back(std::move(rule));
  }

  const Templates templates_;
  yaml::Mistakes& mistakes_;
  Config config_;
};

}  // namespace

Config read_config(const std::string& text, Templates templates, yaml::Mistakes& mistakes) {
  if (text.size() > kConfigBytesMax) {
    mistakes.push_back({0, fmt::format("{} bytes are more than a configuration may have", text.size())});
    return empty_config();
  }
  yaml::Tree root = yaml::parse_yaml(text, mistakes);
  if (!mistakes.empty()) return empty_config();
  Config config = ConfigReader(templates, mistakes).read(root);
  config.shown = masked_yaml(root);
  return config;
}

Config empty_config() {
  Config config;
  Route route;
  route.receiver = "nobody";
  route.key = "{}";
  config.routes.push_back(route);
  config.receivers.emplace("nobody", Receiver{.name = "nobody", .channels = {}});
  config.shown = "route:\n  receiver: nobody\nreceivers:\n- name: nobody\n";
  return config;
}

std::vector<size_t> Config::routes_of(const Labels& labels) const {
  std::vector<size_t> out;
  auto descend = [&](const auto& self, size_t place) -> bool {
    const Route& route = routes[place];
    if (!all_match(route.matchers, labels)) return false;
    size_t before = out.size();
    for (size_t child : route.children) {
      if (self(self, child) && !routes[child].go_on) break;
    }
    if (out.size() == before) out.push_back(place);
    return true;
  };
  descend(descend, 0);
  return out;
}

const Receiver* Config::receiver(const std::string& name) const {
  auto found = receivers.find(name);
  return found == receivers.end() ? nullptr : &found->second;
}

Result<uint64_t> parse_duration_ns(std::string_view text) {
  struct Unit {
    std::string_view name;
    uint64_t ns;
  };
  constexpr uint64_t kMilli = 1'000'000;
  static constexpr Unit kUnits[] = {{"y", 365ull * 86'400'000 * kMilli},
                                    {"w", 7ull * 86'400'000 * kMilli},
                                    {"d", 86'400'000 * kMilli},
                                    {"h", 3'600'000 * kMilli},
                                    {"m", 60'000 * kMilli},
                                    {"s", 1'000 * kMilli},
                                    {"ms", kMilli}};
  Error wrong(Code::kInvalid, clew::quoted(text) + " is no duration: write 30s, 5m or 1h30m");
  if (text == "0") return uint64_t{0};
  uint64_t total = 0;
  size_t next_unit = 0;
  std::string_view rest = text;
  if (rest.empty()) return wrong;
  while (!rest.empty()) {
    uint64_t number = 0;
    size_t digits = 0;
    while (digits < rest.size() && rest[digits] >= '0' && rest[digits] <= '9' && digits < 9) {
      number = number * 10 + static_cast<uint64_t>(rest[digits++] - '0');
    }
    size_t letters = digits;
    while (letters < rest.size() && rest[letters] >= 'a' && rest[letters] <= 'z') ++letters;
    std::string_view name = rest.substr(digits, letters - digits);
    size_t unit = next_unit;
    while (unit < std::size(kUnits) && kUnits[unit].name != name) ++unit;
    if (digits == 0 || unit == std::size(kUnits) || number > 100ull * kUnits[0].ns / kUnits[unit].ns) return wrong;
    total += number * kUnits[unit].ns;
    next_unit = unit + 1;
    rest.remove_prefix(letters);
  }
  return std::min<uint64_t>(total, 100ull * kUnits[0].ns);
}

}  // namespace clew::notify
