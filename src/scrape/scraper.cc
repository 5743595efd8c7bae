#include "scrape/scraper.h"

#include <pthread.h>

#include <algorithm>
#include <chrono>
#include <set>

#include "base/hash.h"
#include "wire/exposition.h"

namespace clew::scrape {
namespace {

constexpr uint64_t kNanosPerMilli = 1'000'000;
constexpr uint64_t kIdleNanos = 1'000'000'000;
constexpr auto kAskMost = std::chrono::seconds(10);
constexpr size_t kDroppedKept = 100;           // of a pool, for people
constexpr size_t kBodyBytesMost = 256u << 20;  // of a page, where body_size_limit says nothing
constexpr int64_t kRetryDiscoveryMillis = 5'000;
// A scrape that begins so little late has the time that it was meant for: even distances compress well.
constexpr int64_t kAlignMillisMost = 10;

}  // namespace

struct Scraper::Target {
  std::weak_ptr<Pool> pool;
  std::shared_ptr<const ScrapeConfig> config;
  TargetIdentity identity;
  TargetSeries series;
  uint64_t next_ns = 0;     // by the monotonic clock
  int64_t next_millis = 0;  // the same by the wall clock
  bool under_way = false;
  bool ended = false;
  std::string refused;  // why it is not scraped at all
  TargetReport state;
};

struct Scraper::Pool {
  std::shared_ptr<const ScrapeConfig> config;
  struct Finder {
    std::unique_ptr<Discovery> discovery;
    std::vector<TargetGroup> groups;
    uint64_t next_ns = 0;
    bool found = false;
    std::string failure;
  };
  std::vector<Finder> finders;
  std::map<std::string, std::shared_ptr<Target>> targets;
  std::vector<LabelSet::Pairs> dropped;
  uint64_t dropped_count = 0;
  bool settled = false;  // every way of the configuration has been gone
};

Scraper::Scraper(ScraperParts parts)
    : parts_(std::move(parts)),
      scrapes_(parts_.metrics.counter("clew_scrapes_total", "Pages of metrics fetched")),
      failures_(parts_.metrics.counter("clew_scrape_failures_total", "Pages that could not be fetched or read")),
      samples_(parts_.metrics.counter("clew_scrape_samples_total", "Samples of pages that were stored")),
      refused_(parts_.metrics.counter("clew_scrape_samples_refused_total", "Samples of pages that the store refused")),
      lost_(parts_.metrics.counter("clew_scrape_pages_lost_total", "Pages that the store did not take")),
      bad_lines_(parts_.metrics.counter("clew_scrape_bad_lines_total", "Lines of pages that could not be read")),
      discovery_failures_(
          parts_.metrics.counter("clew_scrape_discovery_failures_total", "Looks for targets that failed")),
      fetcher_(net::make_http_fetcher()),
      thread_([this](const std::stop_token& stop) { run(stop); }) {
  pthread_setname_np(thread_.native_handle(), "clew-scrape");
}

Scraper::~Scraper() {
  thread_.request_stop();
  wake_.notify_all();
  thread_.join();
  pools_.clear();
  fetcher_.reset();
}

void Scraper::post(Task task) {
  base::MutexLock lock(mutex_);
  tasks_.push_back(std::move(task));
  wake_.notify_all();
}

template <class T>
Result<T> Scraper::ask(std::function<T()> question) {
  auto answer = std::make_shared<std::promise<T>>();
  std::future<T> coming = answer->get_future();
  post([answer, question = std::move(question)] { answer->set_value(question()); });
  if (coming.wait_for(kAskMost) != std::future_status::ready) {
    return Error(Code::kUnavailable, "the scraper does not answer now");
  }
  return coming.get();
}

void Scraper::run(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    run_tasks();
    uint64_t next = work(parts_.clock.monotonic_ns());
    base::MutexLock lock(mutex_);
    if (!tasks_.empty() || stop.stop_requested()) continue;
    uint64_t now = parts_.clock.monotonic_ns();
    if (next > now) wake_.wait_for(mutex_, std::chrono::nanoseconds(std::min(next - now, kIdleNanos)));
  }
  run_tasks();
}

void Scraper::run_tasks() {
  std::deque<Task> taken;
  {
    base::MutexLock lock(mutex_);
    taken.swap(tasks_);
  }
  for (const Task& task : taken) task();
}

uint64_t Scraper::work(uint64_t now_ns) {
  uint64_t next = now_ns + kIdleNanos;
  for (const auto& [name, pool] : pools_) {
    for (size_t i = 0; i < pool->finders.size(); ++i) {
      if (pool->finders[i].next_ns <= now_ns) discover(*pool, i);
      next = std::min(next, pool->finders[i].next_ns);
    }
  }
  while (!due_.empty() && due_.top().at_ns <= now_ns) {
    Due due = due_.top();
    due_.pop();
    std::shared_ptr<Target> target = due.target.lock();
    bool holds = target != nullptr && !target->ended && target->next_ns == due.at_ns;  // else it was scheduled anew
    if (!holds) continue;
    begin(target);
    schedule(target);
  }
  if (!due_.empty()) next = std::min(next, due_.top().at_ns);
  return next;
}

void Scraper::configure(std::vector<ScrapeConfig> scrapes) {
  post([this, scrapes = std::move(scrapes)]() mutable { apply(std::move(scrapes)); });
}

void Scraper::apply(std::vector<ScrapeConfig> scrapes) {
  std::set<std::string> wanted;
  for (ScrapeConfig& scrape : scrapes) {
    std::string name = scrape.job_name;
    wanted.insert(name);
    std::shared_ptr<Pool>& pool = pools_[name];
    if (pool != nullptr && pool->config->same_as(scrape)) continue;
    bool fresh = pool == nullptr;
    if (fresh) pool = std::make_shared<Pool>();
    std::shared_ptr<const ScrapeConfig> before = pool->config;
    pool->config = std::make_shared<const ScrapeConfig>(std::move(scrape));
    // A way of finding targets that stays keeps what it has found.
    std::vector<Pool::Finder> finders(pool->config->discoveries.size());
    for (size_t i = 0; i < finders.size(); ++i) {
      for (size_t k = 0; before != nullptr && k < before->discoveries.size(); ++k) {
        bool same = before->discoveries[k] == pool->config->discoveries[i] && pool->finders[k].found;
        if (!same) continue;
        finders[i].groups = pool->finders[k].groups;
        finders[i].found = true;
      }
      std::weak_ptr<Pool> of = pool;
      Found found = [this, of, i](Result<std::vector<TargetGroup>> groups) {
        post([this, of, i, groups = std::move(groups)]() mutable { take_groups(of, i, std::move(groups)); });
      };
      finders[i].discovery = make_discovery(pool->config->discoveries[i], {*fetcher_, std::move(found)});
    }
    pool->finders = std::move(finders);
    for (const auto& [key, target] : pool->targets) {
      target->config = pool->config;
      target->series.forget_labels();
    }
    pool->settled = false;
    if (!fresh) sync_when_found(*pool);
  }
  for (auto at = pools_.begin(); at != pools_.end();) {
    if (wanted.contains(at->first)) {
      ++at;
      continue;
    }
    for (const auto& [key, target] : at->second->targets) end(*target);
    at = pools_.erase(at);
  }
}

void Scraper::discover(Pool& pool, size_t number) {
  Pool::Finder& finder = pool.finders[number];
  int64_t period = finder.discovery->period_millis();
  uint64_t now = parts_.clock.monotonic_ns();
  finder.next_ns = period == INT64_MAX ? UINT64_MAX : now + static_cast<uint64_t>(period) * kNanosPerMilli;
  finder.discovery->poll();
}

void Scraper::take_groups(const std::weak_ptr<Pool>& of, size_t number, Result<std::vector<TargetGroup>> groups) {
  std::shared_ptr<Pool> pool = of.lock();
  if (pool == nullptr || number >= pool->finders.size()) return;
  Pool::Finder& finder = pool->finders[number];
  if (!groups.ok()) {
    if (groups.error().code() != Code::kCancelled) discovery_failures_.add();
    finder.failure = groups.error().message();
    uint64_t soon = parts_.clock.monotonic_ns() + kRetryDiscoveryMillis * kNanosPerMilli;
    finder.next_ns = std::min(finder.next_ns, soon);
    if (std::exchange(finder.found, true)) return;
    return sync_when_found(*pool);
  }
  finder.failure.clear();
  bool changed = !finder.found || finder.groups != *groups;
  finder.found = true;
  if (!changed) return;
  finder.groups = std::move(*groups);
  sync_when_found(*pool);
}

// After a change of the configuration targets of before stay until every way to find some has been gone once.
void Scraper::sync_when_found(Pool& pool) {
  bool all_found = std::all_of(pool.finders.begin(), pool.finders.end(), [](const auto& f) { return f.found; });
  if (all_found || pool.targets.empty() || pool.settled) sync(pool);
}

// Makes targets of what was found; those that are there already go on.
void Scraper::sync(Pool& pool) {
  std::map<std::string, std::shared_ptr<Target>> now;
  pool.dropped.clear();
  pool.dropped_count = 0;
  pool.settled = std::all_of(pool.finders.begin(), pool.finders.end(), [](const auto& f) { return f.found; });
  std::shared_ptr<Pool> self = pools_[pool.config->job_name];
  auto add = [&](TargetIdentity identity, std::string refused) {
    std::string key = identity.key();
    auto before = pool.targets.find(key);
    std::shared_ptr<Target> target = before != pool.targets.end() ? before->second : nullptr;
    bool fresh = target == nullptr;
    if (fresh) target = std::make_shared<Target>();
    bool other_interval = !fresh && target->identity.interval_millis != identity.interval_millis;
    target->pool = self;
    target->config = pool.config;
    target->identity = std::move(identity);
    target->refused = std::move(refused);
    if (!now.emplace(std::move(key), target).second) return;
    if (fresh || other_interval) {
      target->next_ns = 0;
      schedule(target);
    }
  };
  for (const Pool::Finder& finder : pool.finders) {
    for (const TargetGroup& group : finder.groups) {
      for (const LabelSet::Pairs& labels : group.targets) {
        LabelSet::Pairs discovered = discovered_labels(labels, group.labels);
        Result<std::optional<TargetIdentity>> identity = identify(*pool.config, discovered);
        if (identity.ok() && identity->has_value()) {
          add(std::move(**identity), {});
          continue;
        }
        ++pool.dropped_count;
        if (pool.dropped.size() < kDroppedKept) pool.dropped.push_back(std::move(discovered));
      }
    }
  }
  if (pool.config->target_limit != 0 && now.size() > pool.config->target_limit) {
    for (const auto& [key, target] : now) {
      target->refused = "target_limit exceeded: " + std::to_string(now.size()) + " targets, more than " +
                        std::to_string(pool.config->target_limit);
    }
  }
  for (const auto& [key, target] : pool.targets) {
    auto found = now.find(key);
    if (found == now.end()) end(*target);
  }
  pool.targets = std::move(now);
}

// Spreads targets over the interval, each at a place of its own that is the same after a restart.
void Scraper::schedule(const std::shared_ptr<Target>& target) {
  int64_t interval = target->identity.interval_millis;
  uint64_t interval_ns = static_cast<uint64_t>(interval) * kNanosPerMilli;
  uint64_t now_ns = parts_.clock.monotonic_ns();
  if (target->next_ns != 0) {
    target->next_ns += interval_ns;
    target->next_millis += interval;
  }
  // The first time, or one that is long past or far ahead: the machine slept, the clock was set.
  int64_t now_millis = parts_.clock.now().get() / static_cast<int64_t>(kNanosPerMilli);
  int64_t wall_ahead = target->next_millis - now_millis;
  if (target->next_ns == 0 || target->next_ns + interval_ns < now_ns || std::abs(wall_ahead) > 2 * interval) {
    auto place = static_cast<int64_t>(base::hash64(target->identity.key()) % static_cast<uint64_t>(interval));
    int64_t wait = (place - now_millis % interval + interval) % interval;
    target->next_ns = now_ns + static_cast<uint64_t>(wait) * kNanosPerMilli;
    target->next_millis = now_millis + wait;
  }
  due_.push({target->next_ns, target});
}

void Scraper::begin(const std::shared_ptr<Target>& target) {
  if (target->under_way) return;
  int64_t now_millis = parts_.clock.now().get() / static_cast<int64_t>(kNanosPerMilli);
  bool on_time = std::abs(now_millis - target->next_millis) <= kAlignMillisMost;
  int64_t at_millis = on_time ? target->next_millis : now_millis;
  uint64_t begun_ns = parts_.clock.monotonic_ns();
  if (!target->refused.empty()) {
    return finish(*target, at_millis, begun_ns, Error(Code::kTooLarge, target->refused));
  }
  if (target->config->own_page != nullptr) {
    net::HttpFetched own;
    own.reply.status = 200;
    own.reply.body = target->config->own_page();
    bool nothing_yet = own.reply.body.empty() && target->state.last_scrape_millis == 0;
    if (nothing_yet) return;
    return finish(*target, at_millis, begun_ns, std::move(own));
  }
  Result<net::HttpFetch> request = request_for(target->identity.url, target->config->access);
  if (!request.ok()) return finish(*target, at_millis, begun_ns, request.error());
  request->timeout_ms = static_cast<uint32_t>(target->identity.timeout_millis);
  request->compressed = target->config->enable_compression;
  request->body_bytes_max = target->config->body_bytes_max != 0 ? target->config->body_bytes_max : kBodyBytesMost;
  request->headers.emplace_back("Accept", accept_header(*target->config));
  request->headers.emplace_back("X-Prometheus-Scrape-Timeout-Seconds",
                                std::to_string(static_cast<double>(target->identity.timeout_millis) / 1000));
  target->under_way = true;
  fetcher_->fetch(std::move(*request), [this, target, at_millis, begun_ns](Result<net::HttpFetched> got) {
    post([this, target, at_millis, begun_ns, got = std::move(got)] {
      target->under_way = false;
      if (!target->ended) finish(*target, at_millis, begun_ns, got);
    });
  });
}

void Scraper::finish(Target& target, int64_t at_millis, uint64_t begun_ns, const Result<net::HttpFetched>& got) {
  scrapes_.add();
  double seconds = static_cast<double>(parts_.clock.monotonic_ns() - begun_ns) / 1e9;
  batch_.clear();
  std::string failure;
  ScrapeCounts counts;
  if (!got.ok()) {
    failure = got.error().message();
  } else if (got->reply.status != 200) {
    failure = "server returned HTTP status " + std::to_string(got->reply.status);
  } else {
    wire::ExpositionFormat format = wire::exposition_format_of(got->reply.header("content-type"));
    auto page = wire::read_exposition(got->reply.body, format, wire::Strictness::kLenient);
    Result<ScrapeCounts> taken = target.series.take(*page, *target.config, target.identity.labels, at_millis, batch_);
    if (taken.ok()) {
      counts = std::move(*taken);
    } else {
      failure = taken.error().message();
    }
  }
  if (!failure.empty()) {
    failures_.add();
    batch_.clear();
    target.series.fail(at_millis, batch_);
  }
  bad_lines_.add(counts.bad_lines);
  report(target, at_millis, failure.empty(), seconds, counts, batch_);
  TargetReport& state = target.state;
  state.health = failure.empty() ? "up" : "down";
  state.last_error = std::move(failure);
  state.last_scrape_millis = at_millis;
  state.last_seconds = seconds;
  state.bad_lines = counts.bad_lines;
  state.first_mistake = std::move(counts.first_mistake);
  write(batch_);
}

// The series that tell of the scrape itself.
void Scraper::report(Target& target, int64_t millis, bool up, double seconds, const ScrapeCounts& counts,
                     model::MetricBatch& batch) {
  model::LabelsBuilder labels(target.identity.labels);
  auto add = [&](const char* name, double value) {
    labels.set(model::kMetricNameLabel, name);
    batch.begin_series(labels.build());
    batch.add_sample(millis, value);
  };
  add("up", up ? 1 : 0);
  add("scrape_duration_seconds", seconds);
  add("scrape_samples_scraped", static_cast<double>(counts.scraped));
  add("scrape_samples_post_metric_relabeling", static_cast<double>(counts.post_relabeling));
  add("scrape_series_added", static_cast<double>(counts.added));
}

// The target is no more: all its series end, those that tell of it too.
void Scraper::end(Target& target) {
  target.ended = true;
  if (target.state.last_scrape_millis == 0) return;
  int64_t now_millis = parts_.clock.now().get() / static_cast<int64_t>(kNanosPerMilli);
  int64_t millis = std::max(now_millis, target.state.last_scrape_millis + 1);
  batch_.clear();
  target.series.fail(millis, batch_);
  model::LabelsBuilder labels(target.identity.labels);
  for (const char* name : {"up", "scrape_duration_seconds", "scrape_samples_scraped",
                           "scrape_samples_post_metric_relabeling", "scrape_series_added"}) {
    labels.set(model::kMetricNameLabel, name);
    batch_.begin_series(labels.build());
    batch_.add_sample(millis, model::stale_value());
  }
  write(batch_);
}

void Scraper::write(const model::MetricBatch& batch) {
  parts_.sink.write(parts_.access, batch,
                    [&samples = samples_, &refused = refused_, &lost = lost_](const Result<contract::MetricAck>& ack) {
                      if (!ack.ok()) return lost.add();
                      samples.add(ack->stored);
                      refused.add(ack->refused());
                    });
}

Result<TargetReports> Scraper::targets() {
  return ask<TargetReports>([this] {
    TargetReports reports;
    for (const auto& [name, pool] : pools_) {
      for (const auto& [key, target] : pool->targets) {
        TargetReport& one = reports.active.emplace_back(target->state);
        one.pool = name;
        one.url = target->identity.url;
        one.discovered = target->identity.discovered;
        one.labels = target->identity.labels;
        one.interval_millis = target->identity.interval_millis;
        one.timeout_millis = target->identity.timeout_millis;
      }
      for (const LabelSet::Pairs& labels : pool->dropped) reports.dropped.emplace_back(name, labels);
      reports.dropped_counts[name] = pool->dropped_count;
    }
    return reports;
  });
}

Result<std::vector<std::string>> Scraper::pools() {
  return ask<std::vector<std::string>>([this] {
    std::vector<std::string> names;
    for (const auto& [name, pool] : pools_) names.push_back(name);
    return names;
  });
}

Result<std::vector<TargetMetadata>> Scraper::metadata() {
  return ask<std::vector<TargetMetadata>>([this] {
    std::vector<TargetMetadata> all;
    for (const auto& [name, pool] : pools_) {
      for (const auto& [key, target] : pool->targets) {
        for (const auto& [metric, told] : target->series.metadata()) {
          all.push_back({target->identity.labels, metric, told});
        }
      }
    }
    return all;
  });
}

}  // namespace clew::scrape
