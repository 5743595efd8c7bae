#include "health/answer.h"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace clew::health {
namespace {

using Json = nlohmann::ordered_json;

constexpr int kDepthMax = 8;
constexpr size_t kNameBytesMax = 100;

std::string lower_case(std::string_view text) {
  std::string out;
  for (char c : text) {
    if (c == ' ' || c == '_' || c == '-') continue;
    out.push_back(c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c);
  }
  return out;
}

template <size_t N>
bool one_of(std::string_view word, const std::string_view (&words)[N]) {
  return std::find(std::begin(words), std::end(words), word) != std::end(words);
}

bool is_down(std::string_view text) {
  constexpr std::string_view kWords[] = {"down",  "unhealthy",   "fail",     "failed",     "failing",     "failure",
                                         "error", "critical",    "notready", "notserving", "outage",      "dead",
                                         "false", "unavailable", "offline",  "stopped",    "outofservice"};
  return one_of(lower_case(text), kWords);
}

// Members that say how the object itself is.
bool is_own_state(std::string_view name) {
  constexpr std::string_view kNames[] = {"status", "state", "health", "healthy", "ok",
                                         "ready",  "live",  "alive",  "up",      "success"};
  return one_of(lower_case(name), kNames);
}

// Members that hold the things it depends on.
bool holds_others(std::string_view name) {
  constexpr std::string_view kNames[] = {"components",   "checks",     "results", "entries", "dependencies", "services",
                                         "contributors", "indicators", "error",   "details", "info"};
  return one_of(lower_case(name), kNames);
}

bool state_is_down(const Json& value) {
  if (value.is_boolean()) return !value.get<bool>();
  return value.is_string() && is_down(value.get<std::string>());
}

bool says_down(const Json& object) {
  return std::any_of(object.items().begin(), object.items().end(),
                     [](const auto& member) { return is_own_state(member.key()) && state_is_down(member.value()); });
}

bool has_state(const Json& object) {
  return object.is_object() && std::any_of(object.items().begin(), object.items().end(),
                                           [](const auto& member) { return is_own_state(member.key()); });
}

class Walk {
 public:
  explicit Walk(std::vector<std::string>& failed) : failed_(failed) {}

  // The things that `object` depends on, named below `prefix`.
  void members(const Json& object, const std::string& prefix, int depth) {
    if (depth > kDepthMax) return;
    // What a single check says beside its state describes it: "value", "description".
    const bool described = depth > 0 && has_state(object);
    for (const auto& member : object.items()) {
      const Json& value = member.value();
      if (is_own_state(member.key())) continue;
      if (holds_others(member.key()) && value.is_structured()) {
        others(value, prefix, lower_case(member.key()) == "details", depth);
      } else if (value.is_object() ? has_state(value) : !value.is_array() && !described) {
        check(member.key(), value, prefix, depth);
      }
    }
  }

 private:
  // Details may be of any kind (`"exists": false`): of them only those count that have a state.
  void others(const Json& list, const std::string& prefix, bool details, int depth) {
    for (const auto& member : list.items()) {
      const Json& value = member.value();
      if (details && !has_state(value)) continue;
      if (value.is_array()) {  // health+json: several measurements of one thing
        for (const Json& one : value) check(member.key(), one, prefix, depth);
      } else {
        check(list.is_array() ? name_of(value) : member.key(), value, prefix, depth);
      }
    }
  }
  static std::string name_of(const Json& check) {
    if (!check.is_object()) return {};
    for (const char* name : {"name", "key", "id", "componentName", "check"}) {
      auto found = check.find(name);
      if (found != check.end() && found->is_string()) return found->get<std::string>();
    }
    return {};
  }

  void check(const std::string& name, const Json& value, const std::string& prefix, int depth) {
    if (name.empty()) return;
    std::string path = prefix.empty() ? name : prefix + "." + name;
    if (!value.is_object()) {
      if (state_is_down(value)) add(path);
      return;
    }
    size_t before = failed_.size();
    members(value, path, depth + 1);
    if (failed_.size() == before && says_down(value)) add(path);
  }
  void add(std::string_view path) {
    std::string name(path.substr(0, kNameBytesMax));
    bool known = std::find(failed_.begin(), failed_.end(), name) != failed_.end();
    if (!known && failed_.size() < kFailedMax) failed_.push_back(std::move(name));
  }

  std::vector<std::string>& failed_;
};

// [+]ping ok
// [-]etcd failed: reason withheld
bool read_lines(std::string_view body, Answer& answer) {
  bool any = false;
  while (!body.empty()) {
    size_t end = body.find('\n');
    std::string_view line = body.substr(0, end);
    body.remove_prefix(end == std::string_view::npos ? body.size() : end + 1);
    any = any || line.starts_with("[+]") || line.starts_with("[-]");
    if (!line.starts_with("[-]") || answer.failed.size() >= kFailedMax) continue;
    std::string_view name = line.substr(3);
    size_t words = name.find(" failed");
    answer.failed.emplace_back(name.substr(0, std::min(words, kNameBytesMax)));
    answer.says_down = true;
  }
  return any;
}

}  // namespace

Answer read_answer(std::string_view body) {
  Answer answer;
  body = body.substr(0, kBodyBytesMax);
  while (!body.empty() && (body.back() == '\n' || body.back() == '\r' || body.back() == ' ')) body.remove_suffix(1);
  if (read_lines(body, answer)) return answer;
  Json json = Json::parse(body, nullptr, false);
  if (json.is_object()) {
    answer.says_down = says_down(json);
    Walk(answer.failed).members(json, "", 0);
  } else if (json.is_boolean() || json.is_string()) {
    answer.says_down = state_is_down(json);
  } else if (json.is_discarded()) {
    answer.says_down = is_down(body);
  }
  return answer;
}

}  // namespace clew::health
