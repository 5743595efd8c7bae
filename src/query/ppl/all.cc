// The table of commands.
#include <array>

#include "query/ppl/append.h"
#include "query/ppl/bin.h"
#include "query/ppl/chart.h"
#include "query/ppl/command.h"
#include "query/ppl/dedup.h"
#include "query/ppl/eval.h"
#include "query/ppl/eventstats.h"
#include "query/ppl/fields.h"
#include "query/ppl/fillnull.h"
#include "query/ppl/head.h"
#include "query/ppl/parse.h"
#include "query/ppl/regex.h"
#include "query/ppl/rename.h"
#include "query/ppl/replace.h"
#include "query/ppl/reverse.h"
#include "query/ppl/rex.h"
#include "query/ppl/sort.h"
#include "query/ppl/stats.h"
#include "query/ppl/streamstats.h"
#include "query/ppl/timechart.h"
#include "query/ppl/top.h"
#include "query/ppl/where.h"

namespace clew::query::ppl {

namespace {

constexpr std::array kCommands = {
    CommandDef{"append", parse_append, "the rows of another search below"},
    CommandDef{"bin", parse_bin, "cuts values into ranges"},
    CommandDef{"bucket", parse_bin, "cuts values into ranges, as bin"},
    CommandDef{"chart", parse_chart, "one aggregate over two keys"},
    CommandDef{"dedup", parse_dedup, "keeps the first rows of every combination"},
    CommandDef{"eval", parse_eval, "adds columns computed by expressions"},
    CommandDef{"eventstats", parse_eventstats, "adds aggregates of its group to every row"},
    CommandDef{"fields", parse_fields, "keeps or drops columns"},
    CommandDef{"fillnull", parse_fillnull, "other values for null"},
    CommandDef{"head", parse_head, "keeps the first rows"},
    CommandDef{"parse", parse_parse, "columns from a regular expression's groups"},
    CommandDef{"rare", parse_rare, "the least frequent values"},
    CommandDef{"regex", parse_regex, "keeps rows whose field matches a regular expression"},
    CommandDef{"rename", parse_rename, "other names for columns"},
    CommandDef{"replace", parse_replace, "rewrites values"},
    CommandDef{"reverse", parse_reverse, "the rows in reverse order"},
    CommandDef{"rex", parse_rex, "columns from a regular expression's groups, or sed"},
    CommandDef{"sort", parse_sort, "orders rows"},
    CommandDef{"stats", parse_stats, "aggregates rows by groups"},
    CommandDef{"streamstats", parse_streamstats, "running aggregates"},
    CommandDef{"table", parse_fields, "keeps columns, as fields"},
    CommandDef{"timechart", parse_timechart, "one aggregate over spans of time"},
    CommandDef{"top", parse_top, "the most frequent values"},
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
