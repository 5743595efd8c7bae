// Checks of services as metrics: pages that must answer, commands that must succeed. Names are those of Prometheus'
// blackbox_exporter.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/result.h"
#include "model/metric_batch.h"
#include "net/http_fetcher.h"
#include "os/clock.h"
#include "wire/exposition.h"

namespace clew::scrape {

constexpr size_t kCommandOutputMax = 1u << 20;  // bytes that are looked at

net::HttpFetch check_request(const std::string& url, const std::string& ca_file, uint32_t timeout_ms);
// probe_success (1 for a status of 200 to 299), probe_duration_seconds, probe_http_status_code, ... `nanos`: how long
// it took, also where there was no answer.
void add_http_check(const Result<net::HttpFetched>& got, uint64_t nanos, const wire::LabelPairs& labels, int64_t millis,
                    model::MetricBatch& batch);

struct CommandRun {
  bool stopped = false;  // by go_on
  bool timed_out = false;
  int exit_code = -1;  // -1: it did not start, or ended by a signal
  std::string output;  // what it wrote to its standard output
  uint64_t nanos = 0;
};

// Blocks until the command has ended, the time is over or go_on() says no: then it and all that it started are killed.
// No shell: the first word is the program, looked for in PATH.
CommandRun run_command(const std::vector<std::string>& words, uint32_t timeout_ms, const std::function<bool()>& go_on,
                       const os::Clock& clock);
// probe_success (1 for exit code 0), probe_duration_seconds, probe_exit_code; and what the output says as a page of
// metrics.
void add_command_check(const CommandRun& run, const wire::LabelPairs& labels, int64_t millis,
                       model::MetricBatch& batch);

}  // namespace clew::scrape
