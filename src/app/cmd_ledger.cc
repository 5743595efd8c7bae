// clew ledger: what every agent has read, and where it is; 0 missing, or where.
#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>

#include "app/client.h"
#include "app/command.h"
#include "app/rows.h"
#include "app/terminal.h"

namespace clew::app {
namespace {

const std::vector<std::string> kFormats = {"table", "ndjson", "json", "csv"};

std::string name_of(const Json& agent) {
  std::string host = text_at(agent, "host");
  if (host.empty()) return text_at(agent, "producer");
  return host + ":" + text_at(agent, "directory");
}

// "3 by rule, 4 by other"; 0 when there are none.
std::string counts_text(const Json& counts) {
  std::string out;
  for (const auto& one : counts.items()) {
    out += fmt::format("{}{} by {}", out.empty() ? "" : ", ", grouped(one.value().get<uint64_t>()), one.key());
  }
  return out.empty() ? "0" : out;
}

// "0.02% no_time, 1.5% cut", and what the system dropped before anybody read it.
std::string flags_text(const Json& source) {
  std::string out;
  const Json& percent = member_at(source, "flagged_percent");
  const Json& events = member_at(source, "flagged");
  for (const auto& flag : percent.items()) {
    double share = flag.value().get<double>();
    std::string much = share == 0 ? grouped(number_at(events, flag.key().c_str())) : fmt::format("{}%", share);
    out += fmt::format("{}{} {}", out.empty() ? "" : ", ", much, flag.key());
  }
  uint64_t lost = number_at(source, "udp_dropped");
  if (lost > 0) out += fmt::format("{}{} datagrams lost", out.empty() ? "" : ", ", grouped(lost));
  return out;
}

std::string lag_text(const Json& lag) {
  if (!lag.is_object()) return {};
  return fmt::format("{} ms, p99 {} ms", number_at(lag, "p50"), number_at(lag, "p99"));
}

std::string seconds_text(const Json& seconds) {
  return seconds.is_number() ? fmt::format("{:.1f} s", seconds.get<double>()) : "";
}

// A row for an agent as a whole, then one for each of its sources.
void add_rows(const Json& agent, Json& rows) {
  std::string name = name_of(agent);
  Json all = {{"agent", name}, {"source", "(all)"}};
  for (const char* count : {"read", "dropped"}) all[count] = grouped(number_at(agent, count));
  all["queued"] = grouped(number_at(agent, "appended"));
  for (const char* count : {"waiting", "acknowledged", "refused", "stored", "duplicate", "missing"}) {
    all[count] = grouped(number_at(agent, count));
  }
  all["lag"] = seconds_text(member_at(agent, "lag_seconds"));
  all["flagged"] = flags_text(agent);
  all["seen"] = seconds_text(member_at(agent, "silent_seconds")) + " ago";
  rows.push_back(std::move(all));
  for (const Json& source : member_at(agent, "sources")) {
    Json row = {{"agent", name},
                {"source", text_at(source, "source")},
                {"dropped", counts_text(member_at(source, "dropped"))},
                {"lag", lag_text(member_at(source, "lag_ms"))},
                {"flagged", flags_text(source)}};
    // An agent of before tells its sources' first counts alone.
    for (const char* count :
         {"read", "queued", "sent", "waiting", "acknowledged", "refused", "stored", "duplicate", "missing"}) {
      if (source.contains(count)) row[count] = grouped(number_at(source, count));
    }
    rows.push_back(std::move(row));
  }
}

// What came to this server without an agent.
void add_server_row(const Json& source, Json& rows) {
  rows.push_back({{"agent", "(this server)"},
                  {"source", text_at(source, "source")},
                  {"read", grouped(number_at(source, "received"))},
                  {"dropped", counts_text(member_at(source, "dropped"))},
                  {"refused", counts_text(member_at(source, "rejected"))},
                  {"stored", grouped(number_at(source, "stored"))},
                  {"duplicate", grouped(number_at(source, "duplicate"))},
                  {"flagged", flags_text(source)},
                  {"seen", text_at(source, "seen").substr(0, 19)}});
}

// Where the missing events of an agent went, a line each.
void tell_missing(const Json& agent) {
  uint64_t queue = number_at(agent, "missing_in_queue");
  uint64_t here = number_at(agent, "missing_here");
  std::string name = name_of(agent);
  if (queue > 0) {
    std::printf("%s: %s events were lost in its queue: files of %s/queue are damaged or gone\n", name.c_str(),
                grouped(queue).c_str(), text_at(agent, "directory").c_str());
  }
  if (here > 0) {
    std::printf(
        "%s: %s events were acknowledged and are not counted by this server: its power failed, or the data "
        "directory is an older copy\n",
        name.c_str(), grouped(here).c_str());
  }
}

int run(const std::string& url, const std::string& format) {
  Client client(url);
  Result<Json> answer = client.get("/clew/v1/ledger");
  if (!answer.ok()) return fail("ledger", answer.error());
  const Json& agents = member_at(*answer, "agents");
  uint64_t missing = number_at(*answer, "missing");
  int exit = missing == 0 ? 0 : 1;
  bool table = format == "table" || (format.empty() && terminal_of(STDOUT_FILENO).is_terminal);
  if (format == "json") {
    std::printf("%s\n", answer->dump(2).c_str());
    return exit;
  }
  if (!table) {
    std::vector<RowColumn> columns = {{"producer"}, {"host"}, {"directory"}};
    for (const char* name :
         {"read", "dropped", "appended", "waiting", "acknowledged", "refused", "elsewhere", "stored", "dropped_here",
          "duplicate", "rejected", "missing_in_queue", "missing_here", "missing", "lag_seconds", "silent_seconds"}) {
      columns.push_back({name, true});
    }
    print_list(agents, columns, format);
    return exit;
  }
  Json rows = Json::array();
  for (const Json& agent : agents) add_rows(agent, rows);
  for (const Json& source : member_at(*answer, "sources")) {
    if (text_at(source, "source") != "agent") add_server_row(source, rows);
  }
  std::vector<RowColumn> columns = {{"agent"}, {"source"}};
  for (const char* name : {"read", "dropped", "queued", "sent", "waiting", "acknowledged", "refused", "stored",
                           "duplicate", "missing", "lag", "flagged", "seen"}) {
    columns.push_back({name, true});
  }
  print_list(rows, columns, "table");
  for (const Json& agent : agents) tell_missing(agent);
  std::printf("%s missing\n", grouped(missing).c_str());
  return exit;
}

}  // namespace

int run_ledger(int argc, char** argv) {
  std::string url;
  std::string format;
  bool json = false;
  Flags flags("ledger", "shows what every agent has read and where it is: 0 missing, or where",
              "clew ledger\n"
              "clew ledger --json | jq '.agents[].sources'\n"
              "clew ledger > /dev/null || echo events are missing     the exit code is 1 when any are");
  flags.choice(format, "--format", kFormats, "default: table on a terminal, else ndjson");
  flags.yes(json, "--json", "the whole answer of /clew/v1/ledger, with sources");
  add_url_flag(flags, url);
  if (std::optional<int> exit = flags.parse(argc, argv)) return *exit;
  return run(url, json ? "json" : format);
}

}  // namespace clew::app
