// Real processes: a child writes on several threads and tells each acknowledgement through a pipe; the parent kills it
// at any moment, opens the store itself and compares.
#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <filesystem>
#include <map>
#include <mutex>
#include <sstream>
#include <thread>

#include "logstore/test_store.h"
#include "os/clock.h"
#include "runs.h"

namespace clew::crash {
namespace {

constexpr uint64_t kThreads = 4;
constexpr uint64_t kRows = 10;
constexpr uint64_t kBatchesPerThread = 1'000'000;  // numbers of a thread's events lie apart
constexpr uint64_t kCyclesPerDataset = 20;         // so that checking a cycle does not grow without end

logstore::StoreOptions kill_options() {
  logstore::StoreOptions o;
  o.journal_file_bytes = 1 << 20;
  o.journal_budget_bytes = 4 << 20;
  o.flush_rows = 5'000;
  o.flush_parts = 200;
  o.row_group_rows = 4'096;
  o.merge_fan_in = 3;
  return o;
}

uint64_t first_number(uint64_t thread, uint64_t batch) { return (thread * kBatchesPerThread + batch) * kRows; }

struct Progress {
  std::string dataset;
  std::vector<uint64_t> next = std::vector<uint64_t>(kThreads, 0);  // batch by thread: all before it are acknowledged
};

std::string print(const Progress& p) {
  std::string out = p.dataset;
  for (uint64_t n : p.next) out += ":" + std::to_string(n);
  return out;
}

Progress parse(const std::string& text) {
  Progress p;
  std::istringstream in(text);
  std::getline(in, p.dataset, ':');
  std::string word;
  for (uint64_t& n : p.next) {
    std::getline(in, word, ':');
    n = std::stoull(word);
  }
  return p;
}

void pause_ns(long ns) {
  timespec t{0, ns};
  nanosleep(&t, nullptr);
}

}  // namespace

// Writes for ever; each acknowledged batch is one 16-byte message (thread, batch) on standard output.
int run_kill_child(const std::string& dir, const std::string& progress) {
  Progress p = parse(progress);
  auto disk = os::make_real_disk();
  auto clock = os::make_real_clock();
  auto rng = os::make_real_rng();
  base::Registry registry;
  auto opened = logstore::LogStore::open(*disk, *clock, *rng, dir, kill_options(), registry);
  if (!opened.ok()) {
    std::fprintf(stderr, "child cannot open: %s\n", opened.error().message().c_str());
    return 1;
  }
  std::vector<std::jthread> threads;
  for (uint64_t thread = 0; thread < kThreads; ++thread) {
    threads.emplace_back([&, thread] {
      for (uint64_t batch = p.next[thread];; ++batch) {
        std::atomic<int> state{0};
        contract::BatchKey key{p.dataset + "-" + std::to_string(thread), batch};
        auto write = logstore::testing::make_write(p.dataset, first_number(thread, batch), kRows, key);
        (*opened)->write(std::move(write), [&](Result<contract::Ack> ack) {
          state = ack.ok() ? 1 : 2;
          state.notify_one();
        });
        state.wait(0);
        if (state == 2) {
          --batch;
          pause_ns(1'000'000);
          continue;
        }
        uint64_t message[2] = {thread, batch};
        if (::write(STDOUT_FILENO, message, sizeof message) != sizeof message) return;
      }
    });
  }
  threads.clear();
  return 0;
}

namespace {

// Starts a child, lets it write for a while, kills it; gives the acknowledged batches in `progress`.
std::string one_life(const std::string& program, const std::string& dir, Progress& progress, long life_ns) {
  int fds[2];
  if (pipe(fds) != 0) return "no pipe";
  pid_t child = fork();
  if (child == 0) {
    dup2(fds[1], STDOUT_FILENO);
    close(fds[0]);
    close(fds[1]);
    std::string text = print(progress);
    execl(program.c_str(), program.c_str(), "--child", dir.c_str(), text.c_str(), static_cast<char*>(nullptr));
    _exit(127);
  }
  close(fds[1]);
  std::jthread killer([&] {
    pause_ns(life_ns);
    kill(child, SIGKILL);
  });
  uint64_t message[2];
  while (::read(fds[0], message, sizeof message) == sizeof message) {
    if (message[0] < kThreads) progress.next[message[0]] = std::max(progress.next[message[0]], message[1] + 1);
  }
  close(fds[0]);
  int status = 0;
  waitpid(child, &status, 0);
  return WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL ? "" : fmt::format("the child ended by itself: {}", status);
}

// The store after a kill: every acknowledged batch once and whole, at most one more of each thread.
std::string check_store(const std::string& dir, const Progress& progress, uint64_t& recover_ns, uint64_t& events) {
  auto disk = os::make_real_disk();
  auto clock = os::make_real_clock();
  auto rng = os::make_real_rng();
  base::Registry registry;
  logstore::StoreOptions options = kill_options();
  options.background_threads = 0;
  uint64_t begin = clock->monotonic_ns();
  auto opened = logstore::LogStore::open(*disk, *clock, *rng, dir, options, registry);
  recover_ns = std::max(recover_ns, clock->monotonic_ns() - begin);
  if (!opened.ok()) return "cannot open: " + opened.error().message();
  contract::Scan scan;
  scan.datasets = {progress.dataset};
  auto seen = logstore::testing::see_all(**opened, {}, scan);
  if (!seen.wrong.empty()) return seen.wrong.front();
  if (seen.damaged_rows > 0) return "damaged rows";
  events = seen.seq_by_number.size();
  uint64_t counted = 0;
  for (uint64_t thread = 0; thread < kThreads; ++thread) {
    for (uint64_t batch = 0; batch <= progress.next[thread]; ++batch) {
      uint64_t there = 0;
      for (uint64_t n = first_number(thread, batch); n < first_number(thread, batch) + kRows; ++n) there += seen.seq_by_number.count(n);
      bool last = batch == progress.next[thread];  // may be there, unacknowledged
      if (there == 0 && last) continue;
      if (there != kRows) return fmt::format("batch {} of thread {} is there with {} rows of {}", batch, thread, there, kRows);
      counted += there;
    }
  }
  return counted == seen.seq_by_number.size() ? "" : "events that nobody wrote, or twice";
}

}  // namespace

Outcome run_kills(const std::string& program, const std::string& dir, uint64_t seed, uint64_t cycles) {
  Outcome out{.name = "kill -9 under ingest", .cases = 0, .detail = {}, .wrong = {}};
  std::filesystem::remove_all(dir);
  os::SeededRng rng(seed);
  Progress progress;
  uint64_t recover_ns = 0, events = 0, acknowledged = 0;
  for (; out.cases < cycles && out.wrong.empty(); ++out.cases) {
    if (out.cases % kCyclesPerDataset == 0) {
      for (uint64_t n : progress.next) acknowledged += n;
      progress = Progress();
      progress.dataset = "cycle" + std::to_string(out.cases / kCyclesPerDataset);
    }
    out.wrong = one_life(program, dir, progress, static_cast<long>(5'000'000 + rng.below(120'000'000)));
    if (out.wrong.empty()) out.wrong = check_store(dir, progress, recover_ns, events);
  }
  for (uint64_t n : progress.next) acknowledged += n;
  if (!out.wrong.empty()) out.wrong += fmt::format(" (cycle {}, data in {}, --seed {})", out.cases, dir, seed);
  out.detail = fmt::format("{} events acknowledged, slowest recovery {} ms", acknowledged * kRows, recover_ns / 1'000'000);
  if (out.wrong.empty()) std::filesystem::remove_all(dir);
  return out;
}

}  // namespace clew::crash
