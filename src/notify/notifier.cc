// The doors of the Notifier: alerts come in, and what is known is asked. What is due is in notifier_flush.cc.
#include "notify/notifier.h"

#include <fmt/format.h>

#include <algorithm>

#include "notify/job.h"

namespace clew::notify {
namespace {

constexpr int64_t kJumpNanos = 5'000'000'000;  // the wall clock went otherwise than time did by more than this
constexpr size_t kAlertsMax = 200'000;
constexpr uint32_t kTestTimeoutMs = 10'000;

}  // namespace

Notifier::Notifier(NotifierParts parts, NotifierOptions options, ConfigPtr config)
    : parts_(std::move(parts)),
      options_(std::move(options)),
      started_at_(parts_.clock.now()),
      config_(std::move(config)),
      silences_(parts_.rng) {}

Notifier::~Notifier() { stop(); }

Result<std::unique_ptr<Notifier>> Notifier::open(NotifierParts parts, NotifierOptions options, ConfigPtr config) {
  std::unique_ptr<Notifier> made(new Notifier(std::move(parts), std::move(options), std::move(config)));
  CLEW_TRY(made->restore());
  made->add_gauges();
  return made;
}

Status Notifier::restore() {
  base::MutexLock writing(write_mutex_);
  Records found;
  log_ = CLEW_TRY(StateLog::open(parts_.disk, parts_.rng, options_.dir, found));
  damaged_ = log_->damaged();
  base::MutexLock lock(mutex_);
  UnixNanos now = observe_clock();
  // Nobody could post an alert again while nothing listened: those that held get the time to be posted.
  UnixNanos until(now.get() + static_cast<int64_t>(config_->resolve_timeout_ns));
  for (auto& [id, alert] : found.alerts) {
    if (alert.alert.ends_at > alert.updated_at) alert.alert.ends_at = std::max(alert.alert.ends_at, until);
  }
  alerts_ = std::move(found.alerts);
  sent_ = std::move(found.log);
  care_ = std::move(found.care);
  for (auto& [id, silence] : found.silences) silences_.restore(std::move(silence));
  regroup(now);
  return {};
}

void Notifier::add_gauges() {
  auto alerts = [this](const char* state) {
    base::MutexLock lock(mutex_);
    UnixNanos now = parts_.clock.now();
    double count = 0;
    for (const auto& [id, alert] : alerts_) {
      if (alert.resolved_at(now)) continue;
      bool suppressed = muting_of(alert.alert.labels, now).any();
      if (suppressed == (std::string_view(state) == "suppressed")) ++count;
    }
    return count;
  };
  for (const char* state : {"active", "suppressed"}) {
    parts_.metrics.gauge("clew_alertmanager_alerts", "Alerts that hold, by state", {{"state", state}},
                         [alerts, state] { return alerts(state); });
  }
  for (SilenceState state : {SilenceState::kActive, SilenceState::kPending, SilenceState::kExpired}) {
    parts_.metrics.gauge(
        "clew_alertmanager_silences", "Silences, by state", {{"state", std::string(silence_state_name(state))}},
        [this, state] {
          base::MutexLock lock(mutex_);
          UnixNanos now = parts_.clock.now();
          return static_cast<double>(std::count_if(silences_.all().begin(), silences_.all().end(),
                                                   [&](const auto& one) { return one.second.state(now) == state; }));
        });
  }
  parts_.metrics.gauge("clew_alertmanager_dispatcher_aggregation_groups", "Groups of alerts", {}, [this] {
    base::MutexLock lock(mutex_);
    return static_cast<double>(groups_.size());
  });
}

// All times of what goes on move with a jump, so that what was to last another hour still does.
UnixNanos Notifier::observe_clock() {
  UnixNanos now = parts_.clock.now();
  uint64_t mono = parts_.clock.monotonic_ns();
  int64_t jump = wall_seen_ == 0 ? 0 : now.get() - wall_seen_ - static_cast<int64_t>(mono - mono_seen_);
  wall_seen_ = now.get();
  mono_seen_ = mono;
  if (std::abs(jump) < kJumpNanos) {
    wall_seen_ -= jump;  // small steps add up to a jump
    return now;
  }
  auto move = [jump](UnixNanos& at) { at = UnixNanos(at.get() + jump); };
  for (auto& [id, alert] : alerts_) {
    move(alert.alert.ends_at);
    move(alert.updated_at);
  }
  for (auto& [key, entry] : sent_) {
    move(entry.at);
    move(entry.expires_at);
  }
  for (auto& [key, care] : care_) {
    move(care.first_told_at);
    if (care.acked()) move(care.acked_at);
  }
  whole_due_ = true;
  return now;
}

void Notifier::post(std::span<const contract::Alert> alerts) { (void)take(alerts); }

Result<std::vector<std::string>> Notifier::take(std::span<const contract::Alert> alerts) {
  base::MutexLock writing(write_mutex_);
  std::vector<std::string> refused;
  std::vector<std::string> records;
  {
    base::MutexLock lock(mutex_);
    UnixNanos now = observe_clock();
    for (const contract::Alert& posted : alerts) {
      Result<StoredAlert> alert = accepted(posted, now, config_->resolve_timeout_ns);
      if (alert.ok() && alerts_.size() >= kAlertsMax && alerts_.count(alert->fingerprint) == 0) {
        alert = Error(Code::kLimit, fmt::format("there are {} alerts already", kAlertsMax));
      }
      if (!alert.ok()) {
        parts_.metrics.counter("clew_alertmanager_alerts_invalid_total", "Alerts that were refused").add();
        refused.push_back(alert.error().message());
        continue;
      }
      parts_.metrics
          .counter("clew_alertmanager_alerts_received_total", "Alerts posted, by status",
                   {{"status", alert->resolved_at(now) ? "resolved" : "firing"}})
          .add();
      store_alert(std::move(alert).take(), now, records);
    }
  }
  Status written = write_records(records);
  dispatch_bell_.ring();
  if (!written.ok()) return std::move(written).error();
  return refused;
}

void Notifier::store_alert(StoredAlert alert, UnixNanos now, std::vector<std::string>& records) {
  auto [place, fresh] = alerts_.try_emplace(alert.fingerprint, alert);
  if (!fresh) {
    const contract::Alert& old = place->second.alert;
    const contract::Alert& young = alert.alert;
    bool overlap = (young.ends_at > old.starts_at && young.ends_at < old.ends_at) ||
                   (young.starts_at > old.starts_at && young.starts_at < old.ends_at) ||
                   (young.starts_at == old.starts_at);
    place->second = overlap ? merged(place->second, alert, now) : std::move(alert);
  }
  records.push_back(encode_alert(place->second));
  insert(place->second, now);
}

Status Notifier::write_records(const std::vector<std::string>& records) {
  Status written = log_->write(records);
  bool whole = false;
  Records all;
  {
    base::MutexLock lock(mutex_);
    whole_due_ = whole_due_ || !written.ok();  // what could not be written now is so later
    whole = written.ok() && (whole_due_ || log_->wants_compaction());
    if (whole) all = all_records();
  }
  Status compacted = whole ? log_->compact(all) : Status();
  base::MutexLock lock(mutex_);
  health_ = written.ok() ? compacted : written;
  if (whole) whole_due_ = !compacted.ok();
  return written;
}

Records Notifier::all_records() const {
  return {.alerts = alerts_, .silences = silences_.all(), .log = sent_, .care = care_};
}

Status Notifier::health() const {
  base::MutexLock lock(mutex_);
  return health_;
}

void Notifier::set_config(ConfigPtr config) {
  base::MutexLock writing(write_mutex_);
  {
    base::MutexLock lock(mutex_);
    config_ = std::move(config);
    jobs_.remove_if([](const auto& job) { return !job->sending; });
    regroup(observe_clock());
  }
  if (started_) start_senders();
  dispatch_bell_.ring();
}

ConfigPtr Notifier::config() const {
  base::MutexLock lock(mutex_);
  return config_;
}

// --- what is asked ---------------------------------------------------------------------------------------------------

Muting Notifier::muting_of(const Labels& labels, UnixNanos now) const {
  return {.silenced_by = silences_.muting(labels, now),
          .inhibited_by = inhibitors_of(config_->inhibit_rules, labels, alerts_, now)};
}

AlertState Notifier::state_of(const StoredAlert& alert, UnixNanos now) const {
  AlertState state{.alert = alert, .muting = muting_of(alert.alert.labels, now), .processed = true, .receivers = {}};
  for (size_t route : config_->routes_of(alert.alert.labels))
    state.receivers.push_back(config_->routes[route].receiver);
  return state;
}

std::vector<AlertState> Notifier::alerts() const {
  base::MutexLock lock(mutex_);
  UnixNanos now = parts_.clock.now();
  std::vector<AlertState> out;
  for (const auto& [id, alert] : alerts_) {
    if (!alert.resolved_at(now)) out.push_back(state_of(alert, now));
  }
  return out;
}

std::vector<GroupState> Notifier::groups() const {
  base::MutexLock lock(mutex_);
  UnixNanos now = parts_.clock.now();
  std::vector<GroupState> out;
  for (const auto& [id, group] : groups_) {
    const Route& route = config_->routes[group.route];
    GroupState state{.key = group.key,
                     .receiver = route.receiver,
                     .labels = group.labels,
                     .care = {},
                     .escalate_to = route.escalate_to,
                     .alerts = {}};
    if (auto care = care_.find(group.key); care != care_.end()) state.care = care->second;
    for (uint64_t member : group.members) {
      auto alert = alerts_.find(member);
      if (alert != alerts_.end() && !alert->second.resolved_at(now))
        state.alerts.push_back(state_of(alert->second, now));
    }
    if (!state.alerts.empty()) out.push_back(std::move(state));
  }
  return out;
}

std::vector<Silence> Notifier::silences() const {
  base::MutexLock lock(mutex_);
  std::vector<Silence> out;
  for (const auto& [id, silence] : silences_.all()) out.push_back(silence);
  return out;
}

std::optional<Silence> Notifier::silence(const std::string& id) const {
  base::MutexLock lock(mutex_);
  const Silence* found = silences_.find(id);
  return found == nullptr ? std::nullopt : std::optional<Silence>(*found);
}

Result<std::string> Notifier::set_silence(Silence silence) {
  base::MutexLock writing(write_mutex_);
  std::vector<std::string> records;
  std::string id;
  {
    base::MutexLock lock(mutex_);
    std::vector<Silence> changed = CLEW_TRY(silences_.set(std::move(silence), observe_clock()));
    for (const Silence& one : changed) records.push_back(encode_silence(one));
    id = changed.back().id;
  }
  CLEW_TRY(write_records(records));
  return id;
}

Status Notifier::expire_silence(const std::string& id) {
  base::MutexLock writing(write_mutex_);
  std::vector<std::string> records;
  {
    base::MutexLock lock(mutex_);
    Silence ended = CLEW_TRY(silences_.expire(id, observe_clock()));
    records.push_back(encode_silence(ended));
  }
  return write_records(records);
}

Status Notifier::acknowledge(const std::string& group_key, const std::string& by, const std::string& comment) {
  base::MutexLock writing(write_mutex_);
  std::vector<std::string> records;
  {
    base::MutexLock lock(mutex_);
    UnixNanos now = observe_clock();
    auto group = std::find_if(groups_.begin(), groups_.end(), [&](const auto& one) {
      return one.second.key == group_key &&
             std::any_of(one.second.members.begin(), one.second.members.end(), [&](uint64_t id) {
               auto alert = alerts_.find(id);
               return alert != alerts_.end() && !alert->second.resolved_at(now);
             });
    });
    if (group == groups_.end())
      return Error(Code::kNotFound, "no group of alerts that hold has the key " + clew::quoted(group_key));
    GroupCare& care = care_[group_key];
    care.acked_at = now;
    care.acked_by = by;
    care.ack_comment = comment;
    records.push_back(encode_care(group_key, care));
    tell_acknowledged(group->second, by, now);
  }
  Status written = write_records(records);
  send_bell_.ring();
  return written;
}

Result<std::vector<Delivery>> Notifier::test_receiver(const std::string& name) {
  ConfigPtr config = this->config();
  const Receiver* receiver = config->receiver(name);
  if (receiver == nullptr) return Error(Code::kNotFound, "no receiver is named " + clew::quoted(name));
  std::unique_ptr<Sender> sender = parts_.make_sender();
  UnixNanos at = now();
  Notification test{.receiver = name,
                    .group_key = fmt::format("clew test {}", at.get()),
                    .group_labels = {{"alertname", "ClewTest"}},
                    .alerts = {},
                    .external_url = options_.external_url,
                    .by = {},
                    .memory = {},
                    .timeout_ms = kTestTimeoutMs};
  contract::Alert alert{.labels = {{"alertname", "ClewTest"}, {"severity", "info"}},
                        .annotations = {{"summary", "A test of receiver " + name + ": nothing is wrong."}},
                        .starts_at = at,
                        .ends_at = {},
                        .generator_url = options_.external_url};
  test.alerts.push_back({.alert = alert, .fingerprint = fingerprint(alert.labels)});
  std::vector<Delivery> out;
  for (const Channel& channel : receiver->channels) {
    Outcome outcome = sender->send(channel, test);
    out.push_back({.at = at,
                   .receiver = name,
                   .channel = std::string(channel_name(channel.kind)),
                   .index = channel.index,
                   .group_key = test.group_key,
                   .firing = 1,
                   .resolved = 0,
                   .attempt = 1,
                   .ok = outcome.ok,
                   .again = false,
                   .status = outcome.status,
                   .error = outcome.error});
    if (outcome.ok && channel.kind == ChannelKind::kPagerDuty) {  // nobody is left to resolve it
      Notification resolved = test;
      resolved.alerts.front().alert.ends_at = at;
      (void)sender->send(channel, resolved);
    }
  }
  base::MutexLock lock(mutex_);
  for (const Delivery& delivery : out) keep_delivery(delivery);
  return out;
}

std::vector<Delivery> Notifier::deliveries() const {
  base::MutexLock lock(mutex_);
  return {deliveries_.begin(), deliveries_.end()};
}

}  // namespace clew::notify
