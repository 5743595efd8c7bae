// Deriver makes metrics of events: it follows the feed, counts, and writes what it has counted to the store of metrics
// at every interval.
//
// Invariants:
//   D1. An event that the feed gives is counted once, also across restarts and crashes: the counts and the place in the
//       feed that they belong to are one file, replaced as a whole.
//   D2. What is written to the store of metrics was kept before: a counter never goes back.
//
// A span that is sent again is counted once when the first is among the last `remembered_spans`.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/metrics.h"
#include "base/result.h"
#include "contract/event_feed.h"
#include "contract/metric_sink.h"
#include "derive/log_rules.h"
#include "derive/recent_ids.h"
#include "derive/requests.h"
#include "derive/service_graph.h"
#include "derive/span_metrics.h"
#include "derive/state_file.h"
#include "derive/vital_signs.h"
#include "feed/worker.h"
#include "os/clock.h"
#include "os/disk.h"

namespace clew::derive {

struct DeriveOptions {
  std::string dir;  // of the state
  uint64_t interval_millis = 15'000;
  uint64_t series_max = 100'000;
  int64_t idle_millis = 900'000;  // a series that nothing was added to for so long ends
  bool spans = true;
  bool service_graph = true;
  bool requests = true;                 // by host and service
  bool vital_signs = true;              // how hosts and services are doing
  std::vector<std::string> dimensions;  // fields of spans that become labels too
  std::vector<double> span_bounds = {0.002, 0.004, 0.008, 0.016, 0.032, 0.064, 0.128,
                                     0.256, 0.512, 1.024, 2.048, 4.096, 8.192, 16.384};
  std::vector<double> graph_bounds = {0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 12.8};
  HistogramForm histograms = HistogramForm::kClassic;  // of spans, goals and the service graph
  int64_t graph_wait_millis = 10'000;
  size_t remembered_spans = 1'000'000;
  std::vector<LogRule> log_rules;
};

// Lifetime: all outlive the deriver.
struct DeriveServices {
  os::Disk& disk;
  const os::Clock& clock;
  contract::EventFeed& feed;
  contract::MetricSink& sink;
  base::Registry& metrics;
  const contract::MetricSource* source = nullptr;  // of vital signs; null: there are none
};

// Threads: one at a time.
class Deriver {
 public:
  // Without a state it begins at the end of the feed.
  // Errors: kInvalid for a rule; kIo, kFull.
  static Result<std::unique_ptr<Deriver>> open(DeriveServices services, DeriveOptions options);
  ~Deriver();

  // Reads one window of the feed, and writes when an interval is over.
  feed::Worker::Next work_once();
  // Reads all that is committed, keeps it and writes it. Errors: kIo, kFull; those of the sink.
  Status catch_up();

  // What a person should know of the start; empty when there is nothing.
  const std::string& warning() const { return warning_; }
  Seq place() const { return place_; }

 private:
  struct Parts;
  Deriver(DeriveServices services, DeriveOptions options);
  Status load();
  Status make_parts();
  void remember_spans();
  // True when there is more.
  Result<bool> read_window();
  Status take(feed::Block& block);
  // Makes counts and place durable.
  Status keep();
  Status write_out();
  int64_t now_millis() const { return services_.clock.now().get() / 1'000'000; }

  const DeriveServices services_;
  const DeriveOptions options_;
  StateFile file_;
  base::Counter& refused_;
  base::Counter& repeated_;
  base::Counter& damaged_;
  base::Counter& failures_;
  std::unique_ptr<Parts> parts_;
  std::unique_ptr<VitalSigns> vital_signs_;
  Seq place_;
  bool changed_ = true;  // since it was kept
  uint64_t due_ns_ = 0;  // of the next writing
  std::string warning_;
};

}  // namespace clew::derive
