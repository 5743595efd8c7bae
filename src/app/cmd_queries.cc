// clew queries: what runs and what ran, with its cost; and cancelling.
#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>

#include "app/client.h"
#include "app/command.h"
#include "app/rows.h"
#include "app/terminal.h"

namespace clew::app {
namespace {

struct Queries {
  std::string url;
  std::string format;
  uint64_t cancel = 0;
  bool running = false;
};

int cancel(Client& client, uint64_t id) {
  net::HttpCall call;
  call.method = "DELETE";
  call.url = fmt::format("/clew/v1/queries/{}", id);
  Result<net::HttpReply> reply = client.call(std::move(call));
  if (!reply.ok()) return fail("queries", reply.error());
  if (reply->status >= 400) {
    return fail("queries", error_of_body(Json::parse(reply->body, nullptr, false), reply->status));
  }
  std::fprintf(stderr, "query %llu is cancelled\n", static_cast<unsigned long long>(id));
  return 0;
}

int run(const Queries& asked) {
  Client client(asked.url);
  if (asked.cancel != 0) return cancel(client, asked.cancel);
  Result<Json> answer = client.get("/clew/v1/queries");
  if (!answer.ok()) return fail("queries", answer.error());
  bool table = asked.format == "table" || (asked.format.empty() && terminal_of(STDOUT_FILENO).is_terminal);
  Json list = Json::array();
  for (Json query : member_at(*answer, "queries")) {
    if (asked.running && member_at(query, "running") != true) continue;
    if (table) {
      const Json& ms = member_at(query, "ms");
      query["took"] = human_millis(ms.is_number() ? ms.get<double>() : 0);
      query["read"] = human_bytes(number_at(query, "bytes_read"));
      query["memory"] = human_bytes(number_at(query, "memory_bytes_peak"));
    }
    list.push_back(std::move(query));
  }
  print_list(list,
             {{"id", true},
              {"started"},
              {"state"},
              {"took", true},
              {"rows_scanned", true},
              {"read", true},
              {"memory", true},
              {"query"}},
             asked.format);
  return 0;
}

}  // namespace

int run_queries(int argc, char** argv) {
  Queries asked;
  Flags flags("queries", "lists running and past queries with their cost",
              "clew queries\n"
              "clew queries --running\n"
              "clew queries --cancel 17");
  flags.yes(asked.running, "--running", "only those that run now");
  flags.number_or_unset(asked.cancel, "--cancel", "ID", "end this query");
  flags.choice(asked.format, "--format", {"table", "ndjson", "json", "csv"},
               "default: table on a terminal, else ndjson");
  add_url_flag(flags, asked.url);
  if (std::optional<int> exit = flags.parse(argc, argv)) return *exit;
  return run(asked);
}

}  // namespace clew::app
