// The table of commands.
#include <array>

#include "query/ppl/command.h"
#include "query/ppl/eval.h"
#include "query/ppl/fields.h"
#include "query/ppl/head.h"
#include "query/ppl/sort.h"
#include "query/ppl/stats.h"
#include "query/ppl/where.h"

namespace clew::query::ppl {

namespace {

constexpr std::array kCommands = {
    CommandDef{"eval", parse_eval, "adds columns computed by expressions"},
    CommandDef{"fields", parse_fields, "keeps or drops columns"},
    CommandDef{"head", parse_head, "keeps the first rows"},
    CommandDef{"sort", parse_sort, "orders rows"},
    CommandDef{"stats", parse_stats, "aggregates rows by groups"},
    CommandDef{"table", parse_fields, "keeps columns, as fields"},
    CommandDef{"where", parse_where, "keeps rows that meet a condition"},
};

}  // namespace

std::span<const CommandDef> all_commands() { return kCommands; }

const CommandDef* find_command(std::string_view name) {
  for (const CommandDef& def : kCommands) {
    if (expr::equals_ignore_case(def.name, name)) return &def;
  }
  return nullptr;
}

}  // namespace clew::query::ppl
