// Spans in, requests out: what a span costs on its way to its segment, and how long the questions of a trace view take.
// One JSON line each.
//   clew_traces_path [SPANS] [DIR]
#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "logstore/log_store.h"
#include "os/clock.h"
#include "os/disk.h"
#include "span_gen.h"
#include "trace/finder.h"
#include "trace/search.h"
#include "wire/otlp_traces.h"

namespace {

using namespace clew;

constexpr uint64_t kSpansOfRequest = 2000;
constexpr uint64_t kWideTrace = 50'000;
constexpr int kRepeats = 9;

double seconds(const timeval& t) { return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6; }

double cpu_seconds(int who) {
  rusage u{};
  getrusage(who, &u);
  return seconds(u.ru_utime) + seconds(u.ru_stime);
}

// Takes what lies in the page cache of the store's files away; other programs keep theirs.
void forget_pages(const std::string& dir) {
  for (const auto& entry : std::filesystem::recursive_directory_iterator(dir)) {
    if (!entry.is_regular_file()) continue;
    int fd = ::open(entry.path().c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0) continue;
    (void)::fdatasync(fd);
    (void)::posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
    (void)::close(fd);
  }
}

// Median and worst of wall time, and CPU of one, in milliseconds.
template <class Ask>
void measure(const char* what, const std::string& dir, bool cold, Ask ask) {
  std::vector<double> wall;
  double cpu = 0;
  uint64_t check = 0;
  for (int i = 0; i < kRepeats; ++i) {
    if (cold) forget_pages(dir);
    double cpu_begun = cpu_seconds(RUSAGE_THREAD);
    auto begun = std::chrono::steady_clock::now();
    check += ask(i);
    wall.push_back(std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begun).count());
    cpu += cpu_seconds(RUSAGE_THREAD) - cpu_begun;
  }
  std::sort(wall.begin(), wall.end());
  std::printf(
      "{\"question\":\"%s\",\"cold\":%s,\"ms_median\":%.2f,\"ms_best\":%.2f,\"ms_worst\":%.2f,\"cpu_ms\":%.2f,"
      "\"check\":%llu}\n",
      what, cold ? "true" : "false", wall[kRepeats / 2], wall.front(), wall.back(), cpu * 1e3 / kRepeats,
      static_cast<unsigned long long>(check));
  std::fflush(stdout);
}

class Writer {
 public:
  explicit Writer(logstore::LogStore& store) : store_(store) {}
  void write(std::vector<model::Batch> batches) {
    contract::Write write;
    write.batches = std::move(batches);
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return waiting_ < 8; });
    ++waiting_;
    lock.unlock();
    store_.write(std::move(write), [this](Result<contract::Ack> ack) {
      if (!ack) std::fprintf(stderr, "%s\n", ack.error().message().c_str());
      std::lock_guard guard(mutex_);
      --waiting_;
      changed_.notify_one();
    });
  }
  void finish() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return waiting_ == 0; });
  }

 private:
  logstore::LogStore& store_;
  std::mutex mutex_;
  std::condition_variable changed_;
  int waiting_ = 0;
};

void ingest(logstore::LogStore& store, uint64_t spans) {
  wire::OtlpTracesDecoder decoder;
  wire::Intake intake;
  intake.arrival = UnixNanos(1'795'100'000'000'000'000);
  bench::SpanGenerator generator({});
  Writer writer(store);
  std::string body;
  double making = 0;
  double decoding = 0;
  uint64_t raw = 0;
  double begun = cpu_seconds(RUSAGE_SELF);
  for (uint64_t done = 0; done < spans + kWideTrace;) {
    double at = cpu_seconds(RUSAGE_THREAD);
    body.clear();
    bool wide = done <= spans / 2 && done + kSpansOfRequest > spans / 2;
    if (wide)
      generator.append_wide_trace(kWideTrace, body);
    else
      generator.append_request(kSpansOfRequest, body);
    done += wide ? kWideTrace : kSpansOfRequest;
    raw += body.size();
    making += cpu_seconds(RUSAGE_THREAD) - at;
    at = cpu_seconds(RUSAGE_THREAD);
    auto events = decoder.decode_protobuf(body, intake);
    decoding += cpu_seconds(RUSAGE_THREAD) - at;
    if (events) writer.write(std::move(events->batches));
  }
  writer.finish();
  if (Status flushed = store.flush_now(); !flushed) std::fprintf(stderr, "%s\n", flushed.error().message().c_str());
  while (!store.is_idle()) ::usleep(100'000);
  double cpu = cpu_seconds(RUSAGE_SELF) - begun - making;
  auto datasets = store.datasets({});
  uint64_t bytes = datasets && !datasets->empty() ? datasets->front().bytes : 0;
  double n = static_cast<double>(spans + kWideTrace);
  std::printf(
      "{\"stage\":\"ingest\",\"spans\":%.0f,\"spans_per_core_second\":%.0f,\"decode_per_core_second\":%.0f,\"bytes_per_"
      "span_raw\":%.1f,\"bytes_per_span_stored\":%.1f}\n",
      n, n / cpu, n / decoding, static_cast<double>(raw) / n, static_cast<double>(bytes) / n);
  std::fflush(stdout);
}

void ask(logstore::LogStore& store, const std::string& dir, uint64_t spans) {
  trace::Finder finder(store);
  base::WorkerPool pool(std::max(1u, std::thread::hardware_concurrency()));
  uint64_t traces = spans / bench::SpanGenerator::kSpansOfTrace;
  auto by_id = [&](int i) {
    uint64_t number = traces * (static_cast<uint64_t>(i) * 2 + 1) / (2 * kRepeats) + 1;
    auto found = finder.by_trace_id(bench::SpanGenerator::trace_id(1, number), {}, {});
    return found ? found->steps.size() : 0;
  };
  measure("trace by id", dir, true, by_id);
  measure("trace by id", dir, false, by_id);
  auto slowest = [&](int i) {
    trace::SearchSpec spec;
    spec.service = bench::SpanGenerator::kServices[i % 5];
    spec.order = trace::TraceOrder::kSlowest;
    spec.range = {1'795'000'000'000'000'000 + i, INT64_MAX};
    auto found = trace::search_traces(store, spec, pool, {});
    return found ? found->traces.size() : 0;
  };
  measure("slowest 20 of a service", dir, true, slowest);
  measure("slowest 20 of a service", dir, false, slowest);
  auto newest = [&](int i) {
    trace::SearchSpec spec;
    spec.service = bench::SpanGenerator::kServices[i % 5];
    auto found = trace::search_traces(store, spec, pool, {});
    return found ? found->traces.size() : 0;
  };
  measure("newest 20 of a service", dir, false, newest);
  measure("trace of 50,000 spans", dir, false, [&](int) {
    auto found = finder.by_trace_id(bench::SpanGenerator::trace_id(1, 0), {}, {});
    return found ? found->steps.size() : 0;
  });
}

}  // namespace

int main(int argc, char** argv) {
  uint64_t spans = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 1'000'000;
  std::string dir = argc > 2 ? argv[2] : "/tmp/clew-traces-path-bench";
  spans = std::max<uint64_t>(spans / kSpansOfRequest, 1) * kSpansOfRequest;
  std::filesystem::remove_all(dir);
  auto clock = os::make_real_clock();
  auto rng = os::make_real_rng();
  auto disk = os::make_real_disk();
  base::Registry registry;
  auto store = logstore::LogStore::open(*disk, *clock, *rng, dir, {}, registry);
  if (!store) {
    std::fprintf(stderr, "%s\n", store.error().message().c_str());
    return 1;
  }
  ingest(**store, spans);
  ask(**store, dir, spans);
  (*store)->close();
  std::filesystem::remove_all(dir);
  return 0;
}
