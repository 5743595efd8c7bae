// The subcommands of clew. Adding one: a cmd_NAME.cc with its run function, a declaration here, a line in command.cc.
#pragma once

#include <span>
#include <string_view>

namespace clew::app {

struct Command {
  std::string_view name;
  std::string_view summary;
  // argv[0] is the command's name. Gives the exit code: 0 done, 1 failed, 2 wrong command line.
  int (*run)(int argc, char** argv);
};

// In the order of `clew --help`.
std::span<const Command> commands();

int run_serve(int argc, char** argv);
int run_agent(int argc, char** argv);
int run_query(int argc, char** argv);
int run_tail(int argc, char** argv);
int run_subscribe(int argc, char** argv);
int run_tree(int argc, char** argv);
int run_trace(int argc, char** argv);
int run_traces(int argc, char** argv);
int run_services(int argc, char** argv);
int run_fields(int argc, char** argv);
int run_top(int argc, char** argv);
int run_errors(int argc, char** argv);
int run_patterns(int argc, char** argv);
int run_context(int argc, char** argv);
int run_export(int argc, char** argv);
int run_usage(int argc, char** argv);
int run_ledger(int argc, char** argv);
int run_queries(int argc, char** argv);
int run_import(int argc, char** argv);
int run_lint(int argc, char** argv);
int run_delete(int argc, char** argv);
int run_retention(int argc, char** argv);
int run_sync(int argc, char** argv);
int run_snapshot(int argc, char** argv);
int run_restore(int argc, char** argv);
int run_inspect(int argc, char** argv);
int run_verify(int argc, char** argv);
int run_upgrade(int argc, char** argv);
int run_pipeline(int argc, char** argv);
int run_alert(int argc, char** argv);
int run_check(int argc, char** argv);
int run_bench(int argc, char** argv);
int run_completion(int argc, char** argv);
int run_version(int argc, char** argv);

constexpr std::string_view kVersion = "0.1.0";

}  // namespace clew::app
