// clew fields, errors and patterns: what events have, which errors and messages are of one kind.
#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>

#include "app/client.h"
#include "app/command.h"
#include "app/query_error.h"
#include "app/rows.h"
#include "app/terminal.h"

namespace clew::app {
namespace {

const std::vector<std::string> kFormats = {"table", "ndjson", "json", "csv"};

std::string percent(const Json& share) {
  return fmt::format("{:.1f}%", share.is_number() ? share.get<double>() * 100 : 0.0);
}

void note(const std::string& text) {
  Terminal errors = terminal_of(STDERR_FILENO);
  if (errors.is_terminal) std::fprintf(stderr, "%s\n", painted(text, Color::kDim, errors).c_str());
}

// --- fields ----------------------------------------------------------------------------------------------------------

struct Fields {
  std::string url;
  std::string query;
  std::string words;
  std::string format;
  RangeFlags range;
  uint64_t sample = 1'000;
};

int run(const Fields& asked) {
  Json body = {{"query", asked.query}, {"words", asked.words}, {"sample", asked.sample}, {"limit", 100'000}};
  put_range(asked.range, body);
  Client client(asked.url);
  std::optional<Json> answer = ask_or_explain(client, "fields", "/clew/v1/fields", body);
  if (!answer) return 1;
  bool table = asked.format == "table" || (asked.format.empty() && terminal_of(STDOUT_FILENO).is_terminal);
  Json list = member_at(*answer, "fields");
  if (table) {
    for (Json& field : list) {
      std::string types;
      for (const Json& type : member_at(field, "types")) types += (types.empty() ? "" : ", ") + cell_text(type);
      field["types"] = types;
      field["share"] = percent(member_at(field, "share"));
    }
  }
  print_list(list, {{"name"}, {"types"}, {"share", true}, {"last_seen"}}, asked.format);
  note(fmt::format("{} fields; shares of the newest {} events", grouped(number_at(*answer, "names")),
                   grouped(number_at(*answer, "sample"))));
  return 0;
}

// --- errors ----------------------------------------------------------------------------------------------------------

struct Errors {
  std::string url;
  std::string query;
  std::string format;
  RangeFlags range;
  uint64_t count = 20;
};

int run(const Errors& asked) {
  Json body = {{"query", asked.query}, {"top", asked.count}};
  put_range(asked.range, body);
  Client client(asked.url);
  std::optional<Json> answer = ask_or_explain(client, "errors", "/clew/v1/errors", body);
  if (!answer) return 1;
  print_list(member_at(*answer, "groups"),
             {{"events", true}, {"last_seen"}, {"first_seen"}, {"type"}, {"message"}, {"fingerprint"}}, asked.format);
  note(fmt::format("{} errors; those of a group: clew query '_error_group=FINGERPRINT'",
                   grouped(number_at(*answer, "events"))));
  return 0;
}

// --- patterns --------------------------------------------------------------------------------------------------------

struct Patterns {
  std::string url;
  std::string query;
  std::string field = "message";
  std::string format;
  RangeFlags range;
  uint64_t count = 20;
};

int run(const Patterns& asked) {
  Json body = {{"query", asked.query}, {"field", asked.field}, {"top", asked.count}};
  put_range(asked.range, body);
  Client client(asked.url);
  std::optional<Json> answer = ask_or_explain(client, "patterns", "/clew/v1/patterns", body);
  if (!answer) return 1;
  bool table = asked.format == "table" || (asked.format.empty() && terminal_of(STDOUT_FILENO).is_terminal);
  Json list = member_at(*answer, "patterns");
  if (table) {
    for (Json& one : list) one["share"] = percent(member_at(one, "share"));
  }
  print_list(list, {{"events", true}, {"share", true}, {"first_seen"}, {"last_seen"}, {"pattern"}}, asked.format);
  note(fmt::format("{} patterns in {} events; those of one: clew query \"_pattern='PATTERN'\"",
                   grouped(number_at(*answer, "shapes")), grouped(number_at(*answer, "events"))));
  return 0;
}

}  // namespace

int run_patterns(int argc, char** argv) {
  Patterns asked;
  Flags flags("patterns", "lists what messages have in common, variables taken out, most frequent first",
              "clew patterns --since 1h\n"
              "clew patterns 'service.name=checkout level>=warn' -n 5\n"
              "clew patterns --field url.path 'source=web'");
  flags.argument(asked.query, "QUERY", "of which events", false);
  flags.text(asked.field, "--field", "FIELD", "of which texts");
  flags.number(asked.count, "--count,-n", "N", "patterns to show");
  flags.choice(asked.format, "--format", kFormats, "default: table on a terminal, else ndjson");
  add_range_flags(flags, asked.range);
  add_url_flag(flags, asked.url);
  if (std::optional<int> exit = flags.parse(argc, argv)) return *exit;
  return run(asked);
}

int run_fields(int argc, char** argv) {
  Fields asked;
  Flags flags("fields", "lists the fields of events, with types and how often they are there",
              "clew fields\n"
              "clew fields 'source=web status>=500' --since 1h\n"
              "clew fields --words 'geo dest'              names in which both words stand");
  flags.argument(asked.query, "QUERY", "of which events", false);
  flags.text(asked.words, "--words", "TEXT", "only names in which these words stand");
  flags.number(asked.sample, "--sample", "N", "newest events to look at for the shares");
  flags.choice(asked.format, "--format", kFormats, "default: table on a terminal, else ndjson");
  add_range_flags(flags, asked.range);
  add_url_flag(flags, asked.url);
  if (std::optional<int> exit = flags.parse(argc, argv)) return *exit;
  return run(asked);
}

int run_errors(int argc, char** argv) {
  Errors asked;
  Flags flags("errors", "lists errors in groups of the same type, message and place, most frequent first",
              "clew errors --since 1d\n"
              "clew errors 'service.name=checkout' -n 5");
  flags.argument(asked.query, "QUERY", "of which events", false);
  flags.number(asked.count, "--count,-n", "N", "groups to show");
  flags.choice(asked.format, "--format", kFormats, "default: table on a terminal, else ndjson");
  add_range_flags(flags, asked.range);
  add_url_flag(flags, asked.url);
  if (std::optional<int> exit = flags.parse(argc, argv)) return *exit;
  return run(asked);
}

}  // namespace clew::app
