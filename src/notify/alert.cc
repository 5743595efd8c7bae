#include "notify/alert.h"

#include <algorithm>

#include "notify/config.h"

namespace clew::notify {
namespace {

constexpr size_t kLabelsMax = 256;
constexpr size_t kAlertBytesMax = 256u << 10;

size_t bytes_of(const Labels& labels) {
  size_t bytes = 0;
  for (const auto& [name, value] : labels) bytes += name.size() + value.size();
  return bytes;
}

bool same_labels(const std::vector<std::string>& names, const Labels& a, const Labels& b) {
  return std::all_of(names.begin(), names.end(),
                     [&](const std::string& name) { return value_of(a, name) == value_of(b, name); });
}

}  // namespace

StoredAlert merged(const StoredAlert& older, const StoredAlert& younger, UnixNanos now) {
  StoredAlert out = younger;
  out.alert.starts_at = std::min(older.alert.starts_at, younger.alert.starts_at);
  if (younger.resolved_at(now)) {
    if (older.resolved_at(now)) out.alert.ends_at = std::max(older.alert.ends_at, younger.alert.ends_at);
  } else if (older.alert.ends_at > younger.alert.ends_at && !older.timed_out) {
    out.alert.ends_at = older.alert.ends_at;
  }
  return out;
}

Result<StoredAlert> accepted(const contract::Alert& posted, UnixNanos now, uint64_t resolve_timeout_ns) {
  StoredAlert out;
  out.alert = posted;
  out.updated_at = now;
  contract::Alert& alert = out.alert;
  if (alert.starts_at.get() == 0) alert.starts_at = alert.ends_at.get() == 0 ? now : alert.ends_at;
  if (alert.ends_at.get() == 0) {
    out.timed_out = true;
    alert.ends_at = UnixNanos(now.get() + static_cast<int64_t>(resolve_timeout_ns));
  }
  std::erase_if(alert.labels, [](const auto& label) { return label.second.empty(); });
  if (alert.labels.empty()) return Error(Code::kInvalid, "at least one label pair required");
  if (alert.labels.size() > kLabelsMax || bytes_of(alert.labels) + bytes_of(alert.annotations) > kAlertBytesMax) {
    return Error(Code::kTooLarge, "the labels and annotations are more than an alert may have");
  }
  for (const Labels* set : {&alert.labels, &alert.annotations}) {
    for (const auto& [name, value] : *set) {
      if (!is_label_name(name)) return Error(Code::kInvalid, "invalid name " + clew::quoted(name));
    }
  }
  // Of a sender whose clock was set back while the alert held.
  if (alert.starts_at > now && alert.ends_at < alert.starts_at) alert.starts_at = std::min(alert.ends_at, now);
  if (alert.ends_at < alert.starts_at) return Error(Code::kInvalid, "start time must be before end time");
  out.fingerprint = fingerprint(alert.labels);
  return out;
}

std::vector<std::string> inhibitors_of(const std::vector<InhibitRule>& rules, const Labels& labels,
                                       const std::map<uint64_t, StoredAlert>& all, UnixNanos now) {
  std::vector<std::string> out;
  for (const InhibitRule& rule : rules) {
    if (!all_match(rule.target, labels)) continue;
    // An alert that is both source and target of a rule is not muted by others that are both.
    bool both = all_match(rule.source, labels);
    for (const auto& [id, source] : all) {
      if (source.resolved_at(now) || !all_match(rule.source, source.alert.labels)) continue;
      if (!same_labels(rule.equal, labels, source.alert.labels)) continue;
      if (both && all_match(rule.target, source.alert.labels)) continue;
      out.push_back(fingerprint_text(id));
      break;
    }
  }
  std::sort(out.begin(), out.end());
  out.erase(std::unique(out.begin(), out.end()), out.end());
  return out;
}

}  // namespace clew::notify
