#include "columnar/json_value.h"

#include <optional>
#include <string>

#include "columnar/to_vector.h"
#include "model/column.h"
#include "text/utf8.h"

namespace clew::columnar {
namespace {

using model::Value;

// A recursive reader; `at_` moves behind what was read. Empty optional: malformed.
class JsonCursor {
 public:
  explicit JsonCursor(std::string_view text) : text_(text) {}

  std::optional<Value> document() {
    std::optional<Value> v = value(0);
    skip_space();
    if (at_ != text_.size()) return std::nullopt;
    return v;
  }

 private:
  void skip_space() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\t' || text_[at_] == '\n' || text_[at_] == '\r'))
      ++at_;
  }
  bool take(char c) {
    skip_space();
    if (at_ >= text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  bool take_word(std::string_view word) {
    if (text_.substr(at_, word.size()) != word) return false;
    at_ += word.size();
    return true;
  }

  std::optional<Value> value(int depth) {
    skip_space();
    if (depth > kJsonDepthMax || at_ >= text_.size()) return std::nullopt;
    switch (text_[at_]) {
      case '{': return object(depth);
      case '[': return array(depth);
      case '"': return string();
      case 't': return take_word("true") ? std::optional(Value::boolean(true)) : std::nullopt;
      case 'f': return take_word("false") ? std::optional(Value::boolean(false)) : std::nullopt;
      case 'n': return take_word("null") ? std::optional(Value()) : std::nullopt;
      default: return number();
    }
  }

  std::optional<Value> array(int depth) {
    ++at_;
    model::Values items;
    if (take(']')) return Value::array(std::move(items));
    do {
      std::optional<Value> item = value(depth + 1);
      if (!item) return std::nullopt;
      items.push_back(std::move(*item));
    } while (take(','));
    if (!take(']')) return std::nullopt;
    return Value::array(std::move(items));
  }

  std::optional<Value> object(int depth) {
    ++at_;
    model::Members members;
    if (take('}')) return Value::structure(std::move(members));
    do {
      skip_space();
      std::optional<Value> name = string();
      if (!name || !take(':')) return std::nullopt;
      std::optional<Value> item = value(depth + 1);
      if (!item) return std::nullopt;
      members.emplace_back(name->text(), std::move(*item));
    } while (take(','));
    if (!take('}')) return std::nullopt;
    return Value::structure(std::move(members));
  }

  std::optional<Value> number() {
    size_t end = at_;
    while (end < text_.size() && std::string_view("+-.0123456789eE").find(text_[end]) != std::string_view::npos) ++end;
    if (end == at_) return std::nullopt;
    model::Column column("n");
    column.add_number(0, text_.substr(at_, end - at_));
    at_ = end;
    model::RestField field;
    field.kind = column.runs()[0].kind;
    if (model::kind_has_int(field.kind)) field.lane = column.ints()[0];
    if (field.kind == model::Kind::kDecimal) field.scale = column.scales()[0];
    if (model::kind_has_text(field.kind)) field.text = column.text_at(0);
    return to_value(field);
  }

  std::optional<char32_t> hex4() {
    char32_t v = 0;
    for (int i = 0; i < 4; ++i, ++at_) {
      if (at_ >= text_.size()) return std::nullopt;
      char c = text_[at_];
      int digit = c >= '0' && c <= '9'   ? c - '0'
                  : c >= 'a' && c <= 'f' ? c - 'a' + 10
                  : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                         : -1;
      if (digit < 0) return std::nullopt;
      v = v * 16 + static_cast<char32_t>(digit);
    }
    return v;
  }

  // A character of \uXXXX; of a pair of surrogates both halves. Half a pair becomes U+FFFD.
  bool escaped_char(std::string& out) {
    std::optional<char32_t> c = hex4();
    if (!c) return false;
    if (*c >= 0xD800 && *c < 0xDC00 && text_.substr(at_, 2) == "\\u") {
      size_t back = at_;
      at_ += 2;
      std::optional<char32_t> low = hex4();
      if (low && *low >= 0xDC00 && *low < 0xE000) {
        c = 0x10000 + ((*c - 0xD800) << 10) + (*low - 0xDC00);
      } else {
        at_ = back;
      }
    }
    text::append_utf8(*c >= 0xD800 && *c < 0xE000 ? 0xFFFD : *c, out);
    return true;
  }

  std::optional<Value> string() {
    if (at_ >= text_.size() || text_[at_] != '"') return std::nullopt;
    ++at_;
    std::string out;
    while (at_ < text_.size() && text_[at_] != '"') {
      if (text_[at_] != '\\') {
        out.push_back(text_[at_++]);
        continue;
      }
      if (++at_ >= text_.size()) return std::nullopt;
      char c = text_[at_++];
      switch (c) {
        case 'b': out.push_back('\b'); break;
        case 'f': out.push_back('\f'); break;
        case 'n': out.push_back('\n'); break;
        case 'r': out.push_back('\r'); break;
        case 't': out.push_back('\t'); break;
        case 'u':
          if (!escaped_char(out)) return std::nullopt;
          break;
        default: out.push_back(c);
      }
    }
    if (at_ >= text_.size()) return std::nullopt;
    ++at_;
    return Value::string(std::move(out));
  }

  std::string_view text_;
  size_t at_ = 0;
};

}  // namespace

Value json_value(std::string_view text) {
  if (text.empty()) return {};
  std::optional<Value> v = JsonCursor(text).document();
  return v ? std::move(*v) : Value::string(std::string(text));
}

}  // namespace clew::columnar
