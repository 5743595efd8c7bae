#include "notify/messages.h"

#include <cctz/civil_time.h>
#include <cctz/time_zone.h>
#include <fmt/format.h>
#include <openssl/sha.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <nlohmann/json.hpp>

namespace clew::notify {
namespace {

using Json = nlohmann::ordered_json;

std::string url_quoted(std::string_view text) {
  std::string out;
  for (char c : text) {
    bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' ||
                 c == '.' || c == '~';
    if (plain)
      out += c;
    else if (c == ' ')
      out += '+';
    else
      out += fmt::format("%{:02X}", static_cast<unsigned char>(c));
  }
  return out;
}

std::string joined_values(const Labels& labels) {
  std::string out;
  for (const auto& [name, value] : sorted_pairs(labels)) {
    if (!out.empty()) out += ' ';
    out += value;
  }
  return out;
}

void append_pairs(const Labels& labels, std::string_view indent, std::string& out) {
  for (const auto& [name, value] : sorted_pairs(labels)) out += fmt::format("{}- {} = {}\n", indent, name, value);
}

Json alert_json(const NotifiedAlert& a) {
  return {{"status", a.firing() ? "firing" : "resolved"},
          {"labels", a.alert.labels},
          {"annotations", a.alert.annotations},
          {"startsAt", go_time(a.alert.starts_at)},
          {"endsAt", go_time(a.alert.ends_at)},
          {"generatorURL", a.alert.generator_url},
          {"fingerprint", fingerprint_text(a.fingerprint)}};
}

void append_html_list(const std::vector<const NotifiedAlert*>& alerts, std::string_view head, std::string& out) {
  if (alerts.empty()) return;
  out += fmt::format("<h3>[{}] {}</h3>\n", alerts.size(), head);
  for (const NotifiedAlert* a : alerts) {
    out += "<table style=\"margin-bottom:1em\">\n<tr><td colspan=\"2\"><b>Labels</b></td></tr>\n";
    for (const auto& [name, value] : sorted_pairs(a->alert.labels)) {
      out += fmt::format("<tr><td>{}</td><td>{}</td></tr>\n", html_escaped(name), html_escaped(value));
    }
    if (!a->alert.annotations.empty()) out += "<tr><td colspan=\"2\"><b>Annotations</b></td></tr>\n";
    for (const auto& [name, value] : sorted_pairs(a->alert.annotations)) {
      out += fmt::format("<tr><td>{}</td><td>{}</td></tr>\n", html_escaped(name), html_escaped(value));
    }
    out += fmt::format("<tr><td>Since</td><td>{}</td></tr>\n", go_time(a->alert.starts_at));
    if (!a->alert.generator_url.empty()) {
      out += fmt::format("<tr><td colspan=\"2\"><a href=\"{}\">Source</a></td></tr>\n",
                         html_escaped(a->alert.generator_url));
    }
    out += "</table>\n";
  }
}

}  // namespace

std::vector<std::pair<std::string, std::string>> sorted_pairs(const Labels& labels) {
  std::vector<std::pair<std::string, std::string>> out(labels.begin(), labels.end());
  std::stable_partition(out.begin(), out.end(), [](const auto& pair) { return pair.first == "alertname"; });
  return out;
}

Labels common_labels(const Notification& n) {
  Labels common = n.alerts.front().alert.labels;
  for (const NotifiedAlert& a : n.alerts) keep_common(common, a.alert.labels);
  return common;
}

Labels common_annotations(const Notification& n) {
  Labels common = n.alerts.front().alert.annotations;
  for (const NotifiedAlert& a : n.alerts) keep_common(common, a.alert.annotations);
  return common;
}

std::string subject_of(const Notification& n) {
  std::string out = n.firing() ? fmt::format("[FIRING:{}] ", n.that(true).size()) : "[RESOLVED] ";
  out += joined_values(n.group_labels) + " ";
  Labels rest = common_labels(n);
  if (rest.size() <= n.group_labels.size()) return out;
  std::erase_if(rest, [&](const auto& label) { return n.group_labels.count(label.first) > 0; });
  std::string values;
  for (const auto& [name, value] : sorted_pairs(rest)) values += (values.empty() ? "" : " ") + value;
  return out + "(" + values + ")";
}

std::string alert_list(const std::vector<const NotifiedAlert*>& alerts) {
  std::string out;
  for (const NotifiedAlert* a : alerts) {
    out += "Labels:\n";
    append_pairs(a->alert.labels, " ", out);
    out += "Annotations:\n";
    append_pairs(a->alert.annotations, " ", out);
    out += "Source: " + a->alert.generator_url + "\n";
  }
  return out;
}

std::string alert_list_markdown(const std::vector<const NotifiedAlert*>& alerts) {
  std::string out;
  for (const NotifiedAlert* a : alerts) {
    out += "\nLabels:\n";
    append_pairs(a->alert.labels, "  ", out);
    out += "\nAnnotations:\n";
    append_pairs(a->alert.annotations, "  ", out);
    out += "\nSource: " + a->alert.generator_url + "\n";
  }
  return out;
}

std::string both_lists(const Notification& n) {
  std::string out;
  if (!n.that(true).empty()) out += "Alerts Firing:\n" + alert_list(n.that(true));
  if (!n.that(false).empty())
    out += std::string(out.empty() ? "" : "\n") + "Alerts Resolved:\n" + alert_list(n.that(false));
  return out;
}

std::string both_lists_markdown(const Notification& n) {
  std::string out;
  if (!n.that(true).empty()) out += "# Alerts Firing:\n" + alert_list_markdown(n.that(true));
  if (!n.that(false).empty()) out += "# Alerts Resolved:\n" + alert_list_markdown(n.that(false));
  return out;
}

std::string link_of(const Notification& n) {
  return n.external_url + "/#/alerts?receiver=" + url_quoted(quoted_for_regex(n.receiver));
}

std::string email_html(const Notification& n) {
  std::string colour = n.firing() ? "#E6522C" : "#68B90F";
  std::string of_group;
  for (const auto& [name, value] : sorted_pairs(n.group_labels))
    of_group += html_escaped(name) + "=" + html_escaped(value) + " ";
  std::string out = "<!DOCTYPE html>\n<html><head><meta charset=\"utf-8\"><title>" + html_escaped(subject_of(n)) +
                    "</title></head>\n<body style=\"font-family:Helvetica,Arial,sans-serif;font-size:14px\">\n";
  out += fmt::format("<p style=\"background:{};color:#fff;padding:12px;font-size:16px\">{} alert{} for {}</p>\n",
                     colour, n.alerts.size(), n.alerts.size() == 1 ? "" : "s", of_group);
  out += fmt::format("<p><a href=\"{}\">View in clew</a></p>\n", html_escaped(link_of(n)));
  append_html_list(n.that(true), "Firing", out);
  append_html_list(n.that(false), "Resolved", out);
  return out + "</body></html>\n";
}

std::string webhook_json(const Notification& n, uint64_t alerts_max) {
  size_t kept = alerts_max == 0 ? n.alerts.size() : std::min<size_t>(n.alerts.size(), alerts_max);
  Notification cut = n;  // everything is of those that are told
  cut.alerts.resize(kept);
  Json alerts = Json::array();
  for (const NotifiedAlert& a : cut.alerts) alerts.push_back(alert_json(a));
  Json body = {{"receiver", quoted_for_regex(n.receiver)},
               {"status", cut.firing() ? "firing" : "resolved"},
               {"alerts", std::move(alerts)},
               {"groupLabels", n.group_labels},
               {"commonLabels", common_labels(cut)},
               {"commonAnnotations", common_annotations(cut)},
               {"externalURL", n.external_url},
               {"version", "4"},
               {"groupKey", n.group_key},
               {"truncatedAlerts", n.alerts.size() - kept}};
  return body.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

std::string go_time(UnixNanos at) {
  if (at.get() == 0) return "0001-01-01T00:00:00Z";
  int64_t seconds = at.get() / 1'000'000'000;
  int64_t nanos = at.get() % 1'000'000'000;
  if (nanos < 0) {
    nanos += 1'000'000'000;
    --seconds;
  }
  auto when = std::chrono::time_point<std::chrono::system_clock, std::chrono::seconds>(std::chrono::seconds(seconds));
  std::string out = cctz::format("%Y-%m-%dT%H:%M:%S", when, cctz::utc_time_zone());
  if (nanos != 0) {
    std::string digits = fmt::format("{:09}", nanos);
    digits.erase(digits.find_last_not_of('0') + 1);
    out += "." + digits;
  }
  return out + "Z";
}

std::string quoted_for_regex(std::string_view text) {
  std::string out;
  for (char c : text) {
    if (std::string_view(R"(\.+*?()|[]{}^$)").find(c) != std::string_view::npos) out += '\\';
    out += c;
  }
  return out;
}

std::string cut_to(std::string_view text, size_t characters) {
  size_t seen = 0;
  size_t last = 0;  // where the character before the last allowed one ends
  for (size_t i = 0; i < text.size(); ++i) {
    if ((static_cast<unsigned char>(text[i]) & 0xc0) == 0x80) continue;
    if (seen == characters - 1) last = i;
    if (seen == characters) return std::string(text.substr(0, last)) + "…";
    ++seen;
  }
  return std::string(text);
}

std::string html_escaped(std::string_view text) {
  std::string out;
  for (char c : text) {
    if (c == '<')
      out += "&lt;";
    else if (c == '>')
      out += "&gt;";
    else if (c == '&')
      out += "&amp;";
    else if (c == '"')
      out += "&#34;";
    else
      out += c;
  }
  return out;
}

std::string dedup_key(const std::string& group_key) {
  std::array<unsigned char, SHA256_DIGEST_LENGTH> digest{};
  SHA256(reinterpret_cast<const unsigned char*>(group_key.data()), group_key.size(), digest.data());
  std::string out;
  for (unsigned char byte : digest) out += fmt::format("{:02x}", byte);
  return out;
}

}  // namespace clew::notify
