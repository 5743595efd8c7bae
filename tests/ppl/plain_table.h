// A plain evaluator of PPL for the differential test: a table of values in memory, one row at a time, step by step as
// written. It knows nothing of blocks, dictionaries, lanes, plans and push-down.
//
// Its own: conditions with three values, branches, grouping, sorting, aggregates, joins, and all that commands do to
// rows. Not its own: a scalar function is asked for one row of constants, so a wrong result of the scalar form is not
// seen here (tests/expr/*.ct say what functions give); faults of vectors, null masks, dictionaries and selections are.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "expr/ast.h"
#include "model/value.h"
#include "plain_row.h"

namespace clew::query::testing {

struct Table : PlainColumns {
  std::vector<std::vector<model::Value>> rows;

  size_t column(const std::string& name) const;  // names.size(): there is none
};

struct AggregateText {
  std::string name;       // "sum"
  std::string argument;   // an expression; empty: none
  std::string parameter;  // of percentile and take
  std::string as;
};

struct Step {
  enum class Kind {
    kWhere,
    kEval,
    kFields,
    kDrop,
    kSort,
    kHead,
    kDedup,
    kStats,
    kEventstats,
    kStreamstats,
    kTop,
    kRare,
    kFillnull,
    kRename,
    kReverse,
    kAppend,
    kJoin,
    kIn,
    kTimechart,
    kChart,
    kBin,
    kParse,
    kRex,
    kRegex,
    kReplace,
    kExpand,
    kTrendline,
    kLookup,
    kAppendpipe,
  };
  Kind kind = Kind::kWhere;
  std::vector<std::string> names = {};         // fields as they are called; of sort with - before those that go down
  std::vector<std::string> exprs = {};         // kWhere kEval kFillnull; kStats: of its span; spans, texts to replace
  std::vector<AggregateText> aggregates = {};  // of commands that have some
  std::vector<int64_t> numbers = {};           // kHead: count, from; kDedup: count; windows and limits; which pattern
  std::vector<std::string> words = {};         // options: current=false, keepempty=true, the kind of a join
  std::vector<std::string> made = {};          // names of columns that come to be
  std::vector<Step> inner = {};                // kAppend kAppendpipe kJoin kIn
};

std::string text_of(const AggregateText& aggregate);
std::string text_of(const Step& step);
std::string regex_of(const Step& step);               // kParse kRex kRegex
std::string text_of(const std::vector<Step>& steps);  // of a whole query, source=logs first

struct PlainAnswer {
  std::optional<Table> table;
  std::string why;       // there is none: a value cannot be computed, or the answer depends on more than the rows
  bool refuses = false;  // it is no query for these fields, and the answer has to be an error
};

// What the steps make of the events.
PlainAnswer evaluate(const Table& events, const std::vector<Step>& steps, int64_t now);

// The order of all values (docs/language/expressions.md).
int plain_order(const model::Value& a, const model::Value& b);

}  // namespace clew::query::testing
