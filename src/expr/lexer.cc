#include "expr/lexer.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

namespace clew::expr {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f' || c == '\v'; }
bool is_name_start(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '@' || static_cast<uint8_t>(c) >= 0x80;
}
// `-` and `*` go on only inside a name, see lex_identifier.
bool is_name_char(char c) { return is_name_start(c) || is_digit(c); }

constexpr std::array<std::string_view, 8> kLongPuncts{"==", "!=", "<>", "<=", ">=", "->", "||", "&&"};
constexpr std::string_view kPuncts = "|,()[]{}=<>+-*/%.:;?$!&^~#";

struct UnitName {
  std::string_view name;
  TimeUnit unit;
};
constexpr UnitName kUnitNames[] = {
    {"us", TimeUnit::kMicrosecond},
    {"microsecond", TimeUnit::kMicrosecond},
    {"microseconds", TimeUnit::kMicrosecond},
    {"ms", TimeUnit::kMillisecond},
    {"millisecond", TimeUnit::kMillisecond},
    {"milliseconds", TimeUnit::kMillisecond},
    {"cs", TimeUnit::kCentisecond},
    {"centisecond", TimeUnit::kCentisecond},
    {"centiseconds", TimeUnit::kCentisecond},
    {"ds", TimeUnit::kDecisecond},
    {"decisecond", TimeUnit::kDecisecond},
    {"deciseconds", TimeUnit::kDecisecond},
    {"s", TimeUnit::kSecond},
    {"sec", TimeUnit::kSecond},
    {"secs", TimeUnit::kSecond},
    {"second", TimeUnit::kSecond},
    {"seconds", TimeUnit::kSecond},
    {"m", TimeUnit::kMinute},
    {"min", TimeUnit::kMinute},
    {"mins", TimeUnit::kMinute},
    {"minute", TimeUnit::kMinute},
    {"minutes", TimeUnit::kMinute},
    {"h", TimeUnit::kHour},
    {"hr", TimeUnit::kHour},
    {"hrs", TimeUnit::kHour},
    {"hour", TimeUnit::kHour},
    {"hours", TimeUnit::kHour},
    {"d", TimeUnit::kDay},
    {"day", TimeUnit::kDay},
    {"days", TimeUnit::kDay},
    {"w", TimeUnit::kWeek},
    {"week", TimeUnit::kWeek},
    {"weeks", TimeUnit::kWeek},
    {"mon", TimeUnit::kMonth},
    {"month", TimeUnit::kMonth},
    {"months", TimeUnit::kMonth},
    {"q", TimeUnit::kQuarter},
    {"qtr", TimeUnit::kQuarter},
    {"qtrs", TimeUnit::kQuarter},
    {"quarter", TimeUnit::kQuarter},
    {"quarters", TimeUnit::kQuarter},
    {"y", TimeUnit::kYear},
    {"yr", TimeUnit::kYear},
    {"yrs", TimeUnit::kYear},
    {"year", TimeUnit::kYear},
    {"years", TimeUnit::kYear},
};

// The byte that `\c` stands for. Escapes that mean nothing to us stay as they are, so that regular expressions need no
// doubled backslash: '\d+' is \d+.
bool unescape(char c, char quote, std::string& out) {
  if (c == '\\' || c == quote || c == '`') {
    out += c;
    return true;
  }
  return false;
}

std::string describe(const Token& token, std::string_view source) {
  switch (token.kind) {
    case TokenKind::kEnd: return "found the end of the query";
    default: return "found " + quoted(source);
  }
}

}  // namespace

bool equals_ignore_case(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  for (size_t i = 0; i < a.size(); ++i) {
    char x = a[i] >= 'A' && a[i] <= 'Z' ? static_cast<char>(a[i] + 32) : a[i];
    char y = b[i] >= 'A' && b[i] <= 'Z' ? static_cast<char>(b[i] + 32) : b[i];
    if (x != y) return false;
  }
  return true;
}

std::string to_lower_ascii(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  }
  return out;
}

bool Token::is_word(std::string_view word) const {
  return kind == TokenKind::kIdentifier && !quoted && equals_ignore_case(text, word);
}

const Token& TokenStream::peek(size_t ahead) {
  while (ahead_.size() <= ahead) ahead_.push_back(lex());
  return ahead_[ahead];
}

Token TokenStream::next() {
  Token token = peek();
  ahead_.erase(ahead_.begin());
  last_end_ = token.span.end;
  return token;
}

bool TokenStream::accept(std::string_view punct) {
  if (!peek().is(punct)) return false;
  next();
  return true;
}

bool TokenStream::accept_word(std::string_view word) {
  if (!peek().is_word(word)) return false;
  next();
  return true;
}

Status TokenStream::expect(std::string_view punct) {
  if (!accept(punct)) return fail_expected("`" + std::string(punct) + "`");
  return {};
}

Status TokenStream::expect_word(std::string_view word) {
  if (!accept_word(word)) return fail_expected("`" + std::string(word) + "`");
  return {};
}

uint32_t TokenStream::offset() { return peek().span.begin; }

void TokenStream::seek(uint32_t offset) {
  ahead_.clear();
  at_ = offset;
}

Token TokenStream::next_word(std::string_view stop) {
  uint32_t begin = offset();
  Token token;
  token.kind = TokenKind::kIdentifier;
  token.space_before = peek().space_before;
  uint32_t end = begin;
  while (end < text_.size() && !is_blank(text_[end]) && stop.find(text_[end]) == std::string_view::npos) ++end;
  token.span = {begin, end};
  token.text = std::string(text_.substr(begin, end - begin));
  if (end > begin) {
    seek(end);
    last_end_ = end;
  }
  return token;
}

Error TokenStream::fail(SourceSpan span, std::string_view code, std::string message, std::string suggestion) {
  if (diagnostic_.code.empty()) {
    LineColumn at = locate(text_, span.begin);
    diagnostic_ = {code, span, at.line, at.column, std::move(message), std::move(suggestion)};
  }
  return to_error(diagnostic_);
}

Error TokenStream::fail_expected(std::string_view what) {
  const Token& token = peek();
  if (token.kind == TokenKind::kBad) return fail(token.span, kSyntaxError, token.text);
  return fail(token.span, kSyntaxError, "expected " + std::string(what) + ", " + describe(token, source(token.span)));
}

// True when anything was skipped.
bool TokenStream::skip_blanks() {
  uint32_t begin = at_;
  while (at_ < text_.size()) {
    if (is_blank(text_[at_])) {
      ++at_;
    } else if (text_.substr(at_, 2) == "//") {
      while (at_ < text_.size() && text_[at_] != '\n') ++at_;
    } else if (text_.substr(at_, 2) == "/*") {
      size_t end = text_.find("*/", at_ + 2);
      if (end == std::string_view::npos) break;
      at_ = static_cast<uint32_t>(end + 2);
    } else {
      break;
    }
  }
  return at_ != begin;
}

Token TokenStream::bad(uint32_t begin, std::string message) {
  Token token;
  token.kind = TokenKind::kBad;
  token.span = {begin, at_};
  token.text = std::move(message);
  return token;
}

Token TokenStream::lex() {
  if (text_.size() > kQueryBytesMax) {
    return bad(at_, "a query of more than " + std::to_string(kQueryBytesMax) + " bytes");
  }
  bool space = skip_blanks();
  Token token;
  if (at_ >= text_.size()) {
    token.span = {static_cast<uint32_t>(text_.size()), static_cast<uint32_t>(text_.size())};
  } else {
    char c = text_[at_];
    bool digit_next = at_ + 1 < text_.size() && is_digit(text_[at_ + 1]);
    if (text_.substr(at_, 2) == "/*") {
      uint32_t begin = at_;
      at_ = static_cast<uint32_t>(text_.size());
      token = bad(begin, "a comment that is not closed by `*/`");
    } else if (c == '\'' || c == '"') {
      token = lex_string(c);
    } else if (is_digit(c) || (c == '.' && digit_next)) {
      token = lex_number();
    } else if (is_name_start(c) || c == '`') {
      token = lex_identifier();
    } else {
      token = lex_punct();
    }
  }
  token.space_before = space;
  return token;
}

Token TokenStream::lex_string(char quote) {
  Token token;
  token.kind = TokenKind::kString;
  uint32_t begin = at_++;
  while (at_ < text_.size()) {
    char c = text_[at_];
    char following = at_ + 1 < text_.size() ? text_[at_ + 1] : '\0';
    if (c == quote && following == quote) {
      token.text += quote;
      at_ += 2;
    } else if (c == quote) {
      ++at_;
      token.span = {begin, at_};
      return token;
    } else if (c == '\\' && at_ + 1 < text_.size() && unescape(following, quote, token.text)) {
      at_ += 2;
    } else {
      token.text += c;
      ++at_;
    }
  }
  return bad(begin, "a string that is not closed");
}

Token TokenStream::lex_number() {
  Token token;
  uint32_t begin = at_;
  auto digits = [&] {
    while (at_ < text_.size() && is_digit(text_[at_])) ++at_;
  };
  auto peek_char = [&](uint32_t ahead) { return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0'; };
  digits();
  token.kind = TokenKind::kInteger;
  if (peek_char(0) == '.' && is_digit(peek_char(1))) {
    ++at_;
    digits();
    token.kind = TokenKind::kDecimal;
  }
  bool exponent = (peek_char(0) == 'e' || peek_char(0) == 'E') &&
                  (is_digit(peek_char(1)) || ((peek_char(1) == '-' || peek_char(1) == '+') && is_digit(peek_char(2))));
  if (exponent) {
    at_ += 2;
    digits();
    token.kind = TokenKind::kDouble;
  }
  uint32_t number_end = at_;
  while (at_ < text_.size() && is_name_char(text_[at_])) ++at_;
  if (at_ > number_end) {
    std::string_view suffix = text_.substr(number_end, at_ - number_end);
    if (suffix == "f" || suffix == "F") {
      token.kind = TokenKind::kFloat;
    } else if (parse_time_unit(suffix).ok()) {
      token.kind = TokenKind::kSpan;
      number_end = at_;
    } else if (token.kind == TokenKind::kDecimal) {
      return bad(begin, "a number with the unknown suffix " + quoted(suffix));
    } else {
      at_ = begin;  // a name that begins with a digit, `5xx` or an id
      return lex_identifier();
    }
  }
  token.span = {begin, at_};
  token.text = std::string(text_.substr(begin, number_end - begin));
  return token;
}

// Parts joined by dots; each part plain or in backticks. Inside a plain part `-` and `*` go on the name, but `->` ends
// it, and so does a `*` or `-` with nothing of a name behind it other than at the end of a wildcard.
Token TokenStream::lex_identifier() {
  Token token;
  token.kind = TokenKind::kIdentifier;
  uint32_t begin = at_;
  while (true) {
    if (at_ < text_.size() && text_[at_] == '`') {
      token.quoted = true;
      do {  // a backtick that is doubled belongs to the name
        size_t close = text_.find('`', at_ + 1);
        if (close == std::string_view::npos) {
          at_ = static_cast<uint32_t>(text_.size());
          return bad(begin, "a name in backticks that is not closed");
        }
        bool doubled = close + 1 < text_.size() && text_[close + 1] == '`';
        token.text.append(text_.substr(at_ + 1, close - at_ - (doubled ? 0 : 1)));
        at_ = static_cast<uint32_t>(close + 1);
      } while (at_ < text_.size() && text_[at_] == '`');
    } else {
      while (at_ < text_.size()) {
        char c = text_[at_];
        bool dash = c == '-' && at_ + 1 < text_.size() && is_name_char(text_[at_ + 1]) && at_ > begin;
        if (!is_name_char(c) && !dash) break;
        token.text += c;
        ++at_;
      }
    }
    bool dot = at_ + 1 < text_.size() && text_[at_] == '.' && (is_name_char(text_[at_ + 1]) || text_[at_ + 1] == '`');
    if (!dot) break;
    token.text += '.';
    ++at_;
  }
  token.span = {begin, at_};
  return token;
}

Token TokenStream::lex_punct() {
  Token token;
  token.kind = TokenKind::kPunct;
  uint32_t begin = at_;
  for (std::string_view punct : kLongPuncts) {
    if (text_.substr(at_, punct.size()) == punct) {
      at_ += static_cast<uint32_t>(punct.size());
      token.text = std::string(punct);
      token.span = {begin, at_};
      return token;
    }
  }
  ++at_;
  if (kPuncts.find(text_[begin]) == std::string_view::npos) {
    return bad(begin, "unexpected character " + quoted(text_.substr(begin, 1)));
  }
  token.text = std::string(text_.substr(begin, 1));
  token.span = {begin, at_};
  return token;
}

int64_t TimeSpan::months() const {
  double each = unit == TimeUnit::kMonth ? 1 : unit == TimeUnit::kQuarter ? 3 : 12;
  constexpr double kMonthsMax = 1e9;
  return static_cast<int64_t>(std::llround(std::min(count * each, kMonthsMax)));
}

int64_t TimeSpan::nanos() const {
  double each = 0;
  switch (unit) {
    case TimeUnit::kMicrosecond: each = 1e3; break;
    case TimeUnit::kMillisecond: each = 1e6; break;
    case TimeUnit::kCentisecond: each = 1e7; break;
    case TimeUnit::kDecisecond: each = 1e8; break;
    case TimeUnit::kSecond: each = 1e9; break;
    case TimeUnit::kMinute: each = 60e9; break;
    case TimeUnit::kHour: each = 3600e9; break;
    case TimeUnit::kDay: each = 86400e9; break;
    default: each = 7 * 86400e9; break;
  }
  double nanos = count * each;
  if (nanos >= 9.2e18) return INT64_MAX;
  return static_cast<int64_t>(nanos);
}

Result<TimeUnit> parse_time_unit(std::string_view text) {
  if (text == "M") return TimeUnit::kMonth;
  std::string lower = to_lower_ascii(text);
  for (const UnitName& unit : kUnitNames) {
    if (unit.name == lower) return unit.unit;
  }
  return Error(Code::kInvalid, "unknown unit of time " + quoted(text));
}

Result<TimeSpan> parse_time_span(std::string_view text) {
  size_t digits = 0;
  while (digits < text.size() && (is_digit(text[digits]) || text[digits] == '.')) ++digits;
  TimeSpan span;
  if (digits > 0) {
    auto [end, failed] = std::from_chars(text.data(), text.data() + digits, span.count);
    if (failed != std::errc() || end != text.data() + digits) {
      return Error(Code::kInvalid, "not a length of time: " + quoted(text));
    }
  }
  span.unit = CLEW_TRY(parse_time_unit(text.substr(digits)));
  return span;
}

}  // namespace clew::expr
