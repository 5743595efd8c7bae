#include "wire/loki_labels.h"

#include "text/utf8.h"

namespace clew::wire {
namespace {

using Labels = std::vector<std::pair<std::string, std::string>>;

int digit_of(char c, int base) {
  int v = -1;
  if (c >= '0' && c <= '9')
    v = c - '0';
  else if (c >= 'a' && c <= 'f')
    v = c - 'a' + 10;
  else if (c >= 'A' && c <= 'F')
    v = c - 'A' + 10;
  return v < base ? v : -1;
}

class LabelParser {
 public:
  explicit LabelParser(std::string_view text) : text_(text) {}

  Result<Labels> parse() {
    Labels out;
    if (!take('{')) return wrong("expected {");
    while (!take('}')) {
      if (!out.empty() && !take(',')) return wrong("expected , or }");
      if (!out.empty() && take('}')) return finished(std::move(out));  // Go's writers may leave a last comma
      std::string name;
      std::string value;
      if (!read_name(name)) return wrong("expected a label name");
      if (!take('=')) return wrong("expected =");
      if (!read_value(value)) return wrong("expected a quoted value");
      out.emplace_back(std::move(name), std::move(value));
    }
    return finished(std::move(out));
  }

 private:
  Result<Labels> finished(Labels out) {
    blanks();
    if (at_ != text_.size()) return wrong("nothing may follow }");
    return out;
  }

  Error wrong(std::string_view expected) const {
    return Error(Code::kInvalid,
                 "labels: " + std::string(expected) + " at byte " + std::to_string(at_) + " of " + quoted(text_));
  }

  void blanks() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\t' || text_[at_] == '\n')) ++at_;
  }

  bool take(char c) {
    blanks();
    if (at_ == text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }

  // Anything up to the =, or a quoted name as newer clients write names that are no identifiers.
  bool read_name(std::string& out) {
    blanks();
    if (at_ < text_.size() && text_[at_] == '"') return read_value(out);
    size_t begin = at_;
    while (at_ < text_.size() && std::string_view("=,{}\"` \t\n").find(text_[at_]) == std::string_view::npos) ++at_;
    out.assign(text_.substr(begin, at_ - begin));
    return at_ > begin;
  }

  bool read_value(std::string& out) {
    blanks();
    if (at_ == text_.size()) return false;
    char quote = text_[at_];
    if (quote != '"' && quote != '`') return false;
    for (++at_; at_ < text_.size() && text_[at_] != quote;) {
      if (text_[at_] != '\\' || quote == '`')
        out.push_back(text_[at_++]);
      else if (!read_escape(out))
        return false;
    }
    if (at_ == text_.size()) return false;
    ++at_;
    return true;
  }

  bool read_escape(std::string& out) {
    constexpr std::string_view kNames = "abfnrtv\\'\"";
    constexpr std::string_view kBytes = "\a\b\f\n\r\t\v\\'\"";
    if (++at_ == text_.size()) return false;
    char c = text_[at_];
    size_t simple = kNames.find(c);
    if (simple != std::string_view::npos) {
      out.push_back(kBytes[simple]);
      ++at_;
      return true;
    }
    if (c >= '0' && c <= '7') return read_code(out, 3, 8, false);
    ++at_;
    if (c == 'x') return read_code(out, 2, 16, false);
    if (c == 'u') return read_code(out, 4, 16, true);
    return c == 'U' && read_code(out, 8, 16, true);
  }

  bool read_code(std::string& out, size_t digits, int base, bool is_character) {
    if (text_.size() - at_ < digits) return false;
    uint32_t v = 0;
    for (size_t i = 0; i < digits; ++i, ++at_) {
      int digit = digit_of(text_[at_], base);
      if (digit < 0) return false;
      v = v * static_cast<uint32_t>(base) + static_cast<uint32_t>(digit);
    }
    if (!is_character) {
      if (v > 0xFF) return false;
      out.push_back(static_cast<char>(v));
      return true;
    }
    if (v > 0x10FFFF || (v >= 0xD800 && v < 0xE000)) return false;
    text::append_utf8(v, out);
    return true;
  }

  std::string_view text_;
  size_t at_ = 0;
};

}  // namespace

Result<Labels> parse_loki_labels(std::string_view text) { return LabelParser(text).parse(); }

}  // namespace clew::wire
