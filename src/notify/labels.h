// Label sets as Alertmanager names, orders and prints them: group keys and fingerprints are the same as its own.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace clew::notify {

using Labels = std::map<std::string, std::string>;

// FNV-1a over sorted names and values; what the API calls an alert's fingerprint, as 16 digits.
uint64_t fingerprint(const Labels& labels);
std::string fingerprint_text(uint64_t fingerprint);

// {a="1", b="2"}; `{}` where there are none.
std::string labels_text(const Labels& labels);
// As Go's %q writes it: quotes around, control characters as escapes.
std::string go_quoted(std::string_view text);

// The order of alerts in a notification: by job, by instance, then by all labels.
bool before_in_notification(const Labels& a, const Labels& b);

// The value of a label; empty where there is none.
const std::string& value_of(const Labels& labels, const std::string& name);
// The labels that all have in common go on: what differs from `other` is taken out of `common`.
void keep_common(Labels& common, const Labels& other);

// [a-zA-Z_][a-zA-Z0-9_]*
bool is_label_name(std::string_view name);

}  // namespace clew::notify
