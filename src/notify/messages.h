// What notifications say where the configuration does not: Alertmanager's default texts.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "notify/sender.h"

namespace clew::notify {

// "[FIRING:2] HighLoad (db critical)"
std::string subject_of(const Notification& n);
// Labels, annotations and source of each.
std::string alert_list(const std::vector<const NotifiedAlert*>& alerts);
std::string alert_list_markdown(const std::vector<const NotifiedAlert*>& alerts);
// "Alerts Firing:" and "Alerts Resolved:" with their lists.
std::string both_lists(const Notification& n);
std::string both_lists_markdown(const Notification& n);
// The page of the alerts of this receiver.
std::string link_of(const Notification& n);
std::string email_html(const Notification& n);

Labels common_labels(const Notification& n);
Labels common_annotations(const Notification& n);
// Values in the order of names, alertname first.
std::vector<std::pair<std::string, std::string>> sorted_pairs(const Labels& labels);

// Alertmanager's webhook, version 4.
std::string webhook_json(const Notification& n, uint64_t alerts_max);
// RFC 3339 with as many digits as there are, as Go writes times; 0001-01-01T00:00:00Z for 0.
std::string go_time(UnixNanos at);
// Names of receivers stand in webhooks with what regular expressions would take for more escaped.
std::string quoted_for_regex(std::string_view text);

// At most `characters` of UTF-8, the end replaced by "…".
std::string cut_to(std::string_view text, size_t characters);
std::string html_escaped(std::string_view text);
// sha256 in hexadecimal digits: the name of a group at services that want one.
std::string dedup_key(const std::string& group_key);

}  // namespace clew::notify
