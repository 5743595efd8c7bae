#include "query/ppl/search.h"

#include <algorithm>
#include <optional>

#include "expr/ast.h"

namespace clew::query::ppl {

using expr::SourceSpan;
using expr::TokenStream;

namespace {

bool blank(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }
bool name_start(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '@' ||
         (static_cast<unsigned char>(c) & 0x80);
}

class SearchParser {
 public:
  explicit SearchParser(TokenStream& tokens) : tokens_(tokens), text_(tokens.text()) {}

  Result<Search> parse() {
    Search out;
    search_ = &out;
    if (!at_end()) out.where = CLEW_TRY(parse_or(0));
    if (!at_end()) return fail_here("expected a search term or `|`");
    return out;
  }

  Result<Search> parse_only_sources() {
    Search out;
    search_ = &out;
    uint32_t begin = here();
    tokens_.next();
    tokens_.next();
    CLEW_TRY(sources(begin));
    return out;
  }

 private:
  uint32_t here() { return tokens_.offset(); }
  char peek() { return here() < text_.size() ? text_[here()] : '\0'; }
  bool at_end() {
    char c = peek();
    return c == '\0' || c == '|' || c == ']';
  }
  Error fail_here(std::string message) {
    uint32_t at = here();
    return tokens_.fail({at, std::min<uint32_t>(at + 1, static_cast<uint32_t>(text_.size()))}, expr::kSyntaxError,
                        std::move(message));
  }

  // The word at the next token, when it is a bare one, without taking it.
  std::string_view word_here() {
    uint32_t begin = here();
    uint32_t end = begin;
    while (end < text_.size() && !blank(text_[end]) &&
           std::string_view("()|,[]=<>\"'`").find(text_[end]) == std::string_view::npos)
      ++end;
    return text_.substr(begin, end - begin);
  }
  bool accept_operator_word(std::string_view word) {
    std::string_view found = word_here();
    if (!expr::equals_ignore_case(found, word)) return false;
    size_t after = here() + found.size();
    if (after < text_.size() && std::string_view("=<>").find(text_[after]) != std::string_view::npos) return false;
    tokens_.seek(here() + static_cast<uint32_t>(found.size()));
    return true;
  }

  // Null: nothing but source= stood there.
  Result<SearchPtr> parse_or(int depth) {
    if (depth > kSearchDepthMax) return fail_here("the search is nested too deeply");
    std::vector<SearchPtr> parts;
    SearchPtr first = CLEW_TRY(parse_and(depth));
    if (first != nullptr) parts.push_back(std::move(first));
    while (accept_operator_word("or")) {
      SearchPtr next = CLEW_TRY(parse_and(depth));
      if (next == nullptr) return fail_here("expected a search term after OR");
      if (parts.empty()) return fail_here("expected a search term before OR");
      parts.push_back(std::move(next));
    }
    return join(SearchNode::Kind::kOr, std::move(parts));
  }

  Result<SearchPtr> parse_and(int depth) {
    std::vector<SearchPtr> parts;
    bool owed = false;  // AND stood there: something must follow
    while (!at_end() && peek() != ')') {
      if (is_word_here("or")) break;
      if (!parts.empty() && accept_operator_word("and")) {
        owed = true;
        continue;
      }
      SearchPtr part = CLEW_TRY(parse_not(depth));
      if (part != nullptr) parts.push_back(std::move(part));
      owed = owed && part == nullptr && parts.empty();
    }
    if (owed) return fail_here("expected a search term after AND");
    return join(SearchNode::Kind::kAnd, std::move(parts));
  }

  bool is_word_here(std::string_view word) {
    std::string_view found = word_here();
    if (!expr::equals_ignore_case(found, word)) return false;
    size_t after = here() + found.size();
    return after >= text_.size() || std::string_view("=<>").find(text_[after]) == std::string_view::npos;
  }

  SearchPtr join(SearchNode::Kind kind, std::vector<SearchPtr> parts) {
    if (parts.empty()) return nullptr;
    if (parts.size() == 1) return parts.front();
    auto node = std::make_shared<SearchNode>();
    node->kind = kind;
    node->span = {parts.front()->span.begin, parts.back()->span.end};
    // A conjunction in a conjunction is one: prints and compares the same.
    for (SearchPtr& part : parts) {
      if (part->kind == kind)
        node->children.insert(node->children.end(), part->children.begin(), part->children.end());
      else
        node->children.push_back(std::move(part));
    }
    return node;
  }

  Result<SearchPtr> parse_not(int depth) {
    if (depth > kSearchDepthMax) return fail_here("the search is nested too deeply");
    if (++nodes_ > kSearchNodesMax) return fail_here("the search has too many terms");
    uint32_t begin = here();
    if (accept_operator_word("not")) {
      SearchPtr child = CLEW_TRY(parse_not(depth + 1));
      if (child == nullptr) return fail_here("expected a search term after NOT");
      auto node = std::make_shared<SearchNode>();
      node->kind = SearchNode::Kind::kNot;
      node->span = {begin, child->span.end};
      node->children.push_back(std::move(child));
      return SearchPtr(node);
    }
    if (tokens_.accept("(")) {
      SearchPtr inner = CLEW_TRY(parse_or(depth + 1));
      if (!tokens_.accept(")")) return fail_here("expected `)`");
      return inner;
    }
    return parse_leaf();
  }

  Result<SearchPtr> parse_leaf() {
    uint32_t begin = here();
    char c = peek();
    if (c == '"' || c == '\'') {
      expr::Token token = tokens_.next();
      if (token.kind == expr::TokenKind::kBad) return tokens_.fail(token.span, expr::kSyntaxError, token.text);
      return term(std::move(token.text), true, begin);
    }
    std::optional<std::string> field = CLEW_TRY(field_here());
    if (field) {
      if (auto op = accept_operator()) return comparison(*field, *op, begin);
      if (accept_operator_word("in")) return in_list(*field, begin);
      tokens_.seek(begin);
      if (c == '`') return fail_here("expected `=`, a comparison or IN after a field name");
    }
    std::string word = take_value_word();
    if (word.empty()) return fail_here("expected a search term");
    bool any = std::any_of(word.begin(), word.end(),
                           [](char w) { return name_start(w) || (w >= '0' && w <= '9') || w == '*' || w == '?'; });
    if (!any)
      return tokens_.fail({begin, here()}, expr::kSyntaxError,
                          "`" + word + "` is no search term; quote it, or use `where` for expressions");
    return term(std::move(word), false, begin);
  }

  SearchPtr term(std::string value, bool phrase, uint32_t begin) {
    auto node = std::make_shared<SearchNode>();
    node->kind = SearchNode::Kind::kTerm;
    node->span = {begin, tokens_.last_end()};
    node->values.push_back(std::move(value));
    node->phrase = phrase;
    return node;
  }

  // A name that could stand left of an operator; the stream is then behind it.
  Result<std::optional<std::string>> field_here() {
    uint32_t begin = here();
    char c = peek();
    if (c != '`' && !name_start(c)) return std::optional<std::string>();
    if (c == '`') {
      expr::Token token = tokens_.next();
      if (token.kind != expr::TokenKind::kIdentifier)
        return tokens_.fail(token.span, expr::kSyntaxError, "expected a field name");
      return std::optional<std::string>(std::move(token.text));
    }
    uint32_t end = begin;
    while (end < text_.size() && !blank(text_[end]) &&
           std::string_view("()|,[]=<>!\"':").find(text_[end]) == std::string_view::npos) {
      ++end;
    }
    std::string name;
    for (char n : text_.substr(begin, end - begin)) {
      if (n != '`') name.push_back(n);
    }
    tokens_.seek(end);
    return std::optional<std::string>(std::move(name));
  }

  std::optional<SearchNode::Op> accept_operator() {
    using Op = SearchNode::Op;
    struct Spelling {
      std::string_view text;
      Op op;
    };
    static constexpr Spelling kOps[] = {{"==", Op::kEq}, {"!=", Op::kNe}, {"<>", Op::kNe},
                                        {"<=", Op::kLe}, {">=", Op::kGe}, {"=", Op::kEq},
                                        {"<", Op::kLt},  {">", Op::kGt},  {":", Op::kEq}};
    uint32_t at = here();
    for (const Spelling& s : kOps) {
      if (!text_.substr(at).starts_with(s.text)) continue;
      // `name: value` is prose; `name:value` is a comparison.
      bool tight = at + 1 < text_.size() && !blank(text_[at + 1]) && (at == 0 || !blank(text_[at - 1]));
      if (s.text == ":" && !tight) return std::nullopt;
      tokens_.seek(at + static_cast<uint32_t>(s.text.size()));
      return s.op;
    }
    return std::nullopt;
  }

  // A bare value: everything up to a blank or a bracket.
  std::string take_value_word() {
    uint32_t begin = here();
    uint32_t end = begin;
    while (end < text_.size() && !blank(text_[end]) &&
           std::string_view("()|,[]\"'`").find(text_[end]) == std::string_view::npos)
      ++end;
    std::string out(text_.substr(begin, end - begin));
    tokens_.seek(end);
    return out;
  }

  Result<std::string> value() {
    char c = peek();
    if (c == '"' || c == '\'' || c == '`') {
      expr::Token token = tokens_.next();
      if (token.kind == expr::TokenKind::kBad) return tokens_.fail(token.span, expr::kSyntaxError, token.text);
      return token.text;
    }
    std::string word = take_value_word();
    if (word.empty()) return fail_here("expected a value");
    return word;
  }

  Result<SearchPtr> comparison(const std::string& field, SearchNode::Op op, uint32_t begin) {
    bool source = expr::equals_ignore_case(field, "source") || expr::equals_ignore_case(field, "index");
    if (source && op == SearchNode::Op::kEq) {
      CLEW_TRY(sources(begin));
      return SearchPtr();
    }
    auto node = std::make_shared<SearchNode>();
    bool time = (expr::equals_ignore_case(field, "earliest") || expr::equals_ignore_case(field, "latest")) &&
                op == SearchNode::Op::kEq;
    node->kind = time ? SearchNode::Kind::kTime : SearchNode::Kind::kCompare;
    node->field = time ? expr::to_lower_ascii(field) : field;
    node->op = op;
    std::string text = CLEW_TRY(value());
    node->values.push_back(std::move(text));
    node->span = {begin, here_end()};
    return SearchPtr(node);
  }

  uint32_t here_end() { return std::max(tokens_.last_end(), tokens_.offset()); }

  Result<SearchPtr> in_list(const std::string& field, uint32_t begin) {
    if (!tokens_.accept("(")) return fail_here("expected `(` after IN");
    auto node = std::make_shared<SearchNode>();
    node->kind = SearchNode::Kind::kIn;
    node->field = field;
    do {
      std::string text = CLEW_TRY(value());
      node->values.push_back(std::move(text));
    } while (tokens_.accept(","));
    if (!tokens_.accept(")")) return fail_here("expected `)` or `,` in the list");
    node->span = {begin, here_end()};
    return SearchPtr(node);
  }

  Status sources(uint32_t begin) {
    do {
      std::string names = CLEW_TRY(value());
      // A quoted list is a list.
      size_t from = 0;
      while (from <= names.size()) {
        size_t comma = std::min(names.find(',', from), names.size());
        std::string name = names.substr(from, comma - from);
        while (!name.empty() && blank(name.back())) name.pop_back();
        while (!name.empty() && blank(name.front())) name.erase(0, 1);
        if (!name.empty()) search_->sources.push_back(std::move(name));
        from = comma + 1;
      }
    } while (tokens_.accept(","));
    if (search_->sources.empty()) return fail_here("expected a dataset after `source=`");
    search_->sources_span = {begin, here_end()};
    if (accept_operator_word("as")) search_->alias = CLEW_TRY(value());
    return {};
  }

  TokenStream& tokens_;
  std::string_view text_;
  Search* search_ = nullptr;
  size_t nodes_ = 0;
};

std::string_view op_text(SearchNode::Op op) {
  using Op = SearchNode::Op;
  switch (op) {
    case Op::kEq: return "=";
    case Op::kNe: return "!=";
    case Op::kLt: return "<";
    case Op::kLe: return "<=";
    case Op::kGt: return ">";
    case Op::kGe: return ">=";
  }
  return "=";
}

std::string print_children(const SearchNode& node, std::string_view between) {
  std::string out;
  for (const SearchPtr& child : node.children) {
    bool list = child->kind == SearchNode::Kind::kAnd || child->kind == SearchNode::Kind::kOr;
    if (!out.empty()) out += between;
    out += list ? "(" + print(*child) + ")" : print(*child);
  }
  return out;
}

}  // namespace

Result<Search> parse_search(TokenStream& tokens) { return SearchParser(tokens).parse(); }
Result<Search> parse_sources(TokenStream& tokens) { return SearchParser(tokens).parse_only_sources(); }

std::string print(const SearchNode& node) {
  using Kind = SearchNode::Kind;
  switch (node.kind) {
    case Kind::kAnd: return print_children(node, " AND ");
    case Kind::kOr: return print_children(node, " OR ");
    case Kind::kNot: {
      bool list = node.children[0]->kind == Kind::kAnd || node.children[0]->kind == Kind::kOr;
      return list ? "NOT (" + print(*node.children[0]) + ")" : "NOT " + print(*node.children[0]);
    }
    case Kind::kTerm: return expr::print_string(node.values[0]);
    case Kind::kTime: return node.field + "=" + expr::print_string(node.values[0]);
    case Kind::kCompare:
      return expr::print_name(node.field) + std::string(op_text(node.op)) + expr::print_string(node.values[0]);
    case Kind::kIn: break;
  }
  std::string out = expr::print_name(node.field) + " IN (";
  for (size_t i = 0; i < node.values.size(); ++i) out += (i == 0 ? "" : ", ") + expr::print_string(node.values[i]);
  return out + ")";
}

std::string print(const Search& search) {
  std::string out;
  for (const std::string& source : search.sources) out += (out.empty() ? "source=" : ",") + expr::print_string(source);
  if (!search.alias.empty()) out += " as " + expr::print_string(search.alias);
  if (search.where != nullptr) out += (out.empty() ? "" : " ") + print(*search.where);
  return out;
}

}  // namespace clew::query::ppl
