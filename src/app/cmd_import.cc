// clew import FILE...: sends files to POST /api/v1/import in bodies of whole lines, each named so that it counts once.
#include <fmt/format.h>
#include <unistd.h>

#include <climits>
#include <cstdio>
#include <cstdlib>
#include <set>

#include "app/backoff.h"
#include "app/chunker.h"
#include "app/client.h"
#include "app/command.h"
#include "app/terminal.h"
#include "base/hash.h"
#include "collect/input_file.h"
#include "os/clock.h"
#include "process/importer.h"
#include "wire/trace_file.h"

namespace clew::app {
namespace {

constexpr uint64_t kProgressEveryNanos = 100'000'000;
constexpr uint32_t kTriesMax = 8;
constexpr size_t kErrorsShown = 5;

struct ImportFlags {
  std::string url;
  std::string dataset = "logs";
  std::string format = "auto";
  std::string zone;
  bool again = false;
};

struct Counts {
  uint64_t received = 0;
  uint64_t stored = 0;
  uint64_t duplicate = 0;
  uint64_t rejected = 0;
};

struct LineError {
  uint64_t item = 0;
  std::string reason;
  std::string message;
};

// Names the bodies of one file. A key stands for the file, the dataset and all bytes up to the end of its body: the
// same file again gives the same keys; a file that has changed gives new ones from the change on.
class BatchNames {
 public:
  BatchNames(const std::string& path, const ImportFlags& flags) {
    char resolved[PATH_MAX];
    bool is_file = path != "-" && realpath(path.c_str(), resolved) != nullptr;
    std::unique_ptr<os::Rng> rng = os::make_real_rng();
    // What comes through a pipe has no identity: each time it is new. The key then serves repeated tries alone.
    std::string identity =
        is_file && !flags.again ? std::string(resolved) : fmt::format("{:016x}{:016x}", rng->next(), rng->next());
    identity += '\0' + flags.dataset;
    high_ = base::hash64(identity, 1);
    low_ = base::hash64(identity, 2);
  }

  std::string next(std::string_view body) {
    high_ = base::hash_mix(high_, base::hash64(body, 1));
    low_ = base::hash_mix(low_, base::hash64(body, 2));
    return fmt::format("import-{:016x}{:016x}:{}", high_, low_, sequence_++);
  }

 private:
  uint64_t high_ = 0;
  uint64_t low_ = 0;
  uint64_t sequence_ = 0;
};

// One line on stderr that says how far a file is.
class ProgressLine {
 public:
  ProgressLine(std::string name, const os::Clock& clock)
      : name_(std::move(name)), clock_(clock), terminal_(terminal_of(STDERR_FILENO)), begun_ns_(clock.monotonic_ns()) {}
  ~ProgressLine() { clear(); }
  ProgressLine(const ProgressLine&) = delete;
  ProgressLine& operator=(const ProgressLine&) = delete;

  void show(const collect::InputFile& file, uint64_t events) {
    uint64_t now = clock_.monotonic_ns();
    if (!terminal_.is_terminal || now - shown_ns_ < kProgressEveryNanos) return;
    shown_ns_ = now;
    double seconds = std::max(1e-3, static_cast<double>(now - begun_ns_) / 1e9);
    double rate = static_cast<double>(file.bytes_read()) / seconds;
    std::string text = name_ + "  ";
    if (uint64_t total = file.bytes_total(); total > 0) {
      double share = static_cast<double>(file.bytes_read()) / static_cast<double>(total);
      double left = static_cast<double>(total - std::min(total, file.bytes_read())) / std::max(rate, 1.0);
      constexpr uint32_t kBarCells = 20;
      auto full = static_cast<uint32_t>(share * kBarCells);
      text += fmt::format("[{}{}] {:3.0f}%  ETA {}  ", std::string(full, '#'), std::string(kBarCells - full, ' '),
                          share * 100, human_millis(left * 1000));
    }
    text += fmt::format("{}/s  {} events", human_bytes(static_cast<uint64_t>(rate)), grouped(events));
    std::fprintf(stderr, "\r\x1b[K%s", fit(text, std::min(terminal_.width - 1, cells_of(text)), Align::kLeft).c_str());
    shown_ = true;
  }
  void say(const std::string& line) {
    clear();
    std::fprintf(stderr, "%s\n", line.c_str());
  }
  void clear() {
    if (shown_) std::fputs("\r\x1b[K", stderr);
    shown_ = false;
  }
  double millis() const { return static_cast<double>(clock_.monotonic_ns() - begun_ns_) / 1e6; }

 private:
  const std::string name_;
  const os::Clock& clock_;
  const Terminal terminal_;
  const uint64_t begun_ns_;
  uint64_t shown_ns_ = 0;
  bool shown_ = false;
};

// One file on its way to the server.
class FileImport {
 public:
  FileImport(Client& client, const ImportFlags& flags, const std::string& path, const os::Clock& clock)
      : client_(client), flags_(flags), path_(path), names_(path, flags), progress_(path, clock) {}

  Status run();
  void print(const Terminal& out) const;
  const Counts& counts() const { return counts_; }

 private:
  Status detect(collect::InputFile& file, std::string& sample);
  Status send(const Chunk& chunk, const collect::InputFile& file);
  Result<Json> post(const Chunk& chunk);
  Chunker::By pieces() const;
  std::string_view format() const;
  const char* item() const;
  void take(const Chunk& chunk, const Json& reply);
  std::string query_of(const Chunk& chunk) const;

  Client& client_;
  const ImportFlags& flags_;
  const std::string path_;
  BatchNames names_;
  ProgressLine progress_;
  process::Format format_ = process::Format::kPlain;  // where it is no file of traces
  std::optional<wire::TraceFile> traces_;
  bool detected_ = false;
  uint64_t last_time_ = 0;
  bool sent_ = false;
  Counts counts_;
  std::set<std::string> datasets_;
  std::vector<LineError> errors_;
  uint64_t lines_cut_ = 0;
  uint64_t bytes_ = 0;
};

Status FileImport::detect(collect::InputFile& file, std::string& sample) {
  traces_ = wire::trace_file_by_name(flags_.format);
  std::optional<process::Format> named;
  if (!traces_) named = CLEW_TRY(process::format_by_name(flags_.format));
  while (sample.size() < process::kSampleBytes) {
    std::string_view bytes = CLEW_TRY(file.read());
    if (bytes.empty()) break;
    sample.append(bytes);
  }
  if (!named && !traces_) traces_ = wire::detect_trace_file(sample);
  detected_ = !named && !traces_;
  format_ = named ? *named : process::detect(sample);
  return {};
}

Status FileImport::run() {
  std::unique_ptr<collect::InputFile> file = CLEW_TRY(collect::InputFile::open(path_));
  std::string sample;
  CLEW_TRY(detect(*file, sample));
  Chunker chunker(
      pieces(), [&](const Chunk& chunk) { return send(chunk, *file); },
      traces_ ? process::JoinRule() : process::join_rule(format_));
  bytes_ = sample.size();
  CLEW_TRY(chunker.feed(sample));
  while (true) {
    std::string_view bytes = CLEW_TRY(file->read());
    if (bytes.empty()) break;
    bytes_ += bytes.size();
    CLEW_TRY(chunker.feed(bytes));
    progress_.show(*file, counts_.received);
  }
  CLEW_TRY(chunker.finish());
  lines_cut_ = chunker.lines_cut();
  progress_.clear();
  return {};
}

// The spans of a Jaeger file need the processes, which stand behind them.
Chunker::By FileImport::pieces() const {
  if (traces_) return *traces_ == wire::TraceFile::kJaeger ? Chunker::By::kWhole : Chunker::By::kJsonObject;
  return format_ == process::Format::kJsonStream ? Chunker::By::kJsonObject : Chunker::By::kLine;
}

std::string_view FileImport::format() const {
  return traces_ ? wire::trace_file_name(*traces_) : process::format_name(format_);
}

const char* FileImport::item() const {
  if (traces_) return "item";
  return format_ == process::Format::kJsonStream ? "object" : "line";
}

std::string FileImport::query_of(const Chunk& chunk) const {
  std::string query = "?dataset=" + percent_encoded(flags_.dataset);
  if (traces_) return query + "&format=" + std::string(format());
  // Objects come one to a line (Chunker).
  process::Format format = format_ == process::Format::kJsonStream ? process::Format::kNdjson : format_;
  if (chunk.is_text) format = process::Format::kPlain;
  std::string name(process::format_name(format));
  query += detected_ ? "&format=auto&detected=" + name : "&format=" + name;
  if (!flags_.zone.empty()) query += "&zone=" + percent_encoded(flags_.zone);
  if (last_time_ != 0) query += fmt::format("&after={}", last_time_);
  return query;
}

Status FileImport::send(const Chunk& chunk, const collect::InputFile& file) {
  Json reply = CLEW_TRY(post(chunk));
  take(chunk, reply);
  sent_ = true;
  progress_.show(file, counts_.received);
  return {};
}

// Of objects, one a line.
std::string json_array(const std::string& lines) {
  std::string out = "[" + lines;
  std::replace(out.begin(), out.end(), '\n', ',');
  out.back() = ']';  // instead of the comma behind the last
  return out;
}

// Tries again while the server is busy: with its key a body counts once however often it arrives.
Result<Json> FileImport::post(const Chunk& chunk) {
  std::string key = names_.next(chunk.body);
  std::string list = traces_ == wire::TraceFile::kZipkin ? json_array(chunk.body) : std::string();
  std::string path = "/api/v1/import" + query_of(chunk);
  for (uint32_t tries = 1;; ++tries) {
    net::HttpCall call{.method = "POST",
                       .url = path,
                       .headers = {{"Clew-Batch", key}},
                       .body = list.empty() ? chunk.body : list,
                       .on_body = nullptr};
    Result<net::HttpReply> reply = client_.call(std::move(call));
    bool broken = !reply.ok() && sent_;
    bool busy = reply.ok() && (reply->status == 429 || reply->status == 503);
    if ((!broken && !busy) || tries == kTriesMax) {
      if (!reply.ok()) return std::move(reply).error();
      Json body = Json::parse(reply->body, nullptr, false);
      if (reply->status >= 400) return error_of_body(body, reply->status);
      return body;
    }
    uint64_t asked_for = busy ? static_cast<uint64_t>(std::atoi(std::string(reply->header("retry-after")).c_str())) : 0;
    uint64_t seconds = backoff_seconds(tries, asked_for);
    progress_.say(fmt::format("{}: {}, trying again in {} s", path_,
                              busy ? "the server is busy" : "the connection broke", seconds));
    wait_seconds(seconds);
  }
}

void FileImport::take(const Chunk& chunk, const Json& reply) {
  counts_.received += number_at(reply, "received");
  counts_.stored += number_at(reply, "stored");
  counts_.duplicate += number_at(reply, "duplicate");
  counts_.rejected += number_at(reply, "rejected");
  if (uint64_t time = number_at(reply, "last_time"); time != 0) last_time_ = time;
  if (const Json& names = member_at(reply, "datasets"); names.is_array()) {
    for (const Json& name : names) {
      if (name.is_string()) datasets_.insert(name.get<std::string>());
    }
  }
  const Json& errors = member_at(reply, "errors");
  if (!errors.is_array()) return;
  for (const Json& error : errors) {
    if (errors_.size() >= kErrorsShown) break;
    errors_.push_back(
        {chunk.first_item + number_at(error, "item") - 1, text_at(error, "reason"), text_at(error, "message")});
  }
}

void FileImport::print(const Terminal& out) const {
  std::string format(this->format());
  std::string dataset = datasets_.empty() ? flags_.dataset : fmt::format("{}", fmt::join(datasets_, ", "));
  if (!out.is_terminal) {
    Json errors = Json::array();
    for (const LineError& error : errors_) {
      errors.push_back({{"item", error.item}, {"reason", error.reason}, {"message", error.message}});
    }
    Json line = {{"file", path_},
                 {"dataset", dataset},
                 {"format", format},
                 {"received", counts_.received},
                 {"stored", counts_.stored},
                 {"duplicate", counts_.duplicate},
                 {"rejected", counts_.rejected},
                 {"errors", errors}};
    std::printf("%s\n", line.dump(-1, ' ', false, Json::error_handler_t::replace).c_str());
  } else {
    double seconds = std::max(progress_.millis(), 1.0) / 1000;
    std::printf("%s: %s events stored in %s, read as %s, %s at %s/s\n", path_.c_str(), grouped(counts_.stored).c_str(),
                dataset.c_str(), format.c_str(), human_millis(progress_.millis()).c_str(),
                human_bytes(static_cast<uint64_t>(static_cast<double>(bytes_) / seconds)).c_str());
  }
  if (counts_.duplicate > 0) {
    std::fprintf(stderr, "%s: %s events were imported from this file before and are not stored twice (--again does)\n",
                 path_.c_str(), grouped(counts_.duplicate).c_str());
  }
  if (lines_cut_ > 0) {
    std::fprintf(stderr, "warning: %s: %s lines are longer than %s; their rest is left out\n", path_.c_str(),
                 grouped(lines_cut_).c_str(), human_bytes(kImportLineBytesMax).c_str());
  }
  if (counts_.rejected == 0) return;
  const char* what = item();
  std::fprintf(stderr, "warning: %s: %s %ss were rejected, the first of them:\n", path_.c_str(),
               grouped(counts_.rejected).c_str(), what);
  for (const LineError& error : errors_) {
    std::fprintf(stderr, "  %s %s: %s (%s)\n", what, grouped(error.item).c_str(),
                 without_controls(error.message).c_str(), error.reason.c_str());
  }
}

int run(const ImportFlags& flags, const std::vector<std::string>& paths) {
  Client client(flags.url);
  Terminal out = terminal_of(STDOUT_FILENO);
  std::unique_ptr<os::Clock> clock = os::make_real_clock();
  int exit = 0;
  for (const std::string& path : paths) {
    FileImport import(client, flags, path, *clock);
    Status done = import.run();
    const Counts& counts = import.counts();
    if (done.ok() || counts.received > 0) import.print(out);
    if (done.ok() && counts.rejected > 0 && counts.stored + counts.duplicate == 0) exit = 1;
    if (done.ok()) continue;
    exit = fail("import", done.error());
    if (done.error().code() == Code::kUnavailable) break;  // the other files would meet the same
  }
  return exit;
}

}  // namespace

int run_import(int argc, char** argv) {
  ImportFlags flags;
  std::vector<std::string> paths;
  Flags parser("import", "sends log files, or standard input, to the server",
               "clew import /var/log/auth.log --dataset auth\n"
               "clew import access.log access.log.*.gz --dataset web\n"
               "clew import app.log --zone Asia/Ho_Chi_Minh             the zone of times that name none\n"
               "clew import trace.json                                  as Jaeger's or Zipkin's UI saves it, or OTLP\n"
               "journalctl -o json | clew import - --dataset host\n"
               "\n"
               "A file that was imported before adds nothing; --again stores it once more.");
  parser.arguments(paths, "FILE", "files, also gzip or zstd; - is standard input", true);
  parser.text(flags.dataset, "--dataset", "NAME", "where the events go");
  parser.choice(
      flags.format, "--format",
      {"auto", "ndjson", "json", "access", "syslog", "logfmt", "plain", "jaeger-json", "zipkin-json", "otlp-json"},
      "how the lines are read; auto looks at each file");
  parser.text(flags.zone, "--zone", "ZONE", "of times that name none (default UTC)");
  parser.yes(flags.again, "--again", "store files that were imported before once more");
  add_url_flag(parser, flags.url);
  if (std::optional<int> exit = parser.parse(argc, argv)) return *exit;
  return run(flags, paths);
}

}  // namespace clew::app
