// clew subscribe NAME [QUERY]: the events of a named place in the feed, each at least once.
#include <fmt/format.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include "app/backoff.h"
#include "app/command.h"
#include "app/query_error.h"
#include "app/rows.h"

namespace clew::app {
namespace {

constexpr uint64_t kWaitMillis = 30'000;
constexpr const char* kBase = "/clew/v1/subscriptions";

struct Options {
  std::string name;
  std::string query;
  std::string start = "newest";
  std::string exec;
  std::string url;
  uint64_t batch = 1000;
  bool drain = false;
  bool list = false;
  bool remove = false;
};

std::string path_of(const Options& options) { return fmt::format("{}/{}", kBase, percent_encoded(options.name)); }

void say(const std::string& text) { std::fprintf(stderr, "clew subscribe: %s\n", text.c_str()); }

// A call with a body; the answer whatever the status.
Result<net::HttpReply> send(Client& client, const char* method, const std::string& path, const Json& body) {
  std::string text = body.dump(-1, ' ', false, Json::error_handler_t::replace);
  net::HttpCall call{.method = method,
                     .url = path,
                     .headers = {{"Content-Type", "application/json"}},
                     .body = text,
                     .on_body = nullptr};
  return client.call(std::move(call));
}

int list(Client& client) {
  Result<Json> answer = client.get(kBase);
  if (!answer.ok()) return fail("subscribe", answer.error());
  std::vector<RowColumn> columns = {
      {"name", false}, {"query", false}, {"acked", true}, {"behind", true}, {"acked_at", false}};
  print_list(member_at(*answer, "subscriptions"), columns, "");
  return 0;
}

int remove(Client& client, const Options& options) {
  Result<net::HttpReply> reply = send(client, "DELETE", path_of(options), Json::object());
  if (!reply.ok()) return fail("subscribe", reply.error());
  if (reply->status >= 400) {
    return fail("subscribe", error_of_body(Json::parse(reply->body, nullptr, false), reply->status));
  }
  return 0;
}

std::string rows_of(const Json& batch) {
  std::string rows;
  for (const Json& event : member_at(batch, "events")) {
    rows += member_at(event, "row").dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
  }
  return rows;
}

// Runs the command in a shell with the rows on its standard input. Gives its exit code; 127 where it cannot be run.
int run_command(const std::string& command, const std::string& rows) {
  FILE* pipe = popen(command.c_str(), "w");
  if (pipe == nullptr) return 127;
  // How much of it the command has read is the command's affair.
  (void)std::fwrite(rows.data(), 1, rows.size(), pipe);
  int status = pclose(pipe);
  return status == -1 || !WIFEXITED(status) ? 127 : WEXITSTATUS(status);
}

enum class Done : uint8_t { kYes, kRetry, kStop };

Done process(const Options& options, const std::string& rows) {
  if (options.exec.empty()) {
    bool printed = print_to_stdout(rows) && std::fflush(stdout) == 0;
    return printed ? Done::kYes : Done::kStop;
  }
  int code = run_command(options.exec, rows);
  if (code == 0) return Done::kYes;
  say(fmt::format("the command ended with {}: the same events again", code));
  return Done::kRetry;
}

class Subscriber {
 public:
  Subscriber(Client& client, const Options& options) : client_(client), options_(options) {}

  int run() {
    uint32_t failures = 0;
    while (true) {
      Result<Json> batch = fetch();
      if (!batch.ok() && !lasting(batch.error())) return fail("subscribe", batch.error());
      if (!batch.ok()) {
        if (++failures == 1) say(batch.error().message() + ": trying again");
        wait_seconds(backoff_seconds(failures, 0));
        continue;
      }
      bool empty = member_at(*batch, "events").empty();
      Done done = empty ? Done::kYes : process(options_, rows_of(*batch));
      if (done == Done::kStop) return 0;
      if (done == Done::kRetry) {
        wait_seconds(backoff_seconds(++failures, 0));
        continue;
      }
      failures = 0;
      uint64_t up_to = number_at(*batch, "up_to");
      if (up_to > acked_) acknowledge(up_to);
      if (options_.drain && empty && number_at(*batch, "behind") == 0) return 0;
    }
  }

 private:
  // What a later try may get past.
  bool lasting(const Error& error) const {
    Code code = error.code();
    bool transport =
        code == Code::kUnavailable || code == Code::kIo || code == Code::kOverloaded || code == Code::kDeadline;
    return ever_ && transport;
  }

  Result<Json> fetch() {
    Json body = {{"limit", options_.batch}, {"wait_ms", options_.drain ? 0 : kWaitMillis}};
    Result<Json> batch = client_.post(path_of(options_) + "/events", body);
    ever_ = ever_ || batch.ok();
    return batch;
  }

  // One that is lost on the way costs a repetition, nothing else.
  void acknowledge(uint64_t up_to) {
    Result<Json> acked = client_.post(path_of(options_) + "/ack", {{"up_to", up_to}});
    if (acked.ok())
      acked_ = up_to;
    else
      say(acked.error().message());
  }

  Client& client_;
  const Options& options_;
  bool ever_ = false;
  uint64_t acked_ = 0;
};

// Makes the subscription, or goes on with the one that is there.
std::optional<int> make(Client& client, const Options& options, bool has_query) {
  Result<net::HttpReply> there = send(client, "GET", path_of(options), Json());
  if (!there.ok()) return fail("subscribe", there.error());
  if (there->status == 200 && !has_query) return std::nullopt;
  Result<net::HttpReply> reply =
      send(client, "PUT", path_of(options), {{"query", options.query}, {"start", options.start}});
  if (!reply.ok()) return fail("subscribe", reply.error());
  Json body = Json::parse(reply->body, nullptr, false);
  if (reply->status >= 400) {
    if (member_at(body, "error").contains("line")) return show_query_error("subscribe", options.query, body["error"]);
    return fail("subscribe", error_of_body(body, reply->status));
  }
  for (const Json& warning : member_at(body, "warnings")) say("warning: " + cell_text(warning));
  return std::nullopt;
}

}  // namespace

int run_subscribe(int argc, char** argv) {
  Options options;
  Flags flags("subscribe", "gives each event at least once, from a named place that the server keeps",
              "clew subscribe pager 'level>=error' --exec 'curl -sf --data-binary @- https://hooks.example/clew'\n"
              "clew subscribe archive --start oldest >> events.ndjson\n"
              "clew subscribe archive --drain                          what is there, then ends\n"
              "clew subscribe --list\n"
              "clew subscribe pager --delete");
  flags.argument(options.name, "NAME", "of the place; each name is one, whoever reads it", false);
  flags.argument(options.query, "QUERY", "a search, and commands that look at each event by itself", false);
  flags.choice(options.start, "--start", {"newest", "oldest"}, "where a new one begins");
  flags.text(options.exec, "--exec", "CMD",
             "gets the rows as NDJSON on its input; they are acknowledged when it ends with 0, else they come again");
  flags.number(options.batch, "--batch", "N", "events at a time, at most 10000");
  flags.yes(options.drain, "--drain", "end when nothing is left");
  flags.yes(options.list, "--list", "list all, and how far behind they are");
  flags.yes(options.remove, "--delete", "delete it");
  add_url_flag(flags, options.url);
  if (std::optional<int> exit = flags.parse(argc, argv)) return *exit;
  signal(SIGPIPE, SIG_IGN);  // a command may end before it has read everything
  Client client(options.url);
  if (options.list) return list(client);
  if (options.name.empty()) {
    std::fputs("clew subscribe: which NAME?\n`clew subscribe --help` shows flags and examples.\n", stderr);
    return 2;
  }
  if (options.remove) return remove(client, options);
  if (std::optional<int> exit = make(client, options, !options.query.empty())) return *exit;
  return Subscriber(client, options).run();
}

}  // namespace clew::app
