#include "query/editor.h"

#include <algorithm>

#include "expr/aggregate.h"
#include "expr/functions.h"
#include "expr/lexer.h"
#include "query/ppl/query.h"

namespace clew::query {
namespace {

using expr::Token;
using expr::TokenKind;
using expr::TokenStream;

constexpr std::string_view kSearchStop = "()|,[]=<>!\"'`";
constexpr std::string_view kSearchWords[] = {"and", "or", "not", "in"};
constexpr std::string_view kSearchNames[] = {"source", "index", "earliest", "latest"};
constexpr std::string_view kWords[] = {"and",   "or",   "not",  "xor",  "in",    "like",  "between", "by",
                                       "as",    "is",   "null", "true", "false", "case",  "else",    "with",
                                       "on",    "over", "desc", "asc",  "left",  "right", "inner",   "full",
                                       "cross", "semi", "anti", "from", "where", "exists"};
// Commands whose functions are aggregates until `by`.
constexpr std::string_view kAggregating[] = {"stats", "eventstats", "streamstats", "chart", "timechart", "trendline"};

template <class Words>
bool has(const Words& words, std::string_view word) {
  std::string lower = expr::to_lower_ascii(word);
  return std::find(std::begin(words), std::end(words), std::string_view(lower)) != std::end(words);
}

bool is_number(std::string_view word) {
  return !word.empty() && word.find_first_not_of("0123456789.-") == std::string_view::npos &&
         word.find_first_of("0123456789") != std::string_view::npos;
}

// Walks a text piece by piece, knowing whether it stands in a search or behind a command's name.
class Walk {
 public:
  explicit Walk(std::string_view text) : text_(text), tokens_(text) {}

  std::vector<Piece> all() {
    while (!tokens_.at_end()) {
      uint32_t begin = tokens_.offset();
      step();
      if (tokens_.offset() <= begin && tokens_.last_end() <= begin)
        break;  // no progress: a text that ends in the middle
    }
    return std::move(out_);
  }

  bool in_search() const { return in_search_; }
  bool at_command() const { return at_command_; }
  const std::string& command() const { return command_; }
  bool after_by() const { return after_by_; }

 private:
  void step() {
    const Token& next = tokens_.peek();
    if (next.is("|") || next.is("[")) return open();
    if (at_command_) return command_name();
    in_search_ ? search_piece() : command_piece();
  }

  void add(PieceKind kind, uint32_t begin, uint32_t end) { out_.push_back({kind, begin, end}); }

  // Behind a pipe or bracket a command's name comes; a bracket may also hold a search.
  void open() {
    Token token = tokens_.next();
    add(PieceKind::kOperator, token.span.begin, token.span.end);
    in_search_ = false;
    at_command_ = true;
    after_by_ = false;
    command_.clear();
  }

  void command_name() {
    at_command_ = false;
    const Token token = tokens_.peek();
    bool known = token.kind == TokenKind::kIdentifier && !token.quoted && ppl::find_command(token.text) != nullptr;
    bool opens_search = token.is_word("search") || token.is_word("source") || token.is_word("index");
    if (opens_search) {
      in_search_ = true;
      if (!token.is_word("search")) return;
    }
    tokens_.next();
    command_ = expr::to_lower_ascii(token.text);
    add(known || opens_search ? PieceKind::kCommand : PieceKind::kBad, token.span.begin, token.span.end);
  }

  void search_piece() {
    const Token peeked = tokens_.peek();
    bool first = out_.empty();
    if (first && (peeked.is_word("search") || peeked.is_word("explain") || peeked.is_word("analyze"))) {
      tokens_.next();
      return add(PieceKind::kCommand, peeked.span.begin, peeked.span.end);
    }
    if (peeked.kind == TokenKind::kString || peeked.kind == TokenKind::kBad) return take();
    char c = text_[tokens_.offset()];
    if (kSearchStop.find(c) != std::string_view::npos) return take();
    Token word = tokens_.next_word(kSearchStop);
    if (word.span.end <= word.span.begin) return take();
    add(search_kind(word), word.span.begin, word.span.end);
  }

  PieceKind search_kind(const Token& word) {
    std::string_view text = text_.substr(word.span.begin, word.span.end - word.span.begin);
    const Token& next = tokens_.peek();
    bool compared = next.is("=") || next.is("!=") || next.is("<") || next.is("<=") || next.is(">") || next.is(">=") ||
                    next.is("==") || next.is_word("in");
    if (compared && has(kSearchNames, text)) return PieceKind::kKeyword;
    if (compared) return PieceKind::kField;
    if (has(kSearchWords, text)) return PieceKind::kKeyword;
    return is_number(text) ? PieceKind::kNumber : PieceKind::kWord;
  }

  void command_piece() { take(); }

  // The next token as the lexer sees it.
  void take() {
    Token token = tokens_.next();
    add(kind_of(token), token.span.begin, token.span.end);
  }

  PieceKind kind_of(const Token& token) {
    switch (token.kind) {
      case TokenKind::kString: return PieceKind::kString;
      case TokenKind::kInteger:
      case TokenKind::kDecimal:
      case TokenKind::kFloat:
      case TokenKind::kDouble: return PieceKind::kNumber;
      case TokenKind::kSpan: return PieceKind::kSpan;
      case TokenKind::kBad: return PieceKind::kBad;
      case TokenKind::kIdentifier: return name_kind(token);
      default: return PieceKind::kOperator;
    }
  }

  PieceKind name_kind(const Token& token) {
    if (token.quoted) return PieceKind::kField;
    const std::string lower = expr::to_lower_ascii(token.text);
    if (lower == "by") after_by_ = true;
    bool called = tokens_.peek().is("(");
    if (called && (expr::find_function(lower) != nullptr || expr::is_aggregate(lower) || lower == "span")) {
      return PieceKind::kFunction;
    }
    return has(kWords, lower) ? PieceKind::kKeyword : PieceKind::kField;
  }

  std::string_view text_;
  TokenStream tokens_;
  std::vector<Piece> out_;
  bool in_search_ = true;
  bool at_command_ = false;
  bool after_by_ = false;
  std::string command_;
};

std::string_view source_of(std::string_view text, const Piece& piece) {
  return text.substr(piece.begin, piece.end - piece.begin);
}

bool is_comparison(std::string_view text) {
  constexpr std::string_view kOps[] = {"=", "==", "!=", "<", "<=", ">", ">="};
  return std::find(std::begin(kOps), std::end(kOps), text) != std::end(kOps);
}

// The field that a value belongs to, when the pieces end in `field =` or `field in (a, b,`.
std::string field_before(std::string_view text, const std::vector<Piece>& pieces, size_t count) {
  size_t i = count;
  if (i >= 2 && is_comparison(source_of(text, pieces[i - 1]))) return std::string(source_of(text, pieces[i - 2]));
  while (i > 0 && source_of(text, pieces[i - 1]) != "(") {
    if (source_of(text, pieces[i - 1]) == "|") return {};
    --i;
  }
  bool list = i >= 3 && expr::equals_ignore_case(source_of(text, pieces[i - 2]), "in");
  return list ? std::string(source_of(text, pieces[i - 3])) : std::string();
}

std::string without_quotes(std::string_view text) {
  if (!text.empty() && (text.front() == '"' || text.front() == '\'' || text.front() == '`')) text.remove_prefix(1);
  return std::string(text);
}

}  // namespace

std::string_view piece_name(PieceKind kind) {
  constexpr std::string_view kNames[] = {"command", "function", "field", "keyword", "operator",
                                         "string",  "number",   "span",  "word",    "bad"};
  return kNames[static_cast<size_t>(kind)];
}

std::vector<Piece> pieces_of(std::string_view text) { return Walk(text).all(); }

Site site_at(std::string_view text, uint32_t cursor) {
  std::string_view before = text.substr(0, cursor);
  Walk walk(before);
  std::vector<Piece> pieces = walk.all();
  Site site;
  site.begin = site.end = cursor;
  // What the cursor touches is being written.
  size_t done = pieces.size();
  if (done > 0 && pieces[done - 1].end == cursor && pieces[done - 1].kind != PieceKind::kOperator) {
    --done;
    site.begin = pieces[done].begin;
    site.begun = without_quotes(source_of(before, pieces[done]));
  }
  std::string_view last = done > 0 ? source_of(before, pieces[done - 1]) : std::string_view();
  const std::string field = field_before(before, pieces, done);
  if (expr::equals_ignore_case(field, "source") || expr::equals_ignore_case(field, "index")) {
    site.datasets = true;
    return site;
  }
  if (!field.empty()) site.values_of = without_quotes(field);
  if (!site.values_of.empty() && site.values_of.back() == '`') site.values_of.pop_back();
  site.bare_values = walk.in_search();
  if (last == "|" || last == "[") {
    site.commands = true;
    return site;
  }
  if (walk.in_search()) {
    site.fields = field.empty();
    site.commands = done == 0;
    return site;
  }
  bool aggregating = has(kAggregating, walk.command()) && !walk.after_by();
  bool inside_call = last == "(" && done >= 2 && pieces[done - 2].kind == PieceKind::kFunction;
  site.aggregates = aggregating && !inside_call;
  site.functions = !aggregating || inside_call;
  site.fields = !aggregating || inside_call || last == ",";
  return site;
}

std::vector<NameAndHelp> command_names() {
  std::vector<NameAndHelp> out;
  for (const ppl::CommandDef& def : ppl::all_commands()) out.push_back({def.name, def.help});
  return out;
}

std::vector<std::string_view> function_names() {
  std::vector<std::string_view> out;
  for (std::string_view name : expr::function_names()) {
    bool word = !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
      return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
    });
    if (word) out.push_back(name);
  }
  return out;
}

std::vector<std::string_view> aggregate_names() { return expr::aggregate_names(); }

std::string laid_out(std::string_view text) {
  TokenStream tokens(text);
  Result<ppl::QueryPtr> query = ppl::parse_query(tokens);
  if (!query.ok()) return {};
  if ((*query)->from != nullptr) return ppl::print(**query);
  std::string search = ppl::print((*query)->search);
  std::string out;
  if ((*query)->explain != ppl::Explain::kNo) {
    out = (*query)->explain == ppl::Explain::kAnalyze ? "explain analyze " : "explain ";
  }
  if (!(*query)->own_rows) out += search;
  for (size_t i = 0; i < (*query)->commands.size(); ++i) {
    bool leads = i == 0 && (*query)->own_rows;
    out += (leads ? "| " : "\n| ") + (*query)->commands[i]->print();
  }
  return out;
}

}  // namespace clew::query
