// Scraper: fetches pages of metrics, again and again, and gives their samples to a sink.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <future>
#include <map>
#include <memory>
#include <optional>
#include <queue>
#include <string>
#include <thread>
#include <vector>

#include "base/metrics.h"
#include "base/mutex.h"
#include "contract/metric_sink.h"
#include "net/http_fetcher.h"
#include "os/clock.h"
#include "scrape/config.h"
#include "scrape/discovery.h"
#include "scrape/target.h"
#include "scrape/target_series.h"

namespace clew::scrape {

// What a person wants to know of a target.
struct TargetReport {
  std::string pool;
  std::string url;
  LabelSet::Pairs discovered;
  model::Labels labels;
  int64_t interval_millis = 0;
  int64_t timeout_millis = 0;
  std::string health = "unknown";  // up, down, or unknown before the first scrape
  std::string last_error;
  int64_t last_scrape_millis = 0;
  double last_seconds = 0;
  uint64_t bad_lines = 0;     // of the last page, passed over
  std::string first_mistake;  // of them
};

struct TargetReports {
  std::vector<TargetReport> active;
  std::vector<std::pair<std::string, LabelSet::Pairs>> dropped;  // by a rule: its pool and labels
  std::map<std::string, uint64_t> dropped_counts;                // by pool; `dropped` has the first of them
};

struct TargetMetadata {
  model::Labels target;
  std::string metric;
  model::MetricMetadata told;
};

struct ScraperParts {
  contract::MetricSink& sink;
  contract::Access access;
  const os::Clock& clock;
  base::Registry& metrics;
};

// Threads:  all functions on any thread; pages are read on one of its own, named clew-scrape, and fetched on another.
// Lifetime: what parts name outlives it. The destructor ends what is under way; series get no markers then, as the
//           program may be back in a moment.
class Scraper {
 public:
  explicit Scraper(ScraperParts parts);
  ~Scraper();
  Scraper(const Scraper&) = delete;
  Scraper& operator=(const Scraper&) = delete;

  // Takes another configuration. Targets that it names too go on; series of the others end.
  void configure(std::vector<ScrapeConfig> scrapes);

  // These wait for the page at hand. Errors: kUnavailable when it takes too long.
  Result<TargetReports> targets();
  Result<std::vector<std::string>> pools();
  // What targets that match say of their metrics.
  Result<std::vector<TargetMetadata>> metadata();

 private:
  struct Target;
  struct Pool;
  struct Due {
    uint64_t at_ns;
    std::weak_ptr<Target> target;
    bool operator>(const Due& other) const { return at_ns > other.at_ns; }
  };
  using Task = std::function<void()>;

  void post(Task task);
  template <class T>
  Result<T> ask(std::function<T()> question);
  void run(const std::stop_token& stop);
  void run_tasks();
  // When something is due next, by the monotonic clock.
  uint64_t work(uint64_t now_ns);

  void apply(std::vector<ScrapeConfig> scrapes);
  void discover(Pool& pool, size_t number);
  void take_groups(const std::weak_ptr<Pool>& pool, size_t number, Result<std::vector<TargetGroup>> groups);
  void sync_when_found(Pool& pool);
  void sync(Pool& pool);
  void schedule(const std::shared_ptr<Target>& target);
  void begin(const std::shared_ptr<Target>& target);
  void finish(Target& target, int64_t at_millis, uint64_t begun_ns, const Result<net::HttpFetched>& got);
  void end(Target& target);
  void report(Target& target, int64_t millis, bool up, double seconds, const ScrapeCounts& counts,
              model::MetricBatch& batch);
  void write(const model::MetricBatch& batch);

  const ScraperParts parts_;
  base::Counter& scrapes_;
  base::Counter& failures_;
  base::Counter& samples_;
  base::Counter& refused_;
  base::Counter& lost_;
  base::Counter& bad_lines_;
  base::Counter& discovery_failures_;
  std::map<std::string, std::shared_ptr<Pool>> pools_;  // these of the thread
  std::priority_queue<Due, std::vector<Due>, std::greater<>> due_;
  model::MetricBatch batch_;

  base::Mutex mutex_;
  base::CondVar wake_;
  std::deque<Task> tasks_ CLEW_GUARDED_BY(mutex_);
  std::unique_ptr<net::HttpFetcher> fetcher_;
  std::jthread thread_;
};

}  // namespace clew::scrape
