// clew export: every row of an answer into a file, which bears its name only when it is whole.
#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>

#include "app/backoff.h"
#include "app/client.h"
#include "app/command.h"
#include "app/export_file.h"
#include "app/query_error.h"
#include "app/rows.h"
#include "app/terminal.h"
#include "os/clock.h"

namespace clew::app {
namespace {

const std::vector<std::string> kFormats = {"ndjson", "csv", "raw"};
constexpr uint64_t kSaveEveryNanos = 1'000'000'000;
constexpr uint64_t kSayEveryNanos = 500'000'000;
constexpr uint32_t kTriesMax = 4;  // in a row, without a row between them

struct Asked {
  std::string url;
  std::string query;
  std::string file;
  std::string format;
  RangeFlags range;
  bool newest_first = false;
  bool ids = false;
  bool resume = false;
  bool force = false;
};

Json body_of(const Asked& asked) {
  Json body = {{"query", asked.query}};
  put_range(asked.range, body);
  if (asked.newest_first) body["order"] = "newest";
  if (asked.ids) body["ids"] = true;
  if (asked.format == "csv") body["format"] = "csv";
  if (asked.format == "raw") body["raw"] = body["bytes"] = true;
  return body;
}

// Where rows go: a file, or standard output.
class Target {
 public:
  explicit Target(ExportFile* file) : file_(file) {}
  Status write(std::string_view text) {
    if (file_ != nullptr) return file_->write(text);
    bool written = std::fwrite(text.data(), 1, text.size(), stdout) == text.size();
    return written ? Status() : Status(Error(Code::kCancelled, "nobody reads standard output any more"));
  }
  Status save(const ExportState& state) { return file_ == nullptr ? Status() : file_->save(state); }
  bool is_file() const { return file_ != nullptr; }
  uint64_t bytes() const { return file_ == nullptr ? 0 : file_->bytes(); }

 private:
  ExportFile* file_;
};

// Tells rows from what stands between them.
class ExportReader {
 public:
  ExportReader(ExportState& state, Target& target, const os::Clock& clock, const Terminal& errors)
      : state_(state),
        target_(target),
        clock_(clock),
        errors_(errors),
        csv_(text_at(state.request, "format") == "csv"),
        raw_(member_at(state.request, "raw").is_boolean()) {}

  bool feed(std::string_view bytes) {
    while (!bytes.empty()) {
      size_t newline = bytes.find('\n');
      bool whole = newline != std::string_view::npos;
      held_.append(bytes.substr(0, whole ? newline + 1 : newline));
      bytes.remove_prefix(whole ? newline + 1 : bytes.size());
      if (!whole) break;
      status_ = take(held_);
      held_.clear();
      if (!status_.ok()) return false;
    }
    return true;
  }

  const Status& status() const { return status_; }
  // The last line of the export; null when it did not come.
  const Json& end() const { return end_; }
  bool saw_rows() const { return saw_rows_; }
  void clear_progress() {
    if (said_) std::fputs("\r\x1b[K", stderr);
    said_ = false;
  }

 private:
  Status take(std::string_view line) {
    constexpr std::string_view kCsvNote = "#_export ";
    constexpr std::string_view kNote = "{\"_export\":";
    if (csv_ && !in_quotes_ && line.starts_with(kCsvNote)) return note(line.substr(kCsvNote.size()));
    if (!csv_ && line.starts_with(kNote)) return note(line.substr(kNote.size(), line.size() - kNote.size() - 2));
    saw_rows_ = true;
    if (csv_) {
      // A cell may go on over lines; what stands there is no note.
      for (char c : line) in_quotes_ = in_quotes_ != (c == '"');
    }
    return raw_ ? take_raw(line) : target_.write(line);
  }

  Status take_raw(std::string_view line) {
    Status written;
    auto printer = make_row_printer(RowFormat::kRaw, {}, [&](std::string_view text) {
      written = target_.write(text);
      return written.ok();
    });
    bool taken = printer->begin({{"_raw"}}) && printer->row(line.substr(0, line.size() - 1));
    return taken || !written.ok() ? written : Status(Error(Code::kCorrupt, "the server sent a row that is no JSON"));
  }

  Status note(std::string_view json) {
    Json note = Json::parse(json, nullptr, false);
    if (!note.is_object()) return Error(Code::kCorrupt, "the server sent a mark that is no JSON");
    if (note.contains("complete")) {
      end_ = std::move(note);
      return {};
    }
    const Json& columns = member_at(note, "columns");
    if (columns.is_array()) state_.request["columns"] = columns;
    state_.cursor = text_at(note, "cursor");
    state_.rows = number_at(note, "rows");
    state_.bytes = target_.bytes();
    uint64_t now = clock_.monotonic_ns();
    say_progress(now);
    if (now - saved_ns_ < kSaveEveryNanos) return {};
    saved_ns_ = now;
    return target_.save(state_);
  }

  void say_progress(uint64_t now) {
    if (!errors_.is_terminal || !target_.is_file() || now - said_ns_ < kSayEveryNanos) return;
    said_ns_ = now;
    said_ = true;
    std::fprintf(stderr, "\r\x1b[K%s events, %s", grouped(state_.rows).c_str(), human_bytes(state_.bytes).c_str());
  }

  ExportState& state_;
  Target& target_;
  const os::Clock& clock_;
  const Terminal& errors_;
  const bool csv_;
  const bool raw_;
  std::string held_;
  bool in_quotes_ = false;
  bool saw_rows_ = false;
  bool said_ = false;
  uint64_t saved_ns_ = 0;
  uint64_t said_ns_ = 0;
  Json end_;
  Status status_;
};

// What came of one call.
struct Came {
  Json end;            // the export's last line; null when the answer ended before it
  Json refused;        // the error of a call that was refused
  std::string broken;  // how the connection broke
  bool refused_for_now = false;
  bool saw_rows = false;
  Status local;  // the file, or standard output
};

Came call_once(Client& client, ExportState& state, Target& target, const os::Clock& clock, const Terminal& errors) {
  Json body = state.request;
  body["marks"] = true;
  if (!state.cursor.empty()) body["cursor"] = state.cursor;
  std::string text = body.dump(-1, ' ', false, Json::error_handler_t::replace);
  ExportReader reader(state, target, clock, errors);
  net::HttpCall call{.method = "POST", .url = "/clew/v1/export", .headers = {}, .body = text, .on_body = nullptr};
  call.headers.emplace_back("Content-Type", "application/json");
  call.on_body = [&reader](std::string_view bytes) { return reader.feed(bytes); };
  Result<net::HttpReply> reply = client.call(std::move(call));
  reader.clear_progress();
  Came came;
  came.end = reader.end();
  came.local = reader.status();
  came.saw_rows = reader.saw_rows();
  if (!reply.ok()) {
    came.broken = reply.error().message();
  } else if (reply->status >= 400) {
    Json answer = Json::parse(reply->body, nullptr, false);
    came.refused = member_at(answer, "error");
    if (!came.refused.is_object()) came.refused = {{"reason", error_of_body(answer, reply->status).message()}};
    came.refused_for_now = reply->status == 429 || reply->status == 503;
  } else if (came.end.is_null()) {
    came.broken = "the answer ended early";
  }
  return came;
}

class Export {
 public:
  Export(const Asked& asked, ExportFile* file, ExportState state)
      : asked_(asked),
        file_(file),
        state_(std::move(state)),
        target_(file),
        clock_(os::make_real_clock()),
        errors_(terminal_of(STDERR_FILENO)) {}

  int run() {
    Client client(asked_.url);
    for (uint32_t tries = 1;; ++tries) {
      Came came = call_once(client, state_, target_, *clock_, errors_);
      if (!came.local.ok()) return came.local.error().code() == Code::kCancelled ? 0 : stopped(came.local.error());
      if (came.refused.is_object() && !came.refused_for_now) return refused(came.refused);
      if (came.end.is_object()) return ended(came.end);
      if (came.saw_rows) tries = 1;
      std::string why = came.refused.is_object() ? text_at(came.refused, "reason") : came.broken;
      // Rows that went to standard output cannot be taken back.
      bool again = tries < kTriesMax && (came.refused_for_now || (file_ != nullptr && !state_.cursor.empty()));
      if (!again) return stopped(Error(Code::kUnavailable, why));
      std::fprintf(stderr, "clew export: %s; trying again\n", why.c_str());
      wait_seconds(backoff_seconds(tries, 0));
      if (file_ != nullptr && !file_->open(state_.bytes).ok()) return stopped(Error(Code::kIo, "cannot go back"));
    }
  }

 private:
  int refused(const Json& error) {
    if (file_ != nullptr && state_.cursor.empty()) file_->discard();
    return show_query_error("export", text_at(state_.request, "query"), error);
  }

  int stopped(const Error& error) {
    std::fflush(stdout);
    fail("export", error);
    if (file_ == nullptr) {
      std::fprintf(stderr, "  what was printed is NOT all\n");
      return 1;
    }
    if (state_.cursor.empty()) {
      file_->discard();
      return 1;
    }
    Status saved = file_->save(state_);
    if (!saved.ok()) return fail("export", saved.error());
    std::fprintf(stderr, "  %s events are there; go on with: clew export --resume -o %s\n",
                 grouped(state_.rows).c_str(), asked_.file.c_str());
    return 1;
  }

  int ended(const Json& end) {
    const Json& complete = member_at(end, "complete");
    if (!complete.is_boolean() || !complete.get<bool>()) {
      std::string reason = text_at(end, "reason");
      return stopped(Error(Code::kInternal, reason.empty() ? "the export is not complete" : reason));
    }
    std::fflush(stdout);
    if (file_ != nullptr) {
      uint64_t bytes = file_->bytes();
      Status named = file_->finish();
      if (!named.ok()) return fail("export", named.error());
      std::fprintf(stderr, "%s events, %s: %s is complete\n", grouped(number_at(end, "rows")).c_str(),
                   human_bytes(bytes).c_str(), asked_.file.c_str());
    }
    std::string answer = text_at(end, "answer");
    if (!answer.starts_with("damaged")) return 0;
    std::fprintf(stderr, "warning: damaged rows of the store are left out (%s): run clew verify on it\n",
                 answer.c_str());
    return 1;
  }

  const Asked& asked_;
  ExportFile* file_;
  ExportState state_;
  Target target_;
  std::unique_ptr<os::Clock> clock_;
  const Terminal errors_;
};

int refuse(const std::string& text) { return fail("export", Error(Code::kExists, text)); }

int run(const Asked& asked) {
  ExportState state{.request = body_of(asked), .cursor = {}, .bytes = 0, .rows = 0};
  if (asked.file.empty()) {
    if (asked.resume) return fail("export", Error(Code::kInvalid, "--resume needs -o FILE"));
    return Export(asked, nullptr, std::move(state)).run();
  }
  ExportFile file(asked.file);
  bool begin = asked.force || !file.is_interrupted();
  if (begin && file.is_complete() && !asked.force) {
    return refuse(asked.file + " is there already: --force replaces it");
  }
  if (!begin && !asked.resume) {
    return refuse("an interrupted export to " + asked.file +
                  " is there: --resume goes on with it, --force begins anew");
  }
  if (!begin) {
    Result<ExportState> left = file.load();
    if (left.ok()) {
      Json request = left->request;
      request.erase("columns");
      if (!asked.query.empty() && request != state.request) {
        return refuse("the interrupted export asked otherwise: leave the query out to go on with it, or pass --force");
      }
      state = std::move(left).take();
    } else if (left.error().code() != Code::kNotFound) {
      return fail("export", left.error());
    }
  }
  if (asked.resume && state.cursor.empty() && asked.query.empty()) {
    return fail("export", Error(Code::kInvalid, "there is nothing to go on with: give the query"));
  }
  Status opened = file.open(state.bytes);
  if (!opened.ok()) return fail("export", opened.error());
  return Export(asked, &file, std::move(state)).run();
}

}  // namespace

int run_export(int argc, char** argv) {
  Asked asked;
  Flags flags("export", "writes every row of an answer to a file: no limit of rows or time, oldest first",
              "clew export 'source=web' -o web.ndjson\n"
              "clew export 'level=error | fields @timestamp, message' --since 30d --format csv -o errors.csv\n"
              "clew export 'source=web' --format raw | gzip > web.log.gz    the lines as they came\n"
              "clew export --resume -o web.ndjson                          goes on where it was interrupted\n"
              "The file is called FILE.part until it is complete.");
  flags.argument(asked.query, "QUERY", "which rows; none: all events", false);
  flags.text(asked.file, "--output,-o", "FILE", "default: standard output");
  flags.choice(asked.format, "--format", kFormats, "ndjson (default), csv, or raw: the events as they came");
  flags.yes(asked.resume, "--resume", "go on with an interrupted export to FILE");
  flags.yes(asked.force, "--force", "replace FILE, or an interrupted export to it");
  flags.yes(asked.newest_first, "--newest-first", "newest events first");
  flags.yes(asked.ids, "--ids", "each event with its _id");
  add_range_flags(flags, asked.range);
  add_url_flag(flags, asked.url);
  if (std::optional<int> exit = flags.parse(argc, argv)) return *exit;
  return run(asked);
}

}  // namespace clew::app
