// clew query 'PPL': prints the rows of POST /clew/v1/search while they come.
#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>

#include "app/client.h"
#include "app/command.h"
#include "app/query_error.h"
#include "app/rows.h"
#include "app/terminal.h"
#include "os/clock.h"

namespace clew::app {
namespace {

constexpr uint64_t kProgressAfterNanos = 500'000'000;
constexpr uint64_t kLimitUnset = UINT64_MAX;
constexpr std::string_view kRawTail = "\n| fields _raw";

struct Asked {
  std::string query;
  RangeFlags range;
  uint64_t limit = kLimitUnset;
  uint64_t timeout_ms = 0;
  bool oldest = false;
  bool bytes = false;  // texts as they are, UTF-8 or not
  bool ids = false;
  std::string page;  // "start", or the cursor that the page before told; empty: one answer
};

// Reads the records of the stream, a line each.
class AnswerReader {
 public:
  AnswerReader(RowPrinter& rows, const os::Clock& clock, const Terminal& errors)
      : rows_(rows), clock_(clock), errors_(errors), begun_ns_(clock.monotonic_ns()) {}

  bool feed(std::string_view bytes) {
    while (!bytes.empty()) {
      size_t newline = bytes.find('\n');
      held_.append(bytes.substr(0, newline));
      if (newline == std::string_view::npos) return true;
      if (!take(held_)) return false;
      held_.clear();
      bytes.remove_prefix(newline + 1);
    }
    return true;
  }
  void clear_progress() {
    if (progress_shown_) std::fputs("\r\x1b[K", stderr);
    progress_shown_ = false;
  }

  bool begun() const { return begun_; }
  const Json& end() const { return end_; }
  const Json& error() const { return error_; }

 private:
  bool take(std::string_view line) {
    constexpr std::string_view kRow = "{\"row\":";
    if (line.starts_with(kRow) && line.ends_with('}')) {
      clear_progress();
      return rows_.row(line.substr(kRow.size(), line.size() - kRow.size() - 1));
    }
    Json record = Json::parse(line, nullptr, false);
    if (!record.is_object()) return true;
    if (record.contains("progress")) show_progress(record["progress"]);
    if (record.contains("end")) end_ = record["end"];
    if (record.contains("error")) error_ = record["error"];
    if (!record.contains("schema") || !record["schema"].is_array()) return true;
    std::vector<RowColumn> columns;
    for (const Json& column : record["schema"]) {
      std::string type = text_at(column, "type");
      bool number = type == "int" || type == "bigint" || type == "double" || type == "float" || type == "long" ||
                    type == "integer" || type == "decimal" || type == "ulong" || type == "unsigned_long";
      columns.push_back({text_at(column, "name"), number});
    }
    begun_ = true;
    return rows_.begin(columns);
  }

  void show_progress(const Json& progress) {
    if (!errors_.is_terminal || clock_.monotonic_ns() - begun_ns_ < kProgressAfterNanos) return;
    uint64_t total = number_at(progress, "granules_total");
    uint64_t percent = total == 0 ? 0 : number_at(progress, "granules_done") * 100 / total;
    std::string text = fmt::format("{}%  {} rows read, {} match", percent, grouped(number_at(progress, "rows_scanned")),
                                   grouped(number_at(progress, "rows_matched")));
    std::fprintf(stderr, "\r\x1b[K%s",
                 fit(text, std::min<uint32_t>(errors_.width - 1, cells_of(text)), Align::kLeft).c_str());
    progress_shown_ = true;
  }

  RowPrinter& rows_;
  const os::Clock& clock_;
  const Terminal errors_;
  const uint64_t begun_ns_;
  std::string held_;
  bool begun_ = false;
  bool progress_shown_ = false;
  Json end_;
  Json error_;
};

struct Answer {
  bool stopped = false;  // nobody reads our output any more
  Json end;
  Json error;
};

Result<Answer> ask(Client& client, const Asked& asked, RowPrinter& rows, const Terminal& errors) {
  Json body = {{"query", asked.query}};
  put_range(asked.range, body);
  if (asked.limit != kLimitUnset) body["limit"] = asked.limit;
  if (asked.timeout_ms != 0) body["timeout_ms"] = asked.timeout_ms;
  if (asked.oldest) body["order"] = "oldest";
  if (asked.bytes) body["bytes"] = true;
  if (asked.ids) body["ids"] = true;
  if (!asked.page.empty()) body["cursor"] = asked.page == "start" ? "" : asked.page;
  std::string text = body.dump(-1, ' ', false, Json::error_handler_t::replace);
  std::unique_ptr<os::Clock> clock = os::make_real_clock();
  AnswerReader reader(rows, *clock, errors);
  net::HttpCall call{.method = "POST", .url = "/clew/v1/search", .headers = {}, .body = text, .on_body = nullptr};
  call.headers.emplace_back("Content-Type", "application/json");
  call.on_body = [&reader](std::string_view bytes) { return reader.feed(bytes); };
  Result<net::HttpReply> reply = client.call(std::move(call));
  reader.clear_progress();
  Answer answer{.end = reader.end(), .error = reader.error()};
  if (!reply.ok()) {
    if (reply.error().code() != Code::kCancelled) return std::move(reply).error();
    answer.stopped = true;
    return answer;
  }
  if (reply->status >= 400) {
    Json parsed = Json::parse(reply->body, nullptr, false);
    if (!member_at(parsed, "error").is_object()) return error_of_body(parsed, reply->status);
    answer.error = parsed["error"];
  }
  if (reader.begun()) rows.finish();
  if (answer.end.is_null() && answer.error.is_null()) {
    return Error(Code::kIo, "the answer ended early: the server stopped, or the connection broke");
  }
  return answer;
}

// `chosen`: the user has named the number of rows, and is not told that there were more.
void show_warnings(const Json& end, bool chosen) {
  std::string answer = text_at(end, "answer");
  if (answer.starts_with("cut; limit=rows")) {
    if (!chosen)
      std::fprintf(stderr,
                   "warning: the answer is cut after %s rows: pass --limit 0 for all, or add | head N; "
                   "clew export writes all to a file\n",
                   grouped(number_at(end, "rows")).c_str());
  } else if (answer.starts_with("cut")) {
    std::fprintf(stderr, "warning: the answer is not complete (%s): narrow the time range or raise --timeout\n",
                 answer.c_str());
  } else if (answer.starts_with("damaged")) {
    std::fprintf(stderr, "warning: the answer leaves out damaged rows (%s): run clew verify on the store\n",
                 answer.c_str());
  }
  const Json& warnings = member_at(end, "warnings");
  if (!warnings.is_array()) return;
  for (const Json& warning : warnings) {
    std::fprintf(stderr, "warning: %s\n", without_controls(cell_text(warning)).c_str());
  }
}

void show_summary(const Json& end, const Terminal& errors) {
  const Json& stats = member_at(end, "stats");
  const Json& ms = member_at(stats, "ms");
  uint64_t rows = number_at(end, "rows");
  std::string text =
      fmt::format("{} row{} in {}, {} scanned, {} read", grouped(rows), rows == 1 ? "" : "s",
                  human_millis(ms.is_number() ? ms.get<double>() : 0), grouped(number_at(stats, "rows_scanned")),
                  human_bytes(number_at(stats, "bytes_read")));
  std::fprintf(stderr, "%s\n", painted(text, Color::kDim, errors).c_str());
}

int run(const std::string& url, Asked asked, std::string format) {
  Terminal out = terminal_of(STDOUT_FILENO);
  Terminal errors = terminal_of(STDERR_FILENO);
  if (format.empty()) format = out.is_terminal ? "table" : "ndjson";
  Client client(url);
  std::unique_ptr<RowPrinter> rows = make_row_printer(row_format(format), out, print_to_stdout);
  bool raw = format == "raw" && !asked.query.starts_with("explain");
  const std::string query = asked.query;
  if (raw) asked.query += kRawTail;
  asked.bytes = raw;
  Result<Answer> answer = ask(client, asked, *rows, errors);
  if (raw && answer.ok() && text_at(answer->error, "code") == "FIELD_NOT_FOUND") {
    // The answer's rows are no events: their values are all there is.
    asked.query = query;
    answer = ask(client, asked, *rows, errors);
  }
  std::fflush(stdout);
  if (!answer.ok()) return fail("query", answer.error());
  if (answer->stopped) return 0;
  if (!answer->error.is_null()) return show_query_error("query", query, answer->error);
  show_warnings(answer->end, asked.limit != kLimitUnset || !asked.page.empty());
  std::string cursor = text_at(answer->end, "cursor");
  if (!asked.page.empty()) {
    std::string told = cursor.empty() ? "that is all" : "more follow: --page " + cursor;
    std::fprintf(stderr, "%s\n", told.c_str());
  }
  if (out.is_terminal && errors.is_terminal) show_summary(answer->end, errors);
  return 0;
}

}  // namespace

int run_query(int argc, char** argv) {
  Asked asked;
  std::string url;
  std::string format;
  bool raw = false;
  uint64_t limit = kLimitUnset;
  uint64_t timeout_s = 0;
  Flags flags("query", "asks a question in PPL; the newest events come first",
              "clew query 'level=error' --since 1h\n"
              "clew query 'source=logs timeout | stats count() by service.name'\n"
              "clew query 'status>=500 | fields @timestamp, message' --format csv > errors.csv\n"
              "clew query 'source=host | head 20' --raw                 the lines as they came\n"
              "clew query 'level=error' --limit 100 --page start        the newest 100, and how to get the next\n"
              "clew query 'explain analyze source=logs | stats count()'");
  flags.argument(asked.query, "QUERY", "the question", true);
  add_range_flags(flags, asked.range);
  flags.number_or_unset(limit, "--limit", "N", "rows when the query names none (default 10000; 0: all)");
  flags.number_or_unset(timeout_s, "--timeout", "SECONDS", "give up after this (default: the server's, 30)");
  flags.choice(format, "--format", row_format_names(), "default: table on a terminal, else ndjson");
  flags.yes(raw, "--raw", "the same as --format raw: events as the lines they came as");
  flags.yes(asked.oldest, "--oldest-first", "oldest events first");
  flags.yes(asked.ids, "--ids", "each event with its _id: for clew context, clew tree, and links");
  flags.text(asked.page, "--page", "CURSOR",
             "page by page: start, then the cursor that standard error tells; what comes in meanwhile stays out");
  add_url_flag(flags, url);
  if (std::optional<int> exit = flags.parse(argc, argv)) return *exit;
  asked.limit = limit;
  asked.timeout_ms = timeout_s * 1000;
  return run(url, std::move(asked), raw ? "raw" : format);
}

}  // namespace clew::app
