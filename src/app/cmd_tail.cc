// clew tail [QUERY]: events as they come.
#include <unistd.h>

#include <algorithm>

#include "app/command.h"
#include "app/live_reader.h"
#include "app/query_error.h"
#include "app/rows.h"
#include "app/terminal.h"

namespace clew::app {
namespace {

constexpr uint64_t kLastDefault = 10;

struct Options {
  TailRequest request;
  std::string url;
  std::string format;
};

int tail(Options options) {
  Terminal out = terminal_of(STDOUT_FILENO);
  if (options.format.empty()) options.format = out.is_terminal ? "lines" : "ndjson";
  options.request.raw = options.format == "raw";
  std::unique_ptr<RowPrinter> rows = make_row_printer(row_format(options.format), out, print_to_stdout);
  if (options.request.raw) rows->begin({{.name = "_raw"}});
  Client client(options.url);
  LiveReader reader(client, options.request, [&rows](std::string_view row) { return rows->row(row); });
  Status read = reader.run();
  if (read.ok()) return 0;
  if (reader.refused().is_object()) return show_query_error("tail", options.request.query, reader.refused());
  return fail("tail", read.error());
}

}  // namespace

int run_tail(int argc, char** argv) {
  Options options;
  uint64_t last = UINT64_MAX;
  Flags flags("tail", "shows events as they come, until it is interrupted",
              "clew tail 'level>=warn'\n"
              "clew tail 'service.name=pay' --since 15m                begins with what is stored\n"
              "clew tail 'status>=500 | fields @timestamp, url.path' --format ndjson | jq .\n"
              "clew tail -n 0 --raw                                    the lines as they come");
  bool raw = false;
  flags.argument(options.request.query, "QUERY", "a search, and commands that look at each event by itself", false);
  flags.text(options.request.since, "--since", "DURATION", "begin with what is stored of the last 15m, 2h ...");
  flags.number_or_unset(last, "-n,--last", "N",
                        "begin with so many of the newest events (default 10; 1000 with --since)");
  flags.choice(options.format, "--format", {"lines", "ndjson", "raw"}, "default: lines on a terminal, else ndjson");
  flags.yes(raw, "--raw", "the same as --format raw: events as the lines they came as");
  add_url_flag(flags, options.url);
  if (std::optional<int> exit = flags.parse(argc, argv)) return *exit;
  if (raw) options.format = "raw";
  options.request.last = last != UINT64_MAX ? last : options.request.since.empty() ? kLastDefault : 0;
  return tail(std::move(options));
}

}  // namespace clew::app
