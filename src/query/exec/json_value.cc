#include "query/exec/json_value.h"

#include <charconv>
#include <cstdlib>
#include <string>

#include "text/utf8.h"

namespace clew::query::exec {

using model::Value;

namespace {

class JsonReader {
 public:
  explicit JsonReader(std::string_view text) : text_(text) {}

  Result<Value> whole() {
    Value value = CLEW_TRY(read(0));
    blanks();
    if (at_ != text_.size()) return bad();
    return value;
  }

 private:
  static Error bad() { return Error(Code::kInvalid, "not a JSON value"); }

  void blanks() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\t' || text_[at_] == '\n' || text_[at_] == '\r'))
      ++at_;
  }
  bool take(char c) {
    blanks();
    if (at_ >= text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  bool take_word(std::string_view word) {
    if (text_.substr(at_, word.size()) != word) return false;
    at_ += word.size();
    return true;
  }

  Result<Value> read(int depth) {
    if (depth > kJsonDepthMax) return bad();
    blanks();
    if (at_ >= text_.size()) return bad();
    switch (text_[at_]) {
      case '{': return read_object(depth);
      case '[': return read_array(depth);
      case '"': {
        std::string text = CLEW_TRY(read_string());
        return Value::string(std::move(text));
      }
      case 't': return take_word("true") ? Result<Value>(Value::boolean(true)) : bad();
      case 'f': return take_word("false") ? Result<Value>(Value::boolean(false)) : bad();
      case 'n': return take_word("null") ? Result<Value>(Value()) : bad();
      default: return read_number();
    }
  }

  Result<Value> read_object(int depth) {
    ++at_;
    model::Members members;
    if (take('}')) return Value::structure(std::move(members));
    do {
      blanks();
      if (at_ >= text_.size() || text_[at_] != '"') return bad();
      std::string key = CLEW_TRY(read_string());
      if (!take(':')) return bad();
      Value value = CLEW_TRY(read(depth + 1));
      members.emplace_back(std::move(key), std::move(value));
    } while (take(','));
    if (!take('}')) return bad();
    return Value::structure(std::move(members));
  }

  Result<Value> read_array(int depth) {
    ++at_;
    model::Values items;
    if (take(']')) return Value::array(std::move(items));
    do {
      Value value = CLEW_TRY(read(depth + 1));
      items.push_back(std::move(value));
    } while (take(','));
    if (!take(']')) return bad();
    return Value::array(std::move(items));
  }

  Result<Value> read_number() {
    size_t begin = at_;
    while (at_ < text_.size() && (std::string_view("+-.eE").find(text_[at_]) != std::string_view::npos ||
                                  (text_[at_] >= '0' && text_[at_] <= '9'))) {
      ++at_;
    }
    std::string_view token = text_.substr(begin, at_ - begin);
    const char* end = token.data() + token.size();
    auto whole = [&](std::from_chars_result read) { return read.ec == std::errc() && read.ptr == end; };
    int64_t i = 0;
    if (token != "-0" && whole(std::from_chars(token.data(), end, i))) return Value::bigint(i);
    uint64_t u = 0;
    if (whole(std::from_chars(token.data(), end, u))) return Value::ubigint(u);
    double d = 0;
    auto [dend, derror] = std::from_chars(token.data(), end, d);
    if (dend != end || token.empty()) return bad();
    if (derror == std::errc()) return Value::real(d);
    // Beyond what a double holds: infinite, or zero.
    if (derror == std::errc::result_out_of_range) return Value::real(std::strtod(std::string(token).c_str(), nullptr));
    return bad();
  }

  Result<uint32_t> read_hex4() {
    uint32_t c = 0;
    if (at_ + 4 > text_.size()) return bad();
    auto [end, error] = std::from_chars(text_.data() + at_, text_.data() + at_ + 4, c, 16);
    if (error != std::errc() || end != text_.data() + at_ + 4) return bad();
    at_ += 4;
    return c;
  }

  Status read_escape(std::string& out) {
    if (at_ >= text_.size()) return bad();
    char c = text_[at_++];
    switch (c) {
      case 'b': out.push_back('\b'); return {};
      case 'f': out.push_back('\f'); return {};
      case 'n': out.push_back('\n'); return {};
      case 'r': out.push_back('\r'); return {};
      case 't': out.push_back('\t'); return {};
      case 'u': break;
      case '"':
      case '\\':
      case '/': out.push_back(c); return {};
      default: return bad();
    }
    uint32_t code = CLEW_TRY(read_hex4());
    size_t behind = at_;
    if (code >= 0xd800 && code < 0xdc00 && take_word("\\u")) {
      uint32_t low = CLEW_TRY(read_hex4());
      if (low >= 0xdc00 && low < 0xe000) {
        code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
      } else {
        at_ = behind;
      }
    }
    // Half a pair is no character.
    text::append_utf8(code >= 0xd800 && code < 0xe000 ? 0xfffd : code, out);
    return {};
  }

  Result<std::string> read_string() {
    ++at_;
    std::string out;
    while (at_ < text_.size()) {
      char c = text_[at_++];
      if (c == '"') return out;
      if (c == '\\') {
        CLEW_TRY(read_escape(out));
      } else {
        out.push_back(c);
      }
    }
    return bad();
  }

  std::string_view text_;
  size_t at_ = 0;
};

}  // namespace

Result<Value> parse_json(std::string_view text) { return JsonReader(text).whole(); }

}  // namespace clew::query::exec
