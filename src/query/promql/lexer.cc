#include "query/promql/lexer.h"

#include <fmt/format.h>

#include <array>

#include "query/promql/duration.h"

namespace clew::query::promql {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_alpha(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
bool is_hex(char c) { return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }

void append_utf8(uint32_t code, std::string& out) {
  if (code < 0x80) {
    out += static_cast<char>(code);
  } else if (code < 0x800) {
    out += static_cast<char>(0xC0 | (code >> 6));
    out += static_cast<char>(0x80 | (code & 0x3F));
  } else if (code < 0x10000) {
    out += static_cast<char>(0xE0 | (code >> 12));
    out += static_cast<char>(0x80 | ((code >> 6) & 0x3F));
    out += static_cast<char>(0x80 | (code & 0x3F));
  } else {
    out += static_cast<char>(0xF0 | (code >> 18));
    out += static_cast<char>(0x80 | ((code >> 12) & 0x3F));
    out += static_cast<char>(0x80 | ((code >> 6) & 0x3F));
    out += static_cast<char>(0x80 | (code & 0x3F));
  }
}

class Lexer {
 public:
  explicit Lexer(std::string_view text) : text_(text) {}

  LexResult run() {
    while (!result_.failed) {
      skip_blanks();
      if (at_ >= text_.size()) break;
      next();
    }
    if (!result_.failed) check_closed();
    Token end;
    end.span = {static_cast<uint32_t>(text_.size()), static_cast<uint32_t>(text_.size())};
    result_.tokens.push_back(end);
    return std::move(result_);
  }

 private:
  void fail(size_t begin, std::string message) {
    if (result_.failed) return;
    result_.failed = true;
    result_.failure = {{static_cast<uint32_t>(begin), static_cast<uint32_t>(text_.size())}, std::move(message)};
  }

  char peek(size_t ahead = 0) const { return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0'; }

  void skip_blanks() {
    while (at_ < text_.size()) {
      char c = text_[at_];
      if (c == '#') {
        while (at_ < text_.size() && text_[at_] != '\n') ++at_;
      } else if (c == ' ' || c == '\t' || c == '\n' || c == '\r') {
        ++at_;
      } else {
        return;
      }
    }
  }

  Token& push(TokenKind kind, size_t begin) {
    Token token;
    token.kind = kind;
    token.text = text_.substr(begin, at_ - begin);
    token.span = {static_cast<uint32_t>(begin), static_cast<uint32_t>(at_)};
    result_.tokens.push_back(std::move(token));
    return result_.tokens.back();
  }

  void next() {
    char c = peek();
    size_t begin = at_;
    if (c == '"' || c == '\'' || c == '`') return string(c);
    if (is_digit(c) || (c == '.' && is_digit(peek(1)))) return number();
    bool colons = open_.empty() || open_.back() == '(';
    if (is_alpha(c) || (c == ':' && colons)) {
      while (is_alpha(peek()) || is_digit(peek()) || (peek() == ':' && colons)) ++at_;
      Token& token = push(TokenKind::kIdentifier, begin);
      std::string lower = to_lower(token.text);
      if (lower == "inf" || lower == "nan") {
        token.kind = TokenKind::kNumber;
        token.number = *parse_number(lower);
      }
      return;
    }
    symbol();
  }

  void symbol() {
    static constexpr std::array<std::string_view, 6> kTwo = {"==", "!=", "<=", ">=", "=~", "!~"};
    static constexpr std::string_view kOne = "+-*/%^=<>(){}[],:@";
    size_t begin = at_;
    for (std::string_view two : kTwo) {
      if (text_.substr(at_, 2) != two) continue;
      at_ += 2;
      push(TokenKind::kSymbol, begin);
      return;
    }
    char c = peek();
    if (kOne.find(c) == std::string_view::npos) {
      return fail(begin,
                  c == '!' ? "unexpected character after '!'" : fmt::format("unexpected character: {}", rune(c)));
    }
    ++at_;
    push(TokenKind::kSymbol, begin);
    if (c == '(' || c == '{' || c == '[') {
      open_.push_back(c);
      return;
    }
    if (c != ')' && c != '}' && c != ']') return;
    char wanted = c == ')' ? '(' : c == '}' ? '{' : '[';
    if (open_.empty() || open_.back() != wanted) {
      std::string_view name = c == ')' ? "right parenthesis" : c == '}' ? "right brace" : "right bracket";
      return fail(begin, fmt::format("unexpected {} '{}'", name, c));
    }
    open_.pop_back();
  }

  static std::string rune(char c) {
    auto byte = static_cast<unsigned char>(c);
    return byte >= 0x20 && byte < 0x7f ? fmt::format("'{}'", c) : fmt::format("'\\x{:02x}'", byte);
  }

  void check_closed() {
    if (open_.empty()) return;
    std::string_view name = open_.back() == '(' ? "parenthesis" : open_.back() == '{' ? "brace" : "bracket";
    fail(text_.size(),
         open_.back() == '{' ? "unexpected end of input inside braces" : fmt::format("unclosed left {}", name));
  }

  void number() {
    size_t begin = at_;
    if (peek() == '0' && (peek(1) == 'x' || peek(1) == 'X')) {
      at_ += 2;
      while (is_hex(peek()) || peek() == '_') ++at_;
      return finish_number(begin);
    }
    while (is_digit(peek()) || peek() == '_') ++at_;
    if (is_letter_unit()) return duration(begin);
    if (peek() == '.') {
      ++at_;
      while (is_digit(peek()) || peek() == '_') ++at_;
    }
    if (peek() == 'e' || peek() == 'E') {
      size_t sign = peek(1) == '+' || peek(1) == '-' ? 1 : 0;
      if (is_digit(peek(1 + sign))) {
        at_ += 1 + sign;
        while (is_digit(peek())) ++at_;
      }
    }
    finish_number(begin);
  }

  bool is_letter_unit() const {
    char c = peek();
    return c == 'y' || c == 'w' || c == 'd' || c == 'h' || c == 'm' || c == 's';
  }

  void finish_number(size_t begin) {
    std::optional<double> value = parse_number(text_.substr(begin, at_ - begin));
    if (!value || is_alpha(peek())) {
      while (is_alpha(peek()) || is_digit(peek())) ++at_;
      return fail(begin, "bad number or duration syntax: " + quote(text_.substr(begin, at_ - begin)));
    }
    push(TokenKind::kNumber, begin).number = *value;
  }

  void duration(size_t begin) {
    while (is_digit(peek()) || is_alpha(peek())) ++at_;
    std::string_view text = text_.substr(begin, at_ - begin);
    std::optional<int64_t> millis = parse_duration(text);
    if (!millis) return fail(begin, fmt::format("bad number or duration syntax: {}", quote(text)));
    push(TokenKind::kDuration, begin).millis = *millis;
  }

  void string(char mark) {
    size_t begin = at_++;
    std::string said;
    for (;;) {
      if (at_ >= text_.size())
        return fail(begin, mark == '`' ? "unterminated raw string" : "unterminated quoted string");
      char c = text_[at_++];
      if (c == mark) break;
      if (mark != '`' && c == '\n') return fail(begin, "unterminated quoted string");
      if (mark == '`' || c != '\\') {
        said += c;
      } else if (!escape(mark, said)) {
        return fail(begin, "unknown escape sequence");
      }
    }
    push(TokenKind::kString, begin).text = std::move(said);
  }

  bool hex_escape(size_t digits, bool rune, std::string& said) {
    uint32_t code = 0;
    for (size_t i = 0; i < digits; ++i, ++at_) {
      char c = peek();
      if (!is_hex(c)) return false;
      code = code * 16 + static_cast<uint32_t>(is_digit(c) ? c - '0' : (c | 32) - 'a' + 10);
    }
    if (!rune) {
      said += static_cast<char>(code);
      return true;
    }
    if (code > 0x10FFFF || (code >= 0xD800 && code < 0xE000)) return false;
    append_utf8(code, said);
    return true;
  }

  bool escape(char mark, std::string& said) {
    static constexpr std::string_view kFrom = "abfnrtv\\";
    static constexpr std::string_view kTo = "\a\b\f\n\r\t\v\\";
    char c = peek();
    if (c >= '0' && c <= '7') {
      uint32_t code = 0;
      for (int i = 0; i < 3; ++i, ++at_) {
        if (peek() < '0' || peek() > '7') return false;
        code = code * 8 + static_cast<uint32_t>(peek() - '0');
      }
      if (code > 255) return false;
      said += static_cast<char>(code);
      return true;
    }
    ++at_;
    if (c == mark) {
      said += c;
      return true;
    }
    if (size_t i = kFrom.find(c); c != '\0' && i != std::string_view::npos) {
      said += kTo[i];
      return true;
    }
    if (c == 'x') return hex_escape(2, false, said);
    if (c == 'u') return hex_escape(4, true, said);
    if (c == 'U') return hex_escape(8, true, said);
    return false;
  }

  std::string_view text_;
  size_t at_ = 0;
  std::vector<char> open_;
  LexResult result_;
};

}  // namespace

LexResult lex(std::string_view text) { return Lexer(text).run(); }

std::string place_text(std::string_view text, size_t byte) {
  size_t line = 1;
  size_t line_begin = 0;
  for (size_t i = 0; i < byte && i < text.size(); ++i) {
    if (text[i] != '\n') continue;
    ++line;
    line_begin = i + 1;
  }
  return fmt::format("{}:{}", line, byte - line_begin + 1);
}

std::string to_lower(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
  return lower;
}

std::string quote(std::string_view text) {
  std::string out = "\"";
  for (size_t i = 0; i < text.size();) {
    auto byte = static_cast<unsigned char>(text[i]);
    size_t length = byte < 0x80 ? 1 : byte >= 0xF0 ? 4 : byte >= 0xE0 ? 3 : byte >= 0xC2 ? 2 : 0;
    bool whole = length > 0 && i + length <= text.size();
    for (size_t k = 1; whole && k < length; ++k) whole = (static_cast<unsigned char>(text[i + k]) & 0xC0) == 0x80;
    if (!whole) {
      out += fmt::format("\\x{:02x}", byte);
      ++i;
      continue;
    }
    if (byte == '"' || byte == '\\') {
      out += '\\';
      out += text[i];
    } else if (byte == '\n') {
      out += "\\n";
    } else if (byte == '\t') {
      out += "\\t";
    } else if (byte == '\r') {
      out += "\\r";
    } else if (byte < 0x20 || byte == 0x7f) {
      out += fmt::format("\\x{:02x}", byte);
    } else {
      out += text.substr(i, length);
    }
    i += length;
  }
  return out + '"';
}

}  // namespace clew::query::promql
