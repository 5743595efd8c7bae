// Tokens of PPL (docs/PPL.md section 1) and a stream over them.
//
// The lexer never fails: what it cannot read becomes a kBad token, which is reported when a parser gets there. Tokens
// are made lazily, so that the search expression, whose bare words follow other rules, can take a word where it stands.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "expr/diagnostic.h"

namespace clew::expr {

constexpr size_t kQueryBytesMax = 1 << 20;  // longer queries are refused

enum class TokenKind : uint8_t {
  kEnd,
  kIdentifier,  // text: the name, dots joined, quotes removed
  kString,      // text: the content, escapes replaced
  kInteger,     // text: digits
  kDecimal,     // text: "1.5"
  kFloat,       // text: "1.5" of `1.5f`
  kDouble,      // text: "1e5"; `1.5d` lexes as kSpan
  kSpan,        // text: as it stands, "5m", "1.5d"
  kPunct,       // text: one of | , ( ) [ ] { } = == != <> < <= > >= + - * / % . : -> ; ? $
  kBad,         // text: what is wrong with it
};

struct Token {
  TokenKind kind = TokenKind::kEnd;
  bool quoted = false;        // kIdentifier: some part stood in backticks, so it is no keyword
  bool space_before = false;  // blank or comment before it
  SourceSpan span;
  std::string text;

  bool is(std::string_view punct) const { return kind == TokenKind::kPunct && text == punct; }
  // An unquoted identifier equal to `word` without regard to case. `word` is lower case.
  bool is_word(std::string_view word) const;
};

bool equals_ignore_case(std::string_view a, std::string_view b);
std::string to_lower_ascii(std::string_view text);

// Threads: one at a time.  Lifetime: `text` outlives the stream.
class TokenStream {
 public:
  explicit TokenStream(std::string_view text) : text_(text) {}

  // The token `ahead` places from here; the last one is kEnd for ever. The reference lives until the next call of a
  // non-const function other than peek.
  const Token& peek(size_t ahead = 0);
  Token next();
  // Takes the token if it is that punctuation or word.
  bool accept(std::string_view punct);
  bool accept_word(std::string_view word);
  // As accept, else a syntax error "expected ...".
  Status expect(std::string_view punct);
  Status expect_word(std::string_view word);
  bool at_end() { return peek().kind == TokenKind::kEnd; }

  // A bare word of a search expression: the run of bytes from the next token's place on without blanks and any of
  // `stop`. Empty when there is none; then nothing is taken.
  Token next_word(std::string_view stop);
  // Where the next token begins, and back to such a place.
  uint32_t offset();
  void seek(uint32_t offset);
  // End of the token taken last.
  uint32_t last_end() const { return last_end_; }

  std::string_view text() const { return text_; }
  std::string_view source(SourceSpan span) const { return text_.substr(span.begin, span.end - span.begin); }

  // Records what is wrong and gives the error to return. Only the first one counts.
  Error fail(SourceSpan span, std::string_view code, std::string message, std::string suggestion = "");
  // "expected WHAT, found `x`" at the next token; the message of a kBad token instead.
  Error fail_expected(std::string_view what);
  const Diagnostic& diagnostic() const { return diagnostic_; }

 private:
  Token lex();
  bool skip_blanks();
  Token lex_string(char quote);
  Token lex_number();
  Token lex_identifier();
  Token lex_punct();
  Token bad(uint32_t begin, std::string message);

  std::string_view text_;
  uint32_t at_ = 0;  // where lexing goes on
  uint32_t last_end_ = 0;
  std::vector<Token> ahead_;  // lexed, not taken
  Diagnostic diagnostic_;
};

// A span literal: `5m`, `1h`, `1.5d`, `30seconds`.
enum class TimeUnit : uint8_t {
  kMicrosecond,
  kMillisecond,
  kCentisecond,
  kDecisecond,
  kSecond,
  kMinute,
  kHour,
  kDay,
  kWeek,
  kMonth,
  kQuarter,
  kYear,
};
struct TimeSpan {
  double count = 1;
  TimeUnit unit = TimeUnit::kSecond;

  bool calendar() const { return unit >= TimeUnit::kMonth; }
  int64_t months() const;  // Requires: calendar().
  int64_t nanos() const;   // Requires: !calendar().
};
// `m` is minute and `M` month; every other unit in any case.
Result<TimeSpan> parse_time_span(std::string_view text);
// "m", "min", "minutes" ... Errors: kInvalid.
Result<TimeUnit> parse_time_unit(std::string_view text);

}  // namespace clew::expr
