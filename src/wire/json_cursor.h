// Walks JSON whose grammar was checked before.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "wire/json_scan.h"

namespace clew::wire {

// Threads:  one.
// Requires: a text that check_json passed; each function is called where its value begins.
class JsonCursor {
 public:
  JsonCursor() = default;
  explicit JsonCursor(std::string_view json) : at_(json.data()), end_(json.data() + json.size()) {}

  // The first byte of the value: { [ " t f n, or one of a number.
  char peek() {
    at_ = scan::blanks<Newlines::kBlank>(at_, end_);
    return *at_;
  }
  const char* position() const { return at_; }
  // Goes back to where position() was.
  void rewind(const char* position) { at_ = position; }

  // { or [.
  void enter() { ++at_; }
  // After enter(): true when another member or element begins here; false when the object or array was left.
  bool more() {
    char c = peek();
    if (c == ',') {
      ++at_;
      c = peek();
    }
    if (c != '}' && c != ']') return true;
    ++at_;
    return false;
  }
  // A member's key, its escapes left alone; the value follows.
  std::string_view key() {
    std::string_view raw = raw_string();
    (void)peek();
    ++at_;
    (void)peek();
    return raw;
  }

  struct Token {
    std::string_view text;  // of a string unescaped, else as it stands; may point into the buffer
    bool quoted = false;
  };
  // Any value but an object or array.
  Token token(std::string& buffer) {
    const char* begin = at_;
    if (*at_ != '"') {
      skip();
      return {{begin, static_cast<size_t>(at_ - begin)}, false};
    }
    std::string_view raw = raw_string();
    if (raw.find('\\') == std::string_view::npos) return {raw, true};
    buffer.clear();
    (void)append_unescaped(raw, buffer);
    return {buffer, true};
  }
  bool is_scalar() const { return *at_ != '{' && *at_ != '['; }
  void skip() {
    SkipInfo info;
    at_ = skip_value(at_, end_, Grammar::kIngest, Newlines::kBlank, info);
  }

 private:
  std::string_view raw_string() {
    unsigned seen = 0;
    const char* begin = at_ + 1;
    const char* quote = scan::string_end(begin, end_, seen);
    at_ = quote + 1;
    return {begin, static_cast<size_t>(quote - begin)};
  }

  const char* at_ = nullptr;
  const char* end_ = nullptr;
};

// Checks that a text is one JSON value, nested at most `depth_max` deep.
// Errors: kInvalid with the byte offset; kTooLarge when it is deeper.
inline Status check_json(std::string_view json, size_t depth_max) {
  const char* begin = json.data();
  const char* end = begin + json.size();
  SkipInfo info;
  const char* p = skip_value(scan::blanks<Newlines::kBlank>(begin, end), end, Grammar::kIngest, Newlines::kBlank, info);
  const char* stop = p == nullptr ? info.error_at : scan::blanks<Newlines::kBlank>(p, end);
  if (p == nullptr || stop != end) {
    return Error(Code::kInvalid, "malformed JSON at byte " + std::to_string(stop - begin));
  }
  if (info.depth > depth_max) {
    return Error(Code::kTooLarge, "JSON nested deeper than " + std::to_string(depth_max) + " levels");
  }
  return {};
}

}  // namespace clew::wire
