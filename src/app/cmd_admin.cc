// clew delete, retention and snapshot: what an operator asks a running server to do.
#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>

#include "app/client.h"
#include "app/command.h"
#include "app/rows.h"
#include "app/terminal.h"

namespace clew::app {
namespace {

const std::vector<std::string> kFormats = {"table", "ndjson", "json", "csv"};

// An answer of one object: as JSON where a program reads it, else as a sentence.
void print_answer(const Json& answer, const std::string& sentence) {
  if (terminal_of(STDOUT_FILENO).is_terminal) {
    std::printf("%s\n", sentence.c_str());
  } else {
    std::printf("%s\n", answer.dump(-1, ' ', false, Json::error_handler_t::replace).c_str());
  }
}

// --- delete ----------------------------------------------------------------------------------------------------------

bool said_yes(const std::string& question) {
  std::fprintf(stderr, "%s [y/N] ", question.c_str());
  char answer[16] = {};
  return std::fgets(answer, sizeof answer, stdin) != nullptr && (answer[0] == 'y' || answer[0] == 'Y');
}

struct Delete {
  std::string url;
  std::string query;
  std::string dataset;
  RangeFlags range;
  bool wait = false;
  bool dry_run = false;
  bool yes = false;
};

int run(const Delete& asked) {
  Client client(asked.url);
  Json body = {{"dataset", asked.dataset}, {"dry_run", true}};
  if (!asked.query.empty()) body["query"] = asked.query;
  put_range(asked.range, body);
  Result<Json> counted = client.post("/clew/v1/delete", body);
  if (!counted.ok()) return fail("delete", counted.error());
  if (!member_at(*counted, "would_delete").is_number()) {
    return fail("delete", Error(Code::kUnsupported, "this server cannot say first what a delete takes"));
  }
  uint64_t rows = number_at(*counted, "would_delete");
  if (asked.dry_run || rows == 0) {
    print_answer(*counted, fmt::format("{} events of {} match", grouped(rows), asked.dataset));
    return 0;
  }
  if (!asked.yes) {
    if (isatty(STDIN_FILENO) == 0) {
      return fail("delete", Error(Code::kInvalid, fmt::format("{} events of {} match: pass --yes to delete them",
                                                              grouped(rows), asked.dataset)));
    }
    if (!said_yes(fmt::format("Delete {} events of {} for ever?", grouped(rows), asked.dataset))) return 1;
  }
  body["dry_run"] = false;
  body["wait"] = asked.wait;
  Result<Json> done = client.post("/clew/v1/delete", body);
  if (!done.ok()) return fail("delete", done.error());
  print_answer(*done, fmt::format("{} events deleted{}", grouped(number_at(*done, "deleted")),
                                  asked.wait ? "" : "; their bytes go within 24 hours (--wait: at once)"));
  return 0;
}

// --- retention -------------------------------------------------------------------------------------------------------

struct Retention {
  std::string url;
  std::string format;
  bool dry_run = false;
  bool apply = false;
};

// A line for a dataset's rule and one for each rule below it.
void add_rules(const Json& dataset, Json& list) {
  Json own = dataset;
  own.erase("classes");
  list.push_back(own);
  for (const Json& one : member_at(dataset, "classes")) {
    Json entry = {{"name", member_at(dataset, "name")}, {"class", member_at(one, "name")}};
    entry["when"] = member_at(one, "field").get<std::string>() + "=" + member_at(one, "value").get<std::string>();
    for (const char* name : {"hot_days", "total_days", "max_bytes"}) entry[name] = member_at(one, name);
    entry["held"] = member_at(dataset, "held");
    list.push_back(std::move(entry));
  }
}

int run(const Retention& asked) {
  Client client(asked.url);
  if (!asked.dry_run && !asked.apply) {
    Result<Json> rules = client.get("/clew/v1/retention");
    if (!rules.ok()) return fail("retention", rules.error());
    Json list = Json::array();
    Json otherwise = {{"name", "(default)"}};
    otherwise.update(member_at(*rules, "default"));
    list.push_back(otherwise);
    for (const Json& one : member_at(*rules, "datasets")) add_rules(one, list);
    print_list(list,
               {{"name"}, {"class"}, {"when"}, {"hot_days", true}, {"total_days", true}, {"max_bytes", true}, {"held"}},
               asked.format);
    return 0;
  }
  Result<Json> items = client.post("/clew/v1/retention/apply", {{"dry_run", asked.dry_run}});
  if (!items.ok()) return fail("retention", items.error());
  const Json& list = member_at(*items, asked.dry_run ? "would_delete" : "deleted");
  print_list(list, {{"dataset"}, {"class"}, {"day"}, {"rows", true}, {"bytes", true}, {"why"}}, asked.format);
  if (terminal_of(STDERR_FILENO).is_terminal && list.is_array()) {
    std::fprintf(stderr, "%zu segment%s %s\n", list.size(), list.size() == 1 ? "" : "s",
                 asked.dry_run ? "would go" : "deleted");
  }
  return 0;
}

}  // namespace

int run_delete(int argc, char** argv) {
  Delete asked;
  Flags flags("delete", "deletes the events of a dataset that match a search; shows how many first",
              "clew delete 'user_id=7' --dataset logs\n"
              "clew delete 'level=debug' --dataset logs --to now-7d --yes --wait\n"
              "clew delete 'service.name=\"load-test\"' --dataset logs --dry-run");
  flags.argument(asked.query, "SEARCH", "a search expression", true);
  flags.text(asked.dataset, "--dataset", "NAME", "where to delete (required)");
  add_range_flags(flags, asked.range);
  flags.yes(asked.dry_run, "--dry-run", "only say how many");
  flags.yes(asked.yes, "--yes", "do not ask");
  flags.yes(asked.wait, "--wait", "return when the bytes are gone too");
  add_url_flag(flags, asked.url);
  if (std::optional<int> exit = flags.parse(argc, argv)) return *exit;
  if (asked.dataset.empty()) {
    fail("delete", Error(Code::kInvalid, "say where: --dataset NAME"));
    return 2;
  }
  return run(asked);
}

int run_retention(int argc, char** argv) {
  Retention asked;
  Flags flags("retention", "shows how long each dataset is kept, and what is due to go",
              "clew retention                  the rules\n"
              "clew retention --dry-run        what the rules would delete now\n"
              "clew retention --apply          delete it now; the server does so by itself in the background");
  flags.yes(asked.dry_run, "--dry-run", "list what would go, delete nothing");
  flags.yes(asked.apply, "--apply", "delete what is due");
  flags.choice(asked.format, "--format", kFormats, "default: table on a terminal, else ndjson");
  add_url_flag(flags, asked.url);
  if (std::optional<int> exit = flags.parse(argc, argv)) return *exit;
  return run(asked);
}

int run_snapshot(int argc, char** argv) {
  std::string url;
  std::string dir;
  Flags flags("snapshot", "copies the store of a running server into a directory of the server's machine",
              "clew snapshot /backup/clew-2026-11-20\n"
              "clew restore /backup/clew-2026-11-20 --data /var/lib/clew     brings it back");
  flags.argument(dir, "DIR", "must not exist, or be empty", true);
  add_url_flag(flags, url);
  if (std::optional<int> exit = flags.parse(argc, argv)) return *exit;
  Client client(url);
  std::error_code ignored;
  std::string absolute = std::filesystem::absolute(dir, ignored).lexically_normal().string();
  Result<Json> done = client.post("/clew/v1/snapshot", {{"dir", absolute}});
  if (!done.ok()) return fail("snapshot", done.error());
  print_answer(*done, "snapshot in " + absolute);
  return 0;
}

}  // namespace clew::app
