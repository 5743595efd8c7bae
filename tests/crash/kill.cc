// Real processes: a child writes on several threads and tells each acknowledgement through a pipe; the parent kills it
// at any moment, opens the store itself and compares.
#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <spawn.h>
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

#include "base/mutex.h"
#include "logstore/test_store.h"
#include "os/clock.h"
#include "pieces.h"
#include "runs.h"

namespace clew::crash {
namespace {

constexpr uint64_t kThreads = 4;
constexpr uint64_t kRows = 10;
constexpr uint64_t kBatchesPerThread = 1'000'000;  // numbers of a thread's events lie apart
constexpr uint64_t kCyclesPerDataset = 20;
constexpr uint64_t kDirectories = 4;  // stores that live and die side by side

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

// An acknowledged batch is one message on standard output.
bool tell(uint64_t thread, uint64_t batch) {
  uint64_t message[2] = {thread, batch};
  return ::write(STDOUT_FILENO, message, sizeof message) == sizeof message;
}

void pause_ns(long ns) {
  timespec t{0, ns};
  nanosleep(&t, nullptr);
}

}  // namespace

// Writes for ever and tells what is acknowledged.
int run_kill_child(const std::string& dir, const std::string& progress, Variant variant) {
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
        if (variant == Variant::kBroken && !tell(thread, batch)) return;
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
        if (variant == Variant::kWhole && !tell(thread, batch)) return;
      }
    });
  }
  threads.clear();
  return 0;
}

namespace {

// A child as it is started. Another thread's child holds our open files until its exec: a store is closed only while
// nobody starts one, or its lock would live on in that child for a moment.
struct Child {
  std::string program;
  std::string dir;
  Variant variant;
  base::Mutex& starting;
};

// Starts a child that writes into `pipe_end`; 0 when it cannot be started.
pid_t start(const Child& child, const Progress& progress, int pipe_end) {
  std::string text = print(progress);
  const char* flag = child.variant == Variant::kBroken ? "--broken-child" : "--child";
  std::vector<const char*> args{child.program.c_str(), flag, child.dir.c_str(), text.c_str(), nullptr};
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, pipe_end, STDOUT_FILENO);
  pid_t pid = 0;
  base::MutexLock lock(child.starting);
  int error = posix_spawn(&pid, args[0], &actions, nullptr, const_cast<char* const*>(args.data()), environ);
  posix_spawn_file_actions_destroy(&actions);
  return error == 0 ? pid : 0;
}

// Lets a child write for a while and kills it; gives the acknowledged batches in `progress`.
std::string one_life(const Child& child_of, Progress& progress, long life_ns) {
  int fds[2];
  if (pipe2(fds, O_CLOEXEC) != 0) return "no pipe";
  pid_t child = start(child_of, progress, fds[1]);
  close(fds[1]);
  if (child == 0) return "no child";
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
std::string check_store(const Child& child, const Progress& progress, uint64_t& recover_ns) {
  auto disk = os::make_real_disk();
  auto clock = os::make_real_clock();
  auto rng = os::make_real_rng();
  base::Registry registry;
  logstore::StoreOptions options = kill_options();
  options.background_threads = 0;
  uint64_t begin = clock->monotonic_ns();
  auto opened = logstore::LogStore::open(*disk, *clock, *rng, child.dir, options, registry);
  recover_ns = std::max(recover_ns, clock->monotonic_ns() - begin);
  if (!opened.ok()) return "cannot open: " + opened.error().message();
  contract::Scan scan;
  scan.datasets = {progress.dataset};
  auto seen = logstore::testing::see_all(**opened, {}, scan);
  {
    base::MutexLock lock(child.starting);
    opened->reset();
  }
  if (!seen.wrong.empty()) return seen.wrong.front();
  if (seen.damaged_rows > 0) return "damaged rows";
  uint64_t counted = 0;
  for (uint64_t thread = 0; thread < kThreads; ++thread) {
    for (uint64_t batch = 0; batch <= progress.next[thread]; ++batch) {
      uint64_t there = 0;
      for (uint64_t n = first_number(thread, batch); n < first_number(thread, batch) + kRows; ++n)
        there += seen.seq_by_number.count(n);
      bool last = batch == progress.next[thread];  // may be there, unacknowledged
      if (there == 0 && last) continue;
      if (there != kRows)
        return fmt::format("batch {} of thread {} is there with {} rows of {}", batch, thread, there, kRows);
      counted += there;
    }
  }
  return counted == seen.seq_by_number.size() ? "" : "events that nobody wrote, or twice";
}

}  // namespace

namespace {

struct KillTotals {
  std::atomic<uint64_t> cycles{0};
  std::atomic<uint64_t> acknowledged{0};
  base::Mutex mutex;
  uint64_t recover_ns = 0;
};

// Cycles of one directory, a new dataset now and then so that checking a cycle does not grow without end.
std::string kill_again_and_again(const Child& child, uint64_t seed, uint64_t cycles, KillTotals& totals) {
  os::SeededRng rng(seed);
  Progress progress;
  std::string wrong;
  uint64_t recover_ns = 0;
  auto add_acknowledged = [&] {
    for (uint64_t n : progress.next) totals.acknowledged += n * kRows;
  };
  for (uint64_t i = 0; i < cycles && wrong.empty(); ++i, ++totals.cycles) {
    if (i % kCyclesPerDataset == 0) {
      add_acknowledged();
      progress = Progress();
      progress.dataset = "cycle" + std::to_string(i / kCyclesPerDataset);
    }
    wrong = one_life(child, progress, static_cast<long>(5'000'000 + rng.below(120'000'000)));
    if (wrong.empty()) wrong = check_store(child, progress, recover_ns);
    if (!wrong.empty()) wrong += fmt::format(" (cycle {}, data in {}, --seed {})", i, child.dir, seed);
  }
  add_acknowledged();
  base::MutexLock lock(totals.mutex);
  totals.recover_ns = std::max(totals.recover_ns, recover_ns);
  return wrong;
}

}  // namespace

Outcome run_kills(const std::string& program, const std::string& dir, uint64_t seed, uint64_t cycles, Variant variant) {
  Outcome out{.name = "kill -9 under ingest", .cases = 0, .detail = {}, .wrong = {}};
  std::filesystem::remove_all(dir);
  std::filesystem::create_directories(dir);
  KillTotals totals;
  base::Mutex starting;
  uint64_t pieces = std::min<uint64_t>(cycles, kDirectories);
  out.wrong = run_pieces([&](uint64_t number, std::string& wrong) {
    if (number >= pieces) return false;
    uint64_t own = cycles * (number + 1) / pieces - cycles * number / pieces;
    wrong = kill_again_and_again({program, fmt::format("{}/{}", dir, number), variant, starting}, seed + number, own,
                                 totals);
    return true;
  });
  out.cases = totals.cycles;
  out.detail = fmt::format("{} events acknowledged, slowest recovery {} ms", totals.acknowledged.load(),
                           totals.recover_ns / 1'000'000);
  if (out.wrong.empty()) std::filesystem::remove_all(dir);
  return out;
}

}  // namespace clew::crash
