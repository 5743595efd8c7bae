#include "expr/text_query.h"

#include <algorithm>
#include <charconv>

#include "expr/coerce.h"
#include "expr/functions.h"
#include "text/words.h"

namespace clew::expr {

using Kind = TextClause::Kind;
using Form = TextClause::Form;
using model::Type;

namespace {

std::unique_ptr<TextClause> new_clause(Kind kind, const std::vector<uint32_t>& fields = {}) {
  auto out = std::make_unique<TextClause>();
  out->kind = kind;
  out->fields = fields;
  return out;
}

// Letters that may differ, by the length of the word.
int letters_of(const std::string& fuzziness, size_t length) {
  if (fuzziness.empty()) return 0;
  int n = 0;
  auto [end, failed] = std::from_chars(fuzziness.data(), fuzziness.data() + fuzziness.size(), n);
  if (failed == std::errc()) return std::clamp(n, 0, 2);
  return length < 3 ? 0 : length < 6 ? 1 : 2;
}

TextClausePtr word_clause(std::string word, const std::vector<uint32_t>& fields, Form form,
                          const TextOptions& options) {
  auto out = new_clause(Kind::kWord, fields);
  out->form = form;
  int letters = form == Form::kExact ? letters_of(options.fuzziness, word.size()) : 0;
  if (letters > 0) {
    out->form = Form::kFuzzy;
    out->distance = letters;
    out->prefix_length = options.prefix_length;
  }
  out->words.push_back(std::move(word));
  return out;
}

// `2`, `-1`, `75%`, `-25%` of so many clauses.
size_t least_of(const std::string& text, size_t count) {
  if (text.empty()) return 0;
  int n = 0;
  auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), n);
  if (failed != std::errc()) return 0;
  auto total = static_cast<int64_t>(count);
  int64_t wanted = n;
  bool percent = end != text.data() + text.size() && *end == '%';
  if (percent) wanted = n * total / 100;
  if (n < 0) wanted = total + wanted;
  return static_cast<size_t>(std::clamp<int64_t>(wanted, 0, total));
}

}  // namespace

TextClausePtr match_clause(TextForm form, std::string_view text, std::vector<uint32_t> fields,
                           const TextOptions& options) {
  std::vector<std::string> words = text::words_of(text);
  if (words.empty()) return new_clause(options.every_when_empty ? Kind::kEvery : Kind::kNone);
  bool phrase = form == TextForm::kPhrase || form == TextForm::kPhrasePrefix;
  bool prefix = form == TextForm::kPhrasePrefix || form == TextForm::kBoolPrefix;
  if (words.size() == 1)
    return word_clause(words[0], fields, prefix ? Form::kPrefix : Form::kExact, phrase ? TextOptions() : options);
  if (phrase) {
    auto out = new_clause(Kind::kPhrase, fields);
    out->words = std::move(words);
    out->form = prefix ? Form::kPrefix : Form::kExact;
    out->distance = options.slop;
    return out;
  }
  auto out = new_clause(Kind::kBool);
  auto& clauses = options.all ? out->must : out->should;
  for (size_t i = 0; i < words.size(); ++i) {
    Form own = prefix && i + 1 == words.size() ? Form::kPrefix : Form::kExact;
    clauses.push_back(word_clause(words[i], fields, own, options));
  }
  out->should_least = least_of(options.least, out->should.size());
  return out;
}

TextClausePtr cross_fields_clause(std::string_view text, std::vector<uint32_t> fields, const TextOptions& options) {
  // A word clause already looks into each of its fields.
  return match_clause(TextForm::kMatch, text, std::move(fields), options);
}

// ---- parsing

namespace {

// Terms and phrases of both languages.
class TermReader {
 public:
  TermReader(std::string_view text, const TextOptions& options) : text_(text), options_(options) {}

 protected:
  bool at_end() const { return at_ >= text_.size(); }
  char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  void skip_blanks() {
    while (!at_end() && (peek() == ' ' || peek() == '\t' || peek() == '\n')) ++at_;
  }
  bool accept(char c) {
    if (peek() != c) return false;
    ++at_;
    return true;
  }
  int number(int otherwise) {
    int n = 0;
    auto [end, failed] = std::from_chars(text_.data() + at_, text_.data() + text_.size(), n);
    if (failed != std::errc()) return otherwise;
    at_ = static_cast<size_t>(end - text_.data());
    return n;
  }
  void skip_boost() {
    if (!accept('^')) return;
    while (!at_end() && ((peek() >= '0' && peek() <= '9') || peek() == '.')) ++at_;
  }

  // The quote has been taken.
  TextClausePtr phrase(const std::vector<uint32_t>& fields) {
    std::string inside;
    while (!at_end() && peek() != '"') {
      if (peek() == '\\' && at_ + 1 < text_.size()) ++at_;
      inside.push_back(text_[at_++]);
    }
    accept('"');
    TextOptions own = options_;
    if (accept('~')) own.slop = number(0);
    skip_boost();
    return match_clause(TextForm::kPhrase, inside, fields, own);
  }

  TextClausePtr term(const std::string& word, const std::vector<uint32_t>& fields) {
    TextOptions own = options_;
    if (accept('~')) own.fuzziness = std::to_string(number(2));
    skip_boost();
    bool wildcard = word.find_first_of("*?") != std::string::npos;
    if (word == "*") return new_clause(Kind::kEvery);
    bool prefix = word.size() > 1 && word.find_first_of("*?") == word.size() - 1 && word.back() == '*';
    if (prefix)
      return match_clause(TextForm::kBoolPrefix, std::string_view(word).substr(0, word.size() - 1), fields, own);
    if (wildcard) return word_clause(text::fold(word), fields, Form::kWildcard, {});
    // A term of several words (`web-1`) is a phrase.
    bool several = text::words_of(word).size() > 1;
    return match_clause(several ? TextForm::kPhrase : TextForm::kMatch, word, fields, own);
  }

  std::string_view text_;
  const TextOptions& options_;
  size_t at_ = 0;
};

class QueryStringParser final : private TermReader {
 public:
  QueryStringParser(std::string_view text, std::vector<uint32_t> fields, const TextOptions& options,
                    const FieldNumber& field)
      : TermReader(text, options), fields_(std::move(fields)), field_(field) {}

  Result<TextClausePtr> parse() {
    TextClausePtr out = CLEW_TRY(clauses(fields_, 0));
    if (!at_end()) return Error(Code::kInvalid, "query string: unexpected " + quoted(text_.substr(at_, 1)));
    return out;
  }

 private:
  enum class Sign : uint8_t { kNone, kMust, kNot };
  struct Part {
    TextClausePtr clause;
    Sign sign = Sign::kNone;
  };

  bool word(std::string_view upper) {
    if (text_.substr(at_, upper.size()) != upper) return false;
    size_t end = at_ + upper.size();
    if (end < text_.size() && text_[end] != ' ' && text_[end] != '(' && text_[end] != '"') return false;
    at_ = end;
    return true;
  }

  Result<TextClausePtr> clauses(const std::vector<uint32_t>& fields, int depth) {
    if (depth > kTextDepthMax) return Error(Code::kTooLarge, "the query string is nested too deeply");
    std::vector<Part> parts;
    bool conjunction = false;
    while (true) {
      skip_blanks();
      if (at_end() || peek() == ')') break;
      bool both = word("AND") || pair("&&");
      bool either = !both && (word("OR") || pair("||"));
      if (both && !parts.empty() && parts.back().sign == Sign::kNone) parts.back().sign = Sign::kMust;
      if (both || either) {
        conjunction = both;
        either_ = either_ || either;
        continue;
      }
      if (++count_ > kTextClausesMax) return Error(Code::kTooLarge, "the query string has too many clauses");
      Part part;
      bool negated = word("NOT") || accept('-') || accept('!');
      bool must = !negated && accept('+');
      skip_blanks();
      part.clause = CLEW_TRY(clause(fields, depth));
      if (part.clause == nullptr) continue;
      bool required = must || conjunction || (options_.all && !either_);
      part.sign = negated ? Sign::kNot : required ? Sign::kMust : Sign::kNone;
      conjunction = false;
      parts.push_back(std::move(part));
    }
    return joined(std::move(parts));
  }

  bool pair(std::string_view sign) {
    if (text_.substr(at_, 2) != sign) return false;
    at_ += 2;
    return true;
  }

  static TextClausePtr joined(std::vector<Part> parts) {
    if (parts.empty()) return new_clause(Kind::kNone);
    if (parts.size() == 1 && parts[0].sign != Sign::kNot) return std::move(parts[0].clause);
    auto out = new_clause(Kind::kBool);
    for (Part& part : parts) {
      auto& list = part.sign == Sign::kMust ? out->must : part.sign == Sign::kNot ? out->must_not : out->should;
      list.push_back(std::move(part.clause));
    }
    return out;
  }

  Result<TextClausePtr> clause(const std::vector<uint32_t>& fields, int depth) {
    if (accept('(')) {
      TextClausePtr inner = CLEW_TRY(clauses(fields, depth + 1));
      if (!accept(')')) return Error(Code::kInvalid, "query string: a `(` is not closed");
      skip_boost();
      return inner;
    }
    if (accept('"')) return phrase(fields);
    if (peek() == '[' || peek() == '{') return range(fields);
    for (std::string_view op : {">=", "<=", ">", "<"}) {
      if (text_.substr(at_).starts_with(op)) return open_range(op, fields);
    }
    std::string found = take_word();
    if (found.empty()) {
      ++at_;  // a lone sign
      return TextClausePtr();
    }
    if (accept(':')) return in_field(found, depth);
    return term(found, fields);
  }

  Result<TextClausePtr> in_field(const std::string& name, int depth) {
    if (name == "*") {
      if (accept('*')) return TextClausePtr(new_clause(Kind::kEvery));
      return clause(fields_, depth);
    }
    bool exists = name == "_exists_";
    std::optional<uint32_t> number = exists ? field_(take_word()) : field_(name);
    if (exists || (peek() == '*' && ends_after(1))) {
      if (!exists) ++at_;
      auto out = new_clause(number ? Kind::kExists : Kind::kNone);
      if (number) out->fields = {*number};
      return TextClausePtr(std::move(out));
    }
    std::vector<uint32_t> fields;
    if (number) fields.push_back(*number);
    return clause(fields, depth);
  }

  bool ends_after(size_t n) const { return at_ + n >= text_.size() || text_[at_ + n] == ' ' || text_[at_ + n] == ')'; }

  std::string take_word() {
    std::string out;
    while (!at_end() && std::string_view(" \t\n()[]{}\":^~").find(peek()) == std::string_view::npos) {
      if (peek() == '\\' && at_ + 1 < text_.size()) ++at_;
      out.push_back(text_[at_++]);
    }
    return out;
  }

  // `[a TO b]`, `{a TO b}`, `*` for no bound.
  Result<TextClausePtr> range(const std::vector<uint32_t>& fields) {
    auto out = new_clause(Kind::kRange, fields);
    out->low_included = text_[at_++] == '[';
    skip_blanks();
    out->low = bound();
    skip_blanks();
    if (!word("TO")) return Error(Code::kInvalid, "query string: a range is written [a TO b]");
    skip_blanks();
    out->high = bound();
    skip_blanks();
    out->high_included = peek() == ']';
    if (!accept(']') && !accept('}')) return Error(Code::kInvalid, "query string: a range is not closed");
    return TextClausePtr(std::move(out));
  }

  std::string bound() {
    std::string out;
    if (accept('"')) {
      while (!at_end() && peek() != '"') out.push_back(text_[at_++]);
      accept('"');
      return out;
    }
    while (!at_end() && peek() != ' ' && peek() != ']' && peek() != '}') out.push_back(text_[at_++]);
    return out == "*" ? std::string() : out;
  }

  Result<TextClausePtr> open_range(std::string_view op, const std::vector<uint32_t>& fields) {
    at_ += op.size();
    auto out = new_clause(Kind::kRange, fields);
    std::string value = bound();
    bool included = op.size() == 2;
    (op[0] == '>' ? out->low : out->high) = value;
    (op[0] == '>' ? out->low_included : out->high_included) = included;
    return TextClausePtr(std::move(out));
  }

  std::vector<uint32_t> fields_;
  const FieldNumber& field_;
  bool either_ = false;
  size_t count_ = 0;
};

class SimpleQueryParser final : private TermReader {
 public:
  SimpleQueryParser(std::string_view text, std::vector<uint32_t> fields, const TextOptions& options)
      : TermReader(text, options), fields_(std::move(fields)) {}

  TextClausePtr parse() { return clauses(0); }

 private:
  enum class Join : uint8_t { kDefault, kAnd, kOr };

  // Left to right: what is read is joined with all before it.
  TextClausePtr clauses(int depth) {
    TextClausePtr left;
    Join join = Join::kDefault;
    while (true) {
      skip_blanks();
      if (at_end()) break;
      if (depth > 0 && accept(')')) break;
      if (accept('+'))
        join = Join::kAnd;
      else if (accept('|'))
        join = Join::kOr;
      else if (TextClausePtr right = clause(depth)) {
        bool both = join == Join::kAnd || (join == Join::kDefault && options_.all);
        left = joined(std::move(left), std::move(right), both);
        join = Join::kDefault;
      }
    }
    if (left == nullptr) return new_clause(Kind::kNone);
    return left;
  }

  static TextClausePtr joined(TextClausePtr left, TextClausePtr right, bool both) {
    if (left == nullptr) return right;
    auto out = new_clause(Kind::kBool);
    auto& list = both ? out->must : out->should;
    list.push_back(std::move(left));
    list.push_back(std::move(right));
    return out;
  }

  TextClausePtr clause(int depth) {
    if (++count_ > kTextClausesMax) {
      at_ = text_.size();
      return nullptr;
    }
    bool negated = accept('-');
    TextClausePtr out;
    if (depth < kTextDepthMax && accept('('))
      out = clauses(depth + 1);
    else if (accept('"'))
      out = phrase(fields_);
    else
      out = word();
    if (out == nullptr || !negated) return out;
    auto none = new_clause(Kind::kBool);
    none->must_not.push_back(std::move(out));
    return none;
  }

  TextClausePtr word() {
    std::string found;
    while (!at_end() && std::string_view(" \t\n()+|\"~^").find(peek()) == std::string_view::npos) {
      if (peek() == '\\' && at_ + 1 < text_.size()) ++at_;
      found.push_back(text_[at_++]);
    }
    if (found.empty()) {
      ++at_;
      return nullptr;
    }
    return term(found, fields_);
  }

  std::vector<uint32_t> fields_;
  size_t count_ = 0;
};

}  // namespace

Result<TextClausePtr> parse_query_string(std::string_view text, std::vector<uint32_t> fields,
                                         const TextOptions& options, const FieldNumber& field) {
  return QueryStringParser(text, std::move(fields), options, field).parse();
}

TextClausePtr parse_simple_query(std::string_view text, std::vector<uint32_t> fields, const TextOptions& options) {
  return SimpleQueryParser(text, std::move(fields), options).parse();
}

// ---- matching

namespace {

struct Word {
  std::string text;
  int place = 0;
};

void add_words(const Cell& cell, int& place, std::vector<Word>& out) {
  if (cell.is_null()) return;
  if (cell.type == Type::kArray) {
    for (const model::Value& item : cell.value->items()) {
      add_words(cell_of(item), place, out);
      place += kPositionGap;
    }
    return;
  }
  std::string buffer;
  text::for_each_word(text_of(cell, buffer), [&](std::string_view word) {
    out.push_back({std::string(word), place++});
  });
}

// Letters to change, add, drop, or swap beside each other; more than `most` need not be exact.
int letters_apart(std::string_view a, std::string_view b, int most) {
  auto length = [](std::string_view s) { return static_cast<int>(s.size()); };
  if (std::abs(length(a) - length(b)) > most) return most + 1;
  std::vector<std::vector<int>> d(a.size() + 1, std::vector<int>(b.size() + 1));
  for (size_t i = 0; i <= a.size(); ++i) d[i][0] = static_cast<int>(i);
  for (size_t j = 0; j <= b.size(); ++j) d[0][j] = static_cast<int>(j);
  for (size_t i = 1; i <= a.size(); ++i) {
    for (size_t j = 1; j <= b.size(); ++j) {
      int cost = a[i - 1] == b[j - 1] ? 0 : 1;
      d[i][j] = std::min({d[i - 1][j] + 1, d[i][j - 1] + 1, d[i - 1][j - 1] + cost});
      bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
      if (swapped) d[i][j] = std::min(d[i][j], d[i - 2][j - 2] + 1);
    }
  }
  return d[a.size()][b.size()];
}

bool word_matches(const TextClause& clause, std::string_view wanted, Form form, const std::string& word) {
  switch (form) {
    case Form::kExact: return word == wanted;
    case Form::kPrefix: return word.starts_with(wanted);
    case Form::kWildcard: return text::wildcard_match(wanted, word);
    case Form::kFuzzy: {
      std::string_view own = word;
      size_t fixed = std::min(clause.prefix_length, wanted.size());
      return own.substr(0, fixed) == wanted.substr(0, fixed) &&
             letters_apart(wanted, own, clause.distance) <= clause.distance;
    }
  }
  return false;
}

class Matcher {
 public:
  Matcher(std::span<const Cell> cells, int64_t now)
      : cells_(cells), now_(now), words_(cells.size()), known_(cells.size()) {}

  bool matches(const TextClause& clause) {
    switch (clause.kind) {
      case Kind::kNone: return false;
      case Kind::kEvery: return true;
      case Kind::kBool: return all_together(clause);
      default: break;
    }
    return std::any_of(clause.fields.begin(), clause.fields.end(),
                       [&](uint32_t field) { return matches_in(clause, field); });
  }

 private:
  const std::vector<Word>& words(uint32_t field) {
    if (!known_[field]) {
      int place = 0;
      add_words(cells_[field], place, words_[field]);
      known_[field] = true;
    }
    return words_[field];
  }

  bool matches_in(const TextClause& clause, uint32_t field) {
    if (clause.kind == Kind::kExists) return !cells_[field].is_null();
    if (clause.kind == Kind::kRange) return in_range(clause, cells_[field]);
    const std::vector<Word>& all = words(field);
    if (clause.kind == Kind::kPhrase) return phrase_there(clause, all);
    return std::any_of(all.begin(), all.end(),
                       [&](const Word& word) { return word_matches(clause, clause.words[0], clause.form, word.text); });
  }

  bool in_range(const TextClause& clause, const Cell& cell) const {
    if (cell.is_null()) return false;
    if (cell.type == Type::kArray) {
      return std::any_of(cell.value->items().begin(), cell.value->items().end(),
                         [&](const model::Value& item) { return in_range(clause, cell_of(item)); });
    }
    auto side = [&](const std::string& bound) {
      Cell text;
      text.type = Type::kString;
      text.text = bound;
      return compare(cell, text, now_);
    };
    Order low = clause.low.empty() ? Order::kGreater : side(clause.low);
    Order high = clause.high.empty() ? Order::kLess : side(clause.high);
    bool above = low == Order::kGreater || (low == Order::kEqual && clause.low_included);
    bool below = high == Order::kLess || (high == Order::kEqual && clause.high_included);
    return above && below;
  }

  // Places for all words of the phrase whose distances from where they should be differ by no more than the slop.
  bool phrase_there(const TextClause& clause, const std::vector<Word>& all) {
    std::vector<std::vector<int>> places(clause.words.size());
    for (const Word& word : all) {
      for (size_t i = 0; i < clause.words.size(); ++i) {
        Form form = i + 1 == clause.words.size() ? clause.form : Form::kExact;
        if (word_matches(clause, clause.words[i], form, word.text))
          places[i].push_back(word.place - static_cast<int>(i));
      }
    }
    if (std::any_of(places.begin(), places.end(), [](const auto& of_word) { return of_word.empty(); })) return false;
    for (int start : places[0]) {
      // The first word stands somewhere in the window of slop + 1 places.
      for (int low = start - clause.distance; low <= start; ++low) {
        bool fits = std::all_of(places.begin(), places.end(), [&](const std::vector<int>& of_word) {
          return std::any_of(of_word.begin(), of_word.end(),
                             [&](int place) { return place >= low && place <= low + clause.distance; });
        });
        if (fits) return true;
      }
    }
    return false;
  }

  bool all_together(const TextClause& clause) {
    for (const TextClausePtr& one : clause.must_not) {
      if (matches(*one)) return false;
    }
    for (const TextClausePtr& one : clause.must) {
      if (!matches(*one)) return false;
    }
    size_t least = clause.should_least != 0                        ? clause.should_least
                   : clause.must.empty() && !clause.should.empty() ? 1
                                                                   : 0;
    size_t found = 0;
    for (const TextClausePtr& one : clause.should) {
      if (found >= least) break;
      found += matches(*one) ? 1 : 0;
    }
    return found >= least;
  }

  std::span<const Cell> cells_;
  int64_t now_;
  std::vector<std::vector<Word>> words_;
  std::vector<bool> known_;
};

WordNeed any_field(const std::string& word, const std::vector<uint32_t>& fields) {
  WordNeed out;
  out.kind = WordNeed::Kind::kAny;
  for (uint32_t field : fields) {
    WordNeed one;
    one.kind = WordNeed::Kind::kWord;
    one.field = field;
    one.word = word;
    out.children.push_back(std::move(one));
  }
  return out;
}

}  // namespace

bool text_matches(const TextClause& clause, std::span<const Cell> cells, int64_t now) {
  return Matcher(cells, now).matches(clause);
}

std::optional<WordNeed> need_of(const TextClause& clause) {
  WordNeed all;
  if (clause.kind == Kind::kWord || clause.kind == Kind::kPhrase) {
    for (size_t i = 0; i < clause.words.size(); ++i) {
      bool exact = i + 1 < clause.words.size() || clause.form == Form::kExact;
      if (exact) all.children.push_back(any_field(clause.words[i], clause.fields));
    }
  } else if (clause.kind == Kind::kBool) {
    for (const TextClausePtr& one : clause.must) {
      if (auto need = need_of(*one)) all.children.push_back(std::move(*need));
    }
    bool one_needed = clause.must.empty() || clause.should_least > 0;
    WordNeed any;
    any.kind = WordNeed::Kind::kAny;
    for (const TextClausePtr& one : clause.should) {
      std::optional<WordNeed> need = need_of(*one);
      one_needed = one_needed && need.has_value();
      if (need) any.children.push_back(std::move(*need));
    }
    if (one_needed && !any.children.empty()) all.children.push_back(std::move(any));
  }
  if (all.children.empty()) return std::nullopt;
  return all;
}

bool need_suffices(const TextClause& clause) {
  auto each = [](const std::vector<TextClausePtr>& list) {
    return std::all_of(list.begin(), list.end(), [](const TextClausePtr& one) { return need_suffices(*one); });
  };
  if (clause.kind == Kind::kWord) return clause.form == Form::kExact && !clause.fields.empty();
  if (clause.kind != Kind::kBool || !clause.must_not.empty() || !each(clause.must)) return false;
  if (clause.must.empty()) return !clause.should.empty() && clause.should_least <= 1 && each(clause.should);
  return clause.should_least == 0 || (clause.should_least == 1 && !clause.should.empty() && each(clause.should));
}

}  // namespace clew::expr
