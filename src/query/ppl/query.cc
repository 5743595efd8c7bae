#include "query/ppl/query.h"

#include <algorithm>
#include <array>

namespace clew::query::ppl {

using expr::Token;
using expr::TokenKind;
using expr::TokenStream;

namespace {

// Commands that a query's first word surely means, so that a mistake behind it is a mistake and not a search for words.
constexpr std::array<std::string_view, 11> kSureCommands = {"where",       "stats",       "eval",       "timechart",
                                                            "rename",      "dedup",       "rex",        "eventstats",
                                                            "streamstats", "makeresults", "multisearch"};

class QueryParser {
 public:
  QueryParser(TokenStream& tokens, int depth) : tokens_(tokens), depth_(depth) {}

  Result<QueryPtr> parse() {
    auto query = std::make_shared<Query>();
    if (depth_ > kSubqueryDepthMax)
      return tokens_.fail(here(), expr::kSyntaxError, "subsearches are nested too deeply");
    if (depth_ == 0) query->explain = accept_explain();
    piped_ = tokens_.accept("|");
    CLEW_TRY(parse_leading(*query));
    while (tokens_.accept("|")) {
      if (at_end()) continue;
      if (query->commands.size() >= kCommandsMax) return tokens_.fail(here(), expr::kSyntaxError, "too many commands");
      query->places.push_back(here().begin);
      CommandPtr command = CLEW_TRY(parse_command(tokens_));
      query->commands.push_back(std::move(command));
    }
    return QueryPtr(query);
  }

 private:
  expr::SourceSpan here() { return tokens_.peek().span; }
  bool at_end() { return tokens_.at_end() || tokens_.peek().is("|") || tokens_.peek().is("]"); }

  bool operator_follows() {
    const Token& next = tokens_.peek(1);
    return next.is("=") || next.is("==") || next.is("!=") || next.is("<") || next.is(">") || next.is("<=") ||
           next.is(">=") || next.is("<>") || (next.is(":") && !next.space_before);
  }

  Explain accept_explain() {
    if (!tokens_.peek().is_word("explain") || operator_follows()) return Explain::kNo;
    tokens_.next();
    if (tokens_.accept_word("analyze")) return Explain::kAnalyze;
    for (std::string_view mode : {"simple", "standard", "cost", "extended"}) {
      if (tokens_.accept_word(mode)) break;
    }
    return Explain::kPlan;
  }

  bool aggregate_here(TokenStream& tokens) {
    const Token name = tokens.peek();
    const Token open = tokens.peek(1);
    return name.kind == TokenKind::kIdentifier && !name.quoted && open.is("(") && !open.space_before &&
           expr::is_aggregate(expr::to_lower_ascii(name.text));
  }

  Status parse_leading(Query& query) {
    uint32_t begin = here().begin;
    CLEW_TRY(parse_first(query));
    if (query.places.size() < query.commands.size()) query.places.push_back(begin);
    return {};
  }

  Status parse_first(Query& query) {
    if (tokens_.peek().is_word("search") && !operator_follows()) {
      tokens_.next();
      query.search = CLEW_TRY(parse_search(tokens_));
      return {};
    }
    if (aggregate_here(tokens_)) {
      CommandPtr command = CLEW_TRY(parse_command(tokens_));
      query.commands.push_back(std::move(command));
      return {};
    }
    bool from = (tokens_.peek().is_word("source") || tokens_.peek().is_word("index")) && tokens_.peek(1).is("=") &&
                tokens_.peek(2).is("[");
    if (from) return parse_from(query);
    const CommandDef* def = nullptr;
    if (tokens_.peek().kind == TokenKind::kIdentifier && !tokens_.peek().quoted && !operator_follows()) {
      def = find_command(tokens_.peek().text);
    }
    if (def != nullptr) return parse_command_or_search(query, *def);
    return parse_search_or_condition(query);
  }

  // `source=[ search .. ] as name`.
  Status parse_from(Query& query) {
    tokens_.next();
    tokens_.next();
    CLEW_TRY(tokens_.expect("["));
    query.from = CLEW_TRY(QueryParser(tokens_, depth_ + 1).parse());
    CLEW_TRY(tokens_.expect("]"));
    if (tokens_.accept_word("as")) {
      if (tokens_.peek().kind != TokenKind::kIdentifier) return tokens_.fail_expected("a name");
      query.search.alias = tokens_.next().text;
    }
    if (!at_end()) return tokens_.fail_expected("`|` or the end");
    return {};
  }

  // `stats count()` is a command, `parse error` are words.
  Status parse_command_or_search(Query& query, const CommandDef& def) {
    bool sure = piped_ || std::find(kSureCommands.begin(), kSureCommands.end(), def.name) != kSureCommands.end();
    TokenStream attempt(tokens_.text());
    attempt.seek(tokens_.offset());
    Result<CommandPtr> command = parse_command(attempt);
    bool whole = command.ok() && (attempt.at_end() || attempt.peek().is("|") || attempt.peek().is("]"));
    if (!whole && !sure && !(command.ok() && (*command)->leads())) return parse_search_or_condition(query);
    CommandPtr parsed = CLEW_TRY(parse_command(tokens_));
    if (!at_end()) return tokens_.fail_expected("`|` or the end");
    query.own_rows = parsed->leads();
    query.commands.push_back(std::move(parsed));
    return {};
  }

  // A search, or, where it is none, an expression as `where` takes it.
  Status parse_search_or_condition(Query& query) {
    TokenStream attempt(tokens_.text());
    attempt.seek(tokens_.offset());
    Result<Search> search = parse_search(attempt);
    if (search.ok()) {
      tokens_.seek(attempt.offset());
      query.search = std::move(search).take();
      return {};
    }
    bool taken = CLEW_TRY(parse_source_and_condition(query));
    if (taken) return {};
    TokenStream condition(tokens_.text());
    condition.seek(tokens_.offset());
    const CommandDef* where = find_command("where");
    CommandParser parser(condition, here(), parse_inner());
    Result<CommandPtr> command = where->parse(parser);
    bool whole = command.ok() && (condition.at_end() || condition.peek().is("|") || condition.peek().is("]"));
    if (!whole) {
      query.search = CLEW_TRY(parse_search(tokens_));
      return {};
    }
    tokens_.seek(condition.offset());
    query.commands.push_back(std::move(command).take());
    return {};
  }

  // `source=outer a in [ search .. ]`: the source alone, then an expression.
  Result<bool> parse_source_and_condition(Query& query) {
    TokenStream attempt(tokens_.text());
    attempt.seek(tokens_.offset());
    bool source = (attempt.peek().is_word("source") || attempt.peek().is_word("index")) && attempt.peek(1).is("=");
    if (!source) return false;
    Result<Search> search = parse_sources(attempt);
    if (!search.ok() || attempt.at_end() || attempt.peek().is("|")) return false;
    uint32_t begin = attempt.offset();
    CommandParser parser(attempt, attempt.peek().span, parse_inner());
    Result<CommandPtr> command = find_command("where")->parse(parser);
    if (!command.ok() || !(attempt.at_end() || attempt.peek().is("|") || attempt.peek().is("]"))) return false;
    tokens_.seek(attempt.offset());
    query.search = std::move(search).take();
    query.places.push_back(begin);
    query.commands.push_back(std::move(command).take());
    return true;
  }

  CommandParser::ParseQuery parse_inner() const {
    return [depth = depth_](TokenStream& inner) { return QueryParser(inner, depth + 1).parse(); };
  }

  Result<CommandPtr> parse_command(TokenStream& tokens) {
    const Token name = tokens.peek();
    if (aggregate_here(tokens)) {
      CommandParser parser(tokens, name.span, parse_inner());
      return find_command("stats")->parse(parser);
    }
    if (name.kind != TokenKind::kIdentifier) return tokens.fail_expected("a command");
    const CommandDef* def = find_command(name.text);
    if (def == nullptr) {
      std::vector<std::string_view> names;
      for (const CommandDef& known : all_commands()) names.push_back(known.name);
      std::string closest = expr::closest_name(expr::to_lower_ascii(name.text), names);
      return tokens.fail(name.span, expr::kSyntaxError, "there is no command " + quoted(name.text),
                         closest.empty() ? "" : "did you mean `" + closest + "`?");
    }
    tokens.next();
    CommandParser parser(tokens, name.span, parse_inner());
    CommandPtr command = CLEW_TRY(def->parse(parser));
    if (!parser.at_end()) return tokens.fail_expected("`|` or the end");
    return command;
  }

  TokenStream& tokens_;
  const int depth_;
  bool piped_ = false;  // the query begins with `|`
};

}  // namespace

Result<QueryPtr> parse_query(TokenStream& tokens) {
  QueryPtr query = CLEW_TRY(QueryParser(tokens, 0).parse());
  if (!tokens.at_end()) return tokens.fail_expected("`|` or the end");
  return query;
}

std::string print(const Query& query) {
  std::string out = query.explain == Explain::kAnalyze ? "explain analyze "
                    : query.explain == Explain::kPlan  ? "explain "
                                                       : "";
  if (query.from != nullptr) {
    out += "source=[ " + print(*query.from) + " ]";
    if (!query.search.alias.empty()) out += " as " + expr::print_name(query.search.alias);
  } else if (!query.own_rows) {
    std::string search = print(query.search);
    out += search.empty() ? "search" : "search " + search;
  }
  for (size_t i = 0; i < query.commands.size(); ++i) {
    out += (i == 0 && query.own_rows ? "" : " ") + std::string("| ") + query.commands[i]->print();
  }
  return out;
}

std::string print_commands(const Query& query) {
  bool reads =
      query.own_rows || query.from != nullptr || query.search.where != nullptr || !query.search.sources.empty();
  if (reads) return print(query);
  std::string out;
  for (const CommandPtr& command : query.commands) out += (out.empty() ? "" : " | ") + command->print();
  return out;
}

}  // namespace clew::query::ppl
