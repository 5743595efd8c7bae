// Notifications on their way: tried again with growing waits, remembered when they are taken.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "notify/job.h"
#include "notify/notifier.h"

namespace clew::notify {
namespace {

constexpr uint64_t kMilli = 1'000'000;
constexpr double kFirstRetryNs = 500.0 * kMilli;
constexpr double kRetryFactor = 1.5;
constexpr double kRetryNsMax = 60'000.0 * kMilli;
constexpr uint64_t kSendMs = 30'000;        // one try
constexpr uint32_t kSendersPerChannel = 2;  // a channel that hangs does not hold the others up
constexpr size_t kSenders = 8;
constexpr size_t kDeliveriesMax = 1'000;
constexpr uint64_t kForeverNs = 3'600'000 * kMilli;

// Half to one and a half of a wait that grows.
uint64_t retry_after_ns(uint32_t attempt, os::Rng& rng) {
  double wait = std::min(kFirstRetryNs * std::pow(kRetryFactor, attempt - 1), kRetryNsMax);
  double share = static_cast<double>(rng.next() % 1024) / 1024.0;
  return static_cast<uint64_t>(wait * (0.5 + share));
}

}  // namespace

std::shared_ptr<Notifier::Job> Notifier::due_job() {
  uint64_t mono = parts_.clock.monotonic_ns();
  for (const auto& job : jobs_) {
    if (job->sending || job->next_ns > mono) continue;
    ChannelHealth& channel = channels_[job->channel_key];
    if (channel.sending >= kSendersPerChannel) continue;
    ++channel.sending;
    job->sending = true;
    ++job->attempt;
    uint64_t left_ms = job->deadline_ns > mono ? (job->deadline_ns - mono) / kMilli : 1;
    job->notification.timeout_ms = static_cast<uint32_t>(std::clamp<uint64_t>(left_ms, 1'000, kSendMs));
    job->notification.go_on = [this] { return !stopping_.load(); };
    return job;
  }
  return nullptr;
}

bool Notifier::send_one(Sender& sender) {
  std::shared_ptr<Job> job;
  {
    base::MutexLock lock(mutex_);
    job = due_job();
  }
  if (job == nullptr) return false;
  base::MetricLabels labels = {{"integration", std::string(channel_name(job->channel->kind))}};
  uint64_t begin = parts_.clock.monotonic_ns();
  Outcome outcome = sender.send(*job->channel, job->notification);
  parts_.metrics.latency("clew_alertmanager_notification_latency_seconds", "Time of one try of a notification", labels)
      .observe_ns(parts_.clock.monotonic_ns() - begin);
  parts_.metrics.counter("clew_alertmanager_notification_requests_total", "Tries of notifications", labels).add();
  if (!outcome.ok) {
    parts_.metrics
        .counter("clew_alertmanager_notification_requests_failed_total", "Tries of notifications that failed", labels)
        .add();
  }
  base::MutexLock writing(write_mutex_);
  std::vector<std::string> records;
  {
    base::MutexLock lock(mutex_);
    finish_job(*job, outcome, observe_clock(), records);
    if (job->sending == false && job->next_ns == 0) jobs_.remove(job);
  }
  (void)write_records(records);  // health() says why it failed
  dispatch_bell_.ring();
  send_bell_.ring();  // its channel has room for another
  return true;
}

void Notifier::finish_job(Job& job, const Outcome& outcome, UnixNanos now, std::vector<std::string>& records) {
  uint64_t mono = parts_.clock.monotonic_ns();
  job.sending = false;
  --channels_[job.channel_key].sending;
  uint64_t next = mono + retry_after_ns(job.attempt, parts_.rng);
  bool current = job.config == config_;
  if (!outcome.ok && stopping_) {  // it was cut short: the next start tries it
    job.next_ns = next;
    return;
  }
  bool again = !outcome.ok && outcome.retry && next < job.deadline_ns && current;
  remember(job, outcome, again, now);
  if (again) {
    job.next_ns = next;
    return;
  }
  job.next_ns = 0;  // done
  base::MetricLabels labels = {{"integration", std::string(channel_name(job.channel->kind))}};
  parts_.metrics.counter("clew_alertmanager_notifications_total", "Notifications that were to be sent", labels).add();
  if (!outcome.ok) {
    parts_.metrics
        .counter("clew_alertmanager_notifications_failed_total", "Notifications that could not be sent", labels)
        .add();
  }
  if (outcome.ok && job.of_flush) log_success(job, outcome, now, records);
  note_failing(job, outcome, now, records);
  if (!current || !job.of_flush) return;  // the groups were made anew: theirs is another flush
  auto group = groups_.find(job.group);
  if (group == groups_.end() || group->second.jobs_open == 0) return;
  group->second.jobs_failed = group->second.jobs_failed || !outcome.ok;
  if (--group->second.jobs_open == 0) finish_flush(group->second, records);
}

void Notifier::log_success(const Job& job, const Outcome& outcome, UnixNanos now, std::vector<std::string>& records) {
  LogEntry& entry = sent_[job.sent_key];
  entry.at = now;
  entry.expires_at = UnixNanos(now.get() + 2 * static_cast<int64_t>(job.repeat_ns));
  entry.firing = job.firing;
  entry.resolved = job.resolved;
  entry.memory = job.firing.empty() ? std::map<std::string, std::string>() : outcome.memory;
  records.push_back(encode_log(job.sent_key, entry));
}

void Notifier::remember(const Job& job, const Outcome& outcome, bool again, UnixNanos now) {
  keep_delivery({.at = now,
                 .receiver = job.notification.receiver,
                 .channel = std::string(channel_name(job.channel->kind)),
                 .index = job.channel->index,
                 .group_key = job.notification.group_key,
                 .firing = static_cast<uint32_t>(job.notification.that(true).size()),
                 .resolved = static_cast<uint32_t>(job.notification.that(false).size()),
                 .attempt = job.attempt,
                 .ok = outcome.ok,
                 .again = again,
                 .status = outcome.status,
                 .error = outcome.error});
}

void Notifier::keep_delivery(const Delivery& delivery) {
  deliveries_.push_back(delivery);
  if (deliveries_.size() > kDeliveriesMax) deliveries_.pop_front();
}

// --- threads ---------------------------------------------------------------------------------------------------------

void Notifier::start() {
  started_ = true;
  stopping_ = false;
  dispatcher_ = std::jthread([this](const std::stop_token& stop) { run_dispatch(stop); });
  start_senders();
}

// None while there is nobody to tell.
void Notifier::start_senders() {
  ConfigPtr config = this->config();
  bool any = !options_.heartbeat_url.empty() || std::any_of(config->receivers.begin(), config->receivers.end(),
                                                            [](const auto& r) { return !r.second.channels.empty(); });
  while (any && senders_.size() < kSenders) {
    senders_.emplace_back([this](const std::stop_token& stop) { run_sender(stop); });
  }
}

void Notifier::stop() {
  stopping_ = true;
  dispatcher_.request_stop();
  for (std::jthread& one : senders_) one.request_stop();
  if (dispatcher_.joinable()) dispatcher_.join();
  senders_.clear();
  started_ = false;
}

void Notifier::run_dispatch(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    uint64_t seen = dispatch_bell_.rings();
    uint64_t wait = step();
    dispatch_bell_.wait(stop, seen, std::clamp<uint64_t>(wait, kMilli, kForeverNs));
  }
}

void Notifier::run_sender(const std::stop_token& stop) {
  std::unique_ptr<Sender> sender = parts_.make_sender();
  while (!stop.stop_requested()) {
    uint64_t seen = send_bell_.rings();
    beat(*sender);
    if (send_one(*sender)) continue;
    uint64_t next = kForeverNs;
    {
      base::MutexLock lock(mutex_);
      uint64_t mono = parts_.clock.monotonic_ns();
      auto nearer = [&](uint64_t at) { next = std::min(next, at > mono ? at - mono : kMilli); };
      for (const auto& job : jobs_) {
        if (!job->sending && channels_[job->channel_key].sending < kSendersPerChannel) nearer(job->next_ns);
      }
      if (!options_.heartbeat_url.empty() && !beating_) nearer(next_beat_ns_);
    }
    send_bell_.wait(stop, seen, next);
  }
}

void Notifier::beat(Sender& sender) {
  {
    base::MutexLock lock(mutex_);
    uint64_t mono = parts_.clock.monotonic_ns();
    if (options_.heartbeat_url.empty() || beating_ || next_beat_ns_ > mono) return;
    beating_ = true;
    next_beat_ns_ = mono + options_.heartbeat_ns;
  }
  Outcome outcome = sender.beat(options_.heartbeat_url, static_cast<uint32_t>(kSendMs));
  parts_.metrics
      .counter("clew_heartbeats_total", "Calls of the heartbeat URL", {{"result", outcome.ok ? "ok" : "failed"}})
      .add();
  base::MutexLock lock(mutex_);
  beating_ = false;
}

}  // namespace clew::notify
