#include "app/command.h"

namespace clew::app {

std::span<const Command> commands() {
  static constexpr Command kCommands[] = {
      {"serve", "takes events, keeps them, answers queries", run_serve},
      {"agent", "follows this machine's logs and sends them to a server", run_agent},
      {"query", "asks a question in PPL", run_query},
      {"tail", "shows events as they come", run_tail},
      {"subscribe", "gives each event at least once, from a named place", run_subscribe},
      {"tree", "shows a request as a tree of goals, from any of its lines or ids", run_tree},
      {"trace", "shows a request over time, with its critical path", run_trace},
      {"traces", "lists requests: the newest, the slowest, the failed", run_traces},
      {"services", "lists services, their operations and calls", run_services},
      {"fields", "lists the fields of events", run_fields},
      {"top", "shows the most frequent values of a field", run_top},
      {"errors", "lists errors in groups", run_errors},
      {"patterns", "lists what messages have in common", run_patterns},
      {"context", "shows the events before and after one", run_context},
      {"export", "writes every row of an answer to a file", run_export},
      {"usage", "shows what takes how many bytes", run_usage},
      {"ledger", "shows what agents have read and where it is: 0 missing, or where", run_ledger},
      {"queries", "lists running and past queries, cancels one", run_queries},
      {"import", "sends log files to the server", run_import},
      {"lint", "says what log files lack", run_lint},
      {"delete", "deletes the events that match a search", run_delete},
      {"retention", "shows or applies how long events are kept", run_retention},
      {"sync", "fills a server from its mirror", run_sync},
      {"snapshot", "copies the store of a running server", run_snapshot},
      {"restore", "makes a data directory from a snapshot", run_restore},
      {"inspect", "prints what is inside a file of the store", run_inspect},
      {"verify", "checks every checksum of a store", run_verify},
      {"upgrade", "lets a store be written in this version's format", run_upgrade},
      {"pipeline", "tests pipelines, and shows what a line becomes step by step", run_pipeline},
      {"alert", "tests and checks recording and alerting rules", run_alert},
      {"check", "explains the mistakes of a configuration file", run_check},
      {"bench", "measures ingest and queries on a store of its own or on a server", run_bench},
      {"completion", "prints completion for bash, zsh or fish", run_completion},
      {"version", "prints the version", run_version},
  };
  return kCommands;
}

}  // namespace clew::app
