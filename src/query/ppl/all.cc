// The table of commands.
#include <array>

#include "query/ppl/addtotals.h"
#include "query/ppl/append.h"
#include "query/ppl/appendcol.h"
#include "query/ppl/appendpipe.h"
#include "query/ppl/bin.h"
#include "query/ppl/chart.h"
#include "query/ppl/command.h"
#include "query/ppl/convert.h"
#include "query/ppl/dedup.h"
#include "query/ppl/describe.h"
#include "query/ppl/eval.h"
#include "query/ppl/eventstats.h"
#include "query/ppl/expand.h"
#include "query/ppl/fields.h"
#include "query/ppl/fillnull.h"
#include "query/ppl/flatten.h"
#include "query/ppl/foreach.h"
#include "query/ppl/grok.h"
#include "query/ppl/head.h"
#include "query/ppl/join.h"
#include "query/ppl/lookup.h"
#include "query/ppl/makeresults.h"
#include "query/ppl/mvcombine.h"
#include "query/ppl/nomv.h"
#include "query/ppl/parse.h"
#include "query/ppl/patterns.h"
#include "query/ppl/regex.h"
#include "query/ppl/rename.h"
#include "query/ppl/replace.h"
#include "query/ppl/reverse.h"
#include "query/ppl/rex.h"
#include "query/ppl/sort.h"
#include "query/ppl/spath.h"
#include "query/ppl/stats.h"
#include "query/ppl/streamstats.h"
#include "query/ppl/timechart.h"
#include "query/ppl/timewrap.h"
#include "query/ppl/top.h"
#include "query/ppl/transpose.h"
#include "query/ppl/trendline.h"
#include "query/ppl/union.h"
#include "query/ppl/where.h"
#include "query/ppl/xyseries.h"

namespace clew::query::ppl {

namespace {

constexpr std::array kCommands = {
    CommandDef{"addcoltotals", parse_addcoltotals, "a last row of sums"},
    CommandDef{"addtotals", parse_addtotals, "sums of each row, or of columns"},
    CommandDef{"anti", parse_join_kind, "rows that have none"},
    CommandDef{"append", parse_append, "the rows of another search below"},
    CommandDef{"appendcol", parse_appendcol, "the columns of another search beside"},
    CommandDef{"appendcols", parse_appendcol, "as appendcol"},
    CommandDef{"appendpipe", parse_appendpipe, "what commands make of the present rows, below them"},
    CommandDef{"bin", parse_bin, "cuts values into ranges"},
    CommandDef{"bucket", parse_bin, "cuts values into ranges, as bin"},
    CommandDef{"chart", parse_chart, "one aggregate over two keys"},
    CommandDef{"convert", parse_convert, "texts to numbers, durations and times"},
    CommandDef{"cross", parse_join_kind, "every row with every row"},
    CommandDef{"dedup", parse_dedup, "keeps the first rows of every combination"},
    CommandDef{"describe", parse_describe, "the fields of a dataset"},
    CommandDef{"eval", parse_eval, "adds columns computed by expressions"},
    CommandDef{"eventstats", parse_eventstats, "adds aggregates of its group to every row"},
    CommandDef{"expand", parse_expand, "a row for every element of an array"},
    CommandDef{"fieldformat", parse_fieldformat, "adds columns, texts joined by dots"},
    CommandDef{"fields", parse_fields, "keeps or drops columns"},
    CommandDef{"fillnull", parse_fillnull, "other values for null"},
    CommandDef{"flatten", parse_flatten, "the members of an object as columns"},
    CommandDef{"foreach", parse_foreach, "an eval for every field or element"},
    CommandDef{"full", parse_join_kind, "a join that keeps all rows"},
    CommandDef{"grok", parse_grok, "columns from a grok pattern"},
    CommandDef{"head", parse_head, "keeps the first rows"},
    CommandDef{"inner", parse_join_kind, "a join that keeps rows with a partner"},
    CommandDef{"join", parse_join, "rows of two searches side by side"},
    CommandDef{"left", parse_join_kind, "a join that keeps all rows of the left side"},
    CommandDef{"lookup", parse_lookup, "columns from another dataset"},
    CommandDef{"makeresults", parse_makeresults, "rows out of nothing"},
    CommandDef{"multisearch", parse_multisearch, "the rows of several searches, newest first"},
    CommandDef{"mvcombine", parse_mvcombine, "rows that differ in one field become one"},
    CommandDef{"mvexpand", parse_mvexpand, "a row for every element of an array"},
    CommandDef{"nomv", parse_nomv, "an array as one text"},
    CommandDef{"parse", parse_parse, "columns from a regular expression's groups"},
    CommandDef{"patterns", parse_patterns, "templates of messages"},
    CommandDef{"rare", parse_rare, "the least frequent values"},
    CommandDef{"regex", parse_regex, "keeps rows whose field matches a regular expression"},
    CommandDef{"rename", parse_rename, "other names for columns"},
    CommandDef{"replace", parse_replace, "rewrites values"},
    CommandDef{"reverse", parse_reverse, "the rows in reverse order"},
    CommandDef{"rex", parse_rex, "columns from a regular expression's groups, or sed"},
    CommandDef{"right", parse_join_kind, "a join that keeps all rows of the right side"},
    CommandDef{"semi", parse_join_kind, "rows that have a partner"},
    CommandDef{"sort", parse_sort, "orders rows"},
    CommandDef{"spath", parse_spath, "values out of JSON text"},
    CommandDef{"stats", parse_stats, "aggregates rows by groups"},
    CommandDef{"streamstats", parse_streamstats, "running aggregates"},
    CommandDef{"table", parse_fields, "keeps columns, as fields"},
    CommandDef{"tail", parse_tail, "keeps the last rows"},
    CommandDef{"timechart", parse_timechart, "one aggregate over spans of time"},
    CommandDef{"timewrap", parse_timewrap, "periods of a timechart side by side"},
    CommandDef{"top", parse_top, "the most frequent values"},
    CommandDef{"transpose", parse_transpose, "rows to columns"},
    CommandDef{"trendline", parse_trendline, "moving averages"},
    CommandDef{"union", parse_union, "the rows of several searches"},
    CommandDef{"where", parse_where, "keeps rows that meet a condition"},
    CommandDef{"xyseries", parse_xyseries, "values of a field as columns"},
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
