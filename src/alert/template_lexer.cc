#include "alert/template_lexer.h"

#include <algorithm>
#include <charconv>

#include "text/utf8.h"

namespace clew::alert {
namespace {

using Kind = TemplateWord::Kind;

constexpr std::string_view kBlanks = " \t\r\n";

bool is_word_byte(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
         static_cast<unsigned char>(c) >= 0x80;
}

class Lexer {
 public:
  explicit Lexer(std::string_view text) : text_(text) {}

  Result<std::vector<TemplateWord>> run() {
    while (at_ < text_.size()) CLEW_TRY(outside());
    add(Kind::kEnd, "");
    return std::move(words_);
  }

 private:
  void add(Kind kind, std::string text) { words_.push_back({kind, std::move(text), line_}); }
  bool starts(std::string_view with) const { return text_.substr(at_).starts_with(with); }
  void pass(size_t bytes) {
    line_ += static_cast<uint32_t>(std::count(text_.begin() + static_cast<std::ptrdiff_t>(at_),
                                              text_.begin() + static_cast<std::ptrdiff_t>(at_ + bytes), '\n'));
    at_ += bytes;
  }

  Status outside() {
    size_t open = text_.find("{{", at_);
    std::string_view raw = text_.substr(at_, open == std::string_view::npos ? open : open - at_);
    std::string_view kept = raw;
    if (trim_next_) kept.remove_prefix(std::min(kept.find_first_not_of(kBlanks), kept.size()));
    trim_next_ = false;
    bool trims = open != std::string_view::npos && text_.substr(open).starts_with("{{-") && open + 3 < text_.size() &&
                 kBlanks.find(text_[open + 3]) != std::string_view::npos;
    if (trims) kept = kept.substr(0, kept.find_last_not_of(kBlanks) + 1);
    if (!kept.empty()) add(Kind::kText, std::string(kept));
    pass(raw.size());
    if (open == std::string_view::npos) return {};
    pass(trims ? 3 : 2);
    return inside();
  }

  Status inside() {
    uint32_t begun = line_;
    size_t skipped = std::min(text_.find_first_not_of(kBlanks, at_), text_.size()) - at_;
    if (text_.substr(at_ + skipped).starts_with("/*")) {
      pass(skipped);
      return comment();
    }
    add(Kind::kOpen, "");
    while (at_ < text_.size()) {
      if (closes()) {
        add(Kind::kClose, "");
        return {};
      }
      CLEW_TRY(word());
    }
    return template_mistake(begun, "{{ without }}");
  }

  // Passes a `}}` or ` -}}`.
  bool closes() {
    size_t blanks = std::min(text_.find_first_not_of(kBlanks, at_), text_.size()) - at_;
    if (blanks > 0 && text_.substr(at_ + blanks).starts_with("-}}")) {
      pass(blanks + 3);
      trim_next_ = true;
      return true;
    }
    if (!text_.substr(at_ + blanks).starts_with("}}")) return false;
    pass(blanks + 2);
    return true;
  }

  Status comment() {
    size_t end = text_.find("*/", at_);
    if (end == std::string_view::npos) return template_mistake(line_, "a comment without */");
    pass(end + 2 - at_);
    if (!closes()) return template_mistake(line_, "a comment ends with */}}");
    return {};
  }

  Status word() {
    char c = text_[at_];
    if (kBlanks.find(c) != std::string_view::npos) {
      pass(std::min(text_.find_first_not_of(kBlanks, at_), text_.size()) - at_);
      add(Kind::kSpace, "");
      return {};
    }
    if (starts(":=")) return punctuation(Kind::kDeclare, 2);
    switch (c) {
      case '=': return punctuation(Kind::kAssign, 1);
      case '|': return punctuation(Kind::kPipe, 1);
      case ',': return punctuation(Kind::kComma, 1);
      case '(': return punctuation(Kind::kLeft, 1);
      case ')': return punctuation(Kind::kRight, 1);
      case '"': return string();
      case '`': return raw_string();
      case '\'': return character();
      default: break;
    }
    bool digit_behind = at_ + 1 < text_.size() && text_[at_ + 1] >= '0' && text_[at_ + 1] <= '9';
    if ((c >= '0' && c <= '9') || ((c == '-' || c == '+' || c == '.') && digit_behind)) return number();
    if (c == '.' || c == '$' || is_word_byte(c)) return name();
    return template_mistake(line_, "unexpected " + quoted(std::string_view(&text_[at_], 1)) + " in an action");
  }

  Status punctuation(Kind kind, size_t bytes) {
    add(kind, "");
    pass(bytes);
    return {};
  }

  Status name() {
    char c = text_[at_];
    size_t begin = at_ + (c == '.' || c == '$' ? 1 : 0);
    size_t end = begin;
    while (end < text_.size() && is_word_byte(text_[end])) ++end;
    std::string word(text_.substr(begin, end - begin));
    if (c == '.') {
      add(Kind::kField, std::move(word));
    } else if (c == '$') {
      add(Kind::kVariable, "$" + word);
    } else {
      add(Kind::kName, std::move(word));
    }
    pass(end - at_);
    return {};
  }

  Status number() {
    size_t end = at_ + 1;
    while (end < text_.size()) {
      char c = text_[end];
      bool exponent_sign = (c == '-' || c == '+') && (text_[end - 1] == 'e' || text_[end - 1] == 'E');
      if (!is_word_byte(c) && c != '.' && !exponent_sign) break;
      ++end;
    }
    add(Kind::kNumber, std::string(text_.substr(at_, end - at_)));
    pass(end - at_);
    return {};
  }

  Status raw_string() {
    size_t end = text_.find('`', at_ + 1);
    if (end == std::string_view::npos) return template_mistake(line_, "a text without its closing `");
    add(Kind::kString, std::string(text_.substr(at_ + 1, end - at_ - 1)));
    pass(end + 1 - at_);
    return {};
  }

  Status string() {
    std::string out;
    size_t at = at_ + 1;
    while (true) {
      if (at >= text_.size() || text_[at] == '\n') return template_mistake(line_, "a text without its closing \"");
      if (text_[at] == '"') break;
      if (text_[at] != '\\') {
        out += text_[at++];
        continue;
      }
      at = CLEW_TRY(escape(at + 1, out));
    }
    add(Kind::kString, std::move(out));
    pass(at + 1 - at_);
    return {};
  }

  Status character() {
    std::string out;
    size_t at = at_ + 1;
    if (at < text_.size() && text_[at] == '\\') {
      at = CLEW_TRY(escape(at + 1, out));
    } else {
      while (at < text_.size() && text_[at] != '\'' && text_[at] != '\n') out += text_[at++];
    }
    text::Decoded decoded = out.empty() ? text::Decoded() : text::decode_utf8(out, 0);
    if (at >= text_.size() || text_[at] != '\'' || decoded.bytes != out.size()) {
      return template_mistake(line_, "a character as 'a' has one between its quotes");
    }
    add(Kind::kCharacter, std::to_string(static_cast<uint32_t>(decoded.c)));
    pass(at + 1 - at_);
    return {};
  }

  // What stands behind a backslash, at `at`; gives the place behind it.
  Result<size_t> escape(size_t at, std::string& out) {
    if (at >= text_.size()) return template_mistake(line_, "a text ends with a backslash");
    constexpr std::string_view kNames = "abfnrtv\\\"'";
    constexpr std::string_view kMeans = "\a\b\f\n\r\t\v\\\"'";
    char c = text_[at];
    if (size_t known = kNames.find(c); known != std::string_view::npos) {
      out += kMeans[known];
      return at + 1;
    }
    size_t digits = c == 'x' ? 2 : c == 'u' ? 4 : c == 'U' ? 8 : 0;
    bool octal = c >= '0' && c <= '7';
    std::string_view number = text_.substr(octal ? at : at + 1, octal ? 3 : digits);
    uint32_t code = 0;
    auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), code, octal ? 8 : 16);
    if ((!octal && digits == 0) || error != std::errc() || end != number.data() + number.size() || number.empty() ||
        code > 0x10FFFF) {
      return template_mistake(line_, "unknown escape \\" + std::string(1, c) + " in a text");
    }
    if (c == 'u' || c == 'U') {
      text::append_utf8(code, out);
    } else {
      out += static_cast<char>(code);
    }
    return at + (octal ? 3 : 1 + digits);
  }

  std::string_view text_;
  size_t at_ = 0;
  uint32_t line_ = 1;
  bool trim_next_ = false;
  std::vector<TemplateWord> words_;
};

}  // namespace

Error template_mistake(uint32_t line, const std::string& message) {
  return Error(Code::kInvalid, "template:" + std::to_string(line) + ": " + message);
}

Result<std::vector<TemplateWord>> split_template(std::string_view text) { return Lexer(text).run(); }

}  // namespace clew::alert
