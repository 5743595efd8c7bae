#include "scrape/check.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>

extern char** environ;

namespace clew::scrape {
namespace {

constexpr size_t kBodyBytesMax = 16u << 20;
constexpr int kLookMillis = 100;
constexpr double kNanos = 1e9;

// Adds series of one name each.
class Adder {
 public:
  Adder(const wire::LabelPairs& labels, int64_t millis, model::MetricBatch& batch) : millis_(millis), batch_(batch) {
    for (const auto& [name, value] : labels) labels_.set(name, value);
  }
  void gauge(const char* name, const char* help, double value, const char* label = "", const char* text = "") {
    model::LabelsBuilder all = labels_;
    all.set(model::kMetricNameLabel, name);
    if (*label != '\0') all.set(label, text);
    batch_.set_metadata(name, {model::MetricType::kGauge, "", help});
    batch_.begin_series(all.build());
    batch_.add_sample(millis_, value);
  }

 private:
  model::LabelsBuilder labels_;
  const int64_t millis_;
  model::MetricBatch& batch_;
};

// A program that was started, with a pipe from its output.
class Child {
 public:
  explicit Child(const std::vector<std::string>& words) {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) return;
    out_ = ends[0];
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attributes);
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
    // A group of its own, so that all that it starts can be ended; signals as a program expects them.
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawnattr_setpgroup(&attributes, 0);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &all);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    std::vector<char*> argv;
    for (const std::string& word : words) argv.push_back(const_cast<char*>(word.c_str()));
    argv.push_back(nullptr);
    if (::posix_spawnp(&pid_, argv[0], &actions, &attributes, argv.data(), environ) != 0) pid_ = -1;
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
    ::close(ends[1]);
  }
  ~Child() {
    if (out_ >= 0) ::close(out_);
    if (pid_ > 0) {
      ::kill(-pid_, SIGKILL);
      ::waitpid(pid_, nullptr, 0);
    }
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  bool started() const { return pid_ > 0; }
  // Waits a little for output; false when there is no more.
  bool read(std::string& to) {
    pollfd wait{.fd = out_, .events = POLLIN, .revents = 0};
    if (::poll(&wait, 1, kLookMillis) <= 0) return true;
    std::array<char, 4096> bytes{};
    ssize_t n = ::read(out_, bytes.data(), bytes.size());
    if (n <= 0) return false;
    to.append(bytes.data(),
              std::min(static_cast<size_t>(n), kCommandOutputMax - std::min(kCommandOutputMax, to.size())));
    return true;
  }
  // The exit code once it has ended.
  bool ended(int& exit_code) {
    int state = 0;
    if (::waitpid(pid_, &state, WNOHANG) != pid_) return false;
    exit_code = WIFEXITED(state) ? WEXITSTATUS(state) : -1;
    ::kill(-pid_, SIGKILL);  // what it left behind
    pid_ = -1;
    return true;
  }

 private:
  int out_ = -1;
  pid_t pid_ = -1;
};

}  // namespace

net::HttpFetch check_request(const std::string& url, const std::string& ca_file, uint32_t timeout_ms) {
  net::HttpFetch fetch;
  fetch.url = url;
  fetch.headers = {{"User-Agent", "clew"}};
  fetch.timeout_ms = timeout_ms;
  fetch.body_bytes_max = kBodyBytesMax;
  fetch.certificate = true;
  fetch.tls.ca = ca_file;
  return fetch;
}

void add_http_check(const Result<net::HttpFetched>& got, uint64_t nanos, const wire::LabelPairs& labels, int64_t millis,
                    model::MetricBatch& batch) {
  Adder add(labels, millis, batch);
  bool answered = got.ok();
  int status = answered ? got->reply.status : 0;
  bool success = status >= 200 && status < 300;
  add.gauge("probe_success", "Displays whether or not the probe was a success", success ? 1 : 0);
  add.gauge("probe_http_status_code", "Response HTTP status code", status);
  auto seconds = [](uint64_t of) { return static_cast<double>(of) / kNanos; };
  add.gauge("probe_duration_seconds", "Returns how long the probe took to complete in seconds", seconds(nanos));
  if (!answered) return;
  constexpr const char* kPhaseHelp = "Duration of http request by phase, summed over all redirects";
  add.gauge("probe_dns_lookup_time_seconds", "Returns the time taken for probe dns lookup in seconds",
            seconds(got->resolve_nanos));
  for (const auto& [phase, took] : {std::pair{"resolve", got->resolve_nanos},
                                    {"connect", got->connect_nanos},
                                    {"tls", got->tls_nanos},
                                    {"processing", got->process_nanos},
                                    {"transfer", got->transfer_nanos}}) {
    add.gauge("probe_http_duration_seconds", kPhaseHelp, seconds(took), "phase", phase);
  }
  add.gauge("probe_http_redirects", "The number of redirects", got->redirects);
  add.gauge("probe_http_ssl", "Indicates if SSL was used for the final redirect", got->encrypted ? 1 : 0);
  add.gauge("probe_http_version", "Returns the version of HTTP of the probe response", got->http_version / 10.0);
  add.gauge("probe_http_uncompressed_body_length", "Length of uncompressed response body",
            static_cast<double>(got->reply.body.size()));
  if (got->certificate_ends_s != 0) {
    add.gauge("probe_ssl_earliest_cert_expiry", "Returns earliest SSL cert expiry in unixtime",
              static_cast<double>(got->certificate_ends_s));
  }
}

CommandRun run_command(const std::vector<std::string>& words, uint32_t timeout_ms, const std::function<bool()>& go_on,
                       const os::Clock& clock) {
  CommandRun run;
  uint64_t begun = clock.monotonic_ns();
  uint64_t end = begun + uint64_t{timeout_ms} * 1'000'000;
  Child child(words);
  bool open = child.started();
  while (child.started()) {
    if (open) open = child.read(run.output);
    if (child.ended(run.exit_code)) break;
    run.stopped = !go_on();
    run.timed_out = clock.monotonic_ns() >= end;
    if (run.stopped || run.timed_out) break;
    if (!open) ::poll(nullptr, 0, 1);  // its output is closed and it goes on
  }
  while (open && !run.stopped && !run.timed_out && child.read(run.output) && run.output.size() < kCommandOutputMax &&
         clock.monotonic_ns() < end) {
  }
  run.nanos = clock.monotonic_ns() - begun;
  return run;
}

void add_command_check(const CommandRun& run, const wire::LabelPairs& labels, int64_t millis,
                       model::MetricBatch& batch) {
  Adder add(labels, millis, batch);
  add.gauge("probe_success", "Displays whether or not the probe was a success", run.exit_code == 0 ? 1 : 0);
  add.gauge("probe_duration_seconds", "Returns how long the probe took to complete in seconds",
            static_cast<double>(run.nanos) / kNanos);
  add.gauge("probe_exit_code", "What the command ended with; -1: by a signal, out of time, or not started",
            run.exit_code);
  wire::ExpositionOptions options;
  options.millis = millis;
  options.extra = labels;
  Result<wire::DecodedExposition> page = wire::decode_exposition(run.output, options);
  if (!page.ok()) return;
  for (const model::MetricBatch::Series& series : page->batch.series()) {
    batch.begin_series(page->batch.labels_of(series));
    for (uint32_t i = series.samples_begin; i < series.samples_end; ++i) {
      batch.add_sample(page->batch.samples()[i].millis, page->batch.samples()[i].value);
    }
  }
  for (const auto& [metric, told] : page->batch.metadata()) batch.set_metadata(metric, told);
}

}  // namespace clew::scrape
