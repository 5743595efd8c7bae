// clew traces and clew services: which requests there are, who serves them, who calls whom.
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "app/client.h"
#include "app/command.h"
#include "app/rows.h"
#include "app/terminal.h"

namespace clew::app {
namespace {

bool write_out(std::string_view text) { return std::fwrite(text.data(), 1, text.size(), stdout) == text.size(); }

struct Query {
  std::string text = "?";
  void add(const char* name, const std::string& value) {
    if (value.empty()) return;
    if (text.size() > 1) text += '&';
    text += std::string(name) + "=" + percent_encoded(value);
  }
  void add_range(const RangeFlags& range) {
    Json body = Json::object();
    put_range(range, body);
    for (const auto& [name, value] : body.items()) {
      add(name.c_str(), value.is_string() ? value.get<std::string>() : value.dump());
    }
  }
};

// Prints an array of objects as rows of the named members.
int print_rows(const std::string& format, const Json& list, const std::vector<RowColumn>& columns) {
  Terminal out = terminal_of(STDOUT_FILENO);
  std::string chosen = !format.empty() ? format : out.is_terminal ? "table" : "ndjson";
  std::unique_ptr<RowPrinter> rows = make_row_printer(row_format(chosen), out, write_out);
  rows->begin(columns);
  for (const Json& row : list) {
    if (!rows->row(row.dump(-1, ' ', false, Json::error_handler_t::replace))) return 0;
  }
  rows->finish();
  std::fflush(stdout);
  return 0;
}

std::string services_text(const Json& summary) {
  std::string out;
  const Json& services = member_at(summary, "services");
  for (size_t i = 0; services.is_array() && i < services.size(); ++i) {
    out += (out.empty() ? "" : " ") + text_at(services[i], "name");
    uint64_t spans = number_at(services[i], "spans");
    if (spans > 1) out += "×" + grouped(spans);
  }
  return out;
}

// What a line of the list shows: milliseconds rounded, services as one text.
Json shown_trace(Json summary, bool table) {
  if (!table) return summary;
  Json row = {{"start", text_at(summary, "start")}, {"trace_id", text_at(summary, "trace_id")}};
  row["duration_ms"] = member_at(summary, "duration_ms");
  row["service"] = text_at(summary, "service");
  row["name"] = text_at(summary, "name");
  row["spans"] = number_at(summary, "spans");
  if (uint64_t failed = number_at(summary, "failed"); failed != 0) row["failed"] = failed;
  row["outcome"] = text_at(summary, "outcome");
  row["reason"] = text_at(summary, "reason");
  row["services"] = services_text(summary);
  return row;
}

struct Asked {
  std::string url;
  std::string format;
  RangeFlags range;
  std::string service;
  std::string operation;
  std::string min_duration;
  std::string max_duration;
  std::vector<std::string> tags;
  std::string outcome;
  uint64_t limit = 20;
  bool slowest = false;
  bool goals = false;
};

int show_traces(const Asked& asked) {
  Query query;
  query.add("service", asked.service);
  query.add("operation", asked.operation);
  query.add("min_duration", asked.min_duration);
  query.add("max_duration", asked.max_duration);
  for (const std::string& tag : asked.tags) query.add("tag", tag);
  query.add("outcome", asked.outcome);
  query.add("order", asked.slowest ? "slowest" : "");
  query.add("limit", std::to_string(asked.limit));
  query.add_range(asked.range);
  Client client(asked.url);
  Result<Json> found = client.get((asked.goals ? "/clew/v1/goals" : "/clew/v1/traces") + query.text);
  if (!found.ok()) return fail("traces", found.error());
  bool table = asked.format == "table" || (asked.format.empty() && terminal_of(STDOUT_FILENO).is_terminal);
  Json rows = Json::array();
  for (const Json& summary : member_at(*found, "traces")) rows.push_back(shown_trace(summary, table));
  int exit = print_rows(asked.format, rows,
                        {{"start", false},
                         {"trace_id", false},
                         {"duration_ms", true},
                         {"service", false},
                         {"name", false},
                         {"spans", true},
                         {"failed", true},
                         {"outcome", false},
                         {"reason", false},
                         {"services", false}});
  const Json& more = member_at(*found, "more");
  if (table && more.is_boolean() && more.get<bool>()) std::fprintf(stderr, "there are more: --limit N\n");
  return exit;
}

}  // namespace

int run_traces(int argc, char** argv) {
  Asked asked;
  Flags flags("traces", "lists requests: the newest, or the slowest",
              "clew traces --service checkout --since 1h\n"
              "clew traces --slowest --service checkout --operation 'POST /pay' --min-duration 500ms\n"
              "clew traces --outcome failed --tag http.response.status_code=502\n"
              "clew traces --goals --outcome open                    goals that never ended");
  flags.text(asked.service, "--service", "NAME", "with a span of this service");
  flags.text(asked.operation, "--operation", "NAME", "with a span or goal of this name");
  flags.text(asked.min_duration, "--min-duration", "DURATION", "a span that took at least 250ms, 1.5s ...");
  flags.text(asked.max_duration, "--max-duration", "DURATION", "a span that took at most this");
  flags.texts(asked.tags, "--tag", "FIELD=VALUE", "a span with this field; may be repeated");
  flags.choice(asked.outcome, "--outcome", {"ok", "failed", "open"}, "a span or goal that ended so");
  flags.yes(asked.slowest, "--slowest", "the slowest first, by the longest span that matches");
  flags.yes(asked.goals, "--goals", "goals only");
  flags.number(asked.limit, "--limit", "N", "how many, at most 1000");
  add_range_flags(flags, asked.range);
  flags.choice(asked.format, "--format", row_format_names(), "default: table on a terminal, else ndjson");
  add_url_flag(flags, asked.url);
  if (std::optional<int> exit = flags.parse(argc, argv)) return *exit;
  return show_traces(asked);
}

int run_services(int argc, char** argv) {
  Asked asked;
  bool calls = false;
  Flags flags("services", "lists services, the operations of one, or who calls whom",
              "clew services --since 1h\n"
              "clew services checkout                      its operations\n"
              "clew services --calls                       who calls whom, how often, with what success");
  flags.argument(asked.service, "SERVICE", "show its operations", false);
  flags.yes(calls, "--calls", "calls between services");
  add_range_flags(flags, asked.range);
  flags.choice(asked.format, "--format", row_format_names(), "default: table on a terminal, else ndjson");
  add_url_flag(flags, asked.url);
  if (std::optional<int> exit = flags.parse(argc, argv)) return *exit;
  Query query;
  query.add_range(asked.range);
  std::string path = calls ? "/clew/v1/dependencies" : "/clew/v1/services";
  if (!calls && !asked.service.empty()) path += "/" + percent_encoded(asked.service) + "/operations";
  Client client(asked.url);
  Result<Json> found = client.get(path + query.text);
  if (!found.ok()) return fail("services", found.error());
  const char* member = calls ? "dependencies" : asked.service.empty() ? "services" : "operations";
  Json list = Json::array();
  for (const Json& one : member_at(*found, member)) {
    bool wanted = !calls || asked.service.empty() || text_at(one, "parent") == asked.service ||
                  text_at(one, "child") == asked.service;
    if (wanted) list.push_back(one);
  }
  std::vector<RowColumn> columns;
  if (calls)
    columns = {{"parent", false}, {"child", false}, {"calls", true}};
  else
    columns = {{"name", false}, {"kind", false}, {"spans", true}};
  for (const char* name : {"failed", "p50_ms", "p95_ms", "p99_ms", "max_ms"}) columns.push_back({name, true});
  return print_rows(asked.format, list, columns);
}

}  // namespace clew::app
