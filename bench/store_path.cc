// The log store alone: acknowledgement of small writes beside a bare fdatasync loop, and the time to start with a full
// journal. One JSON line each.
//   clew_store_path [--events N] [--dir DIR] ack|recover|tiny
#include <fmt/format.h>
#include <malloc.h>
#include <sys/resource.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "logstore/log_store.h"
#include "os/clock.h"
#include "os/disk.h"

namespace {

using namespace clew;

constexpr int kWriters = 16;
constexpr uint32_t kSmallRows = 100;

double ms(uint64_t ns) { return static_cast<double>(ns) / 1e6; }

uint64_t percentile(std::vector<uint64_t>& values, double p) {
  if (values.empty()) return 0;
  std::sort(values.begin(), values.end());
  return values[std::min(values.size() - 1, static_cast<size_t>(p * static_cast<double>(values.size())))];
}

uint64_t anonymous_bytes() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.rfind("RssAnon:", 0) == 0) return std::strtoull(line.c_str() + 8, nullptr, 10) * 1024;
  }
  return 0;
}

contract::Write make_write(const std::string& dataset, uint64_t first, uint32_t rows, int64_t time) {
  contract::Write write;
  model::Batch& batch = write.batches.emplace_back(dataset);
  static const char* const kServices[] = {"cart", "pay", "web", "auth", "ship", "mail"};
  for (uint64_t n = first; n < first + rows; ++n) {
    uint32_t row = batch.begin_row();
    batch.column("_time")->add_time(row, time + static_cast<int64_t>(n % 1000) * 1000);
    batch.column("level")->add_string(row, n % 20 == 0 ? "error" : "info");
    batch.column("service")->add_string(row, kServices[n % 6]);
    batch.column("host")->add_string(row, fmt::format("host-{:02}", n % 50));
    batch.column("trace_id")
        ->add_string(row, fmt::format("{:016x}{:016x}", n * 0x9e3779b97f4a7c15ull, n * 0xbf58476d1ce4e5b9ull));
    batch.column("user_id")->add_int(row, static_cast<int64_t>(n * 7919 % 100000));
    batch.column("method")->add_string(row, n % 3 == 0 ? "POST" : "GET");
    batch.column("path")->add_string(row, fmt::format("/api/v1/orders/{}", n * 31 % 10000));
    batch.column("status")->add_int(row, n % 20 == 0 ? 500 : 200);
    batch.column("latency_ms")->add_decimal(row, static_cast<int64_t>(n * 37 % 900000), 3);
    batch.column("message")->add_string(
        row, fmt::format("order {} took {} ms for user {}", n * 31 % 10000, n * 37 % 900, n * 7919 % 100000));
    batch.end_row();
  }
  return write;
}

struct Machine {
  std::unique_ptr<os::Disk> disk = os::make_real_disk();
  std::unique_ptr<os::Clock> clock = os::make_real_clock();
  std::unique_ptr<os::Rng> rng = os::make_real_rng();
};

// Small synced appends for as long as `stop` is not set.
std::vector<uint64_t> bare_syncs(Machine& m, const std::string& dir, const std::atomic<bool>& stop) {
  std::vector<uint64_t> times;
  auto file = m.disk->open(dir + "/bare", os::OpenMode::kReplace);
  (void)(*file)->allocate(64 << 20);
  std::string block(4096, 'x');
  for (uint64_t at = 0; !stop; at = (at + block.size()) % (64 << 20)) {
    uint64_t begin = m.clock->monotonic_ns();
    (void)(*file)->write_at(at, block);
    (void)(*file)->sync();
    times.push_back(m.clock->monotonic_ns() - begin);
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  return times;
}

// `datasets` beyond 1 makes each write's dataset one of so many.
void acknowledge(Machine& m, const std::string& dir, uint64_t events, uint64_t datasets) {
  base::Registry registry;
  auto store = logstore::LogStore::open(*m.disk, *m.clock, *m.rng, dir, {}, registry).take();
  std::atomic<bool> stop{false};
  std::vector<uint64_t> bare;
  std::jthread syncer([&] { bare = bare_syncs(m, dir, stop); });
  std::atomic<uint64_t> next{0}, refused{0};
  std::vector<std::vector<uint64_t>> times(kWriters);
  uint64_t begun = m.clock->monotonic_ns();
  rusage before{};
  getrusage(RUSAGE_SELF, &before);
  {
    std::vector<std::jthread> writers;
    for (int t = 0; t < kWriters; ++t) {
      writers.emplace_back([&, t] {
        for (uint64_t first; (first = next.fetch_add(kSmallRows)) < events;) {
          auto write = make_write("logs" + std::to_string(first / kSmallRows % datasets), first, kSmallRows,
                                  m.clock->now().get());
          uint64_t begin = m.clock->monotonic_ns();
          std::atomic<int> state{0};
          store->write(std::move(write), [&](Result<contract::Ack> ack) {
            state = ack.ok() ? 1 : 2;
            state.notify_one();
          });
          state.wait(0);
          times[static_cast<size_t>(t)].push_back(m.clock->monotonic_ns() - begin);
          refused += state == 2 ? 1 : 0;
        }
      });
    }
  }
  uint64_t took = m.clock->monotonic_ns() - begun;
  stop = true;
  syncer.join();
  rusage after{};
  getrusage(RUSAGE_SELF, &after);
  std::vector<uint64_t> all;
  for (const auto& t : times) all.insert(all.end(), t.begin(), t.end());
  std::sort(all.begin(), all.end());
  auto cpu = [](const rusage& u) {
    return static_cast<double>(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
           static_cast<double>(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
  };
  std::printf(
      "{\"bench\":\"ack\",\"writers\":%d,\"datasets\":%llu,\"events\":%llu,\"events_per_s\":%.0f,\"cpu_us_per_event\":%"
      ".2f,"
      "\"ack_p50_ms\":%.2f,\"ack_p99_ms\":%.2f,\"ack_max_ms\":%.2f,\"fdatasync_p50_ms\":%.2f,\"fdatasync_p99_ms\":%.2f,"
      "\"refused\":%llu,\"commits_per_group\":%.1f,\"anonymous_mib\":%.0f}\n",
      kWriters, static_cast<unsigned long long>(datasets), static_cast<unsigned long long>(events),
      static_cast<double>(events) * 1e9 / static_cast<double>(took),
      (cpu(after) - cpu(before)) * 1e6 / static_cast<double>(events), ms(percentile(all, 0.5)),
      ms(percentile(all, 0.99)), ms(all.back()), ms(percentile(bare, 0.5)), ms(percentile(bare, 0.99)),
      static_cast<unsigned long long>(refused.load()),
      static_cast<double>(registry.sum("clew_commits_total")) /
          static_cast<double>(std::max<uint64_t>(1, registry.sum("clew_journal_groups_total"))),
      static_cast<double>(anonymous_bytes()) / 1048576.0);
}

// Fills a journal without flushing, then opens the store again.
void recover(Machine& m, const std::string& dir, uint64_t events) {
  logstore::StoreOptions options;
  options.background_threads = 0;
  options.journal_budget_bytes = uint64_t{4} << 30;
  uint64_t bytes = 0;
  {
    base::Registry registry;
    auto store = logstore::LogStore::open(*m.disk, *m.clock, *m.rng, dir, options, registry).take();
    for (uint64_t n = 0; n < events; n += 3200) {
      store->write(make_write("logs", n, 3200, m.clock->now().get()), [](Result<contract::Ack>) {});
    }
    bytes = registry.sum("clew_journal_written_bytes_total");
  }
  malloc_trim(0);
  uint64_t before = anonymous_bytes();
  base::Registry registry;
  uint64_t begin = m.clock->monotonic_ns();
  auto store = logstore::LogStore::open(*m.disk, *m.clock, *m.rng, dir, options, registry).take();
  uint64_t took = m.clock->monotonic_ns() - begin;
  std::printf(
      "{\"bench\":\"recover\",\"events\":%llu,\"journal_mb\":%.0f,\"ms\":%.1f,\"gb_per_s\":%.2f,\"anonymous_mib\":%.0f}"
      "\n",
      static_cast<unsigned long long>(store->recovered().part_rows), static_cast<double>(bytes) / 1e6, ms(took),
      static_cast<double>(bytes) / static_cast<double>(took),
      (static_cast<double>(anonymous_bytes()) - static_cast<double>(before)) / 1048576.0);
}

}  // namespace

int main(int argc, char** argv) {
  uint64_t events = 400'000;
  std::string dir = "/tmp/clew-store-path-bench", what = "ack";
  for (int i = 1; i < argc; ++i) {
    std::string arg = argv[i];
    if (arg == "--events" && i + 1 < argc) {
      events = std::strtoull(argv[++i], nullptr, 10);
    } else if (arg == "--dir" && i + 1 < argc) {
      dir = argv[++i];
    } else {
      what = arg;
    }
  }
  std::filesystem::remove_all(dir);
  Machine m;
  if (what == "recover") {
    recover(m, dir, events);
  } else {
    acknowledge(m, dir, events, what == "tiny" ? 30 : 1);
  }
  std::filesystem::remove_all(dir);
  return 0;
}
