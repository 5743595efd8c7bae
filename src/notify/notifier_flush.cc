// What is due: groups are flushed, alerts that nobody posts again end, nobody's pages go to the next.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "notify/job.h"
#include "notify/notifier.h"

namespace clew::notify {
namespace {

constexpr uint64_t kSecond = 1'000'000'000;
constexpr uint64_t kSendAtLeastNs = 10 * kSecond;  // a notification may take this long whatever the group's interval
constexpr uint64_t kCollectNs = 30 * kSecond;
constexpr int64_t kResolvedKeptNanos = 1800ll * 1'000'000'000;  // an alert that has ended stays known for so long
constexpr uint64_t kFailingNs = 3600 * kSecond;  // a channel counts as failing for so long after its last failure
constexpr int64_t kWaitMostNanos = 86'400ll * 1'000'000'000;  // after a start, whatever the clock says
constexpr uint64_t kForeverNs = 3600 * kSecond;

bool is_subset(const std::vector<uint64_t>& of, const std::vector<uint64_t>& in) {
  return std::includes(in.begin(), in.end(), of.begin(), of.end());
}

// Whether the group's alerts are worth another notification by this channel.
bool needs_update(const LogEntry* last, const std::vector<uint64_t>& firing, const std::vector<uint64_t>& resolved,
                  bool send_resolved, bool acked, uint64_t repeat_ns, UnixNanos now) {
  if (last == nullptr) return !firing.empty();
  if (!is_subset(firing, last->firing)) return true;
  if (firing.empty()) return !last->firing.empty();
  if (send_resolved && !is_subset(resolved, last->resolved)) return true;
  return !acked && last->at.get() < now.get() - static_cast<int64_t>(repeat_ns);
}

}  // namespace

bool Notification::firing() const {
  return std::any_of(alerts.begin(), alerts.end(), [](const NotifiedAlert& a) { return a.firing(); });
}

std::vector<const NotifiedAlert*> Notification::that(bool firing) const {
  std::vector<const NotifiedAlert*> out;
  for (const NotifiedAlert& a : alerts) {
    if (a.firing() == firing) out.push_back(&a);
  }
  return out;
}

// --- groups ----------------------------------------------------------------------------------------------------------

void Notifier::insert(const StoredAlert& alert, UnixNanos now) {
  for (size_t route : config_->routes_of(alert.alert.labels)) insert_into(route, alert, now);
}

void Notifier::insert_into(size_t place, const StoredAlert& alert, UnixNanos now) {
  const Route& route = config_->routes[place];
  Labels labels;
  for (const auto& [name, value] : alert.alert.labels) {
    if (route.group_by_all || route.group_by.count(name) > 0) labels[name] = value;
  }
  std::string text = labels_text(labels);
  auto [found, fresh] = groups_.try_emplace(GroupId(place, text));
  Group& group = found->second;
  uint64_t mono = parts_.clock.monotonic_ns();
  if (fresh) {
    group.route = place;
    group.labels = std::move(labels);
    group.key = route.key + ":" + text;
    group.next_ns = mono + route.group_wait_ns;
  }
  group.members.insert(alert.fingerprint);
  bool waited = alert.alert.starts_at.get() + static_cast<int64_t>(route.group_wait_ns) < now.get();
  if (!group.flushed && waited) group.next_ns = mono;
}

// All groups anew, as after a start: one that was told of before waits for the rest of its interval.
void Notifier::regroup(UnixNanos now) {
  groups_.clear();
  for (const auto& [id, alert] : alerts_) insert(alert, now);
  uint64_t mono = parts_.clock.monotonic_ns();
  for (auto& [id, group] : groups_) {
    const Route& route = config_->routes[group.route];
    int64_t last = 0;
    std::set<uint64_t> told;  // that they hold, and not that they are over
    std::string prefix = group.key + "\n";
    for (auto entry = sent_.lower_bound(prefix); entry != sent_.end() && entry->first.starts_with(prefix); ++entry) {
      last = std::max(last, entry->second.at.get());
      told.insert(entry->second.firing.begin(), entry->second.firing.end());
    }
    int64_t first = INT64_MAX;
    std::erase_if(group.members, [&](uint64_t member) {
      const StoredAlert& alert = alerts_.at(member);
      first = std::min(first, alert.alert.starts_at.get());
      return alert.resolved_at(now) && told.count(member) == 0;
    });
    group.flushed = last != 0;
    int64_t due = last != 0 ? last + static_cast<int64_t>(route.group_interval_ns)
                            : first + static_cast<int64_t>(route.group_wait_ns);
    group.next_ns = mono + static_cast<uint64_t>(std::clamp<int64_t>(due - now.get(), 0, kWaitMostNanos));
  }
}

bool Notifier::muted_by_time(const Route& route, UnixNanos now) const {
  auto within = [&](const std::string& name) {
    auto found = config_->time_intervals.find(name);
    return found != config_->time_intervals.end() && any_contains(found->second, now);
  };
  if (std::any_of(route.mute_intervals.begin(), route.mute_intervals.end(), within)) return true;
  return !route.active_intervals.empty() &&
         std::none_of(route.active_intervals.begin(), route.active_intervals.end(), within);
}

std::vector<std::string> Notifier::receivers_of(const Group& group) const {
  const Route& route = config_->routes[group.route];
  std::vector<std::string> out = {route.receiver};
  auto care = care_.find(group.key);
  if (care != care_.end() && care->second.escalated && !route.escalate_to.empty()) out.push_back(route.escalate_to);
  return out;
}

void Notifier::flush(Group& group, UnixNanos now, std::vector<std::string>& records) {
  const Route& route = config_->routes[group.route];
  group.next_ns = parts_.clock.monotonic_ns() + route.group_interval_ns;
  group.flushed = true;
  group.jobs_failed = false;
  group.resolved_in_flush.clear();
  std::vector<NotifiedAlert> alerts;
  for (uint64_t id : group.members) {
    auto found = alerts_.find(id);
    if (found == alerts_.end()) continue;
    const StoredAlert& stored = found->second;
    NotifiedAlert one{.alert = stored.alert, .fingerprint = id};
    if (stored.resolved_at(now))
      group.resolved_in_flush.emplace_back(id, stored.updated_at);
    else
      one.alert.ends_at = UnixNanos(0);
    if (!muting_of(stored.alert.labels, now).any()) alerts.push_back(std::move(one));
  }
  std::stable_sort(alerts.begin(), alerts.end(), [](const NotifiedAlert& a, const NotifiedAlert& b) {
    return before_in_notification(a.alert.labels, b.alert.labels);
  });
  if (!alerts.empty() && !muted_by_time(route, now)) {
    for (const std::string& receiver : receivers_of(group)) make_jobs(group, receiver, alerts, now, records);
  }
  if (group.jobs_open == 0) finish_flush(group, records);
}

void Notifier::make_jobs(Group& group, const std::string& name, const std::vector<NotifiedAlert>& alerts, UnixNanos now,
                         std::vector<std::string>& records) {
  const Receiver* receiver = config_->receiver(name);
  if (receiver == nullptr) return;
  const Route& route = config_->routes[group.route];
  std::vector<uint64_t> firing;
  std::vector<uint64_t> resolved;
  for (const NotifiedAlert& a : alerts) (a.firing() ? firing : resolved).push_back(a.fingerprint);
  std::sort(firing.begin(), firing.end());
  std::sort(resolved.begin(), resolved.end());
  auto care = care_.find(group.key);
  bool acked = care != care_.end() && care->second.acked();
  uint64_t mono = parts_.clock.monotonic_ns();
  for (const Channel& channel : receiver->channels) {
    auto job = std::make_shared<Job>();
    job->sent_key = log_key(group.key, name, channel_name(channel.kind), channel.index);
    auto last = sent_.find(job->sent_key);
    const LogEntry* entry = last == sent_.end() ? nullptr : &last->second;
    if (!needs_update(entry, firing, resolved, channel.send_resolved, acked, route.repeat_interval_ns, now)) continue;
    job->group = GroupId(group.route, labels_text(group.labels));
    job->config = config_;
    job->channel = &channel;
    job->channel_key = fmt::format("{}/{}/{}", name, channel_name(channel.kind), channel.index);
    job->firing = firing;
    job->resolved = resolved;
    job->repeat_ns = route.repeat_interval_ns;
    job->deadline_ns = mono + std::max(route.group_interval_ns, kSendAtLeastNs);
    job->next_ns = mono;
    Notification& n = job->notification;
    n.receiver = name;
    n.group_key = group.key;
    n.group_labels = group.labels;
    n.external_url = options_.external_url;
    if (entry != nullptr) n.memory = entry->memory;
    for (const NotifiedAlert& a : alerts) {
      if (a.firing() || channel.send_resolved) n.alerts.push_back(a);
    }
    if (n.alerts.empty()) {  // nothing to tell by it; that they are resolved is remembered all the same
      log_success(*job, {.ok = true, .error = {}, .memory = n.memory}, now, records);
      continue;
    }
    ++group.jobs_open;
    jobs_.push_back(std::move(job));
  }
  if (firing.empty() || route.escalate_to.empty() || group.jobs_open == 0) return;
  GroupCare& known = care_[group.key];
  if (known.first_told_at.get() != 0) return;
  known.first_told_at = now;
  records.push_back(encode_care(group.key, known));
}

// The jobs of a flush are done: what is resolved and told leaves the group.
void Notifier::finish_flush(Group& group, std::vector<std::string>& records) {
  if (group.jobs_failed) return;
  for (const auto& [id, updated_at] : group.resolved_in_flush) {
    auto found = alerts_.find(id);
    if (found == alerts_.end() || found->second.updated_at == updated_at) group.members.erase(id);
  }
  group.resolved_in_flush.clear();
  if (!group.members.empty() || care_.count(group.key) == 0) return;
  care_.erase(group.key);
  records.push_back(encode_care_gone(group.key));
}

void Notifier::escalate(Group& group, UnixNanos now, std::vector<std::string>& records) {
  const Route& route = config_->routes[group.route];
  auto care = care_.find(group.key);
  if (route.escalate_to.empty() || care == care_.end()) return;
  GroupCare& known = care->second;
  if (known.acked() || known.escalated || known.first_told_at.get() == 0) return;
  if (now.get() < known.first_told_at.get() + static_cast<int64_t>(route.escalate_after_ns)) return;
  bool holds = std::any_of(group.members.begin(), group.members.end(), [&](uint64_t id) {
    auto found = alerts_.find(id);
    return found != alerts_.end() && !found->second.resolved_at(now);
  });
  if (!holds) return;
  known.escalated = true;
  records.push_back(encode_care(group.key, known));
  group.next_ns = parts_.clock.monotonic_ns();
}

void Notifier::tell_acknowledged(const Group& group, const std::string& by, UnixNanos now) {
  uint64_t mono = parts_.clock.monotonic_ns();
  for (const std::string& name : receivers_of(group)) {
    const Receiver* receiver = config_->receiver(name);
    if (receiver == nullptr) continue;
    for (const Channel& channel : receiver->channels) {
      if (channel.kind != ChannelKind::kPagerDuty && channel.kind != ChannelKind::kOpsgenie) continue;
      auto job = std::make_shared<Job>();
      job->of_flush = false;
      job->group = GroupId(group.route, labels_text(group.labels));
      job->config = config_;
      job->channel = &channel;
      job->channel_key = fmt::format("{}/{}/{}", name, channel_name(channel.kind), channel.index);
      job->deadline_ns = mono + std::max(config_->routes[group.route].group_interval_ns, kSendAtLeastNs);
      job->next_ns = mono;
      Notification& n = job->notification;
      n.occasion = Occasion::kAcknowledged;
      n.receiver = name;
      n.group_key = group.key;
      n.group_labels = group.labels;
      n.external_url = options_.external_url;
      n.by = by;
      for (uint64_t id : group.members) {
        auto found = alerts_.find(id);
        if (found == alerts_.end() || found->second.resolved_at(now)) continue;
        NotifiedAlert one{.alert = found->second.alert, .fingerprint = id};
        one.alert.ends_at = UnixNanos(0);
        n.alerts.push_back(std::move(one));
      }
      if (!n.alerts.empty()) jobs_.push_back(std::move(job));
    }
  }
}

// --- time ------------------------------------------------------------------------------------------------------------

uint64_t Notifier::step() {
  base::MutexLock writing(write_mutex_);
  std::vector<std::string> records;
  uint64_t wait = kForeverNs;
  bool whole_due = false;
  {
    base::MutexLock lock(mutex_);
    UnixNanos now = observe_clock();
    uint64_t mono = parts_.clock.monotonic_ns();
    for (auto& [id, alert] : alerts_) {
      if (!alert.resolved_at(now) || alert.updated_at >= alert.alert.ends_at) continue;
      alert.updated_at = alert.alert.ends_at;  // it is over, also after a restart
      records.push_back(encode_alert(alert));
    }
    for (auto& [id, group] : groups_) {
      if (group.jobs_open > 0) continue;
      escalate(group, now, records);
      if (group.next_ns > mono) continue;
      if (on_its_way(group))
        group.next_ns = mono + kSecond;
      else
        flush(group, now, records);
    }
    if (next_collect_ns_ <= mono) {
      collect(now, records);
      next_collect_ns_ = mono + kCollectNs;
    }
    whole_due = whole_due_;
    wait = wait_ns(mono);
  }
  if (!records.empty() || whole_due) (void)write_records(records);  // health() says why it failed
  send_bell_.ring();
  return wait;
}

// A notification that began before the configuration changed.
bool Notifier::on_its_way(const Group& group) const {
  return std::any_of(jobs_.begin(), jobs_.end(), [&](const auto& job) {
    return job->config != config_ && job->of_flush && job->notification.group_key == group.key;
  });
}

uint64_t Notifier::wait_ns(uint64_t mono) const {
  uint64_t next = next_collect_ns_;
  for (const auto& [id, group] : groups_) {
    if (group.jobs_open > 0) continue;
    next = std::min(next, group.next_ns);
    auto care = care_.find(group.key);
    const Route& route = config_->routes[group.route];
    if (care == care_.end() || care->second.acked() || care->second.escalated || route.escalate_to.empty()) continue;
    int64_t left = care->second.first_told_at.get() + static_cast<int64_t>(route.escalate_after_ns) - wall_seen_;
    next = std::min(next, mono + static_cast<uint64_t>(std::max<int64_t>(left, 0)));
  }
  return next > mono ? next - mono : 0;
}

void Notifier::collect(UnixNanos now, std::vector<std::string>& records) {
  std::set<uint64_t> in_groups;
  std::set<std::string> group_keys;
  std::erase_if(groups_, [](const auto& one) { return one.second.members.empty() && one.second.jobs_open == 0; });
  for (const auto& [id, group] : groups_) {
    in_groups.insert(group.members.begin(), group.members.end());
    group_keys.insert(group.key);
  }
  std::erase_if(alerts_, [&](const auto& one) {
    bool old = one.second.alert.ends_at.get() + kResolvedKeptNanos < now.get() && in_groups.count(one.first) == 0;
    if (old) records.push_back(encode_alert_gone(one.first));
    return old;
  });
  std::erase_if(sent_, [&](const auto& one) {
    std::string group = one.first.substr(0, one.first.find('\n'));
    bool cared_for = care_.count(group) > 0 && group_keys.count(group) > 0;
    bool old = one.second.expires_at < now && !cared_for;
    if (old) records.push_back(encode_log_gone(one.first));
    return old;
  });
  std::erase_if(care_, [&](const auto& one) {
    bool old = group_keys.count(one.first) == 0;
    if (old) records.push_back(encode_care_gone(one.first));
    return old;
  });
  for (const std::string& id : silences_.collect(now)) records.push_back(encode_silence_gone(id));
  uint64_t mono = parts_.clock.monotonic_ns();
  for (auto& [key, channel] : channels_) {
    if (!channel.failing) continue;
    bool forgotten = channel.failed_ns + kFailingNs < mono;
    channel.failing = !forgotten;
    UnixNanos until(now.get() + static_cast<int64_t>(std::max(config_->resolve_timeout_ns, 4 * kCollectNs)));
    post_failing(channel, forgotten ? now : until, now, records);
  }
}

// --- channels that fail ----------------------------------------------------------------------------------------------

void Notifier::note_failing(const Job& job, const Outcome& outcome, UnixNanos now, std::vector<std::string>& records) {
  ChannelHealth& channel = channels_[job.channel_key];
  if (outcome.ok && !channel.failing) return;
  channel.failing = !outcome.ok;
  channel.receiver = job.notification.receiver;
  channel.channel = channel_name(job.channel->kind);
  channel.error = outcome.error;
  if (!outcome.ok) channel.failed_ns = parts_.clock.monotonic_ns();
  UnixNanos until(now.get() + static_cast<int64_t>(std::max(config_->resolve_timeout_ns, 4 * kCollectNs)));
  post_failing(channel, outcome.ok ? now : until, now, records);
}

void Notifier::post_failing(const ChannelHealth& channel, UnixNanos ends_at, UnixNanos now,
                            std::vector<std::string>& records) {
  contract::Alert alert{.labels = {{"alertname", "ClewNotificationsFailing"},
                                   {"receiver", channel.receiver},
                                   {"integration", channel.channel},
                                   {"severity", "critical"}},
                        .annotations = {{"summary", fmt::format("Receiver {} is not told of alerts by {}.",
                                                                channel.receiver, channel.channel)},
                                        {"description", "The last notification failed: " + channel.error}},
                        .starts_at = now,
                        .ends_at = ends_at,
                        .generator_url = options_.external_url};
  Result<StoredAlert> taken = accepted(alert, now, config_->resolve_timeout_ns);
  if (taken.ok()) store_alert(std::move(taken).take(), now, records);
}

}  // namespace clew::notify
