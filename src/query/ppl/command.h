// Commands: what stands between pipes. Each has one file pair, one line in all.cc, one spec file tests/ppl/NAME.ct and
// one paragraph in docs/language/commands.md.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "expr/aggregate.h"
#include "expr/ast.h"
#include "expr/bind.h"
#include "expr/lexer.h"
#include "expr/parse.h"
#include "query/exec/plan.h"
#include "query/ppl/context.h"

namespace clew::query::ppl {

class Pipeline;

// A parsed command. Frozen.
class Command {
 public:
  virtual ~Command() = default;
  // PPL text that parses to the same command.
  virtual std::string print() const = 0;
  // Adds its steps to the pipeline and leaves the scope as the next command finds it.
  virtual Status bind(Pipeline& pipeline) const = 0;
  // A command that makes its own rows (multisearch, makeresults) may stand first.
  virtual bool leads() const { return false; }
  // A timechart without `by`: what timewrap reshapes.
  virtual bool is_plain_timechart() const { return false; }
};
using CommandPtr = std::shared_ptr<const Command>;

struct Query;

// Parses what stands behind a command's name.
class CommandParser {
 public:
  using ParseQuery = std::function<Result<std::shared_ptr<const Query>>(expr::TokenStream&)>;
  CommandParser(expr::TokenStream& stream, expr::SourceSpan name, ParseQuery parse_query)
      : tokens(stream), name_span(name), parse_query_(std::move(parse_query)) {}

  expr::TokenStream& tokens;
  expr::SourceSpan name_span;  // of the command's name

  // True at `|`, `]` or the end.
  bool at_end();
  Result<expr::ExprPtr> expression();
  // A name, `*` in it allowed.
  Result<std::string> name();
  // Names with commas or blanks between, up to a word of `stop`, `|` or the end. At least one.
  Result<std::vector<std::string>> names(std::span<const std::string_view> stop = {});
  // `key = value` when the next tokens are that key and `=`: the value's text.
  Result<std::optional<std::string>> option(std::string_view key);
  Result<std::optional<bool>> bool_option(std::string_view key);
  Result<std::optional<int64_t>> int_option(std::string_view key);
  Result<int64_t> integer();
  Result<std::string> string();
  Result<std::string> name_or_string();
  // `[ search ... | ... ]`
  Result<std::shared_ptr<const Query>> subquery();
  // The text of an expression as it stands, for the name of its column.
  std::string source_name(const expr::Expr& expr) const { return expr::source_text(tokens, expr.span); }
  Error fail(std::string message);

 private:
  ParseQuery parse_query_;
};

// The plan being made: steps so far, and the names that the next command finds.
class Pipeline {
 public:
  explicit Pipeline(Context& query) : context(query), scope(query) {}

  Context& context;
  Scope scope;
  exec::Plan plan;
  std::shared_ptr<SourceFields> source;         // of the scan; null when the rows are made
  std::shared_ptr<const struct Search> search;  // what the scan was made of
  contract::TimeRange range;                    // of the request: holds for subsearches too
  contract::TimeRange asked;                    // what request, search and conditions so far ask of @timestamp

  // Keys that are @timestamp cut to whole minutes: what counts by minute can answer.
  struct TimeSpanKey {
    Slot slot = 0;
    int64_t nanos = 0;
  };
  std::vector<TimeSpanKey> time_spans;

  // The command before was a timechart without `by`.
  bool behind_timechart = false;

  // Errors: the first fault is in the context.
  Result<expr::BoundPtr> bind(const expr::Expr& expr);
  Result<expr::BoundPtr> bind_condition(const expr::Expr& expr);
  Result<expr::BoundAggregate> bind_aggregate(const expr::Expr& expr);
  // A field that must be there.
  Result<Column> field(const std::string& name, std::optional<expr::SourceSpan> span = std::nullopt);
  void add(exec::StepPtr step);
  Error fail(std::string_view code, std::string message, std::optional<expr::SourceSpan> span = std::nullopt,
             std::string suggestion = "");

  // True while only conditions stand before: a `where` may still move into the scan.
  bool at_scan() const { return plan.steps.empty() && plan.scan.has_value(); }
  // The column of `columns`, which have to be all of the scope's, that is called `name`; a member of an object among
  // them becomes one of them. End: there is none.
  std::vector<Column>::iterator own_column(std::vector<Column>& columns, const std::string& name);
  // Plans a whole query of its own in the same context; its columns are plan.columns. `members` are names of members of
  // objects that are to be columns too, where there are such.
  Result<exec::PlanPtr> subplan(const Query& query, std::vector<std::string> members = {});
  // Steps and scope of the query's commands on top of this pipeline's.
  Status bind_all(const Query& query);
  // Steps for the members of objects that names have needed so far.
  void add_members();

 private:
  expr::SourceSpan place_of_command() const;

  uint32_t place_ = 0;  // where the command being bound begins in the text
};

// A query without a search of its own, over what `pipeline` reads.
Query over_same_source(const Query& query, const Pipeline& pipeline);

struct CommandDef {
  std::string_view name;
  Result<CommandPtr> (*parse)(CommandParser&);
  std::string_view help;  // one line
};
// All commands, aliases as entries of their own.
std::span<const CommandDef> all_commands();
const CommandDef* find_command(std::string_view name);  // any case

}  // namespace clew::query::ppl
