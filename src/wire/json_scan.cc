#include "wire/json_scan.h"

#include <vector>

#include "text/utf8.h"

namespace clew::wire {
namespace {

constexpr size_t kLevelsInWord = 64;

// Which of the open levels are objects; the first 64 need no memory.
class Levels {
 public:
  size_t depth() const { return depth_; }
  void push(bool object) {
    if (depth_ < kLevelsInWord) {
      uint64_t bit = uint64_t{1} << depth_;
      word_ = object ? word_ | bit : word_ & ~bit;
    } else {
      more_.push_back(object);
    }
    ++depth_;
  }
  void pop() {
    if (--depth_ >= kLevelsInWord) more_.pop_back();
  }
  bool top_is_object() const {
    return depth_ <= kLevelsInWord ? (word_ >> (depth_ - 1) & 1) != 0 : static_cast<bool>(more_.back());
  }

 private:
  uint64_t word_ = 0;
  size_t depth_ = 0;
  std::vector<bool> more_;
};

uint32_t hex4(const char* p) {
  uint32_t v = 0;
  for (int i = 0; i < 4; ++i) {
    char c = p[i];
    uint32_t digit = scan::is_digit(c) ? static_cast<uint32_t>(c - '0') : static_cast<uint32_t>((c | 0x20) - 'a') + 10;
    v = v << 4 | digit;
  }
  return v;
}

bool is_high_surrogate(uint32_t c) { return c >= 0xD800 && c < 0xDC00; }
bool is_low_surrogate(uint32_t c) { return c >= 0xDC00 && c < 0xE000; }

bool has_lone_surrogate(std::string_view raw) {
  std::string text;
  return append_unescaped(raw, text).lone_surrogate;
}

constexpr std::string_view kNotNumbers[] = {"NaN", "Infinity", "-Infinity"};

class Skipper {
 public:
  Skipper(const char* p, const char* end, Grammar grammar, Newlines newlines, SkipInfo& info)
      : p_(p), end_(end), grammar_(grammar), newlines_(newlines), info_(info) {}

  const char* run() {
    if (!value()) return fail();
    while (levels_.depth() > 0) {
      if (!step()) return fail();
    }
    return p_;
  }

 private:
  const char* fail() {
    info_.error_at = p_;
    return nullptr;
  }
  void blanks() {
    const char* from = p_;
    p_ = newlines_ == Newlines::kBlank ? scan::blanks<Newlines::kBlank>(p_, end_)
                                       : scan::blanks<Newlines::kEndDocument>(p_, end_);
    info_.blanks = info_.blanks || p_ != from;
  }
  bool take(char c) {
    if (p_ == end_ || *p_ != c) return false;
    ++p_;
    return true;
  }
  bool move_to(const char* after) {
    if (after == nullptr) return false;
    p_ = after;
    return true;
  }

  bool string() {
    unsigned seen = 0;
    const char* begin = p_ + 1;
    const char* quote = scan::string_end(begin, end_, seen);
    if (quote == nullptr) return false;
    std::string_view raw(begin, static_cast<size_t>(quote - begin));
    if ((seen & kSawHigh) != 0) {
      info_.high = true;
      if (grammar_ == Grammar::kStrict && !text::is_valid_utf8(raw)) return false;
    }
    if ((seen & kSawEscape) != 0 && has_lone_surrogate(raw)) {
      info_.lone_surrogate = true;
      if (grammar_ == Grammar::kStrict) return false;
    }
    p_ = quote + 1;
    return true;
  }

  bool not_a_number() {
    if (grammar_ == Grammar::kStrict) return false;
    for (std::string_view word : kNotNumbers) {
      if (!move_to_if(scan::word_end(p_, end_, word))) continue;
      info_.not_a_number = true;
      return true;
    }
    return false;
  }
  bool move_to_if(const char* after) { return after != nullptr && move_to(after); }

  // A value, or the opening of one and its first member or element.
  bool value() {
    if (p_ == end_) return false;
    switch (*p_) {
      case '"': return string();
      case '{': return open(true);
      case '[': return open(false);
      case 't': return move_to(scan::word_end(p_, end_, "true"));
      case 'f': return move_to(scan::word_end(p_, end_, "false"));
      case 'n': return move_to(scan::word_end(p_, end_, "null"));
      default: return move_to_if(scan::number_end(p_, end_)) || not_a_number();
    }
  }

  bool open(bool object) {
    ++p_;
    levels_.push(object);
    if (levels_.depth() > info_.depth) info_.depth = levels_.depth();
    blanks();
    if (take(object ? '}' : ']')) {
      levels_.pop();
      return true;
    }
    fresh_ = true;
    return true;
  }

  // What follows a value or an opening on the innermost level.
  bool step() {
    bool object = levels_.top_is_object();
    blanks();
    if (!fresh_) {
      if (take(object ? '}' : ']')) {
        levels_.pop();
        return true;
      }
      if (!take(',')) return false;
      blanks();
    }
    fresh_ = false;
    if (object) {
      if (p_ == end_ || *p_ != '"' || !string()) return false;
      blanks();
      if (!take(':')) return false;
      blanks();
    }
    return value();
  }

  const char* p_;
  const char* end_;
  Grammar grammar_;
  Newlines newlines_;
  SkipInfo& info_;
  Levels levels_;
  bool fresh_ = false;  // the innermost level has been opened and has nothing yet
};

}  // namespace

Unescaped append_unescaped(std::string_view raw, std::string& out) {
  Unescaped result;
  size_t from = 0;
  for (size_t at = raw.find('\\'); at != std::string_view::npos; at = raw.find('\\', from)) {
    out.append(raw.substr(from, at - from));
    char c = raw[at + 1];
    from = at + 2;
    switch (c) {
      case 'b': out.push_back('\b'); break;
      case 'f': out.push_back('\f'); break;
      case 'n': out.push_back('\n'); break;
      case 'r': out.push_back('\r'); break;
      case 't': out.push_back('\t'); break;
      case 'u': {
        uint32_t code = hex4(raw.data() + from);
        from += 4;
        bool pair = is_high_surrogate(code) && raw.size() - from >= 6 && raw[from] == '\\' && raw[from + 1] == 'u' &&
                    is_low_surrogate(hex4(raw.data() + from + 2));
        if (pair) {
          code = 0x10000 + ((code - 0xD800) << 10) + (hex4(raw.data() + from + 2) - 0xDC00);
          from += 6;
        }
        if (code >= 0xD800 && code < 0xE000) {
          result.lone_surrogate = true;
          out.append(raw.substr(at, 6));
        } else {
          text::append_utf8(code, out);
        }
        break;
      }
      default: out.push_back(c);
    }
  }
  out.append(raw.substr(from));
  return result;
}

const char* skip_value(const char* p, const char* end, Grammar grammar, Newlines newlines, SkipInfo& info) {
  return Skipper(p, end, grammar, newlines, info).run();
}

void append_compact(std::string_view value, std::string& out) {
  const char* p = value.data();
  const char* end = p + value.size();
  while (p != end) {
    if (*p == '"') {
      unsigned seen = 0;
      const char* quote = scan::string_end(p + 1, end, seen);
      if (quote == nullptr) return;
      out.append(p, quote + 1);
      p = quote + 1;
      continue;
    }
    if (*p == ' ' || *p == '\t' || *p == '\r' || *p == '\n') {
      ++p;
      continue;
    }
    const char* word = nullptr;
    for (std::string_view name : kNotNumbers) {
      if (word == nullptr) word = scan::word_end(p, end, name);
    }
    if (word != nullptr) {
      out.push_back('"');
      out.append(p, word);
      out.push_back('"');
      p = word;
      continue;
    }
    out.push_back(*p++);
  }
}

bool is_json(std::string_view text) {
  const char* end = text.data() + text.size();
  SkipInfo info;
  const char* p = scan::blanks<Newlines::kBlank>(text.data(), end);
  p = skip_value(p, end, Grammar::kStrict, Newlines::kBlank, info);
  return p != nullptr && scan::blanks<Newlines::kBlank>(p, end) == end;
}

}  // namespace clew::wire
