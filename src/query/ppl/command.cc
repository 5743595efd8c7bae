#include "query/ppl/command.h"

#include <algorithm>
#include <charconv>

#include "query/exec/rows.h"
#include "query/ppl/member.h"
#include "query/ppl/query.h"
#include "query/ppl/subsearch.h"

namespace clew::query::ppl {

using expr::Token;
using expr::TokenKind;

// ---- CommandParser

bool CommandParser::at_end() { return tokens.at_end() || tokens.peek().is("|") || tokens.peek().is("]"); }

Result<expr::ExprPtr> CommandParser::expression() {
  expr::ParseOptions options;
  if (parse_query_) options.subsearch = subsearch_parser(parse_query_);
  return expr::parse_expression(tokens, options);
}

Error CommandParser::fail(std::string message) {
  return tokens.fail(tokens.peek().span, expr::kSyntaxError, std::move(message));
}

Result<std::string> CommandParser::name() { return expr::parse_field_pattern(tokens); }

Result<std::vector<std::string>> CommandParser::names(std::span<const std::string_view> stop) {
  std::vector<std::string> out;
  auto stopped = [&] {
    for (std::string_view word : stop) {
      if (tokens.peek().is_word(word)) return true;
    }
    return at_end() || tokens.peek().is(")");
  };
  do {
    std::string one = CLEW_TRY(name());
    out.push_back(std::move(one));
    bool comma = tokens.accept(",");
    if (!comma && stopped()) break;
  } while (true);
  return out;
}

Result<std::optional<std::string>> CommandParser::option(std::string_view key) {
  if (!tokens.peek().is_word(key) || !tokens.peek(1).is("=")) return std::optional<std::string>();
  tokens.next();
  tokens.next();
  std::string sign = tokens.accept("-") ? "-" : "";
  const Token& value = tokens.peek();
  if (value.kind == TokenKind::kEnd || value.kind == TokenKind::kPunct || value.kind == TokenKind::kBad) {
    return tokens.fail_expected("a value after `" + std::string(key) + "=`");
  }
  return std::optional<std::string>(sign + tokens.next().text);
}

Result<std::optional<bool>> CommandParser::bool_option(std::string_view key) {
  std::optional<std::string> value = CLEW_TRY(option(key));
  if (!value) return std::optional<bool>();
  std::string lower = expr::to_lower_ascii(*value);
  if (lower == "true" || lower == "t" || lower == "1") return std::optional<bool>(true);
  if (lower == "false" || lower == "f" || lower == "0") return std::optional<bool>(false);
  return fail("`" + std::string(key) + "` is true or false, not " + quoted(*value));
}

Result<std::optional<int64_t>> CommandParser::int_option(std::string_view key) {
  std::optional<std::string> value = CLEW_TRY(option(key));
  if (!value) return std::optional<int64_t>();
  int64_t number = 0;
  auto [end, error] = std::from_chars(value->data(), value->data() + value->size(), number);
  if (error != std::errc() || end != value->data() + value->size()) {
    return fail("`" + std::string(key) + "` is a number, not " + quoted(*value));
  }
  return std::optional<int64_t>(number);
}

Result<int64_t> CommandParser::integer() {
  const Token token = tokens.peek();
  int64_t number = 0;
  auto [end, error] = std::from_chars(token.text.data(), token.text.data() + token.text.size(), number);
  if (token.kind != TokenKind::kInteger || error != std::errc()) return tokens.fail_expected("a number");
  tokens.next();
  return number;
}

Result<std::string> CommandParser::string() {
  if (tokens.peek().kind != TokenKind::kString) return tokens.fail_expected("a text in quotes");
  return tokens.next().text;
}

Result<std::string> CommandParser::name_or_string() {
  return tokens.peek().kind == TokenKind::kString ? string() : name();
}

Result<QueryPtr> CommandParser::subquery() {
  CLEW_TRY(tokens.expect("["));
  if (!parse_query_) return fail("a subsearch cannot stand here");
  QueryPtr query = CLEW_TRY(parse_query_(tokens));
  CLEW_TRY(tokens.expect("]"));
  return query;
}

// ---- Pipeline

Error Pipeline::fail(std::string_view code, std::string message, std::optional<expr::SourceSpan> span,
                     std::string suggestion) {
  if (!span && place_ != 0) span = place_of_command();
  return context.fail(code, std::move(message), span, std::move(suggestion));
}

// The name of the command being bound.
expr::SourceSpan Pipeline::place_of_command() const {
  std::string_view text = context.text();
  size_t end = text.find_first_of(" \t\n|(", place_);
  return {place_, static_cast<uint32_t>(std::min(end, text.size()))};
}

void Pipeline::add_members() {
  for (Scope::Member& member : scope.take_members())
    plan.steps.push_back(std::make_shared<MemberStep>(std::move(member)));
}

void Pipeline::add(exec::StepPtr step) {
  add_members();
  plan.steps.push_back(std::move(step));
}

namespace {

Error carry(Context& context, const expr::Binder& binder, const Error& error) {
  const expr::Diagnostic& d = binder.diagnostic();
  if (d.code.empty()) return context.fail(expr::kSemanticError, error.message());
  return context.fail(d.code, d.message, d.span, d.suggestion);
}

}  // namespace

Result<expr::BoundPtr> Pipeline::bind(const expr::Expr& plain) {
  expr::ExprPtr rewritten = CLEW_TRY(without_subsearches(*this, plain));
  const expr::Expr& expr = rewritten == nullptr ? plain : *rewritten;
  expr::Binder binder(scope, context.bind_options(), context.text());
  Result<expr::BoundPtr> bound = binder.bind(expr);
  if (!bound.ok()) return carry(context, binder, bound.error());
  add_members();
  return bound;
}

Result<expr::BoundPtr> Pipeline::bind_condition(const expr::Expr& plain) {
  expr::ExprPtr rewritten = CLEW_TRY(without_subsearches(*this, plain));
  const expr::Expr& expr = rewritten == nullptr ? plain : *rewritten;
  expr::Binder binder(scope, context.bind_options(), context.text());
  Result<expr::BoundPtr> bound = binder.bind_condition(expr);
  if (!bound.ok()) return carry(context, binder, bound.error());
  add_members();
  return bound;
}

Result<expr::BoundAggregate> Pipeline::bind_aggregate(const expr::Expr& plain) {
  expr::ExprPtr rewritten = CLEW_TRY(without_subsearches(*this, plain));
  const expr::Expr& expr = rewritten == nullptr ? plain : *rewritten;
  expr::Binder binder(scope, context.bind_options(), context.text());
  Result<expr::BoundAggregate> bound = expr::bind_aggregate(binder, expr);
  if (!bound.ok()) return carry(context, binder, bound.error());
  add_members();
  return bound;
}

Result<Column> Pipeline::field(const std::string& name, std::optional<expr::SourceSpan> span) {
  std::optional<Column> found = scope.column(name);
  if (found) {
    add_members();
    return *found;
  }
  // Commands that do not keep the places of their names: the first mention behind the command's own.
  size_t at = span ? std::string_view::npos : context.text().find(name, place_);
  if (at != std::string_view::npos) {
    span = expr::SourceSpan{static_cast<uint32_t>(at), static_cast<uint32_t>(at + name.size())};
  }
  std::vector<std::string> names = scope.names();
  std::string closest = expr::closest_name(name, names);
  return fail(expr::kFieldNotFound, "Field [" + name + "] not found.", span,
              closest.empty() ? "" : "did you mean `" + closest + "`?");
}

Status Pipeline::bind_all(const Query& query) {
  for (size_t i = 0; i < query.commands.size(); ++i) {
    place_ = i < query.places.size() ? query.places[i] : 0;
    bool timechart = query.commands[i]->is_plain_timechart();
    CLEW_TRY(query.commands[i]->bind(*this));
    add_members();
    behind_timechart = timechart;
  }
  return {};
}

std::vector<Column>::iterator Pipeline::own_column(std::vector<Column>& columns, const std::string& name) {
  auto own = std::find_if(columns.begin(), columns.end(), [&](const Column& c) { return c.name == name; });
  if (own != columns.end()) return own;
  std::optional<Column> member = scope.member(name);
  if (!member) return columns.end();
  columns.push_back(*member);
  return columns.end() - 1;
}

Result<exec::PlanPtr> Pipeline::subplan(const Query& query, std::vector<std::string> members) {
  PlanOptions options;
  options.range = range;
  options.members = std::move(members);
  return plan_query(context, query, options);
}

Query over_same_source(const Query& query, const Pipeline& pipeline) {
  Query out = query;
  bool own = query.own_rows || query.from != nullptr || query.search.where != nullptr || !query.search.sources.empty();
  if (!own && pipeline.search != nullptr) {
    out.search.sources = pipeline.search->sources;
    out.search.alias = pipeline.search->alias;
  }
  return out;
}

}  // namespace clew::query::ppl
