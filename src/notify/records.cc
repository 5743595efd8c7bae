#include "notify/records.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

namespace clew::notify {
namespace {

using Json = nlohmann::json;

std::string dumped(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace); }

Json matchers_json(const Matchers& matchers) {
  Json list = Json::array();
  for (const Matcher& m : matchers) list.push_back({m.name(), static_cast<int>(m.kind()), m.value()});
  return list;
}

Result<Matchers> read_matchers(const Json& list) {
  Matchers out;
  for (const Json& one : list) {
    int kind = one.at(1).get<int>();
    if (kind < 0 || kind > static_cast<int>(MatchKind::kNotRegex)) return Error(Code::kCorrupt, "a matcher of no kind");
    Matcher made = CLEW_TRY(
        Matcher::make(one.at(0).get<std::string>(), static_cast<MatchKind>(kind), one.at(2).get<std::string>()));
    out.push_back(std::move(made));
  }
  return out;
}

Status apply_alert(const Json& json, Records& to) {
  StoredAlert a;
  a.alert.labels = json.at("labels").get<Labels>();
  a.alert.annotations = json.at("annotations").get<Labels>();
  a.alert.starts_at = UnixNanos(json.at("starts").get<int64_t>());
  a.alert.ends_at = UnixNanos(json.at("ends").get<int64_t>());
  a.alert.generator_url = json.at("url").get<std::string>();
  a.updated_at = UnixNanos(json.at("updated").get<int64_t>());
  a.timed_out = json.at("timeout").get<bool>();
  a.fingerprint = fingerprint(a.alert.labels);
  to.alerts[a.fingerprint] = std::move(a);
  return {};
}

Status apply_silence(const Json& json, Records& to) {
  Silence s;
  s.id = json.at("id").get<std::string>();
  s.matchers = CLEW_TRY(read_matchers(json.at("matchers")));
  s.starts_at = UnixNanos(json.at("starts").get<int64_t>());
  s.ends_at = UnixNanos(json.at("ends").get<int64_t>());
  s.updated_at = UnixNanos(json.at("updated").get<int64_t>());
  s.created_by = json.at("by").get<std::string>();
  s.comment = json.at("comment").get<std::string>();
  s.windows_json = json.at("windows").get<std::string>();
  if (!s.windows_json.empty()) {
    yaml::Mistakes wrong;
    s.windows = read_time_intervals(yaml::parse_yaml(s.windows_json, wrong), wrong);
    if (!wrong.empty()) return Error(Code::kCorrupt, "windows of a silence: " + wrong.front().message);
  }
  to.silences[s.id] = std::move(s);
  return {};
}

Status apply_log(const Json& json, Records& to) {
  LogEntry e;
  e.at = UnixNanos(json.at("at").get<int64_t>());
  e.expires_at = UnixNanos(json.at("expires").get<int64_t>());
  e.firing = json.at("firing").get<std::vector<uint64_t>>();
  e.resolved = json.at("resolved").get<std::vector<uint64_t>>();
  e.memory = json.at("memory").get<std::map<std::string, std::string>>();
  to.log[json.at("key").get<std::string>()] = std::move(e);
  return {};
}

Status apply_care(const Json& json, Records& to) {
  GroupCare c;
  c.first_told_at = UnixNanos(json.at("told").get<int64_t>());
  c.acked_at = UnixNanos(json.at("acked").get<int64_t>());
  c.acked_by = json.at("by").get<std::string>();
  c.ack_comment = json.at("comment").get<std::string>();
  c.escalated = json.at("escalated").get<bool>();
  to.care[json.at("key").get<std::string>()] = std::move(c);
  return {};
}

Status apply_json(const Json& json, Records& to) {
  std::string kind = json.at("k").get<std::string>();
  if (kind == "alert") return apply_alert(json, to);
  if (kind == "silence") return apply_silence(json, to);
  if (kind == "log") return apply_log(json, to);
  if (kind == "care") return apply_care(json, to);
  if (kind == "alert-")
    to.alerts.erase(json.at("id").get<uint64_t>());
  else if (kind == "silence-")
    to.silences.erase(json.at("id").get<std::string>());
  else if (kind == "log-")
    to.log.erase(json.at("key").get<std::string>());
  else if (kind == "care-")
    to.care.erase(json.at("key").get<std::string>());
  else
    return Error(Code::kUnsupported, "a record of kind " + clew::quoted(kind) + ": written by a later version");
  return {};
}

}  // namespace

std::string log_key(const std::string& group_key, const std::string& receiver, std::string_view channel,
                    uint32_t index) {
  return fmt::format("{}\n{}/{}/{}", group_key, receiver, channel, index);
}

std::string encode_alert(const StoredAlert& a) {
  return dumped({{"k", "alert"},
                 {"labels", a.alert.labels},
                 {"annotations", a.alert.annotations},
                 {"starts", a.alert.starts_at.get()},
                 {"ends", a.alert.ends_at.get()},
                 {"url", a.alert.generator_url},
                 {"updated", a.updated_at.get()},
                 {"timeout", a.timed_out}});
}

std::string encode_alert_gone(uint64_t fingerprint) { return dumped({{"k", "alert-"}, {"id", fingerprint}}); }

std::string encode_silence(const Silence& s) {
  return dumped({{"k", "silence"},
                 {"id", s.id},
                 {"matchers", matchers_json(s.matchers)},
                 {"starts", s.starts_at.get()},
                 {"ends", s.ends_at.get()},
                 {"updated", s.updated_at.get()},
                 {"by", s.created_by},
                 {"comment", s.comment},
                 {"windows", s.windows_json}});
}

std::string encode_silence_gone(const std::string& id) { return dumped({{"k", "silence-"}, {"id", id}}); }

std::string encode_log(const std::string& key, const LogEntry& e) {
  return dumped({{"k", "log"},
                 {"key", key},
                 {"at", e.at.get()},
                 {"expires", e.expires_at.get()},
                 {"firing", e.firing},
                 {"resolved", e.resolved},
                 {"memory", e.memory}});
}

std::string encode_log_gone(const std::string& key) { return dumped({{"k", "log-"}, {"key", key}}); }

std::string encode_care(const std::string& group_key, const GroupCare& c) {
  return dumped({{"k", "care"},
                 {"key", group_key},
                 {"told", c.first_told_at.get()},
                 {"acked", c.acked_at.get()},
                 {"by", c.acked_by},
                 {"comment", c.ack_comment},
                 {"escalated", c.escalated}});
}

std::string encode_care_gone(const std::string& group_key) { return dumped({{"k", "care-"}, {"key", group_key}}); }

std::vector<std::string> encode_all(const Records& records) {
  std::vector<std::string> out;
  for (const auto& [id, alert] : records.alerts) out.push_back(encode_alert(alert));
  for (const auto& [id, silence] : records.silences) out.push_back(encode_silence(silence));
  for (const auto& [key, entry] : records.log) out.push_back(encode_log(key, entry));
  for (const auto& [key, care] : records.care) out.push_back(encode_care(key, care));
  return out;
}

Status apply_record(std::string_view record, Records& to) {
  Json json = Json::parse(record, nullptr, false);
  if (json.is_discarded() || !json.is_object()) return Error(Code::kCorrupt, "a record that is no JSON object");
  try {
    return apply_json(json, to);
  } catch (const Json::exception& error) {
    return Error(Code::kCorrupt, error.what());
  }
}

}  // namespace clew::notify
