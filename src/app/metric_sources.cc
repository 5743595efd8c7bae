#include "app/metric_sources.h"

#include <unistd.h>

#include <array>
#include <chrono>
#include <climits>

#include "base/mutex.h"
#include "net/http_fetcher.h"
#include "scrape/check.h"
#include "scrape/scraper.h"

namespace clew::app {
namespace {

constexpr const char* kScrapeSource = "scrape";
constexpr uint64_t kCheckEveryMillis = 10'000;
constexpr auto kLook = std::chrono::milliseconds(500);

// Waits for the end of a source.
class Stopper {
 public:
  void stop() {
    base::MutexLock lock(mutex_);
    stop_ = true;
    changed_.notify_all();
  }
  bool stopped() {
    base::MutexLock lock(mutex_);
    return stop_;
  }
  // False once it is stopped.
  bool wait_until(uint64_t at_ns, const os::Clock& clock) {
    base::MutexLock lock(mutex_);
    while (!stop_) {
      uint64_t now = clock.monotonic_ns();
      if (now >= at_ns) return true;
      changed_.wait_for(mutex_, std::chrono::nanoseconds(at_ns - now));
    }
    return false;
  }
  void wait() {
    base::MutexLock lock(mutex_);
    while (!stop_) changed_.wait_for(mutex_, kLook);
  }

 private:
  base::Mutex mutex_;
  base::CondVar changed_;
  bool stop_ CLEW_GUARDED_BY(mutex_) = false;
};

class ScrapeSource final : public collect::Source {
 public:
  ScrapeSource(std::vector<scrape::ScrapeConfig> scrapes, MetricSourceParts parts)
      : name_(kScrapeSource),
        scraper_({.sink = parts.sink, .access = {}, .clock = parts.clock, .metrics = parts.metrics}) {
    scraper_.configure(std::move(scrapes));
  }
  const std::string& name() const override { return name_; }
  Status run() override {
    stopper_.wait();
    return {};
  }
  void stop() override { stopper_.stop(); }

 private:
  const std::string name_;
  Stopper stopper_;
  scrape::Scraper scraper_;
};

std::string host_name() {
  std::array<char, HOST_NAME_MAX + 1> name{};
  return ::gethostname(name.data(), name.size() - 1) == 0 ? std::string(name.data()) : std::string();
}

class CheckSource final : public collect::Source {
 public:
  CheckSource(std::string name, const SourceOptions& source, MetricSourceParts parts)
      : name_(std::move(name)),
        urls_(source.urls),
        ca_(source.ca),
        command_(source.command),
        every_ns_((source.every_millis != 0 ? source.every_millis : kCheckEveryMillis) * 1'000'000),
        timeout_ms_(source.timeout_millis),
        clock_(parts.clock),
        sink_(parts.sink),
        fetcher_(net::make_http_fetcher()) {}

  const std::string& name() const override { return name_; }
  void stop() override { stopper_.stop(); }

  Status run() override {
    uint64_t next = clock_.monotonic_ns();
    while (stopper_.wait_until(next, clock_)) {
      int64_t millis = clock_.now().get() / 1'000'000;
      for (const std::string& url : urls_) check_url(url, millis);
      if (!command_.empty()) check_command(millis);
      // What took longer than the time between two checks skips those it had no time for.
      uint64_t now = clock_.monotonic_ns();
      next += every_ns_ * ((std::max(now, next) - next) / every_ns_ + 1);
    }
    return {};
  }

 private:
  void check_url(const std::string& url, int64_t millis) {
    uint64_t begun = clock_.monotonic_ns();
    fetcher_->fetch(scrape::check_request(url, ca_, timeout_ms_), [=, this](const Result<net::HttpFetched>& got) {
      if (!got.ok() && got.error().code() == Code::kCancelled) return;
      model::MetricBatch batch;
      scrape::add_http_check(got, clock_.monotonic_ns() - begun, {{"instance", url}, {"job", name_}}, millis, batch);
      sink_.write({}, batch, [](const Result<contract::MetricAck>&) {});
    });
  }
  void check_command(int64_t millis) {
    scrape::CommandRun run = scrape::run_command(
        command_, timeout_ms_, [this] { return !stopper_.stopped(); }, clock_);
    if (run.stopped) return;
    model::MetricBatch batch;
    scrape::add_command_check(run, {{"instance", host_name()}, {"job", name_}}, millis, batch);
    sink_.write({}, batch, [](const Result<contract::MetricAck>&) {});
  }

  const std::string name_;
  const std::vector<std::string> urls_;
  const std::string ca_;
  const std::vector<std::string> command_;
  const uint64_t every_ns_;
  const uint32_t timeout_ms_;
  const os::Clock& clock_;
  Stopper stopper_;
  contract::MetricSink& sink_;
  std::unique_ptr<net::HttpFetcher> fetcher_;  // goes first: its answers use the sink
};

}  // namespace

std::unique_ptr<collect::Source> make_scrape_source(std::vector<scrape::ScrapeConfig> scrapes,
                                                    MetricSourceParts parts) {
  return std::make_unique<ScrapeSource>(std::move(scrapes), std::move(parts));
}

Status check_check_source(const SourceOptions& source) {
  if (source.urls.empty() && source.command.empty()) {
    return Error(Code::kInvalid,
                 "nothing to check: write urls: [http://127.0.0.1:8080/] or command: [/usr/bin/my-check]");
  }
  for (const std::string& url : source.urls) {
    bool http = url.starts_with("http://") || url.starts_with("https://");
    if (!http || url.find("://") + 3 == url.size()) {
      return Error(Code::kInvalid, quoted(url) + " is no URL: write http://127.0.0.1:8080/");
    }
  }
  return {};
}

Result<std::unique_ptr<collect::Source>> make_check_source(const std::string& name, const SourceOptions& source,
                                                           MetricSourceParts parts) {
  CLEW_TRY(check_check_source(source));
  return std::unique_ptr<collect::Source>(new CheckSource(name, source, std::move(parts)));
}

}  // namespace clew::app
